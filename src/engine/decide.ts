/**
 * decide: (group's state, command, rules) -> decision, pure. Ids come from the command, time is the
 * command's; a refusal throws DomainError and leaves the group's state as it was.
 */
import { DomainError } from '../base/errors.ts'
import { showId } from '../base/ids.ts'
import type { MemberReference } from '../members/member.ts'
import { type Command, loggedAs, type Reply } from './command.ts'
import { decideSegments, decideTreat } from './decide-campaign.ts'
import { decideConfirm } from './decide-confirm.ts'
import { decideEarn, decideReturn } from './decide-earn.ts'
import { decideExtend } from './decide-extend.ts'
import { adoptFeedback, decideFeedback } from './decide-feedback.ts'
import { decideClearFlag, decideRaiseFlag } from './decide-flag.ts'
import { decideAttach, decideLoose, isLoose, looseSale, mustBeAttached } from './decide-loose.ts'
import { decideRegistration, decideSegment, decideTier } from './decide-mark.ts'
import {
  decideAddIdentifier,
  decideBlockIdentifier,
  decideEnrol,
  decideRemoveIdentifier,
  decideUpdate,
} from './decide-member.ts'
import { decideAdjust, decideOnRedemption, decideRedeem, ownerOf } from './decide-redeem.ts'
import { isShared, replyToShared, type SharedRequest } from './decide-shared.ts'
import { begin, type Deciding, type RulesInForce, resolve } from './deciding.ts'
import { adoptHousehold } from './kin.ts'
import { settle, settleBefore } from './settle.ts'
import { addWrites, claimKey, type GroupState, type Recorded, recordKey, type Writes } from './state.ts'

/** Decides one command and, unless it is refused, makes its outcome the group's state. */
export function decide(
  group: GroupState,
  writes: Writes,
  input: { command: Command; rules: RulesInForce },
): Reply {
  const { command, rules } = input
  const replay = replayOf(group.recorded, command)
  if (replay) return replay

  const outcome = outcomeOf(group, command, rules)
  const body = JSON.stringify(outcome.reply)
  if (command.ref !== null) {
    outcome.writes.commands.push({ ...outcome.logged, reply: body })
    group.recorded.set(keyOf(command), { requestHash: command.requestHash, reply: body })
  }
  addWrites(writes, outcome.writes)
  return { body, replayed: false }
}

/** The recorded answer to this command; null: there is none. Refuses another request under the same reference. */
export function replayOf(recorded: ReadonlyMap<string, Recorded>, command: Command): Reply | null {
  if (command.ref === null) return null
  const known = recorded.get(keyOf(command))
  if (!known) return null
  if (known.requestHash !== command.requestHash) {
    throw new DomainError('idempotency_conflict', {
      externalRef: command.ref,
      operation: command.request.kind,
    })
  }
  return { body: known.reply, replayed: true }
}

function keyOf(command: Command): string {
  const { program, source, ref, request } = command
  return recordKey({ program, source, ref, kind: request.kind })
}

/**
 * Decides a command that was decided before, under whichever rules are given: the group's state moves on,
 * and the rows that came of it are handed back. Nothing is answered and no answer is looked up.
 */
export function redecide(group: GroupState, command: Command, rules: RulesInForce): Writes {
  return outcomeOf(group, command, rules).writes
}

interface Outcome {
  readonly writes: Writes
  /** as it goes into the log: under the member, or of a sale without one, under the sale itself */
  readonly logged: { readonly command: Command; readonly memberId: string }
  readonly reply: object
}

function outcomeOf(group: GroupState, command: Command, rules: RulesInForce): Outcome {
  const { request } = command
  if (request.kind === 'earn' && isLoose(request.body)) {
    const { writes, owner, reply } = decideLoose({ group, command, rules }, request.body)
    return { writes, logged: { command, memberId: owner }, reply }
  }
  const { deciding, reply } = onMember(group, command, rules)
  const logged = loggedUnder(deciding)
  adopt(group, deciding)
  return { writes: deciding.writes, logged, reply }
}

/**
 * An answer stands under a member who has an entry of it: of what a pool pays, that may be another one than
 * who asked. Nobody's card stands in somebody else's log, so whoever else is named there is named by id.
 */
function loggedUnder({ command, group, state, writes }: Deciding): Outcome['logged'] {
  const { memberId } = state.member
  const { program, request } = command
  const byId = (reference: MemberReference) => ({ memberId: resolve(group, program, reference) })
  if (request.kind === 'transfer') {
    const body = { ...request.body, from: byId(request.body.from), to: byId(request.body.to) }
    return { command: loggedAs(command, { kind: 'transfer', body }), memberId }
  }
  const [first] = writes.entries
  if (!first || writes.entries.some((one) => one.memberId === memberId)) return { command, memberId }
  if (request.kind !== 'redeem' || !request.body.identifier) return { command, memberId: first.memberId }
  const { identifier: _card, ...body } = request.body
  const logged = loggedAs(command, { kind: 'redeem', body: { ...body, memberId } })
  return { command: logged, memberId: first.memberId }
}

