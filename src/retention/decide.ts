/**
 * A decision by hand: a campaign is rolled out to all or stopped by somebody, whatever the plan would have said. It
 * ends the test for good, for looks after it would not keep the error that was promised; arms stay as they are.
 */
import { DomainError } from '../base/errors.ts'
import type { Executor } from '../db/connection.ts'
import type { Program } from '../program/program.ts'
import { type ExperimentRow, readExperiments, writeDecision } from './queries-experiments.ts'

export interface HandDecision {
  readonly experiment: string
  /** the arm that all others get; null: nobody is treated any more */
  readonly rollOut: string | null
  readonly by: string
  readonly at: Date
}

/** The same decision again changes nothing, not even who decided. */
export async function endTest(
  sql: Executor,
  program: Program,
  decision: HandDecision,
): Promise<ExperimentRow> {
  const { experiment, rollOut, by, at } = decision
  const [row] = await readExperiments(sql, program.id, experiment)
  if (!row) throw new DomainError('experiment_not_found', { experiment })
  if (rollOut !== null) armToRollOut(program, row, rollOut)
  const state = rollOut === null ? 'stopped' : 'rolled_out'
  await writeDecision(sql, { program: program.id, experiment, state, winner: rollOut, by, at })
  const [decided] = await readExperiments(sql, program.id, experiment)
  return decided!
}

/** It must be one that the test had and that the rules in force still describe. */
function armToRollOut(program: Program, { experiment, terms }: ExperimentRow, arm: string): void {
  const campaign = program.campaigns.find(({ id }) => id === experiment)
  const arms = terms.arms.filter((id) => campaign?.arms.some((one) => one.id === id))
  if (arms.includes(arm)) return
  throw new DomainError('arm_not_found', { experiment, arm, arms })
}
