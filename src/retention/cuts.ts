/**
 * Earlier days of the program at which its members can be seen as they then were, with what they did after:
 * the lessons of a score. A cut and its horizon never reach beyond the day that the score is for.
 */
import { endAt, type Purchases } from './purchases.ts'
import { emptyState, type MemberState, take } from './state.ts'

export interface Cut {
  readonly day: number
  readonly horizonDays: number
  /** how much its members count; recent cuts say more */
  readonly weight: number
}

/** A horizon may take so much of the past; what is left before it must tell members apart. */
const LARGEST_SHARE = 0.4
const SHORTEST_HORIZON = 14
/** Shorter horizons give more cuts, newer ones, and teach how a horizon's length matters. */
const PARTS = [1, 0.6, 0.35]
const CUTS_PER_PART = 4
const FADE = 0.8

/** The newest cut of the longest horizon first. None where the past is too short to be cut. */
export function cutsOf(firstDay: number, asOf: number, horizonDays: number): Cut[] {
  const length = asOf - firstDay + 1
  const longest = Math.min(horizonDays, Math.floor(length * LARGEST_SHARE))
  const cuts: Cut[] = []
  for (const part of PARTS) {
    const horizon = Math.round(longest * part)
    if (horizon < SHORTEST_HORIZON) continue
    const step = Math.max(7, Math.round(horizon / 2))
    for (let age = 0; age < CUTS_PER_PART; age++) {
      const day = asOf - horizon - age * step
      if (day - firstDay + 1 < Math.max(horizon, length / 3)) break
      cuts.push({ day, horizonDays: horizon, weight: FADE ** age })
    }
  }
  return cuts
}

/** A member's row at the end of a day; null before the first purchase. */
export function stateAt(purchases: Purchases, member: number, day: number): MemberState | null {
  const from = purchases.starts[member]!
  const to = endAt(purchases, member, day)
  if (to === from) return null
  const state = emptyState()
  const purchase = { day: 0, cents: 0 }
  for (let i = from; i < to; i++) {
    purchase.day = purchases.days[i]!
    purchase.cents = purchases.cents[i]!
    take(state, purchase)
  }
  return state
}

/** How many purchase days a member has after `from`, up to and with `through`. */
export function boughtBetween(
  purchases: Purchases,
  member: number,
  { from, through }: { from: number; through: number },
): number {
  return endAt(purchases, member, through) - endAt(purchases, member, from)
}

/** Every n-th member in the order of ids, at most so many: a million teach no more than some thousands. */
export function sampleOf(purchases: Purchases, most: number): number[] {
  const count = purchases.memberIds.length
  const step = Math.max(1, Math.ceil(count / most))
  return Array.from({ length: Math.ceil(count / step) }, (_, i) => i * step)
}
