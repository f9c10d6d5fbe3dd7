/**
 * A transaction whose points await it is confirmed, cancelled, or cancelled because nobody confirmed it in
 * time. A confirmation that came in time counts even if it is told of after the points were cancelled.
 */
import { DomainError } from '../base/errors.ts'
import { showId } from '../base/ids.ts'
import { type Book, post } from '../ledger/book.ts'
import { awaitingLots, cancelled, confirmed, confirmedAfterAll, type Decided } from '../ledger/confirm.ts'
import type { Entry, Posting } from '../ledger/entry.ts'
import { earnedInto, keyOfLot } from '../ledger/lot.ts'

/** How it was decided about the points of a transaction that awaited it. */
export interface Confirmation {
  readonly outcome: 'confirmed' | 'cancelled'
  /** nobody cancelled it, its time ran out */
  readonly automatic: boolean
  readonly occurredAt: Date
  readonly decided: readonly Decided[]
}

/** Whether the points that a sale earned into a lot were cancelled, also where they were put off meanwhile. */
export function isCancelled(confirmation: Confirmation | null, lotId: string | undefined): boolean {
  if (confirmation?.outcome !== 'cancelled') return false
  return confirmation.decided.some((part) => earnedInto(part.lotId) === lotId)
}

export interface ConfirmInput {
  readonly book: Book
  readonly transactionId: string
  readonly outcome: Confirmation['outcome']
  readonly occurredAt: Date
  /** how it was decided before; null: it was not */
  readonly before: Confirmation | null
  /** what its awards come to after returns, by currency */
  readonly left: ReadonlyMap<string, bigint>
  readonly nextId: () => string
}

/** Posts the decision. Refuses `transaction_not_pending` where nothing awaits one. */
export function confirm(input: ConfirmInput): {
  entry: Entry
  confirmation: Confirmation
  wasCancelled: boolean
} {
  const { book, before, outcome, occurredAt } = input
  const lots = awaitingLots(book, input.transactionId)
  const decided = before === null ? [] : stillLeft(before.decided, input.left)
  if (before !== null && outcome === 'confirmed' && isInTime(before, occurredAt) && decided.length > 0) {
    const entry = enter(input, confirmedAfterAll(book, decided))
    return { entry, confirmation: { outcome, automatic: false, occurredAt, decided }, wasCancelled: true }
  }
  if (before !== null || lots.length === 0) {
    throw new DomainError('transaction_not_pending', {
      transactionId: showId('transaction', input.transactionId),
      ...(before && { outcome: before.outcome, since: before.occurredAt.toISOString() }),
    })
  }
  const { postings, decided: now } = outcome === 'confirmed' ? confirmed(book, lots) : cancelled(lots)
  const entry = enter(input, postings)
  return { entry, confirmation: { outcome, automatic: false, occurredAt, decided: now }, wasCancelled: false }
}

/** Of what was cancelled, what has not been returned since. */
function stillLeft(decided: readonly Decided[], left: ReadonlyMap<string, bigint>): Decided[] {
  const rest = new Map(left)
  return decided.flatMap((part) => {
    const most = rest.get(part.currency) ?? 0n
    const points = part.points < most ? part.points : most
    rest.set(part.currency, most - points)
    return points > 0n ? [{ ...part, points }] : []
  })
}

// Only what ran out by itself can have been confirmed all the same.
function isInTime({ automatic, decided }: Confirmation, occurredAt: Date): boolean {
  if (!automatic) return false
  return decided.every(({ lotId }) => {
    const { awaits } = keyOfLot(lotId)
    return awaits !== undefined && occurredAt < awaits.until
  })
}

function enter(input: ConfirmInput, postings: Posting[]): Entry {
  const entry: Entry = {
    entryId: input.nextId(),
    kind: input.outcome === 'confirmed' ? 'confirm' : 'cancel',
    occurredAt: input.occurredAt,
    transactionId: input.transactionId,
    postings,
  }
  post(input.book, entry)
  return entry
}
