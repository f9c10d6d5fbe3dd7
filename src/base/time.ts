/**
 * Calendars in the program's time zone. Instants are Date, calendar days are `YYYY-MM-DD`; every turn
 * from one to the other happens here. Offsets are cached, because a zone look-up costs some 30 µs.
 */
import { Temporal } from 'temporal-polyfill'
import { invariant } from './errors.ts'

/** A calendar day, `YYYY-MM-DD`. Days compare as text. */
export type Day = string

const units = ['day', 'week', 'month', 'quarter', 'half_year', 'year'] as const
export type Unit = (typeof units)[number]

export const weekdays = [
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
  'sunday',
] as const
export type Weekday = (typeof weekdays)[number]

export const MONTHS: readonly string[] = [
  ...['January', 'February', 'March', 'April', 'May', 'June', 'July'],
  ...['August', 'September', 'October', 'November', 'December'],
]

// Offsets change only on quarter hours of UTC in every zone of the tz database since 1970.
const QUARTER = 15 * 60_000
const DAY = 86_400_000
const MOST_REMEMBERED = 200_000
const offsets = new Map<string, Map<number, number>>()

/** Keeps an answer, and forgets all of them before they grow beyond measure. */
function remember<Key, Answer>(answers: Map<Key, Answer>, key: Key, answer: Answer): void {
  if (answers.size >= MOST_REMEMBERED) answers.clear()
  answers.set(key, answer)
}

// A group of commands writes the same few instants over and over: one sale's is in a lot's name, its rows and
// its answer.
const shown = new Map<number, string>()

/** The instant as RFC 3339 in UTC, as it stands in names and answers. */
export function showInstant(at: Date): string {
  const time = at.getTime()
  let text = shown.get(time)
  if (text === undefined) {
    text = at.toISOString()
    if (shown.size >= 10_000) shown.clear()
    shown.set(time, text)
  }
  return text
}

/** Milliseconds that the zone is ahead of UTC at an instant. */
function offsetAt(zone: string, at: number): number {
  let known = offsets.get(zone)
  if (!known) {
    known = new Map()
    offsets.set(zone, known)
  }
  const slot = Math.floor(at / QUARTER)
  let offset = known.get(slot)
  if (offset === undefined) {
    const zoned = Temporal.Instant.fromEpochMilliseconds(slot * QUARTER).toZonedDateTimeISO(zone)
    offset = zoned.offsetNanoseconds / 1_000_000
    remember(known, slot, offset)
  }
  return offset
}

/** The wall clock of the zone at an instant, as a Date whose UTC fields read as local fields. */
function wallClock(zone: string, at: Date): Date {
  return new Date(at.getTime() + offsetAt(zone, at.getTime()))
}

export function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return true
  } catch {
    return false
  }
}

// Asked for several times by every sale; there are fewer days than sales.
const days = new Map<number, Day>()

/** The calendar day that an instant falls on. */
export function dayOf(zone: string, at: Date): Day {
  return dayNumbered(dayNumberOf(zone, at))
}

/** The same as days since 1 January 1970. */
export function dayNumberOf(zone: string, at: Date): number {
  const time = at.getTime()
  return Math.floor((time + offsetAt(zone, time)) / DAY)
}

/** A day as days since 1 January 1970. */
export function numberOfDay(day: Day): number {
  return Date.parse(day) / DAY
}

/** The day with a number of days after 1 January 1970. */
export function dayNumbered(number: number): Day {
  let day = days.get(number)
  if (day === undefined) {
    day = new Date(number * DAY).toISOString().slice(0, 10)
    remember(days, number, day)
  }
  return day
}

export function weekdayOf(zone: string, at: Date): Weekday {
  return weekdays[(wallClock(zone, at).getUTCDay() + 6) % 7]!
}

/** Minutes since local midnight on the wall clock, 0 to 1439. */
export function minuteOf(zone: string, at: Date): number {
  const wall = wallClock(zone, at)
  return wall.getUTCHours() * 60 + wall.getUTCMinutes()
}

const starts = new Map<string, Date>()

