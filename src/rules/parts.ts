/**
 * Numbers of ten-thousandths in place of Decimals: exact wherever they are a number at all. NaN says that an
 * amount is too fine or too long for it, and then Decimal has to be asked.
 */
import { Decimal } from '../base/points.ts'

/** Amounts and numbers from outside are read in ten-thousandths. */
export const PARTS = 10_000

/** The number where a double holds it exactly, else NaN. */
export function safe(value: number): number {
  return value <= Number.MAX_SAFE_INTEGER && value >= -Number.MAX_SAFE_INTEGER ? value : Number.NaN
}

/** Decimal text in ten-thousandths; NaN where it has finer parts or more digits. */
export function partsOfText(text: string): number {
  const { length } = text
  if (length > 15) return Number.NaN
  let value = 0
  let places = -1
  const start = text.charCodeAt(0) === 45 ? 1 : 0
  for (let index = start; index < length; index += 1) {
    const digit = text.charCodeAt(index) - 48
    if (digit >= 0 && digit <= 9) {
      value = value * 10 + digit
      if (places >= 0) places += 1
    } else if (digit === -2 && places < 0 && index > start) places = 0
    else return Number.NaN
  }
  if (length === start || places === 0 || places > 4) return Number.NaN
  const parts = safe(value * SHIFTS[places < 0 ? 4 : 4 - places]!)
  return start === 1 && parts !== 0 ? -parts : parts
}

const SHIFTS = [1, 10, 100, 1000, 10_000] as const

/** A JSON number in ten-thousandths, by the digits that it is written with. */
export function partsOfNumber(value: number): number {
  const parts = Math.round(value * PARTS)
  // Fifteen digits name a double without doubt.
  return parts / PARTS === value && Math.abs(parts) < 1e15 ? parts + 0 : Number.NaN
}

/** A Decimal in ten-thousandths: its digits stand by seven, `e` says where the first of them does. */
export function partsOf({ d, e, s }: Decimal): number {
  if (d === null || d.length > 3) return Number.NaN
  let parts = 0
  let place = Math.floor(e / 7)
  for (const seven of d) {
    if (place === 0) parts += seven * 1e4
    else if (place === 1) parts += seven * 1e11
    else if (place === -1 && seven % 1000 === 0) parts += seven / 1000
    else if (seven !== 0) return Number.NaN
    place -= 1
  }
  return safe(s < 0 && parts !== 0 ? -parts : parts)
}

/** Back to a Decimal, exactly; `unit` is a power of ten. */
export function decimalOf(value: number, unit: number): Decimal {
  if (unit === 1) return new Decimal(value)
  // Up to fifteen digits a quotient by a power of ten is written with just its digits.
  if (Math.abs(value) < 1e15) return new Decimal(value / unit)
  return new Decimal(value).dividedBy(unit)
}
