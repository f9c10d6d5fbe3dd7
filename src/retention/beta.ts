/**
 * The regularised incomplete beta function, which no package at hand has: the law of a next gap whose rate
 * was learnt from a few earlier ones. Finite for every argument; outside of 0 to 1 it is clamped.
 */
import gammaln from '@stdlib/math-base-special-gammaln'

const TINY = 1e-300
const MOST_STEPS = 300
const CLOSE = 1e-12

/** I_x(a, b) for a, b > 0; continued fraction by Lentz's method (DLMF 8.17.22). */
export function incompleteBeta(x: number, a: number, b: number): number {
  if (!(x > 0)) return 0
  if (x >= 1) return 1
  const log = a * Math.log(x) + b * Math.log1p(-x) - logBeta(a, b)
  // The fraction converges fast on one side of the mean; the other side is its mirror.
  if (x < (a + 1) / (a + b + 2)) return clamp((Math.exp(log) * fraction(x, a, b)) / a)
  return clamp(1 - (Math.exp(log) * fraction(1 - x, b, a)) / b)
}

/** ln I_x(a, b), exact in the tail where I itself would be zero. */
export function logIncompleteBeta(x: number, a: number, b: number): number {
  if (!(x > 0)) return Number.NEGATIVE_INFINITY
  if (x >= 1) return 0
  if (x >= (a + 1) / (a + b + 2)) return Math.log(Math.max(TINY, incompleteBeta(x, a, b)))
  const log = a * Math.log(x) + b * Math.log1p(-x) - logBeta(a, b)
  return Math.min(0, log + Math.log(fraction(x, a, b)) - Math.log(a))
}

const latest = { a: Number.NaN, b: Number.NaN, log: 0 }

/** ln B(a, b). One law is asked at several silences in a row, and the gamma functions are most of the work. */
function logBeta(a: number, b: number): number {
  if (a !== latest.a || b !== latest.b) {
    latest.log = gammaln(a) + gammaln(b) - gammaln(a + b)
    latest.a = a
    latest.b = b
  }
  return latest.log
}

function fraction(x: number, a: number, b: number): number {
  let c = 1
  let d = 1 / away(1 - ((a + b) * x) / (a + 1))
  let value = d
  for (let m = 1; m <= MOST_STEPS; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / away(1 + even * d)
    c = away(1 + even / c)
    value *= d * c
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / away(1 + odd * d)
    c = away(1 + odd / c)
    const step = d * c
    value *= step
    if (Math.abs(step - 1) < CLOSE) break
  }
  return value
}

function away(value: number): number {
  return Math.abs(value) < TINY ? TINY : value
}

function clamp(value: number): number {
  return value > 1 ? 1 : value > 0 ? value : 0
}
