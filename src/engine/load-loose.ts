/** Sales without a member, and keys that can be credited once: what stands beside members, by its own key. */
import { type Executor, list } from '../db/connection.ts'
import { claimOf } from '../earning/claim.ts'
import type { TransactionBody } from '../earning/transaction.ts'
import { columns } from './columns.ts'
import type { Command } from './command.ts'
import type { RulesInForce } from './deciding.ts'
import { claimKey, type LooseSale } from './state.ts'

interface LooseRow {
  readonly transaction_id: string
  readonly program: string
  readonly source: string
  readonly request: TransactionBody
  readonly occurred_at: Date
  readonly member_id: string | null
}

/**
 * The sales that the group attaches, or that a return or a confirmation names in vain. Locked before any member is,
 * so that nobody waits in a circle.
 */
export async function readLoose(
  sql: Executor,
  commands: readonly Command[],
  lock: boolean,
): Promise<Map<string, LooseSale>> {
  const ids = new Set<string>()
  for (const { request } of commands) {
    if (namesASale(request)) ids.add(request.transactionId)
  }
  if (ids.size === 0) return new Map()
  const wanted = list(sql, [...ids].sort())
  const rows = lock
    ? await sql<LooseRow[]>`
        update loose_sales s set version = s.version + 1
        from unnest(${wanted}::uuid[]) as v(transaction_id) where s.transaction_id = v.transaction_id
        returning s.transaction_id, s.program, s.source, s.request, s.occurred_at, s.member_id`
    : await sql<LooseRow[]>`
        select transaction_id, program, source, request, occurred_at, member_id from loose_sales
        where transaction_id = any(${wanted}::uuid[])`
  return new Map(
    rows.map((row) => [
      row.transaction_id,
      {
        transactionId: row.transaction_id,
        program: row.program,
        source: row.source,
        request: row.request,
        occurredAt: row.occurred_at,
        memberId: row.member_id,
      },
    ]),
  )
}

type NamingASale = Extract<Command['request'], { kind: 'attach' | 'return' | 'confirm' | 'cancel' }>

function namesASale(request: Command['request']): request is NamingASale {
  const { kind } = request
  return kind === 'attach' || kind === 'return' || kind === 'confirm' || kind === 'cancel'
}

/** Whose the sales are that the group would attach though they never were without a member. */
export async function readAttached(
  sql: Executor,
  commands: readonly Command[],
  loose: ReadonlyMap<string, LooseSale>,
): Promise<Map<string, string>> {
  const asked = commands.flatMap(({ program, request }) =>
    request.kind === 'attach' && !loose.has(request.transactionId)
      ? [{ program, transactionId: request.transactionId }]
      : [],
  )
  if (asked.length === 0) return new Map()
  const rows = await sql<{ id: string; program: string; member_id: string }[]>`
    select transaction_id as id, program, member_id from transactions
    where transaction_id = any(${list(
      sql,
      asked.map(({ transactionId }) => transactionId),
    )}::uuid[])`
  const own = rows.filter(({ id, program }) =>
    asked.some((one) => one.transactionId === id && one.program === program),
  )
  return new Map(own.map(({ id, member_id }) => [id, member_id]))
}

/** Of what the group's sales claim, what was credited before: the transaction, by claimKey. */
export async function readClaims(
  sql: Executor,
  commands: readonly Command[],
  known: { rules: RulesInForce; loose: ReadonlyMap<string, LooseSale> },
): Promise<Map<string, string>> {
  const wanted: { program: string; type: string; claim: string }[] = []
  for (const command of commands) {
    const { request, program } = command
    const body =
      request.kind === 'earn'
        ? request.body
        : request.kind === 'attach'
          ? known.loose.get(request.transactionId)?.request
          : undefined
    if (!body) continue
    // The rules of the day decide; which fields are unique is asked of those that are in force there.
    const claim = claimUnder(known.rules, program, body)
    if (claim !== null) wanted.push({ program, type: body.type, claim })
  }
  if (wanted.length === 0) return new Map()
  const [program, type, claim] = columns(wanted, (row) => [row.program, row.type, row.claim])
  const rows = await sql<{ program: string; type: string; claim: string; transaction_id: string }[]>`
    select c.program, c.type, c.claim, c.transaction_id
    from unnest(${program!}::text[], ${type!}::text[], ${claim!}::text[]) as v(program, type, claim)
    join claims c on c.program = v.program and c.type = v.type and c.claim = v.claim`
  return new Map(rows.map((row) => [claimKey(row.program, row.type, row.claim), row.transaction_id]))
}

function claimUnder(rules: RulesInForce, program: string, body: TransactionBody): string | null {
  const at = new Date(body.occurredAt)
  if (Number.isNaN(at.getTime())) return null
  const inForce = rules.find(program, at)
  return inForce && claimOf(inForce, body)
}
