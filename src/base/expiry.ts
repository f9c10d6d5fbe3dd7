/**
 * When points lapse: the policies that a program can declare, and the arithmetic from a business day to the
 * instant of lapsing. Points are usable strictly before that instant, which is always the start of a day.
 */
import {
  addDays,
  addLength,
  type Day,
  dayAt,
  dayOf,
  endOf as endOfUnit,
  type Length,
  lengthOf,
  partsOf,
  startOfDay,
  type Unit,
} from './time.ts'

/** What a reached day is rounded up to the end of: a unit, a named month (1 to 12), or the member's birth month. */
export type EndOf =
  | Unit
  | { readonly month: number }
  /** the attribute with the date of birth; null: the usual one, `birthDate` */
  | { readonly birthOf: string | null }

/** A day that comes every year; 29 February is 28 February where there is none. */
export interface YearDay {
  readonly month: number
  readonly day: number
}

export interface IdlePolicy extends Length {
  readonly kind: 'idle'
  readonly endOf: EndOf
  /** `earn`, `redeem`, `adjustment` or types of transactions: what starts the time anew */
  readonly activity: readonly string[]
}

export type ExpiryPolicy =
  | { readonly kind: 'never' }
  | ({ readonly kind: 'after'; readonly endOf: EndOf } & Length)
  /** the last days of points, ascending: the first one on or after the day of earning; after the last: never */
  | { readonly kind: 'dates'; readonly days: readonly Day[] }
  /** the first of these days, in any year, that lies on or after the day of earning plus `after` */
  | { readonly kind: 'yearly'; readonly days: readonly YearDay[]; readonly after: Length | null }
  /** all points of the currency together, so long after the last activity */
  | IdlePolicy

/** Remembered by policy, which is made once for a version of a program. */
const lapses = new WeakMap<ExpiryPolicy, Map<string, Date | null>>()
const MOST_REMEMBERED = 20_000

/**
 * The instant at which points earned at `at` lapse: they are usable strictly before it. Null: never, or by
 * inactivity, which no single lot can tell. `12 months, end of month` from 14 March 2026 is midnight after
 * 31 March 2027. Where the month of birth is needed and not known, the month reached takes its place.
 */
export function lapsesAt(
  policy: ExpiryPolicy,
  zone: string,
  from: { at: Date; birthMonth?: number | null },
): Date | null {
  if (policy.kind === 'never' || policy.kind === 'idle') return null
  return lapseAfter(policy, zone, { day: dayOf(zone, from.at), birthMonth: from.birthMonth ?? null })
}

/**
 * The instant to which a lapse is put off by a length of time, counted from the last usable day and rounded up
 * as the policy rounds, so that the end of a month stays one.
 */
export function putOff(
  policy: ExpiryPolicy,
  zone: string,
  off: { lapse: Date; by: Length; birthMonth: number | null },
): Date {
  const last = addLength(addDays(dayOf(zone, off.lapse), -1), off.by)
  const end = policy.kind === 'after' ? roundedUp(policy.endOf, last, off.birthMonth) : last
  return startOfDay(zone, addDays(end, 1))
}

/** The instant at which points lapse by inactivity, the last activity having been on a day. */
export function idleLapse(
  policy: IdlePolicy,
  zone: string,
  from: { day: Day; birthMonth?: number | null },
): Date {
  return lapseAfter(policy, zone, { day: from.day, birthMonth: from.birthMonth ?? null })!
}

function lapseAfter(
  policy: Exclude<ExpiryPolicy, { kind: 'never' }>,
  zone: string,
  from: { day: Day; birthMonth: number | null },
): Date | null {
  let known = lapses.get(policy)
  if (!known || known.size >= MOST_REMEMBERED) {
    known = new Map()
    lapses.set(policy, known)
  }
  const key = `${zone} ${from.day} ${from.birthMonth}`
  let lapse = known.get(key)
  if (lapse === undefined) {
    const last = lastDay(policy, from)
    lapse = last === null ? null : startOfDay(zone, addDays(last, 1))
    known.set(key, lapse)
  }
  return lapse
}

/** The last day on which points are usable. */
function lastDay(
  policy: Exclude<ExpiryPolicy, { kind: 'never' }>,
  { day, birthMonth }: { day: Day; birthMonth: number | null },
): Day | null {
  switch (policy.kind) {
    case 'after':
    case 'idle':
      return roundedUp(policy.endOf, addLength(day, policy), birthMonth)
    case 'dates':
      return policy.days.find((last) => last >= day) ?? null
    case 'yearly': {
      const reached = policy.after ? addLength(day, policy.after) : day
      return policy.days.map((each) => nextYearDay(each, reached)).sort()[0] ?? null
    }
  }
}

function roundedUp(end: EndOf, day: Day, birthMonth: number | null): Day {
  if (typeof end === 'string') return endOfUnit(end, day)
  const month = 'month' in end ? end.month : birthMonth
  if (month === null) return endOfUnit('month', day)
  const [year, reached] = partsOf(day)
  const inYear = reached <= month ? year : year + 1
  return dayAt(inYear, month, lengthOf(inYear, month))
}

function nextYearDay({ month, day }: YearDay, from: Day): Day {
  const [year] = partsOf(from)
  const inYear = (each: number) => dayAt(each, month, Math.min(day, lengthOf(each, month)))
  return inYear(year) >= from ? inYear(year) : inYear(year + 1)
}

/** What is known of a member that a policy may ask for. */
export interface BornMember {
  readonly attributes: Readonly<Record<string, unknown>>
  readonly profile: Readonly<Record<string, unknown>>
}

/** The birth month that a policy rounds up to, where it does and it is known: 1 to 12. */
export function birthMonthFor(policy: ExpiryPolicy, member: BornMember): number | null {
  if (policy.kind !== 'after' && policy.kind !== 'idle') return null
  const { endOf } = policy
  if (typeof endOf === 'string' || !('birthOf' in endOf)) return null
  const { attributes, profile } = member
  return monthOf(
    endOf.birthOf === null ? (attributes.birthDate ?? profile.birthDate) : attributes[endOf.birthOf],
  )
}

/** The month of a date such as 1984-02-29; null where it is none. */
function monthOf(date: unknown): number | null {
  if (typeof date !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(date)) return null
  const month = Number(date.slice(5, 7))
  return month >= 1 && month <= 12 ? month : null
}
