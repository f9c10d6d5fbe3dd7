/**
 * The outbox is kept for so many days and no longer: whole months are dropped as tables, the rest of the oldest
 * month goes in bounded pieces, so that nobody who writes waits for it.
 */
import { EVENT_DAYS } from '../config.ts'
import { bringForward, bygonePartitions, deleteOldEvents, dropPartition } from '../events/queries.ts'
import type { Deps } from './job.ts'

const DAY = 24 * 60 * 60 * 1000
const PIECE = 5_000

export async function purgeEvents(
  { sql, eventDays = EVENT_DAYS }: Deps,
  { at, signal }: { at: Date; signal?: AbortSignal | undefined },
): Promise<{ months: number; events: number; broughtForward: number; failed: number }> {
  const before = new Date(at.getTime() - eventDays * DAY)
  const broughtForward = await bringForward(sql)
  let [months, events, failed] = [0, 0, 0]
  for (const name of await bygonePartitions(sql, before)) {
    if (await dropPartition(sql, name)) months += 1
    else failed += 1
  }
  for (let gone = PIECE; gone === PIECE && !signal?.aborted; events += gone) {
    gone = await deleteOldEvents(sql, before, PIECE)
  }
  return { months, events, broughtForward, failed }
}
