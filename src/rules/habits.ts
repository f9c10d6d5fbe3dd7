/**
 * What people write in their own words where this language has one: days of the week, words for "either", times
 * of the year, several values in one text. Hints only, as in slips.ts.
 */
import { lengthOf, weekdays } from '../base/time.ts'

const foreignDays: readonly (readonly string[])[] = [
  ['montag', 'lundi', 'lunes', 'lunedì', 'mo'],
  ['dienstag', 'mardi', 'martes', 'martedì', 'di'],
  ['mittwoch', 'mercredi', 'miércoles', 'mercoledì', 'mi'],
  ['donnerstag', 'jeudi', 'jueves', 'giovedì', 'do'],
  ['freitag', 'vendredi', 'viernes', 'venerdì', 'fr'],
  ['samstag', 'samedi', 'sábado', 'sabato', 'sa', 'sonnabend'],
  ['sonntag', 'dimanche', 'domingo', 'domenica', 'so'],
]

/** A day of the week by another name, or several of them in one text. */
export function weekdayHint(text: string): string | undefined {
  const word = text.trim().toLowerCase()
  if (/^week-?ends?$|^wochenende$/.test(word)) return 'write [saturday, sunday]'
  if (/^(week|working|business) ?days?$|^werktage?$/.test(word))
    return `write [${weekdays.slice(0, 5).join(', ')}]`
  const foreign = foreignDays.findIndex((names) => names.includes(word))
  if (foreign >= 0) return `write ${weekdays[foreign]}`
  const several = word.split(/\s*(?:,|\/|\+|&|\band\b|\bor\b|\bund\b)\s*/)
  const days = several.map((one) => weekdays.find((day) => day.startsWith(one) && one.length >= 2))
  if (several.length > 1 && days.every((day) => day !== undefined)) return `write [${days.join(', ')}]`
  const stretch = /^([a-z]{2,})\s*(?:-|–|to|through|until)\s*([a-z]{2,})$/.exec(word)
  const [from, to] = [1, 2].map((index) =>
    weekdays.findIndex((day) => day.startsWith(stretch?.[index] ?? '\0')),
  )
  if (from === undefined || to === undefined || from < 0 || to <= from) return undefined
  return `write [${weekdays.slice(from, to + 1).join(', ')}]`
}

const joins: Readonly<Record<string, string>> = {
  or: 'any',
  either: 'any',
  oder: 'any',
  and: 'all',
  both: 'all',
  und: 'all',
  not: 'none',
  nor: 'none',
  except: 'none',
  unless: 'none',
}

/** A key that would join conditions in other languages, or a fact that goes by another way of saying it. */
export function conditionHint(key: string): string | undefined {
  const word = key.toLowerCase()
  const join = Object.hasOwn(joins, word) ? joins[word] : undefined
  if (join !== undefined) return `write ${join}: [{ … }, { … }]`
  if (/^(member|customer)\.(tier|segment|promotion)$/.test(word)) return `write ${word.split('.')[1]}`
  if (word === 'month') return 'write `recurs: FREQ=DAILY;BYMONTH=12` in the rule, or `from` and `through`'
  if (word === 'year') return 'write `from` and `through` in the rule'
  if (word === 'hour') return 'write time: { between: ["14:00", "18:00"] }'
  return undefined
}

/**
 * Several values, a condition, a pattern or another fact in one text without quotes: it would be compared letter by
 * letter and never met. Undefined where it is a plain text.
 */
export function oddText(fact: string, text: string): { message: string; hint: string } | undefined {
  const inQuotes = 'if it is one text, put it in quotes'
  if (/^(member|line)\.[\p{L}_][\p{L}\p{N}_]*$/u.test(text)) {
    const message = `"${text}" would be a text like any other`
    return { message, hint: `to compare two facts, write where: ${fact} == ${text}; ${inQuotes}` }
  }
  // A word ends where it ends: notebooks are goods.
  const negated = /^(?:(?:not|except|all but|anything but)\s+|(?:!=?|<>)\s*)(\S.*)$/i.exec(text)
  if (negated) {
    const message = `"${text}" would be a text like any other`
    return { message, hint: `write { not: ${negated[1]} }; ${inQuotes}` }
  }
  const parts = text.split(/\s*[,;|]\s*|\s+(?:or|oder|ou)\s+/i).filter((part) => part !== '')
  if (parts.length > 1) {
    const message = `"${text}" would be one text, not ${parts.length}`
    return { message, hint: `write a list: [${parts.join(', ')}]; ${inQuotes}` }
  }
  if (!/[*]$|^[*]/.test(text)) return undefined
  const message = `"${text}" is compared as it stands: there are no patterns`
  return { message, hint: `name each value in a list, or give such goods a category; ${inQuotes}` }
}

