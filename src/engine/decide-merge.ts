/**
 * Merging a duplicate into a member and taking that back, as commands on both. The points go over by paired
 * entries; sales, redemptions, identifiers and counters of the duplicate stay its own and are reached through it.
 */
import { DomainError } from '../base/errors.ts'
import { showId } from '../base/ids.ts'
import { type Day, startOfDay } from '../base/time.ts'
import type { WireBalance } from '../ledger/account.ts'
import { post } from '../ledger/book.ts'
import type { Entry, EntryKind, Posting } from '../ledger/entry.ts'
import { arrive, assumeDebts, leaveAll, leaveBrought, lifetimesOf, negated } from '../ledger/handover.ts'
import { mustBeActive } from '../members/enrol.ts'
import {
  broughtBy,
  carriedBack,
  checkMerge,
  type Merge,
  type MergeBody,
  type OwnedEntry,
} from '../members/merge.ts'
import type { CounterRow } from '../tiers/counters.ts'
import type { WireTier } from '../tiers/standing.ts'
import { climbByDays } from './climb.ts'
import { joinClocks } from './clocks.ts'
import { leaveAnyPool } from './decide-pool.ts'
import {
  announce,
  balancesOf,
  beside,
  besideAsItIs,
  count,
  type Deciding,
  record,
  tierShown,
} from './deciding.ts'
import { duplicatesFrom, ownedBy, withOwned } from './kin.ts'
import { settleAfter, settleBefore } from './settle.ts'
import { settleTiers } from './standings.ts'

export interface MergeReply {
  mergeId: string
  memberId: string
  balances: WireBalance[]
  tier: WireTier | null
  duplicate: { memberId: string; status: string; balances: WireBalance[] }
}

export function decideMerge(survivor: Deciding, body: MergeBody): MergeReply {
  const { household } = survivor.group
  mustBeActive(survivor.state.member)
  const duplicate = otherNamed(survivor, body.duplicate)
  const [memberId, duplicateId] = [survivor.state.member.memberId, duplicate.state.member.memberId]
  if (memberId !== duplicateId) mustBeActive(duplicate.state.member)
  settleBefore(duplicate)
  const familyOf = (id: string) => household.families.get(id) ?? []
  checkMerge(
    { memberId, family: familyOf(memberId) },
    { memberId: duplicateId, family: familyOf(duplicateId), book: duplicate.state.book },
  )
  leaveAnyPool(duplicate)

  const lifetime = lifetimesOf(duplicate.state.book)
  const left = leaveAll(duplicate.state.book)
  const mergeId = handOver(duplicate, survivor, { verb: 'merge', left, lifetime })
  const merge = { memberId, mergeId, duplicateId }
  survivor.writes.merges.push({ command: survivor.command, merge })
  const gone = { ...duplicate.state.member, status: 'merged' as const, mergedInto: memberId }
  // Nothing of the duplicate's falls due any more: its points and its tier are the survivor's.
  duplicate.state = { ...duplicate.state, member: gone, dueAt: null }
  survivor.state = joined(survivor, duplicate)
  survivor.writes.statuses.push(gone)

  shiftCounters(survivor, duplicate.state.counters, 1)
  joinClocks(survivor, duplicate)
  settleAfter(survivor)
  announce(survivor, 'member.merged', {
    mergeId: showId('merge', mergeId),
    duplicate: showId('member', duplicateId),
  })
  return replyOf(survivor, duplicate, merge)
}

export function decideUnmerge(survivor: Deciding, body: MergeBody): MergeReply {
  const { household } = survivor.group
  mustBeActive(survivor.state.member)
  const { memberId } = survivor.state.member
  const merge = household.merges.get(body.duplicate)
  if (merge?.memberId !== memberId) {
    throw new DomainError('not_merged', {
      memberId: showId('member', memberId),
      duplicate: showId('member', body.duplicate),
    })
  }
  const duplicate = besideAsItIs(survivor, body.duplicate)
  const owned = ownedBy(household, merge, survivor.writes)
  const brought = broughtBy(owned)
  const back = { ...duplicate.state.member, status: 'active' as const, mergedInto: null }
  duplicate.state = { ...duplicate.state, member: back }
  survivor.writes.statuses.push(back)
  survivor.writes.unmerges.push({ command: survivor.command, merge })
  part(survivor, duplicate)

  const left = leaveBrought(survivor.state.book, brought)
  handOver(survivor, duplicate, { verb: 'unmerge', left, lifetime: brought.lifetimes })
  rememberOwners(duplicate, owned)
  shiftCounters(survivor, duplicate.state.counters, -1)
  joinClocks(duplicate, survivor)
  settleAfter(survivor)
  if (isCounting(owned)) climbAgain(duplicate, duplicate.state.counters)
  else settleTiers(duplicate)
  settleAfter(duplicate)
  announce(survivor, 'member.unmerged', {
    mergeId: showId('merge', merge.mergeId),
    duplicate: showId('member', body.duplicate),
  })
  return replyOf(survivor, duplicate, merge)
}

/** The duplicate by its own id: one that was merged already is refused as such, not taken for its survivor. */
function otherNamed(deciding: Deciding, memberId: string): Deciding {
  const state = deciding.group.members.get(memberId)
  if (state?.member.program === deciding.command.program) return besideAsItIs(deciding, memberId)
  return beside(deciding, memberId)
}

