/** Which members' rows have to be made anew, and by what the rows of a program were made. */
import type { Executor, Sql } from '../db/connection.ts'
import type { Basis } from './deed.ts'

export interface Making {
  readonly basis: Basis
  /** since when every member has a row, be it one that is marked; null: not yet */
  readonly markedAt: Date | null
}

export async function makingOf(sql: Executor, program: string): Promise<Making | null> {
  const [row] = await sql<Making[]>`
    select basis, marked_at as "markedAt" from retention_programs where program = ${program}`
  return row ?? null
}

export async function noteMaking(sql: Sql, program: string, { basis, markedAt }: Making): Promise<void> {
  await sql`
    insert into retention_programs (program, basis, marked_at)
    values (${program}, ${sql.json(basis as never)}, ${markedAt})
    on conflict (program) do update set basis = excluded.basis, marked_at = excluded.marked_at`
}

/** Marks the next members after one, each with a row from then on; hands back the last, null at the end. */
export async function markPage(
  sql: Executor,
  { program, after, limit }: { program: string; after: string | null; limit: number },
): Promise<string | null> {
  const beyond = after === null ? sql`` : sql`and m.member_id > ${after}::uuid`
  const page = await sql<{ id: string }[]>`
    select m.member_id as id from members m
    where m.program = ${program} and m.status = 'active' ${beyond}
    order by m.member_id limit ${limit}`
  const ids = page.map(({ id }) => id)
  if (ids.length > 0) {
    await sql`
      insert into retention_states (member_id, program, purchase_days, gap_squares, gap_logs, longest_gap, cents,
        first_cents, faded_days_6, faded_days_13, faded_days_26, faded_days_52, faded_cents_6, faded_cents_13,
        faded_cents_26, faded_cents_52, history, channels, categories, points_earned, points_redeemed, rebuild)
      select u.member_id, ${program}, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '', '{}', '{}', 0, 0, true
      from unnest(${ids}::uuid[]) as u(member_id)
      on conflict (member_id) do update set rebuild = true`
  }
  return ids.length === limit ? ids.at(-1)! : null
}

export async function markedAfter(
  sql: Executor,
  { program, after, limit }: { program: string; after: string | null; limit: number },
): Promise<string[]> {
  const beyond = after === null ? sql`` : sql`and member_id > ${after}::uuid`
  const rows = await sql<{ id: string }[]>`
    select member_id as id from retention_states
    where program = ${program} and rebuild ${beyond}
    order by member_id limit ${limit}`
  return rows.map(({ id }) => id)
}

export async function countMarked(sql: Executor, program: string): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count from retention_states where program = ${program} and rebuild`
  return row?.count ?? 0
}

/** Rows of a program that keeps none any more, some at a time; how many went. */
export async function dropRows(sql: Executor, program: string, limit: number): Promise<number> {
  const rows = await sql<{ id: string }[]>`
    select member_id as id from retention_states where program = ${program} limit ${limit}`
  const ids = rows.map(({ id }) => id)
  if (ids.length === 0) {
    await sql`delete from retention_scores where program = ${program}`
    await sql`delete from retention_programs where program = ${program}`
    return 0
  }
  await sql`delete from retention_states where member_id = any(${ids}::uuid[])`
  return ids.length
}

export async function keptPrograms(sql: Executor): Promise<string[]> {
  const rows = await sql<{ program: string }[]>`select program from retention_programs order by program`
  return rows.map(({ program }) => program)
}