function onMember(
  group: GroupState,
  command: Command,
  rules: RulesInForce,
): { deciding: Deciding; reply: object } {
  const { request } = command
  if (request.kind === 'enrol') return decideEnrol({ group, command, rules }, request.body)

  const deciding = begin({ group, command, rules, memberId: memberOf(group, command) })
  if (request.kind === 'settle') {
    const memberId = showId('member', deciding.state.member.memberId)
    return { deciding, reply: { memberId, ...settle(deciding) } }
  }
  settleBefore(deciding)
  const reply = isShared(request) ? replyToShared(deciding, request) : replyTo(deciding, request)
  return { deciding, reply }
}

function replyTo(
  deciding: Deciding,
  request: Exclude<Command['request'], { kind: 'enrol' | 'settle' } | SharedRequest>,
): object {
  switch (request.kind) {
    case 'update_member':
      return decideUpdate(deciding, request.body)
    case 'add_identifier':
      return decideAddIdentifier(deciding, request.body)
    case 'block_identifier':
      return decideBlockIdentifier(deciding, request.body)
    case 'remove_identifier':
      return decideRemoveIdentifier(deciding, request.body)
    case 'earn':
      return decideEarn(deciding, request.body)
    case 'attach':
      return decideAttach(deciding, request.transactionId)
    case 'return':
      return decideReturn(deciding, request.transactionId, request.body)
    case 'confirm':
    case 'cancel':
      return decideConfirm(deciding, request)
    case 'redeem':
      return decideRedeem(deciding, request.body)
    case 'capture':
    case 'release':
    case 'reverse':
      return decideOnRedemption(deciding, request)
    case 'adjust':
      return decideAdjust(deciding, request.body)
    case 'extend':
      return decideExtend(deciding, request.body)
    case 'register':
      return decideRegistration(deciding, request.body)
    case 'change_segment':
      return decideSegment(deciding, request.body)
    case 'feedback':
    case 'resolve_complaint':
      return decideFeedback(deciding, request.body)
    case 'decide_tier':
      return decideTier(deciding, request.body)
    case 'raise_flag':
      return decideRaiseFlag(deciding, request.body)
    case 'clear_flag':
      return decideClearFlag(deciding, request.body)
    case 'rebuild':
      return { memberId: showId('member', request.memberId) }
    case 'assign_segments':
      return decideSegments(deciding, request.body)
    case 'treat':
      return decideTreat(deciding, request.body)
  }
}

function memberOf(group: GroupState, command: Command): string {
  const { program, request } = command
  switch (request.kind) {
    case 'enrol':
      throw new DomainError('member_not_found')
    case 'attach':
      looseSale(group, command, request.transactionId)
      return resolve(group, program, request.body)
    case 'earn':
    case 'redeem':
    case 'adjust':
    case 'extend':
      return resolve(group, program, request.body)
    case 'return':
    case 'confirm':
    case 'cancel': {
      const memberId = group.transactionOwners.get(request.transactionId)
      const member = memberId === undefined ? undefined : group.members.get(memberId)?.member
      if (member?.program === program) return member.memberId
      mustBeAttached(group, command, request.transactionId)
      throw new DomainError('transaction_not_found', { id: showId('transaction', request.transactionId) })
    }
    case 'capture':
    case 'release':
    case 'reverse': {
      const memberId = ownerOf(group.redemptionOwners, request.redemptionId)
      if (group.members.get(memberId)?.member.program === program) return memberId
      throw new DomainError('redemption_not_found', { id: showId('redemption', request.redemptionId) })
    }
    case 'transfer':
      return resolve(group, program, request.body.from)
    case 'create_pool':
      return request.body.members[0] ?? ''
    case 'join_pool':
      return resolve(group, program, request.body)
    default:
      return request.memberId
  }
}

/** Makes what a command decided the state that the next command of the group sees. */
function adopt(group: GroupState, { command, drafts, writes }: Deciding): void {
  for (const [memberId, { state }] of drafts) group.members.set(memberId, state)
  group.budgets?.take(command.program, writes.budgets)
  for (const { key, memberId, identifier } of writes.identifiers) {
    if (identifier === null) group.identifiers.delete(key)
    else group.identifiers.set(key, { memberId, status: identifier.status })
  }
  for (const { sale } of writes.loose) group.loose.set(sale.transactionId, sale)
  for (const { program, type, claim, transactionId } of writes.claims)
    group.claims.set(claimKey(program, type, claim), transactionId)
  for (const { stored } of writes.transactions)
    group.transactionOwners.set(stored.transactionId, stored.memberId)
  for (const { redemption } of writes.redemptions)
    group.redemptionOwners.set(redemption.redemptionId, redemption.memberId)
  adoptFeedback(group.complaints, writes)
  adoptHousehold(group, writes)
}
