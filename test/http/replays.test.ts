/** Sending again: the same answer to the last byte, nothing written twice, and another body refused. */
import t from 'tap'
import { sale, startService } from './front.ts'

t.test('every write can be sent again', async (t) => {
  const { ask, post, member, engine } = await startService(t)
  const memberId = await member('1')
  const { transactionId } = (await post('/v1/transactions', sale('s0', '100.00', { memberId }))).body
  const held = async (externalRef: string) => {
    const body = { externalRef, memberId, currency: 'beans', points: 10, hold: { seconds: 60 } }
    return (await post('/v1/redemptions', body)).body.redemptionId
  }
  const [h1, h2] = [await held('h1'), await held('h2')]
  const occurredAt = '2026-03-03T09:00:00Z'
  const back = { externalRef: 'r', occurredAt, lines: [{ lineId: '1', quantity: 0.5 }] }
  const spend = { externalRef: 'x', memberId, currency: 'beans', points: 10 }
  const key = { 'idempotency-key': 'k-1' }
  // method, path, body, another body, headers
  const rows: [string, string, object, object, Record<string, string>][] = [
    ['POST', '/v1/members', { externalRef: 'm' }, { externalRef: 'm', profile: { a: 1 } }, {}],
    ['POST', '/v1/members', {}, { profile: { a: 1 } }, key],
    ['POST', '/v1/transactions', sale('s', '1.00', { memberId }), sale('s', '2.00', { memberId }), {}],
    [
      'POST',
      '/v1/transactions',
      { ...sale('', '1.00', { memberId }), externalRef: undefined },
      sale('k-1', '2.00', { memberId }),
      key,
    ],
    [
      'POST',
      `/v1/transactions/${transactionId}/returns`,
      back,
      { ...back, lines: [{ lineId: '1', quantity: 0.1 }] },
      {},
    ],
    ['POST', '/v1/redemptions', spend, { ...spend, points: 15 }, {}],
    ['POST', `/v1/redemptions/${h1}/capture`, {}, { points: 5 }, {}],
    [
      'POST',
      `/v1/redemptions/${h2}/release`,
      { externalRef: 'rel' },
      { externalRef: 'rel', reason: 'r' },
      {},
    ],
    ['POST', `/v1/redemptions/${h1}/reverse`, {}, { reason: 'r' }, key],
    ['POST', '/v1/adjustments', { ...spend, reason: 'r' }, { ...spend, reason: 'other' }, {}],
    ['PATCH', `/v1/members/${memberId}`, { profile: { a: 1 } }, { profile: { a: 2 } }, key],
    [
      'POST',
      `/v1/members/${memberId}/identifiers`,
      { kind: 'card', value: '8' },
      { kind: 'card', value: '9' },
      key,
    ],
  ]
  for (const [method, path, body, other, headers] of rows) {
    const name = `${method} ${path} ${Object.keys(headers)}`
    const first = await ask(method, path, { body, headers })
    t.ok(first.status === 200 || first.status === 201, `${name}: ${first.text}`)
    t.equal(first.headers['idempotent-replayed'], undefined, name)
    const before = await engine.checksum()
    const again = await ask(method, path, { body, headers })
    t.equal(again.text, first.text, name)
    t.equal(again.status, first.status, name)
    t.equal(again.headers['idempotent-replayed'], 'true', name)
    const conflict = await ask(method, path, { body: other, headers })
    t.match(conflict.body, { status: 422, code: 'idempotency_conflict' }, name)
    t.equal(await engine.checksum(), before, name)
  }
  t.strictSame(await engine.findings(), [])
})

t.test('the same fields in another order are the same request', async (t) => {
  const { post, member } = await startService(t)
  const memberId = await member('1')
  const first = await post('/v1/transactions', sale('s', '1.00', { memberId }))
  const turned = Object.fromEntries(Object.entries(sale('s', '1.00', { memberId })).reverse())
  const again = await post('/v1/transactions', turned)
  t.equal(again.text, first.text)
})

t.test('a source has its own references', async (t) => {
  const { post, member, keyFor } = await startService(t)
  const memberId = await member('1')
  const key = await keyFor(['transactions:write'], 'web-shop')
  const first = await post('/v1/transactions', sale('s', '1.00', { memberId }))
  const other = await post('/v1/transactions', sale('s', '1.00', { memberId }), { key })
  t.equal(other.status, 201)
  t.not(other.body.transactionId, first.body.transactionId)
})

t.test('fifty at once with one reference are one sale', async (t) => {
  const { post, member, engine } = await startService(t)
  const memberId = await member('1')
  const body = sale('s', '10.00', { memberId })
  const answers = await Promise.all(Array.from({ length: 50 }, () => post('/v1/transactions', body)))
  t.equal(new Set(answers.map(({ text }) => text)).size, 1)
  t.equal(answers.filter(({ headers }) => headers['idempotent-replayed'] === undefined).length, 1)
  const [row] = await engine.sql<{ count: number }[]>`select count(*)::int as count from transactions`
  t.equal(row?.count, 1)
})

t.test('a header that is no key is refused', async (t) => {
  const { post } = await startService(t)
  for (const value of ['', 'two words', 'x'.repeat(201), 'ümlaut']) {
    const { body } = await post('/v1/members', {}, { headers: { 'idempotency-key': value } })
    t.match(body, { status: 400, code: 'malformed_request', detail: /Idempotency-Key/ }, value)
  }
})
