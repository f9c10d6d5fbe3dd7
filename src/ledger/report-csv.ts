/**
 * The reports as CSV (RFC 4180), one line for each figure's smallest part, so that a sheet's sums are the
 * report's. Amounts are plain decimals with the currency in a column of its own.
 */
import type { CurrencyDeferral, DeferralReport } from './deferred.ts'
import type { CurrencyLiability, LiabilityReport } from './owed.ts'
import type { ProgramReport } from './totals.ts'

type Cell = string | number | null

/** Lines of one table; the first one names the columns. */
function csvText(rows: readonly (readonly Cell[])[]): string {
  return rows.map((row) => `${row.map(cellText).join(',')}\r\n`).join('')
}

function cellText(cell: Cell): string {
  if (cell === null) return ''
  const text = String(cell)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** A line for each currency, funder and month of lapse. */
export function liabilityCsv(reports: readonly LiabilityReport[]): string {
  const names = ['program', 'at', 'currency', 'funder', 'expires', 'points', 'value', 'money']
  return csvText([
    names,
    ...reports.flatMap(({ program, at, currencies }) =>
      currencies.flatMap(({ currency, rows }: CurrencyLiability) =>
        rows.map(({ funder, expires, points, value }) => [
          ...[program, at, currency, funder, expires ?? 'no date', points],
          ...[value?.amount ?? null, value?.currency ?? null],
        ]),
      ),
    ),
  ])
}

/** A line for each currency and period. */
export function deferralCsv(reports: readonly DeferralReport[]): string {
  const money = [
    'sales',
    'opening',
    'deferred',
    'cancelled',
    'byRedemption',
    'byBreakage',
    'reestimate',
    'closing',
  ] as const
  const names = [
    'program',
    'currency',
    'period',
    'from',
    'to',
    'given',
    'redeemed',
    'expired',
    'redemptionRate',
    'estimateId',
  ]
  return csvText([
    [...names, ...money, 'money'],
    ...reports.flatMap(({ program, currencies }) =>
      currencies.flatMap(({ currency, periods }: CurrencyDeferral) =>
        periods.map((one) => [
          ...[program, currency, one.period, one.from, one.to],
          ...[one.points.given, one.points.redeemed, one.points.expired, one.redemptionRate, one.estimateId],
          ...money.map((name) => one[name].amount),
          one.closing.currency,
        ]),
      ),
    ),
  ])
}

/** A line for each day and currency; a day on which no points moved has one line without a currency. */
export function programCsv(reports: readonly ProgramReport[]): string {
  const facts = ['transactions', 'returns', 'redemptions', 'members', 'enrolled'] as const
  const points = ['issued', 'returned', 'redeemed', 'expired', 'adjusted', 'moved'] as const
  return csvText([
    ['program', 'day', ...facts, 'currency', ...points],
    ...reports.flatMap(({ program, days }) =>
      days.flatMap((day) => {
        const start = [program, day.day, ...facts.map((name) => day[name])]
        if (day.currencies.length === 0) return [[...start, null, ...points.map(() => 0)]]
        // Only a day's first line counts its sales and members, so that a sheet's sums are right.
        return day.currencies.map((one, index) => [
          ...(index === 0 ? start : [program, day.day, ...facts.map(() => 0)]),
          one.currency,
          ...points.map((name) => one[name]),
        ])
      }),
    ),
  ])
}
