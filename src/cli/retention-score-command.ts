/** `milepost retention score`: purchases of any program as CSV in, a score for each member as CSV out. */

import { dayNumbered } from '../base/time.ts'
import { sharedSource, startCrew } from '../retention/crew.ts'
import type { Flag } from '../retention/flag.ts'
import { learn } from '../retention/learn.ts'
import { PurchaseCollector, type Purchases } from '../retention/purchases.ts'
import type { Scores } from '../retention/score.ts'
import { scoreColumns } from '../retention/score-line.ts'
import type { ToldStretch } from '../retention/stint.ts'
import { type Call, type CliCommand, UsageError, type Words } from './command-line.ts'
import { FeedError } from './feed.ts'
import { dayOf, type FileReading, readPurchases } from './purchases-file.ts'
import { scoreProgram } from './retention-commands.ts'
import { writeParts } from './scores-file.ts'
import { count, table } from './terminal.ts'

export const DEFAULT_HORIZON = 182
const LONGEST_HORIZON = 3_650
const MOST_CUTS = 24

export const retentionScore: CliCommand = {
  about: [
    'With --program, the members of that program as the service keeps them: up to and with --as-of, or yesterday; ' +
      'the scores are stored, flags raised and cleared (see retention worklist). The job `score` does the same at night.',
    'With --transactions, the file is CSV, plain or gzipped, with the columns memberId and date (YYYY-MM-DD, a time after it is passed ' +
      'over) and perhaps amount, in any order; other usual names of the three are understood, and so is a file ' +
      'without a first line of names. Several rows of a member on one day are one purchase. An amount below zero ' +
      'is money given back: no purchase. Rows that cannot be read are counted and the first ones named.',
    'Nothing after --as-of is used. p_silent is the chance of no purchase within the horizon, p_decline that of ' +
      'fewer than half of the member’s usual ones; p_alive stands only where leaving can be told from silence. ' +
      'state is new, active, growing, slowing, gone quiet, lapsed or won back; flag is gone_quiet or buying_less, ' +
      'set so that about one flag in ten is false; reason says why in words, and since when it holds.',
    'Members with one purchase are never flagged: there is no rhythm to depart from.',
  ],
  options: {
    program: { about: 'scores the members of this program', value: 'PROGRAM' },
    transactions: { about: 'scores these purchases instead', value: 'FILE' },
    'as-of': { about: 'the day that is scored, as if it were today', value: 'DAY' },
    horizon: { about: `days ahead that are foretold (${DEFAULT_HORIZON})`, value: 'DAYS' },
    out: { about: 'the scores; gzipped where it ends in .gz', value: 'FILE' },
    json: { about: 'what was read and found as JSON' },
  },
  examples: [
    'milepost retention score --program gift-shop',
    'milepost retention score --transactions purchases.csv --as-of 2026-03-31 --horizon 182 --out scores.csv',
    'milepost retention score --transactions purchases.csv.gz --as-of 2026-03-31 --out scores.csv.gz --json',
  ],
  async run(call) {
    if (call.words.text('program') !== undefined) return scoreProgram(call)
    for (const [name, value] of [
      ['transactions', 'FILE'],
      ['as-of', 'DAY'],
      ['out', 'FILE'],
    ] as const) {
      if (call.words.text(name) !== undefined) continue
      const hint = name === 'transactions' ? 'or score a program with --program' : undefined
      throw new UsageError(`option --${name} ${value} is missing`, hint)
    }
    const startedAt = performance.now()
    const window = { asOf: readDay(call.words, 'as-of'), horizonDays: readHorizon(call.words) }
    const file = call.words.required('transactions')
    const out = call.words.required('out')
    const { purchases, reading, later } = await collect(call, { file, through: window.asOf })
    tellUnreadable(call, file, reading)
    const { memberIds } = purchases
    const progress = call.terminal.progress('scoring')
    const learnt = learn(purchases, window)
    const crew = startCrew({ source: sharedSource(purchases, window.asOf), learnt })
    const phases: Record<string, number> = {}
    let scores: Scores
    try {
      scores = await crew.score({ onProgress: (done) => progress.update(done, memberIds.length) })
      await writeParts(out, csvOf(crew.tell(memberIds), phases))
    } finally {
      progress.stop()
      await crew.end()
    }
    const seconds = Math.round(performance.now() - startedAt) / 1000
    const flagged = (flag: Flag) => scores.flags.filter((each) => each === flag).length
    const found = {
      ...{ rows: reading.rows, unreadable: reading.unreadable, afterAsOf: later, members: memberIds.length },
      flags: { gone_quiet: flagged('gone_quiet'), buying_less: flagged('buying_less') },
      states: phases,
      model: learnt.model.name,
      cuts: learnt.cuts.map(({ day, horizonDays }) => ({ day: dayNumbered(day), horizonDays })),
      seconds,
    }
    if (call.words.flag('json')) call.terminal.json({ ...found, unreadableRows: reading.named, out })
    else call.terminal.print(inWords(found, out))
    return 0
  },
}

