/**
 * What a member had at an instant of business time, added up from the postings of all that happened by then,
 * whenever it was recorded: late facts are where they belong.
 */
import { type Executor, list } from '../db/connection.ts'
import { lifetimeKinds } from '../ledger/entry.ts'
import { balanceOf } from '../ledger/queries.ts'
import { type HoldingsRow, lapsedHolds, type Whose } from './queries.ts'

export async function findHoldingsAt(
  sql: Executor,
  whose: Whose & { duplicates: readonly string[] },
  at: Date,
): Promise<HoldingsRow | null> {
  const ids = list(sql, [whose.memberId, ...whose.duplicates])
  const [row] = await sql<HoldingsRow[]>`
    with moved as (
      select p.currency, p.lot_id,
        ${balanceOf(sql, 'available')} as available,
        ${balanceOf(sql, 'pending')} as pending,
        ${balanceOf(sql, 'held')} as held,
        -- a debt is kept as a positive number
        -${balanceOf(sql, 'negative')} as negative,
        coalesce(sum(case when p.from_account = 'issued' then p.points when p.to_account = 'issued' then -p.points end)
          filter (where e.kind = any(${list(sql, [...lifetimeKinds])}::text[])), 0) as lifetime
      from entries e
      join postings p on p.member_id = e.member_id and p.entry_id = e.entry_id
      where e.member_id = any(${ids}::uuid[]) and e.occurred_at <= ${at}
      group by p.currency, p.lot_id
    ), accounts as (
      select currency, sum(available) as available, sum(pending) as pending, sum(held) as held,
        sum(negative) as negative, sum(lifetime) as lifetime
      from moved group by currency
    ), changes as (
      select ladder, to_tier, from_tier, effective_at, until, state,
        max(effective_at) filter (where to_tier <> from_tier) over (partition by ladder) as since,
        row_number() over (partition by ladder order by effective_at desc, change_id desc) as place
      from tier_changes
      where member_id = ${whose.memberId} and superseded_at is null and effective_at <= ${at}
    )
    select null as "mergedInto", m.enrolled_at as "enrolledAt", m.attributes,
      (select coalesce(json_agg(json_build_object('currency', a.currency, 'available', a.available::text,
          'pending', a.pending::text, 'held', a.held::text, 'negative', a.negative::text,
          'lifetime', a.lifetime::text) order by a.currency), '[]') from accounts a) as accounts,
      (select coalesce(json_agg(json_build_object('lotId', l.lot_id, 'available', l.available::text,
          'pending', l.pending::text, 'held', l.held::text) order by l.lot_id), '[]')
       from moved l
       where l.lot_id is not null and (l.available <> 0 or l.pending <> 0 or l.held <> 0)) as lots,
      (select coalesce(json_agg(json_build_object('ladder', c.ladder, 'tier', c.to_tier,
          'since', coalesce(c.since, m.enrolled_at), 'until', c.until, 'state', c.state)), '[]')
       from changes c where c.place = 1) as standings,
      ${lapsedHolds(sql, at)}
    from members m
    where m.member_id = ${whose.memberId} and m.program = ${whose.program}`
  return row ?? null
}
