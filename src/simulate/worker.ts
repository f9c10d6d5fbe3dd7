/** A thread of a simulation: takes over the snapshot, and simulates the members that it is sent. */
import { parentPort, workerData } from 'node:worker_threads'
import { invariant } from '../base/errors.ts'
import { connect } from '../db/connection.ts'
import { createPrograms } from '../engine/programs.ts'
import { loadProgram } from '../program/load.ts'
import type { Course } from './budgets.ts'
import { simulateMembers } from './chunk.ts'
import { type Found, lookUp } from './kept.ts'
import type { Packs } from './packs.ts'
import { plainProgram } from './plain.ts'
import { type Population, type Stretch, useSnapshot } from './queries.ts'
import { pastRules } from './replay.ts'
import { simulateStretch } from './stretch.ts'
import { addTally, newTally, type Tally } from './tally.ts'

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

/**
 * A pass begins with the course that limits over all members took in the last one; then come members, and at last
 * the rest: whoever of them is still to go the long way.
 */
export type Order =
  | { readonly kind: 'course'; readonly course: Course }
  | { readonly kind: 'stretch'; readonly stretch: Stretch }
  | { readonly kind: 'rest' }

/** Of each stretch, and of the rest. */
export interface Report {
  readonly tally: Tally
}

/** The long way asks for many things, of one member as of many: it is not gone for one alone. */
const TOGETHER = 64

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
    const isPlain = plainProgram(what) !== null
    const ahead = (stretch: Stretch) =>
      isPlain ? lookedUp(lookUp(tx, { population, stretch, packs })) : null
    const long: string[] = []
    const goLong = async (tally: Tally) => {
      if (long.length > 0) addTally(tally, await simulateMembers(tx, long.splice(0), { ...what, course }))
      return tally
    }
    const simulated = async (stretch: Stretch, found: Promise<Found> | null) => {
      const where = { population, stretch, packs, ...(found && { found }) }
      const { tally, bytes, long: more } = await simulateStretch(tx, where, { ...what, course })
      if (packs) packs = { ...packs, room: packs.room - bytes }
      for (const id of more) long.push(id)
      return long.length < TOGETHER ? tally : goLong(tally)
    }
    for await (const order of inTurn(port, ahead)) {
      if (order.kind === 'course') course = order.course
      else {
        const tally = await (order.kind === 'rest'
          ? goLong(newTally())
          : simulated(order.stretch, order.found ?? null))
        port.postMessage({ tally } satisfies Report)
      }
    }
  })
}

/** Whoever comes to use it is told of what failed; until then it is nobody's. */
function lookedUp(found: Promise<Found>): Promise<Found> {
  found.catch(() => {})
  return found
}

type Taken = Order & { readonly found?: Promise<Found> | null }

/** Orders one by one; what a stretch needs is looked up as soon as it is ordered. */
async function* inTurn(
  port: NonNullable<typeof parentPort>,
  ahead: (stretch: Stretch) => Promise<Found> | null,
): AsyncGenerator<Taken> {
  const queue: Taken[] = []
  let wake = () => {}
  port.on('message', (order: Order) => {
    queue.push(order.kind === 'stretch' ? { ...order, found: ahead(order.stretch) } : order)
    wake()
  })
  while (true) {
    const order = queue.shift()
    if (order !== undefined) yield order
    else
      await new Promise<void>((resolve) => {
        wake = resolve
      })
  }
}

invariant(parentPort, 'this file runs as a thread')
await work(parentPort, workerData as Assignment)
