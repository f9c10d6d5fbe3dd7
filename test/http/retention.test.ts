/** Who is slipping away, through the front door: figures of a member, who may see them, and what erasing leaves. */
import t from 'tap'
import { publish } from '../../src/engine/publish.ts'
import { runJob } from '../../src/jobs/run.ts'
import { jobDeps } from '../support/jobs.ts'
import { sale, shopRules, startService } from './front.ts'

t.setTimeout(600_000)

const ownRules = `retention: { capacity: 3 }
segments: [{ id: vip, when: { memberFor: { atLeast: 0 } } }]
`

t.test('worklist, member and summary', async (t) => {
  const service = await startService(t)
  const { engine, get, post, member, foreignKey, keyFor } = service
  const ann = await member('1')
  t.match(await get('/v1/retention/flags'), { status: 409, body: { code: 'retention_not_declared' } })

  const files = new Map([['program.yaml', `${shopRules}${ownRules}`]])
  await publish(engine.sql, { files, by: 'test', now: new Date('2026-02-01T00:00:00Z') })
  await engine.programs.refresh()
  t.match(await get('/v1/retention/flags'), {
    status: 200,
    body: { asOf: null, items: [], nextCursor: null, capacity: 3, flagged: 0, falseShare: null },
  })
  const bob = await member('2')
  for (const [index, day] of ['2026-02-03', '2026-02-10', '2026-02-17'].entries()) {
    const occurredAt = `${day}T10:00:00Z`
    await post('/v1/transactions', sale(`a${index}`, '20', { memberId: ann, occurredAt }))
  }
  t.match((await get(`/v1/members/${ann}/retention`)).body, {
    because: 'not scored yet',
    score: null,
    // Enrolled before anything was kept: the past is still to be read.
    kept: { purchaseDays: 3, rebuild: true },
  })
  const report = await runJob(jobDeps(engine), { job: 'score', at: engine.now() })
  t.match(report, { programs: [{ program: 'shop', members: 1, raised: 0 }], failed: 0 })

  const one = await get(`/v1/members/${ann}/retention`)
  t.match(one, {
    status: 200,
    body: {
      memberId: ann,
      asOf: '2026-03-02',
      because: null,
      kept: {
        purchaseDays: 3,
        firstDay: '2026-02-03',
        spend: { amount: '60.00', currency: 'EUR' },
        rebuild: false,
      },
      score: { state: 'active', flag: null, rfm: { recency: 1 } },
      flags: [],
    },
  })
  t.match(await get(`/v1/members/${bob}/retention`), { body: { because: 'no purchase yet', score: null } })
  t.match((await get('/v1/retention/summary')).body, {
    members: 1,
    states: { active: 1 },
    asOf: '2026-03-02',
    acceptedFalseShare: 0.1,
    rebuild: 0,
  })

  // Each row: the path, the key, and the answer.
  const rows = [
    [`/v1/members/${ann}/retention`, foreignKey, 409, 'retention_not_declared'],
    ['/v1/members/mem_0198f0a2b3c4700080000000000a0001/retention', service.key, 404, 'member_not_found'],
    ['/v1/members/nobody/retention', service.key, 404, 'member_not_found'],
    ['/v1/retention/flags?cursor=x', service.key, 400, 'invalid_cursor'],
    ['/v1/retention/flags?segment=vips', service.key, 404, 'segment_not_found'],
    ['/v1/retention/flags?capacity=0', service.key, 400, 'malformed_request'],
    ['/v1/retention/flags?state=sleepy', service.key, 400, 'malformed_request'],
    ['/v1/retention/flags?limit=201', service.key, 400, 'malformed_request'],
    ['/v1/retention/summary', await keyFor(['members:read']), 403, 'forbidden'],
    ['/v1/retention/flags', null, 401, 'unauthenticated'],
  ] as const
  for (const [path, key, status, code] of rows)
    t.match(await get(path, { key }), { status, body: { code } }, path)
  t.match(await get('/v1/retention/flags?state=slowing&segment=vip&capacity=2'), {
    status: 200,
    body: { capacity: 2 },
  })

  const exported = await get(`/v1/members/${ann}/export`)
  t.match(exported.body.retention, [{ kept: { purchase_days: 3 }, score: { state: 'active' }, flags: [] }])

  t.equal((await post(`/v1/members/${ann}/erase`, { externalRef: 'e' })).status, 200)
  const left = await engine.sql`
    select member_id from retention_states where purchase_days > 0
    union all select member_id from retention_scores`
  t.equal(left.length, 0)
})
