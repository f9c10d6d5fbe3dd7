/** Who is in the standing holdout and who is not, by the day on which chance said so. */
import type { Executor } from '../db/connection.ts'

export interface StandingDay {
  /** days since 1970 */
  readonly day: number
  /** the first assignment of the day */
  readonly at: Date
  readonly arm: 'holdout' | 'open'
  readonly members: number
}

export async function standingDays(
  sql: Executor,
  { program, at }: { program: string; at: Date },
): Promise<StandingDay[]> {
  return sql<StandingDay[]>`
    select (assigned_on - date '1970-01-01') as day, min(assigned_at) as at, arm, count(*)::int as members
    from experiment_arms
    where program = ${program} and experiment = 'holdout' and assigned_at <= ${at}
    group by assigned_on, arm order by assigned_on, arm`
}

/** Members of the open group whom any campaign treated. */
export async function treatedOfOpen(
  sql: Executor,
  { program, at }: { program: string; at: Date },
): Promise<number> {
  const [row] = await sql<{ members: number }[]>`
    select count(*)::int as members from experiment_arms a
    where a.program = ${program} and a.experiment = 'holdout' and a.arm = 'open' and a.assigned_at <= ${at}
      and exists (select 1 from treatments t where t.member_id = a.member_id and t.treated_at <= ${at})`
  return row!.members
}
