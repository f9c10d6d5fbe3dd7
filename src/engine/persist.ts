/**
 * Writes what a group decided: one multi-row statement for each kind of row, all sent at once. No statement
 * waits for another's result, since every id was made beforehand. A key that somebody else took meanwhile
 * fails the statement, and with it the group, which is then decided again on what is there now.
 */
import type { Executor } from '../db/connection.ts'
import { columns, json, noDocument } from './columns.ts'
import { persistCampaigns } from './persist-campaign.ts'
import { persistFacts } from './persist-facts.ts'
import { persistFlags } from './persist-flags.ts'
import { persistHousehold } from './persist-household.ts'
import { persistRules } from './persist-rules.ts'
import { persistFeedback } from './queries-feedback.ts'
import type { GroupState, MemberState, Writes } from './state.ts'

/** Sends every statement; the promises are to be awaited together. */
export function persist(sql: Executor, group: GroupState, writes: Writes): Promise<unknown>[] {
  const touched = [...group.members.values()].filter(({ book }) => book.touchedAccounts.size > 0)
  return [
    ...writeMembers(sql, group, writes),
    ...writeIdentifiers(sql, group, writes),
    ...writeLedger(sql, writes),
    ...writeAccounts(sql, touched),
    ...writeLots(sql, touched),
    ...persistFacts(sql, group, writes),
    ...persistFeedback(sql, writes),
    ...persistHousehold(sql, writes),
    ...persistRules(sql, group, writes),
    ...persistFlags(sql, writes),
    ...(group.kept?.persist(group, writes) ?? []),
    ...persistCampaigns(sql, writes),
  ]
}

function writeMembers(sql: Executor, group: GroupState, writes: Writes): Promise<unknown>[] {
  const sent: Promise<unknown>[] = []
  if (writes.enrolled.length > 0) {
    const [id, program, ref, status, profile, attributes, consents, enrolled, created] = columns(
      writes.enrolled,
      (m) => [
        m.memberId,
        m.program,
        m.externalRef,
        m.status,
        json(m.profile),
        json(m.attributes),
        json(m.consents),
        m.enrolledAt,
        m.createdAt,
      ],
    )
    sent.push(sql`
      insert into members (member_id, program, external_ref, status, profile, attributes, consents,
        enrolled_at, created_at, version)
      select u.member_id, u.program, u.external_ref, u.status, u.profile::jsonb, u.attributes::jsonb,
        u.consents::jsonb, u.enrolled_at, u.created_at, 1
      from unnest(${id!}::uuid[], ${program!}::text[], ${ref!}::text[], ${status!}::text[], string_to_array(${profile!}, chr(30), ''),
        string_to_array(${attributes!}, chr(30), ''), string_to_array(${consents!}, chr(30), ''), ${enrolled!}::timestamptz[], ${created!}::timestamptz[])
        as u(member_id, program, external_ref, status, profile, attributes, consents, enrolled_at, created_at)`)
  }
  if (writes.changed.length > 0) {
    const last = [...new Map(writes.changed.map((member) => [member.memberId, member])).values()]
    const [id, profile, attributes, consents] = columns(last, (m) => [
      m.memberId,
      json(m.profile),
      json(m.attributes),
      json(m.consents),
    ])
    sent.push(sql`
      update members m
      set profile = u.profile::jsonb, attributes = u.attributes::jsonb, consents = u.consents::jsonb
      from unnest(${id!}::uuid[], string_to_array(${profile!}, chr(30), ''), string_to_array(${attributes!}, chr(30), ''), string_to_array(${consents!}, chr(30), ''))
        as u(member_id, profile, attributes, consents)
      where m.member_id = u.member_id`)
  }
  const latest = newerThanLocked(group, writes)
  const moved = [...group.members.values()].filter(
    ({ member: { memberId }, dueAt }) =>
      dueAt?.getTime() !== group.read.dueAt.get(memberId)?.getTime() || latest.has(memberId),
  )
  if (moved.length > 0) {
    const [id, due, newest] = columns(moved, ({ member: { memberId }, dueAt }) => [
      memberId,
      dueAt,
      latest.get(memberId) ?? null,
    ])
    sent.push(sql`
      update members m set due_at = u.due_at, latest_at = greatest(m.latest_at, u.latest_at)
      from unnest(${id!}::uuid[], ${due!}::timestamptz[], ${newest!}::timestamptz[])
        as u(member_id, due_at, latest_at)
      where m.member_id = u.member_id`)
  }
  return sent
}

