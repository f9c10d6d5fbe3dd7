/** `milepost ledger breakage`: how many points are never redeemed, from history or as declared, kept for good. */

import { didYouMean } from '../base/nearest.ts'
import { Decimal } from '../base/points.ts'
import { declareBreakage, estimateBreakage, listEstimates, tooLittleIn } from '../ledger/estimates.ts'
import type { EstimateRow } from '../ledger/queries-finance.ts'
import { type Call, type CliCommand, UsageError } from './command-line.ts'
import { type Books, instantIn, openBooks, programOption, withProgress } from './report-options.ts'
import { columns } from './terminal.ts'

const verbs = ['estimate', 'declare', 'list'] as const
type Verb = (typeof verbs)[number]

const MADE_BY = 'command line'

const reasons: Readonly<Record<string, string>> = {
  no_points: 'no points were given yet',
  few_members: 'fewer than 30 members have points',
  nothing_lapsed_yet: 'no points have lapsed yet',
}

export const ledgerBreakage: CliCommand = {
  operands: ['estimate|declare|list'],
  about: [
    'estimate follows all points from the day they were given to the day they were redeemed or lapsed, those still ' +
      'open being censored at their age, and keeps the rate with a 95 % interval over members. What nobody has ' +
      'seen the end of counts as redeemed. Where history says too little, it says so, and nothing is assumed lost.',
    'declare keeps a rate that people decided on. In force is what was estimated or declared for the latest instant; ' +
      'nothing is ever overwritten.',
  ],
  options: {
    program: programOption,
    currency: { about: 'declare: the currency', value: 'CURRENCY' },
    rate: { about: 'declare: the share never redeemed, such as 3% or 0.03', value: 'RATE' },
    at: {
      about: 'in force from then: a day (its end) or an instant; estimate reads up to it; else now',
      value: 'TIME',
    },
    note: { about: 'why, for the auditor', value: 'TEXT' },
    json: { about: 'the estimates as JSON' },
  },
  examples: [
    'milepost ledger breakage estimate',
    'milepost ledger breakage declare --program corner-coffee --currency beans --rate 3% --note "first year"',
    'milepost ledger breakage list --json',
  ],
  async run(call) {
    const verb = verbOf(call)
    const books = await openBooks(call)
    const rows = await perform(call, verb, books)
    if (call.words.flag('json')) call.terminal.json({ estimates: rows.map(wireRow) })
    else call.terminal.print(inWords(rows))
    return 0
  },
}

function verbOf({ words }: Call): Verb {
  const [word = ''] = words.operands
  const verb = verbs.find((known) => known === word)
  if (verb === undefined)
    throw new UsageError(`expected ${verbs.join(', ')}, not "${word}"`, didYouMean(word, verbs))
  for (const name of ['currency', 'rate'] as const) {
    if (verb === 'declare') words.required(name)
    else if (words.text(name) !== undefined) throw new UsageError(`option --${name} belongs to declare`)
  }
  if (verb === 'list' && words.text('note') !== undefined)
    throw new UsageError('option --note belongs to estimate and declare')
  return verb
}

async function perform(call: Call, verb: Verb, { sql, terms }: Books): Promise<EstimateRow[]> {
  const rows: EstimateRow[] = []
  if (verb === 'declare' && terms.length !== 1)
    throw new UsageError(
      `option --program is missing: there are ${terms.map(({ program }) => program).join(', ')}`,
    )
  const made = { madeAt: call.now(), madeBy: MADE_BY, note: call.words.text('note') }
  for (const one of terms) {
    const at = instantIn(call, 'at', one) ?? call.now()
    if (verb === 'list') {
      const kept = await listEstimates(sql, { program: one.program })
      rows.push(
        ...(call.words.text('at') === undefined
          ? kept
          : kept.filter(({ effectiveFrom }) => effectiveFrom <= at)),
      )
    } else if (verb === 'declare') {
      const what = {
        currency: call.words.required('currency'),
        breakage: rateOf(call.words.required('rate')),
      }
      rows.push(await declareBreakage(sql, one, { ...made, ...what, at }))
    } else {
      rows.push(
        ...(await withProgress(call, `reading ${one.program}`, (onProgress) =>
          estimateBreakage(sql, one, { ...made, at, onProgress }),
        )),
      )
    }
  }
  return rows
}

function rateOf(text: string): Decimal {
  const [, digits, percent] = /^(\d{1,3}(?:\.\d{1,6})?)( ?%)?$/.exec(text) ?? []
  const rate = new Decimal(digits ?? -1).dividedBy(percent === undefined ? 1 : 100)
  if (rate.lessThan(0) || rate.greaterThan(1))
    throw new UsageError(`option --rate is a share such as 3% or 0.03, not "${text}"`)
  return rate
}

function inWords(rows: readonly EstimateRow[]): string {
  if (rows.length === 0) return 'no estimates'
  const heads = ['program', 'currency', 'method', 'in force from', 'breakage', '95 %', 'because']
  return columns([heads, ...rows.map(rowInWords)], [4])
}

function rowInWords(row: EstimateRow): string[] {
  const { low, high } = row
  const tooLittle = tooLittleIn(row)
  const because =
    tooLittle === null ? (row.note ?? '') : `too little history: ${reasons[tooLittle] ?? tooLittle}`
  return [
    ...[row.program, row.currency, row.method, row.effectiveFrom.toISOString()],
    percentOf(row.redemptionRate),
    // more redeemed is less breakage
    low === null || high === null ? '' : `${percentOf(high)} to ${percentOf(low)}`,
    because,
  ]
}

function percentOf(redemptionRate: string): string {
  return `${new Decimal(1).minus(redemptionRate).times(100).toDecimalPlaces(2).toFixed()} %`
}

function wireRow({ effectiveFrom, madeAt, ...row }: EstimateRow) {
  return { ...row, effectiveFrom: effectiveFrom.toISOString(), madeAt: madeAt.toISOString() }
}
