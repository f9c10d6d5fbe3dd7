/** Which faults are tried again, and how often. */
import t from 'tap'
import { withRetry } from '../../src/db/retry.ts'
import { freshDatabase } from '../support/database.ts'

t.test('each row: the fault, the options, and how often the work runs when it always fails', async (t) => {
  const rows = [
    ['40001', {}, 5],
    ['40P01', {}, 5],
    ['40001', { attempts: 2 }, 2],
    ['40001', { attempts: 1 }, 1],
    ['23505', {}, 1],
    ['CONNECTION_CLOSED', {}, 1],
    ['CONNECTION_CLOSED', { afterLostConnection: true, attempts: 3 }, 3],
    ['57P01', { afterLostConnection: true, attempts: 3 }, 3],
    ['ECONNREFUSED', {}, 1],
    ['', { afterLostConnection: true }, 1],
  ] as const
  for (const [code, options, expected] of rows) {
    let runs = 0
    const work = async () => {
      runs += 1
      throw Object.assign(new Error(`fault ${code}`), { code })
    }
    await t.rejects(withRetry(work, options), { message: `fault ${code}` })
    t.equal(runs, expected, `${code} ${JSON.stringify(options)}`)
  }
})

t.test('two transactions that wait for each other both come through', async (t) => {
  const { sql } = await freshDatabase(t, 'empty')
  await sql`create table counts (id int primary key, value int not null)`
  await sql`insert into counts values (1, 0), (2, 0)`
  const addTo = (first: number, second: number) =>
    withRetry(() =>
      sql.begin(async (tx) => {
        await tx`update counts set value = value + 1 where id = ${first}`
        await tx`select pg_sleep(0.05)`
        await tx`update counts set value = value + 1 where id = ${second}`
      }),
    )
  await Promise.all([addTo(1, 2), addTo(2, 1), addTo(1, 2), addTo(2, 1)])
  t.strictSame([...(await sql`select value from counts order by id`)], [{ value: 4 }, { value: 4 }])
})
