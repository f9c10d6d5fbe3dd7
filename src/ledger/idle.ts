/**
 * Points that lapse by inactivity, when a fact arrives late: from the days with activity follow the instants
 * at which everything lapsed. A lapse that a late activity proves not to have been is undone by an entry of
 * its instant; what had lapsed then lapses at the next instant that still holds, or lives on.
 */
import { type Day, startOfDay } from '../base/time.ts'
import { accountOf, type Book, type Lapsed, lotOf, post } from './book.ts'
import { type Entry, type EntryKind, type Posting, posting } from './entry.ts'
import { keyOfLot } from './lot.ts'

/** The instants by `at` at which points lapsed by inactivity: wherever no activity came in time. */
export function idleLapses(
  days: Iterable<Day>,
  by: { lapseOf: (day: Day) => Date; zone: string; at: Date },
): Date[] {
  const sorted = [...new Set(days)].sort()
  return sorted.flatMap((day, index) => {
    const lapse = by.lapseOf(day)
    const next = sorted[index + 1]
    const inTime = next !== undefined && startOfDay(by.zone, next) < lapse
    return lapse <= by.at && !inTime ? [lapse] : []
  })
}

/** The first lapse after an instant; null: none so far. */
export function firstLapseAfter(lapses: readonly Date[], at: Date): Date | null {
  return lapses.find((lapse) => lapse > at) ?? null
}

/**
 * Puts back what lapsed at instants that are no longer lapses, and lets it lapse again where it must. The
 * book knows what lapsed when. Returns the entries, posted, in order of their business time.
 */
export function undoLapses(
  book: Book,
  input: { currency: string; before: readonly Date[]; after: readonly Date[]; nextId: () => string },
): Entry[] {
  const holds = new Set(input.after.map((lapse) => lapse.getTime()))
  const entries: Entry[] = []
  for (const undone of input.before) {
    if (holds.has(undone.getTime())) continue
    const lapsed = book.lapsed.filter(
      ({ lotId, at }) => at.getTime() === undone.getTime() && keyOfLot(lotId).currency === input.currency,
    )
    if (lapsed.length === 0) continue
    entries.push(enter(book, 'reinstate', { at: undone, postings: backLegs(book, lapsed), input }))
    const next = firstLapseAfter(input.after, undone)
    const again = next && lapsed.flatMap((part) => againLegs(book, part))
    if (next && again && again.length > 0)
      entries.push(enter(book, 'expire', { at: next, postings: again, input }))
  }
  return entries
}

/** Lets points lapse that a late fact has just brought into a lot, where they would have lapsed since. */
export function lapseLate(
  book: Book,
  input: { lotId: string; points: bigint; at: Date; nextId: () => string },
): Entry[] {
  const { currency, usableFrom, awaits } = keyOfLot(input.lotId)
  const postings = againLegs(book, { ...input, from: usableFrom || awaits ? 'pending' : 'available' })
  return postings.length > 0
    ? [enter(book, 'expire', { at: input.at, postings, input: { ...input, currency } })]
    : []
}

/**
 * Puts back so many of a lot's points that lapsed at an instant as a return is about to take: having lapsed, they
 * had not been spent. The rest of what lapsed then lapses again, at the same instant.
 */
export function putBackSome(
  book: Book,
  input: { lotId: string; points: bigint; at: Date; nextId: () => string },
): Entry[] {
  const { lotId, at } = input
  const { currency } = keyOfLot(lotId)
  lotOf(book, keyOfLot(lotId))
  const entries: Entry[] = []
  let owed = input.points
  for (const part of book.lapsed.filter((one) => one.lotId === lotId && one.at.getTime() === at.getTime())) {
    if (owed === 0n) break
    const { from, points } = part
    const taken = points < owed ? points : owed
    const on = { at, input: { ...input, currency } }
    const back = posting('expired', from, { currency, points, lotId })
    entries.push(enter(book, 'reinstate', { ...on, postings: [back] }))
    const rest = points - taken
    const again = rest > 0n ? [posting(from, 'expired', { currency, points: rest, lotId })] : []
    if (again.length > 0) entries.push(enter(book, 'expire', { ...on, postings: again }))
    owed -= taken
  }
  return entries
}

function enter(
  book: Book,
  kind: EntryKind,
  what: { at: Date; postings: Posting[]; input: { currency: string; nextId: () => string } },
): Entry {
  const entry: Entry = {
    entryId: what.input.nextId(),
    kind,
    occurredAt: what.at,
    postings: what.postings,
    detail: { currency: what.input.currency, by: 'inactivity' },
  }
  post(book, entry)
  return entry
}

// Points that come back pay off a debt first, like any others; they pass through their lot, so that it can
// be told from the postings how much of a lapse was undone.
function backLegs(book: Book, lapsed: readonly Lapsed[]): Posting[] {
  let debt = 0n
  const legs: Posting[] = []
  for (const { lotId, from, points } of lapsed) {
    const { currency } = lotOf(book, keyOfLot(lotId))
    if (legs.length === 0) debt = accountOf(book, currency).negative
    legs.push(posting('expired', from, { currency, points, lotId }))
    const paid = from === 'available' ? (debt < points ? debt : points) : 0n
    if (paid > 0n) legs.push(posting('available', 'negative', { currency, points: paid, lotId }))
    debt -= paid
  }
  return legs
}

function againLegs(book: Book, part: Pick<Lapsed, 'lotId' | 'from' | 'points'>): Posting[] {
  const lot = lotOf(book, keyOfLot(part.lotId))
  // Some may have paid off a debt on the way.
  const points = lot[part.from] < part.points ? lot[part.from] : part.points
  const { currency, lotId } = lot
  return points > 0n ? [posting(part.from, 'expired', { currency, points, lotId })] : []
}
