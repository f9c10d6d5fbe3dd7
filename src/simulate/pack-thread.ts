/**
 * The thread that packs a program's history, one stretch after the other: never more than one pack is in mind, and
 * each has a view of the database of its own, so that none is held open for long.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { invariant } from '../base/errors.ts'
import { connect } from '../db/connection.ts'
import { createPrograms } from '../engine/programs.ts'
import { keptPack, packName } from './kept.ts'
import { hasPack, type Packs } from './packs.ts'
import { type Population, readTokens, type Stretch, tokensIn } from './queries.ts'
import { pastRules } from './replay.ts'

/** What the thread is started with; plain data. */
export interface PackTask {
  readonly url: string
  readonly population: Population
  readonly stretches: readonly Stretch[]
  readonly packs: Packs
  readonly asOf: Date
}

/** One for each stretch, in order. */
export interface PackedStretch {
  readonly members: number
  /** packed anew, with how many sales */
  readonly packed: number
  readonly sales: number
  /** members for whom there is no room */
  readonly noRoom: number
}

async function work(port: NonNullable<typeof parentPort>, task: PackTask): Promise<void> {
  const { population, asOf } = task
  const sql = connect(task.url, { max: 1, name: 'milepost packing' })
  try {
    const recorded = pastRules(await createPrograms(sql))
    const what = { program: population.program, recorded, asOf }
    let { packs } = task
    let isFull = false
    for (const stretch of task.stretches) {
      const where = { population, stretch, packs }
      const done = await sql.begin('isolation level repeatable read read only', async (tx) => {
        // What finds no room is not read for nothing, night after night; what is there is kept up to date.
        if (isFull && !(await hasPack(packs, packName(where)))) {
          const { length } = tokensIn(await readTokens(tx, population, stretch))
          return { members: length, packed: 0, sales: 0, noRoom: length }
        }
        const { pack, bytes, fresh } = await keptPack(tx, where, what)
        const members = pack.members.length
        if (bytes === null) {
          isFull = true
          return { members, packed: 0, sales: 0, noRoom: members }
        }
        packs = { ...packs, room: packs.room - bytes }
        const packed = fresh.filter(({ kind }) => kind === 'packed')
        const sales = packed.reduce((sum, { from, to }) => sum + to - from, 0)
        return { members, packed: packed.length, sales, noRoom: 0 }
      })
      port.postMessage(done satisfies PackedStretch)
    }
  } finally {
    await sql.end({ timeout: 1 })
    port.close()
  }
}

invariant(parentPort, 'this file runs as a thread')
await work(parentPort, workerData as PackTask)
