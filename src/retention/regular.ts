/**
 * How regular purchases are, as the k of Erlang gaps: tried upwards for as long as the likelihood rises. k is
 * compared on the whole likelihood of the times of purchase, so laws of different k, and those without one, can
 * be held against each other.
 */
import gammaln from '@stdlib/math-base-special-gammaln'
import type { Cell } from './cell.ts'
import type { Parameters } from './family.ts'
import { type Approach, approach, complete, type Data, type Fit } from './fit.ts'

const MOST_K = 6
/** A last purchase at no time at all cannot be; a thousandth of a unit keeps its logarithm finite. */
const LEAST_TIME = 1e-3

/**
 * What Erlang-k gaps add to the log-likelihood beside the kernel in x, tx and T; no parameter stands in it.
 * `logGaps` is the sum of the logarithms of all gaps between purchases of all members. Without it only the
 * time of the last purchase is known, and the gaps in between are integrated out: then it is
 * (k-1) x ln tx - lnGamma(kx) + lnGamma(x) per member, next to the same for k = 1.
 */
function timing(k: number, cells: readonly Cell[], logGaps: number | null): number {
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

/**
 * The fit of MBG/CNBD-k for the given k, or for the best one; k then counts as a parameter. Only the k that is
 * taken is fitted to the end.
 */
export function fitRegular(data: Data, cells: readonly Cell[], { k, logGaps }: Regularity): Fit {
  const name = 'mbg_cnbd_k'
  const finish = (way: Approach, each: number): Fit => {
    const fit = complete(data, way)
    return { ...fit, logLikelihood: fit.logLikelihood + timing(each, cells, logGaps) }
  }
  if (k !== null) return finish(approach(data, { name, k }), k)
  let best = { k: 1, way: approach(data, { name, k: 1 }) }
  let height = best.way.logLikelihood
  for (let next = 2; next <= MOST_K; next++) {
    const way = approach(data, { name, k: next, near: nearTo(best.way.parameters, next) })
    const reached = way.logLikelihood + timing(next, cells, logGaps)
    if (reached <= height) break
    best = { k: next, way }
    height = reached
  }
  const fit = finish(best.way, best.k)
  return { ...fit, freedom: fit.freedom + 1 }
}

/** A purchase takes more steps, each at a rate that is as much higher. */
function nearTo({ r = 1, alpha = 1, a = 1, b = 1, k: before = 1 }: Parameters, k: number): number[] {
  return [r, (alpha * before) / k, a, b].map(Math.log)
}
