/**
 * Days in formulas: how many days lie between two of them, and the year, month or day of one as a number, so that
 * a rule can ask for bookings two months ahead, or for the month of a birthday. No clock: days are facts or constants.
 */
import { Decimal } from '../base/points.ts'
import { type Day, daysBetween, partsOf } from '../base/time.ts'
import { alike, type Code, type Draft, isAmount, named, type Run } from './code.ts'
import type { Quick } from './quick.ts'
import type { Type } from './value.ts'

const NUMBER: Type = { kind: 'number' }

const asDay = (code: Code) => code.run as (sight: Parameters<Run>[0]) => Day | undefined

/** Where either side is a day, the days from the right one to the left one; undefined where neither is. */
export function daysFrom(
  draft: Draft,
  { operator, left, right, offset }: { operator: '+' | '-'; left: Code; right: Code; offset: number },
): Code | null | undefined {
  if (left.type.kind !== 'date' && right.type.kind !== 'date') return undefined
  if (operator === '+' || isAmount(left.type) || isAmount(right.type)) {
    const hint = 'compare the days between two: checkIn - bookedAt >= 60'
    const [one, other] = [named(left.type), named(right.type)]
    const what = operator === '+' ? `add ${one} and ${other}` : `subtract ${other} from ${one}`
    return draft.fault(offset, `cannot ${what}`, hint)
  }
  const days = alike(draft, [left, right])
  if (!days) return null
  const [a, b] = [asDay(days[0]!), asDay(days[1]!)]
  return ofNumber(offset, (sight) => {
    const [to, from] = [a(sight), b(sight)]
    return to === undefined || from === undefined ? undefined : daysBetween(from, to)
  })
}

const places: ReadonlyMap<string, number> = new Map([
  ['year', 0],
  ['month', 1],
  ['day', 2],
])

export const dayFunctions: readonly string[] = [...places.keys()]

/** `month(date)`; undefined where it is none of these functions. */
export function partOfDay(
  draft: Draft,
  { name, of, offset }: { name: string; of: readonly Code[]; offset: number },
): Code | null | undefined {
  const place = places.get(name)
  if (place === undefined) return undefined
  const [code, ...more] = of
  if (!code || more.length > 0) return draft.fault(offset, `${name} takes one day, not ${of.length}`)
  const typed = code.literal === null ? code : (alike(draft, [{ ...DAY, offset }, code])?.[1] ?? null)
  if (!typed) return null
  if (typed.type.kind !== 'date') return draft.fault(code.offset, `expected a day, not ${named(code.type)}`)
  const read = asDay(typed)
  return ofNumber(offset, (sight) => {
    const day = read(sight)
    return day === undefined ? undefined : partsOf(day)[place]!
  })
}

/** Gives a constant beside it the type of a day. */
const DAY: Omit<Code, 'offset'> = { type: { kind: 'date' }, run: () => undefined, literal: null }

function ofNumber(offset: number, read: (sight: Parameters<Run>[0]) => number | undefined): Code {
  const quick: Quick = { unit: 1, read: (sight) => read(sight) ?? Number.NaN }
  const run: Run = (sight) => {
    const value = read(sight)
    return value === undefined ? undefined : new Decimal(value)
  }
  return { type: NUMBER, run, quick, literal: null, offset }
}
