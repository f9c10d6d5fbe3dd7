/** Writes the facts around the ledger: transactions, returns, redemptions, tiers, counters, events, answers. */
import { wirePoints } from '../base/points.ts'
import type { Executor } from '../db/connection.ts'
import { keepPooled } from '../redeeming/redemption.ts'
import { columns, document, json, noDocument } from './columns.ts'
import { bodyText } from './command.ts'
import { persistLoose } from './persist-loose.ts'
import type { GroupState, Writes } from './state.ts'

export function persistFacts(sql: Executor, group: GroupState, writes: Writes): Promise<unknown>[] {
  return [
    ...writeTransactions(sql, writes),
    ...persistLoose(sql, writes),
    ...writeRevaluations(sql, writes),
    ...writeReturns(sql, writes),
    ...writeConfirmations(sql, writes),
    ...writeRedemptions(sql, writes),
    ...writeCounters(sql, writes),
    ...writeTiers(sql, group, writes),
    ...writeEvents(sql, group, writes),
    ...writeCommands(sql, writes),
  ]
}

function writeTransactions(sql: Executor, { transactions }: Writes): Promise<unknown>[] {
  if (transactions.length === 0) return []
  const [member, id, program, source, ref, type, occurred, recorded, version, request, valuation] = columns(
    transactions,
    ({ command, memberId, stored }) => [
      memberId,
      stored.transactionId,
      command.program,
      stored.source,
      stored.request.externalRef,
      stored.request.type,
      stored.occurredAt,
      stored.recordedAt,
      stored.rulesVersion,
      // A sale may bring about an event, which is a transaction with a request of its own.
      command.request.kind === 'earn' && stored.request === command.request.body
        ? document(bodyText(command))
        : json(stored.request),
      json(stored.kept),
    ],
  )
  return [
    sql`
      insert into transactions (member_id, transaction_id, program, source, external_ref, type, occurred_at,
        recorded_at, rules_version, request, valuation)
      select u.member_id, u.transaction_id, u.program, u.source, u.external_ref, u.type, u.occurred_at,
        u.recorded_at, u.rules_version, u.request::json, u.valuation::json
      from unnest(${member!}::uuid[], ${id!}::uuid[], ${program!}::text[], ${source!}::text[], ${ref!}::text[],
        ${type!}::text[], ${occurred!}::timestamptz[], ${recorded!}::timestamptz[], ${version!}::text[],
        string_to_array(${request!}, chr(30), ''), string_to_array(${valuation!}, chr(30), ''))
        as u(member_id, transaction_id, program, source, external_ref, type, occurred_at, recorded_at,
          rules_version, request, valuation)`,
  ]
}

function writeRevaluations(sql: Executor, { revaluations }: Writes): Promise<unknown>[] {
  if (revaluations.length === 0) return []
  const [member, id, transaction, recorded, valuation, reversed] = columns(revaluations, (row) => [
    row.memberId,
    row.revaluationId,
    row.transactionId,
    row.command.at,
    json(row.kept),
    json(Object.fromEntries(row.returns.map((one) => [one.returnId, one.reversed]))),
  ])
  return [
    sql`
      insert into revaluations (member_id, revaluation_id, transaction_id, recorded_at, valuation, reversed)
      select u.member_id, u.revaluation_id, u.transaction_id, u.recorded_at, u.valuation::json, u.reversed::json
      from unnest(${member!}::uuid[], ${id!}::uuid[], ${transaction!}::uuid[], ${recorded!}::timestamptz[],
        string_to_array(${valuation!}, chr(30), ''), string_to_array(${reversed!}, chr(30), ''))
        as u(member_id, revaluation_id, transaction_id, recorded_at, valuation, reversed)`,
  ]
}

function writeReturns(sql: Executor, { returns }: Writes): Promise<unknown>[] {
  if (returns.length === 0) return []
  const [member, id, transaction, occurred, recorded, lines, reversed] = columns(returns, (row) => [
    row.memberId,
    row.returnId,
    row.transactionId,
    row.occurredAt,
    row.command.at,
    json(row.lines),
    json(row.reversed),
  ])
  return [
    sql`
      insert into returns (member_id, return_id, transaction_id, occurred_at, recorded_at, lines, reversed)
      select u.member_id, u.return_id, u.transaction_id, u.occurred_at, u.recorded_at, u.lines::jsonb,
        u.reversed::jsonb
      from unnest(${member!}::uuid[], ${id!}::uuid[], ${transaction!}::uuid[], ${occurred!}::timestamptz[],
        ${recorded!}::timestamptz[], string_to_array(${lines!}, chr(30), ''), string_to_array(${reversed!}, chr(30), ''))
        as u(member_id, return_id, transaction_id, occurred_at, recorded_at, lines, reversed)`,
  ]
}

