/**
 * What `ledger verify` asks about what falls due: that everything that will is known to the sweeps, that lots
 * say what their ids spell out, and that clocks of inactivity stand at the last day with activity.
 */
import type { Executor } from '../db/connection.ts'
import { between, type FindingRow, type Slice, within } from './queries.ts'

/** Due too late, clocks and dates that differ, and points that await what was decided already. */
export function badDueDates(sql: Executor, slice: Slice): Promise<FindingRow[]> {
  return sql<FindingRow[]>`
    with open_lots as (
      select member_id, lot_id, currency, expires_at, usable_from, cancels_at, available, pending,
        split_part(split_part(lot_id, '/', 2), '~', 1) as expires, split_part(lot_id, '/', 3) as usable
      from lots
      where ${within(sql, 'lots.member_id', slice)} and (available > 0 or pending > 0)
    ), idle as (
      select member_id, currency from open_lots where expires = 'idle' group by member_id, currency
    ), clocks as (
      select member_id, currency, active_on, lapses_at
      from accounts
      where ${within(sql, 'accounts.member_id', slice)}
    ), activity as (
      select member_id, substr(counter, 8) as currency, max(day) as last_day
      from counters
      where ${within(sql, 'counters.member_id', slice)} and counter like 'active:%'
      group by member_id, counter
    ), dues as (
      select member_id, least(expires_at, case when pending > 0 then least(usable_from, cancels_at) end) as due
      from open_lots
      union all
      select member_id, lapses_at from clocks join idle using (member_id, currency)
      union all
      select member_id, hold_until from redemptions
      where status = 'held' and ${within(sql, 'redemptions.member_id', slice)}
      union all
      select member_id, until from standings where ${within(sql, 'standings.member_id', slice)}
    ), findings as (
      select 'due_too_late' as kind, member_id,
        format('due at %s, but something falls due at %s', coalesce(due_at::text, 'no time'), first_due) as detail
      from (select member_id, min(due) as first_due from dues where due is not null group by member_id) as firsts
      join members using (member_id)
      where ${between(sql, 'members.member_id', slice)} and first_due < coalesce(due_at, 'infinity')
        -- what a merged duplicate had falls due at the member who answers for it
        and merged_into is null
      union all
      select 'lot_misdated', member_id, format('lot %s: lapses %s, usable from %s, cancelled %s', lot_id,
        coalesce(expires_at::text, 'never'), coalesce(usable_from::text, 'at once'), coalesce(cancels_at::text, 'never'))
      from open_lots
      where ${spelt(sql, 'expires_at')} is distinct from nullif(nullif(expires, 'never'), 'idle')
        or ${spelt(sql, 'usable_from')} is distinct from
          (case when usable not like 'confirm~%' then nullif(usable, 'at-once') end)
        or ${spelt(sql, 'cancels_at')} is distinct from
          (case when usable like 'confirm~%' then split_part(usable, '~', 2) end)
      union all
      select 'clock_missing', member_id, format('%s: points lapse by inactivity, but no activity is known', currency)
      from idle
      left join clocks using (member_id, currency)
      where active_on is null
      union all
      select 'clock_differs', member_id, format('%s: last active on %s; the days with activity say %s', currency,
        coalesce(active_on::text, 'no day'), coalesce(last_day::text, 'none'))
      from (select member_id, currency, active_on from clocks where active_on is not null) as running
      full join activity using (member_id, currency)
      where active_on is distinct from last_day
        and not exists (select from members where merged_into is not null and members.member_id = coalesce(
          running.member_id, activity.member_id))
      union all
      select 'decided_yet_pending', open_lots.member_id, format('lot %s: %s points await what was %s', lot_id, pending,
        outcome)
      from open_lots
      join confirmations on confirmations.member_id = open_lots.member_id
        and usable like 'confirm~%' and confirmations.transaction_id::text = split_part(usable, '~', 4)
        and ${between(sql, 'confirmations.member_id', slice)}
      where pending > 0
    )
    select kind, member_id as "memberId", count(*) over () as total, detail
    from findings
    order by member_id, kind, detail
    limit ${slice.most}`
}

/** An instant as ids of lots spell it. Compared as text, since an id that somebody broke may say anything. */
function spelt(sql: Executor, column: string) {
  return sql`to_char(${sql(column)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
}
