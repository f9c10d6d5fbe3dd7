/**
 * The expected uplift of each flag as of a day, from the experiments of campaigns that the flag starts. Only members
 * whose measured days were over by then count, and only those of the test: chance alone made these groups.
 */
import type { Sql } from '../db/connection.ts'
import { FLAGS } from '../program/events.ts'
import type { Program } from '../program/program.ts'
import { CONTROL } from './chance.ts'
import { noSums, sampleRatio } from './difference.ts'
import type { Flag } from './flag.ts'
import { groupsOf } from './groups.ts'
import { type Group, RATIO_ALARM } from './look.ts'
import { type ExperimentRow, readExperiments } from './queries-experiments.ts'
import { type ExpectedUplifts, type Spenders, type Trial, upliftOf } from './uplift.ts'

export interface UpliftAsked {
  readonly program: Program
  /** the first instant after the day */
  readonly until: Date
  readonly signal?: AbortSignal | undefined
  /** the rules that were in force at an instant; null: none were, or none that load */
  rulesAt(at: Date): Program | null
}

export async function upliftsOf(sql: Sql, asked: UpliftAsked): Promise<ExpectedUplifts> {
  const { program, until } = asked
  const trials: Record<Flag, Trial[]> = { gone_quiet: [], buying_less: [] }
  for (const experiment of await readExperiments(sql, program.id)) {
    const flags = flagsOf(experiment, asked)
    if (flags.length === 0 || experiment.startedAt >= until || asked.signal?.aborted) continue
    const groups = await groupsOf(sql, { program, experiment, phase: 'test', at: until })
    const trial = trialOf([...groups.values()], experiment.terms.testControl)
    if (trial) for (const flag of flags) trials[flag].push(trial)
  }
  return { gone_quiet: upliftOf(trials.gone_quiet), buying_less: upliftOf(trials.buying_less) }
}

/** By the rules of when it began: a campaign that left the files has taught what it taught. */
function flagsOf({ experiment, startedAt }: ExperimentRow, { program, rulesAt }: UpliftAsked): Flag[] {
  const { campaigns } = rulesAt(startedAt) ?? program
  const start = campaigns.find(({ id }) => id === experiment)?.start
  if (start?.kind !== 'flag') return []
  return FLAGS.filter((flag) => start.flags.includes(flag))
}

/** All arms together against the control; null where something other than chance made the groups. */
function trialOf(groups: readonly Group[], share: number): Trial | null {
  const treated = together(groups.filter(({ arm }) => arm !== CONTROL))
  const control = together(groups.filter(({ arm }) => arm === CONTROL))
  const sizes = [control.spend.members, treated.spend.members]
  return sampleRatio(sizes, [share, 1 - share]) < RATIO_ALARM ? null : { treated, control }
}

function together(groups: readonly Group[]): Spenders {
  return groups.reduce<Spenders>(
    (all, { buyers, spend }) => ({
      buyers: all.buyers + buyers,
      spend: {
        members: all.spend.members + spend.members,
        sum: all.spend.sum + spend.sum,
        squares: all.spend.squares + spend.squares,
      },
    }),
    { buyers: 0, spend: noSums },
  )
}
