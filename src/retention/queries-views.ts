/**
 * What the views read, over all members of a program at an instant of business time: out of transactions,
 * returns, marks and the rows of the last run of scores. Each is one statement; duplicates count for whoever
 * answers for them.
 */
import type { Executor } from '../db/connection.ts'
import { list } from '../db/connection.ts'
import type { StoredTerms } from './queries-experiments.ts'
import { goneOf, goodsOf, keptNet, salesOf } from './queries-value.ts'

export interface ViewScope {
  readonly program: string
  readonly timeZone: string
  readonly at: Date
  /** types of transactions that are no purchases */
  readonly fees: readonly string[]
}

/** All members with who answers for them: three merges deep, deeper than people do it. */
function everybody(sql: Executor, program: string) {
  return sql`
    family as (
      select coalesce(third.merged_into, second.merged_into, m.merged_into, m.member_id) as owner, m.member_id
      from members m
      left join members second on second.member_id = m.merged_into
      left join members third on third.member_id = second.merged_into
      where m.program = ${program} and m.status <> 'erased')`
}

/** Days with a purchase that was kept at least in part: owner, day, net. */
function purchaseDays(sql: Executor, { program, timeZone, at, fees }: ViewScope) {
  return sql`
    ${everybody(sql, program)}, ${salesOf(sql, at)},
    bought as (
      select owner, (occurred_at at time zone ${timeZone})::date as day, sum(net) as net
      from sales where net > 0 and not type = any(${list(sql, fees)}::text[])
      group by 1, 2)`
}

export interface ProfileCounts {
  readonly status: string
  readonly members: number
}

export async function statusCounts(sql: Executor, { program }: ViewScope): Promise<ProfileCounts[]> {
  return sql<ProfileCounts[]>`
    select status, count(*)::integer as members from members where program = ${program}
    group by status order by status`
}

export interface BuyerRow {
  /** purchase days: 1, 2, 3, 4, 5; 6 stands for 6 to 10, 11 for more */
  readonly days: number
  readonly members: number
  readonly net: string
}

export async function buyersByDays(sql: Executor, scope: ViewScope): Promise<BuyerRow[]> {
  return sql<BuyerRow[]>`
    with ${purchaseDays(sql, scope)},
    buyers as (select owner, count(*) as days, sum(net) as net from bought group by owner)
    select (case when days <= 5 then days when days <= 10 then 6 else 11 end)::integer as days,
      count(*)::integer as members, sum(net)::text as net
    from buyers group by 1 order by 1`
}

export interface StateRow {
  readonly state: string
  readonly members: number
  readonly flagged: number
  readonly expectedPurchases: number
  readonly expectedValue: string | null
  readonly asOf: string
}

/** Of the last run of scores; none before the first. */
export async function scoresByState(sql: Executor, { program }: ViewScope): Promise<StateRow[]> {
  return sql<StateRow[]>`
    select state, count(*)::integer as members, count(flag)::integer as flagged,
      sum(expected_purchases) as "expectedPurchases", sum(expected_value)::text as "expectedValue",
      max(as_of)::text as "asOf"
    from retention_scores where program = ${program}
    group by state order by 2 desc, 1`
}

export interface RfmRow {
  readonly recency: number
  readonly frequency: number
  readonly members: number
}

export async function rfmCounts(sql: Executor, { program }: ViewScope): Promise<RfmRow[]> {
  return sql<RfmRow[]>`
    select recency, frequency, count(*)::integer as members from retention_scores
    where program = ${program} group by 1, 2 order by 1 desc, 2 desc`
}

export async function tierCounts(
  sql: Executor,
  { program }: ViewScope,
): Promise<{ ladder: string; tier: string; members: number }[]> {
  return sql<{ ladder: string; tier: string; members: number }[]>`
    select s.ladder, s.tier, count(*)::integer as members
    from members m join standings s on s.member_id = m.member_id
    where m.program = ${program} and m.status = 'active'
    group by 1, 2 order by 1, 3 desc, 2`
}

export interface CohortRow {
  /** `2026-03`, the month of the first purchase */
  readonly cohort: string
  /** months after it */
  readonly month: number
  readonly members: number
}

const MOST_COHORTS = 36

