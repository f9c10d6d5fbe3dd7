/**
 * Writes pools, merges and the ends of memberships. Erasing comes last: it also rewrites what the same group
 * has just written about the member.
 */
import { type Executor, list } from '../db/connection.ts'
import { columns } from './columns.ts'
import type { Writes } from './state.ts'

export function persistHousehold(sql: Executor, writes: Writes): Promise<unknown>[] {
  return [
    ...writeStatuses(sql, writes),
    ...writePools(sql, writes),
    ...writePoolMembers(sql, writes),
    ...writeMerges(sql, writes),
    ...eraseMembers(sql, writes),
  ]
}

function writeStatuses(sql: Executor, { statuses }: Writes): Promise<unknown>[] {
  const last = [...new Map(statuses.map((member) => [member.memberId, member])).values()]
  if (last.length === 0) return []
  const [id, status, into] = columns(last, (m) => [m.memberId, m.status, m.mergedInto])
  return [
    sql`
      update members m set status = u.status, merged_into = u.merged_into
      from unnest(${id!}::uuid[], ${status!}::text[], ${into!}::uuid[]) as u(member_id, status, merged_into)
      where m.member_id = u.member_id`,
  ]
}

/** A pool is its row; who is in it stands in pool_members. */
function writePools(sql: Executor, { pools }: Writes): Promise<unknown>[] {
  const added = pools.filter(({ isNew }) => isNew)
  if (added.length === 0) return []
  const [id, program, ref, created] = columns(added, ({ pool }) => [
    pool.poolId,
    pool.program,
    pool.externalRef,
    pool.createdAt,
  ])
  return [
    sql`
      insert into pools (pool_id, program, external_ref, created_at, version)
      select u.pool_id, u.program, u.external_ref, u.created_at, 1
      from unnest(${id!}::uuid[], ${program!}::text[], ${ref!}::text[], ${created!}::timestamptz[])
        as u(pool_id, program, external_ref, created_at)`,
  ]
}

/**
 * Who left goes first, then who joined comes in: somebody who did both in one group was in a pool before and
 * is in another one now. Joining somebody who joined elsewhere meanwhile fails on the key, and is decided again.
 */
function writePoolMembers(sql: Executor, { poolMembers }: Writes): Promise<unknown>[] {
  const sent: Promise<unknown>[] = []
  const left = [
    ...new Set(poolMembers.filter(({ poolId }) => poolId === null).map(({ memberId }) => memberId)),
  ]
  if (left.length > 0) {
    sent.push(sql`delete from pool_members where member_id = any(${list(sql, left)}::uuid[])`)
  }
  const last = [...new Map(poolMembers.map((row) => [row.memberId, row])).values()]
  const joined = last.filter(({ poolId }) => poolId !== null)
  if (joined.length > 0) {
    const [member, pool, at] = columns(joined, (row) => [row.memberId, row.poolId, row.at])
    sent.push(sql`
      insert into pool_members (member_id, pool_id, joined_at)
      select u.member_id, u.pool_id, u.joined_at
      from unnest(${member!}::uuid[], ${pool!}::uuid[], ${at!}::timestamptz[])
        as u(member_id, pool_id, joined_at)
      order by u.member_id`)
  }
  return sent
}

function writeMerges(sql: Executor, { merges, unmerges }: Writes): Promise<unknown>[] {
  const sent: Promise<unknown>[] = []
  if (merges.length > 0) {
    const [member, id, duplicate, at, by] = columns(merges, ({ command, merge }) => [
      merge.memberId,
      merge.mergeId,
      merge.duplicateId,
      command.at,
      command.source,
    ])
    sent.push(sql`
      insert into merges (member_id, merge_id, duplicate_id, merged_at, merged_by)
      select u.member_id, u.merge_id, u.duplicate_id, u.merged_at, u.merged_by
      from unnest(${member!}::uuid[], ${id!}::uuid[], ${duplicate!}::uuid[], ${at!}::timestamptz[], ${by!}::text[])
        as u(member_id, merge_id, duplicate_id, merged_at, merged_by)`)
  }
  if (unmerges.length > 0) {
    const [member, id, at] = columns(unmerges, ({ command, merge }) => [
      merge.memberId,
      merge.mergeId,
      command.at,
    ])
    sent.push(sql`
      update merges m set unmerged_at = u.at
      from unnest(${member!}::uuid[], ${id!}::uuid[], ${at!}::timestamptz[]) as u(member_id, merge_id, at)
      where m.member_id = u.member_id and m.merge_id = u.merge_id`)
  }
  return sent
}