/** A small coin, or a price in another order. */
export function coinHint(amount: string, unit: string): string | undefined {
  if (!/^(cents?|ct|pence|p|c|¢|centimes?|rappen|öre|øre|grosz|haléř)$/i.test(unit)) return undefined
  const value = Number(amount)
  return Number.isFinite(value) ? `write it in the money itself: ${value / 100} EUR or the like` : undefined
}

/** A length of time, or when it ends, as it is written elsewhere. */
export function lengthHint(text: string): string | undefined {
  const words = text.trim().toLowerCase()
  const short = /^(\d+) ?(d|w|m|mo|mon|y|yr|yrs)$/.exec(words)
  const units: Record<string, string> = { d: 'days', w: 'weeks', y: 'years', yr: 'years', yrs: 'years' }
  if (short) return `write ${short[1]} ${units[short[2]!] ?? 'months'}`
  const whole: Record<string, string> = {
    'half a year': '6 months',
    'a year': '12 months',
    'last year': '12 months',
  }
  if (Object.hasOwn(whole, words)) return `write ${whole[words]}`
  const uncut = /^(\d+ \w+) (end of .+)$/.exec(words)
  if (uncut) return `put a comma between: "${uncut[1]}, ${uncut[2]}"`
  if (/^end of /.test(words)) return `say how long first: "12 months, ${words}"`
  const [, day, month] = /^(?:on |every )?(\d{1,2})(?:st|nd|rd|th)?\.? ([a-z]+)$/.exec(words) ?? []
  if (day && month) return yearly(day, monthNamed(month), 'write')
  const [, first, second] = /^(?:on |every )?([a-z]+) (\d{1,2})(?:st|nd|rd|th)?$/.exec(words) ?? []
  if (first && second) return yearly(second, monthNamed(first), 'the day comes first:')
  const dotted = /^(?:on |every )?(\d{1,2})[./](\d{1,2})[./]?$/.exec(words)
  return dotted ? yearly(String(Number(dotted[1])), months[Number(dotted[2]) - 1], 'write') : undefined
}

function yearly(day: string, month: string | undefined, told: string): string | undefined {
  if (month === undefined) return undefined
  const last = lengthOf(2024, months.indexOf(month) + 1)
  return Number(day) > last ? `${month} has ${last} days at most` : `${told} every ${day} ${month}`
}

const months = [
  ...['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October'],
  ...['November', 'December'],
]

function monthNamed(word: string): string | undefined {
  return word.length < 3 ? undefined : months.find((month) => month.toLowerCase().startsWith(word))
}

const numbers = [
  ...['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve'],
]

/** A number in letters. */
export function spelledHint(word: string): string | undefined {
  const number = numbers.indexOf(word.toLowerCase()) + 1
  return number > 0 ? `write it in digits: ${number}` : undefined
}

/** How often a limit starts again, in words that others use. */
export function periodHint(word: string): string | undefined {
  const adverb = /^(dai|week|month|quarter|year|annual)ly$/.exec(word)?.[1]
  if (adverb !== undefined) {
    const unit = adverb === 'dai' ? 'day' : adverb === 'annual' ? 'year' : adverb
    return `write per member per ${unit}`
  }
  if (/^(an?|each|every|in)$/.test(word)) return 'write per, such as per month'
  if (word === 'calendar') return 'all periods are those of the calendar: leave the word out'
  if (/^\d+$/.test(word)) return 'periods are those of the calendar: per day, per week, per month …'
  return /^(total|lifetime|forever|once|all)$/.test(word) ? 'write ever' : undefined
}
