/**
 * Points that one member gives to another, on the program's terms. The giver pays the fee on top; the points
 * keep the lots that they are in, with their expiry, unless the program counts them anew.
 */

import { DomainError } from '../base/errors.ts'
import { Decimal, toPoints, wirePoints } from '../base/points.ts'
import type { WireBalance } from '../ledger/account.ts'
import { type Book, post } from '../ledger/book.ts'
import { type Entry, postDraws } from '../ledger/entry.ts'
import { takeIn } from '../ledger/handover.ts'
import { drawFromLots, keyOfLot, type LotKey, splitDraws } from '../ledger/lot.ts'
import type { MemberReference } from '../members/member.ts'
import { currencyNamed } from '../program/currency.ts'
import type { Currency, Program, TransferTerms } from '../program/program.ts'

export interface TransferBody {
  externalRef: string
  from: MemberReference
  to: MemberReference
  currency: string
  points: number
  reason?: string | undefined
}

export interface TransferReply {
  transferId: string
  from: string
  to: string
  currency: string
  points: number
  /** paid by the giver on top */
  fee: number
  reason?: string
  /** the giver's: what the receiver has is the receiver's own affair */
  balances: WireBalance[]
}

export interface TransferInput {
  readonly terms: TransferTerms
  readonly currency: string
  readonly points: bigint
  readonly from: Book
  readonly to: Book
  /** the lot that points would go into if they were earned now */
  readonly anew: LotKey
  readonly at: Date
  readonly nextId: () => string
  /** what both entries say about it */
  readonly detail: Readonly<Record<string, unknown>>
}

export interface Transferred {
  readonly out: Entry
  readonly in: Entry
  readonly fee: bigint
}

/** The currency and its terms; refuses what the program does not let members give away. */
export function transferTerms(program: Program, id: string): { currency: Currency; terms: TransferTerms } {
  const currency = currencyNamed(program, id)
  const terms = program.transfers.get(id)
  if (!terms) throw new DomainError('transfer_not_allowed', { currency: id })
  return { currency, terms }
}

/** Refuses an amount that the terms do not allow; `given` is what this member gave in the limit's period. */
export function checkTransfer(
  terms: TransferTerms,
  what: { currency: string; points: bigint; given: bigint },
): void {
  const { currency, points, given } = what
  const { minimum, maximum, step, limit } = terms
  const details = { currency, requested: wirePoints(points) }
  if (points < minimum) throw new DomainError('below_minimum', { ...details, minimum: wirePoints(minimum) })
  if (maximum !== null && points > maximum)
    throw new DomainError('above_maximum', { ...details, maximum: wirePoints(maximum) })
  if (points % step !== 0n) throw new DomainError('not_a_step', { ...details, step: wirePoints(step) })
  if (limit !== null && given + points > limit.points) {
    throw new DomainError('limit_reached', {
      limit: `given away: ${limit.text}`,
      maximum: wirePoints(limit.points),
      given: wirePoints(given),
      requested: wirePoints(points),
    })
  }
}

function feeOf({ fee }: TransferTerms, points: bigint): bigint {
  if ('points' in fee) return fee.points
  return toPoints(new Decimal(points.toString()).times(fee.percent).dividedBy(100), 'ceil')
}

/** Posts both sides. Refuses `insufficient_points` where the giver cannot pay gift and fee. */
export function transfer(input: TransferInput): Transferred {
  const { terms, currency, points, from, to, at, nextId } = input
  const fee = feeOf(terms, points)
  const draws = drawFromLots(from.lots.values(), { currency, points: points + fee, at })
  const { first: gift, rest: paid } = splitDraws(draws, points)
  const detail = { ...input.detail, points: wirePoints(points), fee: wirePoints(fee) }
  const out: Entry = {
    entryId: nextId(),
    kind: 'transfer_out',
    occurredAt: at,
    postings: [
      ...postDraws('available', 'transferred', { currency, draws: gift }),
      ...postDraws('available', 'fees', { currency, draws: paid }),
    ],
    detail,
  }
  post(from, out)

  const incoming = gift.map((draw) => {
    const key = keyOfLot(draw.lotId)
    // Whoever pays for the points goes on paying for them.
    return {
      points: draw.points,
      key: terms.expires === 'kept' ? key : { ...input.anew, funder: key.funder },
    }
  })
  const arrived: Entry = {
    entryId: nextId(),
    kind: 'transfer_in',
    occurredAt: at,
    postings: takeIn(to, 'transferred', incoming),
    detail,
  }
  post(to, arrived)
  return { out, in: arrived, fee }
}
