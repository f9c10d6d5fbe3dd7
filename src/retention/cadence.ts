/**
 * A member's own rhythm: gaps follow a gamma law whose shape comes from running sums and whose rate is learnt
 * from the member's gaps over a prior of the whole program, so that a few gaps are not taken for a law.
 * Times are readings of the program's clock.
 */
import gammaln from '@stdlib/math-base-special-gammaln'
import { logIncompleteBeta } from './beta.ts'
import type { Clock } from './clock.ts'
import type { MemberState } from './state.ts'

/** What all members of a program have in common. */
export interface PooledCadence {
  /** s = ln(mean gap) - mean(ln gap), pooled over members: the smaller, the more regular */
  readonly irregularity: number
  /** gamma prior of the reciprocal mean gap: its shape, and its rate in clock days */
  readonly priorShape: number
  readonly priorRate: number
  /** chance of leaving after the first purchase */
  readonly leavesAfterFirst: number
  /** beta law of the chance of leaving after each further one: who has stayed longer leaves less */
  readonly leaving: number
  readonly staying: number
}

const SHRINK_GAPS = 6
const LOWEST_SHAPE = 0.7
const HIGHEST_SHAPE = 12

/** Minka's closed approximation of the maximum-likelihood shape of a gamma law, within bounds. */
export function shapeOf(irregularity: number): number {
  const s = Math.max(1e-6, irregularity)
  const shape = (3 - s + Math.sqrt((s - 3) ** 2 + 24 * s)) / (12 * s)
  return Math.min(HIGHEST_SHAPE, Math.max(LOWEST_SHAPE, shape))
}

/** m times s of one member, in which one gap is spent on the mean; 0 where there are fewer than two gaps. */
export function irregularitySum(state: MemberState): number {
  const gaps = state.days - 1
  if (gaps < 2) return 0
  const mean = (state.lastDay - state.firstDay) / gaps
  return Math.max(0, gaps * Math.log(mean) - state.gapLogs / 1e6)
}

export function ownShape(state: MemberState, pooled: PooledCadence): number {
  const spent = Math.max(0, state.days - 2)
  return shapeOf((irregularitySum(state) + SHRINK_GAPS * pooled.irregularity) / (spent + SHRINK_GAPS))
}

/** A gap's law: shape, and the posterior Gamma(a, b) of the reciprocal mean gap. */
export interface GapLaw {
  readonly shape: number
  readonly a: number
  readonly b: number
}

export function lawOf(
  state: MemberState,
  { clock, pooled }: { clock: Clock; pooled: PooledCadence },
): GapLaw {
  const shape = ownShape(state, pooled)
  const span = clock.at(state.lastDay) - clock.at(state.firstDay)
  return { shape, a: pooled.priorShape + shape * (state.days - 1), b: pooled.priorRate + shape * span }
}

/** ln P(next gap > silence): the gap over (b + shape × gap) is beta, because its rate is learnt, not known. */
export function logSurvivalOf({ shape, a, b }: GapLaw, silence: number): number {
  if (silence <= 0) return 0
  return logIncompleteBeta(b / (b + shape * silence), a, shape)
}

/** What is asked of a law: times in clock days, the chance of having left, and ln P(gap > silence). */
export interface Question {
  readonly silence: number
  readonly horizon: number
  readonly leaves: number
  readonly logSurvival: number
}

/**
 * P(silent through a further horizon | silent so far), with the chance of having left: a ratio of likelihoods.
 * For a rhythm longer than the horizon the ratio alone dips while the next purchase comes due; the answer is
 * never below that of the day of the last purchase, so that a longer silence never looks better.
 */
export function silentOdds(law: GapLaw, { silence, horizon, leaves, logSurvival }: Question): number {
  const stays = 1 - leaves
  const atOnce = leaves + stays * Math.exp(logSurvivalOf(law, horizon))
  if (silence <= 0) return atOnce
  const now = Math.exp(logSurvival)
  const then = Math.exp(logSurvivalOf(law, silence + horizon))
  return Math.max(atOnce, (leaves + stays * then) / (leaves + stays * now))
}

/**
 * P(at most so many purchases in the horizon): gone already, or as many gaps and the rest of the running one
 * outlast the horizon. The rest of a gap met at random is (1 + 1/shape)/2 gaps long on average.
 */
export function atMostOdds(
  law: GapLaw,
  { silence, horizon, leaves, logSurvival, most }: Question & { readonly most: number },
): number {
  const now = Math.exp(logSurvival)
  const gone = leaves / (leaves + (1 - leaves) * now)
  if (most < 0) return 0
  const shape = law.shape * most + (law.shape + 1) / 2
  const b = law.b + law.shape * silence
  const few = Math.exp(logIncompleteBeta(b / (b + law.shape * horizon), law.a, shape))
  return gone + (1 - gone) * few
}

