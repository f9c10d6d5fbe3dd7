/** What an export reads, section by section: each row comes as one line of JSON, made by the database. */
import { prefixes } from '../base/ids.ts'
import { type Executor, list, type Sql } from '../db/connection.ts'

const PAGE = 200
/** Nobody who stops reading keeps a connection for longer. */
const IDLE_FOR = '60s'

export interface Line {
  readonly line: string
}

export interface Snapshot {
  readonly sql: Executor
  close(): Promise<void>
}

/** A connection that sees the database as it is now, until it is closed. */
export async function openSnapshot(sql: Sql): Promise<Snapshot> {
  const connection = await sql.reserve()
  try {
    await connection`begin isolation level repeatable read read only`
    await connection`select set_config('idle_in_transaction_session_timeout', ${IDLE_FOR}, true)`
  } catch (error) {
    connection.release()
    throw error
  }
  return {
    sql: connection,
    async close() {
      // A connection that was taken from us for idling has nothing left to end.
      await connection`rollback`.catch(() => {})
      connection.release()
    },
  }
}

/** `mem_0198…` */
function shown(sql: Executor, kind: keyof typeof prefixes, column: string) {
  return sql`${`${prefixes[kind]}_`}::text || replace(${sql(column)}::text, '-', '')`
}

/** The member as a line; null where the program has none of that id. */
export async function memberExported(
  sql: Executor,
  of: { program: string; memberId: string },
): Promise<string | null> {
  const [row] = await sql<Line[]>`
    select json_build_object('memberId', ${shown(sql, 'member', 'member_id')}, 'program', program,
      'externalRef', external_ref, 'status', status, 'profile', profile, 'attributes', attributes,
      'consents', consents, 'enrolledAt', enrolled_at, 'createdAt', created_at)::text as line
    from members
    where member_id = ${of.memberId} and program = ${of.program}`
  return row?.line ?? null
}

type Section = readonly [name: string, pages: () => AsyncIterable<Line[]>]

