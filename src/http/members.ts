/** Members: enrolling, changing, looking up, and the identifiers that open them. */
import { z } from 'zod'
import { DomainError } from '../base/errors.ts'
import { readId } from '../base/ids.ts'
import { wholeMember } from '../engine/queries-kin.ts'
import { wireMember } from '../members/enrol.ts'
import { memberStatuses } from '../members/member.ts'
import { callerOf, scope } from './auth.ts'
import { memberOf } from './holdings.ts'
import { findMember } from './queries.ts'
import { identifiersOfAll } from './queries-household.ts'
import { type App, keyed, type RouteDeps, replies } from './route.ts'
import {
  attributes,
  consents,
  externalRefOrHeader,
  Identifier,
  IdentifierReference,
  id,
  identifierKind,
  identifierValue,
  instant,
  shownAttributes,
  shownInstant,
} from './schemas.ts'
import { keyHeader, withRef, write } from './writes.ts'

export const memberExample = {
  memberId: 'mem_0198f0a2b3c4700080000000000a0001',
  program: 'corner-coffee',
  externalRef: 'crm-1001',
  status: 'active' as const,
  identifiers: [{ kind: 'card', value: '2600123456789', status: 'active' as const }],
  profile: { givenName: 'Ada' },
  attributes: {},
  consents: { marketing: true },
  enrolledAt: '2026-01-15T09:00:00.000Z',
}

export const Member = z
  .strictObject({
    memberId: id('mem', 'the member'),
    program: z.string(),
    externalRef: z.string(),
    status: z.enum(memberStatuses),
    identifiers: z.array(Identifier),
    profile: shownAttributes,
    attributes: shownAttributes,
    consents: z.record(z.string(), z.boolean()),
    enrolledAt: shownInstant,
  })
  .meta({ id: 'Member', description: 'An enrolled person or company', examples: [memberExample] })

const NewMember = z
  .strictObject({
    externalRef: externalRefOrHeader,
    identifiers: z.array(IdentifierReference).max(50).default([]),
    profile: attributes.optional(),
    attributes: attributes.optional().meta({ description: 'Those that the program declares for members' }),
    enrolledAt: instant.optional(),
    consents: consents.optional(),
  })
  .meta({
    id: 'NewMember',
    examples: [
      {
        externalRef: 'crm-1001',
        identifiers: [{ kind: 'card', value: '2600123456789' }],
        profile: { givenName: 'Ada' },
        consents: { marketing: true },
      },
    ],
  })

const MemberPatch = z
  .strictObject({
    profile: attributes.optional(),
    attributes: attributes.optional(),
    consents: consents.optional(),
  })
  .meta({
    id: 'MemberPatch',
    description: 'Keys that are given replace the old ones, null removes one; all others stay',
    examples: [{ profile: { givenName: 'Ada', familyName: null } }],
  })

const NewIdentifier = z
  .strictObject({
    kind: identifierKind,
    value: identifierValue,
    status: z.enum(['active', 'blocked']).default('active'),
  })
  .meta({
    id: 'NewIdentifier',
    description: 'With status `blocked` an identifier of the member stays known but opens the member no more',
    examples: [{ kind: 'card', value: '2600987654321' }],
  })

export const memberParams = z.strictObject({ memberId: id('mem', 'the member') })

const identifierQuery = z.strictObject({ kind: identifierKind, value: identifierValue })

/** The UUID in the path of a member's route. */
export function memberIdIn(params: { memberId: string }): string {
  return readId('member', params.memberId, 'member_not_found')
}

