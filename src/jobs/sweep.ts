/**
 * One sweep: members of whom something is due, each settled by a command of its own through the lane. A
 * sweep holds no rows and keeps no state, so it may be cut short anywhere and run again, or run twice at once.
 */
import { DomainError } from '../base/errors.ts'
import { newCommand } from '../engine/command.ts'
import type { Deps, Sweep, SweepTotals } from './job.ts'
import { type DueMember, dueMembers, programIds } from './queries.ts'

const PAGE = 500
/** Far below the lane's limit, so that a sweep never makes a till wait for a place. */
const AT_ONCE = 64

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
      await settleAll(deps, { run, program, page, totals })
      after = page.length === PAGE ? page.at(-1)! : null
    } while (after !== null && !run.signal?.aborted)
  }
  return totals
}

interface Settling {
  readonly run: SweepRun
  readonly program: string
  readonly page: readonly DueMember[]
  readonly totals: SweepTotals
}

async function settleAll(deps: Deps, settling: Settling): Promise<void> {
  const left = settling.page.values()
  const workers = Array.from({ length: Math.min(AT_ONCE, settling.page.length) }, async () => {
    for (const { memberId } of left) {
      if (settling.run.signal?.aborted) return
      await settleOne(deps, settling, memberId)
    }
  })
  await Promise.all(workers)
}

interface Settled {
  readonly released: number
  readonly expired: number
  readonly cancelled: number
  readonly holdsReleased: number
  readonly tierChanges: number
}

async function settleOne(deps: Deps, { run, program, totals }: Settling, memberId: string): Promise<void> {
  const command = newCommand({ program, source: 'jobs', ref: null, at: run.at }, { kind: 'settle', memberId })
  try {
    const reply = await deps.lane.run(command)
    const settled = JSON.parse(reply.body) as Settled
    totals.members += 1
    totals.released += settled.released
    totals.expired += settled.expired
    totals.cancelled += settled.cancelled
    totals.holdsReleased += settled.holdsReleased
    totals.tierChanges += settled.tierChanges
  } catch (error) {
    if (endsTheSweep(error)) throw error
    // One member's trouble must not keep the others' points from them.
    totals.failed += 1
    deps.log.error({ err: error, memberId, job: run.sweep }, 'a member could not be settled')
  }
}

/** The service is full or its database away: the next sweep comes soon enough. */
function endsTheSweep(error: unknown): boolean {
  return (
    error instanceof DomainError && (error.code === 'queue_full' || error.code === 'database_unavailable')
  )
}
