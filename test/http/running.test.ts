/** The service as it runs: what its logs give away, what it does when it is full, and how it ends. */
import t from 'tap'
import { until } from '../support/until.ts'
import { sale, startService } from './front.ts'

t.test('logs tell routes and outcomes, and nothing about people or keys', async (t) => {
  const lines: string[] = []
  const logTo = { write: (line: string) => lines.push(line) }
  const { post, get, ask, member, key } = await startService(t, { logLevel: 'trace', logTo })
  const memberId = await member('4929000000006')
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
  const answered = await post('/v1/transactions', sale('s1', '123.45', { memberId }), {
    headers: { traceparent },
  })
  t.equal(answered.headers.traceparent, traceparent, 'the trace is passed on')
  await get('/v1/members?kind=card&value=4929000000006')
  await post('/v1/members', { externalRef: 'twice', identifiers: [{ kind: 'card', value: '4929000000006' }] })
  await post('/v1/members', '{"profile": {"givenName": "Ada"')
  await ask('PATCH', `/v1/members/${memberId}`, { body: { profile: { givenName: 'Ada' } } })
  const all = lines.join('')
  t.match(all, /"route":"\/v1\/transactions","status":201/)
  t.match(all, new RegExp(`"trace":"${traceparent}"`))
  for (const secret of [key, '4929000000006', 'Ada', '123.45', memberId]) t.notMatch(all, secret)
})

t.test('at info a good request leaves no line', async (t) => {
  const lines: string[] = []
  const logTo = { write: (line: string) => lines.push(line) }
  const { post, member } = await startService(t, { logLevel: 'info', logTo })
  await post('/v1/transactions', sale('s1', '1.00', { memberId: await member('1') }))
  t.strictSame(lines, [])
})

t.test('a full queue: 503, and when to try again', async (t) => {
  const { post } = await startService(t, { queueLimit: 0 })
  const refused = await post('/v1/members', { externalRef: 'm' })
  t.match(refused.body, { status: 503, code: 'queue_full' })
  t.equal(refused.headers['retry-after'], '1')
  const { body } = await post('/v1/transactions/batch', {
    transactions: [sale('s', '1', { memberId: 'mem_x' })],
  })
  t.match(body.results, [{ status: 404 }], 'what needs no lane is answered still')
})

t.test('an event loop that lags: 503 for all but the probes', async (t) => {
  const { get } = await startService(t, { mostLoopDelay: 0.000_001 })
  let answer = await get('/v1/rewards')
  await until('the lag is noticed', async () => {
    answer = await get('/v1/rewards')
    return answer.status !== 200
  })
  t.match(answer.body, { status: 503, code: 'queue_full' })
  t.equal((await get('/health/live')).status, 200)
})

t.test('closing lets running requests finish', async (t) => {
  const { app, member, engine, key } = await startService(t)
  const memberId = await member('1')
  const address = await app.listen({ port: 0, host: '127.0.0.1' })
  let letGo = () => {}
  const enough = new Promise<void>((resolve) => {
    letGo = resolve
  })
  let isLocked = false
  const locked = engine.sql.begin(async (tx) => {
    await tx`update members set version = version`
    isLocked = true
    await enough
  })
  await until('the member is locked', () => isLocked)
  const running = fetch(`${address}/v1/transactions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(sale('s1', '1.00', { memberId })),
  })
  await until('the request waits for the member', () => engine.lane.depth === 1)
  const closed = app.close()
  await until('nobody else gets in', async () => {
    const { status } = await fetch(`${address}/health/live`).catch(() => ({ status: 0 }))
    return status !== 200
  })
  t.equal(engine.lane.depth, 1, 'it is running still')
  letGo()
  await closed
  const answer = await running
  t.equal(answer.status, 201)
  await locked
  await t.rejects(fetch(`${address}/health/live`), 'nothing listens any more')
})
