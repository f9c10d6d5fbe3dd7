/** A database of one's own for each test file: a clone of the migrated template, dropped afterwards. */
import t from 'tap'
import { connect, type Sql } from '../../src/db/connection.ts'
import { endRun, SERVER, startRun, TEMPLATE, urlOf } from './server.ts'

export interface FreshDatabase {
  readonly sql: Sql
  readonly url: string
}

/** What a test must offer; `t` itself and every subtest do. */
interface Teardown {
  teardown(work: () => unknown): unknown
}

let server: Promise<string> | undefined
let count = 0

/** Clones the template: some 15 ms. `empty` gives one without any table instead. */
export async function freshDatabase(
  test: Teardown,
  kind: 'migrated' | 'empty' = 'migrated',
): Promise<FreshDatabase> {
  server ??= findServer()
  const main = await server
  count += 1
  const name = `test_${process.pid}_${count}`
  const template = kind === 'empty' ? 'template0' : TEMPLATE
  await administer(
    main,
    (sql) => sql`create database ${sql(name)} template ${sql(template)} strategy file_copy`,
  )

  const url = urlOf(main, name)
  const sql = connect(url, { max: 8, name: 'milepost tests' })
  test.teardown(async () => {
    await sql.end({ timeout: 2 })
    // "force": code under test may have left connections
    await administer(main, (admin) => admin`drop database if exists ${admin(name)} with (force)`)
  })
  return { sql, url }
}

async function administer(url: string, work: (sql: Sql) => Promise<unknown>): Promise<void> {
  const sql = connect(url, { max: 1, name: 'milepost tests' })
  try {
    await work(sql)
  } finally {
    await sql.end()
  }
}

/** The run's server, or one of our own when this file is run by itself. */
async function findServer(): Promise<string> {
  const url = process.env[SERVER]
  if (url) return url
  const own = await startRun(process.pid)
  t.teardown(async () => {
    await own.stop()
    await endRun(process.pid)
  })
  return own.url
}
