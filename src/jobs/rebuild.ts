/**
 * Makes members' rows anew from their transactions: those that are marked, and all of a program that has its
 * retention section only now or reads transactions in another way than before. Marks are kept in the rows, so
 * a run that was cut short is taken up where it ended.
 */
import { newCommand } from '../engine/command.ts'
import { createPrograms, type Programs } from '../engine/programs.ts'
import { ENGINE_SOURCE } from '../program/events.ts'
import type { Program } from '../program/program.ts'
import { basisOf } from '../retention/deed.ts'
import {
  countMarked,
  dropRows,
  keptPrograms,
  type Making,
  makingOf,
  markedAfter,
  markPage,
  noteMaking,
} from '../retention/queries-rebuild.ts'
import type { Deps, RebuildTotals } from './job.ts'
import { programsInForce, workThrough } from './page.ts'

/** Reading a member's whole past is heavier than a sale, so few at a time. */
const AT_ONCE = 8
const PAGE = 500

export interface RebuildRun {
  readonly at: Date
  /** only this one */
  readonly program?: string | undefined
  /** every member, marked or not */
  readonly all?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  onProgress?(progress: { what: 'rebuilding'; done: number; of: number }): void
}

export async function rebuildStates(deps: Deps, run: RebuildRun): Promise<RebuildTotals> {
  const totals = { members: 0, dropped: 0, failed: 0 }
  const programs = await createPrograms(deps.sql)
  for (const program of programsInForce(programs, run.at)) {
    if (!program.retention || (run.program !== undefined && run.program !== program.id)) continue
    await rebuildProgram(deps, { programs, program, run, totals })
  }
  for (const id of run.program === undefined ? await keptPrograms(deps.sql) : []) {
    // Whether rules that no longer load have the section nobody knows.
    if (!programs.loads(id, run.at) || programs.find(id, run.at)?.retention) continue
    for (let gone = -1; gone !== 0; totals.dropped += gone) gone = await dropRows(deps.sql, id, PAGE)
  }
  return totals
}

interface Rebuilding {
  readonly programs: Programs
  readonly program: Program
  readonly run: RebuildRun
  readonly totals: RebuildTotals
}

export async function rebuildProgram(deps: Deps, rebuilding: Rebuilding): Promise<void> {
  const { program, run, programs } = rebuilding
  const basis = basisOf(program)
  const making = await makingOf(deps.sql, program.id)
  if (run.all || !isMadeBy(making, { programs, program, at: run.at })) {
    await noteMaking(deps.sql, program.id, { basis, markedAt: null })
    let after: string | null = null
    do after = await markPage(deps.sql, { program: program.id, after, limit: PAGE })
    while (after !== null && !run.signal?.aborted)
    if (run.signal?.aborted) return
    await noteMaking(deps.sql, program.id, { basis, markedAt: run.at })
  }
  await rebuildMarked(deps, rebuilding)
}

/** Whether the rows were made as they would be now, and kept ever since. */
function isMadeBy(
  making: Making | null,
  { programs, program, at }: { programs: Programs; program: Program; at: Date },
): boolean {
  const markedAt = making?.markedAt ?? null
  if (making === null || markedAt === null) return false
  const { timeZone, purchases } = basisOf(program)
  const isSame =
    making.basis.timeZone === timeZone && JSON.stringify(making.basis.purchases) === JSON.stringify(purchases)
  const since = programs
    .versions(program.id)
    .filter(({ effectiveFrom, withdrawn }) => !withdrawn && effectiveFrom > markedAt && effectiveFrom <= at)
  const lost = new Set(programs.unloadable().map(({ version }) => version))
  return (
    isSame &&
    since.every(
      ({ version }) => !lost.has(version) && programs.version(program.id, version).retention !== null,
    )
  )
}

async function rebuildMarked(deps: Deps, { program, run, totals }: Rebuilding): Promise<void> {
  const of = await countMarked(deps.sql, program.id)
  let done = 0
  let after: string | null = null
  do {
    const page: string[] = await markedAfter(deps.sql, { program: program.id, after, limit: PAGE })
    totals.failed += await workThrough(deps, {
      job: 'rebuild',
      items: page,
      atOnce: AT_ONCE,
      signal: run.signal,
      memberOf: (memberId) => memberId,
      work: async (memberId) => {
        const who = { program: program.id, source: ENGINE_SOURCE, ref: null, at: run.at }
        try {
          await deps.lane.run(newCommand(who, { kind: 'rebuild', memberId }))
          totals.members += 1
        } finally {
          done += 1
          run.onProgress?.({ what: 'rebuilding', done, of })
        }
      },
    })
    after = page.length === PAGE ? page.at(-1)! : null
  } while (after !== null && !run.signal?.aborted)
}
