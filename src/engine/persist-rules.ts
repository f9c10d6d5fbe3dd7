/** Writes what rules look at beside balances and tiers: members' marks, and what was taken of budgets. */
import type { Executor } from '../db/connection.ts'
import { columns } from './columns.ts'
import type { GroupState, Writes } from './state.ts'

export function persistRules(sql: Executor, group: GroupState, writes: Writes): Promise<unknown>[] {
  return [...writeMarks(sql, writes), ...writeBudgets(sql, group)]
}

/** The last one of a key counts: a group may enter a member into a segment and take them out again. */
function writeMarks(sql: Executor, { marks }: Writes): Promise<unknown>[] {
  if (marks.length === 0) return []
  const keyOf = ({ memberId, mark }: Writes['marks'][number]) =>
    `${memberId} ${mark.kind} ${mark.name} ${mark.since.getTime()}`
  const last = [...new Map(marks.map((row) => [keyOf(row), row])).values()]
  const [member, kind, name, since, until, at] = columns(last, ({ memberId, mark, at: recorded }) => [
    memberId,
    mark.kind,
    mark.name,
    mark.since,
    mark.until,
    recorded,
  ])
  return [
    sql`
      insert into member_marks (member_id, kind, name, since, until, recorded_at)
      select u.member_id, u.kind, u.name, u.since, u.until, u.recorded_at
      from unnest(${member!}::uuid[], ${kind!}::text[], ${name!}::text[], ${since!}::timestamptz[],
        ${until!}::timestamptz[], ${at!}::timestamptz[]) as u(member_id, kind, name, since, until, recorded_at)
      on conflict (member_id, kind, name, since) do update set until = excluded.until`,
  ]
}

function writeBudgets(sql: Executor, { budgets }: GroupState): Promise<unknown>[] {
  const rows = budgets?.rows() ?? []
  if (rows.length === 0) return []
  const [program, budget, period, shard, used] = columns(rows, (row) => [
    row.program,
    row.budget,
    row.period,
    row.shard,
    row.used,
  ])
  return [
    sql`
      insert into budgets (program, budget, period, shard, used)
      select u.program, u.budget, u.period, u.shard, u.used
      from unnest(${program!}::text[], ${budget!}::text[], ${period!}::date[], ${shard!}::smallint[],
        ${used!}::bigint[]) as u(program, budget, period, shard, used)
      order by u.program, u.budget, u.period, u.shard
      on conflict (program, budget, period, shard) do update set used = budgets.used + excluded.used`,
  ]
}