function writeConfirmations(sql: Executor, { confirmations }: Writes): Promise<unknown>[] {
  if (confirmations.length === 0) return []
  const last = [...new Map(confirmations.map((row) => [row.transactionId, row])).values()]
  const [member, transaction, outcome, automatic, occurred, recorded, decided] = columns(last, (row) => [
    row.memberId,
    row.transactionId,
    row.confirmation.outcome,
    row.confirmation.automatic,
    row.confirmation.occurredAt,
    row.command.at,
    json(row.confirmation.decided.map((part) => ({ ...part, points: wirePoints(part.points) }))),
  ])
  return [
    sql`
      insert into confirmations (member_id, transaction_id, outcome, automatic, occurred_at, recorded_at, decided)
      select u.member_id, u.transaction_id, u.outcome, u.automatic, u.occurred_at, u.recorded_at, u.decided::jsonb
      from unnest(${member!}::uuid[], ${transaction!}::uuid[], ${outcome!}::text[], ${automatic!}::boolean[],
        ${occurred!}::timestamptz[], ${recorded!}::timestamptz[], string_to_array(${decided!}, chr(30), ''))
        as u(member_id, transaction_id, outcome, automatic, occurred_at, recorded_at, decided)
      on conflict (member_id, transaction_id) do update
      set outcome = excluded.outcome, automatic = excluded.automatic, occurred_at = excluded.occurred_at,
        recorded_at = excluded.recorded_at, decided = excluded.decided`,
  ]
}

function writeRedemptions(sql: Executor, { redemptions }: Writes): Promise<unknown>[] {
  const isNew = new Set(redemptions.filter((row) => row.isNew).map((row) => row.redemption.redemptionId))
  const last = [...new Map(redemptions.map((row) => [row.redemption.redemptionId, row])).values()]
  const sent: Promise<unknown>[] = []
  const added = last.filter(({ redemption }) => isNew.has(redemption.redemptionId))
  if (added.length > 0) {
    const [
      member,
      id,
      program,
      source,
      ref,
      status,
      currency,
      points,
      captured,
      reward,
      value,
      draws,
      occurred,
      recorded,
      until,
      pool,
      partOf,
    ] = columns(added, ({ command, redemption: r }) => [
      r.memberId,
      r.redemptionId,
      r.program,
      r.source,
      r.externalRef,
      r.status,
      r.currency,
      r.points,
      r.captured,
      r.rewardId,
      r.value ? json(r.value) : noDocument,
      drawsJson(r.draws),
      r.occurredAt,
      command.at,
      r.holdUntil,
      r.pool ? json(keepPooled(r.pool)) : noDocument,
      r.partOf,
    ])
    sent.push(sql`
      insert into redemptions (member_id, redemption_id, program, source, external_ref, status, currency, points,
        captured, reward_id, value, draws, occurred_at, recorded_at, hold_until, pool, part_of)
      select u.member_id, u.redemption_id, u.program, u.source, u.external_ref, u.status, u.currency, u.points,
        u.captured, u.reward_id, u.value::jsonb, u.draws::jsonb, u.occurred_at, u.recorded_at, u.hold_until,
        u.pool::jsonb, u.part_of
      from unnest(${member!}::uuid[], ${id!}::uuid[], ${program!}::text[], ${source!}::text[], ${ref!}::text[],
        ${status!}::text[], ${currency!}::text[], ${points!}::bigint[], ${captured!}::bigint[], ${reward!}::text[],
        string_to_array(${value!}, chr(30), ''), string_to_array(${draws!}, chr(30), ''), ${occurred!}::timestamptz[],
        ${recorded!}::timestamptz[], ${until!}::timestamptz[], string_to_array(${pool!}, chr(30), ''),
        ${partOf!}::uuid[])
        as u(member_id, redemption_id, program, source, external_ref, status, currency, points, captured,
          reward_id, value, draws, occurred_at, recorded_at, hold_until, pool, part_of)`)
  }
  const changed = last.filter(({ redemption }) => !isNew.has(redemption.redemptionId))
  if (changed.length > 0) {
    const [member, id, status, captured, value, draws, pool] = columns(changed, ({ redemption: r }) => [
      r.memberId,
      r.redemptionId,
      r.status,
      r.captured,
      r.value ? json(r.value) : noDocument,
      drawsJson(r.draws),
      r.pool ? json(keepPooled(r.pool)) : noDocument,
    ])
    sent.push(sql`
      update redemptions r
      set status = u.status, captured = u.captured, value = u.value::jsonb, draws = u.draws::jsonb,
        pool = u.pool::jsonb
      from unnest(${member!}::uuid[], ${id!}::uuid[], ${status!}::text[], ${captured!}::bigint[],
        string_to_array(${value!}, chr(30), ''), string_to_array(${draws!}, chr(30), ''),
        string_to_array(${pool!}, chr(30), '')) as u(member_id, redemption_id, status, captured, value, draws, pool)
      where r.member_id = u.member_id and r.redemption_id = u.redemption_id`)
  }
  return sent
}

