/**
 * What a simulation reads, all of it in one snapshot that its workers share: which members there are, and
 * of a few members at a time their sales and their other commands, in the order in which they came.
 */
import postgres from 'postgres'
import { type Executor, list, type Sql } from '../db/connection.ts'
import type { ReversedAward } from '../earning/return.ts'
import type { TransactionBody } from '../earning/transaction.ts'
import type { KeptValuation } from '../earning/valued.ts'
import type { Request } from '../engine/command.ts'
import type { EntryKind } from '../ledger/entry.ts'

/** Members from `from` up to, without, `to`. */
export interface Stretch {
  readonly from: string
  readonly to: string | null
}

/** Whose history: a program's members, or a share of them, drawn by their ids: always the same ones. */
export interface Population {
  readonly program: string
  /** of 10,000; 10,000 is everybody */
  readonly share: number
}

/** Keeps the database transaction's view for others to take over. */
export async function exportSnapshot(sql: Executor): Promise<string> {
  const [row] = await sql<{ snapshot: string }[]>`select pg_export_snapshot() as snapshot`
  return row!.snapshot
}

/** Takes over a view; the first statement of a database transaction. */
export async function useSnapshot(sql: Executor, snapshot: string): Promise<void> {
  // The name is the server's own; the statement takes no parameter.
  await sql`${sql.unsafe(`set transaction snapshot '${snapshot.replaceAll("'", '')}'`)}`
}

function drawn(sql: Executor, share: number) {
  return share >= 10_000 ? sql`` : sql`and mod(abs(uuid_hash(member_id)::bigint), 10000) < ${share}`
}

export async function countMembers(sql: Executor, { program, share }: Population): Promise<number> {
  const [row] = await sql<{ members: number }[]>`
    select count(*)::int as members from members where program = ${program} ${drawn(sql, share)}`
  return row!.members
}

/** All members in stretches of so many, in order. */
export async function readStretches(
  sql: Executor,
  { program, share }: Population,
  size: number,
): Promise<Stretch[]> {
  const rows = await sql<{ start: string }[]>`
    select member_id as start
    from (
      select member_id, row_number() over (order by member_id) as place
      from members
      where program = ${program} ${drawn(sql, share)}
    ) as placed
    where (place - 1) % ${size} = 0
    order by member_id`
  return rows.map(({ start }, index) => ({ from: start, to: rows[index + 1]?.start ?? null }))
}

/** Entries that a member's own commands make, one by one: what a replay of the member alone gives again. */
const OF_ONE_MEMBER: readonly EntryKind[] = [
  ...(['earn', 'return', 'revalue', 'redeem', 'hold', 'capture', 'release', 'expire_hold'] as const),
  ...(['reverse', 'adjust', 'expire', 'release_pending'] as const),
  ...(['confirm', 'cancel', 'reinstate', 'extend'] as const),
]

/**
 * The members of a stretch that can be replayed by themselves. Who was given points by another, was merged or
 * closed, or paid out of a pool hangs together with others, and is left out.
 */
export async function readMemberIds(
  sql: Executor,
  { program, share }: Population,
  { from, to }: Stretch,
): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select member_id as id
    from members m
    where program = ${program} and member_id >= ${from} and (${to}::uuid is null or member_id < ${to}::uuid)
      ${drawn(sql, share)} ${alone(sql)}
    order by member_id`
  return rows.map(({ id }) => id)
}

/** Those among some members. */
export async function readAlone(sql: Executor, memberIds: readonly string[]): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select member_id as id from members m
    where member_id = any(${list(sql, memberIds)}::uuid[]) ${alone(sql)} order by member_id`
  return rows.map(({ id }) => id)
}

function alone(sql: Executor) {
  return sql`and status = 'active'
    and not exists (
      select from entries e
      where e.member_id = m.member_id and e.kind <> all(${list(sql, OF_ONE_MEMBER)}::text[]))
    and not exists (
      select from redemptions r
      where r.member_id = m.member_id and (r.pool is not null or r.part_of is not null))`
}

