/**
 * What the scores look at: scale-free figures of one member's row on the program's clock. Those that grow
 * with silence are told apart from those that stand still between purchases, because the chance of silence
 * may only rise with the first kind.
 */
import {
  atMostOdds,
  type GapLaw,
  lawOf,
  leavesAfter,
  logSurvivalOf,
  type PooledCadence,
  silentOdds,
} from './cadence.ts'
import type { History } from './cell.ts'
import type { Clock } from './clock.ts'
import { fadedCount, fadedSpend, HALF_LIVES, type MemberState } from './state.ts'
import { fallOf, type Voice } from './voice.ts'

/** The two chances of the classic model that a score leans on, and what it expects. */
export interface ModelSays {
  readonly silent: number
  readonly decline: number
  readonly expected: number
  readonly alive: number | null
}

/** What all features of one run have in common. */
export interface Sight {
  readonly clock: Clock
  readonly pooled: PooledCadence
  readonly asOf: number
  /** in clock days */
  readonly horizon: number
  /** mean cents of a purchase day over the program; 0 where amounts are not known */
  readonly usualCents: number
  /** asks the classic model; times in weeks of the clock */
  ask(history: History, most: number): ModelSays
}

/**
 * Columns in order. `prior` is the part of a column in the log-odds before anything is learnt: the likelihood
 * ratios of the own rhythm and of the classic model, half and half, and what members say. A first open complaint
 * is believed to raise the odds by half, a fall of satisfaction over the whole scale to multiply them by e: cautious
 * figures that the program's own past corrects. `rises`: never falls as silence, or what is complained of, grows.
 * `soon`: over a short horizon alone, for the longer it is, the more of those come back who seemed gone.
 */
export const columns = [
  { name: 'own rhythm', prior: 0.5, rises: true },
  { name: 'classic model', prior: 0.5, rises: true },
  { name: 'gaps', prior: 0, rises: false },
  { name: 'mean gap', prior: 0, rises: false },
  { name: 'regularity', prior: 0, rises: false },
  { name: 'last gap', prior: 0, rises: false },
  { name: 'latest gaps', prior: 0, rises: false },
  { name: 'longest gap', prior: 0, rises: false },
  { name: 'pace of the quarter', prior: 0, rises: false },
  { name: 'pace of the year', prior: 0, rises: false },
  { name: 'basket trend', prior: 0, rises: false },
  { name: 'basket', prior: 0, rises: false },
  { name: 'silence in gaps', prior: 0, rises: true },
  { name: 'surprise', prior: 0, rises: true },
  { name: 'silence in horizons', prior: 0, rises: true },
  { name: 'silence in longest gaps', prior: 0, rises: true },
  { name: 'silence in latest gaps', prior: 0, rises: true },
  { name: 'open complaints', prior: 0.4, rises: true },
  { name: 'satisfaction fallen', prior: 1, rises: true },
  { name: 'silence in gaps, soon', prior: 0, rises: true },
  { name: 'surprise, soon', prior: 0, rises: true },
] as const

/** A member's rhythm and how long it has been quiet, in clock days. */
export interface Rhythm {
  readonly law: GapLaw
  /** own mean gap, by the gaps and the prior */
  readonly meanGap: number
  /** since the last purchase */
  readonly silence: number
}

/** What one look at a member found, beside the row of features. */
export interface Seen extends Rhythm {
  /** ln P(a gap longer than the silence), had nothing changed */
  readonly logSurvival: number
  /** log-odds of silence through the horizon: own rhythm, classic model */
  readonly silent: readonly [number, number]
  /** log-odds of at most `most` purchases, likewise */
  readonly decline: readonly [number, number]
  readonly model: ModelSays
}

const MOST_ODDS = 2.5
const WEEK = 7
const MONTH = 30

function logit(p: number): number {
  const odds = Math.log(Math.max(1e-12, p)) - Math.log(Math.max(1e-12, 1 - p))
  return MOST_ODDS * Math.tanh(odds / MOST_ODDS)
}

export function logistic(odds: number): number {
  return 1 / (1 + Math.exp(-odds))
}

const believed = columns.flatMap(({ prior }, column) => (prior === 0 ? [] : [{ column, prior }]))

/** The log-odds of a row of features, the one that begins at `at`, before anything is learnt. */
export function priorOdds(features: Float64Array, at = 0): number {
  let odds = 0
  for (const { column, prior } of believed) odds += prior * features[at + column]!
  return odds
}

export function rhythmOf(state: MemberState, { clock, pooled, asOf }: Sight): Rhythm {
  const law = lawOf(state, { clock, pooled })
  const silence = Math.max(0, clock.at(asOf) - clock.at(state.lastDay))
  return { law, meanGap: law.b / law.a, silence }
}

