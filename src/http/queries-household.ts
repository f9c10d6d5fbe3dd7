/** What the reading routes ask about pools and merged members. */
import { type Executor, list } from '../db/connection.ts'
import type { Identifier } from '../members/member.ts'

export async function identifiersOfAll(sql: Executor, memberIds: readonly string[]): Promise<Identifier[]> {
  if (memberIds.length === 0) return []
  return sql<Identifier[]>`
    select kind, value, status from identifiers
    where member_id = any(${list(sql, memberIds)}::uuid[]) order by added_at, kind, value`
}

export interface PoolRow {
  poolId: string
  program: string
  externalRef: string
  createdAt: Date
  members: { memberId: string; joinedAt: string }[]
}

export async function findPool(
  sql: Executor,
  of: { program: string; poolId: string },
): Promise<PoolRow | null> {
  const [row] = await sql<PoolRow[]>`
    select p.pool_id as "poolId", p.program, p.external_ref as "externalRef", p.created_at as "createdAt",
      (select coalesce(json_agg(json_build_object('memberId', m.member_id, 'joinedAt', m.joined_at)
                                order by m.joined_at, m.member_id), '[]')
       from pool_members m where m.pool_id = p.pool_id) as members
    from pools p
    where p.pool_id = ${of.poolId} and p.program = ${of.program}`
  return row ?? null
}

export async function findPoolOf(sql: Executor, memberId: string): Promise<string | null> {
  const [row] = await sql<{ poolId: string }[]>`
    select pool_id as "poolId" from pool_members where member_id = ${memberId}`
  return row?.poolId ?? null
}
