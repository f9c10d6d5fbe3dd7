/**
 * What the reading routes ask of the database, each in one round trip and limited to one program: what
 * belongs to another program is not found, exactly like what is not there.
 */

import type { JSONValue } from 'postgres'
import type { WireMoney } from '../base/points.ts'
import type { Day } from '../base/time.ts'
import { type Executor, list } from '../db/connection.ts'
import type { TransactionBody } from '../earning/transaction.ts'
import type { KeptValuation } from '../earning/valued.ts'
import type { Identifier, MemberStatus } from '../members/member.ts'
import type { RedemptionStatus, WirePooled } from '../redeeming/redemption.ts'
import type { FieldValue } from '../rules/facts.ts'
import type { TierState } from '../tiers/standing.ts'

/** Which member of which program. */
export interface Whose {
  readonly program: string
  /** UUID */
  readonly memberId: string
}

export interface MemberRow {
  memberId: string
  program: string
  externalRef: string
  status: MemberStatus
  mergedInto: string | null
  profile: Record<string, FieldValue>
  attributes: Record<string, FieldValue>
  consents: Record<string, boolean>
  enrolledAt: Date
  createdAt: Date
  identifiers: Identifier[]
}

export async function findMember(sql: Executor, whose: Whose): Promise<MemberRow | null> {
  const [row] = await sql<MemberRow[]>`
    select m.member_id as "memberId", m.program, m.external_ref as "externalRef", m.status,
      m.merged_into as "mergedInto", m.profile,
      m.attributes, m.consents, m.enrolled_at as "enrolledAt", m.created_at as "createdAt",
      (select coalesce(json_agg(json_build_object('kind', i.kind, 'value', i.value, 'status', i.status)
                                order by i.added_at, i.kind, i.value), '[]')
       from identifiers i where i.member_id = m.member_id) as identifiers
    from members m
    where m.member_id = ${whose.memberId} and m.program = ${whose.program}`
  return row ?? null
}

export async function findIdentifier(
  sql: Executor,
  of: { program: string; kind: string; value: string },
): Promise<{ memberId: string; status: Identifier['status'] } | null> {
  const [row] = await sql<{ memberId: string; status: Identifier['status'] }[]>`
    select member_id as "memberId", status
    from identifiers
    where program = ${of.program} and kind = ${of.kind} and value = ${of.value}`
  return row ?? null
}

/** Points and instants as text, as JSON carries them without loss. */
export interface HoldingsRow {
  mergedInto: string | null
  enrolledAt: Date
  attributes: Record<string, FieldValue>
  accounts: {
    currency: string
    available: string
    pending: string
    held: string
    negative: string
    lifetime: string
    activeOn: Day | null
    lapsesAt: string | null
  }[]
  lots: { lotId: string; available: string; pending: string; held: string }[]
  standings: { ladder: string; tier: string; since: string; until: string | null; state: TierState | null }[]
  /** holds whose time is up, but which no sweep has let go yet */
  lapsedHolds: {
    redemptionId: string
    currency: string
    points: string
    draws: { lotId: string; points: number | string }[]
    holdUntil: string
  }[]
}

/** As a column of a select from `members m`. */
export function lapsedHolds(sql: Executor, at: Date) {
  return sql`
      (select coalesce(json_agg(json_build_object('redemptionId', r.redemption_id, 'currency', r.currency,
          'points', r.points::text, 'draws', r.draws, 'holdUntil', r.hold_until)), '[]')
       from redemptions r
       where r.member_id = m.member_id and r.status = 'held' and r.hold_until <= ${at}) as "lapsedHolds"`
}

