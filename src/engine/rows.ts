/** Rows of the database as the engine reads them, and what they are in its own words. */

import type { WireMoney } from '../base/points.ts'
import { Decimal } from '../base/points.ts'
import type { Confirmation } from '../earning/confirm.ts'
import type { PastReturn, ReversedAward } from '../earning/return.ts'
import type { TransactionBody } from '../earning/transaction.ts'
import type { KeptValuation } from '../earning/valued.ts'
import type { Account } from '../ledger/account.ts'
import type { Lapsed } from '../ledger/book.ts'
import { type Draw, type Lot, specialKind } from '../ledger/lot.ts'
import type { Identifier, Member } from '../members/member.ts'
import {
  type Redemption,
  type RedemptionStatus,
  readPooled,
  type WirePooled,
} from '../redeeming/redemption.ts'
import type { FieldValue } from '../rules/facts.ts'
import type { CounterRow } from '../tiers/counters.ts'
import type { TierChange, TierState } from '../tiers/standing.ts'
import type { StoredTransaction } from './state.ts'

export interface MemberRow {
  member_id: string
  program: string
  external_ref: string
  status: Member['status']
  merged_into: string | null
  profile: Record<string, FieldValue>
  attributes: Record<string, FieldValue>
  consents: Record<string, boolean>
  enrolled_at: Date
  created_at: Date
  due_at: Date | null
  version: bigint
  /** as it was before this group */
  latest_at: Date | null
}

export interface IdentifierRow {
  program: string
  kind: string
  value: string
  member_id: string
  status: Identifier['status']
}

export interface AccountRow {
  member_id: string
  currency: string
  available: bigint
  pending: bigint
  held: bigint
  negative: bigint
  lifetime: bigint
  active_on: string | null
  lapses_at: Date | null
}

export interface LapsedRow {
  member_id: string
  lot_id: string
  at: Date
  from_account: Lapsed['from']
  points: bigint
}

export interface ConfirmationRow {
  transaction_id: string
  outcome: Confirmation['outcome']
  automatic: boolean
  occurred_at: Date
  decided: { currency: string; points: number; lotId: string }[]
}

export interface LotRow {
  member_id: string
  lot_id: string
  currency: string
  expires_at: Date | null
  usable_from: Date | null
  funder: string
  available: bigint
  pending: bigint
  held: bigint
  expired: bigint
}

export interface CounterDbRow {
  member_id: string
  counter: string
  day: string
  value: string
}

export interface TierChangeRow {
  member_id: string
  ladder: string
  from_tier: string
  to_tier: string
  direction: TierChange['direction']
  effective_at: Date
  until: Date | null
  reason: string
  state: TierState | null
}

export interface RedemptionRow {
  member_id: string
  redemption_id: string
  program: string
  source: string
  external_ref: string
  status: RedemptionStatus
  currency: string
  points: bigint
  captured: bigint
  reward_id: string | null
  value: WireMoney | null
  draws: { lotId: string; points: number }[]
  occurred_at: Date
  hold_until: Date | null
  pool: WirePooled | null
  part_of: string | null
}

export interface TransactionRow {
  member_id: string
  transaction_id: string
  rules_version: string
  source: string
  request: TransactionBody
  occurred_at: Date
  recorded_at: Date
  valuation: KeptValuation
}

export interface RevaluationRow {
  transaction_id: string
  valuation: KeptValuation
  reversed: Record<string, ReversedAward[]>
}

export interface ReturnRow {
  transaction_id: string
  return_id: string
  lines: PastReturn['lines']
  reversed: ReversedAward[]
}

export interface RecordedRow {
  program: string
  source: string
  operation: string
  external_ref: string
  request_hash: string
  reply: string
}

export function memberOf(row: MemberRow): Member {
  return {
    memberId: row.member_id,
    program: row.program,
    externalRef: row.external_ref,
    status: row.status,
    mergedInto: row.merged_into,
    profile: row.profile,
    attributes: row.attributes,
    consents: row.consents,
    enrolledAt: row.enrolled_at,
    createdAt: row.created_at,
  }
}

export function identifierOf({ kind, value, status }: IdentifierRow): Identifier {
  return { kind, value, status }
}

export function accountOfRow(row: AccountRow): Account {
  const { currency, available, pending, held, negative, lifetime } = row
  const clock = { activeOn: row.active_on, lapsesAt: row.lapses_at }
  return { currency, available, pending, held, negative, lifetime, ...clock }
}

export function lotOfRow(row: LotRow): Lot {
  return {
    lotId: row.lot_id,
    currency: row.currency,
    expiresAt: row.expires_at,
    usableFrom: row.usable_from,
    funder: row.funder,
    available: row.available,
    pending: row.pending,
    held: row.held,
    expired: row.expired,
    expiredSince: 0n,
    ...specialKind(row.lot_id),
  }
}

export function lapsedOf({ lot_id: lotId, at, from_account: from, points }: LapsedRow): Lapsed {
  return { lotId, at, from, points }
}

function confirmationOf(row: ConfirmationRow): Confirmation {
  return {
    outcome: row.outcome,
    automatic: row.automatic,
    occurredAt: row.occurred_at,
    decided: row.decided.map((part) => ({ ...part, points: BigInt(part.points) })),
  }
}

export function counterOf({ counter, day, value }: CounterDbRow): CounterRow {
  return { counter, day, value: new Decimal(value) }
}

export function tierChangeOf(row: TierChangeRow): TierChange {
  return {
    ladder: row.ladder,
    from: row.from_tier,
    to: row.to_tier,
    direction: row.direction,
    effectiveAt: row.effective_at,
    until: row.until,
    reason: row.reason,
    ...(row.state && { state: row.state }),
  }
}

export function redemptionOf(row: RedemptionRow): Redemption {
  return {
    redemptionId: row.redemption_id,
    memberId: row.member_id,
    program: row.program,
    source: row.source,
    externalRef: row.external_ref,
    status: row.status,
    currency: row.currency,
    points: row.points,
    captured: row.captured,
    rewardId: row.reward_id,
    value: row.value,
    draws: row.draws.map(({ lotId, points }): Draw => ({ lotId, points: BigInt(points) })),
    occurredAt: row.occurred_at,
    holdUntil: row.hold_until,
    pool: row.pool && readPooled(row.pool),
    partOf: row.part_of,
  }
}

/** As it holds now: the last valuation, and each return as that valuation sees it. */
export function transactionOf(
  row: TransactionRow,
  returns: readonly ReturnRow[],
  {
    revaluation,
    confirmation,
  }: { revaluation: RevaluationRow | undefined; confirmation: ConfirmationRow | undefined },
): StoredTransaction {
  return {
    transactionId: row.transaction_id,
    memberId: row.member_id,
    rulesVersion: row.rules_version,
    source: row.source,
    request: row.request,
    occurredAt: row.occurred_at,
    recordedAt: row.recorded_at,
    kept: revaluation?.valuation ?? row.valuation,
    returns: returns.map(({ return_id: returnId, lines, reversed }) => ({
      returnId,
      lines,
      reversed: revaluation?.reversed[returnId] ?? reversed,
    })),
    ...(confirmation && { confirmation: confirmationOf(confirmation) }),
  }
}
