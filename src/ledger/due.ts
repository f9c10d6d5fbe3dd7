/**
 * What falls due by itself: pending points become usable, lots lapse. Both are entries like any other,
 * dated at the instant at which they fell due, so it does not matter when the sweep comes round.
 */
import { payDebtFirst } from './accrue.ts'
import { accountOf, type Book, post } from './book.ts'
import { type Entry, type EntryKind, type Posting, posting } from './entry.ts'
import { type Lot, lapsed } from './lot.ts'

/** Posts everything due by `at` to the book and returns the entries, in order of their business time. */
export function settleLots(book: Book, input: { at: Date; nextId: () => string }): Entry[] {
  const entries: Entry[] = []
  const fall = (lot: Lot, due: Date, kind: EntryKind, postings: Posting[]) => {
    if (postings.length === 0) return
    const entry: Entry = {
      entryId: input.nextId(),
      kind,
      occurredAt: due,
      postings,
      detail: { lot: lot.lotId },
    }
    post(book, entry)
    entries.push(entry)
  }

  for (const { lot, due, what } of dueLots(book, input.at)) {
    if (what === 'release') fall(lot, due, 'release_pending', releaseLegs(book, lot))
    else fall(lot, due, 'expire', expiryLegs(lot))
  }
  return entries
}

/** The next instant at which a lot of the book changes by itself; null: none will. */
export function nextDue(book: Book): Date | null {
  let next: Date | null = null
  for (const lot of book.lots.values()) {
    for (const due of [
      lot.pending > 0n ? lot.usableFrom : null,
      lot.available > 0n || lot.pending > 0n ? lot.expiresAt : null,
    ]) {
      if (due !== null && (next === null || due < next)) next = due
    }
  }
  return next
}

// A lot both releases and lapses in its time; at the same instant the release comes first.
function dueLots(book: Book, at: Date): { lot: Lot; due: Date; what: 'release' | 'expire' }[] {
  const due: { lot: Lot; due: Date; what: 'release' | 'expire' }[] = []
  for (const lot of book.lots.values()) {
    if (lot.pending > 0n && lot.usableFrom !== null && lot.usableFrom <= at) {
      due.push({ lot, due: lot.usableFrom, what: 'release' })
    }
    if (lot.expiresAt !== null && lapsed(lot, at) && (lot.available > 0n || lot.pending > 0n)) {
      due.push({ lot, due: lot.expiresAt, what: 'expire' })
    }
  }
  return due.sort(
    (a, b) =>
      a.due.getTime() - b.due.getTime() ||
      (a.what === b.what ? 0 : a.what === 'release' ? -1 : 1) ||
      (a.lot.lotId < b.lot.lotId ? -1 : 1),
  )
}

function releaseLegs(book: Book, lot: Lot): Posting[] {
  const { currency, lotId } = lot
  const { negative } = accountOf(book, currency)
  return payDebtFirst(negative, lot.pending, (to, points) =>
    posting('pending', to, { currency, points, lotId }),
  )
}

function expiryLegs(lot: Lot): Posting[] {
  const { currency, lotId } = lot
  const legs: Posting[] = []
  if (lot.pending > 0n) legs.push(posting('pending', 'expired', { currency, points: lot.pending, lotId }))
  if (lot.available > 0n)
    legs.push(posting('available', 'expired', { currency, points: lot.available, lotId }))
  return legs
}
