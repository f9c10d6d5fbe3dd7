/**
 * What `ledger verify` asks the database. Each query returns only what is wrong, with the count of all of
 * it, and looks at one slice of members, so that neither side holds more than a slice at a time.
 */

import { type IdKind, prefixes } from '../base/ids.ts'
import type { Executor } from '../db/connection.ts'
import { entryKinds, lifetimeKinds, memberAccounts, programAccounts } from './entry.ts'

/** Members from `from` up to but not including `to`; a program's only, where one is named. */
export interface Slice {
  readonly from: string
  /** null: no end */
  readonly to: string | null
  readonly program: string | null
  /** findings wanted at most; how many there are is told all the same */
  readonly most: number
}

export interface FindingRow {
  readonly kind: string
  readonly memberId: string | null
  readonly detail: string
  /** how many this query found in all */
  readonly total: bigint
}

export interface Counts {
  readonly members: bigint
  readonly entries: bigint
  readonly postings: bigint
  readonly lots: bigint
}

/** For this database transaction: sorting a slice's sums on disk would cost more than all else together. */
export async function sumInMemory(sql: Executor): Promise<void> {
  await sql`set local work_mem = '64MB'`
}

/** Slices are ranges of ids with about `size` members each; together they cover every possible id. */
export async function sliceBounds(sql: Executor, size: number): Promise<string[]> {
  const rows = await sql<{ memberId: string }[]>`
    select member_id as "memberId"
    from (select member_id, row_number() over (order by member_id) as place from members) as numbered
    where place % ${size} = 0
    order by member_id`
  return rows.map(({ memberId }) => memberId)
}

export async function countMembers(sql: Executor): Promise<number> {
  const [row] = await sql<{ count: bigint }[]>`select count(*) as count from members`
  return Number(row!.count)
}

export async function countRows(sql: Executor, slice: Slice): Promise<Counts> {
  const [row] = await sql<[Counts]>`
    select
      (select count(*) from members where ${within(sql, 'members.member_id', slice)}) as members,
      (select count(*) from entries where ${within(sql, 'entries.member_id', slice)}) as entries,
      (select count(*) from postings where ${within(sql, 'postings.member_id', slice)}) as postings,
      (select count(*) from lots where ${within(sql, 'lots.member_id', slice)}) as lots`
  return row
}

/**
 * Said of each table of a join: PostgreSQL carries an equality over to the other side, but no range, and
 * would read the whole of that table for each slice.
 */
export function between(sql: Executor, column: string, slice: Slice) {
  const end = slice.to === null ? sql`` : sql`and ${sql(column)} < ${slice.to}`
  return sql`(${sql(column)} >= ${slice.from} ${end})`
}

export function within(sql: Executor, column: string, slice: Slice) {
  const own =
    slice.program === null
      ? sql``
      : sql`and ${sql(column)} in (select member_id from members where program = ${slice.program})`
  return sql`(${between(sql, column, slice)} ${own})`
}

/** An id as it goes out, `ent_0198…`. */
function shown(sql: Executor, kind: IdKind, column: string) {
  return sql`${`${prefixes[kind]}_`}::text || replace(${sql(column)}::text, '-', '')`
}

// Postings are left out: one whose entry is not there is found as such.
const placesOfMembers = ['entries', 'lots', 'accounts', 'transactions', 'redemptions', 'standings'] as const

/** Rows about members that are not there: one finding per such member. */
export function strangers(sql: Executor, slice: Slice): Promise<FindingRow[]> {
  const rows = placesOfMembers.map(
    (place, index) => sql`
      ${index === 0 ? sql`` : sql`union all`}
      select ${place}::text as place, member_id from ${sql(place)} as row
      where ${within(sql, 'row.member_id', slice)}
        and not exists (
          select from members
          where members.member_id = row.member_id and ${between(sql, 'members.member_id', slice)})`,
  )
  return sql<FindingRow[]>`
    select
      'member_missing' as kind, member_id as "memberId", count(*) over () as total,
      'no such member, but rows in ' || string_agg(distinct place, ', ' order by place) as detail
    from (${rows}) as strangers
    group by member_id
    order by member_id
    limit ${slice.most}`
}

