/** A thread that reads the rows of a simulation in the way of the simulation, and does nothing with them. */
import { workerData } from 'node:worker_threads'
import { connect } from '../src/db/connection.ts'
import {
  type Population,
  readCommands,
  readMemberIds,
  readSaleTimes,
  type Stretch,
  streamSales,
  useSnapshot,
} from '../src/simulate/queries.ts'
import { replayed } from '../src/simulate/replay.ts'

export interface Reading {
  readonly url: string
  readonly snapshot: string
  readonly population: Population
  readonly stretches: readonly Stretch[]
}

const { url, snapshot, population, stretches } = workerData as Reading
const sql = connect(url, { max: 1, name: 'bench' })
await sql.begin('isolation level repeatable read read only', async (tx) => {
  await useSnapshot(tx, snapshot)
  for (const stretch of stretches) {
    const ids = await readMemberIds(tx, population, stretch)
    await Promise.all([readCommands(tx, ids, replayed), readSaleTimes(tx, ids)])
    for await (const sales of streamSales(tx, ids)) void sales
  }
})
await sql.end({ timeout: 1 })
