/**
 * Laws with a coin tossed at each purchase, whether it was the last one: BG/NBD (Fader, Hardie and Lee 2005,
 * "Counting Your Customers the Easy Way") and MBG/CNBD-k, which tosses at the first purchase too and lets gaps
 * be Erlang-k, more regular as k grows (Platzer and Reutterer 2016, "Ticking Away the Moments").
 */
import betaln from '@stdlib/math-base-special-betaln'
import gammaln from '@stdlib/math-base-special-gammaln'
import type { History } from './cell.ts'
import type { Law } from './law.ts'
import { atLeast, type Counts, mixedTails } from './negative-binomial.ts'

export interface BetaGeometricParameters {
  /** shape and rate (in units of time) of the gamma law of rates; a purchase takes k steps at that rate */
  readonly r: number
  readonly alpha: number
  /** the beta law of the chance to leave at a purchase */
  readonly a: number
  readonly b: number
  /** gaps are Erlang-k; 1 is the plain exponential */
  readonly k: number
  /** whether one may leave right after the first purchase: 1 in MBG, 0 in BG */
  readonly firstToss: 0 | 1
}

export function betaGeometric(parameters: BetaGeometricParameters): Law {
  const { r, alpha, a, b, k, firstToss } = parameters
  const start = r * Math.log(alpha) - gammaln(r) - betaln(a, b)
  const logA = Math.log(a)
  const law: Law = {
    constant: (x) => start + gammaln(r + k * x) + betaln(a, b + x + firstToss),
    stayed: (x, T) => -(r + k * x) * Math.log(alpha + T),
    gone: (x, tx) => {
      const tosses = x + firstToss
      if (tosses === 0) return Number.NEGATIVE_INFINITY
      return logA - Math.log(b + tosses - 1) - (r + k * x) * Math.log(alpha + tx)
    },
    moreIfAlive: (member, h, most) => moreIfAlive(parameters, member, { h, most }),
    expectedIfAlive: (member, h) => expectedIfAlive(parameters, member, h),
  }
  if (k === 1) return law
  return { ...law, spell: (x, tx, T) => logSpell({ size: r + k * x, k, elapsed: (T - tx) / (alpha + T) }) }
}

/**
 * Of one who is still a customer, j of the k steps to the next purchase are done, j = 0 to k - 1: with a chance
 * in proportion to (r + kx)_j / j! * ((T - tx) / (alpha + T))^j. This is the logarithm of their sum; nothing is
 * allocated, for a fit asks once per cell.
 */
function logSpell({ size, k, elapsed }: { size: number; k: number; elapsed: number }): number {
  let [sum, term] = [1, 1]
  for (let j = 1; j < k; j++) {
    term *= ((size + j - 1) * elapsed) / j
    sum += term
  }
  return Math.log(sum)
}

/** The steps ahead, given that j of the k to the next purchase are done, and how likely that is. */
function stepsAhead(parameters: BetaGeometricParameters, member: History, h: number) {
  const { r, alpha, k } = parameters
  const size = r + k * member.x
  const before = alpha + member.T
  const elapsed = (member.T - member.tx) / before
  const all = Math.exp(logSpell({ size, k, elapsed }))
  let term = 1
  return Array.from({ length: k }, (_, done) => {
    if (done > 0) term *= ((size + done - 1) * elapsed) / done
    const counts: Counts = { size: size + done, before, ahead: h }
    return { weight: term / all, done, counts }
  })
}

/** More than m purchases: enough steps for m + 1 of them, and no leaving at the first m. */
function moreIfAlive(
  parameters: BetaGeometricParameters,
  member: History,
  { h, most }: { h: number; most: number },
): number {
  const { a, b, k, firstToss } = parameters
  const kept = b + member.x + firstToss
  let enough = 0
  for (const { weight, done, counts } of stepsAhead(parameters, member, h)) {
    enough += weight * atLeast(counts, k * (most + 1) - done)
  }
  return enough * Math.exp(betaln(a, kept + most) - betaln(a, kept))
}

const MOST_PURCHASES = 100_000
const NEGLIGIBLE = 1e-13

/**
 * The sum over m of P(more than m purchases). Exact for every k, where the closed form is known for k = 1 only
 * and loses its digits near a = 1; it is cut where further terms no longer show.
 */
function expectedIfAlive(parameters: BetaGeometricParameters, member: History, h: number): number {
  const { a, b, k, firstToss } = parameters
  const kept = b + member.x + firstToss
  const ahead = stepsAhead(parameters, member, h)
  const enough = mixedTails(
    ahead[0]!.counts,
    ahead.map(({ weight }) => weight),
  )
  let [sum, stays] = [0, 1]
  for (let m = 0; m < MOST_PURCHASES; m++) {
    const term = stays * enough(k * (m + 1))
    sum += term
    if (term <= NEGLIGIBLE * sum) break
    stays *= (kept + m) / (a + kept + m)
  }
  return sum
}