/** Commands that are answered with the member. */
const TELLING = [
  ...['enrol', 'update_member', 'add_identifier', 'block_identifier', 'remove_identifier'],
  ...['close', 'reopen', 'erase'],
]

/** In commands' requests and answers, events and the like, whatever the level: what tells who somebody is. */
const PERSONAL = [
  'identifier',
  'facts',
  'identifiers',
  'profile',
  'attributes',
  'consents',
  'reason',
  'text',
  'name',
]

/**
 * Every place that keeps something personal. Replays still get an answer, with nothing personal in it. What
 * the ledger says stays: entries and postings know members by their ids alone.
 */
function eraseMembers(sql: Executor, { erased }: Writes): Promise<unknown>[] {
  const memberIds = [...new Set(erased.flatMap((one) => one.memberIds))]
  if (memberIds.length === 0) return []
  const ids = list(sql, memberIds)
  const personal = list(sql, PERSONAL)
  return [
    sql`
      update members
      set profile = '{}', attributes = '{}', consents = '{}', external_ref = 'erased'
      where member_id = any(${ids}::uuid[])`,
    sql`delete from identifiers where member_id = any(${ids}::uuid[])`,
    sql`delete from retention_states where member_id = any(${ids}::uuid[])`,
    sql`delete from retention_scores where member_id = any(${ids}::uuid[])`,
    sql`delete from retention_flags where member_id = any(${ids}::uuid[])`,
    // A sale keeps what was bought, and the awards; who bought it, and what was known of them, goes.
    sql`
      update transactions
      set request = (request::jsonb - 'identifier')::json,
        valuation = jsonb_set(valuation::jsonb, '{member,attributes}', '{}')::json
      where member_id = any(${ids}::uuid[])`,
    sql`
      update revaluations set valuation = jsonb_set(valuation::jsonb, '{member,attributes}', '{}')::json
      where member_id = any(${ids}::uuid[])`,
    sql`
      update commands
      set request = case
            -- what an identifier is stands in the body itself
            when operation like '%_identifier' then (request::jsonb - 'body')::text
            when request::jsonb ? 'body'
            then (request::jsonb || jsonb_build_object('body', (request::jsonb -> 'body') - ${personal}::text[]))::text
            else request end,
        -- an answer in which nothing is personal stays as it was given, byte for byte
        reply = case
            when operation = any(${list(sql, TELLING)}::text[])
            then ((reply::jsonb - ${personal}::text[]) || ${ANONYMOUS}::text::jsonb)::text
            when reply::jsonb ?| ${personal}::text[] then (reply::jsonb - ${personal}::text[])::text
            else reply end
      where member_id = any(${ids}::uuid[]) and request is not null`,
    // Arms stay: they name nobody, and a comparison without them would be another one.
    sql`delete from suppressions where member_id = any(${ids}::uuid[])`,
    sql`update feedback set text = null where member_id = any(${ids}::uuid[])`,
    sql`
      update outbox set payload = (payload::jsonb - ${personal}::text[])::json
      where member_id = any(${ids}::uuid[])`,
  ]
}

/** What a recorded answer with a member in it says instead. */
const ANONYMOUS = JSON.stringify({
  externalRef: 'erased',
  identifiers: [],
  profile: {},
  attributes: {},
  consents: {},
})
