/**
 * The planned looks at running experiments: each is taken when enough members' days are over, written once,
 * and decides for good. Nothing is looked at in between, or the plan would not hold.
 */
import { createPrograms } from '../engine/programs.ts'
import type { Program } from '../program/program.ts'
import { groupsOf } from '../retention/groups.ts'
import { lookAt } from '../retention/look.ts'
import { type ExperimentRow, looksOf, readExperiments, writeLook } from '../retention/queries-experiments.ts'
import type { Deps } from './job.ts'
import { programsInForce } from './page.ts'

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
  const groups = await groupsOf(sql, { ...of, phase: 'test' })
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
