/**
 * The embedded server through its life: one server per data folder however many start it, gone when the
 * last one leaves, back after a crash of the database or of the program.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { connect, type Sql } from '../../src/db/connection.ts'
import { type EmbeddedServer, startServer } from '../../src/db/embedded.ts'
import { lookAt, removeStale } from '../../src/db/postmaster.ts'
import { withRetry } from '../../src/db/retry.ts'
import { homeFor } from '../../src/db/runner.ts'
import { temporaryFolder } from '../support/server.ts'

const asRoot = process.getuid?.() === 0
const ending = extname(fileURLToPath(import.meta.url))
const userProgram = fileURLToPath(new URL(`../support/embedded-user${ending}`, import.meta.url))

function start(dataFolder: string): Promise<EmbeddedServer> {
  return startServer({ dataFolder, fast: true })
}

/** Another process on the same folder. */
async function fellow(
  dataFolder: string,
): Promise<{ child: ChildProcess; url: string; startedByUs: boolean }> {
  const child = fork(userProgram, [dataFolder])
  const [said] = (await once(child, 'message')) as [{ url: string; startedByUs: boolean }]
  return { child, ...said }
}

async function withSql<T>(url: string, work: (sql: Sql) => Promise<T>): Promise<T> {
  const sql = connect(url, { max: 1 })
  try {
    return await work(sql)
  } finally {
    await sql.end()
  }
}

const dataOf = (folder: string) => join(folder, 'postgres', 'data')

function pidOf(folder: string): number {
  const found = lookAt(dataOf(folder))
  t.equal(found.state, 'ready')
  return found.state === 'ready' ? found.pid : 0
}

t.test('what is written stays, and nobody without the password gets in', async (t) => {
  const folder = temporaryFolder(t)
  const first = await start(folder)
  t.equal(first.startedByUs, true)
  await withSql(first.url, (sql) => sql`create table kept as select 42 as value`)
  await first.stop()
  t.strictSame(lookAt(dataOf(folder)), { state: 'none' })

  const second = await start(folder)
  t.strictSame([...(await withSql(second.url, (sql) => sql`select value from kept`))], [{ value: 42 }])
  t.equal(statSync(join(folder, 'postgres', 'password')).mode & 0o777, 0o600)
  const stranger = new URL(second.url)
  stranger.password = 'guess'
  await t.rejects(
    withSql(stranger.href, (sql) => sql`select 1`),
    { code: '28P01' },
  )
  await second.stop()
})

t.test('the last one out stops it, whoever started it', async (t) => {
  const folder = temporaryFolder(t)
  const first = await start(folder)
  const second = await start(folder)
  t.strictSame([second.startedByUs, second.url], [false, first.url])
  await first.stop()
  await first.stop()
  t.strictSame([...(await withSql(second.url, (sql) => sql`select 1 as one`))], [{ one: 1 }])
  await second.stop()
  t.strictSame(lookAt(dataOf(folder)), { state: 'none' })
})

t.test('several processes that start at once in a new folder share one server', async (t) => {
  const folder = temporaryFolder(t)
  const [here, there, ...others] = await Promise.all([
    start(folder),
    fellow(folder),
    fellow(folder),
    start(folder),
  ])
  const all = [here, there, ...others]
  t.equal(new Set(all.map(({ url }) => url)).size, 1, 'one server')
  t.equal(all.filter(({ startedByUs }) => startedByUs).length, 1, 'that one of them started')
  t.strictSame(readdirSync(folder), ['postgres'], 'no half-made folder is left')
  for (const user of all) {
    if ('stop' in user) await user.stop()
    else {
      user.child.send('stop')
      await once(user.child, 'exit')
    }
  }
  t.strictSame(lookAt(dataOf(folder)), { state: 'none' })
})

t.test('leaving and coming at the same time', async (t) => {
  const folder = temporaryFolder(t)
  let server = await start(folder)
  for (let round = 0; round < 5; round += 1) {
    const [next] = await Promise.all([start(folder), server.stop()])
    t.strictSame([...(await withSql(next.url, (sql) => sql`select 1 as one`))], [{ one: 1 }])
    server = next
  }
  await server.stop()
})

