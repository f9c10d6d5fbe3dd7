/**
 * All purchase days of one member in few bytes: for each day the gap to the one before, the number of
 * purchases and what was spent, each in as many bytes as it needs. Whatever order facts come in, equal
 * purchases are equal bytes.
 */
import { invariant } from '../base/errors.ts'

/** A day with at least one purchase. */
export interface BoughtDay {
  /** days since 1 January 1970 */
  readonly day: number
  readonly purchases: number
  /** hundredths of the program's money, at least zero */
  readonly cents: number
}

const MORE = 128

/** Days ascending. */
export function packHistory(days: readonly BoughtDay[]): Uint8Array {
  const bytes: number[] = []
  let before = 0
  for (const { day, purchases, cents } of days) {
    pack(bytes, day - before)
    pack(bytes, purchases)
    pack(bytes, cents)
    before = day
  }
  return Uint8Array.from(bytes)
}

function pack(bytes: number[], value: number): void {
  invariant(Number.isSafeInteger(value) && value >= 0, 'a history holds whole numbers from zero on')
  let rest = value
  while (rest >= MORE) {
    bytes.push((rest % MORE) + MORE)
    rest = Math.floor(rest / MORE)
  }
  bytes.push(rest)
}

/** Calls `take` for each day, ascending, without making anything in between: a run reads millions. */
export function eachDay(
  bytes: Uint8Array,
  take: (day: number, purchases: number, cents: number) => void,
): void {
  const reader = { bytes, at: 0 }
  let day = 0
  while (reader.at < bytes.length) {
    day += next(reader)
    const purchases = next(reader)
    take(day, purchases, next(reader))
  }
}

function next(reader: { readonly bytes: Uint8Array; at: number }): number {
  let [value, factor] = [0, 1]
  for (;;) {
    const byte = reader.bytes[reader.at]
    invariant(byte !== undefined, 'a history ends with a whole day')
    reader.at += 1
    if (byte < MORE) return value + byte * factor
    value += (byte - MORE) * factor
    factor *= MORE
  }
}

export function unpackHistory(bytes: Uint8Array): BoughtDay[] {
  const days: BoughtDay[] = []
  eachDay(bytes, (day, purchases, cents) => {
    days.push({ day, purchases, cents })
  })
  return days
}

/** With one more purchase, or with so much more spent on a day that has one. */
export function withDay(days: readonly BoughtDay[], more: BoughtDay): BoughtDay[] {
  const place = placeOf(days, more.day)
  const known = days[place]
  if (known?.day !== more.day) return [...days.slice(0, place), more, ...days.slice(place)]
  const sum = {
    day: more.day,
    purchases: known.purchases + more.purchases,
    cents: known.cents + more.cents,
  }
  return [...days.slice(0, place), sum, ...days.slice(place + 1)]
}

/** Without what was added before; null where it never was. */
export function withoutDay(days: readonly BoughtDay[], less: BoughtDay): BoughtDay[] | null {
  const place = placeOf(days, less.day)
  const known = days[place]
  if (known?.day !== less.day || known.purchases < less.purchases || known.cents < less.cents) return null
  const purchases = known.purchases - less.purchases
  const left = purchases > 0 ? [{ day: less.day, purchases, cents: known.cents - less.cents }] : []
  if (purchases === 0 && known.cents !== less.cents) return null
  return [...days.slice(0, place), ...left, ...days.slice(place + 1)]
}

/** Where a day stands or would stand: most facts are of today, so it is looked for from the end. */
function placeOf(days: readonly BoughtDay[], day: number): number {
  let place = days.length
  while (place > 0 && days[place - 1]!.day >= day) place -= 1
  return place
}
