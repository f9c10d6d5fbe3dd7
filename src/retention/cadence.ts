/**
 * A member's own rhythm: gaps follow a gamma law whose shape comes from running sums and whose rate is learnt
 * from the member's gaps over a prior of the whole program, so that a few gaps are not taken for a law.
 * Times are readings of the program's clock.
 */
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

/** P(leaving now) after so many gaps, by what staying so long says. */
export function leavesAfter(pooled: PooledCadence, gaps: number): number {
  if (gaps === 0) return pooled.leavesAfterFirst
  return pooled.leaving / (pooled.leaving + pooled.staying + gaps - 1)
}
