/** What is refused, how it is said, and where the fault is shown to be. */
import { connect as connectSocket } from 'node:net'
import t from 'tap'
import { errorCodes } from '../../src/base/errors.ts'
import { problems } from '../../src/http/errors.ts'
import { sale, startService } from './front.ts'

const memberId = `mem_${'0'.repeat(32)}`
const good = sale('s1', '1.00', { memberId })
const line = { lineId: '1', quantity: 1, net: { amount: '1.00', currency: 'EUR' } }
const withLine = (more: object) => ({ ...good, lines: [{ ...line, ...more }] })
const money = (amount: unknown, currency: unknown = 'EUR') => withLine({ net: { amount, currency } })
const spend = { externalRef: 'x', memberId, currency: 'beans', points: 10 }
const T = '/v1/transactions'
const R = '/v1/redemptions'
const M = '/v1/members'
const A = '/v1/adjustments'

// path, body, the fault's path (null: the body as a whole is no JSON that can be taken)
const malformedRows: [string, object | string | Buffer, string | null][] = [
  [T, '{"externalRef": x}', null],
  [T, '{"a":1,}', null],
  [T, '', ''],
  [T, 'null', ''],
  [T, '[]', ''],
  [T, '"text"', ''],
  [T, Buffer.from([0x22, 0xff, 0x22]), null], // not UTF-8
  [T, `${'['.repeat(100_000)}${']'.repeat(100_000)}`, ''], // deeper than any stack
  [T, '{"__proto__": {"admin": true}}', null],
  [T, '{"constructor": {"prototype": {"admin": true}}}', null],
  [T, '{"\\u005f_proto__": {"admin": true}}', null],
  [T, { ...good, constructor: 1 }, '/constructor'],
  [T, { ...good, externalRef: undefined }, '/externalRef'],
  [T, { ...good, externalRef: '' }, '/externalRef'],
  [T, { ...good, externalRef: 'x'.repeat(201) }, '/externalRef'],
  [T, { ...good, externalRef: 'nul\0' }, '/externalRef'],
  [T, { ...good, externalRef: 'half \ud800 pair' }, '/externalRef'],
  [T, { ...good, extra: 1 }, '/extra'],
  [T, { ...good, 'a/b~c': 1 }, '/a~1b~0c'],
  [T, { ...good, identifier: { kind: 'card', value: '1' } }, '/memberId'],
  [T, { ...good, memberId: undefined, identifier: { kind: 'Card!', value: '1' } }, '/identifier/kind'],
  [T, { ...good, occurredAt: '2026-03-02' }, '/occurredAt'],
  [T, { ...good, occurredAt: '2026-03-02T10:00:00' }, '/occurredAt'],
  [T, { ...good, occurredAt: '2026-02-30T10:00:00Z' }, '/occurredAt'],
  [T, { ...good, occurredAt: '1969-12-31T23:00:00Z' }, '/occurredAt'],
  [T, { ...good, lines: Array.from({ length: 501 }, (_, i) => ({ ...line, lineId: `${i}` })) }, '/lines'],
  [T, { ...good, lines: [line, line] }, '/lines/1/lineId'],
  [T, money('-1'), '/lines/0/net/amount'],
  [T, money('1e3'), '/lines/0/net/amount'],
  [T, money('1.00001'), '/lines/0/net/amount'],
  [T, money('1234567890123'), '/lines/0/net/amount'],
  [T, money(' 1'), '/lines/0/net/amount'],
  [T, money(1), '/lines/0/net/amount'],
  [T, money('1', 'eur'), '/lines/0/net/currency'],
  [T, withLine({ quantity: 0 }), '/lines/0/quantity'],
  [T, withLine({ quantity: 1_000_001 }), '/lines/0/quantity'],
  [T, withLine({ quantity: 0.0001 }), '/lines/0/quantity'],
  [T, withLine({ quantity: '1' }), '/lines/0/quantity'],
  [T, withLine({ kind: 'refund' }), '/lines/0/kind'],
  [T, JSON.stringify(good).replace('"quantity":1', '"quantity":1e400'), '/lines/0/quantity'],
  [T, { ...good, attributes: { deep: { er: 1 } } }, '/attributes/deep'],
  [T, { ...good, attributes: { list: [1] } }, '/attributes/list'],
  [T, { ...good, attributes: { 'not a name': 1 } }, '/attributes/not a name'],
  [T, { ...good, attributes: { text: 'x'.repeat(501) } }, '/attributes/text'],
  [T, { ...good, attributes: { large: 2 ** 53 } }, '/attributes/large'],
  [
    T,
    { ...good, attributes: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`a${i}`, i])) },
    '/attributes',
  ],
  [`${T}/batch`, { transactions: [] }, '/transactions'],
  [`${T}/batch`, { transactions: Array.from({ length: 1001 }, () => good) }, '/transactions'],
  [`${T}/txn_${'0'.repeat(32)}/returns`, { externalRef: 'r', occurredAt: '2026-03-02T10:00:00Z' }, '/lines'],
  [R, { ...spend, points: 0 }, '/points'],
  [R, { ...spend, points: 1.5 }, '/points'],
  [R, JSON.stringify(spend).replace('"points":10', '"points":9007199254740993'), '/points'],
  [R, { ...spend, points: undefined }, '/points'],
  [R, { ...spend, currency: undefined }, '/currency'],
  [R, { ...spend, rewardId: 'espresso' }, '/rewardId'],
  [R, { ...spend, hold: { seconds: 0 } }, '/hold/seconds'],
  [A, { ...spend, reason: 'r', points: 0 }, '/points'],
  [A, spend, '/reason'],
  [M, { externalRef: 'm', identifiers: [{ kind: 'card' }] }, '/identifiers/0/value'],
  [M, { externalRef: 'm', consents: { marketing: 'yes' } }, '/consents/marketing'],
]

