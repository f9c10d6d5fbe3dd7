/**
 * One member's score as a line of CSV. Lines are made in whichever thread knows the member, so everything that
 * decides their text stands here.
 */
import { dayNumbered } from '../base/time.ts'
import type { Reason } from './reason.ts'
import type { Scores, Words } from './score.ts'

export const scoreColumns = [
  'memberId',
  'p_silent',
  'p_decline',
  'p_alive',
  'expected_purchases',
  'expected_value',
  'state',
  'flag',
  'reason',
  'since',
] as const

export type Numbers = Pick<Scores, 'silent' | 'decline' | 'alive' | 'purchases' | 'value'>

/** Writes lines, each with its end. */
export function lineWriter(
  scores: Numbers,
): (place: number, told: { memberId: string; words: Words }) => string {
  return (place, { memberId, words }) => {
    const { phase, flag, reasons, since } = words
    const [alive, value] = [scores.alive[place]!, scores.value[place]!]
    const chances = `${fixed(scores.silent[place]!, 6)},${fixed(scores.decline[place]!, 6)}`
    const ahead = `${Number.isNaN(alive) ? '' : fixed(alive, 6)},${fixed(scores.purchases[place]!, 4)}`
    const money = Number.isNaN(value) ? '' : fixed(value / 100, 2)
    const why = reasons.length === 0 ? '' : cell(reasonText(reasons))
    return `${cell(memberId)},${chances},${ahead},${money},${phase},${flag ?? ''},${why},${dayNumbered(since)}\n`
  }
}

const LARGEST = 1e9

/** What `toFixed` writes, but for the last digit of halves; at a fraction of its time. */
function fixed(value: number, digits: 2 | 4 | 6): string {
  if (!(value >= 0 && value < LARGEST)) return value.toFixed(digits)
  const scale = digits === 2 ? 100 : digits === 4 ? 10_000 : 1_000_000
  const all = Math.round(value * scale)
  const whole = Math.floor(all / scale)
  return `${whole}.${String(all - whole * scale).padStart(digits, '0')}`
}

function reasonText(reasons: readonly Reason[]): string {
  return reasons
    .map(({ text, clears, suppressed }) => {
      if (suppressed) return `not flagged: ${text}`
      return clears === null ? text : `${text} (clears with ${clears})`
    })
    .join('; ')
}

const FORMULA = /^[=+\-@\t\r]/
const QUOTED = /[",\n\r]/

export function cell(text: string): string {
  // A spreadsheet takes a leading = + - @ for a formula; an id or a sentence is none.
  const safe = FORMULA.test(text) ? `'${text}` : text
  return QUOTED.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

const FIRST_BYTES = 1 << 18
/** No character takes more bytes of UTF-8 for each of its units. */
const MOST_BYTES = 3

/** Text gathered as bytes; strings that live long cost a thread more than making them. */
export class TextPad {
  readonly #encoder = new TextEncoder()
  #bytes = new Uint8Array(FIRST_BYTES)
  #size = 0

  add(text: string): void {
    const needed = this.#size + MOST_BYTES * text.length
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length))
      grown.set(this.#bytes.subarray(0, this.#size))
      this.#bytes = grown
    }
    this.#size += this.#encoder.encodeInto(text, this.#bytes.subarray(this.#size)).written
  }

  bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#size)
  }
}
