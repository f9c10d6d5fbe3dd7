/**
 * A Shiryaev-Roberts statistic on a member's own rhythm: the likelihood of a change, summed over when it may
 * have come, against none. Two changes are looked for, "stopped" and "slowed to a third or a half of the rate",
 * and their average is watched (Pollak and Tartakovsky's averaging over alternatives). Looked at week by week, it
 * passes a threshold A on average once in A weeks by chance.
 */
import { type GapLaw, logSurvivalOf, ownShape, type PooledCadence } from './cadence.ts'
import type { Clock } from './clock.ts'
import type { MemberState } from './state.ts'

export interface Alarm {
  /** the statistic for each kind of change */
  readonly stopped: number
  readonly slowed: number
  /** both, averaged: what is held against the threshold */
  readonly level: number
  /** evidence for a slow-down on its own scale: under no change its mean is at most 1 */
  readonly slowEvidence: number
  /** the purchase after which a slow-down most likely began, and how many gaps have passed since */
  readonly slowSince: { readonly day: number; readonly gaps: number }
}

/** Of the rate that was usual; averaged, so that half-hearted slow-downs are found as well. */
const SLOWED_TO = [0.35, 0.5] as const
const WEEK = 7
const POINTS = 8
/** In weeks: who buys every day has no more chances to slow down than there are looks. */
const SHORTEST_GAP = 0.3
const HIGHEST = 1e12

interface Place {
  readonly clock: Clock
  readonly pooled: PooledCadence
  readonly asOf: number
}

export function alarmOf(state: MemberState, place: Place): Alarm {
  const { clock, asOf } = place
  const last = clock.at(state.lastDay)
  const stopped = stoppedBy(lawUpTo(state, place, state.days - 1), Math.max(0, clock.at(asOf) - last))
  const { sum, evidence, since } = slowDown(state, place)
  const slowed = Math.min(HIGHEST, sum)
  return { stopped, slowed, level: (stopped + slowed) / 2, slowEvidence: evidence, slowSince: since }
}

/** The evidence of a slow-down alone, for those who are asked about in great numbers. */
export function slowEvidenceOf(state: MemberState, place: Place): number {
  return slowDown(state, place).evidence
}

/** The law of the gaps up to and with the one of that number. */
function lawUpTo(state: MemberState, { clock, pooled }: Place, gaps: number): GapLaw {
  const shape = ownShape(state, pooled)
  const later = state.days - 1 - gaps
  const day = later === 0 ? state.lastDay : state.recentDays.at(-1 - later)!
  const span = clock.at(day) - clock.at(state.firstDay)
  return { shape, a: pooled.priorShape + shape * gaps, b: pooled.priorRate + shape * span }
}

interface SlowDown {
  readonly sum: number
  readonly evidence: number
  readonly since: Alarm['slowSince']
}

/** Each of the latest purchases stands for the weeks of a usual gap in which the slow-down may have begun. */
function slowDown(state: MemberState, place: Place): SlowDown {
  const { clock, asOf } = place
  const last = clock.at(state.lastDay)
  const silence = Math.max(0, clock.at(asOf) - last)
  const { recentDays: days } = state
  let [sum, plain, best, count] = [0, 0, 0, 0]
  let since = { day: state.lastDay, gaps: 0 }
  for (let later = 0; later < days.length; later++) {
    const gaps = state.days - 1 - later
    // Before a change there must be a rhythm of the member's own to change from.
    if (gaps < 2) break
    const day = days[days.length - 1 - later]!
    const law = lawUpTo(state, place, gaps)
    const ratio = slowedBy(law, { gaps: later, span: last - clock.at(day), silence })
    sum += ratio * Math.max(SHORTEST_GAP, law.b / law.a / WEEK)
    plain += ratio
    count++
    if (ratio > best) {
      best = ratio
      since = { day, gaps: later }
    }
  }
  return { sum, evidence: count === 0 ? 0 : plain / count, since }
}

/** Sum over the weeks of the silence in which the member may have stopped, of 1 / P(silent since by chance). */
function stoppedBy(law: GapLaw, silence: number): number {
  const weeks = silence / WEEK
  if (weeks <= 0) return 0
  const now = logSurvivalOf(law, silence)
  let sum = 0
  for (let point = 0; point < POINTS; point++) {
    const before = logSurvivalOf(law, (silence * (point + 0.5)) / POINTS)
    sum += Math.exp(Math.min(27, before - now))
  }
  return Math.min(HIGHEST, (weeks * sum) / POINTS)
}

/**
 * Likelihood of the gaps since a change, and of the silence, at a part of the rate over that at the same rate.
 * The rate is not known but learnt from the gaps before, so it is integrated out on both sides.
 */
function slowedBy(
  law: GapLaw,
  { gaps, span, silence }: { gaps: number; span: number; silence: number },
): number {
  const { shape } = law
  const a = law.a + shape * gaps
  const same = law.b + shape * span
  const survival = logSurvivalOf({ shape, a, b: same }, silence)
  let sum = 0
  for (const part of SLOWED_TO) {
    const slow = law.b + part * shape * span
    const gapsRatio = shape * gaps * Math.log(part) + a * Math.log(same / slow)
    const silenceRatio = logSurvivalOf({ shape, a, b: slow }, part * silence) - survival
    sum += Math.exp(Math.min(27, gapsRatio + silenceRatio))
  }
  return sum / SLOWED_TO.length
}