interface Looking {
  readonly into: Float64Array
  readonly most: number
  /** null or left out: the member has said nothing */
  readonly voice?: Voice | null
}

/** Fills `into` with the features for silence and returns what they were made of. */
export function look(state: MemberState, sight: Sight, { into, most, voice }: Looking): Seen {
  const { clock, pooled, asOf, horizon } = sight
  const law = lawOf(state, sight)
  const last = clock.at(state.lastDay)
  const silence = Math.max(0, clock.at(asOf) - last)
  const logSurvival = logSurvivalOf(law, silence)
  const gaps = state.days - 1
  const question = { silence, horizon, leaves: leavesAfter(pooled, gaps), logSurvival, most }
  const first = clock.at(state.firstDay)
  const model = sight.ask({ x: gaps, tx: (last - first) / WEEK, T: (last - first + silence) / WEEK }, most)
  const silent = [logit(silentOdds(law, question)), logit(model.silent)] as const
  const decline = [logit(atMostOdds(law, question)), logit(model.decline)] as const
  const seen: Seen = { law, meanGap: law.b / law.a, silence, logSurvival, silent, decline, model }
  fill(into, { state, seen, sight })
  into[17] = voice ? Math.log2(1 + voice.openComplaints) : 0
  into[18] = voice ? fallOf(voice) : 0
  return seen
}

/** Turns the row that `look` filled into the one for decline: only what is foretold differs. */
export function turnToDecline(into: Float64Array, { decline }: Seen): void {
  into[0] = decline[0]
  into[1] = decline[1]
}

interface Filling {
  readonly state: MemberState
  readonly seen: Seen
  readonly sight: Sight
}

function fill(into: Float64Array, { state, seen, sight }: Filling): void {
  const { silence } = seen
  const mean = Math.max(0.5, seen.meanGap)
  const hasGaps = state.days > 1
  const latest = latestGaps(state, sight.clock)
  into[0] = seen.silent[0]
  into[1] = seen.silent[1]
  into[2] = Math.log(state.days)
  into[3] = Math.log(mean / sight.horizon)
  into[4] = Math.log(seen.law.shape)
  into[5] = hasGaps ? Math.log((latest.last + 0.5) / (mean + 0.5)) : 0
  into[6] = hasGaps ? Math.log((latest.mean + 0.5) / (mean + 0.5)) : 0
  into[7] = hasGaps ? Math.log((state.longestGap + 1) / (mean + 1)) : 0
  into[8] = pace(state, 1, mean)
  into[9] = pace(state, 3, mean)
  into[10] = Math.log((basketOfLate(state) + 0.1) / 1.1)
  into[11] = basket(state, sight.usualCents)
  into[12] = Math.log1p(silence / mean)
  into[13] = Math.log1p(-seen.logSurvival)
  into[14] = Math.log1p(silence / sight.horizon)
  into[15] = hasGaps ? Math.log1p(silence / (state.longestGap + 1)) : 0
  into[16] = hasGaps ? Math.log1p(silence / (latest.mean + 1)) : 0
  const soon = MONTH / (MONTH + sight.horizon)
  into[19] = soon * into[12]!
  into[20] = soon * into[13]!
}

function latestGaps({ recentDays: days }: MemberState, clock: Clock): { last: number; mean: number } {
  const count = Math.min(3, days.length - 1)
  if (count < 1) return { last: 0, mean: 0 }
  const end = clock.at(days[days.length - 1]!)
  return {
    last: end - clock.at(days[days.length - 2]!),
    mean: (end - clock.at(days[days.length - 1 - count]!)) / count,
  }
}

/** Purchases of late, as of the last one, against the own mean rate over the same fading window. */
function pace(state: MemberState, h: number, mean: number): number {
  const decay = Math.LN2 / HALF_LIVES[h]!
  const known = 1 - Math.exp(-decay * (state.lastDay - state.firstDay))
  return Math.log((fadedCount(state, h, state.lastDay) + 1) / (2 + known / (decay * mean)))
}

/** Spend per purchase day of the last quarter over that of all time; 1 where nothing changed or is known. */
export function basketOfLate(state: MemberState): number {
  if (state.cents <= 0) return 1
  const count = fadedCount(state, 1, state.lastDay)
  return fadedSpend(state, 1, state.lastDay) / count / (state.cents / state.days)
}

function basket(state: MemberState, usualCents: number): number {
  if (usualCents <= 0) return 0
  return Math.log((state.cents / state.days + 0.1 * usualCents) / (1.1 * usualCents))
}
