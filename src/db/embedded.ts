/**
 * The embedded PostgreSQL: start it, or join the one that already runs on the data folder. Every process
 * that uses it holds a shared advisory lock on one connection; the last one out stops the server, so a
 * command line never stops a server under the service, and nobody leaves one behind.
 */
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { invariant } from '../base/errors.ts'
import { binaries } from './binaries.ts'
import { ensureCluster, USER } from './cluster.ts'
import { connect, type Sql } from './connection.ts'
import { type Launch, lastWords, launch, lookAt, removeStale, shutDown } from './postmaster.ts'
import { ELSEWHERE, homeFor, runnerFor } from './runner.ts'

export interface ServerOptions {
  readonly dataFolder: string
  /** no durability at all: for tests */
  readonly fast?: boolean
  /** told what a person should know: data elsewhere, a server that came back */
  readonly log?: (message: string) => void
}

export interface EmbeddedServer {
  readonly url: string
  /** false: it ran already */
  readonly startedByUs: boolean
  /** Lets go of the server, and stops it if no other process uses it. */
  stop(): Promise<void>
}

const DATABASE = 'milepost'
/** Shared: somebody uses the server. Exclusive: somebody is stopping it. */
const IN_USE = 0x6d70
const PATIENCE = 90_000
const LAUNCHES = 8

type Place = Omit<Launch, 'port'>

export async function startServer(options: ServerOptions): Promise<EmbeddedServer> {
  const fast = options.fast ?? false
  const { home, elsewhere } = homeFor(options.dataFolder)
  if (elsewhere) options.log?.(`the database cannot reach ${options.dataFolder}: its data is in ${home}`)
  const runner = runnerFor(join(home, 'postgres', 'data'))
  const programs = binaries(runner, runner ? ELSEWHERE : home)
  const cluster = await ensureCluster({ home, runner, programs, fast })
  const place: Place = { cluster, runner, programs, fast }

  let stopping = false
  let returning = Promise.resolve()
  const onClose = () => {
    if (!stopping) returning = returning.then(comeBack)
  }
  const first = await enter(place, { onClose })
  let keeper = first.keeper
  const { port, startedByUs } = first

  // The server was killed: bring it back on the same port, where the pools look for it. Of several
  // processes that do this at once one starts it and the others join.
  async function comeBack(): Promise<void> {
    try {
      await keeper.end({ timeout: 0 })
      const again = await enter(place, { port, onClose })
      keeper = again.keeper
      options.log?.('the embedded PostgreSQL had stopped and runs again')
    } catch (error) {
      options.log?.(`the embedded PostgreSQL stopped and does not come back: ${(error as Error).message}`)
    }
  }

  return {
    url: urlOf(place, port, DATABASE),
    startedByUs,
    async stop() {
      if (stopping) return
      stopping = true
      await returning
      await leave(keeper, cluster.data)
    },
  }
}

interface Entered {
  readonly keeper: Sql
  readonly port: number
  readonly startedByUs: boolean
}

interface Entering {
  /** the port to start on; none: any free one */
  readonly port?: number
  readonly onClose: () => void
}

/** Joins or starts the server, however many others are doing the same or stopping it just now. */
async function enter(place: Place, { port: wanted, onClose }: Entering): Promise<Entered> {
  let launches = 0
  let startedByUs = false
  for (const since = Date.now(); Date.now() - since < PATIENCE; await sleep(20)) {
    const found = lookAt(place.cluster.data)
    if (found.state === 'ready') {
      const keeper = await hold(urlOf(place, found.port, 'postgres'), onClose)
      if (keeper) return { keeper, port: found.port, startedByUs }
    } else if (found.state === 'none' || found.state === 'stale') {
      if (found.state === 'stale') removeStale(place.cluster.data, found.text)
      launches += 1
      // It ends by itself when another process was quicker, when the port was taken in between, or while
      // the sessions of a killed server are still going.
      startedByUs = await launch({
        ...place,
        port: wanted ?? (await freePort()),
      })
      if (!startedByUs && launches >= LAUNCHES) {
        throw new Error(`PostgreSQL does not start: ${lastWords(place.cluster.log)}`)
      }
      if (!startedByUs) await sleep(100 * launches)
    }
  }
  throw new Error(`PostgreSQL is neither up nor down after ${PATIENCE / 1000} s; see ${place.cluster.log}`)
}

/** A connection that says "in use"; null when the server is going away. Makes the database if need be. */
async function hold(url: string, onClose: () => void): Promise<Sql | null> {
  let held = false
  const keeper = connect(url, {
    max: 1,
    name: 'milepost keeper',
    onClose: () => {
      if (held) onClose()
      held = false
    },
  })
  try {
    await keeper`select pg_advisory_lock_shared(${IN_USE})`
    await makeDatabase(keeper)
    held = true
    return keeper
  } catch (error) {
    await keeper.end({ timeout: 0 })
    if (isGoingAway(error)) return null
    throw error
  }
}

async function makeDatabase(keeper: Sql): Promise<void> {
  const known = await keeper`select 1 from pg_database where datname = ${DATABASE}`
  if (known.length > 0) return
  try {
    await keeper`create database ${keeper(DATABASE)}`
  } catch (error) {
    const { code } = error as { code?: string }
    // another process made it in the same moment
    if (code !== '42P04' && code !== '23505') throw error
  }
}

/** Connection refused or cut, or the server says that it is starting up or shutting down. */
function isGoingAway(error: unknown): boolean {
  const { code = '' } = error as { code?: string }
  return (
    code.startsWith('57P') || code.startsWith('CONNECTION_') || code.startsWith('ECONN') || code === 'EPIPE'
  )
}

/**
 * Whoever gets the lock for itself is alone, and stops the server while it holds it: a process that comes
 * in the meantime waits for the lock, loses its connection, and starts the server again.
 */
async function leave(keeper: Sql, data: string): Promise<void> {
  try {
    await keeper`select pg_advisory_unlock_shared(${IN_USE})`
    const [alone] = await keeper<{ got: boolean }[]>`select pg_try_advisory_lock(${IN_USE}) as got`
    if (alone?.got) await shutDown(data)
  } catch (error) {
    // a server that is gone already needs no stopping
    if (!isGoingAway(error)) throw error
  } finally {
    await keeper.end({ timeout: 1 })
  }
}

function urlOf({ cluster }: Place, port: number, database: string): string {
  return `postgres://${USER}:${cluster.password}@127.0.0.1:${port}/${database}`
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      invariant(address !== null && typeof address === 'object', 'a listening TCP server has a port')
      probe.close(() => resolve(address.port))
    })
  })
}
