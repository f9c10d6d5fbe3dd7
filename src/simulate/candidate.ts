/**
 * A simulation as it is asked for: which program, which files, which time. Checks what is asked before any
 * thread starts, and makes the result of what they counted.
 */
import { DomainError } from '../base/errors.ts'
import { didYouMean } from '../base/nearest.ts'
import type { Sql } from '../db/connection.ts'
import type { Programs } from '../engine/programs.ts'
import type { ProgramFiles } from '../program/files.ts'
import { loadProgram } from '../program/load.ts'
import type { Program } from '../program/program.ts'
import { BY_SEGMENT } from './member-run.ts'
import { historyOf, openPacks } from './packs.ts'
import { isBegun } from './replay.ts'
import { resultOf, type SimulationResult } from './result.ts'
import { type Simulation, simulate } from './simulate.ts'
import { unrecordedEvents } from './unrecorded.ts'

/** The candidate's files may hold anything. */
export interface SimulationAsked extends Omit<Simulation, 'asOf' | 'packs'> {
  readonly now: Date
  /** the data folder, to keep what is read for the next time; null: nowhere */
  readonly keptIn?: string | null
}

/** Refuses `rules_invalid`, `program_not_found`, `no_rules_in_force`, `rules_unreadable`, and an attribute that is not declared. */
export async function runSimulation(
  sql: Sql,
  programs: Programs,
  asked: SimulationAsked,
): Promise<SimulationResult> {
  const { files, since, until, percent, by, now: asOf } = asked
  await programs.refresh()
  const recorded = programs.at(asked.program, asOf)
  // Threads would only find out on the way that a version of then no longer loads.
  const history = historyOf(programs, asked.program, asOf)
  const candidate = files && candidateOf(files, asked.program)
  const inForceAtEnd = candidate !== null && isBegun(asked, asOf)
  const after = inForceAtEnd ? candidate : recorded
  mustBeAttribute(by, [recorded, candidate ?? recorded])
  const found = asked.keptIn ? await openPacks(asked.keptIn, sql, history) : null
  const packs = typeof found === 'string' ? null : found
  const tally = await simulate(sql, { ...asked, asOf, packs })
  const told = {
    ...{ since, until, asOf, percent, by, version: candidate?.version ?? null },
    unrecordedEvents: candidate ? unrecordedEvents(candidate, programs, { since, asOf }) : [],
  }
  return resultOf(tally, { ...told, programs: { before: recorded, after } })
}

function candidateOf(files: ProgramFiles, expected: string): Program {
  const { program, errors } = loadProgram(files)
  const foreign = program !== null && program.id !== expected
  const message = `these are the rules of ${program?.id}, not of ${expected}`
  const faults = foreign ? [{ path: 'program', message }] : errors
  if (program && faults.length === 0) return program
  const hint = `files of that program begin with \`program: ${expected}\``
  throw new DomainError('rules_invalid', { errors: faults, ...(foreign && { hint }) }, faults[0]?.message)
}

function mustBeAttribute(by: string | null, programs: readonly Program[]): void {
  if (by === null) return
  const known = [...new Set(programs.flatMap(({ memberAttributes }) => [...memberAttributes.keys()]))]
  if (programs.some(({ segments }) => segments.length > 0)) known.push(BY_SEGMENT)
  if (known.includes(by)) return
  const hint = didYouMean(by, known)
  throw new DomainError(
    'unknown_fact',
    { path: '/by', attribute: by, ...(hint && { hint }) },
    by === BY_SEGMENT
      ? 'this program has no segments'
      : `members have no attribute "${by}"${hint ? `: ${hint}` : ''}`,
  )
}
