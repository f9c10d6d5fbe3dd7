/**
 * The report on deferred revenue by period: what sales were allocated to points, what of it became revenue by
 * redemption and by breakage, and what is still deferred. Worked out of the ledger each time, stored nowhere.
 */
import { DomainError } from '../base/errors.ts'
import { Decimal, type WireMoney, wireMoney, wirePoints } from '../base/points.ts'
import { addDays, addMonths, type Day, dayNumbered, dayOf, startOf, startOfDay } from '../base/time.ts'
import type { Executor, Sql } from '../db/connection.ts'
import { allocate, type DeferralTotals, rollForward, standalonePrice, Vintages } from './deferral.ts'
import { inForce, listEstimates } from './estimates.ts'
import { type FinanceTerms, inSnapshot, type OnProgress } from './finance.ts'
import { readHistory } from './history.ts'
import { type EstimateRow, salesByStretch, type Until } from './queries-finance.ts'
import { slicesOf } from './slices.ts'

export const periodUnits = ['month', 'quarter', 'year'] as const
export type PeriodUnit = (typeof periodUnits)[number]

export interface DeferralInput extends Until {
  readonly by: PeriodUnit
  readonly onProgress?: OnProgress
}

export interface DeferralReport {
  readonly program: string
  readonly by: PeriodUnit
  readonly at: string
  readonly knownAt: string | null
  readonly currencies: readonly CurrencyDeferral[]
}

export interface CurrencyDeferral {
  readonly currency: string
  readonly periods: readonly PeriodDeferral[]
  /** periods whose points were redeemed more than expected: make or declare a new estimate */
  readonly exceeded: readonly string[]
}

export interface PeriodDeferral {
  readonly period: string
  /** its days, both included; the last period ends with the report */
  readonly from: Day
  readonly to: Day
  /** net price of the sales that gave points */
  readonly sales: WireMoney
  readonly points: { readonly given: number; readonly redeemed: number; readonly expired: number }
  readonly redemptionRate: string
  readonly estimateId: string | null
  readonly opening: WireMoney
  readonly deferred: WireMoney
  readonly cancelled: WireMoney
  readonly byRedemption: WireMoney
  readonly byBreakage: WireMoney
  /** part of what was recognised that only came of a changed estimate */
  readonly reestimate: WireMoney
  readonly closing: WireMoney
}

const MOST_PERIODS = 600
const ZERO = new Decimal(0)

export function deferralReport(sql: Sql, terms: FinanceTerms, input: DeferralInput): Promise<DeferralReport> {
  return inSnapshot(sql, async (tx) => ({
    program: terms.program,
    by: input.by,
    at: input.at.toISOString(),
    knownAt: input.knownAt?.toISOString() ?? null,
    currencies: await readDeferral(tx, terms, input),
  }))
}

/** In a snapshot that the caller has taken. */
export async function readDeferral(
  sql: Executor,
  terms: FinanceTerms,
  input: DeferralInput,
): Promise<CurrencyDeferral[]> {
  const vintages = await readVintages(sql, terms, input)
  const calendar = calendarOf(vintages, terms, input)
  const sales = await readSales(sql, terms, { ...input, calendar, currencies: [...vintages.keys()] })
  const estimates = await listEstimates(sql, { program: terms.program, knownAt: input.knownAt })
  const books = { by: input.by, terms, calendar, estimates, vintages, sales }
  return [...vintages.keys()].sort().map((currency) => currencyDeferral(books, currency))
}

/** By currency; those whose points have a value in the money of the sales, and that the program itself pays for. */
async function readVintages(
  sql: Executor,
  terms: FinanceTerms,
  input: DeferralInput,
): Promise<ReadonlyMap<string, Vintages>> {
  const starts = new Map<number, Day>()
  const periodOf = (day: number) => {
    let start = starts.get(day)
    if (start === undefined) {
      start = startOf(input.by, dayNumbered(day))
      starts.set(day, start)
    }
    return start
  }
  const found = new Map<string, Vintages>()
  await readHistory(sql, {
    ...input,
    program: terms.program,
    timeZone: terms.timeZone,
    event(_memberId, { currency, funder }, event) {
      if (funder !== terms.ownFunder || terms.qualifying.has(currency)) return
      let vintages = found.get(currency)
      if (!vintages) {
        vintages = new Vintages(periodOf)
        found.set(currency, vintages)
      }
      vintages.event(event)
    },
  })
  for (const currency of found.keys()) {
    if (terms.valueAt(currency, input.at)?.currency !== terms.money) found.delete(currency)
  }
  return found
}

interface Period {
  readonly start: Day
  readonly from: Date
  /** the last instant that counts */
  readonly until: Date
  readonly lastDay: Day
}

function calendarOf(
  vintages: ReadonlyMap<string, Vintages>,
  { timeZone }: FinanceTerms,
  { by, at }: DeferralInput,
): Period[] {
  const first = [...vintages.values()].map((one) => one.first()).sort()[0]
  if (first === undefined) return []
  const months = by === 'month' ? 1 : by === 'quarter' ? 3 : 12
  const today = dayOf(timeZone, at)
  const periods: Period[] = []
  for (let start = first; start <= today; start = addMonths(start, months)) {
    if (periods.length === MOST_PERIODS) {
      throw new DomainError('date_out_of_range', { by, mostPeriods: MOST_PERIODS, from: first, to: today })
    }
    const next = addMonths(start, months)
    const end = new Date(startOfDay(timeZone, next).getTime() - 1)
    const isLast = end >= at
    periods.push({
      start,
      from: startOfDay(timeZone, start),
      until: isLast ? at : end,
      lastDay: isLast ? today : addDays(next, -1),
    })
  }
  return periods
}