export async function cohortCounts(sql: Executor, scope: ViewScope): Promise<CohortRow[]> {
  return sql<CohortRow[]>`
    with ${purchaseDays(sql, scope)},
    firsts as (select owner, date_trunc('month', min(day)) as began from bought group by owner),
    months as (select distinct owner, date_trunc('month', day) as month from bought)
    select to_char(f.began, 'YYYY-MM') as cohort,
      ((extract(year from m.month) - extract(year from f.began)) * 12
        + extract(month from m.month) - extract(month from f.began))::integer as month,
      count(*)::integer as members
    from firsts f join months m on m.owner = f.owner
    where f.began > (${scope.at}::timestamptz - make_interval(months => ${MOST_COHORTS + 1}))
    group by 1, 2 order by 1, 2`
}

export interface SecondRow {
  /** days from the first purchase to the second; null: none yet */
  readonly gap: number | null
  /** days since the first purchase */
  readonly waited: number
  readonly members: number
}

export async function secondPurchases(sql: Executor, scope: ViewScope): Promise<SecondRow[]> {
  return sql<SecondRow[]>`
    with ${purchaseDays(sql, scope)},
    ranked as (select owner, day, row_number() over (partition by owner order by day) as place from bought),
    pairs as (
      select owner, min(day) filter (where place = 1) as first, min(day) filter (where place = 2) as second
      from ranked where place <= 2 group by owner)
    select (second - first)::integer as gap,
      ((${scope.at}::timestamptz at time zone ${scope.timeZone})::date - first)::integer as waited,
      count(*)::integer as members
    from pairs group by 1, 2 order by 2, 1`
}

export interface ProductRow {
  readonly product: string
  readonly members: number
  /** with it on two days or more */
  readonly again: number
  readonly net: string
}

export async function productCounts(sql: Executor, scope: ViewScope, most: number): Promise<ProductRow[]> {
  const { program, timeZone, at } = scope
  return sql<ProductRow[]>`
    with ${everybody(sql, program)},
    lines as (
      select f.owner, line.sku as product, (t.occurred_at at time zone ${timeZone})::date as day, kept.net
      from family f join transactions t on t.member_id = f.member_id
      ${goneOf(sql, at)}
      cross join lateral ${goodsOf(sql)}
      cross join lateral (select ${keptNet(sql)} as net) kept
      where t.occurred_at <= ${at} and line.sku is not null),
    bought as (
      select product, owner, count(distinct day) as days, sum(net) as net from lines where net > 0
      group by product, owner)
    select product, count(*)::integer as members, (count(*) filter (where days >= 2))::integer as again,
      sum(net)::text as net
    from bought group by product order by 2 desc, 1 limit ${most}`
}

export interface PairRow {
  readonly product: string
  readonly other: string
  readonly nearness: number
}

/** The nearest pairs of the last finished run, each once. */
export async function nearestPairs(sql: Executor, { program }: ViewScope, most: number): Promise<PairRow[]> {
  return sql<PairRow[]>`
    with run as (
      select run_id from product_runs where program = ${program} and finished_at is not null
      order by as_of desc, run_id desc limit 1)
    select n.product, near ->> 0 as other, (near ->> 1)::double precision as nearness
    from product_neighbours n join run on run.run_id = n.run_id
    cross join lateral json_array_elements(n.neighbours) as near
    where n.program = ${program} and n.product < near ->> 0
    order by 3 desc, 1, 2 limit ${most}`
}

export interface GivenByRule {
  readonly rule: string
  readonly currency: string
  readonly points: string
  readonly transactions: number
  readonly members: number
}

