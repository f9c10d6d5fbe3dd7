/**
 * Whose commands these are: cards, transactions and redemptions that a group names lead to members, at the cost
 * of one round trip before the members are locked.
 */
import { type Executor, list } from '../db/connection.ts'
import type { WirePooled } from '../redeeming/redemption.ts'
import { columns } from './columns.ts'
import type { Command } from './command.ts'
import type { RulesInForce } from './deciding.ts'
import { type Needs, wantCountersFrom } from './needs.ts'
import type * as rows from './rows.ts'
import { type GroupState, identifierKey } from './state.ts'

/** Whom a group's commands name otherwise than by id. */
export type Owners = Pick<GroupState, 'identifiers' | 'transactionOwners' | 'redemptionOwners'> & {
  memberIds: string[]
  /** business times of the transactions named */
  soldAt: ReadonlyMap<string, Date>
}

/** The member of a command, as far as it is known before members are read. */
export function memberNamed({ program, request }: Command, owners: Owners): string | undefined {
  if (request.kind === 'return' || request.kind === 'confirm' || request.kind === 'cancel')
    return owners.transactionOwners.get(request.transactionId)
  if (request.kind !== 'earn' && request.kind !== 'attach' && request.kind !== 'adjust') return undefined
  const { memberId, identifier } = request.body
  if (memberId !== undefined || !identifier) return memberId
  return owners.identifiers.get(identifierKey(program, identifier.kind, identifier.value))?.memberId
}

export async function readOwners(
  sql: Executor,
  needs: Needs,
  since: { rules: RulesInForce; at: Date },
): Promise<Owners> {
  const [identifiers, transactions, redemptions] = await Promise.all([
    readIdentifiers(sql, needs.identifiers),
    needs.transactionIds.size === 0
      ? []
      : sql<{ id: string; member_id: string; program: string; occurred_at: Date }[]>`
          select transaction_id as id, member_id, program, occurred_at from transactions
          where transaction_id = any(${list(sql, [...needs.transactionIds])}::uuid[])`,
    needs.redemptionIds.size === 0
      ? []
      : sql<{ id: string; member_id: string; pool: WirePooled | null }[]>`
          select redemption_id as id, member_id, pool from redemptions
          where redemption_id = any(${list(sql, [...needs.redemptionIds])}::uuid[])`,
  ])
  // A return is valued, and the ladders climbed again, from the day of its sale on.
  for (const { program, occurred_at } of transactions)
    wantCountersFrom(needs, { ...since, program, occurredAt: occurred_at })
  const shares = redemptions.flatMap(({ pool }) => pool?.shares ?? [])
  for (const { redemptionId } of shares) needs.redemptionIds.add(redemptionId)
  for (const { pool } of redemptions) if (pool) needs.memberIds.add(pool.memberId)
  return {
    identifiers: new Map(
      identifiers.map((row) => [
        identifierKey(row.program, row.kind, row.value),
        { memberId: row.member_id, status: row.status },
      ]),
    ),
    transactionOwners: new Map(transactions.map((row) => [row.id, row.member_id])),
    soldAt: new Map(transactions.map((row) => [row.id, row.occurred_at])),
    redemptionOwners: new Map(redemptions.map((row) => [row.id, row.member_id])),
    memberIds: [
      ...[...identifiers, ...transactions, ...redemptions].map((row) => row.member_id),
      ...shares.map(({ memberId }) => memberId),
    ],
  }
}

async function readIdentifiers(sql: Executor, wanted: Needs['identifiers']): Promise<rows.IdentifierRow[]> {
  if (wanted.length === 0) return []
  const [program, kind, value] = columns(wanted, (one) => [one.program, one.kind, one.value])
  return sql<rows.IdentifierRow[]>`
    select i.program, i.kind, i.value, i.member_id, i.status
    from unnest(${program!}::text[], ${kind!}::text[], ${value!}::text[]) as v(program, kind, value)
    join identifiers i on i.program = v.program and i.kind = v.kind and i.value = v.value`
}
