/**
 * How regular purchases are, as the k of Erlang gaps: tried upwards for as long as the likelihood rises. k is
 * compared on the whole likelihood of the times of purchase, so laws of different k, and those without one, can
 * be held against each other.
 */
import gammaln from '@stdlib/math-base-special-gammaln'
import type { Cell } from './cell.ts'
import { type Data, type Fit, fitFamily } from './fit.ts'

const MOST_K = 6
/** A last purchase at no time at all cannot be; a thousandth of a unit keeps its logarithm finite. */
const LEAST_TIME = 1e-3

/**
 * What Erlang-k gaps add to the log-likelihood beside the kernel in x, tx and T; no parameter stands in it.
 * `logGaps` is the sum of the logarithms of all gaps between purchases of all members. Without it only the
 * time of the last purchase is known, and the gaps in between are integrated out: then it is
 * (k-1) x ln tx - lnGamma(kx) + lnGamma(x) per member, next to the same for k = 1.
 */
export function timing(k: number, cells: readonly Cell[], logGaps: number | null): number {
  if (k === 1) return 0
  let sum = logGaps === null ? 0 : (k - 1) * logGaps
  for (const { x, tx, count } of cells) {
    if (x === 0) continue
    const known = logGaps !== null
    const each = known ? -x * gammaln(k) : (k - 1) * x * Math.log(Math.max(tx, LEAST_TIME)) - gammaRatio(k, x)
    sum += count * each
  }
  return sum
}

function gammaRatio(k: number, x: number): number {
  return gammaln(k * x) - gammaln(x)
}

interface Regularity {
  readonly k: number | null
  readonly logGaps: number | null
}

/** The fit of MBG/CNBD-k for the given k, or for the best one; k then counts as a parameter. */
export function fitRegular(data: Data, cells: readonly Cell[], { k, logGaps }: Regularity): Fit {
  const withTiming = (fit: Fit, each: number): Fit => ({
    ...fit,
    logLikelihood: fit.logLikelihood + timing(each, cells, logGaps),
  })
  if (k !== null) return withTiming(fitFamily(data, { name: 'mbg_cnbd_k', k }), k)
  let best = withTiming(fitFamily(data, { name: 'mbg_cnbd_k', k: 1 }), 1)
  for (let each = 2; each <= MOST_K; each++) {
    const next = withTiming(fitFamily(data, { name: 'mbg_cnbd_k', k: each, near: nearTo(best, each) }), each)
    if (next.logLikelihood <= best.logLikelihood) break
    best = next
  }
  return { ...best, freedom: best.freedom + 1 }
}

/** A purchase takes more steps, each at a rate that is as much higher. */
function nearTo({ parameters }: Fit, k: number): number[] {
  const { r = 1, alpha = 1, a = 1, b = 1, k: before = 1 } = parameters
  return [r, (alpha * before) / k, a, b].map(Math.log)
}
