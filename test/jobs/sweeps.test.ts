/** The jobs at virtual times: each finds its own, once; a second process at the same job does nothing. */
import t from 'tap'
import { DomainError } from '../../src/base/errors.ts'
import type { JobName } from '../../src/jobs/job.ts'
import { jobNames, jobs } from '../../src/jobs/job.ts'
import { dueMembers, lastRuns, whileAlone } from '../../src/jobs/queries.ts'
import { runJob } from '../../src/jobs/run.ts'
import { startSchedule } from '../../src/jobs/schedule.ts'
import { type Engine, startEngine } from '../support/engine.ts'
import { jobDeps, tellingDeps } from '../support/jobs.ts'

t.setTimeout(600_000)

const RULES = `
program: shop
timeZone: Europe/Berlin
money: EUR
currencies:
  points: { kind: redeemable, pending: 14 days, expires: 12 months }
earn:
  - id: base
    on: purchase
    award: 1 point per 1 EUR of net
tiers:
  period: calendar year
  validity: end of period
  downgrade: one step
  ladder:
    - id: base
    - id: silver
      reach: { spend: 500 EUR }
`

async function sale(engine: Engine, memberId: string, amount: string, occurredAt: string): Promise<void> {
  const lines = [{ lineId: '1', quantity: 1, net: { amount, currency: 'EUR' } }]
  await engine.run({
    kind: 'earn',
    body: { externalRef: 'x', type: 'purchase', memberId, occurredAt, lines },
  })
}

async function lastOutcome(engine: Engine, job: JobName) {
  return (await lastRuns(engine.sql)).find((run) => run.job === job)
}

t.test('a year in the life of 600 points', async (t) => {
  const engine = await startEngine(t, RULES)
  engine.at('2026-03-03T10:00:00Z')
  const memberId = await engine.enrol('a')
  await sale(engine, memberId, '600', '2026-03-03T10:00:00Z')
  const deps = tellingDeps(engine)

  // Each row: the instant, the job, and what it did. 14 days of waiting end with 17 March in Berlin; the
  // hold is placed on 20 March for ten minutes; silver lasts to the end of 2026; points lapse after 3 March 2027.
  const rows: readonly (readonly [string, JobName, string])[] = [
    ['2026-03-16T22:59:59Z', 'release-pending', 'members 0'],
    ['2026-03-16T23:00:00Z', 'expire', 'members 0'],
    ['2026-03-16T23:00:00Z', 'release-pending', 'members 1 released 600'],
    ['2026-03-16T23:00:00Z', 'release-pending', 'members 0'],
    ['2026-03-20T10:00:00Z', 'release-holds', 'members 0'],
    ['2026-03-20T10:10:00Z', 'assess', 'members 0'],
    ['2026-03-20T10:10:00Z', 'release-holds', 'members 1 holdsReleased 1'],
    ['2026-03-20T10:11:00Z', 'release-holds', 'members 0'],
    ['2026-12-31T22:59:59Z', 'assess', 'members 0'],
    ['2026-12-31T23:00:00Z', 'assess', 'members 1'],
    ['2027-03-03T22:59:59Z', 'expire', 'members 0'],
    ['2027-03-03T23:00:00Z', 'expire', 'members 1 expired 600'],
    ['2027-03-03T23:00:00Z', 'expire', 'members 0'],
  ]
  for (const [at, job, did] of rows) {
    engine.at(at)
    if (at === '2026-03-20T10:00:00Z') {
      const body = { externalRef: 'r', memberId, currency: 'points', points: 50, hold: { seconds: 600 } }
      await engine.run({ kind: 'redeem', body })
    }
    const report = await runJob(deps, { job, at: new Date(at) })
    const { members, released, expired, holdsReleased } = { ...totals, ...report }
    const all = { members, released, expired, holdsReleased }
    const said = Object.entries(all).filter(([name, value]) => name === 'members' || value > 0)
    t.equal(said.flat().join(' '), did, `${job} at ${at}`)
    t.match(await lastOutcome(engine, job), { finishedAt: new Date(at), outcome: { ok: true, job } })
  }
  t.strictSame(await engine.findings(), [])
  t.strictSame(deps.errors, [])
})

const totals = { members: 0, released: 0, expired: 0, holdsReleased: 0, tierChanges: 0, failed: 0 }

t.test('more members than a page, each once; twice at once does not double', async (t) => {
  const engine = await startEngine(t, RULES)
  engine.at('2026-03-03T10:00:00Z')
  const members = await Promise.all(Array.from({ length: 1_203 }, (_, index) => engine.enrol(`m${index}`)))
  await Promise.all(members.map((memberId) => sale(engine, memberId, '2', '2026-03-03T10:00:00Z')))
  const at = new Date('2026-04-01T00:00:00Z')
  const reports = await Promise.all([1, 2].map(() => runJob(jobDeps(engine), { job: 'release-pending', at })))
  const ran = reports.filter((report) => report.ran)
  const did = ran.reduce((sum, report) => sum + ('released' in report ? report.released : 0), 0)
  t.equal(did, 2 * 1_203)
  t.match(ran, [{ failed: 0 }])
  t.match(await runJob(jobDeps(engine), { job: 'release-pending', at }), { members: 0, released: 0 })
  t.strictSame(await engine.findings(), [])
})

