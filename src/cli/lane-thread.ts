/** The thread of a service's lane: a pool, the rules and the lane of its own, until the service closes it. */
import { parentPort, workerData } from 'node:worker_threads'
import { invariant } from '../base/errors.ts'
import { connect, laneSettings } from '../db/connection.ts'
import { createLane } from '../engine/lane.ts'
import { serveLane } from '../engine/lane-beside.ts'
import { createPrograms } from '../engine/programs.ts'
import { keepStates } from '../retention/keep.ts'

/** What the thread is started with; plain data. */
export interface LaneTask {
  readonly url: string
  /** groups being written at a time */
  readonly groups: number
  /** commands at most waiting */
  readonly queueLimit: number
}

invariant(parentPort, 'this file runs as a thread')
const { url, groups, queueLimit } = workerData as LaneTask
const sql = connect(url, { max: groups, name: 'milepost lane', settings: laneSettings })
try {
  const programs = await createPrograms(sql)
  await serveLane(parentPort, ({ onGroup, onRules }) => {
    const heard = {
      ...programs,
      async refresh(executor = sql) {
        const isNew = await programs.refresh(executor)
        if (isNew) onRules()
        return isNew
      },
    }
    return createLane({ sql, programs: heard, projection: keepStates, queueLimit, groups, onGroup })
  })
} finally {
  await sql.end({ timeout: 1 })
}
