/**
 * Recurring days, as a subset of iCalendar's rules (RFC 5545, 3.3.10): FREQ, INTERVAL, BYDAY, BYMONTH,
 * BYMONTHDAY and UNTIL, in the program's zone. A day recurs or it does not; hours are said by `time`.
 */
import { didYouMean } from '../base/nearest.ts'
import { type Day, daysBetween, startOf } from '../base/time.ts'
import type { Node, Report } from './node.ts'
import { problem } from './problem.ts'
import { isDay } from './value.ts'

export interface Recurrence {
  /** as written */
  readonly text: string
  readonly holds: (day: Day) => boolean
}

const weekdayCodes = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'] as const
const frequencies = ['DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY'] as const
type Frequency = (typeof frequencies)[number]
const keys = ['FREQ', 'INTERVAL', 'BYDAY', 'BYMONTH', 'BYMONTHDAY', 'UNTIL'] as const

interface Weekday {
  /** 0 for Monday */
  readonly weekday: number
  /** the second one of the month, the last one (-1); 0: each */
  readonly nth: number
}

interface Parts {
  readonly frequency: Frequency
  readonly interval: number
  readonly days: readonly Weekday[]
  readonly months: readonly number[]
  readonly monthDays: readonly number[]
  readonly until: Day | null
}

/** Compiles `FREQ=MONTHLY;BYDAY=1FR`; `start` is the day that intervals count from. Null after a report. */
export function compileRecurrence(node: Node, start: Day | null, report: Report): Recurrence | null {
  const text = node.kind === 'scalar' ? node.text.trim().toUpperCase() : ''
  const example = 'expected a recurrence such as FREQ=WEEKLY;BYDAY=SA,SU'
  const fail = (message: string, offset?: number, hint?: string): null => {
    report(problem(node.at, message, { offset, hint }))
    return null
  }
  if (text === '') return fail(example)
  const written = new Map<string, { value: string; offset: number }>()
  let offset = 0
  for (const part of text.replace(/^RRULE:/, '').split(';')) {
    const [key = '', value] = part.split('=')
    if (value === undefined || value === '') return fail(example, offset)
    if (!keys.some((known) => known === key)) {
      const hint = key === 'COUNT' ? 'say when it ends: UNTIL=20261231' : didYouMean(key, keys)
      return fail(`${key} is not a part of a recurrence; there are ${keys.join(', ')}`, offset, hint)
    }
    if (written.has(key)) return fail(`${key} stands twice`, offset)
    written.set(key, { value, offset })
    offset += part.length + 1
  }
  const parts = readParts(written, fail)
  if (parts === null) return null
  const problemFound = lacking(parts, start)
  if (problemFound !== null) return fail(problemFound.message, undefined, problemFound.hint)
  return { text: text.replace(/^RRULE:/, ''), holds: remembering(dayTest(parts, start)) }
}

type Fail = (message: string, offset?: number, hint?: string) => null
type Written = ReadonlyMap<string, { readonly value: string; readonly offset: number }>

function readParts(written: Written, fail: Fail): Parts | null {
  const freq = written.get('FREQ')
  const frequency = frequencies.find((known) => known === freq?.value)
  if (!frequency) {
    const told = freq ? `FREQ is one of ${frequencies.join(', ')}` : 'FREQ is missing, such as FREQ=WEEKLY'
    return fail(told, freq?.offset, freq && didYouMean(freq.value, frequencies))
  }
  const interval = readNumbers(written.get('INTERVAL'), { least: 1, most: 1000 })
  const months = readNumbers(written.get('BYMONTH'), { least: 1, most: 12 })
  const monthDays = readNumbers(written.get('BYMONTHDAY'), { least: -31, most: 31 })
  if (interval === null || interval.length > 1)
    return fail('INTERVAL is a whole number from 1', written.get('INTERVAL')?.offset)
  if (months === null) return fail('BYMONTH takes months from 1 to 12', written.get('BYMONTH')?.offset)
  if (monthDays === null)
    return fail('BYMONTHDAY takes days from 1 to 31, or -1 for the last', written.get('BYMONTHDAY')?.offset)
  const byDay = written.get('BYDAY')
  const days = byDay ? byDay.value.split(',').map(readWeekday) : []
  if (days.includes(null)) {
    const told = `BYDAY takes ${weekdayCodes.join(', ')}, or 1FR for the first Friday, -1SU for the last Sunday`
    return fail(told, byDay?.offset)
  }
  const until = written.get('UNTIL')
  const day = until ? until.value.replace(/^(\d{4})(\d{2})(\d{2})$/, '$1-$2-$3') : null
  if (day !== null && !isDay(day)) return fail('UNTIL takes the last day, such as 20261231', until?.offset)
  return {
    frequency,
    interval: interval[0] ?? 1,
    days: days.filter((each) => each !== null),
    months,
    monthDays,
    until: day,
  }
}

