/** The types that come out of and go into the database, which every other room relies on. */
import t from 'tap'
import { connect, laneSettings, list } from '../../src/db/connection.ts'
import { isLostConnection } from '../../src/db/retry.ts'
import { freshDatabase } from '../support/database.ts'
import { until } from '../support/until.ts'

t.setTimeout(600_000)

t.test('values come out as their own kind', async (t) => {
  const { sql } = await freshDatabase(t, 'empty')
  const [row] = await sql`
    select 9007199254740993::bigint as big, 12.50::numeric as money, date '2026-02-28' as day,
      timestamptz '2026-02-28T23:30:00Z' as at, '{"snake_case": {"inner_key": 1}}'::jsonb as json,
      array[1, 2]::bigint[] as bigs, array[date '2026-01-01'] as days, '\\xff'::bytea as bytes`
  t.strictSame(
    { ...row, bytes: [...(row?.bytes ?? [])] },
    {
      big: 9_007_199_254_740_993n,
      money: '12.50',
      day: '2026-02-28',
      at: new Date('2026-02-28T23:30:00Z'),
      json: { snake_case: { inner_key: 1 } },
      bigs: [1n, 2n],
      days: ['2026-01-01'],
      bytes: [255],
    },
  )
})

t.test('a list goes in whole, whatever stands first', async (t) => {
  const { sql } = await freshDatabase(t, 'empty')
  const at = new Date('2026-02-28T23:30:00Z')
  const rows = [
    ['bigint', [1n, null]],
    ['bigint', [null, 1n]],
    ['timestamptz', [at, null]],
    ['timestamptz', [null, at]],
    ['boolean', [true, false, null]],
    ['numeric', ['1.50', null]],
    ['date', ['2026-02-28', null]],
    ['text', ['it"s', '', null]],
    ['bigint', []],
  ] as const
  for (const [type, values] of rows) {
    const found = await sql`select value from unnest(${list(sql, values)}::${sql.unsafe(type)}[]) as value`
    t.strictSame(
      found.map((row) => row.value),
      values,
      `${type}: ${values.join(', ')}`,
    )
  }
})

t.test('lanes join by index only', async (t) => {
  const { url } = await freshDatabase(t, 'empty')
  const sql = connect(url, { max: 1, name: 'a lane', settings: laneSettings })
  t.teardown(() => sql.end())
  const [row] = await sql`select current_setting('enable_hashjoin') as hash,
    current_setting('enable_mergejoin') as merge, current_setting('enable_seqscan') as scan,
    current_setting('application_name') as name`
  t.strictSame({ ...row }, { hash: 'off', merge: 'off', scan: 'off', name: 'a lane' })
})

t.test('array types are read by the first connection, and serve them all', async (t) => {
  const { url } = await freshDatabase(t, 'empty')
  const sql = connect(url, { max: 2 })
  t.teardown(() => sql.end())
  t.equal(sql.options.fetch_types, true)
  await sql`select 1`
  t.equal(sql.options.fetch_types, false)
  const arrays = () => sql`select pg_backend_pid() as pid, ${[1, 2]}::int[] as numbers, pg_sleep(0.1)`
  const [[one], [two]] = await Promise.all([arrays(), arrays()])
  t.not(one?.pid, two?.pid)
  t.strictSame(
    [one?.numbers, two?.numbers],
    [
      [1, 2],
      [1, 2],
    ],
  )
})

t.test(
  'connections are cut, again and again: work fails in a way that can be told, and goes on',
  async (t) => {
    const { url, sql: admin } = await freshDatabase(t, 'empty')
    const sql = connect(url, { max: 4, name: 'to be cut' })
    t.teardown(() => sql.end({ timeout: 2 }))
    // the first connection reads the array types, and must come through to have them
    await sql`select 1`
    let done = 0
    let stop = false
    const strange = new Set<string>()
    const worker = async () => {
      while (!stop) {
        try {
          await sql.begin(async (tx) => {
            await Promise.all([tx`select 1`, tx`select 2`])
            await tx`select 3`
          })
          done += 1
        } catch (error) {
          if (!isLostConnection(error)) strange.add(String(error))
          // a pause, as everybody takes who tries again
          await new Promise((resolve) => setTimeout(resolve, 5))
        }
      }
    }
    const workers = Array.from({ length: 8 }, worker)
    for (let cut = 0; cut < 30; cut += 1) {
      const before = done
      await admin`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'to be cut'`
      await until('work goes on', () => done > before + 8)
    }
    stop = true
    await Promise.all(workers)
    t.strictSame([...strange], [])
  },
)
