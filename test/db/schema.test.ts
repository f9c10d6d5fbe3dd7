/** The schema as text: the committed dump is what the migrations make, and differences are told. */
import { writeFileSync } from 'node:fs'
import t from 'tap'
import { dumpSchema, expectedSchema, schemaDifferences, schemaFile } from '../../src/db/schema.ts'
import { freshDatabase } from '../support/database.ts'

const RENEW = 'TAP_SNAPSHOT=1 node --import tsx test/db/schema.test.ts'

t.test('test/schema.txt is what the migrations make', async (t) => {
  const { sql } = await freshDatabase(t)
  const dump = await dumpSchema(sql)
  if (process.env.TAP_SNAPSHOT === '1') writeFileSync(schemaFile, dump)
  t.equal(dump, await expectedSchema(), `renew it with: ${RENEW}`)
})

t.test('each row: a change to the database, and what is told of it', async (t) => {
  const { sql } = await freshDatabase(t)
  const expected = await dumpSchema(sql)
  t.strictSame(schemaDifferences(expected, expected), [])
  const rows = [
    ['create table extra (id int)', ['unexpected: table extra']],
    ['drop table extra', []],
    [
      'alter table accounts alter column lifetime drop not null',
      [
        'missing: table accounts with (fillfactor=70): lifetime bigint not null',
        'unexpected: table accounts with (fillfactor=70): lifetime bigint',
      ],
    ],
    ['alter table accounts alter column lifetime set not null', []],
    [
      'create index more on commands (at)',
      ['unexpected: table commands: CREATE INDEX more USING btree (at)'],
    ],
    ['drop index more', []],
    [
      'drop trigger entries_append_only on entries',
      [
        'missing: table entries partition by RANGE (entry_id): CREATE TRIGGER entries_append_only ' +
          'BEFORE DELETE OR UPDATE FOR EACH ROW EXECUTE FUNCTION refuse_change()',
      ],
    ],
  ] as const
  for (const [change, differences] of rows) {
    await sql.unsafe(change)
    t.strictSame(schemaDifferences(await dumpSchema(sql), expected), differences, change)
  }
})
