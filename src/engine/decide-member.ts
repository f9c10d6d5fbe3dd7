/** Enrolling and changing members, as commands. */
import { DomainError } from '../base/errors.ts'
import { change, enrol, mustBeActive, ownIdentifier, wireMember, withIdentifier } from '../members/enrol.ts'
import type { EnrolBody, Identifier, IdentifierBody, MemberPatch, WireMember } from '../members/member.ts'
import type { Command } from './command.ts'
import { announce, type Deciding, open, type RulesInForce } from './deciding.ts'
import { standIn } from './kin.ts'
import { occur, tellOfTiers } from './occur.ts'
import { settleAfter } from './settle.ts'
import { type GroupState, identifierKey, newState } from './state.ts'

export function decideEnrol(
  input: { group: GroupState; command: Command; rules: RulesInForce },
  body: EnrolBody,
): { deciding: Deciding; reply: WireMember } {
  const { group, command, rules } = input
  const program = rules.at(command.program, command.at)
  const member = enrol({ program, body, memberId: memberIdOf(command), at: command.at })
  const identifiers = body.identifiers.map(({ kind, value }) => ({ kind, value, status: 'active' as const }))
  for (const { kind, value } of identifiers) mustBeFree(group, command, { kind, value })

  const deciding = open({
    group,
    command,
    rules,
    state: newState(member, identifiers),
  })
  deciding.writes.enrolled.push(member)
  for (const identifier of identifiers) write(deciding, identifier)
  announce(deciding, 'member.enrolled', {})
  occur(deciding, { type: 'enrolment', at: member.enrolledAt, attributes: {} })
  tellOfTiers(deciding)
  settleAfter(deciding)
  return { deciding, reply: wireMember(member, identifiers) }
}

export function decideUpdate(deciding: Deciding, patch: MemberPatch): WireMember {
  mustBeActive(deciding.state.member)
  const member = change(deciding.program, deciding.state.member, patch)
  deciding.writes.changed.push(member)
  deciding.state.member = member
  // Who is exempt from lapsing may hang on what has changed.
  settleAfter(deciding)
  announce(deciding, 'member.updated', {})
  return wireMember(member, deciding.state.identifiers)
}

export function decideAddIdentifier(deciding: Deciding, body: IdentifierBody): WireMember {
  const { command, group, state } = deciding
  mustBeActive(state.member)
  const taken = group.identifiers.get(identifierKey(command.program, body.kind, body.value))
  const holder = taken && standIn(group.members, taken.memberId)
  if (taken && holder?.member.memberId !== state.member.memberId) throw takenBy(body)
  const identifiers = withIdentifier(state.identifiers, body)
  // Where it was the member's own already, a blocked card is unblocked.
  write(deciding, identifiers.at(-1)!)
  deciding.state.identifiers = identifiers
  return wireMember(state.member, identifiers)
}

export function decideBlockIdentifier(deciding: Deciding, body: IdentifierBody): WireMember {
  const { state } = deciding
  const own = ownIdentifier(state.identifiers, body)
  const blocked = { ...own, status: 'blocked' as const }
  const identifiers = state.identifiers.map((known) => (known === own ? blocked : known))
  write(deciding, blocked)
  deciding.state.identifiers = identifiers
  return wireMember(state.member, identifiers)
}

export function decideRemoveIdentifier(deciding: Deciding, body: IdentifierBody): WireMember {
  const { state } = deciding
  const own = ownIdentifier(state.identifiers, body)
  const identifiers = state.identifiers.filter((known) => known !== own)
  write(deciding, own, { removed: true })
  deciding.state.identifiers = identifiers
  return wireMember(state.member, identifiers)
}

/** A new member has its command's id: no row of the command's ever gets that one. */
function memberIdOf(command: Command): string {
  return command.commandId
}

function write(deciding: Deciding, identifier: Identifier, { removed = false } = {}): void {
  const { command, state, writes } = deciding
  writes.identifiers.push({
    key: identifierKey(command.program, identifier.kind, identifier.value),
    memberId: identifier.of ?? state.member.memberId,
    identifier: removed ? null : identifier,
    at: command.at,
  })
}

function mustBeFree(group: GroupState, command: Command, body: IdentifierBody): void {
  if (group.identifiers.has(identifierKey(command.program, body.kind, body.value))) throw takenBy(body)
}

// The value is a card or a phone number: it stays out of errors and logs.
function takenBy(body: IdentifierBody): DomainError {
  return new DomainError('identifier_taken', { identifierKind: body.kind })
}
