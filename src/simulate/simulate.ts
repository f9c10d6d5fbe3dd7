/**
 * A simulation: recorded history under candidate rules, in memory, by several threads that read one snapshot
 * of the database. Nothing is written. The rules in force, simulated, give the ledger to the point.
 */
import { availableParallelism } from 'node:os'
import type { Worker } from 'node:worker_threads'
import { besideOf, startThread } from '../base/thread.ts'
import { addressOf, type Sql } from '../db/connection.ts'
import type { ProgramFiles } from '../program/files.ts'
import { exportSnapshot, readChunks } from './queries.ts'
import { addTally, newTally, type Tally } from './tally.ts'
import type { Assignment, Report, Stretch } from './worker.ts'

export interface Simulation {
  readonly program: string
  /** the candidate, which loads without an error; null: the rules as recorded */
  readonly files: ProgramFiles | null
  /** the candidate is in force from `since` on; counted are sales from there until `until`, half-open; null: without end */
  readonly since: Date | null
  readonly until: Date | null
  /** above 0, at most 100: of the program's members */
  readonly percent: number
  /** a member attribute to group members by; null: the tier on the first ladder */
  readonly by: string | null
  /** up to when everything due is settled: now */
  readonly asOf: Date
  /** threads; as many as there are processors, at least two, where it is not said */
  readonly workers?: number
  readonly signal?: AbortSignal
  /** members */
  onProgress?(done: number, total: number): void
}

/** Members that a thread is sent at a time: few enough for progress that moves and even work. */
const CHUNK = 200

export async function simulate(sql: Sql, simulation: Simulation): Promise<Tally> {
  const { program, percent, signal, onProgress } = simulation
  const population = { program, share: Math.max(1, Math.round(percent * 100)) }
  signal?.throwIfAborted()
  return sql.begin('isolation level repeatable read read only', async (tx) => {
    const snapshot = await exportSnapshot(tx)
    const { starts, members } = await readChunks(tx, population, CHUNK)
    const { files, since, until, asOf, by } = simulation
    const url = addressOf(sql)
    const assignment: Assignment = { url, snapshot, population, files, since, until, asOf, by }
    const stretches = starts.map((from, index): Stretch => ({ from, to: starts[index + 1] ?? null }))
    const total = newTally()
    let done = 0
    const count = Math.min(simulation.workers ?? Math.max(2, availableParallelism()), stretches.length)
    await spread(stretches, {
      ...{ assignment, count, signal },
      onDone(tally) {
        addTally(total, tally)
        done += CHUNK
        onProgress?.(Math.min(done, members), members)
      },
    })
    total.leftOut = members - total.members
    return total
  }) as Promise<Tally>
}

interface Spreading {
  readonly assignment: Assignment
  readonly count: number
  readonly signal: AbortSignal | undefined
  onDone(tally: Tally): void
}

/** Sends the stretches out one by one, to whichever thread is free; the first failure ends them all. */
async function spread(stretches: readonly Stretch[], spreading: Spreading): Promise<void> {
  const { assignment, count, signal, onDone } = spreading
  const left = [...stretches]
  const workers: Worker[] = []
  const runs = Array.from({ length: count }, () => {
    const worker = startThread(entry, assignment)
    workers.push(worker)
    return new Promise<void>((resolve, reject) => {
      worker.on('error', reject)
      worker.on('exit', (code) =>
        code === 0 ? resolve() : reject(signal?.reason ?? new Error(`a thread ended with ${code}`)),
      )
      worker.on('message', (report: Report) => {
        if (report.kind === 'done') onDone(report.tally)
        worker.postMessage(left.shift() ?? null)
      })
    })
  })
  const stop = () => void Promise.all(workers.map((worker) => worker.terminate()))
  signal?.addEventListener('abort', stop)
  try {
    await Promise.all(runs)
    signal?.throwIfAborted()
  } finally {
    signal?.removeEventListener('abort', stop)
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}

const entry = besideOf(import.meta.url, 'worker')