function readNumbers(
  part: { value: string } | undefined,
  { least, most }: { least: number; most: number },
): number[] | null {
  if (part === undefined) return []
  const numbers = part.value.split(',').map((text) => (/^[+-]?\d{1,4}$/.test(text) ? Number(text) : 0))
  return numbers.every((number) => number !== 0 && number >= least && number <= most) ? numbers : null
}

function readWeekday(text: string): Weekday | null {
  const match = /^([+-]?[1-5])?([A-Z]{2})$/.exec(text)
  const weekday = (weekdayCodes as readonly string[]).indexOf(match?.[2] ?? '')
  return match && weekday >= 0 ? { weekday, nth: Number(match[1] ?? 0) } : null
}

/** What else has to be said for the parts to mean something. */
function lacking(
  { frequency, interval, days, months, monthDays }: Parts,
  start: Day | null,
): { message: string; hint?: string } | null {
  const ordinal = days.some(({ nth }) => nth !== 0)
  if (ordinal && (frequency === 'DAILY' || frequency === 'WEEKLY'))
    return { message: 'numbered weekdays such as 1FR are of a month', hint: 'write FREQ=MONTHLY' }
  if (ordinal && frequency === 'YEARLY' && months.length === 0)
    return { message: 'say of which month, such as BYMONTH=11' }
  const open = days.length === 0 && monthDays.length === 0
  const bare =
    (frequency === 'WEEKLY' && days.length === 0) ||
    (frequency === 'MONTHLY' && open) ||
    (frequency === 'YEARLY' && (months.length === 0 || open))
  if (start === null && (bare || interval > 1)) {
    const message = interval > 1 ? 'INTERVAL counts from the start of the rule' : 'say on which days'
    return { message, hint: interval > 1 ? 'add `from` to the rule' : 'add BYDAY or BYMONTHDAY' }
  }
  return null
}

function dayTest(parts: Parts, start: Day | null): (day: Day) => boolean {
  const { frequency, months, monthDays, until } = parts
  const from = start === null ? null : fieldsOf(start)
  const onStart = (wanted: readonly unknown[]): boolean => wanted.length === 0 && from !== null
  const days =
    frequency === 'WEEKLY' && onStart(parts.days) ? [{ weekday: from!.weekday, nth: 0 }] : parts.days
  const dated = frequency === 'MONTHLY' || frequency === 'YEARLY'
  const ofMonth = dated && days.length === 0 && onStart(monthDays) ? [from!.date] : monthDays
  const ofYear = frequency === 'YEARLY' && onStart(months) ? [from!.month] : months
  return (day) => {
    if (until !== null && day > until) return false
    if (start !== null && day < start) return false
    const { month, date, weekday, length } = fieldsOf(day)
    if (ofYear.length > 0 && !ofYear.includes(month)) return false
    if (ofMonth.length > 0 && !ofMonth.some((wanted) => date === (wanted > 0 ? wanted : length + 1 + wanted)))
      return false
    if (days.length > 0 && !days.some((wanted) => isWeekday(wanted, { weekday, date, length }))) return false
    return (
      parts.interval === 1 || start === null || stepsBetween(frequency, start, day) % parts.interval === 0
    )
  }
}

function isWeekday(
  { weekday, nth }: Weekday,
  on: { weekday: number; date: number; length: number },
): boolean {
  if (weekday !== on.weekday) return false
  if (nth === 0) return true
  return nth > 0 ? Math.ceil(on.date / 7) === nth : Math.ceil((on.length - on.date + 1) / 7) === -nth
}

function fieldsOf(day: Day) {
  const at = new Date(`${day}T00:00:00Z`)
  const month = at.getUTCMonth() + 1
  const length = new Date(Date.UTC(at.getUTCFullYear(), month, 0)).getUTCDate()
  return { month, date: at.getUTCDate(), weekday: (at.getUTCDay() + 6) % 7, length }
}

function stepsBetween(frequency: Frequency, start: Day, day: Day): number {
  if (frequency === 'DAILY') return daysBetween(start, day)
  if (frequency === 'WEEKLY') return daysBetween(startOf('week', start), startOf('week', day)) / 7
  const years = Number(day.slice(0, 4)) - Number(start.slice(0, 4))
  if (frequency === 'YEARLY') return years
  return years * 12 + Number(day.slice(5, 7)) - Number(start.slice(5, 7))
}

const MOST_REMEMBERED = 5000

/** Sales of a day ask the same thing over and over. */
function remembering(holds: (day: Day) => boolean): (day: Day) => boolean {
  const known = new Map<Day, boolean>()
  return (day) => {
    let answer = known.get(day)
    if (answer === undefined) {
      answer = holds(day)
      if (known.size >= MOST_REMEMBERED) known.clear()
      known.set(day, answer)
    }
    return answer
  }
}
