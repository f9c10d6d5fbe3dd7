/** Migrations run once each, forward only, whoever else runs them at the same moment. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { connect } from '../../src/db/connection.ts'
import { migrate, migrationState, migrationsFolder } from '../../src/db/migrate.ts'
import { freshDatabase } from '../support/database.ts'
import { temporaryFolder } from '../support/server.ts'

// The tables that `migrate` cuts by month, as short as can be, so that a folder of our own will do.
const large = ['entry', 'posting', 'transaction', 'event'].map((noun, index) => {
  const table = ['entries', 'postings', 'transactions', 'outbox'][index]
  return `create table ${table} (${noun}_id uuid primary key) partition by range (${noun}_id);`
})

function folderOf(t: Test, files: Record<string, string>): string {
  const folder = join(temporaryFolder(t), 'migrations')
  mkdirSync(folder)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

t.test('twenty connections migrate at once, and each migration runs once', async (t) => {
  const { sql, url } = await freshDatabase(t, 'empty')
  const connections = Array.from({ length: 20 }, () => connect(url, { max: 1 }))
  const outcomes = await Promise.all(connections.map((connection) => migrate(connection)))
  await Promise.all(connections.map((connection) => connection.end()))

  const { newest } = await migrationState(sql)
  t.equal(outcomes.filter(({ applied }) => applied.length > 0).length, 1, 'one of them did it all')
  t.equal(outcomes.flatMap(({ applied }) => applied).length, newest)
  t.strictSame(await migrationState(sql), { version: newest, newest })
})

t.test('an empty database is at version 0', async (t) => {
  const { sql } = await freshDatabase(t, 'empty')
  t.match(await migrationState(sql), { version: 0 })
})

t.test('only what is new is run', async (t) => {
  const { sql } = await freshDatabase(t, 'empty')
  const first = { '0001_large.sql': large.join('\n') }
  const second = { '0002_more.sql': 'create table more (id int); insert into more values (1);' }
  const short = folderOf(t, first)
  const long = folderOf(t, { ...first, ...second })
  t.strictSame(await migrate(sql, { folder: short }), { applied: ['0001_large.sql'], version: 1 })
  t.strictSame(await migrate(sql, { folder: long }), { applied: ['0002_more.sql'], version: 2 })
  t.strictSame(await migrate(sql, { folder: long }), { applied: [], version: 2 })
  t.strictSame([...(await sql`select id from more`)], [{ id: 1 }])

  await t.rejects(migrate(sql, { folder: short }), {
    message: /is at migration 2, and this Milepost knows 1/,
  })
})

t.test('a migration that was edited later is named', async (t) => {
  const { sql } = await freshDatabase(t, 'empty')
  const text = large.join('\n')
  await migrate(sql, { folder: folderOf(t, { '0001_large.sql': text }) })
  await t.resolves(migrate(sql, { folder: folderOf(t, { '0001_large.sql': text.replaceAll('\n', '\r\n') }) }))
  await t.rejects(migrate(sql, { folder: folderOf(t, { '0001_large.sql': `${text} ` }) }), {
    message: /^migrations\/0001_large\.sql was changed after it had been run/,
  })
})

t.test('a migration that fails leaves nothing behind, of itself or of those before it', async (t) => {
  const { sql } = await freshDatabase(t, 'empty')
  const files = {
    '0001_large.sql': large.join('\n'),
    '0002_bad.sql': 'create table x (id int);\nselect nothing;',
  }
  await t.rejects(migrate(sql, { folder: folderOf(t, files) }), {
    message: /^migrations\/0002_bad\.sql failed: column "nothing" does not exist/,
  })
  const left = await sql`select 1 from pg_class where relnamespace = 'public'::regnamespace`
  t.equal(left.length, 0)
  // the lock went with the transaction
  await t.resolves(migrate(sql, { folder: folderOf(t, { '0001_large.sql': files['0001_large.sql'] }) }))
})

t.test('file names', async (t) => {
  const { sql } = await freshDatabase(t, 'empty')
  const rows = [
    [{ '0002_late.sql': '' }, /0002_late\.sql: expected number 0001/],
    [{ '0001_a.sql': '', '0001_b.sql': '' }, /0001_b\.sql: expected number 0002/],
    [{ '0001-a.sql': '' }, /0001-a\.sql: expected a name such as/],
    [{ 'notes.txt': '' }, /notes\.txt: expected a name such as/],
  ] as const
  for (const [files, message] of rows) {
    await t.rejects(async () => migrate(sql, { folder: folderOf(t, files) }), { message }, String(message))
  }
})

t.test("the package's own folder is found", async (t) => {
  t.match(migrationsFolder, /migrations$/)
})
