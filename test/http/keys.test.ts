/** Who may do what: keys, scopes, programs kept apart, and how fast is too fast. */
import t from 'tap'
import { revokeKey, type Scope, scopes } from '../../src/engine/keys.ts'
import { openapiDocument } from '../../src/http/openapi.ts'
import { until } from '../support/until.ts'
import { sale, startService } from './front.ts'

const stranger = `mp_${'x'.repeat(43)}`

t.test('without a good key: 401, and how to send one', async (t) => {
  const { ask, key } = await startService(t)
  const rows: [string, Record<string, string>, number][] = [
    ['no header', {}, 401],
    ['another scheme', { authorization: `Basic ${key}` }, 401],
    ['no key', { authorization: 'Bearer' }, 401],
    ['a short key', { authorization: `Bearer ${key.slice(0, -1)}` }, 401],
    ['a key nobody has', { authorization: `Bearer ${stranger}` }, 401],
    ['the scheme in small letters', { authorization: `bearer ${key}` }, 200],
  ]
  for (const [name, headers, status] of rows) {
    const answer = await ask('GET', '/v1/rewards', { key: null, headers })
    t.equal(answer.status, status, name)
    if (status === 401)
      t.match(answer, { body: { code: 'unauthenticated' }, headers: { 'www-authenticate': /Bearer/ } })
  }
})

t.test('a revoked key stops working within seconds', async (t) => {
  const { get, keyFor, engine } = await startService(t)
  const key = await keyFor(['members:read'])
  t.equal((await get('/v1/rewards', { key })).status, 200)
  const [row] = await engine.sql<{ id: string }[]>`
    select key_id as id from api_keys order by created_at desc, key_id desc limit 1`
  await revokeKey(engine.sql, row!.id, new Date())
  await until('the key is refused', async () => (await get('/v1/rewards', { key })).status === 401)
  const { status, body } = await get('/v1/rewards', { key })
  t.match({ status, body }, { status: 401, body: { code: 'unauthenticated' } })
})

t.test('each route asks for one scope, and no other one opens it', async (t) => {
  const { ask, keyFor } = await startService(t)
  const keys = new Map<Scope, string>()
  for (const scope of scopes) keys.set(scope, await keyFor([scope]))
  const m = `/v1/members/mem_${'0'.repeat(32)}`
  const x = `/v1/transactions/txn_${'0'.repeat(32)}`
  const r = `/v1/redemptions/rdm_${'0'.repeat(32)}`
  const p = `/v1/pools/pol_${'0'.repeat(32)}`
  const rows: [string, string, Scope][] = [
    ['POST', '/v1/members', 'members:write'],
    ['GET', '/v1/members?kind=card&value=1', 'members:read'],
    ['GET', m, 'members:read'],
    ['PATCH', m, 'members:write'],
    ['POST', `${m}/identifiers`, 'members:write'],
    ['DELETE', `${m}/identifiers?kind=card&value=1`, 'members:write'],
    ['GET', `${m}/balance`, 'members:read'],
    ['GET', `${m}/statement`, 'members:read'],
    ['GET', `${m}/tier`, 'members:read'],
    ['POST', '/v1/transactions', 'transactions:write'],
    ['POST', '/v1/transactions/quote', 'transactions:write'],
    ['POST', '/v1/transactions/batch', 'transactions:write'],
    ['GET', x, 'members:read'],
    ['POST', `${x}/returns`, 'transactions:write'],
    ['POST', '/v1/redemptions', 'redemptions:write'],
    ['POST', '/v1/redemptions/quote', 'redemptions:write'],
    ['GET', r, 'members:read'],
    ['POST', `${r}/capture`, 'redemptions:write'],
    ['POST', `${r}/release`, 'redemptions:write'],
    ['POST', `${r}/reverse`, 'redemptions:write'],
    ['GET', '/v1/rewards', 'members:read'],
    ['POST', '/v1/adjustments', 'admin'],
    ['POST', '/v1/transfers', 'redemptions:write'],
    ['POST', '/v1/pools', 'members:write'],
    ['GET', p, 'members:read'],
    ['POST', `${p}/members`, 'members:write'],
    ['DELETE', `${p}/members/mem_${'0'.repeat(32)}`, 'members:write'],
    ['GET', `${m}/pool`, 'members:read'],
    ['POST', `${m}/merge`, 'members:write'],
    ['POST', `${m}/unmerge`, 'members:write'],
    ['POST', `${m}/close`, 'members:write'],
    ['POST', `${m}/reopen`, 'members:write'],
    ['POST', `${m}/erase`, 'admin'],
    ['GET', `${m}/export`, 'admin'],
    ['GET', '/v1/rules', 'rules:read'],
    ['GET', '/v1/rules/versions', 'rules:read'],
    ['POST', '/v1/rules/check', 'rules:read'],
    ['POST', '/v1/rules/publish', 'rules:write'],
    ['GET', '/v1/rules/diff', 'rules:read'],
    ['POST', '/v1/rules/diff', 'rules:read'],
    ['GET', '/v1/rules/schema', 'rules:read'],
    ['POST', '/v1/rules/simulate', 'rules:read'],
    ['POST', '/v1/rules/rollback', 'rules:write'],
    ['POST', '/v1/rules/withdraw', 'rules:write'],
  ]
  for (const [method, path, needed] of rows) {
    for (const [scope, key] of keys) {
      const { body, status } = await ask(method, path, { key })
      const refused = status === 403 && body.code === 'forbidden'
      t.equal(refused, scope !== needed, `${method} ${path} with ${scope}`)
    }
  }
})

