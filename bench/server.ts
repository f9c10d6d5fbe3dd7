/**
 * The database server of a benchmark: the embedded PostgreSQL with the service's own durable settings, in
 * a folder of its own on a real disk, with room for as many connections as pgbench asks for.
 */
import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, statfsSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { binaries } from '../src/db/binaries.ts'
import { ensureCluster, USER } from '../src/db/cluster.ts'
import { connect } from '../src/db/connection.ts'
import { lastWords, lookAt, shutDown } from '../src/db/postmaster.ts'
import { childEnv, homeFor, runnerFor } from '../src/db/runner.ts'
import { settingsFor } from '../src/db/settings.ts'

export interface BenchServer {
  /** its version, and the settings that say whether a commit is on disk */
  readonly about: string
  urlOf(database: string): string
  /** makes the database where there is none; true if it was made now */
  make(database: string): Promise<boolean>
  drop(database: string): Promise<void>
  /** everything to disk, so that no run pays for the one before */
  checkpoint(): Promise<void>
  stop(): Promise<void>
}

/** pgbench's clients, the service's pools, and some for us. */
const CONNECTIONS = 400
const START_LIMIT = 60_000

export async function startBenchServer(keep: string | null): Promise<BenchServer> {
  const folder = keep ?? mkdtempSync(join(realDisk(), 'milepost-bench-'))
  const { home } = homeFor(folder)
  const runner = runnerFor(join(home, 'postgres', 'data'))
  const programs = binaries(runner, home)
  const cluster = await ensureCluster({ home, runner, programs, fast: false })
  const state = lookAt(cluster.data).state
  if (state !== 'none' && state !== 'stale') throw new Error(`a server runs on ${cluster.data} already`)

  const port = await freePort()
  const log = openSync(cluster.log, 'a', 0o600)
  const args = [
    '-D',
    cluster.data,
    '-p',
    String(port),
    ...settingsFor(false),
    '-c',
    `max_connections=${CONNECTIONS}`,
  ]
  // detached: an interrupt reaches us, and we stop it in order
  const child = spawn(programs.postgres, args, {
    ...runner,
    cwd: '/',
    env: childEnv(),
    detached: true,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  child.unref()
  for (const since = Date.now(); lookAt(cluster.data).state !== 'ready'; await sleep(20)) {
    if (child.exitCode !== null || Date.now() - since > START_LIMIT) {
      throw new Error(`PostgreSQL does not start: ${lastWords(cluster.log)}`)
    }
  }

  const urlOf = (database: string) => `postgres://${USER}:${cluster.password}@127.0.0.1:${port}/${database}`
  const admin = connect(urlOf('postgres'), { max: 1, name: 'bench' })
  const [row] = await admin<{ about: string }[]>`
    select format('PostgreSQL %s, fsync %s, synchronous_commit %s, full_page_writes %s, shared_buffers %s',
      current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit'),
      current_setting('full_page_writes'), current_setting('shared_buffers')) as about`
  return {
    about: row!.about,
    urlOf,
    async make(database) {
      const known = await admin`select 1 from pg_database where datname = ${database}`
      if (known.length === 0) await admin`create database ${admin(database)}`
      return known.length === 0
    },
    async drop(database) {
      await admin`drop database if exists ${admin(database)} with (force)`
    },
    async checkpoint() {
      await admin`checkpoint`
    },
    async stop() {
      await admin.end({ timeout: 1 })
      await shutDown(cluster.data)
      if (keep !== null) return
      rmSync(home, { recursive: true, force: true })
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const TMPFS = 0x01021994

/** A folder for temporary files that is not in memory: fsync there would cost nothing and say nothing. */
function realDisk(): string {
  const folder = [tmpdir(), '/var/tmp'].find((one) => statfsSync(one).type !== TMPFS)
  if (folder === undefined)
    throw new Error('temporary folders are in memory here: name one on disk with --keep DIR')
  return folder
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      const port = typeof address === 'object' && address ? address.port : 0
      probe.close(() => resolve(port))
    })
  })
}