// Locking moved on what was known by then; a member enrolled in this very group was not there to be locked.
function newerThanLocked(group: GroupState, { transactions }: Writes): Map<string, Date> {
  const latest = new Map<string, Date>()
  for (const { memberId, stored } of transactions) {
    const known = latest.get(memberId) ?? group.read.latestAt.get(memberId)
    if (known === undefined || stored.occurredAt > known) latest.set(memberId, stored.occurredAt)
  }
  return latest
}

// A group may add, block and remove the same card: only how it stands in the end is written.
function writeIdentifiers(sql: Executor, group: GroupState, writes: Writes): Promise<unknown>[] {
  const last = [...new Map(writes.identifiers.map((write) => [write.key, write])).values()].map((write) => {
    const [program, kind, value] = JSON.parse(write.key) as [string, string, string]
    return { ...write, program, kind, value, known: group.read.identifiers.has(write.key) }
  })
  const sent: Promise<unknown>[] = []
  const removed = last.filter(({ identifier, known }) => identifier === null && known)
  if (removed.length > 0) {
    const [program, kind, value] = columns(removed, (row) => [row.program, row.kind, row.value])
    sent.push(sql`
      delete from identifiers i
      using unnest(${program!}::text[], ${kind!}::text[], ${value!}::text[]) as u(program, kind, value)
      where i.program = u.program and i.kind = u.kind and i.value = u.value`)
  }
  const kept = last.filter(({ identifier }) => identifier !== null)
  for (const known of [false, true]) {
    const some = kept.filter((row) => row.known === known)
    if (some.length === 0) continue
    const [program, kind, value, id, status, at] = columns(some, (row) => [
      row.program,
      row.kind,
      row.value,
      row.memberId,
      row.identifier?.status ?? null,
      row.at,
    ])
    const given = sql`unnest(${program!}::text[], ${kind!}::text[], ${value!}::text[], ${id!}::uuid[],
      ${status!}::text[], ${at!}::timestamptz[]) as u(program, kind, value, member_id, status, added_at)`
    sent.push(
      known
        ? sql`
            update identifiers i set status = u.status, member_id = u.member_id from ${given}
            where i.program = u.program and i.kind = u.kind and i.value = u.value`
        : sql`
            insert into identifiers (program, kind, value, member_id, status, added_at)
            select u.program, u.kind, u.value, u.member_id, u.status, u.added_at from ${given}
            order by u.program, u.kind, u.value`,
    )
  }
  return sent
}

function writeLedger(sql: Executor, writes: Writes): Promise<unknown>[] {
  if (writes.entries.length === 0) return []
  const [
    memberId,
    entryId,
    commandId,
    kind,
    occurred,
    recorded,
    transaction,
    redemption,
    reverses,
    rules,
    source,
    detail,
  ] = columns(writes.entries, ({ command, memberId: member, entry }) => [
    member,
    entry.entryId,
    command.commandId,
    entry.kind,
    entry.occurredAt,
    command.at,
    entry.transactionId ?? null,
    entry.redemptionId ?? null,
    entry.reverses ?? null,
    entry.rulesVersion ?? null,
    command.source,
    entry.detail ? json(entry.detail) : noDocument,
  ])
  const sent: Promise<unknown>[] = [
    sql`
      insert into entries (member_id, entry_id, command_id, kind, occurred_at, recorded_at, transaction_id,
        redemption_id, reverses, rules_version, source, detail)
      select u.member_id, u.entry_id, u.command_id, u.kind, u.occurred_at, u.recorded_at, u.transaction_id,
        u.redemption_id, u.reverses, u.rules_version, u.source, u.detail::jsonb
      from unnest(${memberId!}::uuid[], ${entryId!}::uuid[], ${commandId!}::uuid[], ${kind!}::text[],
        ${occurred!}::timestamptz[], ${recorded!}::timestamptz[], ${transaction!}::uuid[], ${redemption!}::uuid[],
        ${reverses!}::uuid[], ${rules!}::text[], ${source!}::text[], string_to_array(${detail!}, chr(30), ''))
        as u(member_id, entry_id, command_id, kind, occurred_at, recorded_at, transaction_id, redemption_id,
          reverses, rules_version, source, detail)`,
  ]
  const legs = writes.entries.flatMap(({ memberId: member, entry }) =>
    entry.postings.map((leg, index) => ({ ...leg, member, entryId: entry.entryId, leg: index + 1 })),
  )
  if (legs.length > 0) {
    const [member, entry, leg, currency, from, to, points, lot] = columns(legs, (row) => [
      row.member,
      row.entryId,
      row.leg,
      row.currency,
      row.from,
      row.to,
      row.points,
      row.lotId,
    ])
    sent.push(sql`
      insert into postings (member_id, entry_id, leg, currency, from_account, to_account, points, lot_id)
      select u.member_id, u.entry_id, u.leg, u.currency, u.from_account, u.to_account, u.points, u.lot_id
      from unnest(${member!}::uuid[], ${entry!}::uuid[], ${leg!}::smallint[], ${currency!}::text[],
        ${from!}::text[], ${to!}::text[], ${points!}::bigint[], ${lot!}::text[])
        as u(member_id, entry_id, leg, currency, from_account, to_account, points, lot_id)`)
  }
  return sent
}

