/** What an error leaves in a log: enough to find it, and nothing that a client sent. */
import { pino } from 'pino'
import t from 'tap'
import { loggedError } from '../../src/db/logged-error.ts'
import { freshDatabase } from '../support/database.ts'

t.test('a refusal of the database quotes no value', async (t) => {
  const { sql } = await freshDatabase(t, 'empty')
  await sql`create table cards (value text constraint one_each primary key, points int)`
  await sql`insert into cards values ('4711-card', 1)`
  const refused = async (query: Promise<unknown>): Promise<Error> =>
    query.then(
      () => t.fail('it is not refused') as never,
      (error: Error) => error,
    )
  const errors = [
    await refused(sql`insert into cards values ('4711-card', 2)`),
    await refused(sql`insert into cards values ('other', cast('4711-card'::text as int))`),
  ]
  for (const error of errors) {
    t.match(JSON.stringify({ ...error, message: error.message }), /4711-card/, 'the error itself quotes it')
    const lines: string[] = []
    const log = pino({ serializers: { err: loggedError } }, { write: (line) => void lines.push(line) })
    log.error({ err: error }, 'failed')
    t.notMatch(lines.join(), /4711-card/)
    t.match(JSON.parse(lines[0]!), {
      err: { message: /^the database refused with 2[23]/, stack: /\n? +at / },
    })
  }
  t.match(loggedError(errors[0]!), { table: 'cards', constraint: 'one_each' })
})

t.test('any other error is told as it is', async (t) => {
  const told = loggedError(Object.assign(new TypeError('no such thing'), { code: 'E1' }))
  t.match(told, { type: 'TypeError', message: 'no such thing', code: 'E1', stack: /logged-error/ })
})
