/**
 * Gamma-Gamma: what a member spends per purchase varies about a mean of his own, and these means are gamma
 * distributed too; independent of how often he buys (Fader, Hardie and Lee 2005, "RFM and CLV"; Fader and Hardie
 * 2013, "The Gamma-Gamma Model of Monetary Value"). Estimates are floats and never reach the ledger.
 */
import gammaln from '@stdlib/math-base-special-gammaln'
import { better, nelderMead, type Problem, polish } from './minimise.ts'

export interface Spender {
  /** purchases that the mean is over; repeat purchases by custom */
  readonly x: number
  /** mean amount per purchase, in one currency */
  readonly mean: number
  /** how many members are like this; 1 where it is left out */
  readonly count?: number
}

/** All that is worth keeping of a fit: `spendOf` makes the fit of it again, in another thread. */
export interface SpendRecord {
  /** shape of one's purchases (p), shape (q) and scale (gamma) of the law of means */
  readonly parameters: { readonly p: number; readonly q: number; readonly gamma: number }
  readonly logLikelihood: number
  /** members that were used: at least one purchase, a mean above 0 */
  readonly members: number
  /** of purchases and mean spend; the model takes it as 0, so beware where it is not */
  readonly correlation: number
}

export interface FittedSpend extends SpendRecord {
  /** mean amount to expect of further purchases; that of the whole base for one without purchases */
  expectedMean(x: number, mean: number): number
}

export type SpendResult =
  | { readonly spend: FittedSpend; readonly reason: null }
  | { readonly spend: null; readonly reason: 'too_few' | 'all_equal' }

const FEWEST_MEMBERS = 10

/** The fit, or why there cannot be one: then the plain mean of the base is all there is to say. */
export function examineSpend(customers: readonly Spender[]): SpendResult {
  const usable = customers
    .map(({ x, mean, count = 1 }) => ({ x, mean, count }))
    .filter(({ x, mean, count }) => x > 0 && mean > 0 && count > 0 && Number.isFinite(x * mean * count))
  const summary = summaryOf(usable)
  if (summary.members < FEWEST_MEMBERS) return { spend: null, reason: 'too_few' }
  if (summary.highest <= summary.lowest * (1 + 1e-9)) return { spend: null, reason: 'all_equal' }
  return { spend: fitted(usable, summary), reason: null }
}

export function fitSpend(customers: readonly Spender[]): FittedSpend | null {
  return examineSpend(customers).spend
}

type Group = Required<Spender>

interface Summary {
  readonly members: number
  readonly mean: number
  readonly lowest: number
  readonly highest: number
  readonly correlation: number
}

function summaryOf(groups: readonly Group[]): Summary {
  let [members, sumX, sumM] = [0, 0, 0]
  let [lowest, highest] = [Number.POSITIVE_INFINITY, 0]
  for (const { x, mean, count } of groups) {
    members += count
    sumX += count * x
    sumM += count * mean
    lowest = Math.min(lowest, mean)
    highest = Math.max(highest, mean)
  }
  const [meanX, meanM] = [sumX / members, sumM / members]
  let [xx, xm, mm] = [0, 0, 0]
  for (const { x, mean, count } of groups) {
    xx += count * (x - meanX) ** 2
    xm += count * (x - meanX) * (mean - meanM)
    mm += count * (mean - meanM) ** 2
  }
  const correlation = xx > 0 && mm > 0 ? xm / Math.sqrt(xx * mm) : 0
  return { members, mean: meanM, lowest, highest, correlation }
}

/** In logarithms: p, q - 1 and gamma over the mean. q stays clear of 1, where the mean of the base is infinite. */
const bounds = { lower: [1e-2, 0.05, 1e-5].map(Math.log), upper: [1e4, 1e3, 1e4].map(Math.log) }
const starts = [
  [5, 2.5, 0.5],
  [1, 1, 1],
]

function fitted(groups: readonly Group[], { members, mean, correlation }: Summary): FittedSpend {
  const parametersAt = (at: readonly number[]) => ({
    p: Math.exp(at[0] as number),
    q: 1 + Math.exp(at[1] as number),
    gamma: Math.exp(at[2] as number) * mean,
  })
  const cells = merged(groups)
  const f = (at: readonly number[]) => -logLikelihoodOf(parametersAt(at), cells) / members
  const problem: Problem = { f, ...bounds }
  const ends = starts.map((start) => nelderMead(problem, start.map(Math.log), 80))
  const best = polish(problem, ends.reduce(better), null)
  const { p, q, gamma } = parametersAt(best.at)
  const logLikelihood = -best.value * members
  return spendOf({ parameters: { p, q, gamma }, logLikelihood, members, correlation })
}

export function spendOf(record: SpendRecord): FittedSpend {
  return { ...record, expectedMean: (x, observed) => expectedMean(record.parameters, x, observed) }
}

/** (gamma + x m) p / (p x + q - 1): between the member's own mean and that of the base, the nearer the more x. */
export function expectedMean({ p, q, gamma }: FittedSpend['parameters'], x: number, mean: number): number {
  const known = x > 0 && mean > 0 && Number.isFinite(x * mean)
  return known ? (p * (gamma + x * mean)) / (p * x + q - 1) : (p * gamma) / (q - 1)
}

/** By number of purchases: what the likelihood needs of those who made so many. */
interface SameCount {
  readonly x: number
  readonly count: number
  readonly sumLog: number
  readonly means: Float64Array
  readonly counts: Float64Array
}

const FEW_GROUPS = 5_000
/** Means within half a percent are taken together where there are many, at their geometric mean. */
const PER_E_FOLD = 200

function merged(groups: readonly Group[]): SameCount[] {
  const exact = groups.length <= FEW_GROUPS
  const byCount = new Map<number, Map<number, { count: number; sumLog: number }>>()
  for (const { x, mean, count } of groups) {
    const log = Math.log(mean)
    const means = byCount.get(x) ?? new Map<number, { count: number; sumLog: number }>()
    byCount.set(x, means)
    const key = exact ? log : Math.round(log * PER_E_FOLD)
    const sum = means.get(key) ?? { count: 0, sumLog: 0 }
    sum.count += count
    sum.sumLog += count * log
    means.set(key, sum)
  }
  return [...byCount].map(([x, means]) => {
    const sums = [...means.values()]
    const total = (key: 'count' | 'sumLog') => sums.reduce((sum, each) => sum + each[key], 0)
    return {
      ...{ x, count: total('count'), sumLog: total('sumLog') },
      means: Float64Array.from(sums, ({ count, sumLog }) => Math.exp(sumLog / count)),
      counts: Float64Array.from(sums, ({ count }) => count),
    }
  })
}

function logLikelihoodOf({ p, q, gamma }: FittedSpend['parameters'], cells: readonly SameCount[]): number {
  const start = q * Math.log(gamma) - gammaln(q)
  let sum = 0
  for (const { x, count, sumLog, means, counts } of cells) {
    const shape = p * x
    sum += count * (start + gammaln(shape + q) - gammaln(shape) + shape * Math.log(x)) + (shape - 1) * sumLog
    let spread = 0
    for (let i = 0; i < means.length; i++) {
      spread += (counts[i] as number) * Math.log(gamma + x * (means[i] as number))
    }
    sum -= (shape + q) * spread
  }
  return sum
}
