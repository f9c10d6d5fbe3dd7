/** A thread of a simulation: takes over the snapshot, and simulates the members that it is sent. */
import { parentPort, workerData } from 'node:worker_threads'
import { invariant } from '../base/errors.ts'
import { connect } from '../db/connection.ts'
import { createPrograms } from '../engine/programs.ts'
import { loadProgram } from '../program/load.ts'
import type { Course } from './budgets.ts'
import type { Packs } from './packs.ts'
import { type Population, type Stretch, useSnapshot } from './queries.ts'
import { pastRules } from './replay.ts'
import { simulateStretch } from './stretch.ts'
import type { Tally } from './tally.ts'

/** What a thread is started with; plain data. */
export interface Assignment {
  readonly url: string
  readonly snapshot: string
  readonly population: Population
  /** the candidate's files; null: the rules as recorded */
  readonly files: ReadonlyMap<string, Uint8Array | string> | null
  readonly since: Date | null
  readonly until: Date | null
  readonly asOf: Date
  readonly by: string | null
  /** with the thread's share of the room; null: nothing is kept */
  readonly packs: Packs | null
}

/** A pass begins with the course that limits over all members took in the last one; then come members. */
export type Order =
  | { readonly kind: 'course'; readonly course: Course }
  | { readonly kind: 'stretch'; readonly stretch: Stretch }

export interface Report {
  readonly tally: Tally
}

async function work(port: NonNullable<typeof parentPort>, assignment: Assignment): Promise<void> {
  const { since, until, asOf, by, population } = assignment
  const sql = connect(assignment.url, { max: 2, name: 'milepost simulation' })
  const recorded = pastRules(await createPrograms(sql))
  const program = assignment.files && loadProgram(assignment.files).program
  invariant(program !== null || assignment.files === null, 'the candidate was checked before')
  const candidate = program && { program, since }
  const what = { program: population.program, recorded, candidate, asOf, since, until, by }

  await sql.begin('isolation level repeatable read read only', async (tx) => {
    await useSnapshot(tx, assignment.snapshot)
    let course: Course = new Map()
    let { packs } = assignment
    for await (const order of messages<Order>(port)) {
      if (order.kind === 'course') course = order.course
      else {
        const where = { population, stretch: order.stretch, packs }
        const { tally, bytes } = await simulateStretch(tx, where, { ...what, course })
        if (packs) packs = { ...packs, room: packs.room - bytes }
        port.postMessage({ tally } satisfies Report)
      }
    }
  })
}

/** Messages one by one, in order. */
async function* messages<T>(port: NonNullable<typeof parentPort>): AsyncGenerator<T> {
  const queue: T[] = []
  let wake = () => {}
  port.on('message', (message: T) => {
    queue.push(message)
    wake()
  })
  while (true) {
    const message = queue.shift()
    if (message !== undefined) yield message
    else
      await new Promise<void>((resolve) => {
        wake = resolve
      })
  }
}

invariant(parentPort, 'this file runs as a thread')
await work(parentPort, workerData as Assignment)
