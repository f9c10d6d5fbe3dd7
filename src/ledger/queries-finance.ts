/**
 * What finance asks of the ledger, one slice of members at a time: postings summed up to an instant, the legs
 * of lots in order, sales and totals by period; and the estimates that were kept.
 */
import { type Executor, list } from '../db/connection.ts'
import type { MovedRow } from './liability.ts'
import type { Slice } from './queries.ts'

export type Range = Omit<Slice, 'most'>

/** Business time up to and including `at`, by what was recorded up to and including `knownAt`. */
export interface Until {
  readonly at: Date
  /** null: all that is known */
  readonly knownAt: Date | null
}

/**
 * For this database transaction. A slice's postings and entries are many, but the planner, which takes the
 * ranges of ids for independent, expects a handful and looks up each by itself: 0.9 s a slice of 20,000
 * entries instead of 0.25 s by hash join.
 */
export async function joinByHash(sql: Executor): Promise<void> {
  await sql`set local enable_nestloop = off`
}

function inRange(sql: Executor, column: string, { from, to }: Range) {
  const end = to === null ? sql`` : sql`and ${sql(column)} < ${to}`
  return sql`(${sql(column)} >= ${from} ${end})`
}

/** The range is said of the members as well: it is not carried over, and all of them would be read each time. */
function ownMembers(sql: Executor, column: string, range: Range) {
  const own =
    range.program === null
      ? sql``
      : sql`and ${sql(column)} in (
          select member_id from members where program = ${range.program} and ${inRange(sql, 'members.member_id', range)})`
  return sql`(${inRange(sql, column, range)} ${own})`
}

function happened(sql: Executor, table: string, { at, knownAt }: Until) {
  const known = knownAt === null ? sql`` : sql`and ${sql(`${table}.recorded_at`)} <= ${knownAt}`
  return sql`(${sql(`${table}.occurred_at`)} <= ${at} ${known})`
}

/**
 * The instant of lapsing that a lot's id spells out (`lotIdOf`), of points put off the later one. Null: never, or
 * by inactivity, which no lot can tell.
 */
function lapseOfLot(sql: Executor) {
  return sql`
    case when split_part(lot_id, '/', 2) not in ('never', 'idle')
      then split_part(split_part(lot_id, '/', 2), '~', 1)::timestamptz end`
}

/** Of one snapshot, so that what is read in parts adds up. */
export async function sumsOfMoves(sql: Executor, range: Range, until: Until): Promise<MovedRow[]> {
  return sql<MovedRow[]>`
    select
      postings.currency, ${lapseOfLot(sql)} as "expiresAt",
      split_part(lot_id, '/', 4) as funder, from_account as "from", to_account as "to",
      sum(points)::bigint as points
    from postings
    join entries on entries.member_id = postings.member_id and entries.entry_id = postings.entry_id
      and ${inRange(sql, 'entries.member_id', range)}
    where ${ownMembers(sql, 'postings.member_id', range)} and ${happened(sql, 'entries', until)}
    group by 1, 2, 3, 4, 5
    order by 1, 2, 3, 4, 5`
}

export interface LegRow {
  readonly memberId: string
  readonly lotId: string
  readonly from: string
  readonly to: string
  readonly points: bigint
  readonly occurredAt: Date
  readonly redemptionId: string | null
}

const LEGS_AT_ONCE = 5_000

/** Legs of lots by member and lot, in order of business time; read in parts, however many there are. */
export function legsOfLots(sql: Executor, range: Range, until: Until): AsyncIterable<LegRow[]> {
  return sql<LegRow[]>`
    select
      postings.member_id as "memberId", lot_id as "lotId", from_account as "from", to_account as "to", points,
      entries.occurred_at as "occurredAt", entries.redemption_id as "redemptionId"
    from postings
    join entries on entries.member_id = postings.member_id and entries.entry_id = postings.entry_id
      and ${inRange(sql, 'entries.member_id', range)}
    where ${ownMembers(sql, 'postings.member_id', range)} and lot_id is not null
      and ${happened(sql, 'entries', until)}
    order by postings.member_id, lot_id, entries.occurred_at, postings.entry_id, leg`.cursor(LEGS_AT_ONCE)
}

export interface SalesRow {
  /** 1 for the first stretch */
  readonly stretch: number
  /** net that may earn, a decimal */
  readonly spend: string
}

/** Sales that gave points of one of the currencies, by stretches of business time that begin at `starts`. */
export async function salesByStretch(
  sql: Executor,
  range: Range,
  asked: Until & { starts: readonly Date[]; currencies: readonly string[] },
): Promise<SalesRow[]> {
  return sql<SalesRow[]>`
    select width_bucket(occurred_at, ${list(sql, asked.starts)}::timestamptz[]) as stretch,
      sum((valuation ->> 'spend')::numeric)::text as spend
    from transactions
    where ${ownMembers(sql, 'transactions.member_id', range)} and ${happened(sql, 'transactions', asked)}
      and valuation ->> 'spend' is not null
      and exists (
        select from json_array_elements(valuation -> 'awards') as award
        where award ->> 'currency' = any (${list(sql, asked.currencies)}::text[]) and (award ->> 'points')::bigint > 0)
    group by 1
    order by 1`
}

