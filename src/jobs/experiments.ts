/**
 * The planned looks at running experiments: each is taken when enough members' days are over, written once,
 * and decides for good. Nothing is looked at in between, or the plan would not hold.
 */
import { addDays, dayOf } from '../base/time.ts'
import { createPrograms } from '../engine/programs.ts'
import type { Program } from '../program/program.ts'
import { emptyGroup, type Group, lookAt } from '../retention/look.ts'
import { addOutcome, type Measuring } from '../retention/outcome.ts'
import {
  armSizes,
  type ExperimentRow,
  looksOf,
  outcomePage,
  readExperiments,
  writeLook,
} from '../retention/queries-experiments.ts'
import type { Deps } from './job.ts'
import { programsInForce } from './page.ts'

const PAGE = 2_000
const DAY = 24 * 60 * 60 * 1000

export async function lookAtExperiments(
  deps: Deps,
  { at, signal }: { at: Date; signal?: AbortSignal | undefined },
): Promise<{ looks: number; rolledOut: number; stopped: number; undecided: number; failed: number }> {
  const totals = { looks: 0, rolledOut: 0, stopped: 0, undecided: 0, failed: 0 }
  const programs = await createPrograms(deps.sql)
  for (const program of programsInForce(programs, at)) {
    for (const experiment of await readExperiments(deps.sql, program.id)) {
      if (experiment.state !== 'testing' || signal?.aborted) continue
      const decision = await lookIfDue(deps, { program, experiment, at })
      if (decision === null) continue
      totals.looks += 1
      if (decision === 'roll_out') totals.rolledOut += 1
      if (decision === 'stop') totals.stopped += 1
      if (decision === 'undecided') totals.undecided += 1
    }
  }
  return totals
}

async function lookIfDue(
  { sql }: Deps,
  of: { program: Program; experiment: ExperimentRow; at: Date },
): Promise<'go_on' | 'roll_out' | 'stop' | 'undecided' | null> {
  const { program, experiment, at } = of
  const { terms, startedAt } = experiment
  const named = { program: program.id, experiment: experiment.experiment }
  const before = await looksOf(sql, named)
  const groups = await groupsOf({ sql }, { ...of, phase: 'test' })
  const known = [...groups.values()].reduce((sum, { members }) => sum + members, 0)
  const isOver = at.getTime() - startedAt.getTime() >= terms.withinDays * DAY
  const fraction = Math.min(1, known / terms.testMembers)
  const seen = before.map((look) => look.fraction)
  const isNew = fraction > (seen.at(-1) ?? 0)
  if (!(fraction >= (before.length + 1) / terms.looks || isOver)) return null
  const isLast = fraction >= 1 || isOver
  // Nobody new since the last look, and time is up: what is known must do.
  const plan = isNew
    ? { before: seen, fraction, isLast }
    : { before: seen.slice(0, -1), fraction: seen.at(-1) ?? 1, isLast }
  const look = lookAt(
    { arms: terms.arms, control: terms.testControl, error: terms.error },
    [...groups.values()],
    plan,
  )
  const written = await writeLook(sql, { ...named, number: before.length + 1, at, look })
  return written ? look.decision : null
}

/** Sums over the members of one phase whose days are over, by arm, control included. */
async function groupsOf(
  { sql }: Pick<Deps, 'sql'>,
  of: { program: Program; experiment: ExperimentRow; phase: 'test' | 'rollout'; at: Date },
): Promise<Map<string, Group>> {
  const { program, experiment, phase, at } = of
  const { measureDays, margin } = experiment.terms
  const named = { program: program.id, experiment: experiment.experiment }
  const groups = new Map<string, Group>()
  for (const size of await armSizes(sql, named))
    if (size.phase === phase) groups.set(size.arm, { ...emptyGroup(size.arm), assigned: size.members })
  const how: Measuring = { measureDays, margin, values: valuesOf(program) }
  const through = addDays(dayOf(program.timeZone, at), -1)
  const asked = { ...named, phase, measureDays, through, timeZone: program.timeZone, limit: PAGE }
  let after: string | null = null
  do {
    const page = await outcomePage(sql, { ...asked, after })
    for (const row of page) addOutcome(groups, row, how)
    after = page.length === PAGE ? page.at(-1)!.memberId : null
  } while (after !== null)
  return groups
}

function valuesOf({ currencies }: Program): Map<string, number> {
  return new Map([...currencies].map(([id, { value }]) => [id, value ? value.amount.toNumber() : 0]))
}
