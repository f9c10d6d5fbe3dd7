/** The groups of an experiment, read: sums over the members whose measured days are over, arm by arm. */
import { addDays, dayOf } from '../base/time.ts'
import type { Sql } from '../db/connection.ts'
import type { Program } from '../program/program.ts'
import { emptyGroup, type Group } from './look.ts'
import { addOutcome, type Measuring } from './outcome.ts'
import {
  armSizes,
  type ExperimentRow,
  type OutcomePage,
  type OutcomeRow,
  outcomePage,
} from './queries-experiments.ts'

const PAGE = 2_000

/** Of one phase, control included. */
export async function groupsOf(
  sql: Sql,
  of: { program: Program; experiment: Omit<ExperimentRow, 'decidedBy'>; phase: 'test' | 'rollout'; at: Date },
): Promise<Map<string, Group>> {
  const { program, experiment, phase, at } = of
  const { measureDays, margin } = experiment.terms
  const named = { program: program.id, experiment: experiment.experiment }
  const groups = new Map<string, Group>()
  for (const size of await armSizes(sql, named))
    if (size.phase === phase) groups.set(size.arm, { ...emptyGroup(size.arm), assigned: size.members })
  const how: Measuring = { measureDays, margin, values: pointValuesOf(program) }
  const asked = { ...named, phase, measureDays, costs: 'own' as const, ...daysOver(program, at) }
  for await (const row of outcomes(sql, asked)) addOutcome(groups, row, how)
  return groups
}

/** Up to which day days are over. */
export function daysOver({ timeZone }: Program, at: Date): { through: string; timeZone: string } {
  return { through: addDays(dayOf(timeZone, at), -1), timeZone }
}

/** What a point is worth, by currency. */
export function pointValuesOf({ currencies }: Program): Map<string, number> {
  return new Map([...currencies].map(([id, { value }]) => [id, value ? value.amount.toNumber() : 0]))
}

export async function* outcomes(
  sql: Sql,
  asked: Omit<OutcomePage, 'after' | 'limit'>,
): AsyncGenerator<OutcomeRow> {
  let after: string | null = null
  do {
    const page: OutcomeRow[] = await outcomePage(sql, { ...asked, after, limit: PAGE })
    yield* page
    after = page.length === PAGE ? page.at(-1)!.memberId : null
  } while (after !== null)
}