t.test('malformed: 400 with the path of the fault', async (t) => {
  const { post, engine } = await startService(t)
  const before = await engine.checksum()
  for (const [path, body, faultPath] of malformedRows) {
    const name = `${path} ${JSON.stringify(body).slice(0, 60)}`
    const answer = await post(path, body)
    t.equal(answer.status, 400, name)
    t.equal(answer.headers['content-type'], 'application/problem+json; charset=utf-8', name)
    t.match(answer.body, { type: 'about:blank', status: 400, code: 'malformed_request' }, name)
    t.equal(answer.body.requestId, answer.headers['x-request-id'], name)
    const paths = (answer.body.errors ?? []).map((fault: { path: string }) => fault.path)
    if (faultPath === null) t.strictSame(paths, [], name)
    else t.ok(paths.includes(faultPath), `${name}: ${faultPath} among ${paths}`)
  }
  t.equal(await engine.checksum(), before, 'and nothing was written')
})

t.test('all faults at once, and no more than anybody reads', async (t) => {
  const { post } = await startService(t)
  const { body } = await post(T, { ...good, occurredAt: 'soon', type: 7, extra: 1 })
  const paths = body.errors.map((fault: { path: string }) => fault.path).sort()
  t.strictSame(paths, ['/extra', '/occurredAt', '/type'])
  const bad = Array.from({ length: 200 }, () => ({}))
  t.equal((await post(T, { ...good, lines: bad })).body.errors.length, 50)
})

t.test('unparsable JSON: the position, by line and column', async (t) => {
  const { post } = await startService(t)
  const rows = [
    ['{"a": x}', 6, 1, 7],
    ['{\n  "a": 1,\n}', 12, 3, 1],
    ['{"a": "', 7, 1, 8],
    ['{"a": 1', 7, 1, 8],
    ['{"a": tru}', 9, 1, 10],
  ] as const
  for (const [body, position, line, column] of rows) {
    t.strictSame((await post(T, body)).body.details, { position, line, column }, JSON.stringify(body))
  }
})