function drawsJson(draws: readonly { lotId: string; points: bigint }[]) {
  return json(draws.map(({ lotId, points }) => ({ lotId, points: wirePoints(points) })))
}

/** Sums by key first: one statement may touch a row only once. */
function writeCounters(sql: Executor, writes: Writes): Promise<unknown>[] {
  const sums = new Map<string, Writes['counters'][number]>()
  for (const { memberId, row } of writes.counters) {
    const key = `${memberId} ${row.day} ${row.counter}`
    const known = sums.get(key)
    sums.set(key, { memberId, row: known ? { ...row, value: known.row.value.plus(row.value) } : row })
  }
  if (sums.size === 0) return []
  const [member, counter, day, value] = columns([...sums.values()], ({ memberId, row }) => [
    memberId,
    row.counter,
    row.day,
    row.value.toFixed(),
  ])
  return [
    sql`
      insert into counters (member_id, counter, day, value)
      select u.member_id, u.counter, u.day, u.value
      from unnest(${member!}::uuid[], ${counter!}::text[], ${day!}::date[], ${value!}::numeric[])
        as u(member_id, counter, day, value)
      on conflict (member_id, counter, day) do update set value = counters.value + excluded.value`,
  ]
}

function writeTiers(sql: Executor, group: GroupState, writes: Writes): Promise<unknown>[] {
  const sent: Promise<unknown>[] = []
  // A group may supersede what it has just decided: such a change is written as superseded.
  const rows = writes.tierChanges.map((row) => ({ ...row, supersededAt: supersededLater(writes, row) }))
  if (writes.superseded.length > 0) {
    const [member, ladder, from, at] = columns(writes.superseded, (row) => [
      row.memberId,
      row.ladder,
      row.from,
      row.at,
    ])
    sent.push(sql`
      update tier_changes t set superseded_at = u.at
      from unnest(${member!}::uuid[], ${ladder!}::text[], ${from!}::timestamptz[], ${at!}::timestamptz[])
        as u(member_id, ladder, since, at)
      where t.member_id = u.member_id and t.ladder = u.ladder and t.effective_at >= u.since
        and t.superseded_at is null`)
  }
  if (rows.length > 0) {
    const [member, id, ladder, from, to, direction, effective, recorded, until, reason, superseded, state] =
      columns(rows, ({ memberId, changeId, change, at, supersededAt }) => [
        memberId,
        changeId,
        change.ladder,
        change.from,
        change.to,
        change.direction,
        change.effectiveAt,
        at,
        change.until,
        change.reason,
        supersededAt,
        change.state ? JSON.stringify(change.state) : null,
      ])
    sent.push(sql`
      insert into tier_changes (member_id, change_id, ladder, from_tier, to_tier, direction, effective_at,
        recorded_at, until, reason, superseded_at, state)
      select u.member_id, u.change_id, u.ladder, u.from_tier, u.to_tier, u.direction, u.effective_at,
        u.recorded_at, u.until, u.reason, u.superseded_at, u.state::jsonb
      from unnest(${member!}::uuid[], ${id!}::uuid[], ${ladder!}::text[], ${from!}::text[], ${to!}::text[],
        ${direction!}::text[], ${effective!}::timestamptz[], ${recorded!}::timestamptz[], ${until!}::timestamptz[],
        ${reason!}::text[], ${superseded!}::timestamptz[], ${state!}::text[])
        as u(member_id, change_id, ladder, from_tier, to_tier, direction, effective_at, recorded_at, until,
          reason, superseded_at, state)`)
  }
  return [...sent, ...writeStandings(sql, group, writes)]
}

