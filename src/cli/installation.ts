/**
 * The installation that a command works on: its settings, its database, its lane. The embedded server is
 * started or joined and let go of again, so that a command leaves things as it found them.
 */
import { besideOf, startThread } from '../base/thread.ts'
import { type Config, readConfig } from '../config.ts'
import { connect, laneSettings, type Sql } from '../db/connection.ts'
import { type EmbeddedServer, startServer } from '../db/embedded.ts'
import { migrate } from '../db/migrate.ts'
import { lookAt } from '../db/postmaster.ts'
import { createLane, type Lane, MOST_IN_GROUP } from '../engine/lane.ts'
import { laneBeside } from '../engine/lane-beside.ts'
import { createPrograms, type Programs } from '../engine/programs.ts'
import { keepStates } from '../retention/keep.ts'
import type { Call } from './command-line.ts'
import type { LaneTask } from './lane-thread.ts'
import { dataFolderOf } from './queries.ts'

export interface Database {
  readonly config: Config
  readonly url: string
  readonly sql: Sql
  /** true: this process started the embedded server */
  readonly startedByUs: boolean
}

/** Commands read and write little at once; the service has pools of its own. */
const FEW = 4
/** Seconds that a pool may take for its running queries. */
const END_WITHIN = 5

/** The database as it is, migrated or not. */
export async function openDatabase(call: Call, max = FEW): Promise<Database> {
  const config = readConfig(call.env)
  const server = config.databaseUrl === null ? await openEmbedded(call, config) : null
  const url = config.databaseUrl ?? server!.url
  const sql = connect(url, { max, name: 'milepost' })
  call.closing.add(() => sql.end({ timeout: END_WITHIN }))
  if (server?.startedByUs) await stopServerAtOnce(call, sql)
  return { config, url, sql, startedByUs: server?.startedByUs ?? false }
}

async function openEmbedded({ closing, terminal }: Call, { dataFolder }: Config): Promise<EmbeddedServer> {
  return closing.open(
    () => startServer({ dataFolder, log: (message) => terminal.note(message) }),
    (server) => server.stop(),
  )
}

/** For a second Ctrl-C: a server that we started is told to stop, and nobody waits for it. */
async function stopServerAtOnce({ closing }: Call, sql: Sql): Promise<void> {
  const folder = await dataFolderOf(sql)
  closing.addAtOnce(() => {
    const found = lookAt(folder)
    if ('pid' in found && found.pid > 0) process.kill(found.pid, 'SIGINT')
  })
}

/** The database with the present schema. */
export async function openMigrated(call: Call): Promise<Database> {
  const database = await openDatabase(call)
  await migrate(database.sql, { now: call.now() })
  return database
}

export interface Engine extends Database {
  readonly programs: Programs
  readonly lane: Lane
}

/** Everything that a writing command needs. */
export async function openEngine(call: Call): Promise<Engine> {
  const database = await openMigrated(call)
  const programs = await createPrograms(database.sql)
  return { ...database, programs, lane: openLane(call, { ...database, programs }) }
}

/** A lane with a pool of its own: a connection for each group, and one for previews. */
function openLane(call: Call, { config, url, programs }: Database & { programs: Programs }): Lane {
  const sql = connect(url, { max: config.lanes + 1, name: 'milepost lane', settings: laneSettings })
  call.closing.add(() => sql.end({ timeout: END_WITHIN }))
  const lane = createLane({
    sql,
    programs,
    projection: keepStates,
    queueLimit: config.queue,
    groups: config.lanes,
  })
  call.closing.add(() => lane.close())
  return lane
}

interface ServiceLane extends Database {
  readonly programs: Programs
  onGroup(group: { size: number; seconds: number }): void
}

/** The service's lane: on a thread of its own, which has its own pool and rules. Previews are made here. */
export async function openLaneBeside(call: Call, { onGroup, ...engine }: ServiceLane): Promise<Lane> {
  const { config, url, programs } = engine
  const task: LaneTask = { url, groups: config.lanes, queueLimit: config.queue }
  const thread = startThread(besideOf(import.meta.url, 'lane-thread'), task)
  call.closing.add(async () => {
    await thread.terminate()
  })
  const lane = await laneBeside({
    thread,
    previews: openLane(call, engine),
    limit: config.queue + config.lanes * MOST_IN_GROUP,
    onRules: () => programs.refresh(),
    onGroup,
  })
  call.closing.add(() => lane.close())
  return lane
}
