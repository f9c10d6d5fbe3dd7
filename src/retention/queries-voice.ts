/**
 * What the members of a program said up to a day, for a run of scores. What a duplicate said counts for whoever
 * answers for it; nothing that was said later is read.
 */
import type { Sql } from '../db/connection.ts'
import type { Said } from './voice.ts'

const PAGE = 5_000
const ZERO = '00000000-0000-0000-0000-000000000000'

interface SaidRow extends Said {
  readonly owner: string
  readonly memberId: string
  readonly feedbackId: string
}

/** By member, each one's in the order in which it was said. */
export async function readSaid(
  sql: Sql,
  { program, timeZone, until }: { program: string; timeZone: string; until: Date },
): Promise<Map<string, Said[]>> {
  const found = new Map<string, { readonly order: string; readonly said: Said }[]>()
  let after = { memberId: ZERO, feedbackId: ZERO }
  for (;;) {
    const rows: (SaidRow & { order: string })[] = await sql`
      with page as (
        select member_id, feedback_id, kind, satisfaction, occurred_at, resolved_at from feedback
        where program = ${program} and occurred_at < ${until}
          and (member_id, feedback_id) > (${after.memberId}::uuid, ${after.feedbackId}::uuid)
        order by member_id, feedback_id limit ${PAGE})
      select coalesce(third.merged_into, second.merged_into, m.merged_into, m.member_id) as owner,
        p.member_id as "memberId", p.feedback_id as "feedbackId", p.kind, p.satisfaction,
        ((p.occurred_at at time zone ${timeZone})::date - date '1970-01-01') as day,
        ((p.resolved_at at time zone ${timeZone})::date - date '1970-01-01') as "resolvedDay",
        to_char(p.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') || p.feedback_id as order
      from page p join members m on m.member_id = p.member_id
      left join members second on second.member_id = m.merged_into
      left join members third on third.member_id = second.merged_into
      order by p.member_id, p.feedback_id`
    for (const { owner, order, kind, satisfaction, day, resolvedDay } of rows) {
      const said: Said = { kind, satisfaction, day, resolvedDay }
      const known = found.get(owner)
      if (known) known.push({ order, said })
      else found.set(owner, [{ order, said }])
    }
    if (rows.length < PAGE) break
    after = rows.at(-1)!
  }
  const inOrder = new Map<string, Said[]>()
  for (const [owner, all] of found) {
    all.sort((a, b) => (a.order < b.order ? -1 : 1))
    inOrder.set(
      owner,
      all.map(({ said }) => said),
    )
  }
  return inOrder
}
