/** The jobs' reads and notes: members of whom something is due, and when each job last ran. */
import type { Executor, Sql } from '../db/connection.ts'
import type { JobName, Sweep } from './job.ts'

export interface DueMember {
  readonly memberId: string
  /** due_at as the database spells it: a Date would cut the microseconds and meet the same row again */
  readonly due: string
}

export interface DuePage {
  readonly program: string
  readonly at: Date
  readonly after: DueMember | null
  readonly limit: number
}

/**
 * The next members due for a sweep, soonest first. The index on (program, due_at) gives the candidates;
 * a member's `due_at` covers everything that can lapse, and the joins by member_id leave those out whose
 * due thing is another sweep's.
 */
export async function dueMembers(sql: Executor, sweep: Sweep, page: DuePage): Promise<DueMember[]> {
  const { program, at, after, limit } = page
  const narrowed = {
    'release-pending': sql`exists (
      select 1 from lots l
      where l.member_id = m.member_id and l.pending > 0 and (l.usable_from <= ${at} or l.cancels_at <= ${at}))`,
    expire: sql`(exists (
      select 1 from lots l
      where l.member_id = m.member_id and l.expires_at <= ${at} and (l.available > 0 or l.pending > 0))
      -- An activity moves the instant, but not what the member is due by: settling puts that right.
      or exists (select 1 from accounts a where a.member_id = m.member_id and a.lapses_at is not null))`,
    'release-holds': sql`exists (
      select 1 from redemptions r
      where r.member_id = m.member_id and r.status = 'held' and r.hold_until <= ${at})`,
    // Whatever is due and none of the other sweeps': a tier that ends, or one that begins with the period.
    assess: sql`(exists (
        select 1 from standings s
        where s.member_id = m.member_id and s.until <= ${at})
      or not exists (
        select 1 from lots l
        where l.member_id = m.member_id
          and ((l.pending > 0 and l.usable_from <= ${at})
            or (l.expires_at <= ${at} and (l.available > 0 or l.pending > 0))))
      and not exists (
        select 1 from redemptions r
        where r.member_id = m.member_id and r.status = 'held' and r.hold_until <= ${at}))`,
  }[sweep]
  const beyond = after
    ? sql`and (m.due_at, m.member_id) > (${after.due}::text::timestamptz, ${after.memberId}::uuid)`
    : sql``
  return sql<DueMember[]>`
    select m.member_id as "memberId", m.due_at::text as due
    from members m
    where m.program = ${program} and m.due_at <= ${at} ${beyond} and ${narrowed}
    order by m.due_at, m.member_id
    limit ${limit}`
}

export async function programIds(sql: Executor): Promise<string[]> {
  const rows = await sql<{ program: string }[]>`select program from programs order by program`
  return rows.map(({ program }) => program)
}

export async function noteStart(sql: Executor, job: JobName, at: Date): Promise<void> {
  await sql`
    insert into job_runs (job, started_at, finished_at, outcome) values (${job}, ${at}, null, null)
    on conflict (job) do update
      set started_at = excluded.started_at, finished_at = null, outcome = null`
}

export async function noteEnd(sql: Sql, job: JobName, end: { at: Date; outcome: object }): Promise<void> {
  await sql`
    update job_runs set finished_at = ${end.at}, outcome = ${sql.json(end.outcome as never)} where job = ${job}`
}

export interface JobRun {
  readonly job: string
  readonly startedAt: Date
  readonly finishedAt: Date | null
  readonly outcome: Record<string, unknown> | null
}

export async function lastRuns(sql: Executor): Promise<JobRun[]> {
  return sql<JobRun[]>`
    select job, started_at as "startedAt", finished_at as "finishedAt", outcome from job_runs order by job`
}

/** 'mpjb': the first half of the jobs' advisory locks; the second is the job's own. */
const LOCKS = 0x6d706a62

/**
 * Runs `work` if no other session is at this job; null if one is. The lock is of a database transaction that
 * does nothing else: it goes with its connection whatever happens, and between statements such a transaction
 * keeps no snapshot that vacuum would have to wait for. (A reserved connection would do as well, but the
 * driver loses its own reservation when it has to open a connection for it without reading types.)
 */
export async function whileAlone<T>(sql: Sql, job: JobName, work: () => Promise<T>): Promise<T | null> {
  const done = await sql.begin(async (tx) => {
    const [lock] = await tx<{ got: boolean }[]>`
      select pg_try_advisory_xact_lock(${LOCKS}, hashtext(${job})) as got`
    return lock?.got ? { result: await work() } : null
  })
  return done === null ? null : (done as { result: T }).result
}

export interface Celebrated {
  readonly memberId: string
  /** the day of birth or of enrolment */
  readonly since: string
}

/**
 * Members whose birthday (the attribute that holds it) or day of enrolment (no attribute) falls on a day. Those
 * of 29 February have theirs on the 28th of other years.
 */
export async function celebrating(
  sql: Executor,
  page: {
    program: string
    day: string
    attribute: string | null
    zone: string
    after: string | null
    limit: number
  },
): Promise<Celebrated[]> {
  const since =
    page.attribute === null
      ? sql`(m.enrolled_at at time zone ${page.zone})::date::text`
      : sql`m.attributes ->> ${page.attribute}`
  const monthDay = page.day.slice(5)
  const leap = new Date(`${page.day}T00:00:00Z`)
  const isLast = monthDay === '02-28' && new Date(Date.UTC(leap.getUTCFullYear(), 2, 0)).getUTCDate() === 28
  const beyond = page.after === null ? sql`` : sql`and m.member_id > ${page.after}::uuid`
  return sql<Celebrated[]>`
    select m.member_id as "memberId", ${since} as since
    from members m
    where m.program = ${page.program} and m.status = 'active' ${beyond}
      and substr(${since}, 6) = any(${isLast ? ['02-28', '02-29'] : [monthDay]}::text[])
    order by m.member_id
    limit ${page.limit}`
}
