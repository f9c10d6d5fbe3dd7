/**
 * A member's row as facts change it. Whatever order they come in, the row is the one that all facts in the
 * order of their days make; where the row alone cannot follow, it says that it must be rebuilt.
 */
import { memberAccounts, type Posting } from '../ledger/entry.ts'
import type { Program } from '../program/program.ts'
import type { Bought, Deed } from './deed.ts'
import { type BoughtDay, withDay, withoutDay } from './history.ts'
import { add, emptyState, type MemberState, type Purchase, stateOf } from './state.ts'
import { engage, type MemberTies, NO_TIES, redeem, tie, untie } from './ties.ts'

export interface Kept {
  readonly memberId: string
  readonly program: string
  /** ascending */
  readonly days: readonly BoughtDay[]
  /** what the days sum up to */
  readonly state: MemberState
  readonly ties: MemberTies
  readonly rebuild: boolean
}

export function newKept(memberId: string, program: string): Kept {
  return { memberId, program, days: [], state: emptyState(), ties: NO_TIES, rebuild: false }
}

/** A fact as it was counted before, and as it is to be counted now; null: not at all. */
export interface Change {
  readonly before: Deed | null
  readonly after: Deed | null
}

export function changed(kept: Kept, { before, after }: Change): Kept {
  const ties = changedTies(kept, { before, after })
  const rebuild = kept.rebuild || ties.rebuild
  const [was, is] = [bought(before), bought(after)]
  if (was === null && is === null) return { ...kept, ties, rebuild }
  const less = was === null ? kept.days : withoutDay(kept.days, dayOf(was))
  // Taken back, but never counted: it came before the row was.
  if (less === null) return { ...kept, ties, rebuild: true }
  const days = is === null ? less : withDay(less, dayOf(is))
  const isNewest = was === null && is !== null && (kept.state.days === 0 || is.day >= kept.state.lastDay)
  const state = isNewest ? add(kept.state, is) : stateOfDays(days)
  return { ...kept, days, state, ties, rebuild }
}

function bought(deed: Deed | null): Bought | null {
  return deed?.kind === 'purchase' ? deed : null
}

function dayOf({ day, cents }: Bought): BoughtDay {
  return { day, purchases: 1, cents }
}

/** Purchases of a day sum up alike, whatever each of them cost. */
function stateOfDays(days: readonly BoughtDay[]): MemberState {
  return stateOf(purchasesOf(days))
}

/** How many of the latest days a state remembers: those of state.ts, whose number follows from all days. */
export function remembered(days: number): number {
  return days < 8 ? days : 8 + (days % 8)
}

function* purchasesOf(days: readonly BoughtDay[]): Generator<Purchase> {
  for (const { day, purchases, cents } of days) {
    yield { day, cents }
    for (let more = 1; more < purchases; more++) yield { day, cents: 0 }
  }
}

function changedTies({ ties, state }: Kept, { before, after }: Change): MemberTies {
  const [was, is] = [bought(before), bought(after)]
  let next = ties
  if (was !== null) {
    const isGone = is === null
    const categories = was.categories.filter((name) => !is?.categories.includes(name))
    next = untie(next, { day: was.day, categories, ...(isGone && channelOf(was)) })
  }
  if (was === null && is !== null) {
    next = tie(next, { day: is.day, categories: is.categories, ...channelOf(is) })
  }
  if (before?.kind === 'engagement' && ties.lastEngagementDay === before.day)
    next = { ...next, rebuild: true }
  if (after?.kind === 'engagement') next = engage(next, after.day)
  // Which names are counted together depends on which came first.
  const isInOrder = was === null && (is === null || state.days === 0 || is.day > state.lastDay)
  const isCrowded = [ties, next].some((one) => 'other' in one.channels || 'other' in one.categories)
  return isInOrder || !isCrowded ? next : { ...next, rebuild: true }
}

function channelOf({ channel }: Bought): { channel?: string } {
  return channel === null ? {} : { channel }
}

/** Points that came or went, and days on which points were redeemed or a redemption was taken back. */
export interface PointsChange {
  readonly earned: bigint
  readonly redeemed: bigint
  readonly redeemedDays: readonly number[]
  readonly undoneDays: readonly number[]
}

export function withPoints(kept: Kept, { earned, redeemed, redeemedDays, undoneDays }: PointsChange): Kept {
  const { ties } = kept
  const latest = redeemedDays.reduce((known, day) => redeem(known, { day, points: 0n }), ties)
  const isUnknown = undoneDays.some((day) => day === latest.lastRedeemedDay)
  return {
    ...kept,
    ties: {
      ...latest,
      pointsEarned: ties.pointsEarned + earned,
      pointsRedeemed: ties.pointsRedeemed + redeemed,
    },
    rebuild: kept.rebuild || isUnknown,
  }
}

/** The row from all facts, in the order in which they happened. */
export function keptOf(
  who: Pick<Kept, 'memberId' | 'program'>,
  deeds: readonly Deed[],
  points: Pick<PointsChange, 'earned' | 'redeemed' | 'redeemedDays'>,
): Kept {
  let { ties, days }: Pick<Kept, 'ties' | 'days'> = newKept(who.memberId, who.program)
  for (const deed of deeds) {
    if (deed.kind === 'engagement') ties = engage(ties, deed.day)
    else {
      ties = tie(ties, { day: deed.day, categories: deed.categories, ...channelOf(deed) })
      days = withDay(days, dayOf(deed))
    }
  }
  const kept = { ...who, days, state: stateOfDays(days), ties, rebuild: false }
  return withPoints(kept, { ...points, undoneDays: [] })
}

const own: ReadonlySet<string> = new Set(memberAccounts)

export function redeemableOf({ currencies }: Pick<Program, 'currencies'>): (currency: string) => boolean {
  return (currency) => currencies.get(currency)?.kind === 'redeemable'
}

/** Points that came to the member's accounts, and those that went for redemptions. */
export function pointsOf(
  postings: readonly Pick<Posting, 'currency' | 'from' | 'to' | 'points'>[],
  isRedeemable: (currency: string) => boolean,
): { earned: bigint; redeemed: bigint } {
  let [earned, redeemed] = [0n, 0n]
  for (const { currency, from, to, points } of postings) {
    if (own.has(from) === own.has(to) || !isRedeemable(currency)) continue
    const came = own.has(to) ? points : -points
    if (from === 'redeemed' || to === 'redeemed') redeemed -= came
    else earned += came
  }
  return { earned, redeemed }
}
