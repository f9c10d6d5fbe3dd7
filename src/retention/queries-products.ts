/** Products bought, read member by member in bounded pages, and what was found near, kept by run. */
import type { Executor, Sql } from '../db/connection.ts'
import { list } from '../db/connection.ts'
import type { Near } from './affinity.ts'
import type { BasketRow } from './baskets.ts'
import { goneOf, goodsOf, wentBack } from './queries-value.ts'

const PAGE = 5_000

export async function countBuyers(sql: Executor, program: string): Promise<number> {
  const [row] = await sql<{ members: number }[]>`
    select count(*)::integer as members from members where program = ${program} and status <> 'erased'`
  return row?.members ?? 0
}

export interface BasketsWanted {
  readonly program: string
  readonly timeZone: string
  readonly since: Date
  readonly at: Date
  /** one in so many members, drawn by their ids */
  readonly oneIn: number
}

/** Each line with a product as a row, and another one where all of it went back; duplicates as their survivors. */
export function readBaskets(sql: Sql, wanted: BasketsWanted): AsyncIterable<BasketRow[]> {
  const { program, timeZone, since, at, oneIn } = wanted
  return sql<BasketRow[]>`
    select b.member_id as "memberId", b.product, b.day, r.returned
    from (
      select coalesce(m.merged_into, t.member_id) as member_id, line.sku as product,
        ((t.occurred_at at time zone ${timeZone})::date - date '1970-01-01') as day, ${wentBack(sql)} as went_back
      from members m
      join transactions t on t.member_id = m.member_id
      ${goneOf(sql, at)}
      cross join lateral ${goodsOf(sql)}
      where m.program = ${program} and m.status <> 'erased'
        and (${oneIn} = 1 or abs(hashtextextended(m.member_id::text, 0)) % ${oneIn} = 0)
        and t.occurred_at > ${since} and t.occurred_at <= ${at} and line.sku is not null
    ) b
    cross join lateral (select unnest(case when b.went_back then array[false, true] else array[false] end) as returned) r
    `.cursor(PAGE)
}

export async function noteProductRun(
  sql: Executor,
  run: {
    program: string
    runId: string
    asOf: Date
    products: number
    members: number
    popular: readonly (readonly [string, number])[]
  },
): Promise<void> {
  await sql`
    insert into product_runs (program, run_id, as_of, products, members, popular)
    values (${run.program}, ${run.runId}, ${run.asOf}, ${run.products}, ${run.members},
      ${JSON.stringify(run.popular)}::text::json)`
}

export async function writeNeighbours(
  sql: Executor,
  of: { program: string; runId: string },
  rows: readonly { product: string; near: Near }[],
): Promise<void> {
  await sql`
    insert into product_neighbours (program, product, run_id, neighbours)
    select ${of.program}, u.product, ${of.runId}, u.neighbours::json
    from unnest(${list(
      sql,
      rows.map(({ product }) => product),
    )}::text[], ${list(
      sql,
      rows.map(({ near }) =>
        JSON.stringify(near.map(([name, nearness]) => [name, Number(nearness.toFixed(6))])),
      ),
    )}::text[])
      as u(product, neighbours)`
}

/** The run counts from now on, and those before it are gone. */
export async function finishProductRun(
  sql: Sql,
  of: { program: string; runId: string; at: Date },
): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`
      update product_runs set finished_at = ${of.at} where program = ${of.program} and run_id = ${of.runId}`
    await tx`delete from product_runs where program = ${of.program} and run_id <> ${of.runId}`
    await tx`delete from product_neighbours where program = ${of.program} and run_id <> ${of.runId}`
  })
}
