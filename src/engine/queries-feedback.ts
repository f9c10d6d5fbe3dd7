/** Feedback in the database: what deciding reads of it, what it writes, and what others ask about it. */
import { type Executor, list } from '../db/connection.ts'
import type { Complaint, Feedback } from '../members/feedback.ts'
import { columns } from './columns.ts'
import type { Command } from './command.ts'
import type { Household } from './household.ts'
import type { Writes } from './state.ts'

/** The open complaints of these members, by member, oldest first. */
export async function openComplaintsOf(
  sql: Executor,
  memberIds: readonly string[],
): Promise<Map<string, Complaint[]>> {
  const found = new Map<string, Complaint[]>()
  if (memberIds.length === 0) return found
  const rows = await sql<Complaint[]>`
    select feedback_id as "feedbackId", member_id as "memberId", source, external_ref as "externalRef",
      transaction_id as "transactionId", occurred_at as "occurredAt"
    from feedback
    where member_id = any(${list(sql, memberIds)}::uuid[]) and open
    order by occurred_at, feedback_id`
  for (const row of rows) found.set(row.memberId, [...(found.get(row.memberId) ?? []), row])
  return found
}

/** Read under the members' locks, and only where the group resolves something: one more round trip. */
export async function readComplaints(
  sql: Executor,
  commands: readonly Command[],
  { members, household }: { members: ReadonlyMap<string, unknown>; household: Household },
): Promise<Map<string, Complaint[]> | undefined> {
  if (!commands.some(({ request }) => request.kind === 'resolve_complaint')) return undefined
  return openComplaintsOf(sql, [...new Set([...members.keys(), ...[...household.families.values()].flat()])])
}

export function persistFeedback(sql: Executor, { feedback }: Writes): Promise<unknown>[] {
  if (feedback.length === 0) return []
  const sent = [insert(sql, feedback)]
  const resolved = feedback.flatMap(({ feedback: by, complaint }) => (complaint ? [{ by, complaint }] : []))
  if (resolved.length > 0) {
    const [member, id, at] = columns(resolved, ({ by, complaint }) => [
      complaint.memberId,
      complaint.feedbackId,
      by.occurredAt,
    ])
    sent.push(sql`
      update feedback f set open = false, resolved_at = greatest(u.at, f.occurred_at)
      from unnest(${member!}::uuid[], ${id!}::uuid[], ${at!}::timestamptz[]) as u(member_id, feedback_id, at)
      where f.member_id = u.member_id and f.feedback_id = u.feedback_id`)
  }
  return sent
}

function insert(sql: Executor, rows: Writes['feedback']): Promise<unknown> {
  const [
    member,
    id,
    program,
    source,
    ref,
    kind,
    score,
    satisfaction,
    transaction,
    text,
    occurred,
    recorded,
    open,
    resolves,
  ] = columns(rows, ({ feedback: one, program: of, at }) => [
    one.memberId,
    one.feedbackId,
    of,
    one.source,
    one.externalRef,
    one.kind,
    one.score,
    one.satisfaction,
    one.transactionId,
    one.text,
    one.occurredAt,
    at,
    one.kind === 'complaint',
    one.resolves,
  ])
  return sql`
    insert into feedback (member_id, feedback_id, program, source, external_ref, kind, score, satisfaction,
      transaction_id, text, occurred_at, recorded_at, open, resolves)
    select u.member_id, u.feedback_id, u.program, u.source, u.external_ref, u.kind, u.score, u.satisfaction,
      u.transaction_id, u.text, u.occurred_at, u.recorded_at, u.open, u.resolves
    from unnest(${member!}::uuid[], ${id!}::uuid[], ${program!}::text[], ${source!}::text[], ${ref!}::text[],
      ${kind!}::text[], ${score!}::smallint[], ${satisfaction!}::double precision[], ${transaction!}::uuid[],
      ${text!}::text[], ${occurred!}::timestamptz[], ${recorded!}::timestamptz[], ${open!}::boolean[],
      ${resolves!}::uuid[])
      as u(member_id, feedback_id, program, source, external_ref, kind, score, satisfaction, transaction_id,
        text, occurred_at, recorded_at, open, resolves)`
}

/** A member's feedback with that of its duplicates, newest first, from before a place on. */
export async function feedbackOf(
  sql: Executor,
  memberIds: readonly string[],
  { before, limit }: { before: { at: string; id: string } | null; limit: number },
): Promise<Feedback[]> {
  return sql<Feedback[]>`
    select feedback_id as "feedbackId", member_id as "memberId", source, external_ref as "externalRef", kind,
      score, satisfaction, transaction_id as "transactionId", text, occurred_at as "occurredAt",
      resolved_at as "resolvedAt", resolves
    from feedback
    where member_id = any(${list(sql, memberIds)}::uuid[])
      and (${before === null} or (occurred_at, feedback_id)
        < (${before?.at ?? '1970-01-01T00:00:00Z'}::timestamptz, ${before?.id ?? ZERO}::uuid))
    order by occurred_at desc, feedback_id desc
    limit ${limit}`
}

const ZERO = '00000000-0000-0000-0000-000000000000'