/** One member's part in the fit: gaps, their sum, own shape and silence, on the clock. */
interface Told {
  readonly gaps: number
  readonly span: number
  readonly shape: number
  readonly silence: number
}

/**
 * The pooled figures by maximum likelihood on a sample: marginal law of the gaps, times the chance that the
 * silence is one more gap or the end. A search from coarse to fine over bounded logarithms; deterministic.
 */
export function poolCadence(
  states: readonly MemberState[],
  { clock, asOf }: { clock: Clock; asOf: number },
): PooledCadence {
  let [sum, spent] = [0, 0]
  for (const state of states) {
    // No single heavy buyer may set the rhythm of all.
    const weight = Math.min(1, 20 / Math.max(1, state.days - 2))
    if (state.days >= 3) {
      sum += weight * irregularitySum(state)
      spent += weight * (state.days - 2)
    }
  }
  // Where nobody has a rhythm yet, gaps are taken for chance, with the weight of some members' gaps.
  const chance = 0.577
  const irregularity = (sum + 20 * chance) / (spent + 20)
  const start: PooledCadence = {
    irregularity,
    priorShape: 1,
    priorRate: 30,
    leavesAfterFirst: 0.1,
    leaving: 0.5,
    staying: 4,
  }
  const told = states.map((state) => ({
    gaps: state.days - 1,
    span: clock.at(state.lastDay) - clock.at(state.firstDay),
    shape: ownShape(state, start),
    silence: Math.max(0, clock.at(asOf) - clock.at(state.lastDay)),
  }))
  return told.length === 0 ? start : climb(start, told)
}

const bounds = {
  priorShape: [0.2, 20],
  priorRate: [1, 2_000],
  leavesAfterFirst: [0.001, 0.95],
  leaving: [0.02, 50],
  staying: [0.1, 500],
} as const

/** Moves of the search: what belongs together is also moved together. */
const moves: readonly (readonly (keyof typeof bounds)[])[] = [
  ['priorShape'],
  ['priorRate'],
  ['priorShape', 'priorRate'],
  ['leavesAfterFirst'],
  ['leaving'],
  ['staying'],
  ['leaving', 'staying'],
]

function climb(start: PooledCadence, told: readonly Told[]): PooledCadence {
  let best = start
  let bestValue = logLikelihood(best, told)
  const tryMove = (names: readonly (keyof typeof bounds)[], factor: number): boolean => {
    const tried = { ...best }
    for (const name of names) {
      const [low, high] = bounds[name]
      tried[name] = Math.min(high, Math.max(low, best[name] * factor))
    }
    const likelihood = logLikelihood(tried, told)
    if (!(likelihood > bestValue + 1e-6)) return false
    best = tried
    bestValue = likelihood
    return true
  }
  for (const step of STEPS) {
    for (let round = 0; round < MOST_ROUNDS; round++) {
      let moved = false
      for (const names of moves) moved = tryMove(names, step) || tryMove(names, 1 / step) || moved
      if (!moved) break
    }
  }
  return best
}

const STEPS = [3, 1.7, 1.3, 1.1, 1.04]
const MOST_ROUNDS = 10

/** P(leaving now) after so many gaps, by what staying so long says. */
export function leavesAfter(pooled: PooledCadence, gaps: number): number {
  if (gaps === 0) return pooled.leavesAfterFirst
  return pooled.leaving / (pooled.leaving + pooled.staying + gaps - 1)
}

function logLikelihood(pooled: PooledCadence, told: readonly Told[]): number {
  const { priorShape: a0, priorRate: b0, leaving, staying } = pooled
  const base = a0 * Math.log(b0) - gammaln(a0)
  const stayed = gammaln(leaving + staying) - gammaln(staying)
  let sum = 0
  for (const { gaps, span, shape, silence } of told) {
    const law = { shape, a: a0 + shape * gaps, b: b0 + shape * span }
    sum += base + gammaln(law.a) - law.a * Math.log(law.b)
    if (gaps > 0) {
      const further = gaps - 1
      sum += Math.log1p(-pooled.leavesAfterFirst)
      sum += stayed + gammaln(staying + further) - gammaln(leaving + staying + further)
    }
    const leaves = leavesAfter(pooled, gaps)
    sum += Math.log(leaves + (1 - leaves) * Math.exp(logSurvivalOf(law, silence)))
  }
  // A weak pull to the middle keeps the law proper where the data say nothing.
  const { leavesAfterFirst: first } = pooled
  const pulls = [Math.log(a0), Math.log(b0 / 30) / 2, Math.log(leaving / 0.5) / 2, Math.log(staying / 4) / 2]
  return sum - 0.5 * pulls.reduce((all, pull) => all + pull * pull, 0) + Math.log(first * (1 - first))
}