/** Postings that no entry could have: not positive, between unknown accounts, beside their lot, without entry. */
export function badPostings(sql: Executor, slice: Slice): Promise<FindingRow[]> {
  const accounts = [...memberAccounts, ...programAccounts]
  const withLots = ['available', 'pending', 'held']
  return sql<FindingRow[]>`
    with judged as (
      select
        postings.member_id, postings.entry_id, leg,
        case
          when entries.entry_id is null then 'posting_without_entry'
          when points <= 0 or from_account = to_account
            or from_account <> all (${accounts}) or to_account <> all (${accounts}) then 'bad_posting'
          when lot_id is null and (from_account = any (${withLots}) or to_account = any (${withLots}))
            then 'posting_without_lot'
        end as kind,
        format('%s %s from %s to %s', points, currency, from_account, to_account) as moved
      from postings
      left join entries on entries.member_id = postings.member_id and entries.entry_id = postings.entry_id
        and ${between(sql, 'entries.member_id', slice)}
      where ${within(sql, 'postings.member_id', slice)}
    )
    select kind, member_id as "memberId", count(*) over () as total,
      format('entry %s, leg %s: %s', ${shown(sql, 'entry', 'entry_id')}, leg, moved) as detail
    from judged
    where kind is not null
    order by member_id, entry_id, leg
    limit ${slice.most}`
}

/**
 * Entries whose legs are not 1, 2, 3 …, that lack the postings they must have, or that tell of something
 * that is not there. A sale may earn nothing and a return may take nothing back; every other entry moves
 * points. What a sale posts is what its transaction was awarded.
 */
export function badEntries(sql: Executor, slice: Slice): Promise<FindingRow[]> {
  return sql<FindingRow[]>`
    with legs as (
      select member_id, entry_id, count(*) as legs, min(leg) as first_leg, max(leg) as last_leg,
        coalesce(sum(points) filter (where from_account = 'issued'), 0) as issued,
        coalesce(sum(points) filter (where from_account = 'carried'), 0)
          - coalesce(sum(points) filter (where to_account = 'carried'), 0) as carried
      from postings
      where ${within(sql, 'postings.member_id', slice)}
      group by member_id, entry_id
    ), judged as (
      select
        entries.member_id, entries.entry_id, entries.kind as entry_kind,
        case
          when entries.kind <> all (${[...entryKinds]}) then 'unknown_entry_kind'
          when legs.legs is null and entries.kind not in ('earn', 'return', 'merge_out', 'merge_in', 'unmerge_out',
            'unmerge_in') then 'entry_without_postings'
          when legs.first_leg <> 1 or legs.last_leg <> legs.legs then 'legs_missing'
          when legs.carried <> 0 then 'carried_not_empty'
          -- what belongs to a merged duplicate stands under its own id: strayEntries looks there
          when entries.detail ? 'owner' then null
          when entries.kind in ('earn', 'return', 'revalue', 'confirm', 'cancel')
            and transactions.transaction_id is null
            then 'entry_without_transaction'
          when entries.redemption_id is not null and redemptions.redemption_id is null
            then 'entry_without_redemption'
          when entries.kind = 'earn' and coalesce(legs.issued, 0) <> awarded then 'award_differs'
        end as kind,
        case when entries.kind = 'earn' then format(': issued %s, awarded %s', coalesce(legs.issued, 0), awarded) end as sums
      from entries
      left join legs on legs.member_id = entries.member_id and legs.entry_id = entries.entry_id
      left join transactions on transactions.member_id = entries.member_id
        and transactions.transaction_id = entries.transaction_id
        and ${between(sql, 'transactions.member_id', slice)}
      left join redemptions on redemptions.member_id = entries.member_id
        and redemptions.redemption_id = entries.redemption_id
        and ${between(sql, 'redemptions.member_id', slice)}
      cross join lateral (
        select coalesce(sum((award ->> 'points')::bigint), 0) as awarded
        from json_array_elements(transactions.valuation -> 'awards') as award
      ) as valuation
      where ${within(sql, 'entries.member_id', slice)}
    )
    select kind, member_id as "memberId", count(*) over () as total,
      format('%s entry %s%s', entry_kind, ${shown(sql, 'entry', 'entry_id')}, sums) as detail
    from judged
    where kind is not null
    order by member_id, entry_id
    limit ${slice.most}`
}

/**
 * Accounts and lots against the postings, in one pass over them. An account has to equal its lots as well;
 * where the lots themselves are wrong, that alone is told.
 */
