/**
 * The server process: whether one runs on a data folder, starting one, stopping one. PostgreSQL's own
 * postmaster.pid is the lock between starts at the same time: of two servers on one folder the second
 * one ends by itself. The file of a living server is never deleted.
 */
import { execFileSync, spawn } from 'node:child_process'
import {
  closeSync,
  existsSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Binaries } from './binaries.ts'
import type { Cluster } from './cluster.ts'
import { childEnv, isAlive, type Runner } from './runner.ts'
import { settingsFor } from './settings.ts'

export type Postmaster =
  | { readonly state: 'none' }
  /** the file's process is gone, or is another program that got the same number */
  | { readonly state: 'stale'; readonly text: string }
  | {
      readonly state: 'starting' | 'ready' | 'stopping'
      readonly pid: number
      readonly port: number
    }

export interface Launch {
  readonly cluster: Cluster
  readonly runner: Runner
  readonly programs: Binaries
  readonly port: number
  readonly fast: boolean
}

/** What postmaster.pid says: pid, data folder, start time, port, socket, address, shared memory, status. */
export function lookAt(data: string): Postmaster {
  const text = readPidFile(data)
  if (text === null) return { state: 'none' }
  const lines = text.split('\n')
  const pid = Number(lines[0])
  // The server writes its file line by line: a first line that is no number yet is a server starting.
  if (!Number.isSafeInteger(pid) || pid <= 0) return { state: 'starting', pid: 0, port: 0 }
  if (!isAlive(pid) || !isPostmaster(pid, lines[1] ?? data)) return { state: 'stale', text }
  const status = (lines[7] ?? '').trim()
  const state = status === 'ready' || status === 'stopping' ? status : 'starting'
  return { state, pid, port: Number(lines[3] ?? 0) }
}

function readPidFile(data: string): string | null {
  try {
    return readFileSync(join(data, 'postmaster.pid'), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** A dead server's number is soon given to another program, above all in containers. */
function isPostmaster(pid: number, folder: string): boolean {
  const command = commandOf(pid)
  return command === null || (command.includes('postgres') && command.includes(folder))
}

/** The command line of a process; null where it cannot be told, and then it counts as a living server. */
function commandOf(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    try {
      return execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], {
        encoding: 'utf8',
      })
    } catch {
      return null
    }
  }
}

/**
 * Takes away the pid file of a server that is gone, where PostgreSQL itself would not, because another
 * program has the number now. Renamed first and looked at again: had a server started in between, its
 * file is put back.
 */
export function removeStale(data: string, stale: string): void {
  const file = join(data, 'postmaster.pid')
  const aside = join(data, `postmaster.pid.stale-${process.pid}`)
  try {
    renameSync(file, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  if (readFileSync(aside, 'utf8') !== stale) linkSync(aside, file)
  rmSync(aside)
}

const LARGE_LOG = 10_000_000

/** Keeps the log from growing for ever: one older file is kept beside it. */
function turnLog(log: string): void {
  if (existsSync(log) && statSync(log).size > LARGE_LOG) renameSync(log, `${log}.1`)
}

const START_LIMIT = 60_000

/** Starts a server; true once it takes connections, false if it ended by itself (the log says why). */
export async function launch({ cluster, runner, programs, port, fast }: Launch): Promise<boolean> {
  turnLog(cluster.log)
  const log = openSync(cluster.log, 'a', 0o600)
  const child = spawn(programs.postgres, ['-D', cluster.data, '-p', String(port), ...settingsFor(fast)], {
    ...runner,
    cwd: '/',
    env: childEnv(),
    // a session of its own: Ctrl-C reaches us, and we stop the server in order
    detached: true,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  let ended = false
  child.once('exit', () => {
    ended = true
  })
  child.once('error', () => {
    ended = true
  })
  child.unref()

  for (const since = Date.now(); Date.now() - since < START_LIMIT; ) {
    const found = lookAt(cluster.data)
    if (found.state === 'ready' && found.pid === child.pid) return true
    if (ended) return false
    await sleep(10)
  }
  throw new Error(`PostgreSQL did not come up within ${START_LIMIT / 1000} s; its log is ${cluster.log}`)
}

const STOP_LIMIT = 60_000

/** SIGINT: sessions end, everything is written, the server goes. Returns when it is gone. */
export async function shutDown(data: string): Promise<void> {
  const found = lookAt(data)
  if (found.state === 'none' || found.state === 'stale') return
  process.kill(found.pid, 'SIGINT')
  for (const since = Date.now(); Date.now() - since < STOP_LIMIT; ) {
    // a process that ended and whose parent has not heard of it yet still has its number, but no command
    if (!isAlive(found.pid) || !isPostmaster(found.pid, data)) return
    await sleep(10)
  }
  throw new Error(`PostgreSQL (pid ${found.pid}) did not stop within ${STOP_LIMIT / 1000} s`)
}

/** The last lines of the server's log, for an error message. */
export function lastWords(log: string): string {
  return readFileSync(log, 'utf8').trimEnd().split('\n').slice(-6).join('\n')
}
