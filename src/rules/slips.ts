/**
 * What people slip into rule files from spreadsheets, other languages and other countries' habits, and how
 * it is written here. These make hints only: nothing is taken for what it was probably meant to be.
 */

interface Piece {
  readonly kind: string
  readonly text: string
  readonly offset: number
  readonly end: number
}

/** A character that no formula has. */
export const strangeSigns: ReadonlyMap<string, string> = new Map([
  ['×', 'to multiply, write *'],
  ['·', 'to multiply, write *'],
  ['÷', 'to divide, write /'],
  ['−', 'to subtract, write -'],
  ['–', 'to subtract, write -'],
  ['≥', 'write >='],
  ['≤', 'write <='],
  ['≠', 'write !='],
  ['“', 'write straight quotes: "…"'],
  ['”', 'write straight quotes: "…"'],
  ['„', 'write straight quotes: "…"'],
  ['‘', "write straight quotes: '…'"],
  ['’', "write straight quotes: '…'"],
  ['€', 'write the money as EUR'],
  ['£', 'write the money as GBP'],
  ['$', 'write the money by its three letters, such as USD'],
  [';', 'a formula is one expression'],
  [':', 'write if … then … else …'],
])

const strangeWords: ReadonlyMap<string, string> = new Map([
  ['AND', 'write and'],
  ['OR', 'write or'],
  ['NOT', 'write not'],
  ['IN', 'write in'],
  ['x', 'to multiply, write *'],
  ['times', 'to multiply, write *'],
  ['plus', 'write +'],
  ['minus', 'write -'],
  ['is', 'to compare, write =='],
  ['equals', 'to compare, write =='],
  ['mod', 'there is no remainder: use floor(…)'],
  ['percent', 'divide by 100 instead: 5 % is 0.05'],
])

/** Twice as many in all are as many again on top. */
function onTop(times: string, currency: string): string {
  const more = Number(times) - 1
  const share = more > 0 ? String(Number(more.toFixed(6))) : '0.5'
  return `for ${times} times as many in all, give the rest on top: ${currency} = ${share} * awarded(rule)`
}

/** What to write instead of a token that does not fit after the one before it. */
export function tokenHint(before: Piece | undefined, { kind, text, offset }: Piece): string | undefined {
  const word = strangeWords.get(text)
  if (word !== undefined) return word
  if (before === undefined) return undefined
  const pair = `${before.end === offset ? before.text : ''}${text}`
  if (pair === '<>') return 'for unequal, write !='
  if (text === '.' && before.kind === 'number') return 'write the number without separators of thousands'
  if (text === ',' && before.kind === 'number') return 'write decimals with a point: 1.5'
  if (/^e\d*$/i.test(text) && before.kind === 'number') return 'write the number with all its digits'
  if (kind === 'number' && /^[A-Z]{3}$/.test(before.text)) return `write ${text} ${before.text}`
  return undefined
}

/** `=` where nothing of the kind stands: the comparison that was meant. */
export function equalsHint(source: string, offset: number): string {
  if (source[offset + 1] === '>') return 'write >='
  if (source[offset + 1] === '<') return 'write <='
  return 'to compare, write =='
}

/** The ISO name of money that is written by its sign or in small letters, or null. */
export function moneyName(word: string): string | null {
  const signs: Record<string, string> = { '€': 'EUR', '£': 'GBP', '¥': 'JPY', euro: 'EUR', euros: 'EUR' }
  if (Object.hasOwn(signs, word.toLowerCase())) return signs[word.toLowerCase()]!
  return /^[a-z]{3}$/.test(word) ? word.toUpperCase() : null
}

/** A number as it is written elsewhere: `1,5`, `25,000`, `.05`, `5%`, `3€`, `40beans`. */
export function numberHint(text: string): string | undefined {
  if (/^-?\d+(,\d+)+(\.\d+)?$/.test(text))
    return `write it with a decimal point and without separators: ${pointed(text)}`
  if (/^-?\d{1,3}(\.\d{3})+,\d+$/.test(text)) {
    return `write it with a decimal point and without separators: ${text.replaceAll('.', '').replace(',', '.')}`
  }
  if (/^-?\.\d+$/.test(text)) return `a number begins with a digit: ${text.replace('.', '0.')}`
  if (/^\d+(\.\d+)?e[+-]?\d+$/i.test(text)) return 'write the number with all its digits'
  if (/^\d+(\.\d+)?%$/.test(text)) return 'there are no percents: 5 points per 100 EUR are 5 % of the money'
  const glued = /^(\d+(?:\.\d+)?)(x|\p{L}{2,}|\p{Sc})$/u.exec(text)
  if (glued && glued[2] !== 'x') return `write a space between: ${glued[1]} ${moneyOf(glued[2]!)}`
  if (glued) return onTop(glued[1]!, 'points')
  return undefined
}

function moneyOf(word: string): string {
  return /^\p{Sc}$/u.test(word) ? (moneyName(word) ?? word) : word
}

// 0,05 and 1,50 are decimals; 25,000 is a separator of thousands.
function pointed(text: string): string {
  const parts = text.split(',')
  const thousands = !/^-?0/.test(text) && parts.slice(1).every((part) => /^\d{3}(\.\d+)?$/.test(part))
  return thousands ? parts.join('') : parts.join('.')
}