t.test('pages go on after the last member, also within one instant finer than a millisecond', async (t) => {
  const engine = await startEngine(t, RULES)
  const members = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((card) => engine.enrol(card)))
  await engine.sql`update members set due_at = '2026-01-01T00:00:00.000700Z'`
  for (const memberId of members) {
    await engine.sql`
      insert into standings (member_id, ladder, tier, since, until)
      values (${memberId}, 'x', 'base', now(), '2026-01-01')
      on conflict (member_id, ladder) do update set until = excluded.until`
  }
  const seen: string[] = []
  const page = { program: 'shop', at: new Date('2026-02-01T00:00:00Z'), limit: 2 }
  let found = await dueMembers(engine.sql, 'assess', { ...page, after: null })
  for (let pages = 0; found.length > 0 && pages < 9; pages += 1) {
    seen.push(...found.map(({ memberId }) => memberId))
    found = await dueMembers(engine.sql, 'assess', { ...page, after: found.at(-1)! })
  }
  t.strictSame(seen, [...members].sort())
})

t.test('while another process is at it a job does nothing, and says so', async (t) => {
  const engine = await startEngine(t, RULES)
  const at = new Date('2026-04-01T00:00:00Z')
  const elsewhere = await whileAlone(engine.sql, 'expire', async () => {
    t.match(await runJob(jobDeps(engine), { job: 'release-pending', at }), { ran: true }, 'another job may')
    return runJob(jobDeps(engine), { job: 'expire', at })
  })
  t.strictSame(elsewhere, { job: 'expire', at: at.toISOString(), ran: false, reason: 'running_elsewhere' })
  t.equal(await lastOutcome(engine, 'expire'), undefined, 'and leaves no note')
  t.match(await runJob(jobDeps(engine), { job: 'expire', at }), { ran: true }, 'the lock was given back')
})

t.test('a member that cannot be settled keeps nobody else from their points', async (t) => {
  const engine = await startEngine(t, RULES)
  engine.at('2026-03-03T10:00:00Z')
  const members = await Promise.all(['a', 'b', 'c'].map((card) => engine.enrol(card)))
  for (const memberId of members) await sale(engine, memberId, '2', '2026-03-03T10:00:00Z')
  const at = new Date('2026-04-01T00:00:00Z')
  // A row that no engine writes: the member's account says less than the lot that is to be released.
  await engine.sql`update accounts set pending = 0 where member_id = ${members[1]!}`

  const deps = tellingDeps(engine)
  const report = await runJob(deps, { job: 'release-pending', at })
  t.match(report, { members: 2, released: 4, failed: 1 })
  t.strictSame(deps.errors, ['a member could not be worked on'])
  t.match(await lastOutcome(engine, 'release-pending'), { outcome: { ok: true, failed: 1 } })
})

t.test('a sweep that meets a full or closed service fails, is noted, and gives its lock back', async (t) => {
  const engine = await startEngine(t, RULES)
  engine.at('2026-03-03T10:00:00Z')
  await sale(engine, await engine.enrol('a'), '2', '2026-03-03T10:00:00Z')
  const at = new Date('2026-04-01T00:00:00Z')
  await engine.lane.close()
  await t.rejects(runJob(jobDeps(engine), { job: 'release-pending', at }), new DomainError('queue_full'))
  t.match(await lastOutcome(engine, 'release-pending'), { outcome: { ok: false, error: 'queue_full' } })
  await t.rejects(runJob(jobDeps(engine), { job: 'release-pending', at }), new DomainError('queue_full'))
})

t.test('partitions', async (t) => {
  const engine = await startEngine(t, RULES)
  const at = new Date('2031-05-05T00:00:00Z')
  const report = await runJob(jobDeps(engine), { job: 'partitions', at })
  t.match(report, { job: 'partitions', ran: true })
  t.ok(report.ran && report.job === 'partitions' && report.created.includes('entries_2031_05'))
  t.match(await runJob(jobDeps(engine), { job: 'partitions', at }), { created: [] })
})

t.test('the schedule knows every job, and stops', async (t) => {
  t.strictSame(jobs.map(({ name }) => name).sort(), [...jobNames].sort())
  const engine = await startEngine(t, RULES)
  const schedule = startSchedule(jobDeps(engine))
  await schedule.stop()
  await schedule.stop()
})
