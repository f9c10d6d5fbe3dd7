/**
 * What values are reckoned from, read out of transactions, returns, redemptions and the ledger: nothing of it
 * is kept anywhere else, so every figure can be derived again. Merged duplicates count for their survivors.
 */
import { Decimal } from '../base/points.ts'
import { addDays, type Day, dayOf, daysBetween, startOfDay } from '../base/time.ts'
import { type Executor, list } from '../db/connection.ts'
import type { Program } from '../program/program.ts'
import { stretchStart } from './stretch.ts'
import type { ValueFacts } from './value.ts'

/** Members with those that were merged into them, as `owner` and `member_id`; the first of further tables. */
export function familyOf(sql: Executor, memberIds: readonly string[]) {
  return sql`
    family(owner, member_id) as (
      select u.id, u.id from unnest(${list(sql, memberIds)}::uuid[]) as u(id)
      union all
      select f.owner, m.member_id from family f join members m on m.merged_into = f.member_id)`
}

/**
 * Joins what went back of transaction `t` up to an instant, as `gone.lines`: quantities by the ids of lines, null
 * where nothing did. It asks once for each transaction; asking for each line made up most of a reading.
 */
export function goneOf(sql: Executor, at: Date) {
  return sql`
    left join lateral (
      select jsonb_object_agg(line_id, quantity) as lines from (
        select back ->> 'lineId' as line_id, sum((back ->> 'quantity')::numeric) as quantity
        from returns r cross join lateral jsonb_array_elements(r.lines) as back
        where r.member_id = t.member_id and r.transaction_id = t.transaction_id and r.occurred_at <= ${at}
        group by 1) q) gone on true`
}

/** Its lines that are goods, as `line` with "lineId", sku, quantity and net: each is parsed once. */
export function goodsOf(sql: Executor) {
  return sql`
    (select l."lineId", l.sku, l.quantity, (l.net ->> 'amount')::numeric as net
     from json_to_recordset(t.request -> 'lines') as l("lineId" text, sku text, kind text, quantity numeric, net json)
     where coalesce(l.kind, 'item') = 'item') line`
}

/** Of a line with `gone` beside it: the net of what did not go back, to a hundred-thousandth. */
export function keptNet(sql: Executor) {
  return sql`
    round(line.net * greatest(0, line.quantity - coalesce((gone.lines ->> line."lineId")::numeric, 0))
      / nullif(line.quantity, 0), 5)`
}

/** Of a line with `gone` beside it: nothing of it was kept. */
export function wentBack(sql: Executor) {
  return sql`line.quantity <= coalesce((gone.lines ->> line."lineId")::numeric, 0)`
}

/**
 * Transactions of the family, each with the net of the goods that were kept: lines that went back in part
 * count in part. Columns owner, member_id, transaction_id, type, occurred_at, net. The net is joined, not selected:
 * the planner would reckon it again in each sum that asks for it.
 */
export function salesOf(sql: Executor, at: Date) {
  return sql`
    sales as (
      select f.owner, t.member_id, t.transaction_id, t.type, t.occurred_at, kept.net
      from family f join transactions t on t.member_id = f.member_id
      ${goneOf(sql, at)}
      cross join lateral (
        select coalesce(sum(${keptNet(sql)}), 0) as net from ${goodsOf(sql)}) kept
      where t.occurred_at <= ${at})`
}

interface ValueRow {
  readonly owner: string
  readonly netSpend: string
  readonly earlierSpend: string
  readonly everSpend: string
  readonly purchases: number
  readonly firstDay: Day | null
  readonly redeemed: string
  readonly benefits: string
  readonly fees: string
  readonly pointsCost: string
}

export interface ValuesAsked {
  readonly program: Program
  readonly memberIds: readonly string[]
  readonly at: Date
}

