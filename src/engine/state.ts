/**
 * What a group knows while it is decided: the members it has locked with what was read of them, and what
 * is to be written. A command decides on a copy of its member and hands both back, or nothing.
 */

import type { Confirmation } from '../earning/confirm.ts'
import type { PastReturn, ReversedAward } from '../earning/return.ts'
import type { TransactionBody } from '../earning/transaction.ts'
import type { KeptValuation } from '../earning/valued.ts'
import { type Book, copyBook, openBook } from '../ledger/book.ts'
import type { Entry } from '../ledger/entry.ts'
import type { Complaint, Feedback } from '../members/feedback.ts'
import type { Identifier, Member } from '../members/member.ts'
import type { Merge } from '../members/merge.ts'
import type { Pool } from '../members/pool.ts'
import type { Redemption } from '../redeeming/redemption.ts'
import type { LimitUse } from '../rules/facts.ts'
import type { CounterRow } from '../tiers/counters.ts'
import type { Standing, TierChange } from '../tiers/standing.ts'
import type { BudgetDesk } from './budgets.ts'
import type { CampaignWrites } from './campaign.ts'
import type { Command } from './command.ts'
import type { FlagWrite } from './flags.ts'
import type { Household } from './household.ts'
import type { Mark } from './marks.ts'

export interface StoredTransaction {
  readonly transactionId: string
  readonly memberId: string
  readonly rulesVersion: string
  /** who posted it */
  readonly source: string
  readonly request: TransactionBody
  readonly occurredAt: Date
  readonly recordedAt: Date
  readonly kept: KeptValuation
  readonly returns: readonly PastReturn[]
  /** how it was decided about its points that awaited a confirmation; left out where it was not */
  readonly confirmation?: Confirmation
}

export interface MemberState {
  readonly member: Member
  readonly identifiers: readonly Identifier[]
  readonly book: Book
  readonly dueAt: Date | null
  /** of the member's row: every group that locks it moves it on; 1 as it is enrolled */
  readonly version?: bigint | undefined
  /** by ladder; a ladder that is missing stands at its base tier */
  readonly standings: ReadonlyMap<string, Standing>
  /** changes that hold, oldest first */
  readonly history: readonly TierChange[]
  readonly counters: readonly CounterRow[]
  readonly redemptions: ReadonlyMap<string, Redemption>
  readonly transactions: ReadonlyMap<string, StoredTransaction>
  /** segments and promotions; read where the rules know any */
  readonly marks?: readonly Mark[] | undefined
}

/** A sale that came without a member. */
export interface LooseSale {
  readonly transactionId: string
  readonly program: string
  readonly source: string
  readonly request: TransactionBody
  readonly occurredAt: Date
  /** whom it was attached to */
  readonly memberId: string | null
}

export interface Recorded {
  readonly requestHash: string
  readonly reply: string
}

export interface GroupState {
  readonly members: Map<string, MemberState>
  /** by identifierKey */
  readonly identifiers: Map<string, { memberId: string; status: Identifier['status'] }>
  readonly transactionOwners: Map<string, string>
  readonly redemptionOwners: Map<string, string>
  /** sales that the group attaches or keeps, by transaction id */
  readonly loose: Map<string, LooseSale>
  /** what was credited before: the transaction, by claimKey */
  readonly claims: Map<string, string>
  /** who belongs together */
  readonly household: Household
  /** limits over all members, with what the group takes of them */
  readonly budgets?: BudgetDesk
  /** open ones by member; read where the group resolves any */
  readonly complaints?: Map<string, Complaint[]> | undefined
  /** nobody reads what awards say in words: a replay */
  readonly wordless?: true
  /** by recordKey */
  readonly recorded: Map<string, Recorded>
  /** what is kept of the members beside the ledger; left out where nothing is */
  readonly kept?: GroupProjection | null
  /** as read: what persisting compares with */
  readonly read: {
    readonly identifiers: ReadonlySet<string>
    readonly dueAt: ReadonlyMap<string, Date | null>
    /** up to which business time the locked rows know of transactions */
    readonly latestAt: ReadonlyMap<string, Date>
  }
}

/** One group's: read while its members are locked, written with what was decided on them. */
export interface GroupProjection {
  /** Sends its reading at once, behind the locks; may be called again for further members. */
  read(memberIds: readonly string[]): Promise<void>
  persist(group: GroupState, writes: Writes): Promise<unknown>[]
}

