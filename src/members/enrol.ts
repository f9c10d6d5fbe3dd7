/** Enrolling a member, and changing what is known about one. */
import { DomainError } from '../base/errors.ts'
import { showId } from '../base/ids.ts'
import { checkFields } from '../program/fields.ts'
import type { Program } from '../program/program.ts'
import type { FieldValue } from '../rules/facts.ts'
import type { EnrolBody, Identifier, IdentifierBody, Member, MemberPatch, WireMember } from './member.ts'

/** At most as many identifiers as a person can have cards, phones and partners. */
const MOST_IDENTIFIERS = 50

/** Refuses undeclared attributes, an enrolment in the future, the same identifier twice. */
export function enrol(input: { program: Program; body: EnrolBody; memberId: string; at: Date }): Member {
  const { program, body, at } = input
  const attributes = body.attributes ?? {}
  checkFields(program.memberAttributes, attributes, { path: '/attributes' })

  const enrolledAt = body.enrolledAt === undefined ? at : new Date(body.enrolledAt)
  if (enrolledAt > at)
    throw new DomainError('date_out_of_range', { path: '/enrolledAt', latest: at.toISOString() })

  const seen = new Set<string>()
  for (const { kind, value } of body.identifiers) {
    const key = `${kind} ${value}`
    if (seen.has(key)) throw new DomainError('identifier_taken', { kind, by: 'this request, twice' })
    seen.add(key)
  }
  return {
    memberId: input.memberId,
    program: program.id,
    externalRef: body.externalRef,
    status: 'active',
    mergedInto: null,
    profile: withoutNulls(body.profile ?? {}),
    attributes: withoutNulls(attributes),
    consents: body.consents ?? {},
    enrolledAt,
    createdAt: at,
  }
}

/** What a patch makes of a member. Refuses undeclared attributes. */
export function change(program: Program, member: Member, patch: MemberPatch): Member {
  if (patch.attributes)
    checkFields(program.memberAttributes, patch.attributes, { path: '/attributes', partial: true })
  return {
    ...member,
    profile: withoutNulls({ ...member.profile, ...patch.profile }),
    attributes: withoutNulls({ ...member.attributes, ...patch.attributes }),
    consents: { ...member.consents, ...patch.consents },
  }
}

/** The identifiers after one was added. Refuses more than anybody needs. */
export function withIdentifier(identifiers: readonly Identifier[], body: IdentifierBody): Identifier[] {
  const others = identifiers.filter((known) => !same(known, body))
  if (others.length >= MOST_IDENTIFIERS) {
    throw new DomainError('limit_reached', { limit: 'identifiers of a member', maximum: MOST_IDENTIFIERS })
  }
  return [...others, { ...identifiers.find((known) => same(known, body)), ...body, status: 'active' }]
}

/** The identifier of a member's, or `identifier_not_found`. */
export function ownIdentifier(identifiers: readonly Identifier[], body: IdentifierBody): Identifier {
  const own = identifiers.find((known) => same(known, body))
  if (!own) throw new DomainError('identifier_not_found', { kind: body.kind })
  return own
}

export function mustBeActive(member: Member): void {
  if (member.status !== 'active') {
    throw new DomainError('member_not_active', {
      memberId: showId('member', member.memberId),
      status: member.status,
    })
  }
}

export function wireMember(member: Member, identifiers: readonly Identifier[]): WireMember {
  return {
    memberId: showId('member', member.memberId),
    program: member.program,
    externalRef: member.externalRef,
    status: member.status,
    identifiers: identifiers.map(({ kind, value, status }) => ({ kind, value, status })),
    profile: member.profile,
    attributes: member.attributes,
    consents: member.consents,
    enrolledAt: member.enrolledAt.toISOString(),
  }
}

function same(known: IdentifierBody, body: IdentifierBody): boolean {
  return known.kind === body.kind && known.value === body.value
}

function withoutNulls(values: Readonly<Record<string, FieldValue>>): Record<string, FieldValue> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null))
}
