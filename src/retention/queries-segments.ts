/** Segments in the database: where shares of the best end, sizes, who is in one, and who is in two. */
import { type Executor, list } from '../db/connection.ts'
import type { Ranking } from '../program/campaign.ts'
import type { Cut } from './segment.ts'

/** The last member of the best share; null where nobody is known by it. Ties go to the lower id. */
export async function cutOf(
  sql: Executor,
  of: { program: string; by: Ranking; share: number },
): Promise<Cut | null> {
  const amount = {
    value: sql`s.lifetime_value::double precision`,
    'expected value': sql`s.expected_value::double precision`,
    'at stake': sql`s.at_stake::double precision`,
    spend: sql`t.cents / 100.0::double precision`,
    purchases: sql`t.purchase_days::double precision`,
  }[of.by]
  const [row] = await sql<Cut[]>`
    with ranked as (
      select m.member_id, ${amount} as amount from members m
      join retention_states t on t.member_id = m.member_id and t.purchase_days > 0
      left join retention_scores s on s.member_id = m.member_id
      where m.program = ${of.program} and m.status = 'active' and ${amount} is not null)
    select amount, member_id as "memberId" from ranked
    order by amount desc, member_id
    offset greatest(0, (select floor(count(*) * ${of.share}::double precision)::int from ranked) - 1)
    limit (select case when floor(count(*) * ${of.share}::double precision) >= 1 then 1 else 0 end from ranked)`
  return row ?? null
}

export interface SegmentSize {
  readonly segment: string
  readonly members: number
}

/** Of active members, by name; empty segments are not among them. */
export async function segmentSizes(sql: Executor, program: string): Promise<SegmentSize[]> {
  return sql<SegmentSize[]>`
    select k.name as segment, count(*)::int as members
    from member_marks k join members m on m.member_id = k.member_id
    where k.kind = 'segment' and k.until is null and m.program = ${program} and m.status = 'active'
    group by k.name order by k.name`
}

export interface Overlap {
  readonly a: string
  readonly b: string
  readonly members: number
}

/** Members in both of two segments, each pair once, a before b; pairs without any are left out. */
export async function segmentOverlap(sql: Executor, program: string): Promise<Overlap[]> {
  return sql<Overlap[]>`
    select x.name as a, y.name as b, count(*)::int as members
    from member_marks x
    join member_marks y on y.member_id = x.member_id and y.kind = 'segment' and y.until is null and y.name > x.name
    join members m on m.member_id = x.member_id
    where x.kind = 'segment' and x.until is null and m.program = ${program} and m.status = 'active'
    group by x.name, y.name order by x.name, y.name`
}

export interface InSegment {
  readonly memberId: string
  readonly since: Date
}

export async function segmentMembers(
  sql: Executor,
  page: { program: string; segment: string; after: string | null; limit: number },
): Promise<InSegment[]> {
  const beyond = page.after === null ? sql`` : sql`and k.member_id > ${page.after}::uuid`
  return sql<InSegment[]>`
    select k.member_id as "memberId", k.since
    from member_marks k join members m on m.member_id = k.member_id
    where k.kind = 'segment' and k.name = ${page.segment} and k.until is null ${beyond}
      and m.program = ${page.program} and m.status = 'active'
    order by k.member_id limit ${page.limit}`
}

/** When the job last went over a program's segments. */
export async function segmentsDecided(sql: Executor): Promise<Date | null> {
  const [row] = await sql<{ at: Date | null }[]>`
    select finished_at as at from job_runs where job = 'segments'`
  return row?.at ?? null
}

/** Ids of members in at least one of these segments, in order. */
export async function anyInSegments(
  sql: Executor,
  page: { program: string; segments: readonly string[]; after: string | null; limit: number },
): Promise<string[]> {
  const beyond = page.after === null ? sql`` : sql`and k.member_id > ${page.after}::uuid`
  const rows = await sql<{ memberId: string }[]>`
    select distinct k.member_id as "memberId"
    from member_marks k join members m on m.member_id = k.member_id
    where k.kind = 'segment' and k.name = any(${list(sql, page.segments)}::text[]) and k.until is null ${beyond}
      and m.program = ${page.program} and m.status = 'active'
    order by k.member_id limit ${page.limit}`
  return rows.map((row) => row.memberId)
}
