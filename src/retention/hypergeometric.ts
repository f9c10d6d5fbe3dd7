/**
 * The Gauss hypergeometric function where its first parameter is 1, which is all that Pareto/NBD needs once
 * Euler's transformation has taken its poles out (Abramowitz and Stegun 15.3.3). Finite and at least 1 for
 * every b and c in range and z up to 1.
 */
import { invariant } from '../base/errors.ts'

const MOST_TERMS = 20_000
const NEGLIGIBLE = 1e-14
const TINY = 1e-300

/**
 * 2F1(1, b; c+1; z) for 0 < b <= c + 1 and 0 <= z <= 1, by the continued fraction of Gauss (DLMF 15.7.1), which
 * comes to rest in some sqrt(1/(1-z)) terms where the power series needs 1/(1-z). Evaluated forwards by the
 * algorithm of Lentz as modified by Thompson and Barnett (1986).
 */
export function gaussFromOne(b: number, c: number, z: number): number {
  invariant(b > 0 && b <= c + 1 && z >= 0 && z <= 1, 'the fraction is asked for where it converges')
  let value = 1
  let [upward, downward] = [1, 0]
  for (let m = 1; m <= MOST_TERMS; m++) {
    const n = m >> 1
    // u(m) / (t(m-1) t(m)) with t(n) = c + n: odd terms have (b+n)(c+n) above, even ones n(c-b+n)
    const above = m % 2 === 1 ? (b + n) * (c + n) : n * (c - b + n)
    const term = (-z * above) / ((c + m - 1) * (c + m))
    downward = 1 / guarded(1 + term * downward)
    upward = guarded(1 + term / upward)
    const factor = upward * downward
    value *= factor
    if (Math.abs(factor - 1) < NEGLIGIBLE) break
  }
  return 1 / value
}

function guarded(value: number): number {
  return Math.abs(value) < TINY ? TINY : value
}
