/** The months of the large tables: which partitions there are, and where a row goes. */
import t from 'tap'
import { firstIdAt } from '../../src/base/ids.ts'
import { connect } from '../../src/db/connection.ts'
import { ensurePartitions, partitionedTables, partitionsAhead } from '../../src/db/partitions.ts'
import { freshDatabase } from '../support/database.ts'

const november = new Date('2026-11-22T12:00:00Z')

t.test('months are made once, however many ask at the same moment', async (t) => {
  const { sql, url } = await freshDatabase(t)
  // far from the present, so that the template has none of these
  const now = new Date('2031-11-30T23:59:59Z')
  t.equal(await partitionsAhead(sql, now), -1)

  const connections = Array.from({ length: 8 }, () => connect(url, { max: 1 }))
  const made = await Promise.all(connections.map((connection) => ensurePartitions(connection, now, 2)))
  await Promise.all(connections.map((connection) => connection.end()))
  t.strictSame(
    made.flat().filter((name) => name.startsWith('entries')),
    ['entries_2031_10', 'entries_2031_11', 'entries_2031_12', 'entries_2032_01'],
  )
  t.equal(made.flat().length, 4 * partitionedTables.length)
  t.equal(await partitionsAhead(sql, now), 2)
  t.strictSame(await ensurePartitions(sql, now, 2), [])
  t.strictSame((await ensurePartitions(sql, now, 3)).sort(), [
    'entries_2032_02',
    'outbox_2032_02',
    'postings_2032_02',
    'transactions_2032_02',
  ])
})

t.test('a month that lacks one table does not count', async (t) => {
  const { sql } = await freshDatabase(t)
  const now = new Date('2031-06-15T00:00:00Z')
  await ensurePartitions(sql, now, 4)
  await sql`drop table outbox_2031_08`
  t.equal(await partitionsAhead(sql, now), 1)
  t.strictSame(await ensurePartitions(sql, now, 4), ['outbox_2031_08'])
  t.equal(await partitionsAhead(sql, now), 4)
})

t.test('a fresh database has the coming half year', async (t) => {
  const { sql } = await freshDatabase(t)
  t.equal(await partitionsAhead(sql, new Date()), 6)
})

t.test('each row: the instant of an id, and the partition it goes to', async (t) => {
  const { sql } = await freshDatabase(t)
  await ensurePartitions(sql, november, 2)
  const rows = [
    ['2026-10-31T23:59:59.999Z', 'outbox_2026_10'],
    ['2026-11-01T00:00:00.000Z', 'outbox_2026_11'],
    ['2026-11-30T23:59:59.999Z', 'outbox_2026_11'],
    ['2026-12-31T23:59:59.999Z', 'outbox_2026_12'],
    ['2027-01-01T00:00:00.000Z', 'outbox_2027_01'],
  ] as const
  for (const [at, expected] of rows) {
    const id = firstIdAt(new Date(at))
    await sql`insert into outbox (member_id, event_id, program, type, payload, at)
      values (${id}, ${id}, 'p', 't', '{}', ${at})`
    const [row] = await sql`select tableoid::regclass::text as partition from outbox where event_id = ${id}`
    t.equal(row?.partition, expected, at)
  }
})

t.test('partitions keep what the table has: keys, and the guard against changes', async (t) => {
  const { sql } = await freshDatabase(t)
  const id = firstIdAt(new Date())
  const insert = () => sql`
    insert into postings (member_id, entry_id, leg, currency, from_account, to_account, points)
    values (${id}, ${id}, 1, 'beans', 'issued', 'available', 10)`
  await insert()
  await t.rejects(insert(), { code: '23505' })
  await t.rejects(sql`update postings set points = 11`, { message: /append-only/ })
  await t.rejects(sql`delete from postings`, { message: /append-only/ })
})
