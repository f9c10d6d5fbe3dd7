/** When a member's points lapse: every point of the lots stands in it once, so that its sums are the balances. */
import type { Book } from './book.ts'
import { lapseOf } from './due.ts'
import type { Lot } from './lot.ts'

/** Points of one currency that lapse at one instant. */
export interface Expiry {
  readonly currency: string
  /** null: never, or by inactivity while the member is exempt */
  readonly at: Date | null
  readonly by: 'date' | 'inactivity' | 'never'
  available: bigint
  pending: bigint
  held: bigint
}

/** Points that are not usable yet. */
export interface Waiting {
  readonly currency: string
  readonly points: bigint
  readonly usableFrom: Date | null
  /** await a confirmation until then */
  readonly confirmBy: Date | null
  readonly transactionId: string | null
  readonly at: Date | null
}

/** Soonest first, what never lapses last. */
export function scheduleOf(book: Book): Expiry[] {
  const sums = new Map<string, Expiry>()
  for (const lot of book.lots.values()) {
    if (lot.available === 0n && lot.pending === 0n && lot.held === 0n) continue
    const at = lapseOf(book, lot)
    const by = lot.idle ? 'inactivity' : at === null ? 'never' : 'date'
    const key = `${lot.currency} ${by} ${at?.getTime()}`
    const sum = sums.get(key) ?? { currency: lot.currency, at, by, available: 0n, pending: 0n, held: 0n }
    sums.set(key, sum)
    sum.available += lot.available
    sum.pending += lot.pending
    sum.held += lot.held
  }
  return [...sums.values()].sort((a, b) => soonest(a.at, b.at) || (a.by < b.by ? -1 : 1))
}

/** Pending points by what they wait for, soonest first. */
export function waitingOf(book: Book): Waiting[] {
  const waiting = [...book.lots.values()].filter(({ pending }) => pending > 0n)
  const until = (lot: Lot) => lot.usableFrom ?? lot.awaits?.until ?? null
  return waiting
    .sort((a, b) => soonest(until(a), until(b)) || (a.lotId < b.lotId ? -1 : 1))
    .map((lot) => ({
      currency: lot.currency,
      points: lot.pending,
      usableFrom: lot.usableFrom,
      confirmBy: lot.awaits?.until ?? null,
      transactionId: lot.awaits?.transactionId ?? null,
      at: lapseOf(book, lot),
    }))
}

function soonest(a: Date | null, b: Date | null): number {
  const left = a?.getTime() ?? Number.POSITIVE_INFINITY
  const right = b?.getTime() ?? Number.POSITIVE_INFINITY
  return left === right ? 0 : left < right ? -1 : 1
}
