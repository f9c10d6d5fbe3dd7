/** `milepost retention score`: purchases of any program as CSV in, a score for each member as CSV out. */

import { stateAt } from '../retention/cuts.ts'
import type { Flag } from '../retention/flag.ts'
import { learn } from '../retention/learn.ts'
import { PurchaseCollector, type Purchases } from '../retention/purchases.ts'
import type { Reason } from '../retention/reason.ts'
import { createScorer, type Scores, scoreAll, type Words } from '../retention/score.ts'
import { type Call, type Words as CallWords, type CliCommand, UsageError } from './command-line.ts'
import { FeedError } from './feed.ts'
import { dayOf, type FileReading, readPurchases } from './purchases-file.ts'
import { scoreProgram } from './retention-commands.ts'
import { cell, scoreColumns, writeLines } from './scores-file.ts'
import { count, table } from './terminal.ts'

export const DEFAULT_HORIZON = 182
const LONGEST_HORIZON = 3_650
const DAY = 86_400_000

export const retentionScore: CliCommand = {
  name: 'retention score',
  summary: 'scores who is slipping away: the members of a program, or a file of purchases',
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
    const startedAt = performance.now()
    const window = { asOf: readDay(call.words, 'as-of'), horizonDays: readHorizon(call.words) }
    const file = call.words.required('transactions')
    const out = call.words.required('out')
    const { purchases, reading, later } = await collect(call, { file, through: window.asOf })
    tellUnreadable(call, file, reading)
    const progress = call.terminal.progress('scoring')
    const members = {
      count: purchases.memberIds.length,
      state: (place: number) => stateAt(purchases, place, window.asOf)!,
    }
    const learnt = learn(purchases, window)
    const scores = scoreAll(members, learnt, { onProgress: (done) => progress.update(done, members.count) })
    const scorer = createScorer(learnt, members.count)
    const phases: Record<string, number> = {}
    const lines = linesOf(purchases, scores, (place) => {
      const words = scorer.words(members.state(place), scores.flags[place] ?? null)
      phases[words.phase] = (phases[words.phase] ?? 0) + 1
      return words
    })
    await writeLines(out, lines).finally(progress.stop)
    const seconds = Math.round(performance.now() - startedAt) / 1000
    const flagged = (flag: Flag) => scores.flags.filter((each) => each === flag).length
    const found = {
      ...{ rows: reading.rows, unreadable: reading.unreadable, afterAsOf: later, members: members.count },
      flags: { gone_quiet: flagged('gone_quiet'), buying_less: flagged('buying_less') },
      states: phases,
      model: learnt.model.name,
      cuts: learnt.cuts.map(({ day, horizonDays }) => ({ day: dayText(day), horizonDays })),
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
    const begins = Number.isFinite(earliest) ? `; the file begins on ${dayText(earliest)}` : ''
    throw new FeedError(file, null, `there is no purchase up to ${dayText(through)}${begins}`)
  }
  return { purchases, reading, later }
}

export function tellUnreadable(call: Call, file: string, { unreadable, named }: FileReading): void {
  if (unreadable === 0) return
  for (const { line, problem } of named) call.terminal.note(`${file}:${line}: ${problem}`)
  call.terminal.note(`${count(unreadable, 'row')} could not be read`)
}

export function readDay(words: CallWords, name: string, text = words.required(name)): number {
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text) ? dayOf(text) : null
  if (day === null) throw new UsageError(`option --${name} is a day such as 2026-03-31, not "${text}"`)
  return day
}

export function readHorizon(words: CallWords): number {
  const text = words.text('horizon') ?? String(DEFAULT_HORIZON)
  const days = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (days < 1 || days > LONGEST_HORIZON) {
    throw new UsageError(`option --horizon is a number of days from 1 to ${LONGEST_HORIZON}, not "${text}"`)
  }
  return days
}

export function dayText(day: number): string {
  return new Date(day * DAY).toISOString().slice(0, 10)
}

function* linesOf(
  { memberIds, hasSpend }: Purchases,
  scores: Scores,
  wordsOf: (place: number) => Words,
): Generator<string> {
  yield `${scoreColumns.join(',')}\n`
  for (const [place, memberId] of memberIds.entries()) {
    const { phase, flag, reasons, since } = wordsOf(place)
    const alive = scores.alive[place]!
    const cells = [
      cell(memberId),
      scores.silent[place]!.toFixed(6),
      scores.decline[place]!.toFixed(6),
      Number.isNaN(alive) ? '' : alive.toFixed(6),
      scores.purchases[place]!.toFixed(4),
      hasSpend ? (scores.value[place]! / 100).toFixed(2) : '',
      phase,
      flag ?? '',
      cell(reasonText(reasons)),
      dayText(since),
    ]
    yield `${cells.join(',')}\n`
  }
}

function reasonText(reasons: readonly Reason[]): string {
  return reasons
    .map(({ text, clears, suppressed }) => {
      if (suppressed) return `not flagged: ${text}`
      return clears === null ? text : `${text} (clears with ${clears})`
    })
    .join('; ')
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
