/**
 * A return takes points back: out of the lot they went into, also where they have lapsed since, then out of
 * whatever lapses first. What was spent in between is forgiven or becomes a debt, as the program says.
 */
import { accountOf, type Book, lotOf } from './book.ts'
import { type Posting, posting } from './entry.ts'
import { extendedFrom } from './extend.ts'
import { drawFromLots, keyOfLot, usableKey } from './lot.ts'

export type ClawPolicy = 'pending_only' | 'to_zero' | 'negative'

/** The postings that take back `points`, and how many of them nothing can be done about. */
export function clawBack(
  book: Book,
  policy: ClawPolicy,
  what: { currency: string; points: bigint; lotId: string; at: Date },
): { postings: Posting[]; forgiven: bigint } {
  const { currency } = what
  const postings: Posting[] = []
  let owed = what.points
  const take = (from: 'pending' | 'available' | 'expired', lotId: string, most: bigint) => {
    const points = most < owed ? most : owed
    if (points === 0n) return
    postings.push(posting(from, 'issued', { currency, points, lotId }))
    owed -= points
  }

  const origin = lotOf(book, keyOfLot(what.lotId))
  const usable = origin.awaits ? lotOf(book, usableKey(keyOfLot(what.lotId))) : origin
  // Where the points are, if they are still there: confirmed since, or living on for longer.
  const own = new Set([origin, ...extendedFrom(book, origin), usable, ...extendedFrom(book, usable)])
  for (const lot of own) take('pending', lot.lotId, lot.pending)
  if (policy === 'pending_only') return { postings, forgiven: owed }
  for (const lot of own) take('available', lot.lotId, lot.available)
  // What has lapsed is gone already; taking other points for it would charge the member twice. What lapsed by
  // inactivity is of many sales: the caller has put this one's back, see `putBackSome`.
  for (const lot of own) if (!lot.idle) take('expired', lot.lotId, lot.expired)

  let elsewhere = accountOf(book, currency).available
  for (const lot of own) elsewhere -= lot.available
  const drawn = owed < elsewhere ? owed : elsewhere
  if (drawn > 0n) {
    const others = [...book.lots.values()].filter((lot) => !own.has(lot))
    for (const draw of drawFromLots(others, { currency, points: drawn, at: what.at })) {
      take('available', draw.lotId, draw.points)
    }
  }
  if (policy === 'to_zero' || owed === 0n) return { postings, forgiven: owed }
  postings.push(posting('negative', 'issued', { currency, points: owed, lotId: null }))
  return { postings, forgiven: 0n }
}
