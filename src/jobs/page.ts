/** The work of a job on a page of members: some at once, each alone with its trouble. */
import { DomainError } from '../base/errors.ts'
import { isUnreadable, type Programs, readableAt } from '../engine/programs.ts'
import type { Program } from '../program/program.ts'
import type { Deps, JobName } from './job.ts'

/** Far below the lane's limit, so that a job never makes a till wait for a place. */
const AT_ONCE = 64

export interface PageWork<Item> {
  readonly job: JobName
  readonly items: readonly Item[]
  /** 64 where it is not said */
  readonly atOnce?: number
  readonly signal?: AbortSignal | undefined
  memberOf(item: Item): string
  work(item: Item): Promise<void>
}

/**
 * How many failed: one member's trouble is logged and keeps nobody else from their turn. A service that is full
 * and a database that is away end the run; the next one comes soon enough.
 */
export async function workThrough<Item>(deps: Deps, page: PageWork<Item>): Promise<number> {
  const left = page.items.values()
  let failed = 0
  const workers = Array.from({ length: Math.min(page.atOnce ?? AT_ONCE, page.items.length) }, async () => {
    for (const item of left) {
      if (page.signal?.aborted) return
      try {
        await page.work(item)
      } catch (error) {
        if (error instanceof DomainError && ['queue_full', 'database_unavailable'].includes(error.code))
          throw error
        failed += 1
        // The service tells of it once, not once for each of a million members.
        if (isUnreadable(error)) continue
        const memberId = page.memberOf(item)
        deps.log.error({ err: error, memberId, job: page.job }, 'a member could not be worked on')
      }
    }
  })
  await Promise.all(workers)
  return failed
}

/** The programs' rules in force, where there are any that load: what does not is the service's to tell of. */
export function programsInForce(programs: Programs, at: Date): Program[] {
  return programs.ids().flatMap((id) => readableAt(programs, id, at) ?? [])
}
