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
export function tails({ size, before, ahead }: Counts): (n: number) => number {
  if (ahead <= 0) return (n) => (n <= 0 ? 1 : 0)
  const share = ahead / (before + ahead)
  const logStay = -Math.log1p(ahead / before)
  // Below this the law has no mass that a double could show; starting at 0 would underflow.
  const from = size * logStay > -700 ? 0 : massBegins({ size, before, ahead })
  let at = from
  let mass = Math.exp(
    from === 0
      ? size * logStay
      : gammaln(size + from) - gammaln(size) - gammaln(from + 1) + size * logStay + from * Math.log(share),
  )
  let below = 0
  return (n) => {
    while (at < n) {
      below += mass
      const ratio = (share * (size + at)) / (at + 1)
      mass *= ratio
      at += 1
      if (ratio < 1 && mass < NEGLIGIBLE * (1 - ratio)) {
        at = Number.POSITIVE_INFINITY
        below = 1
      }
    }
    return Math.min(Math.max(1 - below, 0), 1)
  }
}

function massBegins({ size, before, ahead }: Counts): number {
  const mean = (size * ahead) / before
  const deviation = Math.sqrt(mean * (1 + ahead / before))
  return Math.max(0, Math.floor(mean - 12 * deviation))
}
