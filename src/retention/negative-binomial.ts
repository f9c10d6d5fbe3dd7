/**
 * Tails of the negative binomial law: purchases at a rate that is itself gamma distributed. Everything is
 * finite for sizes up to millions and horizons of any length.
 */
import gammainc from '@stdlib/math-base-special-gammainc'
import gammaln from '@stdlib/math-base-special-gammaln'

/** Purchases in `ahead` units of time at a rate from the gamma law of shape `size` and rate `before`. */
export interface Counts {
  readonly size: number
  readonly before: number
  readonly ahead: number
}

// From here on the discrete law and the gamma law of its rate agree to more digits than are of use.
const MOST_STEPS = 100_000
const NEGLIGIBLE = 1e-17

/** P(N >= n). */
export function atLeast(counts: Counts, n: number): number {
  if (n <= 0) return 1
  if (n > MOST_STEPS) return tailOfRate(counts, n)
  return tails(counts)(n)
}

/** The discrete law is that of its rate, but for fluctuations of the order of the root of n. */
function tailOfRate({ size, before, ahead }: Counts, n: number): number {
  if (ahead <= 0) return 0
  return gammainc((n * before) / ahead, size, true, true)
}

/**
 * P(N >= n) for n that never falls from one call to the next; each call goes on from where the last one
 * stopped, so a walk up the whole tail costs no more than its last step.
 */
export function tails(counts: Counts): (n: number) => number {
  if (counts.ahead <= 0) return (n) => (n <= 0 ? 1 : 0)
  const walk = startWalk(counts)
  return (n) => {
    if (walk.below < 1) walkTo(walk, n)
    return tailOf(walk)
  }
}

/**
 * The sum over j of weights[j] * P(Nj >= n - j), where Nj has the size of `counts` and j more, for n that never
 * falls and is no less than the number of weights. One walk serves all of them, by two steps that hold for the
 * incomplete beta function (NIST DLMF 8.17.20 and 8.17.21): from n to n - 1, and from a size to the next.
 */
export function mixedTails(counts: Counts, weights: readonly number[]): (n: number) => number {
  if (counts.ahead <= 0) return () => 0
  const walk = startWalk(counts)
  const odds = counts.before / counts.ahead
  return (n) => {
    walkTo(walk, n)
    let tail = tailOf(walk)
    let mass = n < walk.from ? 0 : (walk.mass * n) / (walk.share * (walk.size + n - 1))
    let sum = 0
    for (let j = 0; j < weights.length; j++) {
      sum += weights[j]! * tail
      // the mass of Nj at n - j - 1, as a part of the size
      const part = (n - j - 1) / (walk.size + j)
      tail = Math.min(tail + mass * (1 + part), 1)
      mass *= odds * part
    }
    return sum
  }
}

/** Where a walk up the law stands: the chance of less than `at`, and the mass at `at`. */
interface Walk {
  readonly size: number
  readonly share: number
  readonly from: number
  at: number
  mass: number
  below: number
}

function startWalk(counts: Counts): Walk {
  const { size, before, ahead } = counts
  const share = ahead / (before + ahead)
  // Below this the law has no mass that a double could show; starting at 0 would underflow.
  const from = logMass(counts, 0) > -700 ? 0 : massBegins(counts)
  return { size, share, from, at: from, mass: Math.exp(logMass(counts, from)), below: 0 }
}

function walkTo(walk: Walk, n: number): void {
  const { size, share } = walk
  let { at, mass, below } = walk
  while (at < n) {
    below += mass
    const ratio = (share * (size + at)) / (at + 1)
    mass *= ratio
    at += 1
    if (ratio < 1 && mass < NEGLIGIBLE * (1 - ratio)) below = 1
  }
  walk.at = at
  walk.mass = mass
  walk.below = below
}

function tailOf({ below }: Walk): number {
  return Math.min(Math.max(1 - below, 0), 1)
}

const SHOWS = -60

/** The first n whose mass is at least exp(SHOWS): up to its mode the law rises. */
function massBegins(counts: Counts): number {
  let [low, high] = [0, Math.max(0, Math.floor(((counts.size - 1) * counts.ahead) / counts.before))]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (logMass(counts, middle) < SHOWS) low = middle
    else high = middle
  }
  return high
}

function logMass({ size, before, ahead }: Counts, n: number): number {
  const logStay = -Math.log1p(ahead / before)
  if (n === 0) return size * logStay
  const ways = gammaln(size + n) - gammaln(size) - gammaln(n + 1)
  return ways + size * logStay + n * Math.log(ahead / (before + ahead))
}