t.test('understood and refused: the status, the code, and a sentence', async (t) => {
  const { post, get, member, engine, foreignKey } = await startService(t)
  const me = await member('1')
  await member('2')
  await post(T, sale('earned', '100.00', { memberId: me }))
  const bought = (await post(T, sale('bought', '10.00', { memberId: me }))).body.transactionId
  const hold = { ...spend, externalRef: 'held', memberId: me, hold: { seconds: 60 } }
  const { redemptionId: lapsed } = (await post(R, hold)).body
  engine.at('2026-03-03T10:01:00Z')
  const back = (more: object) => ({ externalRef: 'back', occurredAt: '2026-03-03T10:00:00Z', ...more })
  const rows: [string, object, number, string, RegExp][] = [
    [T, sale('a', '1', { memberId: `mem_${'f'.repeat(32)}` }), 404, 'member_not_found', /mem_ffff/],
    [T, sale('a', '1', { memberId: 'me' }), 404, 'member_not_found', /me/],
    [T, sale('a', '1', { identifier: { kind: 'card', value: '99' } }), 404, 'member_not_found', /card/],
    [T, sale('a', '1', { memberId: me, type: 'purchaze' }), 422, 'unknown_transaction_type', /purchase/],
    [T, sale('a', '1', { memberId: me, attributes: { wing: 1 } }), 422, 'unknown_fact', /wing/],
    [
      T,
      sale('a', '1', { memberId: me, occurredAt: '2027-01-01T00:00:00Z' }),
      422,
      'date_out_of_range',
      /2026/,
    ],
    [
      T,
      sale('a', '1', { memberId: me, occurredAt: '9999-12-31T23:59:59Z' }),
      422,
      'date_out_of_range',
      /2026/,
    ],
    [T, sale('a', '999999999999', { memberId: me }), 422, 'amount_out_of_range', /1000000000/],
    [
      T,
      { ...sale('a', '1', { memberId: me }), lines: [{ ...line, net: { amount: '1', currency: 'USD' } }] },
      422,
      'money_currency_mismatch',
      /expected money in EUR, got USD/,
    ],
    [T, sale('earned', '99.00', { memberId: me }), 422, 'idempotency_conflict', /earned was used before/],
    [`${T}/${bought}/returns`, back({ lines: [{ lineId: '9', quantity: 1 }] }), 422, 'line_not_found', /9/],
    [
      `${T}/${bought}/returns`,
      back({ lines: [{ lineId: '1', quantity: 2 }] }),
      422,
      'returned_too_much',
      /1/,
    ],
    [`${T}/txn_${'0'.repeat(32)}/returns`, back({ all: true }), 404, 'transaction_not_found', /txn_/],
    [
      R,
      { ...spend, memberId: me, points: 1200 },
      422,
      'insufficient_points',
      /^1,200 points asked for, 110 available$/,
    ],
    [R, { ...spend, memberId: me, points: 5 }, 422, 'below_minimum', /^5 points asked for, at least 10/],
    [R, { ...spend, memberId: me, points: 12 }, 422, 'not_a_step', /in steps of 5/],
    [R, { ...spend, memberId: me, currency: 'bean' }, 422, 'unknown_currency', /beans/],
    [R, { ...spend, memberId: me, currency: 'credits' }, 422, 'currency_not_redeemable', /credits/],
    [R, { externalRef: 'x', memberId: me, rewardId: 'yacht' }, 404, 'reward_not_found', /yacht/],
    [R, { externalRef: 'x', memberId: me, rewardId: 'lounge' }, 409, 'reward_unavailable', /gold/],
    [`${R}/${lapsed}/capture`, {}, 409, 'hold_expired', /rdm_/],
    [`${R}/rdm_${'0'.repeat(32)}/capture`, {}, 404, 'redemption_not_found', /rdm_/],
    [M, { externalRef: 'm2', identifiers: [{ kind: 'card', value: '1' }] }, 409, 'identifier_taken', /card/],
    [M, { externalRef: 'm2', attributes: { shoe: 42 } }, 422, 'unknown_fact', /shoe/],
    [
      `${R}/quote`,
      { memberId: me, currency: 'beans', basket: { amount: '1', currency: 'USD' } },
      422,
      'money_currency_mismatch',
      /EUR/,
    ],
  ]
  const before = await engine.checksum()
  for (const [path, body, status, code, detail] of rows) {
    const answer = await post(path, body)
    t.match(answer.body, { status, code, detail }, `${path} ${code}`)
    t.equal(answer.status, status)
    t.equal(await engine.checksum(), before, `${path} ${code}: nothing was written`)
  }
  const foreign = await post(T, sale('foreign', '1', { memberId: me }), { key: foreignKey })
  t.match(foreign.body, { status: 404, code: 'member_not_found' }, 'another program does not know the member')
  t.equal(await engine.checksum(), before)
  const mismatch = await post(T, {
    ...sale('a', '1', { memberId: me }),
    lines: [{ ...line, net: { amount: '1', currency: 'USD' } }],
  })
  t.strictSame(mismatch.body.errors[0].path, '/lines/0/net', 'a refusal that knows its place says so')

  const queries = [
    ['/statement?limit=0', 400, 'malformed_request'],
    ['/statement?limit=201', 400, 'malformed_request'],
    ['/statement?limit=1&limit=2', 400, 'malformed_request'],
    ['/statement?cursor=abc', 400, 'invalid_cursor'],
    ['/statement?colour=red', 400, 'malformed_request'],
    ['/tier?ladder=mian', 400, 'malformed_request'],
  ] as const
  for (const [query, status, code] of queries) {
    const answer = await get(`${M}/${me}${query}`)
    t.match(answer.body, { status, code }, query)
  }
})