export function memberRoutes(app: App, deps: RouteDeps): void {
  const tags = ['members']
  const writing = { ...scope('members:write'), ...keyed }
  const changed = { 200: { description: 'The member as it is now', schema: Member } }

  const enrol = {
    operationId: 'enrolMember',
    tags,
    summary: 'Enrol a member',
    description: 'Safe to send again: the same externalRef gives the same member.',
    body: NewMember,
    response: replies({ 201: { description: 'The new member', schema: Member } }, [
      'identifier_taken',
      'idempotency_conflict',
      'unknown_fact',
      'date_out_of_range',
      'no_rules_in_force',
      'unsupported_media_type',
      'payload_too_large',
    ]),
  }
  app.post('/members', { schema: enrol, config: writing }, (request, reply) => {
    const body = withRef(request.body, request)
    const ask = { kind: 'enrol', body } as const
    return write(deps, { request, reply, status: 201 }, { ref: body.externalRef, ask })
  })

  readingRoutes(app, deps)

  const patch = {
    operationId: 'changeMember',
    tags,
    summary: 'Change a member',
    description: 'Keys that are given replace the old ones, null removes one; all others stay.',
    params: memberParams,
    body: MemberPatch,
    response: replies(changed, [
      'member_not_found',
      'member_not_active',
      'unknown_fact',
      'idempotency_conflict',
    ]),
  }
  app.patch('/members/:memberId', { schema: patch, config: writing }, (request, reply) => {
    const ask = { kind: 'update_member', memberId: memberIdIn(request.params), body: request.body } as const
    return write(deps, { request, reply, status: 200 }, { ref: keyHeader(request) ?? null, ask })
  })

  identifierRoutes(app, deps)
}

function readingRoutes(app: App, { sql }: RouteDeps): void {
  const tags = ['members']
  const found = { 200: { description: 'The member', schema: Member } }

  async function show(program: string, memberId: string) {
    // A merged duplicate is shown as the member who answers for it, with the identifiers of both.
    const whole = await wholeMember(sql, { program, memberId })
    const row = await findMember(sql, whole)
    if (!row) throw new DomainError('member_not_found')
    return wireMember(row, [...row.identifiers, ...(await identifiersOfAll(sql, whole.duplicates))])
  }

  const lookUp = {
    operationId: 'findMember',
    tags,
    summary: 'Find the member of an identifier',
    description: 'By card, phone number, or whatever kinds of identifier the program uses.',
    querystring: identifierQuery,
    response: replies(found, ['member_not_found', 'identifier_blocked']),
  }
  app.get('/members', { schema: lookUp, config: scope('members:read') }, async (request) => {
    const { program } = callerOf(request)
    return show(program, await memberOf(sql, program, { identifier: request.query }))
  })

  const readOne = {
    operationId: 'readMember',
    tags,
    summary: 'Read a member',
    description: 'With the identifiers, profile, attributes and consents.',
    params: memberParams,
    response: replies(found, ['member_not_found']),
  }
  app.get('/members/:memberId', { schema: readOne, config: scope('members:read') }, async (request) =>
    show(callerOf(request).program, memberIdIn(request.params)),
  )
}

function identifierRoutes(app: App, deps: RouteDeps): void {
  const tags = ['members']
  const writing = { ...scope('members:write'), ...keyed }
  const changed = { 200: { description: 'The member as it is now', schema: Member } }

  const add = {
    operationId: 'addIdentifier',
    tags,
    summary: 'Add or block an identifier',
    description:
      'Adds an identifier; with `status: blocked`, blocks one that the member has. Adding it again unblocks it.',
    params: memberParams,
    body: NewIdentifier,
    response: replies(changed, [
      'member_not_found',
      'identifier_not_found',
      'identifier_taken',
      'member_not_active',
      'limit_reached',
    ]),
  }
  app.post('/members/:memberId/identifiers', { schema: add, config: writing }, (request, reply) => {
    const { kind, value, status } = request.body
    const ask = {
      kind: status === 'blocked' ? 'block_identifier' : 'add_identifier',
      memberId: memberIdIn(request.params),
      body: { kind, value },
    } as const
    return write(deps, { request, reply, status: 200 }, { ref: keyHeader(request) ?? null, ask })
  })

  const remove = {
    operationId: 'removeIdentifier',
    tags,
    summary: 'Remove an identifier',
    description: 'It opens this member no more, and may be given to another one.',
    params: memberParams,
    querystring: identifierQuery,
    response: replies(changed, ['member_not_found', 'identifier_not_found']),
  }
  app.delete('/members/:memberId/identifiers', { schema: remove, config: writing }, (request, reply) => {
    const ask = {
      kind: 'remove_identifier',
      memberId: memberIdIn(request.params),
      body: request.query,
    } as const
    return write(deps, { request, reply, status: 200 }, { ref: keyHeader(request) ?? null, ask })
  })
}
