/**
 * What acting on a flag is expected to change: how much more treated members spent than their control, as a ratio,
 * from what experiments found. Without experiments it is exactly 1, and few members move it little.
 */
import quantile from '@stdlib/stats-base-dists-normal-quantile'
import { type Sums, variance } from './difference.ts'
import type { Flag } from './flag.ts'

export type Uplifts = Readonly<Record<Flag, number>>

/** What is expected, how sure that is, and of whom it was learnt. */
export interface ExpectedUplift {
  readonly uplift: number
  /** 95 % of what is believed, the assumption before any experiment included */
  readonly low: number
  readonly high: number
  /** experiments that said something, and their members */
  readonly trials: number
  readonly treated: number
  readonly control: number
}

export type ExpectedUplifts = Readonly<Record<Flag, ExpectedUplift>>

/** A group of an experiment: spend of its measured days, member by member, and how many bought at all. */
export interface Spenders {
  readonly buyers: number
  readonly spend: Sums
}

/** The two groups that chance made, everybody counted whatever was done. */
export interface Trial {
  readonly treated: Spenders
  readonly control: Spenders
}

/** Below so many in a group the delta method means nothing. */
const FEWEST = 20

/**
 * Standard deviation of the logarithm of an uplift before anything is known of it: two of three between x 0.82 and
 * x 1.22, nineteen of twenty between x 0.68 and x 1.48. It is an assumption: most campaigns move the spend of all
 * whom they mean by some per cent, hardly any by half, and a ratio from twenty members says 2 by chance alone.
 */
const PRIOR_DEVIATION = 0.2

/** 95 % of a normal law lie within so many deviations. */
const REACH = quantile(0.975, 0, 1)

/** Nobody knows a ratio better than to a thousandth; it also keeps groups in which all spend alike finite. */
const LEAST_VARIANCE = 1e-6

/** A group without a buyer counts as with half of one, as Haldane and Anscombe (1956) do for empty cells. */
const HALF = 0.5

/**
 * Logarithms of the ratios of means, pooled by inverse variance (Hedges, Gurevitch and Curtis, Ecology 80, 1999,
 * p. 1150), with a normal prior around 0; what comes out is the median of the posterior law.
 */
export function upliftOf(trials: readonly Trial[]): ExpectedUplift {
  let [weighted, weights] = [0, 1 / PRIOR_DEVIATION ** 2]
  const heard = { trials: 0, treated: 0, control: 0 }
  for (const trial of trials) {
    const found = logRatio(trial)
    if (found === null) continue
    weighted += found.log / found.variance
    weights += 1 / found.variance
    heard.trials += 1
    heard.treated += trial.treated.spend.members
    heard.control += trial.control.spend.members
  }
  const [log, reach] = [weighted / weights, REACH / Math.sqrt(weights)]
  return { uplift: Math.exp(log), low: Math.exp(log - reach), high: Math.exp(log + reach), ...heard }
}

/** Null where there is too little to say, or nobody of both groups spent anything. */
function logRatio({ treated, control }: Trial): { log: number; variance: number } | null {
  if (treated.spend.members < FEWEST || control.spend.members < FEWEST) return null
  const [a, b] = [logMean(treated, control), logMean(control, treated)]
  if (a === null || b === null) return null
  const log = a.log - b.log
  const spread = Math.max(LEAST_VARIANCE, a.variance + b.variance)
  return Number.isFinite(log) && Number.isFinite(spread) ? { log, variance: spread } : null
}

/**
 * By the delta method the variance of a mean's logarithm is s^2 / (n mean^2). The half buyer of an empty group
 * spends what buyers of the other one do; of k buyers in many members that variance is 1 / k or more.
 */
function logMean(own: Spenders, other: Spenders): { log: number; variance: number } | null {
  const { members, sum } = own.spend
  if (sum > 0) {
    const mean = sum / members
    return { log: Math.log(mean), variance: variance(own.spend) / (members * mean * mean) }
  }
  if (!(other.spend.sum > 0)) return null
  const basket = other.spend.sum / Math.max(1, other.buyers)
  return { log: Math.log((HALF * basket) / members), variance: 1 / HALF }
}