export function badBalances(sql: Executor, slice: Slice): Promise<FindingRow[]> {
  return sql<FindingRow[]>`
    with moved as materialized (
      select
        postings.member_id, currency, lot_id,
        ${balanceOf(sql, 'available')} as available,
        ${balanceOf(sql, 'pending')} as pending,
        ${balanceOf(sql, 'held')} as held,
        ${balanceOf(sql, 'expired')} as expired,
        -- a debt is kept as a positive number: it grows when points leave it
        -${balanceOf(sql, 'negative')} as negative,
        coalesce(sum(case when from_account = 'issued' then points when to_account = 'issued' then -points end)
          filter (where entries.kind = any (${[...lifetimeKinds]})), 0) as lifetime
      from postings
      join entries on entries.member_id = postings.member_id and entries.entry_id = postings.entry_id
        and ${between(sql, 'entries.member_id', slice)}
      where ${within(sql, 'postings.member_id', slice)}
      group by postings.member_id, currency, lot_id
    ), own_lots as (
      select member_id, lot_id, currency, available, pending, held, expired
      from lots
      where ${within(sql, 'lots.member_id', slice)}
    ), compared_lots as (
      select
        coalesce(own_lots.member_id, moved.member_id) as member_id,
        coalesce(own_lots.currency, moved.currency) as currency,
        coalesce(own_lots.lot_id, moved.lot_id) as lot_id,
        coalesce(own_lots.available, 0) as available, coalesce(moved.available, 0) as moved_available,
        coalesce(own_lots.pending, 0) as pending, coalesce(moved.pending, 0) as moved_pending,
        coalesce(own_lots.held, 0) as held, coalesce(moved.held, 0) as moved_held,
        coalesce(own_lots.expired, 0) as expired, coalesce(moved.expired, 0) as moved_expired
      from own_lots
      full join (select * from moved where lot_id is not null) as moved
        on moved.member_id = own_lots.member_id and moved.lot_id = own_lots.lot_id
          and moved.currency = own_lots.currency
    ), totals as (
      select member_id, currency, sum(available) as available, sum(pending) as pending, sum(held) as held,
        sum(negative) as negative, sum(lifetime) as lifetime
      from moved
      group by member_id, currency
    ), carried as (
      select entries.member_id, went.currency, sum(went.points::bigint) as lifetime
      from entries
      cross join lateral jsonb_each_text(entries.detail -> 'lifetime') as went(currency, points)
      where entries.kind in ('merge_out', 'merge_in', 'unmerge_out', 'unmerge_in')
        and ${within(sql, 'entries.member_id', slice)}
      group by entries.member_id, went.currency
    ), lot_totals as (
      select member_id, currency, sum(available) as available, sum(pending) as pending, sum(held) as held,
        bool_and(available = moved_available and pending = moved_pending and held = moved_held) as sound
      from compared_lots
      group by member_id, currency
    ), own_accounts as (
      select member_id, currency, available, pending, held, negative, lifetime
      from accounts
      where ${within(sql, 'accounts.member_id', slice)}
    ), compared_accounts as (
      select
        member_id, currency,
        coalesce(own_accounts.available, 0) as available, coalesce(totals.available, 0) as moved_available,
        coalesce(own_accounts.pending, 0) as pending, coalesce(totals.pending, 0) as moved_pending,
        coalesce(own_accounts.held, 0) as held, coalesce(totals.held, 0) as moved_held,
        coalesce(own_accounts.negative, 0) as negative, coalesce(totals.negative, 0) as moved_negative,
        coalesce(own_accounts.lifetime, 0) as lifetime,
        coalesce(totals.lifetime, 0) + coalesce(carried.lifetime, 0) as moved_lifetime,
        coalesce(lot_totals.available, 0) as lots_available, coalesce(lot_totals.pending, 0) as lots_pending,
        coalesce(lot_totals.held, 0) as lots_held, coalesce(lot_totals.sound, true) as lots_sound
      from own_accounts
      full join totals using (member_id, currency)
      full join lot_totals using (member_id, currency)
      full join carried using (member_id, currency)
    ), findings as (
      select 'lot_below_zero' as kind, member_id, format('lot %s: available %s, pending %s, held %s, expired %s',
        lot_id, available, pending, held, expired) as detail
      from compared_lots
      where least(available, pending, held, expired) < 0
      union all
      select 'lot_differs', member_id, format(
        'lot %s: available %s, pending %s, held %s, expired %s; '
        'its postings say available %s, pending %s, held %s, expired %s',
        lot_id, available, pending, held, expired, moved_available, moved_pending, moved_held, moved_expired)
      from compared_lots
      where (available, pending, held, expired) <> (moved_available, moved_pending, moved_held, moved_expired)
      union all
      select 'account_differs', member_id, format(
        '%s: available %s, pending %s, held %s, negative %s; '
        'postings say available %s, pending %s, held %s, negative %s; lots say available %s, pending %s, held %s',
        currency, available, pending, held, negative, moved_available, moved_pending, moved_held, moved_negative,
        lots_available, lots_pending, lots_held)
      from compared_accounts
      where (available, pending, held, negative) <> (moved_available, moved_pending, moved_held, moved_negative)
        or (lots_sound and (available, pending, held) <> (lots_available, lots_pending, lots_held))
      union all
      select 'lifetime_differs', member_id, format('%s: lifetime %s; issued less taken back %s',
        currency, lifetime, moved_lifetime)
      from compared_accounts
      where lifetime <> moved_lifetime
      union all
      ${openHolds(sql, slice)}
    )
    select kind, member_id as "memberId", count(*) over () as total, detail
    from findings
    order by member_id, kind, detail
    limit ${slice.most}`
}

