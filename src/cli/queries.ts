/** The command line's own reads: a member's books, one transaction, and what the doctor looks at. */
import { type Executor, list } from '../db/connection.ts'
import type { ReturnedLine } from '../earning/remaining.ts'
import type { TransactionBody } from '../earning/transaction.ts'
import type { KeptValuation } from '../earning/valued.ts'
import type { Identifier } from '../members/member.ts'
import type { FieldValue } from '../rules/facts.ts'

export interface MemberRow {
  readonly memberId: string
  readonly program: string
  readonly externalRef: string
  readonly status: string
  readonly profile: Record<string, FieldValue>
  readonly attributes: Record<string, FieldValue>
  readonly enrolledAt: Date
  readonly dueAt: Date | null
}

export async function findMember(sql: Executor, memberId: string): Promise<MemberRow | null> {
  const [row] = await sql<MemberRow[]>`
    select member_id as "memberId", program, external_ref as "externalRef", status, profile, attributes,
           enrolled_at as "enrolledAt", due_at as "dueAt"
    from members where member_id = ${memberId}`
  return row ?? null
}

/** Members that an identifier opens: at most one in each program. */
export async function membersByIdentifier(
  sql: Executor,
  { kind, value, program }: { kind: string; value: string; program: string | undefined },
): Promise<{ memberId: string; program: string }[]> {
  return sql<{ memberId: string; program: string }[]>`
    select member_id as "memberId", program from identifiers
    where kind = ${kind} and value = ${value} ${program === undefined ? sql`` : sql`and program = ${program}`}
    order by program`
}

export async function identifiersOf(sql: Executor, memberIds: readonly string[]): Promise<Identifier[]> {
  return sql<Identifier[]>`
    select kind, value, status from identifiers
    where member_id = any(${list(sql, memberIds)}::uuid[]) order by kind, value`
}

export interface AccountRow {
  readonly currency: string
  readonly available: bigint
  readonly pending: bigint
  readonly held: bigint
  readonly negative: bigint
  readonly lifetime: bigint
}

export async function accountsOf(sql: Executor, memberId: string): Promise<AccountRow[]> {
  return sql<AccountRow[]>`
    select currency, available, pending, held, negative, lifetime
    from accounts where member_id = ${memberId} order by currency`
}

export interface LotRow {
  readonly currency: string
  readonly expiresAt: Date | null
  readonly usableFrom: Date | null
  /** cancelled then, unless confirmed before */
  readonly confirmBy: Date | null
  readonly funder: string
  readonly available: bigint
  readonly pending: bigint
  readonly held: bigint
}

export async function openLotsOf(sql: Executor, memberId: string): Promise<LotRow[]> {
  return sql<LotRow[]>`
    select currency, coalesce(expires_at, case when lot_id like '%/idle/%' then lapses_at end) as "expiresAt",
      usable_from as "usableFrom", cancels_at as "confirmBy", funder, lots.available, lots.pending, lots.held
    from lots
    left join accounts using (member_id, currency)
    where member_id = ${memberId} and (lots.available > 0 or lots.pending > 0 or lots.held > 0)
    order by currency, "expiresAt" nulls last, lot_id`
}

export interface StandingRow {
  readonly ladder: string
  readonly tier: string
  readonly since: Date
  readonly until: Date | null
}

export async function standingsOf(sql: Executor, memberId: string): Promise<StandingRow[]> {
  return sql<StandingRow[]>`
    select ladder, tier, since, until from standings where member_id = ${memberId} order by ladder`
}

export interface EntryRow {
  readonly entryId: string
  readonly kind: string
  readonly occurredAt: Date
  readonly source: string
}

export async function latestEntriesOf(sql: Executor, memberId: string, limit: number): Promise<EntryRow[]> {
  return sql<EntryRow[]>`
    select entry_id as "entryId", kind, occurred_at as "occurredAt", source
    from entries where member_id = ${memberId} order by entry_id desc limit ${limit}`
}

export interface TransactionRow {
  readonly transactionId: string
  readonly memberId: string
  readonly program: string
  readonly source: string
  readonly externalRef: string
  readonly occurredAt: Date
  readonly recordedAt: Date
  readonly rulesVersion: string
  readonly request: TransactionBody
  /** the one that holds now: a late fact may have changed the tier of its day */
  readonly valuation: KeptValuation
}

export async function findTransaction(sql: Executor, transactionId: string): Promise<TransactionRow | null> {
  const [row] = await sql<TransactionRow[]>`
    select t.transaction_id as "transactionId", t.member_id as "memberId", t.program, t.source,
           t.external_ref as "externalRef", t.occurred_at as "occurredAt", t.recorded_at as "recordedAt",
           t.rules_version as "rulesVersion", t.request,
           coalesce(
             (select v.valuation from revaluations v
              where v.member_id = t.member_id and v.transaction_id = t.transaction_id
              order by v.revaluation_id desc limit 1),
             t.valuation) as valuation
    from transactions t where t.transaction_id = ${transactionId}`
  return row ?? null
}

export interface ReturnRow {
  readonly occurredAt: Date
  readonly lines: readonly ReturnedLine[]
  readonly reversed: readonly { rule: string; currency: string; points: number }[]
}

export async function returnsOf(sql: Executor, of: TransactionRow): Promise<ReturnRow[]> {
  return sql<ReturnRow[]>`
    select r.occurred_at as "occurredAt", r.lines,
           coalesce(
             (select v.reversed -> r.return_id::text from revaluations v
              where v.member_id = r.member_id and v.transaction_id = r.transaction_id
              order by v.revaluation_id desc limit 1),
             r.reversed::json) as reversed
    from returns r
    where r.member_id = ${of.memberId} and r.transaction_id = ${of.transactionId}
    order by r.return_id`
}

export interface ServerFacts {
  readonly version: string
  /** server settings by name */
  readonly settings: ReadonlyMap<string, string>
  readonly connections: number
}

const watched = ['fsync', 'synchronous_commit', 'full_page_writes', 'max_connections']

export async function serverFacts(sql: Executor): Promise<ServerFacts> {
  const settings = await sql<{ name: string; setting: string }[]>`
    select name, setting from pg_settings where name in ${sql(watched)} order by name`
  const [row] = await sql<{ version: string; connections: number }[]>`
    select current_setting('server_version') as version, count(*)::int as connections
    from pg_stat_activity where backend_type = 'client backend'`
  return {
    version: row?.version ?? 'unknown',
    settings: new Map(settings.map(({ name, setting }) => [name, setting])),
    connections: row?.connections ?? 0,
  }
}

/** Where the server keeps its data. */
export async function dataFolderOf(sql: Executor): Promise<string> {
  const [row] = await sql<{ folder: string }[]>`select current_setting('data_directory') as folder`
  return row!.folder
}

export interface Backlog {
  readonly events: bigint
  readonly oldest: Date | null
}

/** Rows of the outbox. */
export async function outboxBacklog(sql: Executor): Promise<Backlog> {
  const [row] = await sql<{ events: bigint; oldest: Date | null }[]>`
    select count(*) as events, min(at) as oldest from outbox`
  return row ?? { events: 0n, oldest: null }
}

/** Members of whom something is due for longer than the jobs take. */
export async function overdueMembers(sql: Executor, before: Date): Promise<bigint> {
  const [row] = await sql<{ members: bigint }[]>`
    select count(*) as members from members where due_at < ${before}`
  return row?.members ?? 0n
}
