/** A redemption: points spent for a reward or as a sum; held first, where the till wants to be sure. */
import { showId } from '../base/ids.ts'
import { type WireMoney, wirePoints } from '../base/points.ts'
import type { Length } from '../base/time.ts'
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
  /** paid by the member's pool, in proportion to balances */
  usePool?: boolean | undefined
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
  pool?: { poolId: string; shares: { memberId: string; points: number }[] }
  balances: WireBalance[]
}

export interface AdjustBody extends MemberReference {
  externalRef: string
  currency: string
  /** positive gives, negative takes; never zero */
  points: number
  reason: string
  /** who decided it; the API key's source stands beside it in any case */
  actor?: string | undefined
  occurredAt?: string | undefined
}

/** Lapses are put off by hand. */
export interface ExtendBody extends MemberReference {
  externalRef: string
  currency: string
  extend: Length
  reason: string
  occurredAt?: string | undefined
}

export interface ExtendReply {
  adjustmentId: string
  memberId: string
  currency: string
  points: number
  reason: string
  extended: { points: number; from: string; to: string }[]
  balances: WireBalance[]
}

export interface AdjustReply {
  adjustmentId: string
  memberId: string
  currency: string
  points: number
  reason: string
  actor?: string
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
  /** of one that a pool pays: who pays how much. Points and status above are those of the first share alone */
  readonly pool: Pooled | null
  /** of a further share: the redemption that was answered with */
  readonly partOf: string | null
}

/** A redemption that a pool pays. Each share is a redemption of its own member's, of which this is the head. */
export interface Pooled {
  readonly poolId: string
  /** who asked; pays a share like the others, or none */
  readonly memberId: string
  readonly points: bigint
  readonly captured: bigint
  readonly shares: readonly Share[]
}

export interface Share {
  readonly memberId: string
  readonly redemptionId: string
  readonly points: bigint
}

export interface WirePooled {
  poolId: string
  memberId: string
  points: number
  captured: number
  shares: { memberId: string; redemptionId: string; points: number }[]
}

/** As it is kept. */
export function keepPooled(pooled: Pooled): WirePooled {
  const { points, captured, shares } = pooled
  return {
    ...pooled,
    points: wirePoints(points),
    captured: wirePoints(captured),
    shares: shares.map((share) => ({ ...share, points: wirePoints(share.points) })),
  }
}

export function readPooled(kept: WirePooled): Pooled {
  return {
    ...kept,
    points: BigInt(kept.points),
    captured: BigInt(kept.captured),
    shares: kept.shares.map((share) => ({ ...share, points: BigInt(share.points) })),
  }
}

/** What a redemption looks like to a till, beside the member's balances. */
export function wireRedemption(redemption: Redemption): Omit<RedemptionReply, 'balances'> {
  const spent = redemption.status === 'captured' || redemption.status === 'reversed'
  const { pool } = redemption
  const whole = pool ?? redemption
  return {
    redemptionId: showId('redemption', redemption.redemptionId),
    memberId: showId('member', whole.memberId),
    status: redemption.status,
    currency: redemption.currency,
    points: wirePoints(spent ? whole.captured : whole.points),
    value: redemption.value,
    ...(redemption.rewardId !== null && { rewardId: redemption.rewardId }),
    ...(redemption.holdUntil !== null && { holdUntil: redemption.holdUntil.toISOString() }),
    ...(pool !== null && { pool: wirePooled(pool) }),
  }
}

function wirePooled({ poolId, shares }: Pooled): NonNullable<RedemptionReply['pool']> {
  return {
    poolId: showId('pool', poolId),
    shares: shares.map(({ memberId, points }) => ({
      memberId: showId('member', memberId),
      points: wirePoints(points),
    })),
  }
}
