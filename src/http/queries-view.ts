/**
 * What a member's whole picture reads beside balances and counters, each in one statement for the member and
 * its merged duplicates. None needs another's answer, so that all of them go out at once.
 */
import type { Executor } from '../db/connection.ts'
import { list } from '../db/connection.ts'
import { ENGINE_SOURCE } from '../program/events.ts'
import type { Near } from '../retention/affinity.ts'
import type { Bought } from '../retention/next-product.ts'
import { familyOf, goneOf, goodsOf, wentBack } from '../retention/queries-value.ts'
import type { Reason } from '../retention/reason.ts'
import type { Said } from '../retention/voice.ts'
import type { Whose } from './queries.ts'

export interface ActivityRow {
  kind: 'transaction' | 'redemption'
  id: string
  /** the transaction's type, or what was redeemed for */
  what: string
  occurredAt: Date
  /** net of the goods as sold */
  net: string | null
  /** earned as first valued; redeemed */
  points: { currency: string; points: number }[]
}

const RECENT = 10

/** The latest sales and redemptions, newest first; of what the engine noted by itself only what gave points. */
export async function findActivity(sql: Executor, { memberId }: Whose): Promise<ActivityRow[]> {
  return sql<ActivityRow[]>`
    with recursive ${familyOf(sql, [memberId])}
    (select 'transaction' as kind, t.transaction_id as id, t.type as what, t.occurred_at as "occurredAt",
      (select sum((line -> 'net' ->> 'amount')::numeric)::text
       from json_array_elements(t.request -> 'lines') as line) as net,
      (select coalesce(json_agg(json_build_object('currency', a.currency, 'points', a.points)), '[]') from (
        select award ->> 'currency' as currency, sum((award ->> 'points')::bigint) as points
        from json_array_elements(t.valuation -> 'awards') as award group by 1 order by 1) a) as points
    from family f join transactions t on t.member_id = f.member_id
    where t.source <> ${ENGINE_SOURCE} or json_array_length(t.valuation -> 'awards') > 0
    order by t.occurred_at desc, t.transaction_id desc limit ${RECENT})
    union all
    (select 'redemption', r.redemption_id, coalesce(r.reward_id, r.currency), r.occurred_at, null,
      json_build_array(json_build_object('currency', r.currency, 'points', r.captured))
    from family f join redemptions r on r.member_id = f.member_id
    where r.status = 'captured'
    order by r.occurred_at desc, r.redemption_id desc limit ${RECENT})
    order by 4 desc, 2 desc limit ${RECENT}`
}

export interface ScoreRow {
  asOf: string
  state: string
  since: string
  flag: string | null
  flaggedSince: string | null
  pSilent: number
  pDecline: number
  expectedPurchases: number
  expectedValue: string | null
  lifetimeValue: string | null
  reasons: Reason[]
}

export async function findScore(sql: Executor, { memberId, program }: Whose): Promise<ScoreRow | null> {
  const [row] = await sql<ScoreRow[]>`
    select as_of::text as "asOf", state, since::text as since, flag, flagged_since::text as "flaggedSince",
      p_silent as "pSilent", p_decline as "pDecline", expected_purchases as "expectedPurchases",
      expected_value::text as "expectedValue", lifetime_value::text as "lifetimeValue", reasons
    from retention_scores where member_id = ${memberId} and program = ${program}`
  return row ?? null
}

/** The lowest profits of A to D as of the last run; none before the first one. */
export async function findGradeEnds(sql: Executor, program: string): Promise<string[]> {
  const rows = await sql<{ end: string }[]>`
    select e.profit::text as end
    from (select grade_ends from value_runs where program = ${program} order by as_of desc, run_id desc limit 1) v
    cross join lateral unnest(v.grade_ends) with ordinality as e(profit, place)
    order by e.place`
  return rows.map(({ end }) => end)
}

export interface ShelfRow {
  bought: Bought[]
  neighbours: [product: string, near: Near][]
  popular: [product: string, members: number][]
}

const LATEST_SALES = 200
const MOST_PRODUCTS = 300

/** The member's latest products, what is near to them, and what most members buy, by the last finished run. */
export async function findShelf(
  sql: Executor,
  { memberId, program }: Whose,
  { timeZone, at }: { timeZone: string; at: Date },
): Promise<ShelfRow> {
  const [row] = await sql<ShelfRow[]>`
    with recursive ${familyOf(sql, [memberId])},
    latest as (
      select t.member_id, t.transaction_id, t.request, t.occurred_at
      from family f join transactions t on t.member_id = f.member_id
      where t.occurred_at <= ${at}
      order by t.occurred_at desc limit ${LATEST_SALES}),
    lines as (
      select line.sku as product, ((t.occurred_at at time zone ${timeZone})::date - date '1970-01-01') as day,
        ${wentBack(sql)} as went_back
      from latest t
      ${goneOf(sql, at)}
      cross join lateral ${goodsOf(sql)}
      where line.sku is not null),
    bought as (
      select product, max(day) as "lastDay", count(distinct day) filter (where not went_back) as times
      from lines group by product order by 2 desc, 1 limit ${MOST_PRODUCTS}),
    run as (
      select run_id, popular from product_runs
      where program = ${program} and finished_at is not null
      order by as_of desc, run_id desc limit 1)
    select
      (select coalesce(json_agg(b), '[]') from bought b) as bought,
      (select coalesce(json_agg(json_build_array(n.product, n.neighbours)), '[]')
       from product_neighbours n join run on run.run_id = n.run_id
       where n.program = ${program} and n.product in (select product from bought where times > 0)) as neighbours,
      (select coalesce((select popular from run), '[]')) as popular`
  return row ?? { bought: [], neighbours: [], popular: [] }
}

/** What the member said last, in the order in which it was said, by days of the program's zone. */
export async function findSaid(sql: Executor, { memberId }: Whose, timeZone: string): Promise<Said[]> {
  const day = (column: string) => sql`((${sql(column)} at time zone ${timeZone})::date - date '1970-01-01')`
  return sql<Said[]>`
    with recursive ${familyOf(sql, [memberId])},
    latest as (
      select fb.kind, fb.satisfaction, fb.occurred_at, fb.resolved_at, fb.feedback_id
      from family f join feedback fb on fb.member_id = f.member_id
      order by fb.occurred_at desc, fb.feedback_id desc limit 200)
    select kind, satisfaction, ${day('occurred_at')} as day, ${day('resolved_at')} as "resolvedDay"
    from latest order by occurred_at, feedback_id`
}

export interface GivenRow {
  kind: 'campaign' | 'promotion' | 'segment'
  name: string
  arm: string | null
  since: Date
}

/** Campaigns that treated the member of late, promotions registered for, segments. */
export async function findGiven(
  sql: Executor,
  { memberId }: Whose,
  { campaigns, since }: { campaigns: readonly string[]; since: Date },
): Promise<GivenRow[]> {
  return sql<GivenRow[]>`
    select 'campaign' as kind, campaign as name, arm, max(treated_at) as since from treatments
    where member_id = ${memberId} and treated_at > ${since} and campaign = any(${list(sql, campaigns)}::text[])
    group by campaign, arm
    union all
    select kind, name, null, since from member_marks where member_id = ${memberId} and until is null
    order by 4 desc, 2 limit 100`
}
