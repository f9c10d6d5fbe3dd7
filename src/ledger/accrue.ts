/** Points come in: a debt is paid off first, the rest goes into the lot of its expiry. */

import { DomainError } from '../base/errors.ts'
import { MAX_POINTS, wirePoints } from '../base/points.ts'
import { accountOf, type Book, lotOf } from './book.ts'
import { type Posting, type ProgramAccount, posting } from './entry.ts'
import { emptyLot, type LotKey } from './lot.ts'

/**
 * The postings that give `points`, from the program's `source` account. Pending points pay off a debt
 * only when they become usable, since until then they never pay for anything. `after`: postings of the same
 * entry that come first and are not in the book yet.
 */
export function accrue(
  book: Book,
  key: LotKey,
  what: { points: bigint; source: ProgramAccount; after?: readonly Posting[] },
): Posting[] {
  const lot = lotOf(book, key)
  const { currency } = key
  if (key.usableFrom !== null || key.awaits) {
    return [posting(what.source, 'pending', { currency, points: what.points, lotId: lot.lotId })]
  }
  const debt = debtAfter(book, currency, what.after ?? [])
  return payDebtFirst(debt, what.points, (to, points) =>
    posting(what.source, to, { currency, points, lotId: to === 'available' ? lot.lotId : null }),
  )
}

/**
 * Where nothing is owed: what posting `accrue` does to the points of a book that is thrown away in the end, so
 * that no entry is made and nothing is marked to be written. `lotId` is the key's.
 */
export function receive(book: Book, { key, lotId }: { key: LotKey; lotId: string }, points: bigint): void {
  const { currency } = key
  const account = accountOf(book, currency)
  const purpose = key.usableFrom !== null || key.awaits ? 'pending' : 'available'
  const sum = account[purpose] + points
  if (sum > MAX_POINTS)
    throw new DomainError('points_out_of_range', { currency, maximum: wirePoints(MAX_POINTS) })
  account[purpose] = sum
  account.lifetime += points
  let lot = book.lots.get(lotId)
  if (lot === undefined) {
    lot = emptyLot(key)
    book.lots.set(lotId, lot)
  }
  lot[purpose] += points
}

/** What is still owed once the postings are in the book. */
export function debtAfter(book: Book, currency: string, postings: readonly Posting[]): bigint {
  const paid = postings.filter((leg) => leg.to === 'negative' && leg.currency === currency)
  return paid.reduce((debt, { points }) => debt - points, accountOf(book, currency).negative)
}

/** Splits points into what pays off a debt and what becomes available. */
export function payDebtFirst(
  debt: bigint,
  points: bigint,
  leg: (to: 'negative' | 'available', points: bigint) => Posting,
): Posting[] {
  const paid = debt < points ? debt : points
  const legs: Posting[] = []
  if (paid > 0n) legs.push(leg('negative', paid))
  if (points > paid) legs.push(leg('available', points - paid))
  return legs
}
