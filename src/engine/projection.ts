/**
 * What is kept of members beside the ledger, written in the same database transaction as the facts that it
 * sums up. The engine says when; what is kept, and of which programs, is the business of whoever keeps it.
 */
import type { Executor } from '../db/connection.ts'
import type { Command } from './command.ts'
import type { RulesInForce } from './deciding.ts'
import type { GroupProjection } from './state.ts'

export interface Projection {
  /** Null where nothing is kept for any program of the group: then it costs no statement. */
  open(group: ProjectedGroup): GroupProjection | null
}

export interface ProjectedGroup {
  readonly sql: Executor
  readonly commands: readonly Command[]
  readonly rules: RulesInForce
}
