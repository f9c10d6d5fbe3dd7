/** Readers' way from a row to whoever answers for its member, and from a member to its pool. */
import { DomainError } from '../base/errors.ts'
import { showId } from '../base/ids.ts'
import type { Sql } from '../db/connection.ts'
import { standInFor } from '../engine/queries-kin.ts'
import { type Holdings, readHoldings } from './holdings.ts'
import { findMember, type Whose } from './queries.ts'
import { findPool, findPoolOf, type PoolRow } from './queries-household.ts'

/** Whoever answers for the member of a row that tells whether it was merged: mostly nothing has to be asked. */
export async function survivorOf(
  sql: Sql,
  program: string,
  row: { memberId: string; mergedInto: string | null },
): Promise<string> {
  if (row.mergedInto === null) return row.memberId
  return (await standInFor(sql, { program, memberId: row.mergedInto })).memberId
}

/** The member's pool; refuses `not_in_pool` and `member_not_found`. */
export async function poolOfMember(sql: Sql, whose: Whose): Promise<PoolRow> {
  const { program, memberId } = await standInFor(sql, whose)
  const poolId = await findPoolOf(sql, memberId)
  const pool = poolId === null ? null : await findPool(sql, { program, poolId })
  if (pool) return pool
  const isThere = (await findMember(sql, { program, memberId })) !== null
  const code = isThere ? 'not_in_pool' : 'member_not_found'
  throw new DomainError(code, { memberId: showId('member', memberId) })
}

/** What everybody in the member's pool has. */
export async function poolHoldings(sql: Sql, whose: Whose, at: Date): Promise<Holdings[]> {
  const { members } = await poolOfMember(sql, whose)
  return holdingsOfAll(
    sql,
    members.map(({ memberId }) => ({ ...whose, memberId })),
    at,
  )
}

/** One after another: a pool is small, and its members must not take all connections at once. */
export async function holdingsOfAll(sql: Sql, all: readonly Whose[], at: Date): Promise<Holdings[]> {
  const found: Holdings[] = []
  for (const whose of all) found.push(await readHoldings(sql, whose, at))
  return found
}
