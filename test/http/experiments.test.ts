/** Segments and experiments over HTTP: figures, pages, refusals, and nothing of another program. */
import t from 'tap'
import { newId } from '../../src/base/ids.ts'
import { publish } from '../../src/engine/publish.ts'
import { runJob } from '../../src/jobs/run.ts'
import { uuidOf } from '../support/engine.ts'
import { jobDeps } from '../support/jobs.ts'
import { type Service, shopRules, startService } from './front.ts'

t.setTimeout(600_000)

const more = `
retention:
segments:
  - { id: everybody, name: All of them, when: { memberFor: { atLeast: 0 } } }
  - { id: young, when: { member.birthYear: { atLeast: 2000 } } }
  - { id: nobody, when: { beans: { atLeast: 1000000 } } }
campaigns:
  - { id: hello, start: { segment: everybody }, arms: [{ id: note, message: hello, cost: 0.10 EUR }] }
`

const youngEarn = `earn:
  - { id: hail, on: segmentEntered, when: { entered: young }, award: 5 beans }
`

type Test = Parameters<typeof startService>[0] & { equal(found: unknown, wanted: unknown): unknown }

async function prepared(t: Test): Promise<Service & { members: string[] }> {
  const service = await startService(t)
  const { sql, programs } = service.engine
  const files = new Map([['program.yaml', shopRules.replace('earn:\n', youngEarn) + more]])
  await publish(sql, { files, by: 'test', now: new Date('2026-02-01T00:00:00Z') })
  await programs.refresh()
  const members: string[] = []
  for (let i = 0; i < 5; i++) {
    const attributes = { birthYear: i < 2 ? 2001 : 1970 }
    const { body } = await service.post('/v1/members', { externalRef: `m${i}`, identifiers: [], attributes })
    members.push(body.memberId)
  }
  for (const job of ['segments', 'campaigns', 'experiments'] as const)
    t.equal('failed' in (await runJob(jobDeps(service.engine), { job, at: service.engine.now() })), true)
  return { ...service, members }
}

t.test('segments, overlap and members', async (t) => {
  const { get, members, foreignKey } = await prepared(t)
  const { body } = await get('/v1/retention/segments')
  t.match(body, {
    segments: [
      { segment: 'everybody', name: 'All of them', by: 'conditions', members: 5 },
      { segment: 'young', members: 2 },
      { segment: 'nobody', members: 0 },
    ],
    overlap: [{ a: 'everybody', b: 'young', members: 2 }],
  })
  const first = await get('/v1/retention/segments/everybody/members?limit=3')
  t.equal(first.body.items.length, 3)
  const second = await get(`/v1/retention/segments/everybody/members?cursor=${first.body.nextCursor}`)
  const seen = [...first.body.items, ...second.body.items].map(({ memberId }) => memberId)
  t.strictSame(seen, [...members].sort())
  t.equal(second.body.nextCursor, null)
  t.match((await get('/v1/retention/segments/nonesuch/members')).body, {
    status: 404,
    code: 'segment_not_found',
  })
  t.match((await get('/v1/retention/segments/young/members?cursor=x')).body, { code: 'invalid_cursor' })
  const did = async (id: string | undefined) => (await get(`/v1/members/${id}/view`)).body.activity
  t.match(await did(members[0]), [{ what: 'segmentEntered', points: [{ currency: 'beans', points: 5 }] }])
  t.same(
    await did(members[4]),
    [],
    'what the engine notes by itself and gives nothing for is nobody’s activity',
  )
  t.match((await get('/v1/retention/views/performance')).body, {
    note: 'no experiment has had its first look yet',
  })
  const foreign = await get('/v1/retention/segments', { key: foreignKey })
  t.match(foreign.body, { segments: [], overlap: [] })
})