t.test('a killed database comes back where it was', async (t) => {
  const folder = temporaryFolder(t)
  // with the settings of production: the others may lose the last commits
  const server = await startServer({ dataFolder: folder })
  const sql = connect(server.url, { max: 2 })
  await sql`create table kept as select 42 as value`
  const killed = pidOf(folder)
  process.kill(killed, 'SIGKILL')
  // its sessions answer for a moment longer
  for (let found = lookAt(dataOf(folder)); found.state !== 'ready' || found.pid === killed; ) {
    await sleep(20)
    found = lookAt(dataOf(folder))
  }
  const rows = await withRetry(() => sql`select value from kept`, { attempts: 12, afterLostConnection: true })
  t.strictSame([...rows], [{ value: 42 }])
  await sql.end()
  await server.stop()
  t.strictSame(lookAt(dataOf(folder)), { state: 'none' })
})

t.test('a killed program leaves a server that the next one joins, and stops', async (t) => {
  const folder = temporaryFolder(t)
  const { child, url } = await fellow(folder)
  child.kill('SIGKILL')
  await once(child, 'exit')
  const server = await start(folder)
  t.strictSame([server.startedByUs, server.url], [false, url])
  await server.stop()
  t.strictSame(lookAt(dataOf(folder)), { state: 'none' })
})

t.test('both killed: the file of the dead server stands in nobody’s way', async (t) => {
  const folder = temporaryFolder(t)
  const { child } = await fellow(folder)
  const database = pidOf(folder)
  child.kill('SIGKILL')
  await once(child, 'exit')
  process.kill(database, 'SIGKILL')
  const server = await start(folder)
  t.equal(server.startedByUs, true)
  await server.stop()
})

t.test('a pid file whose number another program has now', async (t) => {
  const folder = temporaryFolder(t)
  await (await start(folder)).stop()
  const file = join(dataOf(folder), 'postmaster.pid')
  writeFileSync(file, `${process.pid}\n${dataOf(folder)}\n1\n5432\n\n127.0.0.1\n\nready   \n`)
  t.equal(lookAt(dataOf(folder)).state, 'stale')
  const server = await start(folder)
  t.equal(server.startedByUs, true)

  const text = readFileSync(file, 'utf8')
  removeStale(dataOf(folder), 'what stood there before')
  t.equal(readFileSync(file, 'utf8'), text, 'the file of a living server is put back')
  t.strictSame(
    readdirSync(dataOf(folder)).filter((name) => name.startsWith('postmaster.pid')),
    ['postmaster.pid'],
  )
  await server.stop()
})

t.test('data of another PostgreSQL is refused with what to do', async (t) => {
  const folder = temporaryFolder(t)
  await (await start(folder)).stop()
  writeFileSync(join(dataOf(folder), 'PG_VERSION'), '15\n')
  await t.rejects(start(folder), { message: /made by PostgreSQL 15, .* dump it with PostgreSQL 15/ })
})

t.test('half-made folders of dead processes are swept', async (t) => {
  const folder = temporaryFolder(t)
  mkdirSync(join(folder, 'postgres.making-999999999-0badcafe'))
  const server = await start(folder)
  t.strictSame(readdirSync(folder), ['postgres'])
  await server.stop()
})

t.test('a data folder that root’s runner cannot reach', { skip: !asRoot && 'for root only' }, async (t) => {
  const closed = join(temporaryFolder(t), 'closed')
  mkdirSync(closed)
  chmodSync(closed, 0o700)
  const folder = join(closed, 'data')
  const { home, elsewhere } = homeFor(folder)
  t.teardown(() => rm(home, { recursive: true, force: true }))
  t.equal(elsewhere, true)
  t.equal(homeFor(folder).home, home, 'always the same place')

  const told: string[] = []
  const server = await startServer({ dataFolder: folder, fast: true, log: (message) => told.push(message) })
  t.strictSame(told, [`the database cannot reach ${folder}: its data is in ${home}`])
  t.ok(existsSync(join(home, 'postgres', 'data', 'PG_VERSION')))
  await server.stop()
})