function supersededLater(writes: Writes, { change }: Writes['tierChanges'][number]): Date | null {
  return writes.superseded.find(({ changes }) => changes.includes(change))?.at ?? null
}

function writeStandings(sql: Executor, group: GroupState, writes: Writes): Promise<unknown>[] {
  const members = new Set([...writes.tierChanges, ...writes.superseded].map(({ memberId }) => memberId))
  const standings = [...members].flatMap((memberId) =>
    [...(group.members.get(memberId)?.standings.values() ?? [])].map((standing) => ({ memberId, standing })),
  )
  if (standings.length === 0) return []
  const [member, ladder, tier, since, until, state] = columns(standings, ({ memberId, standing }) => [
    memberId,
    standing.ladder,
    standing.tier,
    standing.since,
    standing.until,
    standing.state ? JSON.stringify(standing.state) : null,
  ])
  return [
    sql`
      insert into standings (member_id, ladder, tier, since, until, state)
      select u.member_id, u.ladder, u.tier, u.since, u.until, u.state::jsonb
      from unnest(${member!}::uuid[], ${ladder!}::text[], ${tier!}::text[], ${since!}::timestamptz[],
        ${until!}::timestamptz[], ${state!}::text[]) as u(member_id, ladder, tier, since, until, state)
      on conflict (member_id, ladder) do update
      set tier = excluded.tier, since = excluded.since, until = excluded.until, state = excluded.state`,
  ]
}

/** More events of one member than one group could bring about. */
const MOST_EVENTS = 100_000n

/**
 * An event's number within its member: the member's version, which every group moves on, then its place in the
 * group. The members of the group are locked, or were written just before.
 */
function writeEvents(sql: Executor, group: GroupState, { events }: Writes): Promise<unknown>[] {
  if (events.length === 0) return []
  const latest = new Map<string, bigint>()
  const [member, id, program, type, payload, at, sequence] = columns(events, (event) => {
    const { memberId, eventId } = event
    const version = group.members.get(memberId)?.version ?? 0n
    const next = (latest.get(memberId) ?? version * MOST_EVENTS) + 1n
    latest.set(memberId, next)
    return [memberId, eventId, event.program, event.type, json(event.payload), event.at, next]
  })
  return [
    sql`
      insert into outbox (member_id, event_id, program, type, payload, at, sequence)
      select u.member_id, u.event_id, u.program, u.type, u.payload::json, u.at, u.sequence
      from unnest(${member!}::uuid[], ${id!}::uuid[], ${program!}::text[], ${type!}::text[], string_to_array(${payload!}, chr(30), ''),
        ${at!}::timestamptz[], ${sequence!}::bigint[]) as u(member_id, event_id, program, type, payload, at, sequence)`,
  ]
}

/** In order of the key, so that two groups that take the same keys do not wait for each other in a circle. */
function writeCommands(sql: Executor, { commands }: Writes): Promise<unknown>[] {
  if (commands.length === 0) return []
  const [program, source, operation, ref, id, member, hash, request, reply, at] = columns(
    commands,
    ({ command, memberId, reply: answer }) => [
      command.program,
      command.source,
      command.request.kind,
      command.ref,
      command.commandId,
      memberId,
      command.requestHash,
      // A sale's request stands in its transaction already.
      command.request.kind === 'earn' ? noDocument : document(command.text),
      document(answer),
      command.at,
    ],
  )
  return [
    sql`
      insert into commands (program, source, operation, external_ref, command_id, member_id, request_hash, request,
        reply, at)
      select u.program, u.source, u.operation, u.external_ref, u.command_id, u.member_id,
        decode(u.request_hash, 'hex'), u.request, u.reply, u.at
      from unnest(${program!}::text[], ${source!}::text[], ${operation!}::text[], ${ref!}::text[], ${id!}::uuid[],
        ${member!}::uuid[], ${hash!}::text[], string_to_array(${request!}, chr(30), ''), string_to_array(${reply!}, chr(30), ''), ${at!}::timestamptz[])
        as u(program, source, operation, external_ref, command_id, member_id, request_hash, request, reply, at)
      order by u.program, u.source, u.operation, u.external_ref`,
  ]
}