/** Rows to write, of one command or of a whole group. Counters are differences, the rest is as it shall stand. */
export interface Writes extends CampaignWrites {
  readonly commands: { command: Command; memberId: string; reply: string }[]
  readonly entries: { command: Command; memberId: string; entry: Entry }[]
  readonly transactions: { command: Command; memberId: string; stored: StoredTransaction }[]
  /** transactions that were valued again, with their returns as they would have been; the last one holds */
  readonly revaluations: {
    command: Command
    memberId: string
    revaluationId: string
    transactionId: string
    kept: KeptValuation
    returns: readonly PastReturn[]
  }[]
  /** the last one of an id counts */
  readonly loose: { command: Command; sale: LooseSale }[]
  readonly claims: { program: string; type: string; claim: string; memberId: string; transactionId: string }[]
  readonly returns: {
    command: Command
    memberId: string
    returnId: string
    transactionId: string
    occurredAt: Date
    lines: PastReturn['lines']
    reversed: readonly ReversedAward[]
  }[]
  /** the last one of a transaction counts */
  readonly confirmations: {
    command: Command
    memberId: string
    transactionId: string
    confirmation: Confirmation
  }[]
  /** the last one of an id counts */
  readonly redemptions: { command: Command; redemption: Redemption; isNew: boolean }[]
  readonly enrolled: Member[]
  readonly changed: Member[]
  /** each one added, changed or removed; null: removed. The last one of a key counts */
  readonly identifiers: { key: string; memberId: string; identifier: Identifier | null; at: Date }[]
  readonly counters: { memberId: string; row: CounterRow }[]
  /** each one as it shall stand, told apart by kind, name and since */
  readonly marks: { memberId: string; mark: Mark; at: Date }[]
  /** with the complaint that it resolves */
  readonly feedback: { feedback: Feedback; complaint: Complaint | null; program: string; at: Date }[]
  /** what a command takes of limits over all members */
  readonly budgets: LimitUse[]
  readonly flags: { command: Command; memberId: string; flag: FlagWrite }[]
  readonly tierChanges: { memberId: string; changeId: string; change: TierChange; at: Date }[]
  /** changes of a ladder from this business time on no longer hold */
  readonly superseded: {
    memberId: string
    ladder: string
    from: Date
    at: Date
    changes: readonly TierChange[]
  }[]
  /** members that were closed, reopened, merged or un-merged, as they stand in the end */
  readonly statuses: Member[]
  /** the last one of an id counts */
  readonly pools: { command: Command; pool: Pool; isNew: boolean }[]
  /** who is in which pool from now on; null: in none. The last one of a member counts */
  readonly poolMembers: { memberId: string; poolId: string | null; at: Date }[]
  readonly merges: { command: Command; merge: Merge }[]
  readonly unmerges: { command: Command; merge: Merge }[]
  /** members of whom nothing personal may stay known, with their duplicates */
  readonly erased: { memberIds: readonly string[]; at: Date }[]
  readonly events: {
    memberId: string
    eventId: string
    program: string
    type: string
    payload: object
    at: Date
  }[]
}

export function noWrites(): Writes {
  return {
    commands: [],
    entries: [],
    transactions: [],
    revaluations: [],
    loose: [],
    claims: [],
    returns: [],
    confirmations: [],
    redemptions: [],
    enrolled: [],
    changed: [],
    identifiers: [],
    counters: [],
    marks: [],
    flags: [],
    arms: [],
    treatments: [],
    feedback: [],
    budgets: [],
    tierChanges: [],
    superseded: [],
    statuses: [],
    pools: [],
    poolMembers: [],
    merges: [],
    unmerges: [],
    erased: [],
    events: [],
  }
}

const kinds = Object.keys(noWrites()) as (keyof Writes)[]

export function addWrites(to: Writes, from: Writes): void {
  for (const name of kinds) {
    const rows = from[name]
    for (let index = 0; index < rows.length; index += 1) (to[name] as unknown[]).push(rows[index])
  }
}

/** A member's state while a command is decided on it: what stands in it is replaced whole, but for the book. */
export type Draft = { -readonly [Key in keyof MemberState]: MemberState[Key] }

/** With nothing yet, as enrolled. */
export function newState(member: Member, identifiers: readonly Identifier[] = []): MemberState {
  return {
    member,
    identifiers,
    book: openBook([], [], true),
    dueAt: null,
    version: 1n,
    standings: new Map(),
    history: [],
    counters: [],
    redemptions: new Map(),
    transactions: new Map(),
  }
}

export function draftOf(state: MemberState): Draft {
  return {
    member: state.member,
    identifiers: state.identifiers,
    book: copyBook(state.book),
    dueAt: state.dueAt,
    version: state.version,
    standings: state.standings,
    history: state.history,
    counters: state.counters,
    redemptions: state.redemptions,
    transactions: state.transactions,
    marks: state.marks,
  }
}

export function recordKey(command: Pick<Command, 'program' | 'source' | 'ref'> & { kind: string }): string {
  return JSON.stringify([command.program, command.source, command.kind, command.ref])
}

export function identifierKey(program: string, kind: string, value: string): string {
  return JSON.stringify([program, kind, value])
}

export function claimKey(program: string, type: string, claim: string): string {
  return JSON.stringify([program, type, claim])
}

/** The sum of day rows with more rows added. */
export function addCounters(rows: readonly CounterRow[], more: readonly CounterRow[]): CounterRow[] {
  const sums = [...rows]
  for (const row of more) {
    const index = sums.findIndex(({ counter, day }) => counter === row.counter && day === row.day)
    const known = sums[index]
    if (known) sums[index] = { ...known, value: known.value.plus(row.value) }
    else sums.push(row)
  }
  return sums
}