t.test('experiments, and what an export and an erasure make of them', async (t) => {
  const { get, post, members, foreignKey, keyFor, engine } = await prepared(t)
  const { body } = await get('/v1/retention/experiments')
  t.match(body.items[0], { experiment: 'hello', state: 'testing', winner: null, looks: [], sampleRatio: {} })
  const arms = body.items[0].arms.reduce((sum: number, arm: { members: number }) => sum + arm.members, 0)
  const held = body.items[0].suppressed.find(({ reason }: { reason: string }) => reason === 'holdout')
  t.equal(arms + (held?.members ?? 0), 5)
  t.match((await get('/v1/retention/experiments/hello')).body, { experiment: 'hello' })
  t.match((await get('/v1/retention/experiments/nonesuch')).body, {
    status: 404,
    code: 'experiment_not_found',
  })
  t.strictSame((await get('/v1/retention/experiments', { key: foreignKey })).body, { items: [] })
  t.match((await get('/v1/retention/holdout?days=14')).body, {
    ...{ days: 14, share: 0.03, treated: body.items[0].treated, netDifference: null, verdict: 'open' },
    groups: [
      { arm: 'open', assigned: 5 - (held?.members ?? 0), members: 0 },
      { arm: 'holdout', assigned: held?.members ?? 0, members: 0 },
    ],
  })
  for (const wrong of ['days=3', 'days=1000', 'days=x', 'at=yesterday', 'since=1'])
    t.match((await get(`/v1/retention/holdout?${wrong}`)).body, { status: 400 }, wrong)
  const none = { groups: [{ assigned: 0 }, { assigned: 0 }], treated: 0 }
  t.match((await get('/v1/retention/holdout', { key: foreignKey })).body, none)
  const weak = await keyFor(['members:read'])
  t.match((await get('/v1/retention/holdout', { key: weak })).body, { status: 403 })
  t.match((await get('/v1/retention/experiments', { key: weak })).body, { status: 403 })

  const memberId = members[0]!
  await engine.sql`
    insert into suppressions (member_id, campaign, reason, program, first_at, last_at, times)
    values (${uuidOf(memberId)}, 'hello', 'quiet_time', 'shop', now(), now(), 1)`
  const exported = await get(`/v1/members/${memberId}/export`)
  for (const told of ['"experiment":"hello"', '"name":"young"', '"reason":"quiet_time"'])
    t.ok(exported.text.replaceAll(' ', '').includes(told), told)
  await post(`/v1/members/${memberId}/close`, { externalRef: newId(), reason: 'wish' })
  await post(`/v1/members/${memberId}/erase`, { externalRef: newId(), reason: 'wish' })
  const left = await engine.sql`select reason from suppressions where member_id = ${uuidOf(memberId)}`
  t.equal(left.length, 0)
  t.equal((await get('/v1/retention/segments')).body.segments[0].members, 4)
})

t.test('a test is ended by hand', async (t) => {
  const { get, post, keyFor, foreignKey, members } = await prepared(t)
  const path = '/v1/retention/experiments/hello/decision'
  // Each row: the body, the status, what is told.
  const wrong: readonly (readonly [object, number, object])[] = [
    [{ decision: 'roll_out' }, 400, { errors: [{ path: '/arm' }] }],
    [{ decision: 'stop', arm: 'note' }, 400, { errors: [{ path: '/arm' }] }],
    [{ decision: 'wait' }, 400, { errors: [{ path: '/decision' }] }],
    [{ decision: 'roll_out', arm: 'nonesuch' }, 422, { code: 'arm_not_found', details: { arms: ['note'] } }],
  ]
  for (const [body, status, told] of wrong) t.match((await post(path, body)).body, { status, ...told })
  t.match((await post('/v1/retention/experiments/none/decision', { decision: 'stop' })).body, { status: 404 })
  const reads = await keyFor(['retention:read'])
  t.match((await post(path, { decision: 'stop' }, { key: reads })).body, { status: 403 })
  t.match((await post(path, { decision: 'stop' }, { key: foreignKey })).body, { status: 404 })
  t.match((await get('/v1/retention/experiments/hello')).body, { state: 'testing', decidedBy: null })

  const rolled = await post(path, { decision: 'roll_out', arm: 'note' })
  t.match(rolled, { status: 200, body: { state: 'rolled_out', winner: 'note', looks: [] } })
  t.type(rolled.body.decidedBy, 'string')
  t.match(await post(path, { decision: 'stop' }), { status: 200, body: { state: 'stopped', winner: null } })
  t.strictSame(
    (await post(path, { decision: 'stop' })).body,
    (await get('/v1/retention/experiments/hello')).body,
  )
  t.equal(members.length, 5)
})
