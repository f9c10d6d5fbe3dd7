/**
 * What is kept of members beside the ledger, written in the same database transaction as the facts that it
 * sums up. The engine says when; what is kept, and of which programs, is the business of whoever keeps it.
 */
import type { Executor } from '../db/connection.ts'
import type { Command } from './command.ts'
import type { RulesInForce } from './deciding.ts'
import type { GroupState, Writes } from './state.ts'

export interface Projection {
  /** Null where nothing is kept for any program of the group: then it costs no statement. */
  open(group: ProjectedGroup): GroupProjection | null
}

export interface ProjectedGroup {
  readonly sql: Executor
  readonly commands: readonly Command[]
  readonly rules: RulesInForce
}

/** One group's: read while its members are locked, written with what was decided on them. */
export interface GroupProjection {
  /** Sends its reading at once, behind the locks; may be called again for further members. */
  read(memberIds: readonly string[]): Promise<void>
  persist(group: GroupState, writes: Writes): Promise<unknown>[]
}
