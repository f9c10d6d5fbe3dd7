/** A redemption: points spent for a reward or as a sum; held first, where the till wants to be sure. */
import { showId } from '../base/ids.ts'
import { type WireMoney, wirePoints } from '../base/points.ts'
import type { WireBalance } from '../ledger/account.ts'
import type { Draw } from '../ledger/lot.ts'
import type { MemberReference } from '../members/member.ts'

export type RedemptionStatus = 'held' | 'captured' | 'released' | 'expired' | 'reversed'

/** Either a reward, or points of a currency. */
export interface RedeemBody extends MemberReference {
  externalRef: string
  rewardId?: string | undefined
  currency?: string | undefined
  points?: number | undefined
  occurredAt?: string | undefined
  hold?: { seconds: number } | undefined
}

export interface CaptureBody {
  externalRef?: string | undefined
  /** fewer than held: the rest goes back */
  points?: number | undefined
}

export interface CloseBody {
  externalRef?: string | undefined
  reason?: string | undefined
}

export interface RedemptionReply {
  redemptionId: string
  memberId: string
  status: RedemptionStatus
  currency: string
  points: number
  value: WireMoney | null
  rewardId?: string
  holdUntil?: string
  balances: WireBalance[]
}

export interface AdjustBody extends MemberReference {
  externalRef: string
  currency: string
  /** positive gives, negative takes; never zero */
  points: number
  reason: string
  occurredAt?: string | undefined
}

export interface AdjustReply {
  adjustmentId: string
  memberId: string
  currency: string
  points: number
  reason: string
  balances: WireBalance[]
}

/** A redemption as recorded. `draws` are the lots that the points it still holds or has spent came from. */
export interface Redemption {
  readonly redemptionId: string
  readonly memberId: string
  readonly program: string
  readonly source: string
  readonly externalRef: string
  readonly status: RedemptionStatus
  readonly currency: string
  readonly points: bigint
  readonly captured: bigint
  readonly rewardId: string | null
  readonly value: WireMoney | null
  readonly draws: readonly Draw[]
  readonly occurredAt: Date
  readonly holdUntil: Date | null
}

/** What a redemption looks like to a till, beside the member's balances. */
export function wireRedemption(redemption: Redemption): Omit<RedemptionReply, 'balances'> {
  const spent = redemption.status === 'captured' || redemption.status === 'reversed'
  return {
    redemptionId: showId('redemption', redemption.redemptionId),
    memberId: showId('member', redemption.memberId),
    status: redemption.status,
    currency: redemption.currency,
    points: wirePoints(spent ? redemption.captured : redemption.points),
    value: redemption.value,
    ...(redemption.rewardId !== null && { rewardId: redemption.rewardId }),
    ...(redemption.holdUntil !== null && { holdUntil: redemption.holdUntil.toISOString() }),
  }
}
