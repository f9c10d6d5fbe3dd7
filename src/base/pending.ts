/**
 * How long points stay pending: not at all, for a length of time, until a date, or until what earned them is
 * confirmed, with a time after which they are cancelled. Pending points never pay for anything.
 */
import { addLength, type Day, dayOf, type Length, startOfDay } from './time.ts'

export type PendingPolicy =
  | { readonly kind: 'none' }
  | ({ readonly kind: 'after' } & Length)
  /** usable from the beginning of this day; what is earned later is usable at once */
  | { readonly kind: 'until'; readonly day: Day }
  /** cancelled unless confirmed within this time */
  | ({ readonly kind: 'confirmed' } & Length)

/** The instant from which points earned at `at` are usable; null: at once, or only by a confirmation. */
export function usableFrom(policy: PendingPolicy, zone: string, at: Date): Date | null {
  if (policy.kind === 'after') return startOfDay(zone, addLength(dayOf(zone, at), policy))
  if (policy.kind === 'until' && dayOf(zone, at) < policy.day) return startOfDay(zone, policy.day)
  return null
}

/**
 * The instant at which points earned at `at` are cancelled if nobody has confirmed them: the end of the last
 * day, so that `30 days` leaves the whole of the thirtieth. Null where they await no confirmation.
 */
export function cancelsAt(policy: PendingPolicy, zone: string, at: Date): Date | null {
  if (policy.kind !== 'confirmed') return null
  const last = addLength(dayOf(zone, at), policy)
  return startOfDay(zone, addLength(last, { count: 1, unit: 'day' }))
}
