/**
 * Points and money. Points are bigint in the currency's smallest unit, money is Decimal; this is the
 * only file that turns a Decimal into points, so there is one place that rounds.
 */
import { Decimal as DecimalBase } from 'decimal.js'
import { DomainError, invariant } from './errors.ts'

/** 40 significant digits: enough that no product of declared amounts and factors is ever cut. */
export const Decimal = DecimalBase.clone({
  precision: 40,
  rounding: DecimalBase.ROUND_HALF_EVEN,
  toExpNeg: -30,
  toExpPos: 40,
})
export type Decimal = DecimalBase

export interface Money {
  readonly amount: Decimal
  /** ISO 4217 */
  readonly currency: string
}

/** Money as it goes over the wire. */
export interface WireMoney {
  amount: string
  currency: string
}

export const roundings = ['floor', 'half_up', 'half_even', 'ceil'] as const
export type Rounding = (typeof roundings)[number]

const modes: Record<Rounding, DecimalBase.Rounding> = {
  floor: DecimalBase.ROUND_FLOOR,
  half_up: DecimalBase.ROUND_HALF_UP,
  half_even: DecimalBase.ROUND_HALF_EVEN,
  ceil: DecimalBase.ROUND_CEIL,
}

/** 2^53 - 1: the largest integer that every JSON reader keeps exact. */
export const MAX_POINTS = 9_007_199_254_740_991n

const MOST = new Decimal(MAX_POINTS.toString())

/** Rounds an amount of points to whole points. Refuses above 2^53 - 1. */
export function toPoints(amount: Decimal, rounding: Rounding): bigint {
  const whole = amount.isInteger() ? amount : amount.toDecimalPlaces(0, modes[rounding])
  // Nearly every amount has at most fifteen digits, which a double holds exactly.
  if (whole.e < 15) return BigInt(whole.toNumber())
  if (whole.abs().greaterThan(MOST)) {
    throw new DomainError('points_out_of_range', { points: whole.toString(), maximum: Number(MAX_POINTS) })
  }
  return BigInt(whole.toFixed(0))
}

/**
 * The same of an amount of `value / unit`, both safe integers, the unit above 0: what `toPoints` makes of the
 * quotient. Never above 2^53 - 1, as the value is not.
 */
export function toWholePoints(value: number, unit: number, rounding: Rounding): number {
  const rest = value % unit
  const whole = (value - rest) / unit
  if (rest === 0) return whole
  const up = rest > 0 ? 1 : 0
  const down = up - 1
  if (rounding === 'floor') return whole + down
  if (rounding === 'ceil') return whole + up
  const twice = 2 * Math.abs(rest)
  const isNear = twice < unit || (twice === unit && rounding === 'half_even' && whole % 2 === 0)
  return isNear ? whole : whole + up + down
}

/** Points as a JSON integer. */
export function wirePoints(points: bigint): number {
  if (points > MAX_POINTS || points < -MAX_POINTS) {
    throw new DomainError('points_out_of_range', { points: points.toString(), maximum: Number(MAX_POINTS) })
  }
  return Number(points)
}

// A formatter costs some 20 µs to make, and every return pays back money.
const digitsOf = new Map<string, number>()

/** The decimal places of a currency's smallest unit (ISO 4217): EUR 2, JPY 0, KWD 3. */
export function minorDigits(currency: string): number {
  let digits = digitsOf.get(currency)
  if (digits === undefined) {
    const format = new Intl.NumberFormat('en', { style: 'currency', currency })
    digits = format.resolvedOptions().maximumFractionDigits ?? 2
    digitsOf.set(currency, digits)
  }
  return digits
}

/** Money rounded half-even to its currency's smallest unit, as it goes over the wire. */
export function wireMoney({ amount, currency }: Money): WireMoney {
  const digits = minorDigits(currency)
  return { amount: amount.toDecimalPlaces(digits, DecimalBase.ROUND_HALF_EVEN).toFixed(digits), currency }
}

/** Splits whole points in proportion to weights by largest remainder; equal remainders go to the earlier. */
export function apportion(points: bigint, weights: readonly bigint[]): bigint[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0n)
  invariant(points >= 0n && total > 0n, 'points are apportioned over a positive weight')

  const shares = weights.map((weight) => (points * weight) / total)
  let left = points - shares.reduce((sum, share) => sum + share, 0n)
  const byRemainder = weights
    .map((weight, index) => ({ index, remainder: (points * weight) % total }))
    .sort((a, b) => (a.remainder === b.remainder ? a.index - b.index : a.remainder < b.remainder ? 1 : -1))
  for (const { index } of byRemainder) {
    if (left === 0n) break
    shares[index]! += 1n
    left -= 1n
  }
  return shares
}
