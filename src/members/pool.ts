/**
 * A pool: members of a household whose points may pay together. Points stay in each member's own book, so
 * nothing moves when somebody joins or leaves. Its members are locked together when it pays: so it is bounded.
 */
import { DomainError } from '../base/errors.ts'
import { showId } from '../base/ids.ts'
import type { PoolTerms, Program } from '../program/program.ts'
import type { MemberReference } from './member.ts'

export interface Pool {
  readonly poolId: string
  readonly program: string
  readonly externalRef: string
  readonly createdAt: Date
  /** in order of joining */
  readonly members: readonly PoolMember[]
}

export interface PoolMember {
  readonly memberId: string
  readonly joinedAt: Date
}

export interface PoolBody {
  externalRef: string
  /** UUIDs; at least one */
  members: string[]
}

export interface JoinBody extends MemberReference {
  externalRef?: string | undefined
}

export interface WirePool {
  poolId: string
  externalRef: string
  members: { memberId: string; joinedAt: string }[]
}

/** Refuses a program without pools. */
export function poolTerms(program: Program): PoolTerms {
  if (program.pools === null) throw new DomainError('pools_not_allowed', { program: program.id })
  return program.pools
}

/** The pool with one member more. Refuses a full one. */
export function withMember(pool: Pool, member: PoolMember, terms: PoolTerms): Pool {
  if (pool.members.length >= terms.members) {
    throw new DomainError('limit_reached', { limit: 'members of a pool', maximum: terms.members })
  }
  return { ...pool, members: [...pool.members, member] }
}

/** The pool without a member. Refuses one who is not in it. */
export function withoutMember(pool: Pool, memberId: string): Pool {
  const members = pool.members.filter((one) => one.memberId !== memberId)
  if (members.length === pool.members.length) {
    throw new DomainError('not_in_pool', {
      memberId: showId('member', memberId),
      poolId: showId('pool', pool.poolId),
    })
  }
  return { ...pool, members }
}

export function wirePool(pool: Pool): WirePool {
  return {
    poolId: showId('pool', pool.poolId),
    externalRef: pool.externalRef,
    members: pool.members.map(({ memberId, joinedAt }) => ({
      memberId: showId('member', memberId),
      joinedAt: joinedAt.toISOString(),
    })),
  }
}