export interface Collected {
  readonly purchases: Purchases
  readonly reading: FileReading
  /** rows after the day, which were passed over */
  readonly later: number
}

export async function collect(
  call: Call,
  { file, through }: { file: string; through: number },
): Promise<Collected> {
  const progress = call.terminal.progress('reading')
  const collector = new PurchaseCollector(through)
  let [later, earliest] = [0, Number.POSITIVE_INFINITY]
  const reading = await readPurchases(file, {
    take(row) {
      if (!collector.add(row)) later++
      earliest = Math.min(earliest, row.day)
    },
    onProgress: (rows) => progress.update(rows, rows),
  }).finally(progress.stop)
  const purchases = collector.finish()
  if (purchases.memberIds.length === 0) {
    const begins = Number.isFinite(earliest) ? `; the file begins on ${dayNumbered(earliest)}` : ''
    throw new FeedError(file, null, `there is no purchase up to ${dayNumbered(through)}${begins}`)
  }
  return { purchases, reading, later }
}

export function tellUnreadable(call: Call, file: string, { unreadable, named }: FileReading): void {
  if (unreadable === 0) return
  for (const { line, problem } of named) call.terminal.note(`${file}:${line}: ${problem}`)
  call.terminal.note(`${count(unreadable, 'row')} could not be read`)
}

function readDay(words: Words, name: string, text = words.required(name)): number {
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text) ? dayOf(text) : null
  if (day === null) throw new UsageError(`option --${name} is a day such as 2026-03-31, not "${text}"`)
  return day
}

/** Several days with commas, each as of which is scored. */
export function readCuts(words: Words): number[] {
  const cuts = words
    .required('cut')
    .split(',')
    .map((text) => readDay(words, 'cut', text.trim()))
  if (cuts.length > MOST_CUTS) throw new UsageError(`option --cut takes ${MOST_CUTS} days at most`)
  return cuts
}

export function readHorizon(words: Words): number {
  const text = words.text('horizon') ?? String(DEFAULT_HORIZON)
  const days = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (days < 1 || days > LONGEST_HORIZON) {
    throw new UsageError(`option --horizon is a number of days from 1 to ${LONGEST_HORIZON}, not "${text}"`)
  }
  return days
}

/** The head and the lines of all members; how many stand where is added up beside. */
async function* csvOf(
  stretches: AsyncIterable<ToldStretch>,
  phases: Record<string, number>,
): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`${scoreColumns.join(',')}\n`)
  for await (const stretch of stretches) {
    for (const [phase, n] of Object.entries(stretch.phases)) phases[phase] = (phases[phase] ?? 0) + n
    yield stretch.text
  }
}

interface Found {
  readonly rows: number
  readonly unreadable: number
  readonly afterAsOf: number
  readonly members: number
  readonly flags: Readonly<Record<string, number>>
  readonly states: Readonly<Record<string, number>>
  readonly seconds: number
}

function inWords(found: Found, out: string): string {
  const passed = found.afterAsOf > 0 ? `, ${found.afterAsOf} after the day passed over` : ''
  const rows = [
    ...Object.entries(found.states).map(([phase, n]) => ['  state', String(n), phase]),
    ...Object.entries(found.flags).map(([flag, n]) => ['  flag', String(n), flag]),
  ]
  return [
    `${count(found.members, 'member')} of ${count(found.rows, 'row')}${passed}, scored in ${found.seconds} s`,
    table(rows),
    `written to ${out}`,
  ].join('\n')
}