/** The first instant of a calendar day (00:00, or the first one that exists where the clock jumps). */
export function startOfDay(zone: string, day: Day): Date {
  const key = `${zone} ${day}`
  let start = starts.get(key)
  if (!start) {
    start = new Date(Temporal.PlainDate.from(day).toZonedDateTime(zone).epochMilliseconds)
    remember(starts, key, start)
  }
  return start
}

/** An instant from a local date and time without an offset (`2010-12-01 08:26`); in the gap the later one. */
export function instantOf(zone: string, local: string): Date {
  const plain = Temporal.PlainDateTime.from(local.replace(' ', 'T'))
  return new Date(plain.toZonedDateTime(zone, { disambiguation: 'compatible' }).epochMilliseconds)
}

/** Year, month and day of the month as numbers. */
export function partsOf(day: Day): [number, number, number] {
  return [Number(day.slice(0, 4)), Number(day.slice(5, 7)), Number(day.slice(8, 10))]
}

/** The day of a year, month and day of the month that exist. */
export function dayAt(year: number, month: number, day: number): Day {
  invariant(year >= 1 && year <= 9999, 'a calendar day is of a year with four digits')
  // Years of two digits are others to Date; any other day is known by its number, and asked for over and over.
  if (year >= 100) return dayNumbered(Date.UTC(year, month - 1, day) / DAY)
  const pad = (n: number, width: number) => String(n).padStart(width, '0')
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`
}

/** How many days later the second one is; below zero where it is earlier. */
export function daysBetween(from: Day, to: Day): number {
  return numberOfDay(to) - numberOfDay(from)
}

export function addDays(day: Day, count: number): Day {
  return dayNumbered(numberOfDay(day) + count)
}

/** The same day of a later month, or its last day where the month is shorter (31 Jan + 1 month = 28 Feb). */
export function addMonths(day: Day, count: number): Day {
  const [year, month, date] = partsOf(day)
  const months = year * 12 + (month - 1) + count
  const toYear = Math.floor(months / 12)
  const toMonth = months - toYear * 12 + 1
  return dayAt(toYear, toMonth, Math.min(date, lengthOf(toYear, toMonth)))
}

/** How many days a month has. */
export function lengthOf(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
}

/** A length of time as programs declare it; weeks are written as days. */
export interface Length {
  readonly count: number
  readonly unit: 'day' | 'month' | 'year'
}

/** The day that lies a length of time after another. */
export function addLength(day: Day, { count, unit }: Length): Day {
  if (unit === 'day') return addDays(day, count)
  return addMonths(day, unit === 'year' ? count * 12 : count)
}

/** The first day of the unit that a day lies in. Weeks begin on Monday. */
export function startOf(unit: Unit, day: Day): Day {
  const [year, month] = partsOf(day)
  if (unit === 'day') return day
  if (unit === 'week') {
    const weekday = (new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % 7
    return addDays(day, -weekday)
  }
  const size = unit === 'month' ? 1 : unit === 'quarter' ? 3 : unit === 'half_year' ? 6 : 12
  return dayAt(year, month - ((month - 1) % size), 1)
}

/**
 * The first day of the membership year that a day lies in. Counted from the enrolment day each time, so that
 * a member of 29 February has their day back in a leap year; in other years the year begins on the 28th.
 */
export function startOfMembershipYear(enrolled: Day, day: Day): Day {
  return addMonths(enrolled, 12 * membershipYear(enrolled, day))
}

/** Full years since the enrolment; below zero before it. */
export function membershipYear(enrolled: Day, day: Day): number {
  const guess = Number(day.slice(0, 4)) - Number(enrolled.slice(0, 4))
  return day < addMonths(enrolled, 12 * guess) ? guess - 1 : guess
}

/** The last day of the unit that a day lies in. */
export function endOf(unit: Unit, day: Day): Day {
  const start = startOf(unit, day)
  if (unit === 'day') return day
  if (unit === 'week') return addDays(start, 6)
  const size = unit === 'month' ? 1 : unit === 'quarter' ? 3 : unit === 'half_year' ? 6 : 12
  return addDays(addMonths(start, size), -1)
}
