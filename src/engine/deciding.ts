/**
 * What one command has in hand while it is decided: the draft of its member, the rules, ids, and the rows
 * that come of it. Everything here is thrown away if the command is refused.
 */
import { DomainError, invariant } from '../base/errors.ts'
import { idsOf, type RowIds, showId } from '../base/ids.ts'
import { emptyAccount, type WireBalance, wireBalance } from '../ledger/account.ts'
import type { Entry } from '../ledger/entry.ts'
import type { MemberReference } from '../members/member.ts'
import type { Program } from '../program/program.ts'
import { baseStanding } from '../tiers/assess.ts'
import type { CounterRow } from '../tiers/counters.ts'
import { type Standing, type WireTier, wireTier } from '../tiers/standing.ts'
import type { Command } from './command.ts'
import { duplicatesFrom, standIn } from './kin.ts'
import {
  addCounters,
  type Draft,
  draftOf,
  type GroupState,
  identifierKey,
  type MemberState,
  noWrites,
  type Writes,
} from './state.ts'

/** The published rules, as far as deciding needs them. */
export interface RulesInForce {
  at(program: string, at: Date): Program
  version(program: string, version: string): Program
  /** In force at a business time; null where none are. */
  find(program: string, at: Date): Program | null
}

export interface Deciding {
  readonly group: GroupState
  readonly command: Command
  readonly rules: RulesInForce
  /** in force at the recording time */
  readonly program: Program
  readonly nextId: () => string
  /** runs what is to be done before the command itself, with ids of its own */
  readonly beforehand: RowIds['beforehand']
  readonly writes: Writes
  /** every member that the command has touched so far, this one included, by id */
  readonly drafts: Map<string, Deciding>
  /** a draft: changed in place, and thrown away if the command is refused */
  state: Draft
}

/**
 * Opens a command on its member, or on the one that the member was merged into; refuses a member that is
 * not there or is another program's.
 */
export function begin(input: {
  group: GroupState
  command: Command
  rules: RulesInForce
  memberId: string
}): Deciding {
  const { group, command, rules, memberId } = input
  const state = standIn(group.members, memberId)
  if (!state || state.member.program !== command.program) {
    throw new DomainError('member_not_found', { memberId: showId('member', memberId) })
  }
  return open({ group, command, rules, state: draftOf(state) })
}

export function open(input: {
  group: GroupState
  command: Command
  rules: RulesInForce
  state: Draft
}): Deciding {
  const { group, command, rules, state } = input
  const ids = idsOf(command.commandId)
  const deciding: Deciding = {
    group,
    command,
    rules,
    program: rules.at(command.program, command.at),
    nextId: ids.next,
    beforehand: ids.beforehand,
    writes: noWrites(),
    drafts: new Map(),
    state,
  }
  deciding.drafts.set(input.state.member.memberId, deciding)
  return deciding
}

/** Opens a further member in the same command, or the one that it was merged into. */
export function beside(deciding: Deciding, memberId: string): Deciding {
  const state = standIn(deciding.group.members, memberId)
  if (!state || state.member.program !== deciding.command.program) {
    throw new DomainError('member_not_found', { memberId: showId('member', memberId) })
  }
  return draftBeside(deciding, state)
}

/** The same for a member's own rows, be it merged or not. */
export function besideAsItIs(deciding: Deciding, memberId: string): Deciding {
  const known = deciding.drafts.get(memberId)
  if (known) return known
  const state = deciding.group.members.get(memberId)
  invariant(state, 'a member that a command looks at was loaded')
  return draftBeside(deciding, state)
}

function draftBeside(deciding: Deciding, state: MemberState): Deciding {
  const { memberId } = state.member
  const known = deciding.drafts.get(memberId)
  if (known) return known
  const other = { ...deciding, state: draftOf(state) }
  deciding.drafts.set(memberId, other)
  return other
}

/** The member that a request names, by id or by identifier. */
export function resolve(group: GroupState, program: string, reference: MemberReference): string {
  if (reference.memberId !== undefined) return reference.memberId
  const { kind, value } = reference.identifier ?? { kind: '', value: '' }
  const found = group.identifiers.get(identifierKey(program, kind, value))
  if (!found) throw new DomainError('member_not_found', { identifierKind: kind })
  if (found.status === 'blocked') throw new DomainError('identifier_blocked', { identifierKind: kind })
  return found.memberId
}

export function record(deciding: Deciding, ...entries: readonly Entry[]): void {
  const { command, writes, state } = deciding
  const { memberId } = state.member
  for (const entry of entries) {
    const owner = ownerOfFact(state, entry)
    const told = owner === memberId ? entry : { ...entry, detail: { ...entry.detail, owner } }
    writes.entries.push({ command, memberId, entry: told })
  }
}

/** Whose sale or redemption an entry is about: a merged duplicate's stays the duplicate's. */
function ownerOfFact({ member, transactions, redemptions }: MemberState, entry: Entry): string {
  const transaction = entry.transactionId && transactions.get(entry.transactionId)
  const redemption = entry.redemptionId && redemptions.get(entry.redemptionId)
  return (transaction || redemption || member).memberId
}

/**
 * Adds to counters, of the member and of the merged duplicates on the way to whoever the fact is of: what a
 * duplicate counts goes with it when it is un-merged.
 */
export function count(deciding: Deciding, rows: readonly CounterRow[], owner?: string): void {
  const { memberId } = deciding.state.member
  const duplicates = owner === undefined ? [] : duplicatesFrom(deciding.group.members, owner)
  for (const one of [memberId, ...duplicates]) {
    const draft = besideAsItIs(deciding, one)
    for (const row of rows) deciding.writes.counters.push({ memberId: one, row })
    draft.state.counters = addCounters(draft.state.counters, rows)
  }
}

export function announce(deciding: Deciding, type: string, payload: object): void {
  const { command, state } = deciding
  const { memberId, program } = state.member
  deciding.writes.events.push({
    memberId,
    eventId: deciding.nextId(),
    program,
    type,
    payload: { memberId: showId('member', memberId), ...payload },
    at: command.at,
  })
}

/** Balances in every currency of the program, also where there is nothing yet. */
export function balancesOf({ program, state }: Deciding): WireBalance[] {
  return [...program.currencies.keys()].map((currency) =>
    wireBalance(state.book.accounts.get(currency) ?? emptyAccount(currency)),
  )
}

/** The member's present standings, by ladder, with the base tier where nothing else is known. */
export function standingsOf({ program, state }: Deciding): Map<string, Standing> {
  return new Map(
    program.ladders.map((ladder) => [
      ladder.id,
      state.standings.get(ladder.id) ?? baseStanding(ladder, state.member.enrolledAt),
    ]),
  )
}

/** The standing on the program's first ladder, as it goes out; null where there is no ladder. */
export function tierShown(deciding: Deciding): WireTier | null {
  const [first] = standingsOf(deciding).values()
  return first ? wireTier(first) : null
}