/** What rules gave since an instant, less what returns took back. */
export async function givenByRule(
  sql: Executor,
  { program, at }: ViewScope,
  since: Date,
): Promise<GivenByRule[]> {
  return sql<GivenByRule[]>`
    with ${everybody(sql, program)},
    awards as (
      select f.owner, t.member_id, t.transaction_id, award ->> 'rule' as rule, award ->> 'currency' as currency,
        (award ->> 'points')::bigint as points
      from family f join transactions t on t.member_id = f.member_id
      left join lateral (
        select valuation from revaluations v
        where v.member_id = t.member_id and v.transaction_id = t.transaction_id
        order by v.revaluation_id desc limit 1) v on true
      cross join lateral json_array_elements(coalesce(v.valuation, t.valuation) -> 'awards') as award
      where t.occurred_at > ${since} and t.occurred_at <= ${at}
      union all
      select f.owner, r.member_id, r.transaction_id, back ->> 'rule', back ->> 'currency',
        -(back ->> 'points')::bigint
      from family f join returns r on r.member_id = f.member_id
      join transactions t on t.member_id = r.member_id and t.transaction_id = r.transaction_id
      left join lateral (
        select reversed from revaluations v
        where v.member_id = r.member_id and v.transaction_id = r.transaction_id
        order by v.revaluation_id desc limit 1) v on true
      cross join lateral jsonb_array_elements(
        coalesce((v.reversed -> r.return_id::text)::jsonb, r.reversed)) as back
      where t.occurred_at > ${since} and t.occurred_at <= ${at} and r.occurred_at <= ${at})
    select rule, currency, sum(points)::text as points, count(distinct transaction_id)::integer as transactions,
      count(distinct owner)::integer as members
    from awards group by rule, currency order by abs(sum(points)) desc, 1, 2`
}

export async function budgetsUsed(
  sql: Executor,
  program: string,
): Promise<{ budget: string; period: string; used: string }[]> {
  return sql<{ budget: string; period: string; used: string }[]>`
    select budget, period::text as period, sum(used)::text as used from budgets
    where program = ${program} group by 1, 2 order by 2 desc, 1 limit 200`
}

export interface CampaignRow {
  readonly campaign: string
  readonly arm: string
  readonly members: number
  readonly treatments: number
  readonly cost: string
  readonly pointsValue: string
}

export async function treatmentSums(sql: Executor, { program, at }: ViewScope): Promise<CampaignRow[]> {
  return sql<CampaignRow[]>`
    select campaign, arm, count(distinct member_id)::integer as members, count(*)::integer as treatments,
      sum(cost)::text as cost, sum(points_value)::text as "pointsValue"
    from treatments where program = ${program} and treated_at <= ${at}
    group by campaign, arm order by campaign, arm`
}

/** As the look of the campaigns wrote it. */
export interface SeenArm {
  readonly arm: string
  readonly assigned: number
  readonly members: number
  readonly buyers: number
  readonly netPerMember: number | null
  readonly buying: { readonly difference: number; readonly low: number; readonly high: number } | null
  readonly netDifference: { readonly difference: number; readonly low: number; readonly high: number } | null
  readonly verdict: string
}

export interface ExperimentSeen {
  readonly program: string
  readonly experiment: string
  /** as of the instant */
  readonly state: 'testing' | 'rolled_out' | 'stopped' | 'undecided'
  readonly terms: StoredTerms
  readonly decidedAt: Date | null
  readonly startedAt: Date
  readonly winner: string | null
  readonly look: number | null
  readonly fraction: number | null
  readonly arms: SeenArm[] | null
}

export async function experimentsSeen(sql: Executor, { program, at }: ViewScope): Promise<ExperimentSeen[]> {
  return sql<ExperimentSeen[]>`
    select e.program, e.experiment, e.decided_at as "decidedAt", case when e.decided_at <= ${at} then e.state else 'testing' end as state, e.terms,
      e.started_at as "startedAt", case when e.decided_at <= ${at} then e.winner end as winner, l.look, l.fraction,
      l.arms
    from experiments e
    left join lateral (
      select look, fraction, arms from experiment_looks l
      where l.program = e.program and l.experiment = e.experiment and l.looked_at <= ${at}
      order by l.look desc limit 1) l on true
    where e.program = ${program} and e.started_at <= ${at}
    order by e.started_at desc, e.experiment limit 200`
}

export interface ArmCount {
  readonly experiment: string
  readonly phase: 'test' | 'rollout'
  readonly arm: string
  readonly members: number
}

export async function armCounts(sql: Executor, { program, at }: ViewScope): Promise<ArmCount[]> {
  return sql<ArmCount[]>`
    select experiment, phase, arm, count(*)::integer as members from experiment_arms
    where program = ${program} and assigned_at <= ${at}
    group by 1, 2, 3 order by 1, 2 desc, 3`
}
