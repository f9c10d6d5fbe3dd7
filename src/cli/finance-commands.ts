/** `milepost ledger liability`, `deferral` and `totals`: the figures that finance closes a period with. */
import type { WireMoney } from '../base/points.ts'
import { lastDays } from '../engine/finance.ts'
import {
  type CurrencyDeferral,
  type DeferralReport,
  deferralReport,
  type PeriodUnit,
  periodUnits,
} from '../ledger/deferred.ts'
import { type CurrencyLiability, type LiabilityReport, liabilityReport } from '../ledger/owed.ts'
import { deferralCsv, liabilityCsv, programCsv } from '../ledger/report-csv.ts'
import { type ProgramReport, programReport } from '../ledger/totals.ts'
import type { CliCommand } from './command-line.ts'
import {
  dayIn,
  instantIn,
  knownAtOption,
  openBooks,
  outputs,
  programOption,
  tellReports,
  withProgress,
} from './report-options.ts'
import { columns, numeral } from './terminal.ts'

const at = { about: 'a day (its end in the program’s zone) or an instant; else now', value: 'TIME' }

export const ledgerLiability: CliCommand = {
  about: [
    'Summed from the postings up to an instant of business time, by all that is known now; with --known-at by what ' +
      'the books said then, which gives a closed period’s figures again. Points that have lapsed are not owed, ' +
      'whether or not the job has been by; points that members owe back after returns stand apart. What is ' +
      'expected to be redeemed follows the estimate in force (milepost ledger breakage).',
  ],
  options: { program: programOption, at, 'known-at': knownAtOption, ...outputs },
  examples: [
    'milepost ledger liability --at 2026-12-31',
    'milepost ledger liability --program corner-coffee --at 2026-12-31 --known-at 2027-01-05 --csv owed.csv',
  ],
  async run(call) {
    const { sql, terms } = await openBooks(call)
    const reports: LiabilityReport[] = []
    for (const one of terms) {
      const input = {
        at: instantIn(call, 'at', one) ?? call.now(),
        knownAt: instantIn(call, 'known-at', one),
      }
      reports.push(
        await withProgress(call, `summing ${one.program}`, (onProgress) =>
          liabilityReport(sql, one, { ...input, onProgress }),
        ),
      )
    }
    return tellReports(call, reports, { csv: liabilityCsv, words: owedInWords })
  },
}

function owedInWords({ program, at, knownAt, currencies }: LiabilityReport): string {
  const known = knownAt === null ? '' : `, by what was known at ${knownAt}`
  const head = `${program} at ${at}${known}`
  if (currencies.length === 0) return `${head}\nnothing was ever owed`
  return [head, ...currencies.map(currencyInWords)].join('\n\n')
}

function currencyInWords(one: CurrencyLiability): string {
  const rows = one.rows.map(({ funder, expires, points, value }) => [
    ...[one.currency, funder, expires ?? 'no date', numeral(points), money(value)],
  ])
  const all = ['', '', 'all', numeral(one.points), money(one.value)]
  return [
    columns([['currency', 'funder', 'lapses', 'points', 'value'], ...rows, all], [3, 4]),
    `available ${numeral(one.available)}, pending ${numeral(one.pending)}, held ${numeral(one.held)}`,
    ...(one.lapsed === 0 ? [] : [`lapsed, not yet booked, not owed: ${numeral(one.lapsed)}`]),
    ...(one.negative === 0 ? [] : [`owed back by members, not netted: ${numeral(one.negative)}`]),
    expectedInWords(one),
    ...(one.deferred === null ? [] : [`deferred revenue: ${money(one.deferred)}`]),
  ].join('\n')
}

function expectedInWords({ expected }: CurrencyLiability): string {
  const { estimate, points, value, low, high, rate } = expected
  if (estimate === null) return 'expected to be redeemed: all of it, as no estimate of breakage is in force'
  const worth = value === null ? '' : `, ${money(value)}`
  const interval = low === null || high === null ? '' : ` (95 %: ${numeral(low)} to ${numeral(high)})`
  const since = `${estimate.method} estimate of ${estimate.effectiveFrom.slice(0, 10)}`
  return `expected to be redeemed: ${numeral(points)}${worth}${interval}, a share of ${rate} by the ${since}`
}

function money(value: WireMoney | null): string {
  return value === null ? '-' : `${numeral(value.amount)} ${value.currency}`
}