/** A day as it is written in other orders: the one that this is, or both that it may be. */
export function dayHint(text: string): string | undefined {
  const match = /^(\d{1,4})([./-])(\d{1,2})\2(\d{1,4})$/.exec(text.trim())
  if (match) {
    const [first, middle, last] = [match[1]!, match[3]!, match[4]!]
    if (first.length === 4) return written(first, middle, last)
    if (last.length === 4 && match[2] === '.') return written(last, middle, first)
    if (last.length === 4) {
      if (Number(first) > 12) return written(last, middle, first)
      if (Number(middle) > 12) return written(last, first, middle)
      return `write the year first: ${iso(last, middle, first)} or ${iso(last, first, middle)}`
    }
  }
  if (/^\d{8}$/.test(text)) return written(text.slice(0, 4), text.slice(4, 6), text.slice(6))
  if (/^\d{4}-\d{2}-\d{2} \d{2}:\d{2}$/.test(text))
    return `write ${text.replace(' ', 'T')}:00Z, with its zone`
  if (/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?$/.test(text))
    return 'say the zone, such as Z or +01:00, at its end'
  return undefined
}

function written(year: string, month: string, day: string): string {
  const [m, d] = [Number(month), Number(day)]
  if (m < 1 || m > 12) return 'there are twelve months: the year comes first, then the month'
  const last = new Date(Date.UTC(Number(year), m, 0)).getUTCDate()
  return d > last ? `that month has ${last} days` : `write ${iso(year, month, day)}`
}

function iso(year: string, month: string, day: string): string {
  return `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`
}

/** A time of day, or a stretch of one, as it is written elsewhere. */
export function timeHint(text: string): string | undefined {
  const half = /^(\d{1,2})(?::(\d{2}))? ?([ap])\.?m\.?$/i.exec(text)
  if (half) {
    const hour = (Number(half[1]) % 12) + (half[3]!.toLowerCase() === 'p' ? 12 : 0)
    return `write ${String(hour).padStart(2, '0')}:${half[2] ?? '00'}`
  }
  if (/^24:?00$/.test(text)) return 'write 00:00: the day ends where the next one begins'
  const stretch = /^(\d{1,2}:\d{2}) ?(?:-|–|to) ?(\d{1,2}:\d{2})$/.exec(text)
  if (stretch) return `write { between: ["${stretch[1]}", "${stretch[2]}"] }`
  if (/^\d{1,2}$/.test(text)) return `write "${text.padStart(2, '0')}:00"`
  if (/^\d:\d{2}$/.test(text)) return `write 0${text}`
  return undefined
}

/** What an award that can't be read was probably meant to be. */
export function awardHint(text: string, currency: string): string | undefined {
  const percent = /^(\d+(?:\.\d+)?) ?(?:%|percent)(?: of (\S+))?/i.exec(text)
  if (percent)
    return `write how many points for how much money: ${percent[1]} ${currency} per 100 EUR of ${percent[2] ?? 'net'}`
  const multiple = /^(?:(\d+(?:\.\d+)?) ?x|double|triple)\b/i.exec(text)
  if (multiple) return onTop(multiple[1] ?? (/^double/i.test(text) ? '2' : '3'), currency)
  if (text.startsWith('=')) return `write ${currency} = …`
  if (/^(\S+) ?(?::=|==)/.test(text)) return `write ${currency} = …, with one equals sign`
  return numberHint(text.split(/\s/, 1)[0] ?? '')
}

/** Where a condition wants true or false, or a number, and quotes or another language's word stand. */
export function plainValueHint(kind: 'boolean' | 'number', text: string): string | undefined {
  if (kind === 'boolean') {
    if (/^(true|false)$/i.test(text)) return `write ${text.toLowerCase()} without quotes`
    if (/^(yes|on|y)$/i.test(text)) return 'write true'
    return /^(no|off|n)$/i.test(text) ? 'write false' : undefined
  }
  if (/^-?\d+(\.\d+)?$/.test(text)) return `write ${text} without quotes`
  const compared = /^(>=|<=|>|<|==?|!=)\s*(\S+)$/.exec(text)
  const operator =
    compared && { '>=': 'atLeast', '<=': 'atMost', '>': 'above', '<': 'below', '!=': 'not' }[compared[1]!]
  if (compared) return `write ${operator === undefined ? compared[2] : `{ ${operator}: ${compared[2]} }`}`
  return numberHint(text)
}

/** Whose limit it is, in words that others use. */
export function whoseHint(word: string): string | undefined {
  if (/^(day|week|month|quarter|year)s?$/.test(word)) return `say whose it is: per member per ${word}`
  if (/^(customer|person|user|card|account|guest|client|head)s?$/i.test(word)) return 'write per member'
  if (/^(family|families|pool|home)s?$/i.test(word)) return 'write per household'
  if (/^(basket|purchase|visit|order|receipt|sale|trip|bill|flight|stay)s?$/i.test(word))
    return 'write per transaction'
  return /^(rule|campaign|program|budget)s?$/i.test(word) ? 'write in all' : undefined
}
