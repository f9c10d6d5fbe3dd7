/** A manual correction: points given or taken by a person, with a reason. */
import { wirePoints } from '../base/points.ts'
import { accrue } from '../ledger/accrue.ts'
import { type Book, post } from '../ledger/book.ts'
import { type Entry, postDraws } from '../ledger/entry.ts'
import { drawFromLots, type LotKey } from '../ledger/lot.ts'

export interface AdjustInput {
  readonly book: Book
  /** the lot that given points go into */
  readonly key: LotKey
  /** never zero; negative takes, and is refused where there are fewer */
  readonly points: bigint
  readonly reason: string
  readonly actor: string | undefined
  readonly occurredAt: Date
  readonly at: Date
  readonly nextId: () => string
}

export function adjust(input: AdjustInput): Entry {
  const { book, key, points } = input
  const postings =
    points > 0n
      ? accrue(book, key, { points, source: 'adjusted' })
      : postDraws('available', 'adjusted', {
          currency: key.currency,
          draws: drawFromLots(book.lots.values(), { currency: key.currency, points: -points, at: input.at }),
        })
  const entry: Entry = {
    entryId: input.nextId(),
    kind: 'adjust',
    occurredAt: input.occurredAt,
    postings,
    detail: {
      reason: input.reason,
      points: wirePoints(points),
      ...(input.actor !== undefined && { actor: input.actor }),
    },
  }
  post(book, entry)
  return entry
}
