/**
 * A ladder's periods in calendar days of the program's zone, and how long a tier is kept. Periods touch:
 * each day lies in one; a period ends with the first instant of the day after its last.
 */
import {
  addDays,
  addMonths,
  type Day,
  dayOf,
  endOf,
  membershipYear,
  startOf,
  startOfDay,
} from '../base/time.ts'
import type { Ladder } from '../program/program.ts'

/** From `from` to `to`, both included; `endsAt` is the first instant after it. */
export interface Period {
  readonly from: Day
  readonly to: Day
  readonly endsAt: Date
}

/** Whose calendar: the program's zone, and the enrolment that membership years are counted from. */
export interface Calendar {
  readonly timeZone: string
  readonly enrolledAt: Date
  /** when the present tier began, for periods that are counted from there; the enrolment where none is given */
  readonly startedAt?: Date
}

/** The period of a ladder that an instant lies in. A rolling one ends with the instant's own day. */
export function periodAt(ladder: Ladder, input: Calendar & { readonly at: Date }): Period {
  return periodOf(ladder, input, dayOf(input.timeZone, input.at))
}

/** The last period that is over at an instant: what a tier that ends then is judged by. */
export function periodEndedBy(ladder: Ladder, input: Calendar & { readonly at: Date }): Period {
  const lastDay = addDays(dayOf(input.timeZone, input.at), -1)
  const period = periodOf(ladder, input, lastDay)
  return period.to === lastDay ? period : periodOf(ladder, input, addDays(period.from, -1))
}

function periodOf(ladder: Ladder, calendar: Calendar, day: Day): Period {
  const { period } = ladder
  if (period.kind === 'calendar_year') {
    return spanning(calendar, startOf('year', day), endOf('year', day))
  }
  if (period.kind === 'rolling') {
    return spanning(calendar, addDays(addMonths(day, -period.months), 1), day)
  }
  if (period.kind === 'tier_start') {
    const start = dayOf(calendar.timeZone, calendar.startedAt ?? calendar.enrolledAt)
    const count = periodNumber(start, period.months, day)
    const from = addMonths(start, count * period.months)
    return spanning(calendar, from, addDays(addMonths(start, (count + 1) * period.months), -1))
  }
  const first = dayOf(calendar.timeZone, calendar.enrolledAt)
  const year = membershipYear(first, day)
  return spanning(calendar, addMonths(first, 12 * year), addDays(addMonths(first, 12 * (year + 1)), -1))
}

/** Which period of so many months from `start` on a day lies in; 0 is the first. */
function periodNumber(start: Day, months: number, day: Day): number {
  const apart =
    (Number(day.slice(0, 4)) - Number(start.slice(0, 4))) * 12 +
    Number(day.slice(5, 7)) -
    Number(start.slice(5, 7))
  const guess = Math.floor(apart / months)
  return day < addMonths(start, guess * months) ? guess - 1 : guess
}

/** The first day of so many periods joined, of which the given one is the last. */
export function joinedFrom(ladder: Ladder, calendar: Calendar, joined: { last: Period; count: number }): Day {
  let { from } = joined.last
  for (let count = 1; count < joined.count; count += 1) {
    // Rolling windows are joined end to end.
    from = periodOf(ladder, calendar, addDays(from, -1)).from
  }
  return from
}

function spanning(calendar: Calendar, from: Day, to: Day): Period {
  return { from, to, endsAt: startOfDay(calendar.timeZone, addDays(to, 1)) }
}

/**
 * How long a tier reached at `at` is kept. A validity in months ends with the same day so many months
 * later. `period_end` on a rolling ladder, whose periods end every day, means the length of its window:
 * N months (and N more for each extra period) after the day on which the tier was reached.
 */
export function keptWhenReached(ladder: Ladder, input: Calendar & { readonly at: Date }): Date | null {
  if (ladder.downgrade === 'never') return null
  const day = dayOf(input.timeZone, input.at)
  const months = monthsKept(ladder)
  if (months !== null) return startOfDay(input.timeZone, addDays(addMonths(day, months), 1))
  return validUntil(ladder, input, { day, periods: extraPeriods(ladder) })
}

/**
 * How long a tier is kept that was assessed when it ended at `at`: the period just judged stands for the
 * one in which it was reached, so it is that period's extra periods, and at least the one that now begins.
 */
export function keptWhenAssessed(ladder: Ladder, input: Calendar & { readonly at: Date }): Date | null {
  if (ladder.downgrade === 'never') return null
  const lastDay = addDays(dayOf(input.timeZone, input.at), -1)
  const months = monthsKept(ladder)
  if (months !== null) return startOfDay(input.timeZone, addDays(addMonths(lastDay, months), 1))
  const judged = periodEndedBy(ladder, input)
  return validUntil(ladder, input, { day: judged.to, periods: Math.max(1, extraPeriods(ladder)) })
}

/** The end of a period, or the first day of the declared date after it. */
function validUntil(ladder: Ladder, calendar: Calendar, from: { day: Day; periods: number }): Date {
  const end = furtherEnd(ladder, calendar, from)
  const { validity } = ladder
  if (validity.kind !== 'date') return end
  const last = addDays(dayOf(calendar.timeZone, end), -1)
  const date = `-${String(validity.month).padStart(2, '0')}-${String(validity.day).padStart(2, '0')}`
  const sameYear = `${last.slice(0, 4)}${date}`
  return startOfDay(calendar.timeZone, addDays(sameYear > last ? sameYear : addMonths(sameYear, 12), 1))
}

function monthsKept(ladder: Ladder): number | null {
  if (ladder.validity.kind === 'months') return ladder.validity.months
  if (ladder.period.kind !== 'rolling') return null
  return ladder.period.months * (1 + ladder.validity.extraPeriods)
}

function extraPeriods(ladder: Ladder): number {
  return ladder.validity.kind === 'months' ? 0 : ladder.validity.extraPeriods
}

/** The end of the period that a day lies in, or of one so many periods after it. */
function furtherEnd(ladder: Ladder, calendar: Calendar, from: { day: Day; periods: number }): Date {
  let period = periodOf(ladder, calendar, from.day)
  for (let count = 0; count < from.periods; count += 1) {
    period = periodOf(ladder, calendar, addDays(period.to, 1))
  }
  return period.endsAt
}