async function readSales(
  sql: Executor,
  terms: FinanceTerms,
  input: Until & { calendar: readonly Period[]; currencies: readonly string[] },
): Promise<ReadonlyMap<Day, Decimal>> {
  const sales = new Map<Day, Decimal>()
  if (input.calendar.length === 0) return sales
  const { at, knownAt, currencies, calendar } = input
  const starts = calendar.map(({ from }) => from)
  for (const range of await slicesOf(sql, terms.program)) {
    for (const { stretch, spend } of await salesByStretch(sql, range, { at, knownAt, starts, currencies })) {
      const start = calendar[stretch - 1]?.start
      if (start !== undefined) sales.set(start, (sales.get(start) ?? ZERO).plus(spend))
    }
  }
  return sales
}

interface Books {
  readonly by: PeriodUnit
  readonly terms: FinanceTerms
  readonly calendar: readonly Period[]
  readonly estimates: readonly EstimateRow[]
  readonly vintages: ReadonlyMap<string, Vintages>
  readonly sales: ReadonlyMap<Day, Decimal>
}

function currencyDeferral(books: Books, currency: string): CurrencyDeferral {
  const byStart = new Map(books.calendar.map((period) => [period.start, period]))
  const totals = rollForward(books.vintages.get(currency)!.list(), {
    periods: books.calendar.map(({ start }) => start),
    deferred: (start) => deferredIn(books, byStart.get(start)!, currency),
    rate: (start) => rateIn(books, byStart.get(start)!, currency).rate,
  })
  const show = shownIn(books.terms.money)
  return {
    currency,
    periods: totals.map((now, index) => {
      const period = books.calendar[index]!
      const { rate, estimate } = rateIn(books, period, currency)
      return {
        period: nameOf(period.start, books.by),
        from: period.start,
        to: period.lastDay,
        sales: show(books.sales.get(period.start) ?? ZERO),
        redemptionRate: rate.toFixed(),
        estimateId: estimate?.estimateId ?? null,
        ...movements(totals[index - 1] ?? null, now, show),
      }
    }),
    exceeded: (totals.at(-1)?.exceeded ?? []).map((start) => nameOf(start, books.by)),
  }
}

function rateIn({ estimates }: Books, { until }: Period, currency: string) {
  const estimate = inForce(estimates, currency, until)
  return { estimate, rate: new Decimal(estimate?.redemptionRate ?? 1) }
}

/** The part of the period's sales that falls to the points of one currency, beside those of the others. */
function deferredIn(books: Books, period: Period, currency: string): Decimal {
  const price = books.sales.get(period.start) ?? ZERO
  const currencies = [...books.vintages.keys()]
  const points = currencies.map((one) => {
    const value = books.terms.valueAt(one, period.until)
    if (value === null || value.currency !== books.terms.money) return ZERO
    return standalonePrice({
      points: books.vintages.get(one)!.issuedIn(period.start),
      value: value.amount,
      redemptionRate: rateIn(books, period, one).rate,
    })
  })
  return allocate(price, { goods: price, points })[currencies.indexOf(currency)]!
}

/**
 * What happened in a period. Running totals are rounded and then subtracted, so that opening, movements and
 * closing add up to the smallest unit, period after period.
 */
function movements(
  before: DeferralTotals | null,
  now: DeferralTotals,
  show: (amount: Decimal) => WireMoney,
): Pick<
  PeriodDeferral,
  'points' | 'opening' | 'deferred' | 'cancelled' | 'byRedemption' | 'byBreakage' | 'reestimate' | 'closing'
> {
  const [was, is] = [roundedTotals(before, show), roundedTotals(now, show)]
  const moved = (name: keyof typeof is) => show(is[name].minus(was[name]))
  const points = (name: 'given' | 'redeemed' | 'expired') =>
    wirePoints(now.points[name] - (before?.points[name] ?? 0n))
  return {
    points: { given: points('given'), redeemed: points('redeemed'), expired: points('expired') },
    opening: show(was.closing),
    deferred: moved('deferred'),
    cancelled: moved('cancelled'),
    byRedemption: moved('byRedemption'),
    byBreakage: moved('byBreakage'),
    reestimate: show(now.reestimate),
    closing: show(is.closing),
  }
}

/** Revenue is rounded as a whole, and breakage is what redemptions leave of it. */
function roundedTotals(totals: DeferralTotals | null, show: (amount: Decimal) => WireMoney) {
  const rounded = (amount: Decimal | undefined) => new Decimal(show(amount ?? ZERO).amount)
  const deferred = rounded(totals?.deferred)
  const cancelled = rounded(totals?.cancelled)
  const byRedemption = rounded(totals?.byRedemption)
  const recognised = rounded(totals?.byRedemption.plus(totals.byBreakage))
  return {
    deferred,
    cancelled,
    byRedemption,
    byBreakage: recognised.minus(byRedemption),
    closing: deferred.minus(cancelled).minus(recognised),
  }
}

function shownIn(money: string): (amount: Decimal) => WireMoney {
  return (amount) => wireMoney({ amount, currency: money })
}

/** `2026-03`, `2026-Q1` or `2026`. */
function nameOf(start: Day, by: PeriodUnit): string {
  const [year = '', month = ''] = start.split('-')
  if (by === 'year') return year
  return by === 'month' ? `${year}-${month}` : `${year}-Q${(Number(month) + 2) / 3}`
}
