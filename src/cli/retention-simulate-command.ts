/** `milepost retention simulate`: how soon known changes are found, and how many flags are false. */

import { stateAt } from '../retention/cuts.ts'
import { type Detection, detect } from '../retention/detection.ts'
import { learn } from '../retention/learn.ts'
import { scoreAll } from '../retention/score.ts'
import { type SimulationPlan, simulate, usualPlan } from '../retention/simulation.ts'
import { type CliCommand, UsageError, type Words } from './command-line.ts'
import { DEFAULT_HORIZON } from './retention-score-command.ts'
import { count, table } from './terminal.ts'

const MOST_MEMBERS = 50_000

export const retentionSimulate: CliCommand = {
  about: [
    'Members buy at gamma gaps about a rhythm of their own for two years, under a season and with a closed ' +
      'fortnight. From the second year on some stop and some slow down to 0.35 of their rate. All are looked at ' +
      'every week, knowing purchases up to the day only. Each rule gets the threshold at which it flags the same ' +
      'share of stable members at some time; then shares and delays of what it finds are compared. Members without ' +
      'four gaps yet are not judged, and what changes before that counts as not found.',
    'Beside that a program in which nobody changes is scored on its last day: whoever is flagged there is a false ' +
      'flag. The same seed gives the same figures.',
  ],
  options: {
    seed: { about: `of the random numbers (${usualPlan.seed})`, value: 'NUMBER' },
    members: { about: `how many (${usualPlan.members})`, value: 'NUMBER' },
    season: { about: `how far trade swings over the year, 0 to 0.9 (${usualPlan.season})`, value: 'SHARE' },
    false: { about: 'accepted share of stable members ever flagged (0.05)', value: 'SHARE' },
    json: { about: 'the result as JSON' },
  },
  examples: [
    'milepost retention simulate',
    'milepost retention simulate --seed 7 --members 3000 --season 0 --json',
  ],
  async run(call) {
    const plan: SimulationPlan = {
      ...usualPlan,
      seed: readNumber(call.words, 'seed', { usual: usualPlan.seed, least: 0, most: 2 ** 31, whole: true }),
      members: readNumber(call.words, 'members', {
        ...{ usual: usualPlan.members, least: 50, most: MOST_MEMBERS, whole: true },
      }),
      season: readNumber(call.words, 'season', { usual: usualPlan.season, least: 0, most: 0.9 }),
    }
    const falseEver = readNumber(call.words, 'false', { usual: 0.05, least: 0.001, most: 0.5 })
    const progress = call.terminal.progress('looking')
    const detection = detect(simulate(plan), { falseEver, onProgress: progress.update })
    progress.stop()
    const steady = flaggedAmongStable(plan)
    if (call.words.flag('json')) call.terminal.json({ plan, ...detection, nobodyChanges: steady })
    else call.terminal.print(inWords(detection, steady))
    return 0
  },
}

interface Steady {
  readonly members: number
  readonly flagged: number
}

/** Flags of one run over members of whom nobody changes. */
function flaggedAmongStable(plan: SimulationPlan): Steady {
  const { purchases } = simulate({ ...plan, stops: 0, slows: 0 })
  const window = { asOf: plan.days, horizonDays: DEFAULT_HORIZON }
  const members = {
    count: purchases.memberIds.length,
    state: (i: number) => stateAt(purchases, i, plan.days)!,
  }
  const { flags } = scoreAll(members, learn(purchases, window))
  return { members: members.count, flagged: flags.filter((flag) => flag !== null).length }
}

interface Range {
  readonly usual: number
  readonly least: number
  readonly most: number
  readonly whole?: boolean
}

function readNumber(words: Words, name: string, { usual, least, most, whole = false }: Range): number {
  const text = words.text(name)
  if (text === undefined) return usual
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= least && value <= most) || (whole && !Number.isInteger(value))) {
    const kind = whole ? 'a whole number' : 'a number'
    throw new UsageError(`option --${name} is ${kind} from ${least} to ${most}, not "${text}"`)
  }
  return value
}

const share = (value: number) => value.toFixed(3)
const weeks = (value: number | null) => (value === null ? '–' : value.toFixed(1))

function inWords({ looks, members, found }: Detection, steady: Steady): string {
  const head = ['rule', 'stable ever flagged', 'stops in 8 weeks', 'slow-downs in 12', 'median weeks']
  const rows = found.map((each) => [
    ...[each.rule, share(each.falseEver), share(each.stopsIn8), share(each.slowsIn12)],
    `${weeks(each.stopDelay)} and ${weeks(each.slowDelay)}`,
  ])
  const total = members.stable + members.stops + members.slows
  return [
    `${count(total, 'member')}, ${members.stops} stop and ${members.slows} slow down, ${looks} weekly looks`,
    table([head, ...rows]),
    `where nobody changes: ${steady.flagged} of ${count(steady.members, 'member')} flagged in one run`,
  ].join('\n')
}