export const ledgerDeferral: CliCommand = {
  about: [
    'Sales that gave points are allocated by relative stand-alone selling prices: the points’ price is their ' +
      'declared value times the redemption rate in force at the end of the period. It becomes revenue as points are ' +
      'redeemed, breakage in proportion; a later estimate catches up in its own period.',
    'Points given by hand and points that partners pay for are not deferred out of the program’s own sales.',
  ],
  options: {
    program: programOption,
    at,
    'known-at': knownAtOption,
    by: { about: 'length of a period; else month', value: 'UNIT', choices: periodUnits },
    ...outputs,
  },
  examples: [
    'milepost ledger deferral --by quarter',
    'milepost ledger deferral --at 2026-12-31 --csv deferred.csv',
  ],
  async run(call) {
    const { sql, terms } = await openBooks(call)
    const by = (call.words.text('by') ?? 'month') as PeriodUnit
    const reports: DeferralReport[] = []
    for (const one of terms) {
      const input = {
        at: instantIn(call, 'at', one) ?? call.now(),
        knownAt: instantIn(call, 'known-at', one),
      }
      reports.push(
        await withProgress(call, `reading ${one.program}`, (onProgress) =>
          deferralReport(sql, one, { ...input, by, onProgress }),
        ),
      )
    }
    return tellReports(call, reports, { csv: deferralCsv, words: deferralInWords })
  },
}

function deferralInWords({ program, at, currencies }: DeferralReport): string {
  const head = `${program} up to ${at}`
  if (currencies.length === 0) return `${head}\nno points with a value in the money of its sales were given`
  return [head, ...currencies.map(periodsInWords)].join('\n\n')
}

function periodsInWords({ currency, periods, exceeded }: CurrencyDeferral): string {
  const names = [
    'sales',
    'opening',
    'deferred',
    'cancelled',
    'byRedemption',
    'byBreakage',
    'closing',
  ] as const
  const heads = ['sales', 'opening', 'deferred', 'cancelled', 'redeemed', 'breakage', 'closing']
  const rows = periods.map((one) => [
    ...[currency, one.period, one.redemptionRate],
    ...names.map((name) => numeral(one[name].amount)),
  ])
  const lines = columns([['currency', 'period', 'rate', ...heads], ...rows], [2, 3, 4, 5, 6, 7, 8, 9])
  const unit = `amounts in ${periods[0]?.closing.currency}`
  if (exceeded.length === 0) return `${lines}\n${unit}`
  return `${lines}\n${unit}\nredeemed more than expected, make a new estimate: points of ${exceeded.join(', ')}`
}

export const ledgerTotals: CliCommand = {
  options: {
    program: programOption,
    from: { about: 'first day; else the last thirty days', value: 'DAY' },
    to: { about: 'last day, included; else today', value: 'DAY' },
    ...outputs,
  },
  examples: [
    'milepost ledger totals',
    'milepost ledger totals --from 2026-11-01 --to 2026-11-30 --csv november.csv',
  ],
  async run(call) {
    const { sql, terms } = await openBooks(call)
    const reports: ProgramReport[] = []
    for (const one of terms) {
      const usual = lastDays(one.timeZone, call.now(), dayIn(call, 'to'))
      const input = { ...usual, from: dayIn(call, 'from') ?? usual.from }
      reports.push(
        await withProgress(call, `summing ${one.program}`, (onProgress) =>
          programReport(sql, one, { ...input, onProgress }),
        ),
      )
    }
    return tellReports(call, reports, { csv: programCsv, words: totalsInWords })
  },
}

function totalsInWords({ program, from, to, days }: ProgramReport): string {
  const facts = ['transactions', 'members', 'enrolled'] as const
  const points = ['issued', 'returned', 'redeemed', 'expired', 'adjusted', 'moved'] as const
  const rows = days.flatMap((day) => {
    const start = [day.day, ...facts.map((name) => numeral(day[name]))]
    if (day.currencies.length === 0) return facts.some((name) => day[name] > 0) ? [start] : []
    return day.currencies.map((one, index) => [
      ...(index === 0 ? start : ['', '', '', '']),
      one.currency,
      ...points.map((name) => numeral(one[name])),
    ])
  })
  const head = `${program} from ${from} to ${to}`
  if (rows.length === 0) return `${head}\nnothing happened`
  return `${head}\n\n${columns([['day', ...facts, 'currency', ...points], ...rows], [1, 2, 3, 5, 6, 7, 8, 9, 10])}`
}
