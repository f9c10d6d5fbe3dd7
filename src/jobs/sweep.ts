/**
 * One sweep: members of whom something is due, each settled by a command of its own through the lane. A
 * sweep holds no rows and keeps no state, so it may be cut short anywhere and run again, or run twice at once.
 */
import { newCommand } from '../engine/command.ts'
import type { Deps, Sweep, SweepTotals } from './job.ts'
import { workThrough } from './page.ts'
import { type DueMember, dueMembers, programIds } from './queries.ts'

const PAGE = 500

export interface SweepRun {
  readonly sweep: Sweep
  readonly at: Date
  readonly signal?: AbortSignal | undefined
}

export async function runSweep(deps: Deps, run: SweepRun): Promise<SweepTotals> {
  const totals: SweepTotals = {
    members: 0,
    released: 0,
    expired: 0,
    cancelled: 0,
    holdsReleased: 0,
    tierChanges: 0,
    failed: 0,
  }
  for (const program of await programIds(deps.sql)) {
    let after: DueMember | null = null
    do {
      const page: DueMember[] = await dueMembers(deps.sql, run.sweep, {
        program,
        at: run.at,
        after,
        limit: PAGE,
      })
      totals.failed += await workThrough(deps, {
        job: run.sweep,
        items: page,
        signal: run.signal,
        memberOf: ({ memberId }) => memberId,
        work: ({ memberId }) => settle(deps, { run, program, totals }, memberId),
      })
      after = page.length === PAGE ? page.at(-1)! : null
    } while (after !== null && !run.signal?.aborted)
  }
  return totals
}

interface Settled {
  readonly released: number
  readonly expired: number
  readonly cancelled: number
  readonly holdsReleased: number
  readonly tierChanges: number
}

async function settle(
  { lane }: Deps,
  { run, program, totals }: { run: SweepRun; program: string; totals: SweepTotals },
  memberId: string,
): Promise<void> {
  const command = newCommand({ program, source: 'jobs', ref: null, at: run.at }, { kind: 'settle', memberId })
  const settled = JSON.parse((await lane.run(command)).body) as Settled
  totals.members += 1
  totals.released += settled.released
  totals.expired += settled.expired
  totals.cancelled += settled.cancelled
  totals.holdsReleased += settled.holdsReleased
  totals.tierChanges += settled.tierChanges
}
