/**
 * Amounts as whole numbers of a small unit, in doubles: what formulas come to without Decimal, wherever that is
 * exact. NaN says that it is not, and then Decimal decides; never is one answer nearly the other.
 */
import type { Decimal } from '../base/points.ts'
import type { LineAmount } from './line.ts'
import { PARTS, partsOf, safe } from './parts.ts'
import type { Sight } from './sight.ts'

/** An amount of `read(sight) / unit`; the unit is a power of ten. */
export interface Quick {
  readonly unit: number
  /** a safe integer, or NaN: no value, or none that is exact here */
  readonly read: (sight: Sight) => number
  /** of a constant: what it always reads */
  readonly constant?: number
  /** of a multiple of an amount: that amount, and how many times it is read */
  readonly multiple?: {
    readonly read: (sight: Sight) => number
    readonly factor: number
    readonly onLine?: LineAmount | undefined
  }
  /** of an amount of the line in hand: which one */
  readonly onLine?: LineAmount
}

/** Products of declared amounts and factors stay below it; Decimal keeps far more digits. */
const LARGEST_UNIT = 1e12

/** A constant; undefined where it is too fine or too long. */
export function quickConstant(value: Decimal): (Quick & { constant: number }) | undefined {
  const parts = partsOf(value)
  if (Number.isNaN(parts)) return undefined
  let [whole, unit] = [parts, PARTS]
  while (unit > 1 && whole % 10 === 0) [whole, unit] = [whole / 10, unit / 10]
  const constant = whole
  return { unit, constant, read: () => constant }
}

/** The same in a finer unit. */
function inUnit({ unit, read }: Quick, finer: number): (sight: Sight) => number {
  const factor = finer / unit
  return factor === 1 ? read : (sight) => safe(read(sight) * factor)
}

/** All of them in the finest unit among them; undefined where one of them is not to be had. */
export function alongside(
  all: readonly (Quick | undefined)[],
): { unit: number; reads: ((sight: Sight) => number)[] } | undefined {
  let unit = 0
  for (const one of all) {
    if (one === undefined) return undefined
    unit = Math.max(unit, one.unit)
  }
  return unit === 0 ? undefined : { unit, reads: all.map((one) => inUnit(one!, unit)) }
}

export function quickSum(a: Quick | undefined, b: Quick | undefined, sign: 1 | -1): Quick | undefined {
  if (!a || !b) return undefined
  const unit = Math.max(a.unit, b.unit)
  const [left, right] = [inUnit(a, unit), inUnit(b, unit)]
  return { unit, read: (sight) => safe(left(sight) + sign * right(sight)) }
}

export function quickProduct(a: Quick | undefined, b: Quick | undefined): Quick | undefined {
  if (!a || !b || a.unit * b.unit > LARGEST_UNIT) return undefined
  const [left, right] = [a.read, b.read]
  return { unit: a.unit * b.unit, read: (sight) => safe(left(sight) * right(sight)) }
}

export function quickNegative(of: Quick | undefined): Quick | undefined {
  if (!of) return undefined
  const { unit, read } = of
  return { unit, read: (sight) => 0 - read(sight) }
}

const rounders = {
  floor: (value: number, rest: number) => (rest < 0 ? value - 1 : value),
  ceil: (value: number, rest: number) => (rest > 0 ? value + 1 : value),
} as const

/** `floor` and `ceil` of an amount: a whole number. */
export function quickRounded(of: Quick | undefined, how: keyof typeof rounders): Quick | undefined {
  if (!of) return undefined
  const { unit, read } = of
  const rounder = rounders[how]
  return {
    unit: 1,
    read(sight) {
      const value = read(sight)
      const rest = value % unit
      return rounder((value - rest) / unit, rest)
    },
  }
}

/** The least (or, with -1, the greatest) of several amounts. */
export function quickChoice(of: readonly (Quick | undefined)[], sign: 1 | -1): Quick | undefined {
  const all = alongside(of)
  if (!all) return undefined
  const { unit, reads } = all
  return {
    unit,
    read(sight) {
      let best = reads[0]!(sight)
      for (let index = 1; index < reads.length; index += 1) {
        const value = reads[index]!(sight)
        if (Number.isNaN(value) || Number.isNaN(best)) return Number.NaN
        if (sign * value < sign * best) best = value
      }
      return best
    },
  }
}
