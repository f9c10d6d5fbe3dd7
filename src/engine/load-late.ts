/**
 * What a fact needs to know that arrives late: the member's transactions that happened after it. Whether it
 * is late, the member's row says, which keeps the business time of the newest one.
 */
import { DomainError } from '../base/errors.ts'
import { type Executor, list } from '../db/connection.ts'
import { readInstant } from '../earning/facts.ts'
import { specialKind } from '../ledger/lot.ts'
import type { Command } from './command.ts'
import type { RulesInForce } from './deciding.ts'
import type * as rows from './rows.ts'
import type { LooseSale } from './state.ts'

/**
 * From when to when a group's commands reach in a member's business time. Where the program has no tiers,
 * there is no history that could change, and nothing is earliest.
 */
export interface Reach {
  /** of the latest sale that comes in; null: none does */
  latest: Date | null
  /** of the earliest sale that comes in */
  earliest: Date | null
  /** of the earliest sale that something is taken back of, or correction of what tiers count */
  returned: Date | null
}

/** By member. */
export function reachOf(
  commands: readonly Command[],
  known: {
    rules: RulesInForce
    memberOf: (command: Command) => string | undefined
    soldAt: ReadonlyMap<string, Date>
    loose: ReadonlyMap<string, LooseSale>
  },
): Map<string, Reach> {
  const reaches = new Map<string, Reach>()
  for (const command of commands) {
    const memberId = known.memberOf(command)
    if (memberId === undefined) continue
    const reach = reaches.get(memberId) ?? { earliest: null, latest: null, returned: null }
    reaches.set(memberId, reach)
    const climbs = hasLadders(command, known.rules)
    const { request } = command
    if (request.kind !== 'earn' && request.kind !== 'attach') {
      if (climbs) reach.returned = earlier(reach.returned, backTo(command, known.soldAt))
      continue
    }
    const at =
      request.kind === 'attach'
        ? (known.loose.get(request.transactionId)?.occurredAt ?? null)
        : request.kind === 'earn'
          ? businessTime(request.body.occurredAt, command.at)
          : null
    if (climbs) reach.earliest = earlier(reach.earliest, at)
    if (at !== null && (reach.latest === null || at > reach.latest)) reach.latest = at
  }
  return reaches
}

/** The day of what is taken back, or of what is corrected. */
function backTo({ request, at }: Command, soldAt: ReadonlyMap<string, Date>): Date | null {
  if (request.kind === 'return' || request.kind === 'confirm' || request.kind === 'cancel') {
    return soldAt.get(request.transactionId) ?? null
  }
  if (request.kind !== 'adjust' || request.body.occurredAt === undefined) return at
  return businessTime(request.body.occurredAt, at)
}

/** A duplicate's reach is that of the member it was merged into as well. */
export function reachThrough(
  reaches: Map<string, Reach>,
  { memberId, mergedInto }: { memberId: string; mergedInto: string | null },
): void {
  const reach = reaches.get(memberId)
  if (mergedInto === null || reach === undefined) return
  const known = reaches.get(mergedInto) ?? { earliest: null, latest: null, returned: null }
  const { latest } = reach
  reaches.set(mergedInto, {
    earliest: earlier(known.earliest, reach.earliest),
    latest: known.latest === null || (latest !== null && latest > known.latest) ? latest : known.latest,
    returned: earlier(known.returned, reach.returned),
  })
}

/**
 * The instant after which the member's transactions are needed; null: the group comes after all of them. What is
 * due may have fallen due before one of them, if a till's clock was ahead.
 */
export function lateSince(
  reach: Reach | undefined,
  { newest, due }: { newest: Date | null; due: Date | null },
): Date | null {
  const overdue = newest !== null && due !== null && due < newest ? due : null
  if (reach === undefined) return overdue
  const late = reach.earliest !== null && newest !== null && reach.earliest < newest ? reach.earliest : null
  return earlier(overdue, earlier(late, reach.returned))
}

/** Transactions, and what became of them. */
export interface Later {
  readonly transactions: readonly rows.TransactionRow[]
  readonly returns: readonly rows.ReturnRow[]
  readonly revaluations: readonly rows.RevaluationRow[]
  readonly confirmations: readonly rows.ConfirmationRow[]
}

const NONE: Later = { transactions: [], returns: [], revaluations: [], confirmations: [] }

/** The members' transactions after an instant each, with what became of them. */
export async function readLater(sql: Executor, since: ReadonlyMap<string, Date>): Promise<Later> {
  if (since.size === 0) return NONE
  const ids = list(sql, [...since.keys()])
  const [transactions, became] = await Promise.all([
    sql<rows.TransactionRow[]>`
      select t.member_id, t.transaction_id, t.rules_version, t.source, t.request, t.occurred_at, t.recorded_at, t.valuation
      from unnest(${ids}::uuid[], ${list(sql, [...since.values()])}::timestamptz[]) as v(member_id, since)
      join transactions t on t.member_id = v.member_id and t.occurred_at > v.since
      order by t.member_id, t.occurred_at, t.transaction_id`,
    readOutcomes(sql, [...since.keys()]),
  ])
  return { transactions, ...became }
}

