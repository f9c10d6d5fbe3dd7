/**
 * What `ledger verify` asks about members together: what one entry handed over another one received, and
 * what stands under a duplicate's id belongs to it. Over all members at once, since no slice holds both sides.
 */
import type { Executor } from '../db/connection.ts'
import { passages } from './entry.ts'
import type { FindingRow, Slice } from './queries.ts'

type Whole = Pick<Slice, 'program' | 'most'>

function ownOnly(sql: Executor, program: string | null) {
  return program === null ? sql`` : sql`and members.program = ${program}`
}

/** Points that left one member and did not arrive at another, or the other way round. */
export function unevenPassages(sql: Executor, { program, most }: Whole): Promise<FindingRow[]> {
  const names = [...passages]
  return sql<FindingRow[]>`
    with sums as (
      select members.program, currency, account, sum(moved) as points
      from postings
      join members on members.member_id = postings.member_id
      cross join lateral (values (to_account, points), (from_account, -points)) as side(account, moved)
      where (to_account = any (${names}) or from_account = any (${names}))
        and account = any (${names}) ${ownOnly(sql, program)}
      group by members.program, currency, account
    )
    select 'passage_uneven' as kind, null::uuid as "memberId", count(*) over () as total,
      format('%s: %s %s left over in %s', program, points, currency, account) as detail
    from sums
    where points <> 0
    order by program, currency, account
    limit ${most}`
}

/** Entries about a transaction or a redemption of a merged duplicate that the duplicate does not have. */
export function strayEntries(sql: Executor, { program, most }: Whole): Promise<FindingRow[]> {
  return sql<FindingRow[]>`
    select 'entry_without_owner' as kind, entries.member_id as "memberId", count(*) over () as total,
      format('%s entry %s about %s', entries.kind, entries.entry_id, entries.detail ->> 'owner') as detail
    from entries
    join members on members.member_id = entries.member_id ${ownOnly(sql, program)}
    where entries.detail ? 'owner' and (
      not exists (
        select from merges
        where merges.duplicate_id = (entries.detail ->> 'owner')::uuid)
      or entries.transaction_id is not null and not exists (
        select from transactions
        where transactions.member_id = (entries.detail ->> 'owner')::uuid
          and transactions.transaction_id = entries.transaction_id)
      or entries.redemption_id is not null and not exists (
        select from redemptions
        where redemptions.member_id = (entries.detail ->> 'owner')::uuid
          and redemptions.redemption_id = entries.redemption_id))
    order by entries.member_id, entries.entry_id
    limit ${most}`
}

/** Duplicates that lead to nobody, lack their record, or still hold points. */
export function strayRedirects(sql: Executor, { program, most }: Whole): Promise<FindingRow[]> {
  return sql<FindingRow[]>`
    select 'merge_differs' as kind, members.member_id as "memberId", count(*) over () as total,
      format('merged into %s', members.merged_into) as detail
    from members
    where members.status = 'merged' ${ownOnly(sql, program)} and (
      not exists (
        select from members survivor
        where survivor.member_id = members.merged_into and survivor.program = members.program)
      or not exists (
        select from merges
        where merges.member_id = members.merged_into and merges.duplicate_id = members.member_id
          and merges.unmerged_at is null)
      or exists (
        select from accounts
        where accounts.member_id = members.member_id
          and (available, pending, held, negative, lifetime) <> (0, 0, 0, 0, 0)))
    order by members.member_id
    limit ${most}`
}