/** Posts both sides; returns the id of the entry that brought the points. */
function handOver(
  giver: Deciding,
  taker: Deciding,
  what: { verb: 'merge' | 'unmerge'; left: readonly Posting[]; lifetime: Readonly<Record<string, number>> },
): string {
  const { verb, left, lifetime } = what
  const { at } = giver.command
  const [from, to] = [giver.state.member.memberId, taker.state.member.memberId]
  const owner = verb === 'merge' ? from : to
  const entry = (
    of: Deciding,
    made: { kind: EntryKind; postings: readonly Posting[]; lifetime?: Readonly<Record<string, number>> },
  ): string => {
    const written: Entry = {
      ...made,
      entryId: of.nextId(),
      occurredAt: at,
      detail: {
        from: showId('member', from),
        to: showId('member', to),
        ...(made.lifetime && { lifetime: made.lifetime }),
        // what the duplicate brings is counted by this, see broughtBy
        ...(verb === 'merge' && of === taker && { owner }),
      },
    }
    post(of.state.book, written)
    record(of, written)
    return written.entryId
  }
  entry(giver, { kind: `${verb}_out`, postings: left, lifetime: negated(lifetime) })
  const postings = arrive(taker.state.book, left)
  const entryId = entry(taker, { kind: `${verb}_in`, postings, lifetime })
  const debts = assumeDebts(taker.state.book, left, at)
  if (debts.length > 0) entry(taker, { kind: `${verb}_in`, postings: debts })
  return entryId
}

/** What became of the duplicate's own duplicates meanwhile, for when they are un-merged in turn. */
function rememberOwners(duplicate: Deciding, owned: readonly OwnedEntry[]): void {
  const { memberId } = duplicate.state.member
  for (const owner of new Set(owned.map((entry) => entry.owner))) {
    const carried = owner === memberId ? null : carriedBack(owned.filter((entry) => entry.owner === owner))
    if (carried === null) continue
    record(duplicate, {
      entryId: duplicate.nextId(),
      kind: 'unmerge_in',
      occurredAt: duplicate.command.at,
      postings: [],
      carried,
      detail: { owner, carried },
    })
  }
}

function joined(survivor: Deciding, duplicate: Deciding): Deciding['state'] {
  const state = withOwned(survivor.state, duplicate.state)
  const { memberId } = duplicate.state.member
  const theirs = duplicate.state.identifiers.map((one) => ({ ...one, of: one.of ?? memberId }))
  return { ...state, identifiers: [...state.identifiers, ...theirs] }
}

/** What the survivor held in hand for the duplicate goes back into the duplicate's own hands. */
function part(survivor: Deciding, duplicate: Deciding): void {
  const { memberId } = duplicate.state.member
  const { household, members } = survivor.group
  const gone = new Set([memberId, ...(household.families.get(memberId) ?? [])])
  const isGone = (of: { memberId: string }) =>
    gone.has(of.memberId) || duplicatesFrom(members, of.memberId).includes(memberId)
  const { state } = survivor
  const theirs = state.identifiers.filter(({ of }) => of !== undefined && gone.has(of))
  survivor.state = {
    ...state,
    identifiers: state.identifiers.filter((one) => !theirs.includes(one)),
    redemptions: new Map([...state.redemptions].filter(([, one]) => !isGone(one))),
    transactions: new Map([...state.transactions].filter(([, one]) => !isGone(one))),
  }
  duplicate.state = {
    ...duplicate.state,
    identifiers: theirs.map(({ of, ...one }) => (of === undefined || of === memberId ? one : { ...one, of })),
    redemptions: new Map([...state.redemptions].filter(([, one]) => isGone(one))),
    transactions: new Map([...state.transactions].filter(([, one]) => isGone(one))),
  }
}

/** The duplicate's counters on top of the survivor's, or off them; then the tiers as they follow from that. */
function shiftCounters(survivor: Deciding, rows: readonly CounterRow[], factor: 1 | -1): void {
  const shifted = rows.map((row) => ({ ...row, value: row.value.times(factor) }))
  if (shifted.length === 0) return
  count(survivor, shifted)
  climbAgain(survivor, rows)
}

/** Climbs the ladders again from the first day that is counted. */
function climbAgain(deciding: Deciding, rows: readonly CounterRow[]): void {
  const days: Day[] = rows.filter(({ counter }) => !counter.startsWith('limit:')).map(({ day }) => day)
  const first = days.sort()[0]
  if (first !== undefined) climbByDays(deciding, startOfDay(deciding.program.timeZone, first))
}

function isCounting(owned: readonly OwnedEntry[]): boolean {
  return owned.some(({ kind }) => kind === 'return' || kind === 'confirm' || kind === 'cancel')
}

function replyOf(survivor: Deciding, duplicate: Deciding, { mergeId }: Merge): MergeReply {
  const { memberId, status } = duplicate.state.member
  return {
    mergeId: showId('merge', mergeId),
    memberId: showId('member', survivor.state.member.memberId),
    balances: balancesOf(survivor),
    tier: tierShown(survivor),
    duplicate: { memberId: showId('member', memberId), status, balances: balancesOf(duplicate) },
  }
}