t.test("another program's things are not there, in the same words as what never was", async (t) => {
  const { ask, post, member, foreignKey, engine } = await startService(t)
  const memberId = await member('1')
  const { transactionId } = (await post('/v1/transactions', sale('s1', '100.00', { memberId }))).body
  const hold = { externalRef: 'h', memberId, currency: 'beans', points: 10, hold: { seconds: 60 } }
  const { redemptionId } = (await post('/v1/redemptions', hold)).body
  const bob = await member('2')
  const { poolId } = (await post('/v1/pools', { externalRef: 'p', members: [memberId] })).body
  const occurredAt = '2026-03-03T09:00:00Z'
  const points = { externalRef: 'f', currency: 'points', points: 1 }
  const body = { externalRef: 'x' }
  const of = `/v1/members/${memberId}`
  const rows: [string, string, object | undefined][] = [
    ['GET', `/v1/members/${memberId}`, undefined],
    ['GET', '/v1/members?kind=card&value=1', undefined],
    ['PATCH', `/v1/members/${memberId}`, { profile: { a: 'b' } }],
    ['POST', `/v1/members/${memberId}/identifiers`, { kind: 'card', value: '2' }],
    ['DELETE', `/v1/members/${memberId}/identifiers?kind=card&value=1`, undefined],
    ['GET', `/v1/members/${memberId}/balance`, undefined],
    ['GET', `/v1/members/${memberId}/statement`, undefined],
    ['GET', `/v1/members/${memberId}/tier`, undefined],
    ['GET', `/v1/rewards?memberId=${memberId}`, undefined],
    ['POST', '/v1/transactions', sale('f', '1.00', { memberId })],
    ['POST', '/v1/transactions/quote', sale('f', '1.00', { memberId })],
    ['POST', '/v1/transactions', sale('f', '1.00', { identifier: { kind: 'card', value: '1' } })],
    ['GET', `/v1/transactions/${transactionId}`, undefined],
    ['POST', `/v1/transactions/${transactionId}/returns`, { externalRef: 'f', occurredAt, all: true }],
    ['POST', '/v1/redemptions', { ...points, memberId }],
    ['POST', '/v1/redemptions/quote', { memberId, currency: 'points' }],
    ['GET', `/v1/redemptions/${redemptionId}`, undefined],
    ['POST', `/v1/redemptions/${redemptionId}/capture`, undefined],
    ['POST', `/v1/redemptions/${redemptionId}/release`, undefined],
    ['POST', `/v1/redemptions/${redemptionId}/reverse`, undefined],
    ['POST', '/v1/adjustments', { ...points, memberId, reason: 'r' }],
    ['POST', `/v1/transactions/${transactionId}/member`, { ...body, memberId }],
    ['POST', `/v1/transactions/${transactionId}/confirm`, { ...body, occurredAt }],
    ['POST', `/v1/transactions/${transactionId}/cancel`, { ...body, occurredAt }],
    ['GET', `${of}/expiries`, undefined],
    ['GET', `${of}/view`, undefined],
    ['GET', `${of}/feedback`, undefined],
    ['POST', `${of}/feedback`, { ...body, kind: 'complaint', text: 'loud' }],
    ['POST', `${of}/registrations`, { ...body, promotion: 'spring' }],
    ['POST', `${of}/segments`, { ...body, segment: 'families' }],
    ['POST', `${of}/tier`, { ...body, tier: 'gold', reason: 'r' }],
    ['POST', '/v1/referrals', { ...body, referrer: { memberId }, friend: { memberId: bob } }],
    ['POST', '/v1/transfers', { ...points, from: memberId, to: bob }],
    ['POST', '/v1/pools', { ...body, members: [memberId] }],
    ['GET', `${of}/pool`, undefined],
    ['GET', `/v1/pools/${poolId}`, undefined],
    ['POST', `/v1/pools/${poolId}/members`, { ...body, memberId: bob }],
    ['DELETE', `/v1/pools/${poolId}/members/${memberId}`, undefined],
    ['POST', `${of}/merge`, { ...body, duplicate: bob }],
    ['POST', `${of}/unmerge`, { ...body, duplicate: bob }],
    ['POST', `${of}/close`, body],
    ['POST', `${of}/reopen`, body],
    ['POST', `${of}/erase`, body],
    ['GET', `${of}/export`, undefined],
  ]
  const pattern = (path: string) =>
    path
      .replace(/\?.*/, '')
      .replace(memberId, '{memberId}')
      .replace(transactionId, '{transactionId}')
      .replace(redemptionId, '{redemptionId}')
      .replace(poolId, '{poolId}')
  const asked = new Set(rows.map(([method, path]) => `${method} ${pattern(path)}`))
  const { paths } = (await openapiDocument()) as { paths: Record<string, object> }
  const owned = Object.entries(paths).flatMap(([path, methods]) =>
    /\{(member|transaction|redemption|pool)Id\}/.test(path)
      ? Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`)
      : [],
  )
  // Without a retention section there is nothing to find: test/http/retention.test.ts asks for it.
  const elsewhere = 'GET /v1/members/{memberId}/retention'
  t.strictSame(
    owned.filter((one) => !asked.has(one) && one !== elsewhere),
    [],
    'no route of a member is left out',
  )
  const before = await engine.checksum()
  // A lock would leave its mark here.
  const rowsOfMembers = () => engine.sql`select * from members order by member_id`.then((all) => [...all])
  const untouched = await rowsOfMembers()
  const nowhere = (text: string) =>
    text
      .replaceAll(memberId, `mem_${'e'.repeat(32)}`)
      .replaceAll(transactionId, `txn_${'e'.repeat(32)}`)
      .replaceAll(redemptionId, `rdm_${'e'.repeat(32)}`)
      .replaceAll(poolId, `pol_${'e'.repeat(32)}`)
      .replaceAll(bob, `mem_${'d'.repeat(32)}`)
  for (const [method, path, body] of rows) {
    const name = `${method} ${path}`
    const answer = await ask(method, path, { key: foreignKey, ...(body && { body }) })
    t.equal(answer.status, 404, name)
    const unheardOf = await ask(method, nowhere(path).replace('value=1', 'value=99'), {
      key: foreignKey,
      ...(body && { body: nowhere(JSON.stringify(body)).replace('"value":"1"', '"value":"99"') }),
    })
    const words = ({ title, detail, code, details }: typeof answer.body) =>
      nowhere(JSON.stringify([title, detail, code, details]))
    t.equal(words(answer.body), words(unheardOf.body), name)
  }
  t.equal(await engine.checksum(), before, 'and nothing changed')
  t.strictSame(await rowsOfMembers(), untouched, 'nor was any member locked')
})

t.test('too fast: 429 per key, with when to come again', async (t) => {
  const { get, key, keyFor } = await startService(t, { rateLimitPerMinute: 3 })
  const other = await keyFor(['members:read'])
  const statuses: number[] = []
  for (let i = 0; i < 4; i += 1) statuses.push((await get('/v1/rewards', { key })).status)
  t.strictSame(statuses, [200, 200, 200, 429])
  const refused = await get('/v1/rewards', { key })
  t.match(refused.body, { code: 'rate_limited', details: { limitPerMinute: 3 } })
  t.match(refused.headers, { 'retry-after': /^\d+$/, 'ratelimit-limit': '3', 'ratelimit-remaining': '0' })
  t.equal((await get('/v1/rewards', { key: other })).status, 200, 'another key is not affected')
  t.equal((await get('/health/live', { key: null })).status, 200, 'nor is a probe')
})