/**
 * The members of a stretch in order, each with a token that is another one after every write to the member, in one
 * text: mostly nothing changed, which it says as a whole.
 */
export async function readTokens(
  sql: Executor,
  { program, share }: Population,
  { from, to }: Stretch,
): Promise<string> {
  const [row] = await sql<{ told: string | null }[]>`
    select string_agg(member_id || ' ' || version, ',' order by member_id) as told
    from members
    where program = ${program} and member_id >= ${from} and (${to}::uuid is null or member_id < ${to}::uuid)
      ${drawn(sql, share)}`
  return row?.told ?? ''
}

/** The text taken apart. */
export function tokensIn(text: string): { id: string; token: string }[] {
  if (text === '') return []
  return text.split(',').map((one) => ({ id: one.slice(0, 36), token: one.slice(37) }))
}

/** Which database this is, also among copies of it; null: it does not say. */
export async function readIdentity(sql: Sql): Promise<string | null> {
  try {
    const [row] = await sql<{ identity: string }[]>`
      select s.system_identifier || ' ' || c.timeline_id || ' ' || d.oid as identity
      from pg_control_system() s, pg_control_checkpoint() c, pg_database d
      where d.datname = current_database()`
    return row?.identity ?? null
  } catch (error) {
    if (error instanceof postgres.PostgresError) return null
    throw error
  }
}

export interface SaleRow {
  readonly memberId: string
  readonly transactionId: string
  readonly source: string
  readonly occurredAt: Date
  readonly recordedAt: Date
  readonly rulesVersion: string
  readonly request: TransactionBody
  readonly valuation: KeptValuation
  /** where a late fact changed it: the valuation that holds, and what returns take back by it */
  readonly revalued: {
    readonly valuation: KeptValuation
    readonly reversed: Readonly<Record<string, readonly ReversedAward[]>>
  } | null
}

/** Sales of these members, by member and in order of recording, a few hundred at a time. */
export function streamSales(sql: Executor, memberIds: readonly string[]): AsyncIterable<SaleRow[]> {
  return sql<SaleRow[]>`
    select t.member_id as "memberId", t.transaction_id as "transactionId", t.source,
      t.occurred_at as "occurredAt", t.recorded_at as "recordedAt", t.rules_version as "rulesVersion",
      t.request, t.valuation,
      (select json_build_object('valuation', v.valuation, 'reversed', v.reversed)
       from revaluations v
       where v.member_id = t.member_id and v.transaction_id = t.transaction_id
       order by v.revaluation_id desc limit 1) as revalued
    from transactions t
    where t.member_id = any(${list(sql, memberIds)}::uuid[])
    order by t.member_id, t.transaction_id`.cursor(AT_ONCE)
}

export interface SaleTime {
  readonly memberId: string
  readonly transactionId: string
  readonly occurredAt: Date
}

/** When these members bought: what arrives late reaches back to later sales. */
export async function readSaleTimes(sql: Executor, memberIds: readonly string[]): Promise<SaleTime[]> {
  return sql<SaleTime[]>`
    select member_id as "memberId", transaction_id as "transactionId", occurred_at as "occurredAt"
    from transactions where member_id = any(${list(sql, memberIds)}::uuid[])
    order by member_id, transaction_id`
}

const AT_ONCE = 250

export interface CommandRow {
  readonly memberId: string
  readonly commandId: string
  readonly source: string
  readonly at: Date
  /** JSON */
  readonly request: string
  /** JSON; of returns and redemptions alone */
  readonly reply: string | null
}

/** What these members did beside buying, in order of recording. */
export async function readCommands(
  sql: Executor,
  memberIds: readonly string[],
  kinds: readonly Request['kind'][],
): Promise<CommandRow[]> {
  return sql<CommandRow[]>`
    select member_id as "memberId", command_id as "commandId", source, at, request,
      case when operation in ('return', 'redeem') then reply end as reply
    from commands
    where member_id = any(${list(sql, memberIds)}::uuid[]) and request is not null
      and operation = any(${list(sql, kinds)}::text[])
    order by member_id, command_id`
}
