/**
 * Points live on for longer: they go over, by an entry, into a lot that lapses later and remembers when they
 * would have lapsed. What is held stays where it is, and so does what has lapsed.
 */
import { type Book, lotOf } from './book.ts'
import { type Posting, posting } from './entry.ts'
import { type Lot, type LotKey, lapsed } from './lot.ts'

export interface Extended {
  readonly points: bigint
  readonly from: Date
  readonly to: Date
}

/** The postings that put off every lapse of a currency's that is still to come, as `later` says. */
export function extend(
  book: Book,
  what: { currency: string; at: Date; later: (lapse: Date) => Date },
): { postings: Posting[]; extended: Extended[] } {
  const postings: Posting[] = []
  const extended: Extended[] = []
  for (const lot of [...book.lots.values()].sort((a, b) => (a.lotId < b.lotId ? -1 : 1))) {
    const points = lot.available + lot.pending
    if (lot.currency !== what.currency || lot.expiresAt === null || points === 0n || lapsed(lot, what.at))
      continue
    const to = what.later(lot.expiresAt)
    if (to <= lot.expiresAt) continue
    const target = lotOf(book, { ...keyOf(lot), expiresAt: to, was: lot.was ?? lot.expiresAt })
    for (const account of ['pending', 'available'] as const) {
      const moved = { currency: lot.currency, points: lot[account] }
      if (moved.points === 0n) continue
      postings.push(posting(account, 'carried', { ...moved, lotId: lot.lotId }))
      postings.push(posting('carried', account, { ...moved, lotId: target.lotId }))
    }
    extended.push({ points, from: lot.expiresAt, to })
  }
  return { postings, extended }
}

/** The lots that points of a lot may have gone over into, by id, so that a return always takes the same. */
export function extendedFrom(book: Book, origin: Lot): Lot[] {
  const { currency, expiresAt, usableFrom, funder, awaits } = origin
  if (expiresAt === null) return []
  const lots = [...book.lots.values()].filter(
    (lot) =>
      lot.was?.getTime() === expiresAt.getTime() &&
      lot.currency === currency &&
      lot.funder === funder &&
      lot.usableFrom?.getTime() === usableFrom?.getTime() &&
      lot.awaits?.transactionId === awaits?.transactionId,
  )
  return lots.sort((a, b) => (a.lotId < b.lotId ? -1 : 1))
}

function keyOf({ currency, expiresAt, usableFrom, funder, awaits }: Lot): LotKey {
  return { currency, expiresAt, usableFrom, funder, ...(awaits && { awaits }) }
}