/** What postings leave on an account. */
export function balanceOf(sql: Executor, account: string) {
  return sql`sum(case when to_account = ${account} then points when from_account = ${account} then -points else 0 end)`
}

/** Redemptions that still hold points, against what the postings set aside. Reads `totals` of the query around. */
function openHolds(sql: Executor, slice: Slice) {
  return sql`
    select 'holds_differ', member_id, format('%s: redemptions hold %s; postings set aside %s',
      currency, coalesce(open.held, 0), coalesce(totals.held, 0))
    from (
      select member_id, currency, sum(points) as held
      from redemptions
      where status = 'held' and ${within(sql, 'redemptions.member_id', slice)}
      group by member_id, currency
    ) as open
    full join totals using (member_id, currency)
    where coalesce(open.held, 0) <> coalesce(totals.held, 0)`
}

/** Standings against the last change of their ladder that holds, and transactions without their entry. */
export function badRecords(sql: Executor, slice: Slice): Promise<FindingRow[]> {
  return sql<FindingRow[]>`
    with last_changes as (
      select distinct on (member_id, ladder) member_id, ladder, to_tier, until
      from tier_changes
      where superseded_at is null and ${within(sql, 'tier_changes.member_id', slice)}
      order by member_id, ladder, effective_at desc, change_id desc
    ), own_standings as (
      select member_id, ladder, tier, until
      from standings
      where ${within(sql, 'standings.member_id', slice)}
    ), findings as (
      select 'standing_differs' as kind, member_id, format('%s: %s until %s; the last change says %s until %s',
        ladder, coalesce(own_standings.tier, 'none'), coalesce(own_standings.until::text, 'ever'),
        coalesce(to_tier, 'none'), coalesce(last_changes.until::text, 'ever')) as detail
      from own_standings
      full join last_changes using (member_id, ladder)
      -- a member whose changes were all superseded is back on the lowest tier, which nothing ends
      where (to_tier is not null or own_standings.until is not null)
        and (own_standings.tier is distinct from to_tier
          or own_standings.until is distinct from last_changes.until)
      union all
      select 'transaction_without_entry', member_id, format('transaction %s', ${shown(sql, 'transaction', 'transaction_id')})
      from transactions
      where ${within(sql, 'transactions.member_id', slice)} and not exists (
        select from entries
        where entries.member_id = transactions.member_id and entries.transaction_id = transactions.transaction_id
          and entries.kind = 'earn' and ${between(sql, 'entries.member_id', slice)})
    )
    select kind, member_id as "memberId", count(*) over () as total, detail
    from findings
    order by member_id, kind, detail
    limit ${slice.most}`
}

/**
 * Recorded answers without their entry, over all members at once: the command log is keyed by request, not
 * by member, so a slice of it would cost as much as the whole.
 */
export function unbackedAnswers(
  sql: Executor,
  slice: Pick<Slice, 'program' | 'most'>,
): Promise<FindingRow[]> {
  const own = slice.program === null ? sql`` : sql`and commands.program = ${slice.program}`
  return sql<FindingRow[]>`
    select
      'answer_without_entry' as kind, member_id as "memberId", count(*) over () as total,
      format('%s %s of %s', operation, external_ref, source) as detail
    from commands
    where operation in ('earn', 'attach', 'return', 'redeem', 'capture', 'release', 'reverse', 'adjust', 'transfer',
      'merge', 'unmerge', 'confirm', 'cancel', 'extend') ${own}
      and not exists (
        select from entries
        where entries.member_id = commands.member_id and entries.command_id = commands.command_id)
      -- a sale without a member has no entry until it is attached
      and not exists (select from loose_sales where operation = 'earn' and transaction_id = commands.member_id)
    order by member_id, operation, external_ref
    limit ${slice.most}`
}
