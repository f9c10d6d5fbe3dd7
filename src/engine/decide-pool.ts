/** Pools made, joined and left, as commands on their members. Points stay where they are. */
import { DomainError, invariant } from '../base/errors.ts'
import { showId } from '../base/ids.ts'
import { mustBeActive } from '../members/enrol.ts'
import {
  type Pool,
  type PoolBody,
  poolTerms,
  type WirePool,
  wirePool,
  withMember,
  withoutMember,
} from '../members/pool.ts'
import { announce, beside, type Deciding } from './deciding.ts'

export function decideCreatePool(deciding: Deciding, body: PoolBody): WirePool {
  const { command, program, nextId } = deciding
  const terms = poolTerms(program)
  let pool: Pool = {
    poolId: nextId(),
    program: command.program,
    externalRef: body.externalRef,
    createdAt: command.at,
    members: [],
  }
  const joined = new Set<string>()
  for (const memberId of body.members) {
    const member = beside(deciding, memberId)
    const { memberId: id } = member.state.member
    if (joined.has(id)) throw new DomainError('same_member', { memberId: showId('member', id) })
    joined.add(id)
    mayJoin(member)
    pool = withMember(pool, { memberId: id, joinedAt: command.at }, terms)
  }
  deciding.writes.pools.push({ command, pool, isNew: true })
  for (const id of joined) enter(beside(deciding, id), pool)
  return wirePool(pool)
}

export function decideJoinPool(deciding: Deciding, poolId: string): WirePool {
  const { command, program, state } = deciding
  mayJoin(deciding)
  const member = { memberId: state.member.memberId, joinedAt: command.at }
  const pool = withMember(poolNamed(deciding, poolId), member, poolTerms(program))
  deciding.writes.pools.push({ command, pool, isNew: false })
  enter(deciding, pool)
  return wirePool(pool)
}

export function decideLeavePool(deciding: Deciding, poolId: string): WirePool {
  const pool = withoutMember(poolNamed(deciding, poolId), deciding.state.member.memberId)
  exit(deciding, pool)
  return wirePool(pool)
}

/** For whom the membership ends: out of the pool as well, if they are in one. */
export function leaveAnyPool(deciding: Deciding): void {
  const { household } = deciding.group
  const { memberId } = deciding.state.member
  const pool = household.pools.get(household.poolOf.get(memberId) ?? '')
  if (pool) exit(deciding, withoutMember(pool, memberId))
}

function mayJoin({ group, state }: Deciding): void {
  mustBeActive(state.member)
  const { memberId } = state.member
  const poolId = group.household.poolOf.get(memberId)
  if (poolId === undefined) return
  throw new DomainError('already_in_pool', {
    memberId: showId('member', memberId),
    poolId: showId('pool', poolId),
  })
}

function poolNamed({ group, command }: Deciding, poolId: string): Pool {
  const pool = group.household.pools.get(poolId)
  if (pool?.program === command.program) return pool
  throw new DomainError('pool_not_found', { id: showId('pool', poolId) })
}

function enter(deciding: Deciding, { poolId, members }: Pool): void {
  const { memberId } = deciding.state.member
  const joined = members.find((member) => member.memberId === memberId)
  invariant(joined, 'who enters a pool is in it')
  deciding.writes.poolMembers.push({ memberId, poolId, at: joined.joinedAt })
  announce(deciding, 'pool.joined', { poolId: showId('pool', poolId) })
}

function exit(deciding: Deciding, pool: Pool): void {
  const { command, state, writes } = deciding
  writes.pools.push({ command, pool, isNew: false })
  writes.poolMembers.push({ memberId: state.member.memberId, poolId: null, at: command.at })
  announce(deciding, 'pool.left', { poolId: showId('pool', pool.poolId) })
}