/** In one statement; a member without anything has zeros. Of values in points, the program's at `at`. */
export async function readValueFacts(
  sql: Executor,
  { program, memberIds, at }: ValuesAsked,
): Promise<Map<string, ValueFacts>> {
  if (memberIds.length === 0) return new Map()
  const { since, before, days } = stretchesOf(program, at)
  const { fees, benefits } = program.value
  const worthOf = JSON.stringify(
    Object.fromEntries([...benefits].map(([type, worth]) => [type, worth.toFixed()])),
  )
  const pointWorth = JSON.stringify(
    Object.fromEntries(
      [...program.currencies.values()].flatMap(({ id, kind, value }) =>
        kind === 'redeemable' && value ? [[id, value.amount.toFixed()]] : [],
      ),
    ),
  )
  const rows = await sql<ValueRow[]>`
    with recursive ${familyOf(sql, memberIds)}, ${salesOf(sql, at)},
    sold as (
      select owner,
        sum(net) filter (where occurred_at > ${since} and not type = any(${list(sql, fees)}::text[])) as net_spend,
        sum(net) filter (where occurred_at > ${before} and occurred_at <= ${since}
          and not type = any(${list(sql, fees)}::text[])) as earlier_spend,
        sum(net) filter (where occurred_at > ${since} and type = any(${list(sql, fees)}::text[])) as fees,
        sum((${worthOf}::text::jsonb ->> type)::numeric) filter (where occurred_at > ${since}) as benefits,
        sum(net) filter (where not type = any(${list(sql, fees)}::text[])) as ever_spend,
        count(*) filter (where net > 0 and not type = any(${list(sql, fees)}::text[]))::integer as purchases,
        (min(occurred_at) filter (where net > 0) at time zone ${program.timeZone})::date::text as first_day
      from sales group by owner),
    spent as (
      select f.owner, sum(case
        when r.value is not null and r.part_of is null
        then (r.value ->> 'amount')::numeric * r.captured / coalesce((r.pool ->> 'points')::numeric, r.points)
        else r.captured * coalesce((${pointWorth}::text::jsonb ->> r.currency)::numeric, 0) end) as redeemed
      from family f join redemptions r on r.member_id = f.member_id
      where r.status = 'captured' and r.occurred_at > ${since} and r.occurred_at <= ${at}
      group by f.owner),
    given as (
      select f.owner, sum(p.points * coalesce((${pointWorth}::text::jsonb ->> p.currency)::numeric, 0)
        * case when p.from_account in ('issued', 'adjusted') then 1 else -1 end) as points_cost
      from family f
      join entries e on e.member_id = f.member_id
      join postings p on p.member_id = e.member_id and p.entry_id = e.entry_id
      where e.occurred_at > ${since} and e.occurred_at <= ${at}
        and (p.from_account in ('issued', 'adjusted')) <> (p.to_account in ('issued', 'adjusted'))
      group by f.owner)
    select u.id as owner, coalesce(net_spend, 0)::text as "netSpend",
      coalesce(earlier_spend, 0)::text as "earlierSpend", first_day as "firstDay",
      coalesce(ever_spend, 0)::text as "everSpend", coalesce(purchases, 0) as purchases,
      coalesce(redeemed, 0)::text as redeemed, coalesce(benefits, 0)::text as benefits,
      coalesce(fees, 0)::text as fees, coalesce(points_cost, 0)::text as "pointsCost"
    from unnest(${list(sql, memberIds)}::uuid[]) as u(id)
    left join sold on sold.owner = u.id
    left join spent on spent.owner = u.id
    left join given on given.owner = u.id`
  const start = dayOf(program.timeZone, since)
  return new Map(
    rows.map((row) => [
      row.owner,
      {
        days,
        netSpend: new Decimal(row.netSpend),
        earlierSpend: new Decimal(row.earlierSpend),
        earlierDays:
          row.firstDay === null ? 0 : Math.min(days, Math.max(0, daysBetween(row.firstDay, start))),
        everSpend: new Decimal(row.everSpend),
        purchases: row.purchases,
        redeemed: new Decimal(row.redeemed),
        benefits: new Decimal(row.benefits),
        fees: new Decimal(row.fees),
        pointsCost: new Decimal(row.pointsCost),
      },
    ]),
  )
}

function stretchesOf({ value, timeZone }: Program, at: Date): { since: Date; before: Date; days: number } {
  const today = dayOf(timeZone, at)
  const first = stretchStart(value.over, today)
  const days = daysBetween(first, today) + 1
  const since = startOfDay(timeZone, first)
  return { since, before: startOfDay(timeZone, addDays(first, -days)), days }
}

/** Members who answer for themselves, in pages by their ids. */
export async function memberPage(
  sql: Executor,
  page: { program: string; after: string | null; limit: number },
): Promise<string[]> {
  const beyond = page.after === null ? sql`` : sql`and member_id > ${page.after}::uuid`
  const rows = await sql<{ id: string }[]>`
    select member_id as id from members
    where program = ${page.program} and merged_into is null and status <> 'erased' ${beyond}
    order by member_id limit ${page.limit}`
  return rows.map(({ id }) => id)
}

/** Where the grades part; only the newest run counts, so older ones go. */
export async function writeValueRun(
  sql: Executor,
  run: { program: string; runId: string; at: Date; members: number; ends: readonly Decimal[] },
): Promise<void> {
  await sql`
    insert into value_runs (program, run_id, as_of, members, grade_ends)
    values (${run.program}, ${run.runId}, ${run.at}, ${run.members},
      ${list(
        sql,
        run.ends.map((end) => end.toFixed()),
      )}::numeric[])`
  await sql`delete from value_runs where program = ${run.program} and run_id <> ${run.runId}`
}
