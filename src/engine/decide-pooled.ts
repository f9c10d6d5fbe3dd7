/** Redemptions that a pool pays, as commands on all of its members at once. */
import { DomainError, invariant } from '../base/errors.ts'
import { showId } from '../base/ids.ts'
import { wirePoints } from '../base/points.ts'
import { poolTerms } from '../members/pool.ts'
import { type PlaceInput, spendableCurrency } from '../redeeming/place.ts'
import {
  type Pooled,
  type Redemption,
  type RedemptionReply,
  wireRedemption,
} from '../redeeming/redemption.ts'
import {
  captureShares,
  type OpenShare,
  placeShares,
  releaseShares,
  reverseShares,
  type ShareOutcome,
} from '../redeeming/share.ts'
import type { Request } from './command.ts'
import { announce, balancesOf, beside, type Deciding, record } from './deciding.ts'
import { settleAfter, settleBefore } from './settle.ts'

/** Refuses a member without a pool, and what the pool as a whole cannot pay. */
export function redeemFromPool(deciding: Deciding, input: Omit<PlaceInput, 'book'>): RedemptionReply {
  const { household } = deciding.group
  const { memberId } = deciding.state.member
  poolTerms(deciding.program)
  const pool = household.pools.get(household.poolOf.get(memberId) ?? '')
  if (!pool) throw new DomainError('not_in_pool', { memberId: showId('member', memberId) })

  const members = pool.members
    .map((one) => opened(deciding, one.memberId))
    // Who was closed or merged while joining pays for nothing any more.
    .filter(({ state }) => state.member.status === 'active')
  const placed = placeShares(input, {
    poolId: pool.poolId,
    purses: members.map(({ state }) => ({ memberId: state.member.memberId, book: state.book })),
  })
  const outcomes = placed.map((one) => ({ ...one, memberId: one.redemption.memberId }))
  return conclude(deciding, outcomes, { isNew: true })
}

/** Captures, releases or reverses every share of a redemption, given its head. */
export function closePooled(
  deciding: Deciding,
  request: Extract<Request, { kind: 'capture' | 'release' | 'reverse' }>,
  head: Redemption & { pool: Pooled },
): RedemptionReply {
  const { command, program, nextId } = deciding
  const shares = head.pool.shares.map((share): OpenShare => {
    const { state } = opened(deciding, share.memberId)
    const redemption = state.redemptions.get(share.redemptionId)
    invariant(redemption, 'the shares of a redemption are loaded with it')
    return { memberId: state.member.memberId, book: state.book, redemption }
  })
  const input = { shares, nextId, at: command.at }
  const asked = request.kind === 'capture' ? request.body.points : undefined
  const points = asked === undefined ? null : BigInt(asked)
  const outcomes =
    request.kind === 'capture'
      ? captureShares(input, { points, currency: spendableCurrency(program, head.currency) })
      : request.kind === 'release'
        ? releaseShares(input)
        : reverseShares(input)
  return conclude(deciding, outcomes, { isNew: false })
}

function opened(deciding: Deciding, memberId: string): Deciding {
  const isNew = !deciding.drafts.has(memberId)
  const member = beside(deciding, memberId)
  if (isNew) settleBefore(member)
  return member
}

function conclude(
  deciding: Deciding,
  outcomes: readonly ShareOutcome[],
  { isNew }: { isNew: boolean },
): RedemptionReply {
  const { command } = deciding
  const [head] = outcomes
  invariant(head?.redemption.pool, 'the first share carries the whole')
  const { pool } = head.redemption
  const asking = opened(deciding, pool.memberId)
  for (const { memberId, redemption, entry } of outcomes) {
    const member = beside(deciding, memberId)
    if (entry) record(member, entry)
    deciding.writes.redemptions.push({ command, redemption, isNew })
    const redemptions = new Map(member.state.redemptions).set(redemption.redemptionId, redemption)
    member.state = { ...member.state, redemptions }
    settleAfter(member)
    if (member !== asking && entry) tell(member, head.redemption, redemption)
  }
  const wire = wireRedemption(head.redemption)
  announce(asking, `redemption.${head.redemption.status}`, {
    redemptionId: wire.redemptionId,
    currency: wire.currency,
    points: wire.points,
    poolId: showId('pool', pool.poolId),
  })
  return { ...wire, balances: balancesOf(asking) }
}

/** What somebody else in the pool did with this member's points. */
function tell(member: Deciding, head: Redemption, share: Redemption): void {
  const spent = share.status === 'captured' || share.status === 'reversed'
  announce(member, `pool.${share.status}`, {
    redemptionId: showId('redemption', head.redemptionId),
    poolId: showId('pool', head.pool!.poolId),
    currency: share.currency,
    points: wirePoints(spent ? share.captured : share.points),
  })
}
