/**
 * What falls due by itself: pending points become usable or are cancelled, lots lapse. All are entries like
 * any other, dated at the instant at which they fell due, so it does not matter when the sweep comes round.
 */
import { payDebtFirst } from './accrue.ts'
import { accountOf, type Book, post } from './book.ts'
import { type Entry, type EntryKind, type Posting, posting } from './entry.ts'
import type { Lot } from './lot.ts'

/** At the same instant a release comes before a cancellation, and both before the lapse. */
const order = ['release_pending', 'cancel', 'expire'] as const
type DueKind = (typeof order)[number]

/** Posts everything due by `at` to the book and returns the entries, in order of their business time. */
export function settleLots(book: Book, input: { at: Date; nextId: () => string }): Entry[] {
  const entries: Entry[] = []
  for (const { lot, due, what } of dueLots(book, input.at)) {
    const postings = legsOf[what](book, lot)
    if (postings.length === 0) continue
    const entry: Entry = {
      entryId: input.nextId(),
      kind: what,
      occurredAt: due,
      postings,
      ...(what === 'cancel' && lot.awaits && { transactionId: lot.awaits.transactionId }),
      detail: { lot: lot.lotId },
    }
    post(book, entry)
    entries.push(entry)
  }
  return entries
}

/** The next instant at which a lot of the book changes by itself; null: none will. */
export function nextDue(book: Book): Date | null {
  let next: Date | null = null
  const consider = (due: Date | null | undefined) => {
    if (due && (next === null || due < next)) next = due
  }
  for (const lot of book.lots.values()) {
    if (lot.pending > 0n) {
      consider(lot.usableFrom)
      consider(lot.awaits?.until)
    }
    if (lot.available > 0n || lot.pending > 0n) consider(lapseOf(book, lot))
  }
  // Where lots were not read, some of the account's points may be of those that lapse by inactivity.
  if (!book.lotsKnown) {
    for (const account of book.accounts.values())
      if (account.available + account.pending > 0n) consider(account.lapsesAt)
  }
  return next
}

/** The instant at which a lot's points lapse, by its own expiry or by inactivity; null: not in sight. */
export function lapseOf(book: Book, lot: Lot): Date | null {
  return lot.idle ? accountOf(book, lot.currency).lapsesAt : lot.expiresAt
}

function dueLots(book: Book, at: Date): { lot: Lot; due: Date; what: DueKind }[] {
  const due: { lot: Lot; due: Date; what: DueKind }[] = []
  for (const lot of book.lots.values()) {
    if (lot.pending > 0n && lot.usableFrom !== null && lot.usableFrom <= at) {
      due.push({ lot, due: lot.usableFrom, what: 'release_pending' })
    }
    if (lot.pending > 0n && lot.awaits && lot.awaits.until <= at) {
      due.push({ lot, due: lot.awaits.until, what: 'cancel' })
    }
    const lapse = lapseOf(book, lot)
    if (lapse !== null && lapse <= at && (lot.available > 0n || lot.pending > 0n)) {
      due.push({ lot, due: lapse, what: 'expire' })
    }
  }
  return due.sort(
    (a, b) =>
      a.due.getTime() - b.due.getTime() ||
      order.indexOf(a.what) - order.indexOf(b.what) ||
      (a.lot.lotId < b.lot.lotId ? -1 : 1),
  )
}

const legsOf: Record<DueKind & EntryKind, (book: Book, lot: Lot) => Posting[]> = {
  release_pending: releaseLegs,
  cancel: (_book, lot) => cancelLegs(lot),
  expire: (_book, lot) => expiryLegs(lot),
}

function releaseLegs(book: Book, lot: Lot): Posting[] {
  const { currency, lotId } = lot
  const { negative } = accountOf(book, currency)
  return payDebtFirst(negative, lot.pending, (to, points) =>
    posting('pending', to, { currency, points, lotId }),
  )
}

/** Points that are not to be after all: they go back to where they were issued from. */
export function cancelLegs({ currency, lotId, pending }: Lot): Posting[] {
  return pending > 0n ? [posting('pending', 'issued', { currency, points: pending, lotId })] : []
}

function expiryLegs(lot: Lot): Posting[] {
  const { currency, lotId } = lot
  const legs: Posting[] = []
  if (lot.pending > 0n) legs.push(posting('pending', 'expired', { currency, points: lot.pending, lotId }))
  if (lot.available > 0n)
    legs.push(posting('available', 'expired', { currency, points: lot.available, lotId }))
  return legs
}
