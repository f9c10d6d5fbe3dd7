/** Scores of several programs at once: one that was scored for a later day before stops no other. */
import t from 'tap'
import { publish } from '../../src/engine/publish.ts'
import { runJob } from '../../src/jobs/run.ts'
import { startEngine } from '../support/engine.ts'
import { jobDeps } from '../support/jobs.ts'

const rulesOf = (program: string) => `
program: ${program}
timeZone: Europe/Berlin
money: EUR
currencies: { points: { kind: redeemable } }
transactions: { purchase: {} }
retention:
earn: [{ id: base, on: purchase, award: 1 point per 1 EUR of net }]
`

t.test('a program that was scored later is left alone, and the others are scored', async (t) => {
  const engine = await startEngine(t, rulesOf('alpha'))
  engine.at('2026-03-10T10:00:00Z')
  const files = new Map([['program.yaml', rulesOf('beta')]])
  await publish(engine.sql, { files, by: 'test', now: new Date('2026-03-01T00:00:00Z') })
  const score = (at: string, program?: string) =>
    runJob(jobDeps(engine), { job: 'score', at: new Date(at), ...(program && { only: { program } }) })

  t.match(await score('2026-03-10T10:00:00Z', 'alpha'), { programs: [{ program: 'alpha' }], leftAlone: [] })
  t.match(await score('2026-03-05T10:00:00Z'), {
    programs: [{ program: 'beta', asOf: '2026-03-04' }],
    leftAlone: [{ program: 'alpha', asOf: '2026-03-09' }],
  })
  await t.rejects(
    score('2026-03-05T10:00:00Z', 'alpha'),
    { code: 'date_out_of_range' },
    'alone it is refused',
  )
  t.match(await score('2026-03-10T10:00:00Z'), {
    programs: [{ program: 'alpha' }, { program: 'beta' }],
    leftAlone: [],
  })
})
