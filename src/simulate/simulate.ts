/**
 * A simulation: recorded history under candidate rules, in memory, by several threads that read one snapshot
 * of the database. Nothing is written. The rules in force, simulated, give the ledger to the point.
 */
import { availableParallelism } from 'node:os'
import type { Worker } from 'node:worker_threads'
import { besideOf, startThread } from '../base/thread.ts'
import { addressOf, type Sql } from '../db/connection.ts'
import type { ProgramFiles } from '../program/files.ts'
import { type Course, courseOf, sameCourse } from './budgets.ts'
import type { Packs } from './packs.ts'
import { countMembers, exportSnapshot, readStretches, type Stretch } from './queries.ts'
import { addTally, newTally, type Tally } from './tally.ts'
import type { Assignment, Order, Report } from './worker.ts'

export interface Simulation {
  readonly program: string
  /** the candidate, which loads without an error; null: the rules as recorded */
  readonly files: ProgramFiles | null
  /** the candidate is in force from `since` on; counted are sales from there until `until`, half-open; null: without end */
  readonly since: Date | null
  readonly until: Date | null
  /** above 0, at most 100: of the program's members */
  readonly percent: number
  /** a member attribute to group members by, or `segment`; null: the tier on the first ladder */
  readonly by: string | null
  /** up to when everything due is settled: now */
  readonly asOf: Date
  /** threads; as many as there are processors, at least two, where it is not said */
  readonly workers?: number
  /** where what was read is kept for the next time; nowhere where it is not said */
  readonly packs?: Packs | null
  readonly signal?: AbortSignal
  /** members */
  onProgress?(done: number, total: number): void
}

/** Members that a thread is sent at a time: few enough for progress that moves and even work. */
export const CHUNK = 1000

/** Sales leave much behind that is thrown away at once: with room for it, little of it is looked at twice. */
export const ROOM = { maxYoungGenerationSizeMb: 96 }

/** Passes after which limits over all members are told of as they are by then. Mostly three are enough. */
const MOST_PASSES = 8

export async function simulate(sql: Sql, simulation: Simulation): Promise<Tally> {
  const { program, percent, signal } = simulation
  const population = { program, share: Math.max(1, Math.round(percent * 100)) }
  signal?.throwIfAborted()
  return sql.begin('isolation level repeatable read read only', async (tx) => {
    const snapshot = await exportSnapshot(tx)
    const members = await countMembers(tx, population)
    const count = Math.min(
      simulation.workers ?? Math.max(2, availableParallelism()),
      Math.ceil(members / CHUNK),
    )
    const { files, since, until, asOf, by, packs = null } = simulation
    const assignment: Assignment = {
      ...{ url: addressOf(sql), snapshot, population, files, since, until, asOf, by },
      packs: packs && { ...packs, room: Math.floor(packs.room / count) },
    }
    const crew = startCrew(assignment, count, signal)
    try {
      // Threads take about as long to start as this takes.
      const stretches = await readStretches(tx, population, CHUNK)
      const total = await untilSettled(crew, { stretches, members, simulation })
      signal?.throwIfAborted()
      total.leftOut = members - total.members
      simulation.onProgress?.(members, members)
      return total
    } finally {
      await crew.end()
    }
  }) as Promise<Tally>
}

/** Pass after pass, until what commands took of limits over all members is what the last pass said. */
async function untilSettled(
  crew: Crew,
  all: { stretches: readonly Stretch[]; members: number; simulation: Simulation },
): Promise<Tally> {
  const { stretches, members, simulation } = all
  let course: Course = new Map()
  let shown = 0
  const onPart = (part: number) => {
    shown = Math.max(shown, Math.min(members - 1, Math.floor(part * members)))
    simulation.onProgress?.(shown, members)
  }
  for (let pass = 0; ; pass += 1) {
    const total = await onePass(crew, { stretches, course, pass, onPart })
    const next = courseOf(total.takes)
    total.budgetsExact = sameCourse(course, next)
    if (total.budgetsExact || pass + 1 === MOST_PASSES) return total
    course = next
  }
}

/** One to see what is wished for, one to see who comes too late, and one to find the same again. */
const USUAL_PASSES = 3

interface Pass {
  readonly stretches: readonly Stretch[]
  readonly course: Course
  readonly pass: number
  /** how much is done, of all passes together, as far as one can tell */
  onPart(part: number): void
}

/** All members once; a program without limits over all of them needs no more. */
async function onePass(crew: Crew, { stretches, course, pass, onPart }: Pass): Promise<Tally> {
  const total = newTally()
  let done = 0
  await crew.workOff(stretches, course, (tally, more) => {
    addTally(total, tally)
    done += more
    const passes = total.takes.length === 0 ? 1 : USUAL_PASSES
    onPart((Math.min(pass, passes - 1) + done / stretches.length) / passes)
  })
  return total
}

/** Threads that share one snapshot, and work off one pass after the other. */
interface Crew {
  /** Sends the stretches out one by one, to whichever thread is free; the first failure ends them all. */
  workOff(stretches: readonly Stretch[], course: Course, onDone: Work['onDone']): Promise<void>
  end(): Promise<void>
}

function startCrew(assignment: Assignment, count: number, signal: AbortSignal | undefined): Crew {
  const workers = Array.from({ length: count }, () => startThread(entry, assignment, ROOM))
  const failed = new Promise<never>((_resolve, reject) => {
    for (const worker of workers) {
      worker.on('error', reject)
      worker.on('exit', (code) => reject(signal?.reason ?? new Error(`a thread ended with ${code}`)))
    }
  })
  failed.catch(() => {})
  const stop = () => void Promise.all(workers.map((worker) => worker.terminate()))
  signal?.addEventListener('abort', stop)
  return {
    async workOff(stretches, course, onDone) {
      const left = [...stretches]
      const runs = workers.map((worker) => workThrough(worker, { left, of: count, course, onDone }))
      await Promise.race([Promise.all(runs), failed])
    },
    async end() {
      signal?.removeEventListener('abort', stop)
      await Promise.all(workers.map((worker) => worker.terminate()))
    },
  }
}

interface Work {
  /** shared by all threads of a pass */
  readonly left: Stretch[]
  /** how many threads there are */
  readonly of: number
  readonly course: Course
  /** told after each stretch, and once more by each thread of those members that it put off */
  onDone(tally: Tally, stretches: 0 | 1): void
}

/**
 * A thread has the next stretch at hand before it is done with one, so that it waits for nothing; but towards the end
 * each is left to whoever is free first.
 */
function workThrough(worker: Worker, { left, of, course, onDone }: Work): Promise<void> {
  return new Promise((resolve) => {
    let sent = 0
    let isResting = false
    const order = (one: Order) => worker.postMessage(one)
    const next = () => {
      while (left.length > 0 && (sent === 0 || (sent === 1 && left.length >= of))) {
        sent += 1
        order({ kind: 'stretch', stretch: left.shift()! })
      }
      if (sent > 0) return
      isResting = true
      order({ kind: 'rest' })
    }
    const onMessage = ({ tally }: Report) => {
      onDone(tally, isResting ? 0 : 1)
      sent -= 1
      if (!isResting) return next()
      worker.off('message', onMessage)
      resolve()
    }
    worker.on('message', onMessage)
    order({ kind: 'course', course })
    next()
  })
}

const entry = besideOf(import.meta.url, 'worker')
