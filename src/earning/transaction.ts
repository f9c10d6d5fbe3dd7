/**
 * A transaction as it comes in over the wire, and the facts that rules make of it. Every amount is in
 * the program's money; every attribute is one that the program declares.
 */
import type { WireMoney } from '../base/points.ts'
import type { WireBalance } from '../ledger/account.ts'
import type { MemberReference } from '../members/member.ts'
import type { FieldValue, LineKind } from '../rules/facts.ts'
import type { WireTier, WireTierChange } from '../tiers/standing.ts'

export interface LineBody {
  lineId: string
  sku?: string | undefined
  category?: string | undefined
  kind?: LineKind | undefined
  quantity: number
  net: WireMoney
  tax?: WireMoney | undefined
  gross?: WireMoney | undefined
  attributes?: Record<string, FieldValue> | undefined
}

export interface TransactionBody extends MemberReference {
  externalRef: string
  type: string
  occurredAt: string
  lines: LineBody[]
  tenders?: { kind: string; amount: WireMoney }[] | undefined
  location?: string | undefined
  channel?: string | undefined
  attributes?: Record<string, FieldValue> | undefined
}

/** Whose sale it was, told later. */
export interface AttachBody extends MemberReference {
  externalRef: string
}

/** Either everything that is left, or quantities by line. */
export interface ReturnBody {
  externalRef: string
  occurredAt: string
  all?: true | undefined
  lines?: { lineId: string; quantity: number }[] | undefined
}

/** A transaction whose points awaited it is confirmed, or will never be. */
export interface ConfirmBody {
  externalRef: string
  occurredAt: string
}

export interface ConfirmReply {
  transactionId: string
  memberId: string
  status: 'confirmed' | 'cancelled'
  /** points that became usable, or are gone */
  points: { currency: string; points: number }[]
  balances: WireBalance[]
  tier: WireTier | null
  tierChange?: WireTierChange
}

export interface WireAward {
  rule: string
  currency: string
  points: number
  lineId?: string
  /** the partner who pays for them; left out where the program does */
  funder?: string
  explanation: string
}

export interface EarnReply {
  transactionId: string
  memberId: string
  awards: WireAward[]
  balances: WireBalance[]
  /** of the program's first ladder; null where it has none */
  tier: WireTier | null
  tierChange?: WireTierChange
}

export interface ReturnReply {
  returnId: string
  transactionId: string
  memberId: string
  /** what is taken back, by rule and line, as positive points */
  reversed: { rule: string; currency: string; points: number; lineId?: string }[]
  /** what the till pays back: money for the part paid in money, points for the part paid with points */
  payBack: { money: WireMoney | null; points: { currency: string; points: number }[] }
  /** points that could not be taken back because they were spent and the program forgives them */
  forgiven: { currency: string; points: number }[]
  balances: WireBalance[]
  tier: WireTier | null
  tierChange?: WireTierChange
}
