/**
 * A redemption that a pool pays: every member pays in proportion to what they have, and is paid back the
 * same share of whatever goes back. Each share is a redemption of its member's own, so every book stands alone.
 */
import { DomainError, invariant } from '../base/errors.ts'
import { apportion, wirePoints } from '../base/points.ts'
import type { Book } from '../ledger/book.ts'
import type { Entry } from '../ledger/entry.ts'
import type { Currency } from '../program/program.ts'
import { capture, release, reverse } from './hold.ts'
import { type Placed, type PlaceInput, placeFor, priceOf, worth } from './place.ts'
import type { Pooled, Redemption } from './redemption.ts'

export interface PoolPurse {
  readonly memberId: string
  readonly book: Book
}

/**
 * One redemption for each member who pays, the head of them first: the asking member's, or where that one
 * has nothing, the first who does. Refuses what the pool as a whole cannot pay.
 */
export function placeShares(
  input: Omit<PlaceInput, 'book'>,
  pool: { poolId: string; purses: readonly PoolPurse[] },
): [Placed, ...Placed[]] {
  const price = priceOf(input)
  const { currency, points } = price
  const purses = [...pool.purses].sort((a, b) => byAsking(input.memberId, a.memberId, b.memberId))
  const weights = purses.map(({ book }) => book.accounts.get(currency.id)?.available ?? 0n)
  const available = weights.reduce((sum, weight) => sum + weight, 0n)
  if (available < points) {
    throw new DomainError('insufficient_points', {
      currency: currency.id,
      requested: wirePoints(points),
      available: wirePoints(available),
    })
  }
  const shares = apportion(points, weights)
  const placed = purses.flatMap(({ memberId, book }, index) => {
    const share = shares[index]!
    if (share === 0n) return []
    return [placeFor({ ...input, memberId, book }, { currency, points: share, value: null })]
  })
  const [first, ...others] = placed
  invariant(first, 'a price is of at least one point')
  const held = first.redemption.status === 'held'
  const pooled: Pooled = {
    poolId: pool.poolId,
    memberId: input.memberId,
    points,
    captured: held ? 0n : points,
    shares: placed.map(({ redemption }) => ({
      memberId: redemption.memberId,
      redemptionId: redemption.redemptionId,
      points: redemption.points,
    })),
  }
  const head = { ...first.redemption, value: price.value, pool: pooled }
  const partOf = head.redemptionId
  return [
    { ...first, redemption: head },
    ...others.map(({ redemption, entry }) => ({ entry, redemption: { ...redemption, partOf } })),
  ]
}

function byAsking(asking: string, a: string, b: string): number {
  if (a === asking || b === asking) return a === asking ? -1 : 1
  return a < b ? -1 : 1
}

/** A share on its member's book, the head first, as for `placeShares`. */
export interface OpenShare extends PoolPurse {
  readonly redemption: Redemption
}

export interface SharesInput {
  readonly shares: readonly OpenShare[]
  readonly nextId: () => string
  readonly at: Date
}

export interface ShareOutcome {
  /** whose book was posted to */
  readonly memberId: string
  readonly redemption: Redemption
  /** null: nothing moved */
  readonly entry: Entry | null
}

/** Spends what the pool set aside, or fewer points: then each gets back in proportion to its share. */
export function captureShares(
  input: SharesInput,
  what: { points: bigint | null; currency: Currency },
): ShareOutcome[] {
  const head = headOf(input)
  const points = what.points ?? head.pool.points
  if (points > head.pool.points) {
    const [requested, maximum] = [wirePoints(points), wirePoints(head.pool.points)]
    throw new DomainError('above_maximum', { requested, maximum })
  }
  const parts = apportion(
    points,
    input.shares.map(({ redemption }) => redemption.points),
  )
  const value = points === head.pool.points ? head.value : worth(what.currency, points)
  return input.shares.map((share, index) => {
    const { redemption, entry } = capture(holdInput(input, share), {
      points: parts[index]!,
      currency: what.currency,
    })
    return { memberId: share.memberId, entry, redemption: withHead(redemption, { value, captured: points }) }
  })
}

export function releaseShares(input: SharesInput): ShareOutcome[] {
  return input.shares.map((share) => ({ memberId: share.memberId, ...release(holdInput(input, share)) }))
}

/** Undoes it: every member gets back what they paid, in the lots that it came from. */
export function reverseShares(input: SharesInput): ShareOutcome[] {
  return input.shares.map((share) => {
    const { memberId, redemption } = share
    // Where so little was captured that this member paid none of it, there is nothing to post.
    if (redemption.status === 'captured' && redemption.captured === 0n) {
      return { memberId, redemption: { ...redemption, status: 'reversed' }, entry: null }
    }
    return { memberId, ...reverse(holdInput(input, share)) }
  })
}

function headOf({ shares }: SharesInput): Redemption & { pool: Pooled } {
  const head = shares[0]?.redemption
  invariant(head?.pool, 'the first share carries the whole')
  return { ...head, pool: head.pool }
}

function holdInput({ nextId, at }: SharesInput, { redemption, book }: OpenShare) {
  return { redemption, book, nextId, at }
}

function withHead(redemption: Redemption, what: Pick<Redemption, 'value' | 'captured'>): Redemption {
  if (redemption.pool === null) return { ...redemption, value: null }
  return { ...redemption, value: what.value, pool: { ...redemption.pool, captured: what.captured } }
}
