/** `milepost retention backtest`: scores of a past day held against what came after. */
import { dayNumbered } from '../base/time.ts'
import { type Backtest, type LookBack, lookBack, measured, type Target } from '../retention/backtest.ts'
import type { CliCommand } from './command-line.ts'
import { FeedError } from './feed.ts'
import { collect, DEFAULT_HORIZON, readCuts, readHorizon, tellUnreadable } from './retention-score-command.ts'
import { count, table } from './terminal.ts'

export const retentionBacktest: CliCommand = {
  about: [
    'Members are scored at the cut with what was known then; then the horizon is looked at. lapse is no purchase ' +
      'in it, asked of members with a repeat purchase. decline is fewer than half of the purchases that the own ' +
      'rate promises, asked of members who bought within one horizon before the cut, repeated three times or more, ' +
      'have been here for three quarters of a horizon, and promise at least 1.5 purchases.',
    'AUC is how often one for whom it came true ranks above one for whom it did not; top tenth, how many of the ' +
      'tenth ranked highest it came true for; calibration, how far chances are from shares over ten bins; by ' +
      'chance, how far they would be with so few members if they were exactly right. Beside ' +
      'them stand days of silence, which any spreadsheet has, and the classic customer-base models.',
    'Several cuts are measured each for itself and all together, where a member counts once for each cut: what is ' +
      'by chance becomes less with more members, so that the row of all cuts says how good chances are.',
    'Exit code 1 when the file ends before the horizon does: the outcome is not known.',
  ],
  options: {
    transactions: {
      about: 'the purchases; see milepost retention score --help',
      value: 'FILE',
      required: true,
    },
    cut: { about: 'the day that is scored; several with commas', value: 'DAY', required: true },
    horizon: { about: `days after it that are looked at (${DEFAULT_HORIZON})`, value: 'DAYS' },
    json: { about: 'the result as JSON' },
  },
  examples: [
    'milepost retention backtest --transactions purchases.csv.gz --cut 2025-09-30 --horizon 182',
    'milepost retention backtest --transactions purchases.csv --cut 2025-03-31,2025-06-30,2025-09-30 --json',
  ],
  async run(call) {
    const horizonDays = readHorizon(call.words)
    const cuts = readCuts(call.words)
    const file = call.words.required('transactions')
    const { purchases, reading } = await collect(call, { file, through: Math.max(...cuts) + horizonDays })
    tellUnreadable(call, file, reading)
    const lastDay = purchases.days.reduce((latest, day) => Math.max(latest, day), 0)
    const firstDay = purchases.days.reduce((earliest, day) => Math.min(earliest, day), lastDay)
    // A shop does not sell every day; a week of grace.
    const unknown = cuts.find((cut) => cut + horizonDays > lastDay + 7)
    if (unknown !== undefined) {
      const ends = dayNumbered(unknown + horizonDays)
      throw new FeedError(
        file,
        null,
        `it ends on ${dayNumbered(lastDay)}, the horizon of ${dayNumbered(unknown)} on ${ends}`,
      )
    }
    const early = cuts.find((cut) => cut < firstDay)
    if (early !== undefined) {
      throw new FeedError(
        file,
        null,
        `it begins on ${dayNumbered(firstDay)}, after the cut ${dayNumbered(early)}`,
      )
    }
    const progress = call.terminal.progress('backtesting')
    const looks: LookBack[] = []
    for (const [done, cut] of cuts.entries()) {
      progress.update(done, cuts.length)
      looks.push(lookBack(purchases, { asOf: cut, horizonDays }))
    }
    progress.stop()
    const results = cuts.map((cut, at) => ({ cut: dayNumbered(cut), horizonDays, ...measured([looks[at]!]) }))
    const pooled = cuts.length > 1 ? { cuts: cuts.length, horizonDays, ...measured(looks) } : null
    if (call.words.flag('json')) {
      call.terminal.json({ results, pooled })
      return 0
    }
    for (const result of results) call.terminal.print(inWords(result.cut, result))
    if (pooled) call.terminal.print(inWords(`all ${pooled.cuts} cuts together`, pooled))
    return 0
  },
}

const number = (value: number | null) => (value === null ? '–' : value.toFixed(3))

function inWords(when: string, result: Backtest & { horizonDays: number }): string {
  const { gone_quiet: quiet, buying_less: less } = result.flags
  return [
    `${when} and ${result.horizonDays} days after, ${count(result.members, 'member')}`,
    ...targetLines('lapse', result.lapse),
    ...targetLines('decline', result.decline),
    `flags: ${quiet.flagged} gone quiet, false ${number(quiet.falseShare)}; ${less.flagged} buying less, false ${number(less.falseShare)}`,
    '',
  ].join('\n')
}

function targetLines(name: string, { members, rate, methods }: Target): string[] {
  const rows = methods.map((method) => [
    `  ${method.name}`,
    number(method.auc),
    number(method.precisionTop),
    number(method.calibration),
    number(method.byChance),
  ])
  const head = [
    `${name}: ${count(members, 'member')}, true for ${number(rate)}`,
    'AUC',
    'top tenth',
    'calibration',
    'by chance',
  ]
  return [table([head, ...rows])]
}