// One statement, so that accounts and lots are of one instant; each part is a look-up by primary key.
export async function findHoldings(sql: Executor, whose: Whose, at: Date): Promise<HoldingsRow | null> {
  const [row] = await sql<HoldingsRow[]>`
    select m.merged_into as "mergedInto", m.enrolled_at as "enrolledAt", m.attributes,
      (select coalesce(json_agg(json_build_object('currency', a.currency, 'available', a.available::text,
          'pending', a.pending::text, 'held', a.held::text, 'negative', a.negative::text,
          'lifetime', a.lifetime::text, 'activeOn', a.active_on, 'lapsesAt', a.lapses_at)), '[]')
       from accounts a where a.member_id = m.member_id) as accounts,
      (select coalesce(json_agg(json_build_object('lotId', l.lot_id, 'available', l.available::text,
          'pending', l.pending::text, 'held', l.held::text)), '[]')
       from lots l
       where l.member_id = m.member_id and (l.available > 0 or l.pending > 0 or l.held > 0)) as lots,
      (select coalesce(json_agg(json_build_object('ladder', s.ladder, 'tier', s.tier, 'since', s.since,
          'until', s.until, 'state', s.state)), '[]')
       from standings s where s.member_id = m.member_id) as standings,
      ${lapsedHolds(sql, at)}
    from members m
    where m.member_id = ${whose.memberId} and m.program = ${whose.program}`
  return row ?? null
}

/** What tiers count, day by day; limits' uses are left out. */
export async function findCounters(
  sql: Executor,
  memberId: string,
  from: Day,
): Promise<{ counter: string; day: Day; value: string }[]> {
  return sql<{ counter: string; day: Day; value: string }[]>`
    select counter, day, value
    from counters
    where member_id = ${memberId} and (day >= ${from} or counter like 'ever:%') and counter not like 'limit:%'
    order by day, counter`
}

export interface TransactionRow {
  /** of the member that it was posted for */
  memberId: string
  /** where that one was merged into another since */
  mergedInto: string | null
  transactionId: string
  source: string
  externalRef: string
  type: string
  occurredAt: Date
  recordedAt: Date
  rulesVersion: string
  request: TransactionBody
  /** the one that holds now */
  valuation: KeptValuation
  /** when a late fact last changed it */
  revaluedAt: Date | null
  returns: { returnId: string; occurredAt: string; lines: JSONValue; reversed: JSONValue }[]
}

export async function findTransaction(
  sql: Executor,
  of: { program: string; transactionId: string },
): Promise<TransactionRow | null> {
  const [row] = await sql<TransactionRow[]>`
    select t.member_id as "memberId",
      (select m.merged_into from members m where m.member_id = t.member_id) as "mergedInto", t.transaction_id as "transactionId", t.source,
      t.external_ref as "externalRef", t.type, t.occurred_at as "occurredAt",
      t.recorded_at as "recordedAt", t.rules_version as "rulesVersion", t.request,
      coalesce(v.valuation, t.valuation) as valuation, v.recorded_at as "revaluedAt",
      (select coalesce(json_agg(json_build_object('returnId', r.return_id, 'occurredAt', r.occurred_at,
          'lines', r.lines, 'reversed', coalesce(v.reversed -> r.return_id::text, r.reversed::json))
          order by r.return_id), '[]')
       from returns r
       where r.member_id = t.member_id and r.transaction_id = t.transaction_id) as returns
    from transactions t
    left join lateral (
      select valuation, reversed, recorded_at from revaluations v
      where v.member_id = t.member_id and v.transaction_id = t.transaction_id
      order by v.revaluation_id desc limit 1
    ) v on true
    where t.transaction_id = ${of.transactionId} and t.program = ${of.program}`
  return row ?? null
}

export interface LooseSaleRow {
  transactionId: string
  source: string
  externalRef: string
  occurredAt: Date
  recordedAt: Date
  request: TransactionBody
}

/** A sale that came without a member and has none yet. */
export async function findLooseSale(
  sql: Executor,
  of: { program: string; transactionId: string },
): Promise<LooseSaleRow | null> {
  const [row] = await sql<LooseSaleRow[]>`
    select transaction_id as "transactionId", source, external_ref as "externalRef",
      occurred_at as "occurredAt", recorded_at as "recordedAt", request
    from loose_sales
    where transaction_id = ${of.transactionId} and program = ${of.program} and member_id is null`
  return row ?? null
}

export interface RedemptionRow {
  memberId: string
  mergedInto: string | null
  redemptionId: string
  source: string
  externalRef: string
  status: RedemptionStatus
  currency: string
  points: bigint
  captured: bigint
  rewardId: string | null
  value: WireMoney | null
  occurredAt: Date
  holdUntil: Date | null
  pool: WirePooled | null
}