export interface DayMoves {
  readonly stretch: number
  readonly currency: string
  readonly from: string
  readonly to: string
  readonly points: bigint
}

/** Postings to and from the program's side, by stretches of business time that begin at `starts`. */
export async function movesByStretch(
  sql: Executor,
  range: Range,
  { starts, until }: Stretches,
): Promise<DayMoves[]> {
  return sql<DayMoves[]>`
    select width_bucket(entries.occurred_at, ${list(sql, starts)}::timestamptz[]) as stretch,
      postings.currency, from_account as "from", to_account as "to", sum(points)::bigint as points
    from postings
    join entries on entries.member_id = postings.member_id and entries.entry_id = postings.entry_id
      and ${inRange(sql, 'entries.member_id', range)}
    where ${ownMembers(sql, 'postings.member_id', range)}
      and entries.occurred_at >= ${starts[0]!} and entries.occurred_at < ${until}
    group by 1, 2, 3, 4
    order by 1, 2, 3, 4`
}

export interface Stretches {
  readonly starts: readonly Date[]
  /** the end of the last stretch */
  readonly until: Date
}

export interface DayFacts {
  readonly stretch: number
  readonly what: 'transactions' | 'members' | 'returns' | 'redemptions' | 'enrolled'
  readonly count: bigint
}

/** How much happened, by the same stretches. Members are those with a transaction, each once a stretch. */
export async function factsByStretch(
  sql: Executor,
  range: Range,
  { starts, until }: Stretches,
): Promise<DayFacts[]> {
  const bounds = sql`${list(sql, starts)}::timestamptz[]`
  const within = (column: string) => sql`(${sql(column)} >= ${starts[0]!} and ${sql(column)} < ${until})`
  return sql<DayFacts[]>`
    with facts as (
      select width_bucket(occurred_at, ${bounds}) as stretch, member_id, 'transactions' as what
      from transactions
      where ${ownMembers(sql, 'transactions.member_id', range)} and ${within('occurred_at')}
      union all
      select width_bucket(occurred_at, ${bounds}), member_id, 'returns'
      from returns
      where ${ownMembers(sql, 'returns.member_id', range)} and ${within('occurred_at')}
      union all
      select width_bucket(occurred_at, ${bounds}), member_id, 'redemptions'
      from redemptions
      where ${ownMembers(sql, 'redemptions.member_id', range)} and ${within('occurred_at')} and captured > 0
        and status <> 'reversed'
      union all
      select width_bucket(enrolled_at, ${bounds}), member_id, 'enrolled'
      from members
      where ${ownMembers(sql, 'members.member_id', range)} and ${within('enrolled_at')}
    )
    select stretch, what, count(*) as count from facts group by stretch, what
    union all
    select stretch, 'members', count(distinct member_id) from facts where what = 'transactions' group by stretch
    order by stretch, what`
}

export interface EstimateRow {
  readonly program: string
  readonly estimateId: string
  readonly currency: string
  readonly method: 'survival' | 'declared'
  readonly effectiveFrom: Date
  readonly madeAt: Date
  readonly madeBy: string
  /** decimals between 0 and 1 */
  readonly redemptionRate: string
  readonly low: string | null
  readonly high: string | null
  readonly detail: Readonly<Record<string, unknown>>
  readonly note: string | null
}

export async function insertEstimate(sql: Executor, row: EstimateRow): Promise<void> {
  await sql`
    insert into breakage_estimates
      (program, estimate_id, currency, method, effective_from, made_at, made_by, redemption_rate, low, high, detail,
        note)
    values (${row.program}, ${row.estimateId}, ${row.currency}, ${row.method}, ${row.effectiveFrom}, ${row.madeAt},
      ${row.madeBy}, ${row.redemptionRate}, ${row.low}, ${row.high}, ${sql.json(row.detail as never)}, ${row.note})`
}

/** A program's estimates known at an instant, in the order in which they come into force. */
export async function readEstimates(
  sql: Executor,
  asked: { program: string; knownAt: Date | null; limit: number },
): Promise<EstimateRow[]> {
  const known = asked.knownAt === null ? sql`` : sql`and made_at <= ${asked.knownAt}`
  return sql<EstimateRow[]>`
    select * from (
      select program, estimate_id as "estimateId", currency, method, effective_from as "effectiveFrom",
        made_at as "madeAt", made_by as "madeBy", redemption_rate::text as "redemptionRate", low::text, high::text,
        detail, note
      from breakage_estimates
      where program = ${asked.program} ${known}
      order by effective_from desc, made_at desc, estimate_id desc
      limit ${asked.limit}
    ) as latest
    order by "effectiveFrom", "madeAt", "estimateId"`
}
