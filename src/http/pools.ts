/** Pools: households whose points may pay together. Points stay each member's own. */
import { z } from 'zod'
import { DomainError } from '../base/errors.ts'
import { readId } from '../base/ids.ts'
import { wirePoints as toWire } from '../base/points.ts'
import type { Sql } from '../db/connection.ts'
import { wirePool } from '../members/pool.ts'
import { MOST_IN_POOL } from '../program/sharing.ts'
import { callerOf, scope } from './auth.ts'
import { holdingsOfAll, poolOfMember } from './kin.ts'
import { memberIdIn, memberParams } from './members.ts'
import { findPool, type PoolRow } from './queries-household.ts'
import { type App, keyed, type RouteDeps, replies } from './route.ts'
import { externalRefOrHeader, id, memberReference, oneMember, shownInstant, wirePoints } from './schemas.ts'
import { keyHeader, withMember, withRef, write } from './writes.ts'

const poolExample = {
  poolId: 'pol_0198f0a2b3c4700080000000000f0001',
  externalRef: 'app/household-7',
  members: [
    { memberId: 'mem_0198f0a2b3c4700080000000000a0001', joinedAt: '2026-03-03T08:15:00.000Z' },
    { memberId: 'mem_0198f0a2b3c4700080000000000a0009', joinedAt: '2026-03-03T08:15:00.000Z' },
  ],
}

const shownPool = {
  poolId: id('pol', 'the pool'),
  externalRef: z.string(),
  members: z.array(z.strictObject({ memberId: id('mem', 'the member'), joinedAt: shownInstant })),
}

const Pool = z.strictObject(shownPool).meta({ id: 'Pool', examples: [poolExample] })

const PoolReport = z
  .strictObject({
    ...shownPool,
    balances: z
      .array(z.strictObject({ currency: z.string(), available: wirePoints }))
      .meta({ description: 'What a redemption could use, over all members' }),
  })
  .meta({
    id: 'PoolReport',
    examples: [{ ...poolExample, balances: [{ currency: 'beans', available: 240 }] }],
  })

const NewPool = z
  .strictObject({
    externalRef: externalRefOrHeader,
    members: z
      .array(id('mem', 'the member'))
      .min(1)
      .max(MOST_IN_POOL)
      .meta({ description: 'Who is in it from the start; at most as many as the program allows' }),
  })
  .meta({
    id: 'NewPool',
    examples: [
      {
        externalRef: 'app/household-7',
        members: ['mem_0198f0a2b3c4700080000000000a0001', 'mem_0198f0a2b3c4700080000000000a0009'],
      },
    ],
  })

const Joining = z
  .strictObject({ externalRef: externalRefOrHeader, ...memberReference })
  .superRefine(oneMember)
  .meta({
    id: 'Joining',
    examples: [{ externalRef: 'app/join-3', memberId: 'mem_0198f0a2b3c4700080000000000a0009' }],
  })

const poolParams = z.strictObject({ poolId: id('pol', 'the pool') })
const placeParams = z.strictObject({ poolId: id('pol', 'the pool'), memberId: id('mem', 'the member') })

export function poolRoutes(app: App, deps: RouteDeps): void {
  const tags = ['pools']
  const config = { ...scope('members:write'), ...keyed }
  const changed = { 200: { description: 'The pool as it is now', schema: Pool } }

  const create = {
    operationId: 'createPool',
    tags,
    summary: 'Make a pool',
    description: 'Of one member or more, who are in no other pool. Safe to send again.',
    body: NewPool,
    response: replies({ 201: { description: 'The new pool', schema: Pool } }, [
      'member_not_found',
      'member_not_active',
      'same_member',
      'already_in_pool',
      'pools_not_allowed',
      'limit_reached',
      'idempotency_conflict',
    ]),
  }
  app.post('/pools', { schema: create, config }, (request, reply) => {
    const given = withRef(request.body, request)
    const members = given.members.map((memberId) => readId('member', memberId, 'member_not_found'))
    const ask = { kind: 'create_pool', body: { ...given, members } } as const
    return write(deps, { request, reply, status: 201 }, { ref: given.externalRef, ask })
  })

  const join = {
    operationId: 'joinPool',
    tags,
    summary: 'Let a member join a pool',
    description: 'The member’s points stay the member’s own, with their expiry. Safe to send again.',
    params: poolParams,
    body: Joining,
    response: replies(changed, [
      'pool_not_found',
      'member_not_found',
      'member_not_active',
      'identifier_blocked',
      'already_in_pool',
      'pools_not_allowed',
      'limit_reached',
      'idempotency_conflict',
    ]),
  }
  app.post('/pools/:poolId/members', { schema: join, config }, (request, reply) => {
    const body = withMember(withRef(request.body, request))
    const ask = { kind: 'join_pool', poolId: poolIdIn(request.params), body } as const
    return write(deps, { request, reply, status: 200 }, { ref: body.externalRef, ask })
  })

  const leave = {
    operationId: 'leavePool',
    tags,
    summary: 'Take a member out of a pool',
    description: 'The member takes along whatever points they still have, with their expiry.',
    params: placeParams,
    response: replies(changed, ['pool_not_found', 'member_not_found', 'not_in_pool', 'idempotency_conflict']),
  }
  app.delete('/pools/:poolId/members/:memberId', { schema: leave, config }, (request, reply) => {
    const poolId = poolIdIn(request.params)
    const ask = { kind: 'leave_pool', poolId, memberId: memberIdIn(request.params) } as const
    return write(deps, { request, reply, status: 200 }, { ref: keyHeader(request) ?? null, ask })
  })

  readRoutes(app, deps)
}

function readRoutes(app: App, { sql, now }: RouteDeps): void {
  const tags = ['pools']
  const found = { 200: { description: 'The pool', schema: PoolReport } }
  const config = scope('members:read')

  const read = {
    operationId: 'readPool',
    tags,
    summary: 'Read a pool',
    description: 'Who is in it, and what they have together.',
    params: poolParams,
    response: replies(found, ['pool_not_found']),
  }
  app.get('/pools/:poolId', { schema: read, config }, async (request) => {
    const { program } = callerOf(request)
    const row = await findPool(sql, { program, poolId: poolIdIn(request.params) })
    if (!row) throw new DomainError('pool_not_found', { id: request.params.poolId })
    return report(sql, row, now())
  })

  const readOwn = {
    operationId: 'readPoolOfMember',
    tags,
    summary: 'Read a member’s pool',
    description: 'The same, found by one who is in it.',
    params: memberParams,
    response: replies(found, ['member_not_found', 'not_in_pool']),
  }
  app.get('/members/:memberId/pool', { schema: readOwn, config }, async (request) => {
    const { program } = callerOf(request)
    return report(sql, await poolOfMember(sql, { program, memberId: memberIdIn(request.params) }), now())
  })
}

async function report(sql: Sql, row: PoolRow, at: Date) {
  const members = row.members.map(({ memberId, joinedAt }) => ({ memberId, joinedAt: new Date(joinedAt) }))
  const all = members.map(({ memberId }) => ({ program: row.program, memberId }))
  const sums = new Map<string, bigint>()
  for (const { book } of await holdingsOfAll(sql, all, at)) {
    for (const { currency, available } of book.accounts.values())
      sums.set(currency, (sums.get(currency) ?? 0n) + available)
  }
  const balances = [...sums]
    .sort()
    .map(([currency, available]) => ({ currency, available: toWire(available) }))
  return { ...wirePool({ ...row, members }), balances }
}

function poolIdIn(params: { poolId: string }): string {
  return readId('pool', params.poolId, 'pool_not_found')
}