/** Names and pages of everything that is kept about these members: the member and its duplicates. */
export function sectionsOf(sql: Executor, memberIds: readonly string[]): Section[] {
  const ids = sql`any(${list(sql, memberIds)}::uuid[])`
  const member = shown(sql, 'member', 'member_id')
  const transaction = shown(sql, 'transaction', 'transaction_id')
  const redemption = shown(sql, 'redemption', 'redemption_id')
  return [
    [
      'identifiers',
      () =>
        sql<Line[]>`
          select json_build_object('memberId', ${member}, 'kind', kind, 'value', value, 'status', status,
            'addedAt', added_at)::text as line
          from identifiers where member_id = ${ids} order by added_at, kind, value`.cursor(PAGE),
    ],
    [
      'merges',
      () =>
        sql<Line[]>`
          select json_build_object('memberId', ${member}, 'duplicate', ${shown(sql, 'member', 'duplicate_id')},
            'mergedAt', merged_at, 'mergedBy', merged_by, 'unmergedAt', unmerged_at)::text as line
          from merges where member_id = ${ids} order by merge_id`.cursor(PAGE),
    ],
    [
      'pools',
      () =>
        sql<Line[]>`
          select json_build_object('memberId', ${shown(sql, 'member', 'm.member_id')},
            'poolId', ${shown(sql, 'pool', 'm.pool_id')}, 'joinedAt', m.joined_at)::text as line
          from pool_members m
          where m.member_id = ${ids} order by m.joined_at`.cursor(PAGE),
    ],
    [
      'accounts',
      () =>
        sql<Line[]>`
          select json_build_object('memberId', ${member}, 'currency', currency, 'available', available,
            'pending', pending, 'held', held, 'negative', negative, 'lifetime', lifetime)::text as line
          from accounts where member_id = ${ids} order by member_id, currency`.cursor(PAGE),
    ],
    [
      'lots',
      () =>
        sql<Line[]>`
          select json_build_object('memberId', ${member}, 'currency', currency, 'expiresAt', expires_at,
            'usableFrom', usable_from, 'funder', funder, 'available', available, 'pending', pending,
            'held', held)::text as line
          from lots where member_id = ${ids} order by member_id, lot_id`.cursor(PAGE),
    ],
    [
      'tierChanges',
      () =>
        sql<Line[]>`
          select json_build_object('memberId', ${member}, 'ladder', ladder, 'from', from_tier, 'to', to_tier,
            'direction', direction, 'effectiveAt', effective_at, 'until', until, 'reason', reason,
            'recordedAt', recorded_at, 'supersededAt', superseded_at)::text as line
          from tier_changes where member_id = ${ids} order by effective_at, change_id`.cursor(PAGE),
    ],
    [
      'counters',
      () =>
        sql<Line[]>`
          select json_build_object('memberId', ${member}, 'counter', counter, 'day', day,
            'value', value)::text as line
          from counters where member_id = ${ids} order by member_id, counter, day`.cursor(PAGE),
    ],
    [
      'retention',
      () =>
        sql<Line[]>`
          select json_build_object('memberId', ${shown(sql, 'member', 's.member_id')},
            'kept', to_jsonb(s) - 'member_id' - 'program', 'score', to_jsonb(c) - 'member_id' - 'program' - 'run_id',
            'flags', (
              select coalesce(json_agg(json_build_object('kind', f.kind, 'raisedOn', f.raised_on,
                'clearedOn', f.cleared_on, 'outcome', f.outcome) order by f.flag_id), '[]')
              from retention_flags f where f.member_id = s.member_id))::text as line
          from retention_states s
          left join retention_scores c on c.member_id = s.member_id
          where s.member_id = ${ids} order by s.member_id`.cursor(PAGE),
    ],
    [
      'transactions',
      () =>
        sql<Line[]>`
          select json_build_object('transactionId', ${transaction}, 'memberId', ${member}, 'source', source,
            'externalRef', external_ref, 'type', type, 'occurredAt', occurred_at, 'recordedAt', recorded_at,
            'rulesVersion', rules_version, 'request', request, 'valuation', valuation)::text as line
          from transactions where member_id = ${ids} order by transaction_id`.cursor(PAGE),
    ],
    [
      'returns',
      () =>
        sql<Line[]>`
          select json_build_object('returnId', ${shown(sql, 'return', 'return_id')},
            'transactionId', ${transaction}, 'occurredAt', occurred_at, 'recordedAt', recorded_at,
            'lines', lines, 'reversed', reversed)::text as line
          from returns where member_id = ${ids} order by return_id`.cursor(PAGE),
    ],
    [
      'revaluations',
      () =>
        sql<Line[]>`
          select json_build_object('transactionId', ${transaction}, 'recordedAt', recorded_at,
            'valuation', valuation, 'reversed', reversed)::text as line
          from revaluations where member_id = ${ids} order by revaluation_id`.cursor(PAGE),
    ],
    [
      'redemptions',
      () =>
        sql<Line[]>`
          select json_build_object('redemptionId', ${redemption}, 'memberId', ${member}, 'source', source,
            'externalRef', external_ref, 'status', status, 'currency', currency, 'points', points,
            'captured', captured, 'rewardId', reward_id, 'value', value, 'occurredAt', occurred_at,
            'recordedAt', recorded_at, 'holdUntil', hold_until, 'pooled', pool is not null or part_of is not null
          )::text as line
          from redemptions where member_id = ${ids} order by redemption_id`.cursor(PAGE),
    ],
    [
      'entries',
      () =>
        sql<Line[]>`
          select json_build_object('entryId', ${shown(sql, 'entry', 'e.entry_id')},
            'memberId', ${shown(sql, 'member', 'e.member_id')}, 'kind', e.kind, 'occurredAt', e.occurred_at,
            'recordedAt', e.recorded_at, 'source', e.source, 'rulesVersion', e.rules_version,
            'detail', e.detail - 'owner' - 'carried',
            'postings', (
              select coalesce(json_agg(json_build_object('currency', p.currency, 'from', p.from_account,
                'to', p.to_account, 'points', p.points, 'lot', p.lot_id) order by p.leg), '[]')
              from postings p where p.member_id = e.member_id and p.entry_id = e.entry_id))::text as line
          from entries e where e.member_id = ${ids} order by e.entry_id`.cursor(PAGE),
    ],
    [
      'feedback',
      () =>
        sql<Line[]>`
          select json_build_object('feedbackId', ${shown(sql, 'feedback', 'feedback_id')}, 'memberId', ${member},
            'source', source, 'externalRef', external_ref, 'kind', kind, 'score', score,
            'transactionId', case when transaction_id is not null then ${transaction} end, 'text', text,
            'occurredAt', occurred_at, 'recordedAt', recorded_at, 'open', open,
            'resolvedAt', resolved_at)::text as line
          from feedback where member_id = ${ids} order by feedback_id`.cursor(PAGE),
    ],
    [
      'requests',
      () =>
        sql<Line[]>`
          select json_build_object('operation', operation, 'source', source, 'externalRef', external_ref,
            'at', at, 'request', request::json, 'reply', reply::json)::text as line
          from commands where member_id = ${ids} and request is not null order by command_id`.cursor(PAGE),
    ],
    [
      'marks',
      () =>
        sql<Line[]>`
          select json_build_object('memberId', ${member}, 'kind', kind, 'name', name, 'since', since,
            'until', until)::text as line
          from member_marks where member_id = ${ids} order by since, kind, name`.cursor(PAGE),
    ],
    [
      'experiments',
      () =>
        sql<Line[]>`
          select json_build_object('memberId', ${member}, 'experiment', experiment, 'arm', arm, 'phase', phase,
            'assignedAt', assigned_at)::text as line
          from experiment_arms where member_id = ${ids} order by assigned_at, experiment`.cursor(PAGE),
    ],
    [
      'treatments',
      () =>
        sql<Line[]>`
          select json_build_object('memberId', ${member}, 'campaign', campaign, 'arm', arm, 'treatedAt', treated_at,
            'pointsValue', points_value)::text as line
          from treatments where member_id = ${ids} order by treatment_id`.cursor(PAGE),
    ],
    [
      'suppressions',
      () =>
        sql<Line[]>`
          select json_build_object('memberId', ${member}, 'campaign', campaign, 'reason', reason,
            'firstAt', first_at, 'lastAt', last_at, 'times', times)::text as line
          from suppressions where member_id = ${ids} order by first_at, campaign, reason`.cursor(PAGE),
    ],
    [
      'events',
      () =>
        sql<Line[]>`
          select json_build_object('eventId', ${shown(sql, 'event', 'event_id')}, 'type', type,
            'payload', payload, 'at', at)::text as line
          from outbox where member_id = ${ids} order by event_id`.cursor(PAGE),
    ],
  ]
}
