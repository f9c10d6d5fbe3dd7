/**
 * The server that tests run against: in memory where there is room, without durability, with a migrated
 * template database that every test file clones. A run has one; a file run by itself has its own.
 */
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '../../src/db/connection.ts'
import { type EmbeddedServer, startServer } from '../../src/db/embedded.ts'
import { migrate } from '../../src/db/migrate.ts'
import { shutDown } from '../../src/db/postmaster.ts'
import { isAlive } from '../../src/db/runner.ts'

export const TEMPLATE = 'milepost_template'

/** How a run tells its test files where the server is: a variable of their environment. */
export const SERVER = 'TEST_SERVER_URL'

const ENOUGH = 1_000_000_000

/** Memory where the machine has a folder for it with room to spare (Docker gives 64 MB), else the disk. */
function roomyFolder(): string {
  const memory = '/dev/shm'
  try {
    const { bavail, bsize } = statfsSync(memory)
    if (bavail * bsize < ENOUGH) return tmpdir()
    rmSync(mkdtempSync(join(memory, 'milepost-probe-')), { recursive: true })
    return memory
  } catch {
    return tmpdir()
  }
}

/** The data folder of the run of one process; the number lets a later run clear up after a killed one. */
function runFolder(pid: number): string {
  return join(roomyFolder(), `milepost-test-${pid}`)
}

/** Starts the server of a run, with the template in it. */
export async function startRun(pid: number): Promise<EmbeddedServer> {
  await sweep()
  const server = await startServer({ dataFolder: runFolder(pid), fast: true })
  const sql = connect(server.url, { max: 1, name: 'milepost tests' })
  await sql`drop database if exists ${sql(TEMPLATE)}`
  await sql`create database ${sql(TEMPLATE)}`
  await sql.end()
  const template = connect(urlOf(server.url, TEMPLATE), { max: 1, name: 'milepost tests' })
  await migrate(template)
  await template.end()
  return server
}

/** Stops the server of a run, whoever started it, and takes its folder away. */
export async function endRun(pid: number): Promise<void> {
  const folder = runFolder(pid)
  const data = join(folder, 'postgres', 'data')
  if (existsSync(data)) await shutDown(data)
  rmSync(folder, { recursive: true, force: true })
}

/** Runs that were killed leave a server and a folder behind. */
async function sweep(): Promise<void> {
  for (const name of readdirSync(roomyFolder())) {
    const pid = Number(/^milepost-test-(\d+)$/.exec(name)?.[1])
    if (!pid || isAlive(pid)) continue
    await endRun(pid).catch((error: NodeJS.ErrnoException) => {
      // another user's
      if (error.code !== 'EACCES' && error.code !== 'EPERM') throw error
    })
  }
}

export function urlOf(server: string, database: string): string {
  const url = new URL(server)
  url.pathname = `/${database}`
  return url.href
}

/** A folder for one test file, reachable by the user that the server runs as; gone afterwards. */
export function temporaryFolder(t: { teardown(work: () => unknown): unknown }): string {
  const folder = mkdtempSync(join(roomyFolder(), 'milepost-folder-'))
  chmodSync(folder, 0o755)
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
