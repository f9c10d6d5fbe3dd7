/**
 * Points that go from one member's book to another's: each side posts an entry of its own, through an
 * account of passage, so that what leaves here arrives there to the point. Lots keep their keys.
 */
import { invariant } from '../base/errors.ts'
import { wirePoints } from '../base/points.ts'
import { payDebtFirst } from './accrue.ts'
import { accountOf, type Book, lotOf } from './book.ts'
import { type Passage, type Posting, posting } from './entry.ts'
import { drawFromLots, keyOfLot, type LotKey } from './lot.ts'

export interface Incoming {
  readonly key: LotKey
  readonly points: bigint
}

/** The postings that take points in; as with any points that come in, a debt is paid off first. */
export function takeIn(book: Book, through: Passage, incoming: readonly Incoming[]): Posting[] {
  const debts = new Map<string, bigint>()
  return incoming.flatMap(({ key, points }) => {
    const { currency } = key
    const { lotId } = lotOf(book, key)
    const debt = debts.get(currency) ?? accountOf(book, currency).negative
    debts.set(currency, debt > points ? debt - points : 0n)
    return payDebtFirst(debt, points, (to, part) =>
      posting(through, to, { currency, points: part, lotId: to === 'available' ? lotId : null }),
    )
  })
}

/** Everything that a book holds, on its way out. Points that are held for a redemption cannot go. */
export function leaveAll(book: Book): Posting[] {
  const legs: Posting[] = []
  for (const { lotId, currency, available, pending, held, expired } of sortedLots(book)) {
    invariant(held === 0n, 'held points stay until the redemption is decided')
    if (available > 0n) legs.push(posting('available', 'merged', { currency, points: available, lotId }))
    if (pending > 0n) legs.push(posting('pending', 'merged', { currency, points: pending, lotId }))
    // What has lapsed goes along: a return of the sale that gave it looks for it there.
    if (expired > 0n) legs.push(posting('expired', 'merged', { currency, points: expired, lotId }))
  }
  for (const { currency, negative } of book.accounts.values()) {
    if (negative > 0n) legs.push(posting('merged', 'negative', { currency, points: negative, lotId: null }))
  }
  return legs
}

/** What came from a member and may go back to it, by lot, and by currency for debts and points ever earned. */
export interface Brought {
  readonly lots: ReadonlyMap<string, bigint>
  readonly debts: ReadonlyMap<string, bigint>
}

/**
 * What was brought, as far as it is still there: of each lot what it holds, pending points first. What was
 * spent or has lapsed in between stays spent, whoever brought it.
 */
export function leaveBrought(book: Book, brought: Brought): Posting[] {
  const legs: Posting[] = []
  for (const { lotId, currency, available, pending, expired } of sortedLots(book)) {
    const most = brought.lots.get(lotId) ?? 0n
    const waiting = least(most, pending)
    const usable = least(most - waiting, available)
    const gone = least(most - waiting - usable, expired)
    if (waiting > 0n) legs.push(posting('pending', 'merged', { currency, points: waiting, lotId }))
    if (usable > 0n) legs.push(posting('available', 'merged', { currency, points: usable, lotId }))
    if (gone > 0n) legs.push(posting('expired', 'merged', { currency, points: gone, lotId }))
  }
  for (const { currency, negative } of book.accounts.values()) {
    const points = least(brought.debts.get(currency) ?? 0n, negative)
    if (points > 0n) legs.push(posting('merged', 'negative', { currency, points, lotId: null }))
  }
  return legs
}

/** The other side of `leaveAll` and `leaveBrought`, but for debts. */
export function arrive(book: Book, left: readonly Posting[]): Posting[] {
  const usable = left.filter(({ from }) => from === 'available')
  const others = left.filter(({ from }) => from === 'pending' || from === 'expired')
  const taken = takeIn(
    book,
    'merged',
    usable.map(({ lotId, points }) => ({ key: keyOfLot(lotId!), points })),
  )
  for (const { lotId } of others) lotOf(book, keyOfLot(lotId!))
  return [
    ...taken,
    ...others.map(({ from, currency, lotId, points }) =>
      posting('merged', from, { currency, points, lotId }),
    ),
  ]
}

/** The debts that came over; the member's own points pay them at once. To be taken after `arrive` is posted. */
export function assumeDebts(book: Book, left: readonly Posting[], at: Date): Posting[] {
  return left
    .filter(({ to }) => to === 'negative')
    .flatMap(({ currency, points }) => {
      const paid = least(points, accountOf(book, currency).available)
      const draws = paid > 0n ? drawFromLots(book.lots.values(), { currency, points: paid, at }) : []
      const legs = draws.map((draw) =>
        posting('available', 'merged', { currency, points: draw.points, lotId: draw.lotId }),
      )
      const owed = points - paid
      return owed > 0n
        ? [...legs, posting('negative', 'merged', { currency, points: owed, lotId: null })]
        : legs
    })
}

/** Everything usable and pending, forfeited. Debts and held points stay as they are. */
export function forfeitAll(book: Book): Posting[] {
  return sortedLots(book).flatMap(({ lotId, currency, available, pending }) => [
    ...(available > 0n ? [posting('available', 'forfeited', { currency, points: available, lotId })] : []),
    ...(pending > 0n ? [posting('pending', 'forfeited', { currency, points: pending, lotId })] : []),
  ])
}

/** Points ever earned, by currency, where there are any. */
export function lifetimesOf(book: Book): Record<string, number> {
  return Object.fromEntries(
    [...book.accounts.values()]
      .filter(({ lifetime }) => lifetime !== 0n)
      .map(({ currency, lifetime }) => [currency, wirePoints(lifetime)]),
  )
}

export function negated(lifetimes: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(lifetimes).map(([currency, points]) => [currency, -points]))
}

// By id, so that the same books always give the same entry.
function sortedLots(book: Book) {
  return [...book.lots.values()].sort((a, b) => (a.lotId < b.lotId ? -1 : 1))
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
