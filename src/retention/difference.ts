/**
 * Differences between a treated group and its control, with intervals, from sums alone. Every figure is finite
 * or null: a group too small to say anything says nothing.
 */
import gammainc from '@stdlib/math-base-special-gammainc'
import cdf from '@stdlib/stats-base-dists-normal-cdf'
import quantile from '@stdlib/stats-base-dists-normal-quantile'
import { incompleteBeta } from './beta.ts'

/** Sums over the members of a group. */
export interface Sums {
  readonly members: number
  readonly sum: number
  readonly squares: number
}

export const noSums: Sums = { members: 0, sum: 0, squares: 0 }

export function addTo({ members, sum, squares }: Sums, value: number): Sums {
  return { members: members + 1, sum: sum + value, squares: squares + value * value }
}

export interface Interval {
  readonly difference: number
  readonly low: number
  readonly high: number
}

export interface Mean extends Interval {
  readonly error: number
  /** degrees of freedom */
  readonly freedom: number
}

/** Of the members, not of their mean; two at least. */
export function variance({ members, sum, squares }: Sums): number {
  return Math.max(0, (squares - (sum * sum) / members) / (members - 1))
}

/**
 * Difference of means with unequal variances (Welch, Biometrika 34, 1947), at the usual confidence or, given
 * `bound`, so many standard errors to each side. Null below two members, or where nothing varies.
 */
export function welch(
  treated: Sums,
  control: Sums,
  how: { confidence: number } | { bound: number },
): Mean | null {
  if (treated.members < 2 || control.members < 2) return null
  const [a, b] = [variance(treated) / treated.members, variance(control) / control.members]
  const error = Math.sqrt(a + b)
  if (!(error > 0) || !Number.isFinite(error)) return null
  const freedom = (a + b) ** 2 / (a ** 2 / (treated.members - 1) + b ** 2 / (control.members - 1))
  // Variances near the smallest numbers there are vanish when they are squared.
  if (!(freedom > 0) || !Number.isFinite(freedom)) return null
  const difference = treated.sum / treated.members - control.sum / control.members
  const far =
    'bound' in how ? asStudent(how.bound, freedom) : studentQuantile((1 + how.confidence) / 2, freedom)
  return { difference, low: difference - far * error, high: difference + far * error, error, freedom }
}

/** A bound of the normal law as one of Student's law that is as rare. */
function asStudent(bound: number, freedom: number): number {
  const tail = 1 - cdf(bound, 0, 1)
  return tail > 1e-12 ? studentQuantile(1 - tail, freedom) : bound
}

/** Above `t` lies half of I_x(v/2, 1/2), x = v / (v + t^2); the quantile by halving. */
export function studentQuantile(p: number, freedom: number): number {
  if (freedom > 1e6) return quantile(p, 0, 1)
  let [low, high] = [0, 1e3]
  for (let i = 0; i < 80; i++) {
    const t = (low + high) / 2
    const above = incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2
    if (above > 1 - p) low = t
    else high = t
  }
  return (low + high) / 2
}

/**
 * Difference of shares by Newcombe's hybrid of Wilson's intervals (Statistics in Medicine 17, 1998, p. 873,
 * method 10): good for few members and for shares near 0 and 1. Null where a group is empty.
 */
export function newcombe(
  treated: { readonly members: number; readonly hits: number },
  control: { readonly members: number; readonly hits: number },
  confidence = 0.95,
): Interval | null {
  if (treated.members < 1 || control.members < 1) return null
  const z = quantile((1 + confidence) / 2, 0, 1)
  const [a, b] = [wilson(treated, z), wilson(control, z)]
  const difference = a.share - b.share
  return {
    difference,
    low: difference - Math.hypot(a.share - a.low, b.high - b.share),
    high: difference + Math.hypot(a.high - a.share, b.share - b.low),
  }
}

function wilson({ members: n, hits }: { members: number; hits: number }, z: number) {
  const share = hits / n
  const middle = 2 * hits + z * z
  const spread = z * Math.sqrt(z * z + 4 * hits * (1 - share))
  return { share, low: (middle - spread) / (2 * (n + z * z)), high: (middle + spread) / (2 * (n + z * z)) }
}

/**
 * Whether the groups are as large as chance was told to make them: Pearson's chi-square test. A small p says
 * that something other than chance had a hand in it, and no other figure can be trusted.
 */
export function sampleRatio(counts: readonly number[], shares: readonly number[]): number {
  const all = counts.reduce((sum, count) => sum + count, 0)
  const whole = shares.reduce((sum, share) => sum + share, 0)
  if (all === 0 || counts.length < 2) return 1
  const chi = counts.reduce((sum, count, index) => {
    const expected = (all * shares[index]!) / whole
    return sum + (count - expected) ** 2 / expected
  }, 0)
  // P(chi-square > x) with v degrees of freedom: the upper regularised gamma function at x/2, v/2.
  return gammainc(chi / 2, (counts.length - 1) / 2, true, true)
}
