/**
 * The customer-base model of a programme: fitted on cells, chosen by BIC, asked per member. Every answer is
 * finite for any history, and chances are within 0 and 1. P(alive) is given only where the data can tell having
 * left from being silent.
 */
import { type Cell, type History, tidyHistory, totalsOf } from './cell.ts'
import { lawOf, type ModelName, type Parameters } from './family.ts'
import { dataOf, type Fit, fitFamily } from './fit.ts'
import { aliveNow, logLikelihood, probability, silentAhead } from './law.ts'
import { fitRegular } from './regular.ts'

export type { ModelName }

/** All that is worth keeping of a fit: `modelOf` makes the model of it again, in another process or thread. */
export interface ModelRecord {
  readonly name: ModelName
  /** by name: r, alpha, a, b, s, beta, k; alpha and beta are in the unit of time of the cells */
  readonly parameters: Parameters
  readonly logLikelihood: number
  readonly bic: number
  /** false: dropout could not be told from silence; pAlive is then null for all, and nothing rests on it */
  readonly dropoutIdentified: boolean
}

export interface FittedModel extends ModelRecord {
  /**
   * P(no purchase in (T, T+h] | x, tx, T) = L(x, tx, T+h) / L(x, tx, T). With more silence it never falls, all
   * else equal, unless k is above 1: who buys like a clock is likelier to buy when the next purchase is due.
   */
  pSilent(member: History, h: number): number
  /** P(at most `most` purchases in (T, T+h] | x, tx, T) */
  pAtMost(member: History, h: number, most: number): number
  /** expected number of purchases in (T, T+h] */
  expected(member: History, h: number): number
  /** null where the model cannot know: dropout not identified, or BG/NBD before the first repeat purchase */
  pAlive(member: History): number | null
}

export function modelOf({
  name,
  parameters,
  logLikelihood,
  bic,
  dropoutIdentified,
}: ModelRecord): FittedModel {
  const law = lawOf(name, parameters)
  const pSilent = (member: History, h: number) => silentAhead(law, tidyHistory(member), horizon(h))
  return {
    ...{ name, parameters, logLikelihood, bic, dropoutIdentified },
    pSilent,
    pAtMost: (member, h, most) => {
      if (most < 0) return 0
      if (most < 1) return pSilent(member, h)
      const tidy = tidyHistory(member)
      return probability(1 - aliveNow(law, tidy) * law.moreIfAlive(tidy, horizon(h), Math.floor(most)))
    },
    expected: (member, h) => {
      const tidy = tidyHistory(member)
      return aliveNow(law, tidy) * law.expectedIfAlive(tidy, horizon(h))
    },
    pAlive: (member) => {
      const tidy = tidyHistory(member)
      // BG/NBD lets nobody leave before the first repeat purchase: its 1 is an assumption, not a finding.
      const assumed = name === 'bg_nbd' && tidy.x === 0
      return dropoutIdentified && !assumed ? aliveNow(law, tidy) : null
    },
  }
}

const LONGEST_HORIZON = 1e9

function horizon(h: number): number {
  return h > 0 ? Math.min(h, LONGEST_HORIZON) : 0
}

export interface FitOptions {
  /** which to fit beside NBD, which is always fitted; all of them by default */
  readonly models?: readonly ModelName[]
  /** fixes the k of MBG/CNBD-k, a whole number from 1 on; found from the data by default */
  readonly k?: number
  /**
   * sum over all members of ln(gap) over all gaps between purchases, in the unit of the cells: k is then found
   * from every gap instead of from the times of the last purchases alone
   */
  readonly logGaps?: number
}

export interface FittedModels {
  readonly best: FittedModel
  /** best first, by BIC */
  readonly all: readonly FittedModel[]
  /** why nothing was fitted and a prior stands in, or null */
  readonly fallback: 'too_few_members' | 'too_few_purchases' | 'no_time' | null
}

/** Fits the models and orders them by BIC. Never fails for its data: with too little of it a prior stands in. */
export function fitModels(cells: readonly Cell[], options: FitOptions = {}): FittedModels {
  const tidy = cells
    .filter(({ count }) => count > 0)
    .map((cell) => ({ ...tidyHistory(cell), count: cell.count }))
  const fallback = whyNoFit(tidy)
  if (fallback !== null) {
    const prior = priorModel(tidy)
    return { best: prior, all: [prior], fallback }
  }
  const data = dataOf(tidy)
  const plain = fitFamily(data, { name: 'nbd' })
  const wanted = (name: ModelName) => options.models?.includes(name) ?? true
  const fits: Fit[] = [plain]
  if (wanted('bg_nbd')) fits.push(fitFamily(data, { name: 'bg_nbd' }))
  if (wanted('pareto_nbd')) fits.push(fitFamily(data, { name: 'pareto_nbd' }))
  if (wanted('mbg_cnbd_k')) {
    fits.push(fitRegular(data, tidy, { k: options.k ?? null, logGaps: options.logGaps ?? null }))
  }
  const bicOf = ({ logLikelihood, freedom }: Fit) => -2 * logLikelihood + freedom * Math.log(data.members)
  const all = fits
    .filter(({ logLikelihood }) => Number.isFinite(logLikelihood))
    .map((fit) => {
      const { name, parameters, logLikelihood } = fit
      const bic = bicOf(fit)
      const dropoutIdentified = bic < bicOf(plain) && tellsDropout(fit)
      return modelOf({ name, parameters, logLikelihood, bic, dropoutIdentified })
    })
    .sort((one, other) => one.bic - other.bic)
  const [best = priorModel(tidy)] = all
  return { best, all, fallback: null }
}

const FEWEST_MEMBERS = 20
const FEWEST_PURCHASES = 10

function whyNoFit(cells: readonly Cell[]): FittedModels['fallback'] {
  const { members, purchases, time } = totalsOf(cells)
  if (members < FEWEST_MEMBERS) return 'too_few_members'
  if (purchases < FEWEST_PURCHASES) return 'too_few_purchases'
  return time > 0 ? null : 'no_time'
}

/** What is believed before there are data: one purchase in 12 units of the clock, as much as one member tells. */
const PRIOR = { purchases: 1, time: 12 }

/** NBD of shape 1 about the pooled rate, the prior counted as one more member. */
function priorModel(cells: readonly Cell[]): FittedModel {
  const { members, purchases, time } = totalsOf(cells)
  const parameters = { r: 1, alpha: (time + PRIOR.time) / (purchases + PRIOR.purchases) }
  const law = lawOf('nbd', parameters)
  const sum = cells.reduce((total, cell) => total + cell.count * logLikelihood(law, cell), 0)
  const bic = -2 * sum + 2 * Math.log(Math.max(members, 1))
  return modelOf({ name: 'nbd', parameters, logLikelihood: sum, bic, dropoutIdentified: false })
}

/** The most that the ratio of the dropout parameters, so the mean chance to leave, may be uncertain by: e^0.7. */
const MOST_DOUBT = 0.7

/**
 * Whether a fit tells having left from being silent: it ended inside its bounds, on top of a proper hill, and
 * knows the mean chance to leave. Otherwise dropout laws fail silently: nobody, or everybody, ever leaves.
 */
function tellsDropout({ covariance, inside, freedom }: Fit): boolean {
  if (!inside || covariance === null || freedom < 4) return false
  const at = (i: number, j: number) => covariance[i]?.[j] ?? Number.NaN
  return at(2, 2) + at(3, 3) - 2 * at(2, 3) <= MOST_DOUBT ** 2
}