export async function findRedemption(
  sql: Executor,
  of: { program: string; redemptionId: string },
): Promise<RedemptionRow | null> {
  const [row] = await sql<RedemptionRow[]>`
    select member_id as "memberId",
      (select m.merged_into from members m where m.member_id = r.member_id) as "mergedInto",
      redemption_id as "redemptionId", source, external_ref as "externalRef",
      status, currency, points, captured, reward_id as "rewardId", value, occurred_at as "occurredAt",
      hold_until as "holdUntil", pool
    from redemptions r
    where redemption_id = ${of.redemptionId} and program = ${of.program} and part_of is null`
  return row ?? null
}

export async function ping(sql: Executor): Promise<void> {
  await sql`select 1`
}

/** What a member has of one currency, by purpose; points as text. */
export interface SumRow {
  currency: string
  available: string
  pending: string
  held: string
  negative: string
}

export interface EntryRow {
  entryId: string
  kind: string
  occurredAt: string
  recordedAt: string
  transactionId: string | null
  redemptionId: string | null
  source: string
  detail: Record<string, JSONValue> | null
  /** what this entry changed */
  changes: SumRow[]
}

export interface StatementRow {
  /** newest first, one more than asked for where there are more */
  entries: EntryRow[]
  /** right after the newest of these entries */
  sums: SumRow[]
}

/**
 * A page of entries and what the member had after the newest of them. Adding up all postings to there is
 * one scan of the member's own index range: the sums cannot drift, and no running total has to be kept.
 */
export async function findStatement(
  sql: Executor,
  whose: Whose & { duplicates: readonly string[] },
  page: { before: string | null; limit: number },
): Promise<StatementRow | null> {
  const ids = list(sql, [whose.memberId, ...whose.duplicates])
  const [row] = await sql<StatementRow[]>`
    with page as (
      select e.entry_id, e.kind, e.occurred_at, e.recorded_at, e.transaction_id, e.redemption_id, e.source, e.detail
      from entries e
      where e.member_id = any(${ids}::uuid[]) and (${page.before}::uuid is null or e.entry_id < ${page.before}::uuid)
      order by e.entry_id desc
      limit ${page.limit + 1}
    ), legs as (
      select p.entry_id, p.currency, side.account, side.points
      from postings p
      cross join lateral (values (p.from_account, -p.points), (p.to_account, p.points)) side (account, points)
      where p.member_id = any(${ids}::uuid[]) and p.entry_id <= (select entry_id from page order by entry_id desc limit 1)
        and side.account in ('available', 'pending', 'held', 'negative')
    ), sums as (
      select l.entry_id, l.currency,
        coalesce(sum(l.points) filter (where l.account = 'available'), 0)::text as available,
        coalesce(sum(l.points) filter (where l.account = 'pending'), 0)::text as pending,
        coalesce(sum(l.points) filter (where l.account = 'held'), 0)::text as held,
        coalesce(-sum(l.points) filter (where l.account = 'negative'), 0)::text as negative
      from legs l
      group by grouping sets ((l.entry_id, l.currency), (l.currency))
    )
    select
      (select coalesce(json_agg(json_build_object('entryId', e.entry_id, 'kind', e.kind,
          'occurredAt', e.occurred_at, 'recordedAt', e.recorded_at, 'transactionId', e.transaction_id,
          'redemptionId', e.redemption_id, 'source', e.source, 'detail', e.detail,
          'changes', (
            select coalesce(json_agg(json_build_object('currency', s.currency, 'available', s.available,
                'pending', s.pending, 'held', s.held, 'negative', s.negative) order by s.currency), '[]')
            from sums s where s.entry_id = e.entry_id)) order by e.entry_id desc), '[]')
       from page e) as entries,
      (select coalesce(json_agg(json_build_object('currency', s.currency, 'available', s.available,
          'pending', s.pending, 'held', s.held, 'negative', s.negative) order by s.currency), '[]')
       from sums s where s.entry_id is null) as sums
    from members m
    where m.member_id = ${whose.memberId} and m.program = ${whose.program}`
  return row ?? null
}