function writeAccounts(sql: Executor, touched: readonly MemberState[]): Promise<unknown>[] {
  const accounts = touched.flatMap(({ member, book }) =>
    [...book.touchedAccounts].map((currency) => ({
      memberId: member.memberId,
      ...book.accounts.get(currency)!,
    })),
  )
  if (accounts.length === 0) return []
  const [id, currency, available, pending, held, negative, lifetime, active, lapses] = columns(
    accounts,
    (a) => [
      a.memberId,
      a.currency,
      a.available,
      a.pending,
      a.held,
      a.negative,
      a.lifetime,
      a.activeOn,
      a.lapsesAt,
    ],
  )
  return [
    sql`
      insert into accounts (member_id, currency, available, pending, held, negative, lifetime, active_on, lapses_at)
      select u.member_id, u.currency, u.available, u.pending, u.held, u.negative, u.lifetime, u.active_on,
        u.lapses_at
      from unnest(${id!}::uuid[], ${currency!}::text[], ${available!}::bigint[], ${pending!}::bigint[],
        ${held!}::bigint[], ${negative!}::bigint[], ${lifetime!}::bigint[], ${active!}::date[],
        ${lapses!}::timestamptz[])
        as u(member_id, currency, available, pending, held, negative, lifetime, active_on, lapses_at)
      on conflict (member_id, currency) do update
      set available = excluded.available, pending = excluded.pending, held = excluded.held,
        negative = excluded.negative, lifetime = excluded.lifetime, active_on = excluded.active_on,
        lapses_at = excluded.lapses_at`,
  ]
}

/**
 * Where the member's lots were read, they are written as they stand. Where they were not, the book holds
 * only what this group added, which goes on top of what is there.
 */
function writeLots(sql: Executor, touched: readonly MemberState[]): Promise<unknown>[] {
  const sent: Promise<unknown>[] = []
  for (const known of [true, false]) {
    const lots = touched
      .filter(({ book }) => book.lotsKnown === known)
      .flatMap(({ member, book }) =>
        [...book.touchedLots].map((lotId) => ({ memberId: member.memberId, ...book.lots.get(lotId)! })),
      )
    if (lots.length === 0) continue
    const [id, lotId, currency, expires, usable, funder, available, pending, held, expired, cancels] =
      columns(lots, (lot) => [
        lot.memberId,
        lot.lotId,
        lot.currency,
        lot.expiresAt,
        lot.usableFrom,
        lot.funder,
        lot.available,
        lot.pending,
        lot.held,
        lot.expiredSince,
        lot.awaits?.until ?? null,
      ])
    const change = known
      ? sql`available = excluded.available, pending = excluded.pending, held = excluded.held`
      : sql`available = lots.available + excluded.available, pending = lots.pending + excluded.pending,
          held = lots.held + excluded.held`
    sent.push(sql`
      insert into lots (member_id, lot_id, currency, expires_at, usable_from, funder, available, pending, held,
        expired, cancels_at)
      select u.member_id, u.lot_id, u.currency, u.expires_at, u.usable_from, u.funder, u.available, u.pending,
        u.held, u.expired, u.cancels_at
      from unnest(${id!}::uuid[], ${lotId!}::text[], ${currency!}::text[], ${expires!}::timestamptz[],
        ${usable!}::timestamptz[], ${funder!}::text[], ${available!}::bigint[], ${pending!}::bigint[],
        ${held!}::bigint[], ${expired!}::bigint[], ${cancels!}::timestamptz[])
        as u(member_id, lot_id, currency, expires_at, usable_from, funder, available, pending, held, expired,
          cancels_at)
      on conflict (member_id, lot_id) do update set ${change}, expired = lots.expired + excluded.expired`)
  }
  return sent
}
