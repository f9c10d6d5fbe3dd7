/**
 * NBD: everybody buys at a steady rate of his own, gamma distributed, and nobody ever leaves (Ehrenberg 1959,
 * "The Pattern of Consumer Purchases"). The yardstick that laws with dropout must beat.
 */
import gammaln from '@stdlib/math-base-special-gammaln'
import type { Law } from './law.ts'
import { atLeast } from './negative-binomial.ts'

/** Shape and rate (in units of time) of the gamma law of purchase rates. */
export interface NbdParameters {
  readonly r: number
  readonly alpha: number
}

export function nbd({ r, alpha }: NbdParameters): Law {
  const start = r * Math.log(alpha) - gammaln(r)
  return {
    constant: (x) => start + gammaln(r + x),
    stayed: (x, T) => -(r + x) * Math.log(alpha + T),
    gone: () => Number.NEGATIVE_INFINITY,
    moreIfAlive: ({ x, T }, h, most) => atLeast({ size: r + x, before: alpha + T, ahead: h }, most + 1),
    expectedIfAlive: ({ x, T }, h) => (h * (r + x)) / (alpha + T),
  }
}
