/** `milepost retention holdout`: all campaigns together against those whom none ever touches. */
import { createPrograms } from '../engine/programs.ts'
import type { Interval } from '../retention/difference.ts'
import { DEFAULT_DAYS, type HoldoutShown, LONGEST_DAYS, sharesOf, showHoldout } from '../retention/holdout.ts'
import { type CliCommand, UsageError, type Words } from './command-line.ts'
import { openMigrated } from './installation.ts'
import { columns, numeral } from './terminal.ts'

const SHORTEST = 7

export const retentionHoldout: CliCommand = {
  about: [
    'By intention to treat: everybody whom any campaign would have reached, those whom campaigns may treat against ' +
      'those whom none ever touches (experiments: { holdout: 5 % } in the rule files). Net value is margin x spend of ' +
      'the measured days, less the cost of all treatments, less all points at their value.',
    'It can be read at any time and decides nothing. Where the share of the holdout was changed, members are ' +
      'compared with those to whom the same share applied.',
  ],
  options: {
    program: { about: 'the program', value: 'ID', required: true },
    days: { about: `days after the assignment that are measured (${DEFAULT_DAYS})`, value: 'DAYS' },
    at: { about: 'as of an instant of business time; else now', value: 'TIME' },
    json: { about: 'the result as JSON' },
  },
  examples: [
    'milepost retention holdout --program gift-shop',
    'milepost retention holdout --program gift-shop --days 28 --at 2026-06-30T22:00:00Z --json',
  ],
  async run(call) {
    const { words, terminal } = call
    const days = daysIn(words)
    const { sql } = await openMigrated(call)
    const programs = await createPrograms(sql)
    const at = words.instant('at') ?? call.now()
    const program = programs.at(words.required('program'), at)
    const shown = await showHoldout(sql, { program, at, days, shareAt: sharesOf(programs, program) })
    if (words.flag('json')) terminal.json(shown)
    else terminal.print(inWords(shown, program.money))
    return 0
  },
}

function daysIn(words: Words): number {
  const text = words.text('days') ?? String(DEFAULT_DAYS)
  const days = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN
  if (days >= SHORTEST && days <= LONGEST_DAYS) return days
  throw new UsageError(`option --days is a number of days from ${SHORTEST} to ${LONGEST_DAYS}, not "${text}"`)
}

function inWords(shown: HoldoutShown, money: string): string {
  const { asOf, days, share, groups, treated, sampleRatio, verdict } = shown
  const head = `as of ${asOf}: ${days} days of each member, holdout ${percent(share)}, money in ${money}`
  if (groups.every(({ assigned }) => assigned === 0)) return `${head}\nno campaign has considered anybody yet`
  const figure = (value: number | null) => (value === null ? '–' : numeral(value.toFixed(2)))
  const rows = groups.map((one) => [
    ...[one.arm, numeral(one.assigned), numeral(one.members)],
    one.members === 0 ? '–' : percent(one.buyers / one.members),
    ...[figure(one.spendPerMember), figure(one.netPerMember)],
  ])
  const between = (interval: Interval | null, how: (value: number) => string) =>
    interval === null
      ? ['–', 'too little to say yet']
      : [how(interval.difference), `${how(interval.low)} to ${how(interval.high)}`]
  const amount = (value: number) => figure(value)
  const told = {
    pays: 'campaigns pay',
    costs: 'campaigns cost more than they bring',
    open: 'not decided either way',
  }[verdict]
  const fair = sampleRatio.isFair
    ? told
    : `the groups are not as large as chance makes them (p ${sampleRatio.p.toExponential(1)}): believe nothing of it`
  return [
    head,
    columns([['group', 'assigned', 'measured', 'bought', 'spend', 'net'], ...rows], [1, 2, 3, 4, 5]),
    columns(
      [
        ['open less holdout', '', '95 %'],
        ['bought', ...between(shown.buying, percent)],
        ['spend a member', ...between(shown.spendDifference, amount)],
        ['net a member', ...between(shown.netDifference, amount)],
        ['net in all', ...between(shown.total, amount)],
      ],
      [1],
    ),
    `${numeral(treated)} of the open group were treated; ${fair}`,
  ].join('\n')
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
