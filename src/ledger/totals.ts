/** What a program did, by business day: points issued, redeemed, lapsed, corrected; sales and members. */
import { DomainError } from '../base/errors.ts'
import { wirePoints } from '../base/points.ts'
import { addDays, type Day, startOfDay } from '../base/time.ts'
import type { Sql } from '../db/connection.ts'
import { memberAccounts } from './entry.ts'
import { type FinanceTerms, inSnapshot, type OnProgress } from './finance.ts'
import { type DayFacts, type DayMoves, factsByStretch, movesByStretch } from './queries-finance.ts'
import { slicesOf } from './slices.ts'

/** Points of one currency; what was undone is taken off where it was counted, on the day it was undone. */
export interface PointsTotals {
  currency: string
  issued: number
  /** taken back with returned sales */
  returned: number
  redeemed: number
  expired: number
  /** by hand; below zero where more was taken than given */
  adjusted: number
  /** from or to elsewhere, such as other members; zero over a whole program */
  moved: number
}

export interface DayTotals {
  day: Day
  transactions: number
  returns: number
  redemptions: number
  /** with a transaction on that day */
  members: number
  enrolled: number
  currencies: PointsTotals[]
}

export interface ProgramReport {
  readonly program: string
  readonly timeZone: string
  /** both included */
  readonly from: Day
  readonly to: Day
  readonly days: readonly DayTotals[]
}

export interface TotalsInput {
  readonly from: Day
  readonly to: Day
  readonly onProgress?: OnProgress
}

const MOST_DAYS = 366

export function programReport(sql: Sql, terms: FinanceTerms, input: TotalsInput): Promise<ProgramReport> {
  const { from, to } = input
  const days = daysOf(from, to)
  const starts = days.map((day) => startOfDay(terms.timeZone, day))
  const stretches = { starts, until: startOfDay(terms.timeZone, addDays(to, 1)) }
  return inSnapshot(sql, async (tx) => {
    const totals = days.map((day) => emptyDay(day))
    const slices = await slicesOf(tx, terms.program)
    for (const [index, range] of slices.entries()) {
      for (const row of await movesByStretch(tx, range, stretches)) addMoves(totals[row.stretch - 1]!, row)
      for (const row of await factsByStretch(tx, range, stretches)) addFacts(totals[row.stretch - 1]!, row)
      input.onProgress?.(index + 1, slices.length)
    }
    for (const { currencies } of totals) currencies.sort((a, b) => (a.currency < b.currency ? -1 : 1))
    return { program: terms.program, timeZone: terms.timeZone, from, to, days: totals }
  })
}

function daysOf(from: Day, to: Day): Day[] {
  if (to < from) throw new DomainError('date_out_of_range', { from, to }, `${to} is before ${from}`)
  const days: Day[] = []
  for (let day = from; day <= to; day = addDays(day, 1)) {
    if (days.length === MOST_DAYS) {
      throw new DomainError(
        'date_out_of_range',
        { from, to, mostDays: MOST_DAYS },
        `at most ${MOST_DAYS} days`,
      )
    }
    days.push(day)
  }
  return days
}

function emptyDay(day: Day): DayTotals {
  return { day, transactions: 0, returns: 0, redemptions: 0, members: 0, enrolled: 0, currencies: [] }
}

function addFacts(totals: DayTotals, { what, count }: DayFacts): void {
  totals[what] += Number(count)
}

const ofMembers = new Set<string>(memberAccounts)

function addMoves(totals: DayTotals, { currency, from, to, points }: DayMoves): void {
  let sums = totals.currencies.find((one) => one.currency === currency)
  if (!sums) {
    sums = { currency, issued: 0, returned: 0, redeemed: 0, expired: 0, adjusted: 0, moved: 0 }
    totals.currencies.push(sums)
  }
  const amount = wirePoints(points)
  if (!ofMembers.has(from)) {
    const name = counted(from)
    sums[name] += name === 'redeemed' || name === 'expired' ? -amount : amount
  }
  if (!ofMembers.has(to)) {
    const name = to === 'issued' ? 'returned' : counted(to)
    sums[name] += name === 'adjusted' || name === 'moved' ? -amount : amount
  }
}

function counted(account: string): 'issued' | 'redeemed' | 'expired' | 'adjusted' | 'moved' {
  const known =
    account === 'issued' || account === 'redeemed' || account === 'expired' || account === 'adjusted'
  return known ? account : 'moved'
}
