/**
 * Where a member stands, in one word, and since when. The word describes; only a flag calls for action.
 * Members with one purchase are new until half a year or a horizon has passed, never slipping.
 */

import { incompleteBeta } from './beta.ts'
import type { PooledCadence } from './cadence.ts'
import type { Clock } from './clock.ts'
import type { Rhythm } from './features.ts'
import type { Flag } from './flag.ts'
import type { MemberState } from './state.ts'

export const phases = ['new', 'active', 'growing', 'slowing', 'gone quiet', 'lapsed', 'won back'] as const
export type Phase = (typeof phases)[number]

export interface Standing {
  readonly phase: Phase
  /** day since which it holds */
  readonly since: number
}

export interface Place {
  readonly clock: Clock
  readonly pooled: PooledCadence
  readonly asOf: number
  /** in clock days */
  readonly horizon: number
}

/** A silence is a lapse after half a year, or a horizon, or three usual gaps, whichever is longest. */
const LAPSE_DAYS = 182
const LAPSE_GAPS = 3
const LATEST = 4
const RARE = 0.02

function lapseAfter(seen: Pick<Rhythm, 'meanGap'>, horizon: number): number {
  return Math.max(LAPSE_DAYS, horizon, LAPSE_GAPS * seen.meanGap)
}

/** With one purchase there is no gap of one's own. */
function lapseOf(state: MemberState, seen: Rhythm, horizon: number): number {
  return state.days === 1 ? Math.max(LAPSE_DAYS, horizon) : lapseAfter(seen, horizon)
}

export function hasLapsed(state: MemberState, seen: Rhythm, { horizon }: Place): boolean {
  return seen.silence > lapseOf(state, seen, horizon)
}

export function standingOf(
  state: MemberState,
  { seen, flag, slowSince, place }: { seen: Rhythm; flag: Flag | null; slowSince: number; place: Place },
): Standing {
  const { clock, horizon } = place
  if (hasLapsed(state, seen, place)) {
    return { phase: 'lapsed', since: dayAfter(state.lastDay, lapseOf(state, seen, horizon), place) }
  }
  // Fewer purchases are foretold, and it is the silence that says so.
  const isQuiet = seen.silence > LAPSE_GAPS * seen.meanGap
  if (flag === 'gone_quiet' || (flag === 'buying_less' && isQuiet)) {
    return { phase: 'gone quiet', since: dayAfter(state.lastDay, LAPSE_GAPS * seen.meanGap, place) }
  }
  if (flag === 'buying_less') return { phase: 'slowing', since: slowSince }
  if (state.days === 1) return { phase: 'new', since: state.firstDay }
  const lastGap = clock.at(state.lastDay) - clock.at(state.recentDays.at(-2)!)
  const before = {
    meanGap:
      state.days > 2 ? (clock.at(state.recentDays.at(-2)!) - clock.at(state.firstDay)) / (state.days - 2) : 0,
  }
  if (state.days > 2 && lastGap > lapseAfter(before, horizon))
    return { phase: 'won back', since: state.lastDay }
  const turn = turnOf(state, seen, place)
  if (turn < RARE) return { phase: 'growing', since: state.recentDays.at(-1 - LATEST)! }
  if (turn > 1 - RARE) return { phase: 'slowing', since: state.recentDays.at(-1 - LATEST)! }
  return { phase: 'active', since: state.firstDay }
}

/** P(the latest gaps together shorter than they were, by the gaps before them); a half where there are too few. */
function turnOf(state: MemberState, { law }: Rhythm, { clock, pooled }: Place): number {
  if (state.days - 1 < 2 * LATEST) return 0.5
  const from = clock.at(state.recentDays.at(-1 - LATEST)!)
  const span = clock.at(state.lastDay) - from
  const a = pooled.priorShape + law.shape * (state.days - 1 - LATEST)
  const b = pooled.priorRate + law.shape * (from - clock.at(state.firstDay))
  return 1 - incompleteBeta(b / (b + law.shape * span), a, law.shape * LATEST)
}

/** The first day on which the clock has run so far since a day, no later than the day of the run. */
function dayAfter(from: number, ticks: number, { clock, asOf }: Pick<Place, 'clock' | 'asOf'>): number {
  const until = clock.at(from) + ticks
  let [low, high] = [from, asOf]
  while (low < high) {
    const middle = (low + high) >> 1
    if (clock.at(middle) > until) high = middle
    else low = middle + 1
  }
  return low
}
