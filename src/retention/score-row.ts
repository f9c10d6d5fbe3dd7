/** One member's score as it is stored and shown: what is foretold, what is at stake, and why, in words. */
import { rhythmOf, type Sight } from './features.ts'
import type { Flag } from './flag.ts'
import type { Learnt } from './learn.ts'
import { basketOf, dispersionOf, lifetimeValue, type RfmBounds, rfmOf } from './profile.ts'
import type { Reason } from './reason.ts'
import type { Scorer, Scores } from './score.ts'
import type { MemberState } from './state.ts'
import type { MemberTies } from './ties.ts'
import type { Uplifts } from './uplift.ts'
import type { Voice } from './voice.ts'

export interface ScoreRow {
  readonly memberId: string
  readonly state: string
  /** days since 1 January 1970 */
  readonly since: number
  readonly flag: Flag | null
  readonly flaggedSince: number | null
  readonly silent: number
  readonly decline: number
  readonly alive: number | null
  readonly purchases: number
  /** money as decimal text; null where amounts are not known */
  readonly value: string | null
  readonly lifetimeValue: string | null
  readonly atStake: string | null
  /** what acting on the flag is expected to change; 1 without a flag */
  readonly uplift: number
  /** chance of decline x at stake x uplift */
  readonly priority: number
  readonly dispersion: string | null
  readonly recency: number
  readonly frequency: number
  readonly monetary: number
  readonly reasons: readonly Reason[]
}

export interface Standing {
  readonly memberId: string
  readonly state: MemberState
  /** null: something of them lies after the day */
  readonly ties: MemberTies | null
  /** as of the day; null: nothing was said */
  readonly voice: Voice | null
  readonly openFlag: { readonly kind: Flag; readonly raisedOn: number } | null
}

export interface RowMaker {
  readonly learnt: Learnt
  readonly sight: Sight
  readonly scorer: Scorer
  readonly scores: Scores
  readonly bounds: RfmBounds
  /** share of spend that is profit */
  readonly margin: number
  readonly uplifts: Uplifts
  lifetimePurchases(state: MemberState): number
}

export function scoreRow(maker: RowMaker, place: number, of: Standing): ScoreRow {
  const { learnt, scores, scorer, margin } = maker
  const { state, openFlag } = of
  const flag = scores.flags[place] ?? null
  const { phase, since, reasons } = scorer.words(state, flag, of)
  const [silent, decline, alive] = [scores.silent[place]!, scores.decline[place]!, scores.alive[place]!]
  const [purchases, value] = [scores.purchases[place]!, scores.value[place]!]
  const profit = Number.isNaN(value) ? null : (basketOf(state, learnt) * margin) / 100
  const usual = usualPurchases(state, maker.sight)
  const uplift = flag === null ? 1 : maker.uplifts[flag]
  const rfm = rfmOf(state, maker.bounds)
  return {
    memberId: of.memberId,
    state: phase,
    since,
    flag,
    flaggedSince: flag === null ? null : openFlag?.kind === flag ? openFlag.raisedOn : learnt.window.asOf,
    silent,
    decline,
    alive: Number.isNaN(alive) ? null : alive,
    purchases,
    value: Number.isNaN(value) ? null : money(value / 100),
    lifetimeValue: profit === null ? null : money(maker.lifetimePurchases(state) * profit),
    atStake: profit === null ? null : money(usual * profit),
    uplift,
    priority: decline * usual * (profit ?? 1) * uplift,
    dispersion: dispersionOf(state, learnt),
    recency: rfm.recency,
    frequency: rfm.frequency,
    monetary: rfm.money,
    reasons,
  }
}

function money(amount: number): string {
  return Math.max(0, amount).toFixed(2)
}

/** Purchases in the horizon if nothing had changed: by the own rhythm, which with few gaps is nearly everybody's. */
function usualPurchases(state: MemberState, sight: Sight): number {
  return Math.min(sight.horizon, sight.horizon / Math.max(1, rhythmOf(state, sight).meanGap))
}

/** With so many members, those who are nearly alike share what is foretold of their lifetimes. */
const MANY = 20_000
const NEARLY = 28
const EXACT = 16

/** All purchases to come, discounted; worked out once for all who are (nearly) alike. */
export function rememberingLifetimes(learnt: Learnt, count: number): RowMaker['lifetimePurchases'] {
  const known = new Map<string, number>()
  const perMoney = { ...learnt, usualCents: 1, spend: null }
  const { asOf } = learnt.window
  const about = (state: MemberState): MemberState => {
    if (count < MANY) return state
    const round = (days: number) => Math.round(days / NEARLY) * NEARLY
    const days =
      state.days <= EXACT
        ? state.days
        : Math.round(EXACT * 1.15 ** Math.round(Math.log(state.days / EXACT) / Math.log(1.15)))
    const lastDay = asOf - round(asOf - state.lastDay)
    return { ...state, days, lastDay, firstDay: Math.min(lastDay, asOf - round(asOf - state.firstDay)) }
  }
  return (state) => {
    const like = about(state)
    const key = `${like.days} ${like.firstDay} ${like.lastDay}`
    let purchases = known.get(key)
    if (purchases === undefined) {
      // Each purchase is worth one cent: what comes out is their number.
      const value = lifetimeValue({ ...like, cents: like.days, firstCents: 1 }, perMoney) ?? 0
      purchases = Number.isFinite(value) ? value : 0
      known.set(key, purchases)
    }
    return purchases
  }
}
