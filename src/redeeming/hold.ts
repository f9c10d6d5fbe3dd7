/** The life of a hold: capture (all or part), release, lapse; and the reversal of what was captured. */
import { DomainError } from '../base/errors.ts'
import { showId } from '../base/ids.ts'
import { wirePoints } from '../base/points.ts'
import { type Book, lotOf, post } from '../ledger/book.ts'
import { type AccountName, type Entry, type EntryKind, type Posting, postDraws } from '../ledger/entry.ts'
import { type Draw, keyOfLot, splitDraws } from '../ledger/lot.ts'
import type { Currency } from '../program/program.ts'
import { worth } from './place.ts'
import type { Redemption } from './redemption.ts'

export interface HoldInput {
  readonly redemption: Redemption
  readonly book: Book
  readonly nextId: () => string
  readonly at: Date
}

export interface HoldOutcome {
  readonly redemption: Redemption
  readonly entry: Entry
}

/** Spends what was held; where fewer points are named, the rest goes back. Null: all of it. */
export function capture(input: HoldInput, what: { points: bigint | null; currency: Currency }): HoldOutcome {
  const { redemption } = input
  mustBeHeld(redemption)
  const points = what.points ?? redemption.points
  if (points > redemption.points) {
    throw new DomainError('above_maximum', {
      requested: wirePoints(points),
      maximum: wirePoints(redemption.points),
    })
  }
  const { first, rest } = splitDraws(redemption.draws, points)
  const postings = [
    ...moved(input, first, ['held', 'redeemed']),
    ...moved(input, rest, ['held', 'available']),
  ]
  const value = points === redemption.points ? redemption.value : worth(what.currency, points)
  return record(
    input,
    { kind: 'capture', at: input.at, postings },
    {
      ...redemption,
      status: 'captured',
      captured: points,
      draws: first,
      value,
    },
  )
}

/** Gives back what was held. */
export function release(input: HoldInput): HoldOutcome {
  mustBeHeld(input.redemption)
  const postings = moved(input, input.redemption.draws, ['held', 'available'])
  return record(
    input,
    { kind: 'release', at: input.at, postings },
    { ...input.redemption, status: 'released' },
  )
}

/** A hold whose time is up lets go by itself, dated at that instant. */
export function lapse(input: HoldInput): HoldOutcome {
  const { redemption } = input
  const postings = moved(input, redemption.draws, ['held', 'available'])
  return record(
    input,
    { kind: 'expire_hold', at: redemption.holdUntil ?? input.at, postings },
    {
      ...redemption,
      status: 'expired',
    },
  )
}

/** Undoes a redemption: the points return to the lots they came from, with their old expiry. */
export function reverse(input: HoldInput): HoldOutcome {
  const { redemption } = input
  if (redemption.status !== 'captured') {
    throw new DomainError('redemption_not_captured', {
      redemptionId: showId('redemption', redemption.redemptionId),
      status: redemption.status,
    })
  }
  const postings = moved(input, redemption.draws, ['redeemed', 'available'])
  return record(
    input,
    { kind: 'reverse', at: input.at, postings, reverses: redemption.redemptionId },
    {
      ...redemption,
      status: 'reversed',
    },
  )
}

export function isDue(redemption: Redemption, at: Date): boolean {
  return redemption.status === 'held' && redemption.holdUntil !== null && redemption.holdUntil <= at
}

function mustBeHeld(redemption: Redemption): void {
  if (redemption.status === 'held') return
  const code = redemption.status === 'expired' ? 'hold_expired' : 'redemption_not_held'
  throw new DomainError(code, {
    redemptionId: showId('redemption', redemption.redemptionId),
    status: redemption.status,
    ...(redemption.holdUntil && { holdUntil: redemption.holdUntil.toISOString() }),
  })
}

function moved(input: HoldInput, draws: readonly Draw[], [from, to]: [AccountName, AccountName]): Posting[] {
  // An emptied lot may not have been read: open it again before points go back into it.
  for (const { lotId } of draws) lotOf(input.book, keyOfLot(lotId))
  return postDraws(from, to, { currency: input.redemption.currency, draws })
}

function record(
  input: HoldInput,
  what: { kind: EntryKind; at: Date; postings: readonly Posting[]; reverses?: string },
  redemption: Redemption,
): HoldOutcome {
  const entry: Entry = {
    entryId: input.nextId(),
    kind: what.kind,
    occurredAt: what.at,
    redemptionId: redemption.redemptionId,
    postings: what.postings,
    ...(what.reverses !== undefined && { reverses: what.reverses }),
  }
  post(input.book, entry)
  return { redemption, entry }
}