t.test('no route, wrong method, wrong type, too large', async (t) => {
  const { ask, post, get } = await startService(t)
  const rows = [
    ['GET', '/v1/nothing', 404, 'route_not_found'],
    ['GET', '/', 404, 'route_not_found'],
    ['GET', '/v1/members/%zz', 400, 'malformed_request'],
    ['GET', `/v1/members/${'x'.repeat(300)}`, 400, 'malformed_request'],
    ['DELETE', '/v1/transactions', 405, 'route_not_found'],
    ['PUT', '/health/live', 405, 'route_not_found'],
  ] as const
  for (const [method, path, status, code] of rows) {
    const answer = await ask(method, path)
    t.equal(answer.headers['content-type'], 'application/problem+json; charset=utf-8', path)
    t.match(answer.body, { status, code }, `${method} ${path}`)
  }
  t.equal((await ask('DELETE', T)).headers.allow, 'POST')
  t.equal((await ask('PUT', `${M}/x/balance`)).headers.allow, 'GET, HEAD')

  const plain = await post(T, 'externalRef=1', { headers: { 'content-type': 'text/plain' } })
  t.match(plain.body, { status: 415, code: 'unsupported_media_type' })
  const large = JSON.stringify({ ...good, location: 'x'.repeat(1024 * 1024) })
  t.match((await post(T, large)).body, { status: 413, code: 'payload_too_large' })
  t.match((await post(`${T}/batch`, large)).body, { status: 400 }, 'a batch may be larger')
  const huge = ' '.repeat(5 * 1024 * 1024 + 1)
  t.match((await post(`${T}/batch`, huge)).body, { status: 413, code: 'payload_too_large' })
  t.equal(
    (await get('/v1/rewards', { headers: { 'x-request-id': 'mine-1' } })).headers['x-request-id'],
    'mine-1',
  )
})

t.test('whoever sends far too much before looking for an answer finds one', async (t) => {
  const { app, key } = await startService(t)
  const address = new URL(await app.listen({ port: 0, host: '127.0.0.1' }))
  const body = Buffer.alloc(20 * 1024 * 1024, ' ')
  const head = ['POST /v1/transactions HTTP/1.1', 'Host: milepost', `Authorization: Bearer ${key}`]
  const more = ['Content-Type: application/json', `Content-Length: ${body.length}`, '', '']

  const socket = connectSocket(Number(address.port), address.hostname)
  const told = new Promise<string>((resolve, reject) => {
    let text = ''
    socket.on('error', reject).on('end', () => resolve(text))
    socket.pause().write([...head, ...more].join('\r\n'))
    socket.write(body, () => {
      socket.on('data', (chunk) => {
        text += chunk
      })
      socket.resume()
    })
  })
  t.match(await told, /^HTTP\/1.1 413 .*"code":"payload_too_large"/s)
})

t.test('what is not HTTP gets a problem too', async (t) => {
  const { app } = await startService(t)
  const address = new URL(await app.listen({ port: 0, host: '127.0.0.1' }))
  const text = await new Promise<string>((resolve, reject) => {
    const socket = connectSocket(Number(address.port), '127.0.0.1', () => socket.write('nonsense\r\n\r\n'))
    let seen = ''
    socket.on('data', (chunk) => {
      seen += chunk
    })
    socket.on('end', () => resolve(seen)).on('error', reject)
  })
  t.match(text, /^HTTP\/1.1 400 Bad Request\r\nContent-Type: application\/problem\+json/)
  t.match(text, /"code":"malformed_request"/)
})

t.test('the database away: 503 and when to try again; defects stay inside', async (t) => {
  const lines: string[] = []
  const { get, engine, app } = await startService(t, { logTo: { write: (line) => lines.push(line) } })
  await get('/v1/rewards')
  await engine.sql.end()
  const away = await get(`${M}/${memberId}/balance`)
  t.match(away.body, { status: 503, code: 'database_unavailable' })
  t.equal(away.headers['retry-after'], '1')
  t.equal((await get('/health/ready')).status, 503)
  t.equal((await get('/health/live')).status, 200)

  engine.programs.at = () => {
    throw new TypeError('secret inner text')
  }
  const broken = await app.inject({ url: '/v1/rewards', headers: { authorization: 'Bearer nothing' } })
  t.equal(broken.statusCode, 401)
  const defect = await get('/v1/rewards')
  t.match(defect.body, { status: 500, code: 'internal_error', detail: 'The service failed' })
  t.notMatch(defect.text, /secret/)
  t.ok(
    lines.some((line) => /secret inner text/.test(line) && /problems\.test/.test(line)),
    'logged with its stack',
  )
})

t.test('every code has a status and a title of its own', (t) => {
  const titles = new Set<string>()
  for (const code of errorCodes) {
    const { status, title } = problems[code]
    t.ok(status >= 400 && status < 600, code)
    titles.add(title)
  }
  t.equal(titles.size, errorCodes.length)
  t.end()
})
