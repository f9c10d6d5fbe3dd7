/**
 * A member in the words of marketing: recency, frequency and money in fifths of the program, how regular the
 * rhythm is, and what the member is worth over a lifetime. All from one row and what was learnt of the program.
 */
import { ownShape } from './cadence.ts'
import type { Learnt } from './learn.ts'
import { discountedExpected } from './lifetime.ts'
import { FEW_GAPS } from './reason.ts'
import type { MemberState } from './state.ts'

export const dispersions = ['clockwork', 'steady', 'irregular', 'bursty'] as const
export type Dispersion = (typeof dispersions)[number]

/** By the shape of the gaps' gamma law, where 1 is chance; null where there are too few gaps to say. */
export function dispersionOf(state: MemberState, { pooled }: Pick<Learnt, 'pooled'>): Dispersion | null {
  if (state.days - 1 < FEW_GAPS) return null
  const shape = ownShape(state, pooled)
  if (shape >= 5) return 'clockwork'
  if (shape >= 1.6) return 'steady'
  return shape >= 0.9 ? 'irregular' : 'bursty'
}

/** Fifths, 5 the best: days since the last purchase, purchase days, mean cents of a purchase day. */
export interface Rfm {
  readonly recency: number
  readonly frequency: number
  readonly money: number
}

/** Upper ends of the lower four fifths. */
export interface RfmBounds {
  readonly recency: readonly number[]
  readonly frequency: readonly number[]
  readonly money: readonly number[]
}

export function rfmBounds(states: readonly MemberState[]): RfmBounds {
  const fifths = (of: (state: MemberState) => number) => {
    const sorted = Float64Array.from(states, of).sort()
    return [1, 2, 3, 4].map((part) => sorted[Math.ceil((part * sorted.length) / 5) - 1] ?? 0)
  }
  return {
    recency: fifths(({ lastDay }) => lastDay),
    frequency: fifths(({ days }) => days),
    money: fifths(meanCents),
  }
}

/** Equal members get equal fifths, so a fifth may be empty. */
export function rfmOf(state: MemberState, bounds: RfmBounds): Rfm {
  const fifth = (ends: readonly number[], value: number) => 1 + ends.filter((end) => value > end).length
  return {
    recency: fifth(bounds.recency, state.lastDay),
    frequency: fifth(bounds.frequency, state.days),
    money: fifth(bounds.money, meanCents(state)),
  }
}

function meanCents({ cents, days }: MemberState): number {
  return days > 0 ? cents / days : 0
}

const YEAR_OF_WEEKS = 52
const WEEK = 7
const DISCOUNT = 0.15

/**
 * Worth in cents of all purchases to come, discounted by 15 % a year, times the margin; null where amounts are
 * not known. It asks the model for many expectations: for one member on a screen, not for a million.
 */
export function lifetimeValue(
  state: MemberState,
  learnt: Learnt,
  { margin = 1, discount = DISCOUNT }: { margin?: number; discount?: number } = {},
): number | null {
  if (learnt.usualCents <= 0) return null
  const { clock, window, model } = learnt
  const first = clock.at(state.firstDay)
  const history = {
    x: state.days - 1,
    tx: (clock.at(state.lastDay) - first) / WEEK,
    T: (clock.at(window.asOf) - first) / WEEK,
  }
  const rate = Math.log1p(discount) / YEAR_OF_WEEKS
  const purchases = discountedExpected(model, history, rate) * learnt.volume
  return purchases * margin * basketOf(state, learnt)
}

/** Expected cents of a further purchase day: by the spend law, or else drawn to the program's mean. */
export function basketOf(
  state: MemberState,
  { usualCents, spend }: Pick<Learnt, 'usualCents' | 'spend'>,
): number {
  if (spend !== null) return spend.expectedMean(state.days, meanCents(state))
  return (state.cents + 2 * usualCents) / (state.days + 2)
}
