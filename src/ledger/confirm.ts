/**
 * Points that await a confirmation stand in a lot of their transaction's own. Confirmed they go over into the
 * common lot of their expiry; cancelled they go back to where they were issued from.
 */
import { debtAfter, payDebtFirst } from './accrue.ts'
import { type Book, lotOf } from './book.ts'
import { cancelLegs } from './due.ts'
import { type Posting, posting } from './entry.ts'
import { keyOfLot, type Lot, usableKey } from './lot.ts'

/** What a transaction's awaiting lots come to, by currency. */
export interface Decided {
  readonly currency: string
  readonly points: bigint
  /** the lot that awaited */
  readonly lotId: string
}

/** The lots of a transaction that still hold points awaiting its confirmation, by id. */
export function awaitingLots(book: Book, transactionId: string): Lot[] {
  return [...book.lots.values()]
    .filter(({ awaits, pending }) => awaits?.transactionId === transactionId && pending > 0n)
    .sort((a, b) => (a.lotId < b.lotId ? -1 : 1))
}

export function confirmed(book: Book, lots: readonly Lot[]): { postings: Posting[]; decided: Decided[] } {
  const postings: Posting[] = []
  for (const lot of lots) {
    const { currency, lotId, pending: points } = lot
    const usable = lotOf(book, usableKey(keyOfLot(lotId)))
    postings.push(posting('pending', 'carried', { currency, points, lotId }))
    const arrived = { from: 'carried' as const, currency, points, lotId: usable.lotId }
    postings.push(...arriving(book, arrived, postings))
  }
  return { postings, decided: decidedOf(lots) }
}

export function cancelled(lots: readonly Lot[]): { postings: Posting[]; decided: Decided[] } {
  return { postings: lots.flatMap(cancelLegs), decided: decidedOf(lots) }
}

/** A confirmation that came in time but was told too late: points that were cancelled are issued again. */
export function confirmedAfterAll(book: Book, cancelledBefore: readonly Decided[]): Posting[] {
  const postings: Posting[] = []
  for (const { currency, points, lotId } of cancelledBefore) {
    const usable = lotOf(book, usableKey(keyOfLot(lotId)))
    const arrived = { from: 'issued' as const, currency, points, lotId: usable.lotId }
    postings.push(...arriving(book, arrived, postings))
  }
  return postings
}

function arriving(
  book: Book,
  what: { from: 'carried' | 'issued'; currency: string; points: bigint; lotId: string },
  before: readonly Posting[],
): Posting[] {
  const { from, currency, lotId } = what
  return payDebtFirst(debtAfter(book, currency, before), what.points, (to, points) =>
    posting(from, to, { currency, points, lotId: to === 'available' ? lotId : null }),
  )
}

function decidedOf(lots: readonly Lot[]): Decided[] {
  return lots.map(({ currency, pending, lotId }) => ({ currency, points: pending, lotId }))
}
