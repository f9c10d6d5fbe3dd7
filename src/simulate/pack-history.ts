/**
 * Brings the packs of a program's history up to date before anybody asks for a simulation, so that the first one does
 * not read it all either. Whatever was not written to since is left as it is; nothing is written to the database.
 */
import { besideOf, startThread } from '../base/thread.ts'
import { addressOf, type Sql } from '../db/connection.ts'
import { isUnreadable, type Programs } from '../engine/programs.ts'
import type { PackedStretch, PackTask } from './pack-thread.ts'
import { bytesIn, historyOf, openPacks, type Packs, type Unkept } from './packs.ts'
import { plainProgram } from './plain.ts'
import { countMembers, readStretches } from './queries.ts'
import { pastRules } from './replay.ts'
import { CHUNK, ROOM } from './simulate.ts'

export interface PackAsked {
  readonly program: string
  readonly now: Date
  /** the data folder */
  readonly keptIn: string
  readonly signal?: AbortSignal | undefined
  /** members */
  onProgress?(done: number, of: number): void
}

/**
 * Why a program is passed over: all of its members would go the long way, which reads rows; or some version of
 * its rules no longer loads, so that nobody can simulate it.
 */
export type PassedOver = 'long_way' | 'rules_unreadable'

export interface PackedHistory {
  /** members that there are, and those that were looked at: fewer where it was called off */
  readonly of: number
  readonly members: number
  /** packed anew, with how many sales */
  readonly packed: number
  readonly sales: number
  /** members for whom there is no room */
  readonly noRoom: number
  /** of this program, as it is now */
  readonly bytes: number
}

export async function packHistory(
  sql: Sql,
  programs: Programs,
  asked: PackAsked,
): Promise<PackedHistory | PassedOver | Unkept> {
  const history = readableHistory(programs, asked)
  if (history === null) return 'rules_unreadable'
  const past = { program: asked.program, recorded: pastRules(programs), candidate: null }
  if (plainProgram(past) === null) return 'long_way'
  const packs = await openPacks(asked.keptIn, sql, history)
  if (typeof packs === 'string') return packs
  const population = { program: asked.program, share: 10_000 }
  const [members, stretches] = await Promise.all([
    countMembers(sql, population),
    readStretches(sql, population, CHUNK),
  ])
  const totals = { of: members, members: 0, packed: 0, sales: 0, noRoom: 0 }
  if (stretches.length > 0) {
    const task = { url: addressOf(sql), population, stretches, packs, asOf: asked.now }
    await packBeside(task, asked.signal, (done) => {
      totals.members += done.members
      totals.packed += done.packed
      totals.sales += done.sales
      totals.noRoom += done.noRoom
      asked.onProgress?.(totals.members, members)
    })
  }
  return { ...totals, bytes: await bytesKept(packs) }
}

function readableHistory(programs: Programs, { program, now }: PackAsked) {
  try {
    return historyOf(programs, program, now)
  } catch (error) {
    if (isUnreadable(error)) return null
    throw error
  }
}

/** Somebody may be erased just now, and the folder with them. */
async function bytesKept({ folder }: Packs): Promise<number> {
  return bytesIn(folder).catch(() => 0)
}

/** One thread, however many processors there are: tills come first, and nobody waits for this. */
function packBeside(
  task: PackTask,
  signal: AbortSignal | undefined,
  onDone: (done: PackedStretch) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const thread = startThread(besideOf(import.meta.url, 'pack-thread'), task, ROOM)
    // At once: packs are written whole or not at all, and the next run goes on from there.
    const stop = () => {
      resolve()
      void thread.terminate()
    }
    signal?.addEventListener('abort', stop, { once: true })
    let left = task.stretches.length
    thread.on('message', (done: PackedStretch) => {
      onDone(done)
      left -= 1
    })
    thread.on('error', reject)
    thread.on('exit', () => {
      signal?.removeEventListener('abort', stop)
      if (left === 0) resolve()
      else reject(new Error('the thread that packs ended before it was done'))
    })
    if (signal?.aborted) stop()
  })
}