/** The members' transactions after an instant and before another one, with what became of them. */
export async function readBetween(
  sql: Executor,
  members: readonly string[],
  { after, before }: { after: Date; before: Date },
): Promise<Later> {
  const transactions = await sql<rows.TransactionRow[]>`
    select member_id, transaction_id, rules_version, source, request, occurred_at, recorded_at, valuation
    from transactions
    where member_id = any(${list(sql, members)}::uuid[]) and occurred_at > ${after} and occurred_at < ${before}
    order by occurred_at, transaction_id`
  if (transactions.length === 0) return NONE
  return { transactions, ...(await readOutcomes(sql, members)) }
}

async function readOutcomes(sql: Executor, members: readonly string[]): Promise<Omit<Later, 'transactions'>> {
  const ids = list(sql, members)
  const [returns, revaluations, confirmations] = await Promise.all([
    sql<rows.ReturnRow[]>`
      select transaction_id, return_id, lines, reversed from returns
      where member_id = any(${ids}::uuid[]) order by return_id`,
    sql<rows.RevaluationRow[]>`
      select distinct on (transaction_id) transaction_id, valuation, reversed from revaluations
      where member_id = any(${ids}::uuid[]) order by transaction_id, revaluation_id desc`,
    sql<rows.ConfirmationRow[]>`
      select transaction_id, outcome, automatic, occurred_at, decided from confirmations
      where member_id = any(${ids}::uuid[])`,
  ])
  return { returns, revaluations, confirmations }
}

/** Sales, by the member on whose book their points stand. */
export interface Overdue extends Later {
  readonly holders: ReadonlyMap<string, string>
}

/**
 * Sales whose points nobody has confirmed in time, and what the members did since: such points count no longer
 * from the sale on. A merged duplicate's sale is its own, though its points stand with the member.
 */
export async function readOverdue(sql: Executor, lots: readonly rows.LotRow[], now: Date): Promise<Overdue> {
  const holders = new Map<string, string>()
  for (const { member_id, lot_id, pending } of lots) {
    const { awaits } = specialKind(lot_id)
    if (awaits && pending > 0n && awaits.until <= now) holders.set(awaits.transactionId, member_id)
  }
  if (holders.size === 0) return { ...NONE, holders }
  const sales = await sql<rows.TransactionRow[]>`
    select member_id, transaction_id, rules_version, source, request, occurred_at, recorded_at, valuation
    from transactions where transaction_id = any(${list(sql, [...holders.keys()])}::uuid[])
    order by occurred_at, transaction_id`
  const since = new Map<string, Date>()
  for (const { transaction_id: id, occurred_at: at } of sales) {
    const holder = holders.get(id)!
    since.set(holder, earlier(since.get(holder) ?? null, at)!)
  }
  const [later, became] = await Promise.all([
    readLater(sql, since),
    readOutcomes(sql, [...new Set(sales.map(({ member_id }) => member_id))]),
  ])
  return { ...joined({ transactions: sales, ...became }, later), holders }
}

/** Both, each row once: of what is in both, the latter's. */
export function joined(a: Later, b: Later): Later {
  const once = <Row>(key: (row: Row) => string, all: readonly Row[]) => [
    ...new Map(all.map((row) => [key(row), row])).values(),
  ]
  const ofSale = ({ transaction_id }: { transaction_id: string }) => transaction_id
  return {
    transactions: once(ofSale, [...a.transactions, ...b.transactions]),
    returns: once(({ return_id }) => return_id, [...a.returns, ...b.returns]),
    revaluations: once(ofSale, [...a.revaluations, ...b.revaluations]),
    confirmations: once(ofSale, [...a.confirmations, ...b.confirmations]),
  }
}

function hasLadders({ program, at }: Command, rules: RulesInForce): boolean {
  return (rules.find(program, at)?.ladders.length ?? 0) > 0
}

// A time that cannot have been is the command's own refusal when it is decided; nothing is read for it.
function businessTime(text: string, now: Date): Date | null {
  try {
    return readInstant(text, now, '/occurredAt')
  } catch (error) {
    if (error instanceof DomainError) return null
    throw error
  }
}

function earlier(a: Date | null, b: Date | null): Date | null {
  if (a === null || b === null) return a ?? b
  return a < b ? a : b
}

/** What lapsed by inactivity and was not put back since: a late fact may prove that it had not lapsed. */
export async function readLapsed(sql: Executor, memberIds: readonly string[]): Promise<rows.LapsedRow[]> {
  return sql<rows.LapsedRow[]>`
    select member_id, lot_id, at, account as from_account, points
    from (
      select p.member_id, p.lot_id, e.occurred_at as at, p.points,
        case when e.kind = 'expire' then p.from_account else p.to_account end as account,
        sum(case when e.kind = 'expire' then 1 else -1 end) as times
      from entries e
      join postings p on p.member_id = e.member_id and p.entry_id = e.entry_id
      where e.member_id = any(${list(sql, memberIds)}::uuid[]) and e.kind in ('expire', 'reinstate')
        and p.lot_id like '%/idle/%' and 'expired' in (p.from_account, p.to_account)
      group by 1, 2, 3, 4, 5
    ) as lapses
    cross join generate_series(1, times)
    order by member_id, at, lot_id`
}
