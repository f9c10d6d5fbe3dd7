/**
 * A Shiryaev-Roberts statistic on a member's own rhythm: the likelihood of a change, summed over when it may
 * have come, against none. Two changes are looked for, "stopped" and "slowed to 0.35 of the rate", and their
 * average is watched. Looked at week by week, it passes a threshold A on average once in A weeks by chance.
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

/** Of the rate that was usual; Pollak and Tartakovsky's averaging over alternatives needs but two. */
export const SLOWED_TO = 0.35
const WEEK = 7
const POINTS = 8
const HIGHEST = 1e12

/** From looks per year and the share of stable members that may be flagged in a year by chance. */
export function thresholdOf({
  looksPerYear,
  falsePerYear,
}: {
  looksPerYear: number
  falsePerYear: number
}): number {
  return looksPerYear / falsePerYear
}

interface Place {
  readonly clock: Clock
  readonly pooled: PooledCadence
  readonly asOf: number
}

export function alarmOf(state: MemberState, { clock, pooled, asOf }: Place): Alarm {
  const shape = ownShape(state, pooled)
  const first = clock.at(state.firstDay)
  const last = clock.at(state.lastDay)
  const silence = Math.max(0, clock.at(asOf) - last)
  const gaps = state.days - 1
  const lawBefore = (later: number, at: number): GapLaw => ({
    shape,
    a: pooled.priorShape + shape * (gaps - later),
    b: pooled.priorRate + shape * (at - first),
  })
  const stopped = stoppedBy(lawBefore(0, last), silence)
  const { recentDays: days } = state
  let [sum, best, count] = [0, 0, 0]
  let since = { day: state.lastDay, gaps: 0 }
  for (let place = days.length - 1; place >= 0; place--) {
    const later = days.length - 1 - place
    // Before a change there must be a rhythm of the member's own to change from.
    if (gaps - later < 2) break
    const at = clock.at(days[place]!)
    const ratio = slowedBy(lawBefore(later, at), { gaps: later, span: last - at, silence })
    sum += ratio
    count++
    if (ratio > best) {
      best = ratio
      since = { day: days[place]!, gaps: later }
    }
  }
  const slowed = Math.min(HIGHEST, sum)
  return {
    stopped,
    slowed,
    level: (stopped + slowed) / 2,
    slowEvidence: count === 0 ? 0 : slowed / count,
    slowSince: since,
  }
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
 * Likelihood of the gaps since a change, and of the silence, at 0.35 of the rate over that at the same rate.
 * The rate is not known but learnt from the gaps before, so it is integrated out on both sides.
 */
function slowedBy(
  law: GapLaw,
  { gaps, span, silence }: { gaps: number; span: number; silence: number },
): number {
  const { shape } = law
  const a = law.a + shape * gaps
  const same = law.b + shape * span
  const slow = law.b + SLOWED_TO * shape * span
  const gapsRatio = shape * gaps * Math.log(SLOWED_TO) + a * Math.log(same / slow)
  const silenceRatio =
    logSurvivalOf({ shape, a, b: slow }, SLOWED_TO * silence) - logSurvivalOf({ shape, a, b: same }, silence)
  return Math.exp(Math.min(27, gapsRatio + silenceRatio))
}
