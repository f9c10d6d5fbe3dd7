/** Every endpoint's good path, told as the day of one member. The clock stands at 3 March 2026, a Tuesday. */
import t from 'tap'
import { sale, startService } from './front.ts'

t.test('enrolling, reading, changing, looking up', async (t) => {
  const { get, post, ask } = await startService(t)
  const body = {
    externalRef: 'crm-1',
    identifiers: [{ kind: 'card', value: '111' }],
    profile: { givenName: 'Ada', note: '' },
    attributes: { birthYear: 1984 },
    enrolledAt: '2026-01-15T09:00:00+01:00',
    consents: { marketing: true },
  }
  const enrolled = await post('/v1/members', body)
  t.equal(enrolled.status, 201)
  const { memberId } = enrolled.body
  t.match(memberId, /^mem_[0-9a-f]{32}$/)
  t.strictSame(enrolled.body, {
    ...body,
    memberId,
    program: 'shop',
    status: 'active',
    identifiers: [{ kind: 'card', value: '111', status: 'active' }],
    enrolledAt: '2026-01-15T08:00:00.000Z',
  })

  t.strictSame((await get(`/v1/members/${memberId}`)).body, enrolled.body)
  t.equal((await get('/v1/members?kind=card&value=111')).body.memberId, memberId)

  const patch = { profile: { givenName: null, familyName: 'Lovelace' }, consents: { marketing: false } }
  const changed = await ask('PATCH', `/v1/members/${memberId}`, { body: patch })
  t.equal(changed.status, 200)
  t.match(changed.body, { profile: { familyName: 'Lovelace', note: '' }, consents: { marketing: false } })
  t.notOk('givenName' in changed.body.profile)

  const path = `/v1/members/${memberId}/identifiers`
  const added = await post(path, { kind: 'phone', value: '+49 30 1' })
  t.equal(added.status, 200)
  t.equal((await get('/v1/members?kind=phone&value=%2B49%2030%201')).body.memberId, memberId)
  const blocked = await post(path, { kind: 'card', value: '111', status: 'blocked' })
  t.strictSame(blocked.body.identifiers[0], { kind: 'card', value: '111', status: 'blocked' })
  t.equal((await get('/v1/members?kind=card&value=111')).body.code, 'identifier_blocked')
  const removed = await ask('DELETE', `${path}?kind=phone&value=%2B49%2030%201`)
  t.equal(removed.status, 200)
  t.equal((await get('/v1/members?kind=phone&value=%2B49%2030%201')).status, 404)
})

t.test('a sale: quoted, posted, read, explained, returned', async (t) => {
  const { get, post, member } = await startService(t)
  const memberId = await member('222')
  const identifier = { kind: 'card', value: '222' }
  const basket = sale('s1', '12.50', { identifier, channel: 'web', occurredAt: '2026-03-03T09:00:00+01:00' })

  const quoted = await post('/v1/transactions/quote', basket)
  t.equal(quoted.status, 200)
  t.strictSame(quoted.body.redeemable, [
    { currency: 'beans', points: 0, value: { amount: '0.00', currency: 'EUR' } },
    { currency: 'stars', points: 0, value: null },
  ])
  const posted = await post('/v1/transactions', basket)
  t.equal(posted.status, 201)
  const { transactionId, ...earned } = posted.body
  const { redeemable: _, ...would } = quoted.body
  t.strictSame(would, earned, 'the quote is what the real thing gives')
  t.strictSame(
    earned.awards.map(({ rule, points }: { rule: string; points: number }) => [rule, points]),
    [
      ['base', 12],
      ['tuesday', 5],
      ['starry', 3],
      ['status', 12],
    ],
  )
  t.strictSame(earned.balances, [
    { currency: 'beans', available: 17, pending: 0, held: 0, negative: 0 },
    { currency: 'stars', available: 0, pending: 3, held: 0, negative: 0 },
    { currency: 'credits', available: 12, pending: 0, held: 0, negative: 0 },
  ])

  const returned = await post(`/v1/transactions/${transactionId}/returns`, {
    externalRef: 'r1',
    occurredAt: '2026-03-03T09:30:00+01:00',
    all: true,
  })
  t.equal(returned.status, 201)
  t.strictSame(returned.body.payBack, { money: { amount: '12.50', currency: 'EUR' }, points: [] })

  const read = await get(`/v1/transactions/${transactionId}`)
  t.equal(read.status, 200)
  t.match(read.body, { memberId, externalRef: 's1', source: 'till', channel: 'web', type: 'purchase' })
  t.strictSame(read.body.returns[0].lines, [{ lineId: '1', quantity: '1' }])
  t.notOk('trace' in read.body)

  const other = await post('/v1/transactions', sale('s2', '9.99', { memberId }))
  const explained = await get(`/v1/transactions/${other.body.transactionId}?explain=true`)
  t.strictSame(
    explained.body.trace.map(({ rule, fired }: { rule: string; fired: boolean }) => [rule, fired]),
    [
      ['base', true],
      ['tuesday', false],
      ['starry', false],
      ['status', true],
    ],
  )
  t.match(explained.body.trace[1].because, /monday/)
})

t.test('a batch: one answer per item, in order, each by itself', async (t) => {
  const { post, member } = await startService(t)
  const memberId = await member('333')
  const transactions = [
    sale('b1', '10.00', { memberId }),
    sale('b2', '-1', { memberId }),
    sale('b3', '10.00', { memberId: 'mem_nobody' }),
    sale('b4', '20.00', { memberId }),
    sale('b1', '10.00', { memberId }),
    'nonsense',
    { ...sale('b5', '1.00', { memberId }), externalRef: undefined },
  ]
  const { status, body } = await post('/v1/transactions/batch', { transactions })
  t.equal(status, 200)
  t.strictSame(
    body.results.map((one: { status: number; replayed: boolean; body: { code?: string } }) => [
      one.status,
      one.replayed,
      one.body.code ?? 'earned',
    ]),
    [
      [201, false, 'earned'],
      [400, false, 'malformed_request'],
      [404, false, 'member_not_found'],
      [201, false, 'earned'],
      [201, true, 'earned'],
      [400, false, 'malformed_request'],
      [400, false, 'malformed_request'],
    ],
  )
  t.equal(body.results[3].body.balances[0].available, 30, 'items of one member build on each other')
  t.strictSame(body.results[4].body, body.results[0].body)
  t.equal(body.results[1].body.errors[0].path, '/lines/0/net/amount')
})

t.test('redeeming: quoted, at once, held, captured, released, reversed', async (t) => {
  const { get, post, member, engine } = await startService(t)
  const memberId = await member('444')
  await post('/v1/transactions', sale('s1', '100.00', { memberId }))

  const quote = await post('/v1/redemptions/quote', { memberId, currency: 'beans' })
  t.equal(quote.status, 200)
  t.strictSame(quote.body, {
    currency: 'beans',
    available: 100,
    minimum: 10,
    maximum: 100,
    step: 5,
    valuePerPoint: { amount: '0.05', currency: 'EUR' },
    maximumValue: { amount: '5.00', currency: 'EUR' },
  })
  const rows = [
    ['4.99', 95], // 99.8 beans, in steps of 5
    ['0.50', 10], // exactly the minimum
    ['0.49', 0], // less than the minimum
    ['50.00', 100], // more than there is
  ] as const
  for (const [amount, maximum] of rows) {
    const basket = { amount, currency: 'EUR' }
    const { body } = await post('/v1/redemptions/quote', { memberId, currency: 'beans', basket })
    t.equal(body.maximum, maximum, `a basket of ${amount}`)
  }

  const spent = await post('/v1/redemptions', { externalRef: 'x1', memberId, rewardId: 'espresso' })
  t.equal(spent.status, 201)
  t.match(spent.body, { status: 'captured', points: 40, rewardId: 'espresso' })

  const hold = { externalRef: 'x2', memberId, currency: 'beans', points: 30, hold: { seconds: 60 } }
  const held = await post('/v1/redemptions', hold)
  t.match(held.body, { status: 'held', holdUntil: '2026-03-03T10:01:00.000Z' })
  t.match(held.body.balances[0], { available: 30, held: 30 })
  const captured = await post(`/v1/redemptions/${held.body.redemptionId}/capture`, { points: 20 })
  t.equal(captured.status, 200)
  t.match(captured.body, { status: 'captured', points: 20, value: { amount: '1.00', currency: 'EUR' } })
  t.match(captured.body.balances[0], { available: 40, held: 0 })

  const second = await post('/v1/redemptions', { ...hold, externalRef: 'x3' })
  const released = await post(`/v1/redemptions/${second.body.redemptionId}/release`)
  t.match(released.body, { status: 'released' }, 'and without any body')
  const again = await post(`/v1/redemptions/${second.body.redemptionId}/release`)
  t.equal(again.headers['idempotent-replayed'], 'true', 'the redemption is key enough')
  t.equal(again.text, released.text)

  const reversed = await post(`/v1/redemptions/${spent.body.redemptionId}/reverse`, { reason: 'cold' })
  t.match(reversed.body, { status: 'reversed', points: 40 })
  t.equal((await get(`/v1/redemptions/${spent.body.redemptionId}`)).body.status, 'reversed')

  const third = await post('/v1/redemptions', { ...hold, externalRef: 'x4' })
  t.equal((await get(`/v1/redemptions/${third.body.redemptionId}`)).body.status, 'held')
  engine.at('2026-03-03T10:01:00Z')
  t.equal((await get(`/v1/redemptions/${third.body.redemptionId}`)).body.status, 'expired', 'its time is up')
})

t.test('rewards: the catalogue, and what one member can have', async (t) => {
  const { get, post, member } = await startService(t)
  const memberId = await member('555')
  await post('/v1/transactions', sale('s1', '30.00', { memberId }))
  const catalogue = await get('/v1/rewards')
  t.strictSame(catalogue.body.items[1], {
    rewardId: 'lounge',
    name: 'The lounge',
    currency: 'beans',
    costs: 20,
    value: null,
    tier: { ladder: 'main', tier: 'gold' },
    from: null,
    until: null,
  })
  const mine = await get(`/v1/rewards?memberId=${memberId}`)
  t.match(mine.body.items, [
    { rewardId: 'espresso', available: false, missing: 10 },
    { rewardId: 'lounge', available: false, missing: 0, because: 'from tier gold upwards' },
  ])
  await post('/v1/transactions', sale('s2', '600.00', { memberId }))
  const gold = await get(`/v1/rewards?memberId=${memberId}`)
  t.match(gold.body.items, [{ available: true, missing: 0 }, { available: true }])
})

t.test('adjustments', async (t) => {
  const { post, member } = await startService(t)
  const memberId = await member('666')
  const body = { externalRef: 'a1', memberId, currency: 'beans', points: 50, reason: 'goodwill' }
  const given = await post('/v1/adjustments', body)
  t.equal(given.status, 201)
  t.match(given.body, { points: 50, reason: 'goodwill', balances: [{ available: 50 }] })
  const taken = await post('/v1/adjustments', { ...body, externalRef: 'a2', points: -51 })
  t.equal(taken.status, 422)
  t.equal(taken.body.detail, '51 points asked for, 50 available')
})

t.test('rules: in force, versions, check, publish', async (t) => {
  const { get, post } = await startService(t)
  const rules = await get('/v1/rules')
  t.equal(rules.status, 200)
  const text: string = rules.body.files['program.yaml']
  t.match(text, /program: shop/)

  const broken = { 'program.yaml': text.replace('weekday: tuesday', 'weekdya: tuesday') }
  const checked = await post('/v1/rules/check', { files: broken })
  t.equal(checked.status, 200)
  t.match(checked.body.errors, [{ file: 'program.yaml', hint: /weekday/ }])
  const refused = await post('/v1/rules/publish', { files: broken })
  t.equal(refused.status, 422)
  t.equal(refused.body.code, 'rules_invalid')
  t.strictSame(refused.body.errors, checked.body.errors)

  const examples = (beans: number) => `
examples:
  - name: a tenner
    transaction: { occurredAt: 2026-03-04T09:00, lines: [{ net: 10.00 }] }
    awards: { base: ${beans} beans, status: 10 credits }
`
  const better = { 'program.yaml': text.replace('award: 1 bean per', 'award: 2 beans per') }
  const failing = { ...better, 'shop.examples.yaml': examples(10) }
  const stopped = await post('/v1/rules/publish', { files: failing })
  t.equal(stopped.body.code, 'rules_invalid')
  t.match(stopped.body.errors, [{ file: 'shop.examples.yaml', message: /expected 10 beans, got 20 beans/ }])

  const files = { ...better, 'shop.examples.yaml': examples(20) }
  const published = await post('/v1/rules/publish', { files, note: 'twice as much' })
  t.equal(published.status, 200)
  t.match(published.body, { program: 'shop', published: true, effectiveFrom: '2026-03-03T10:00:00.000Z' })
  t.equal((await post('/v1/rules/publish', { files })).body.published, false)
  t.equal((await get('/v1/rules')).body.version, published.body.version)
  const versions = await get('/v1/rules/versions')
  t.match(versions.body.items, [
    { version: published.body.version, publishedBy: 'till', note: 'twice as much' },
    { version: rules.body.version, effectiveFrom: '1970-01-01T00:00:00.000Z' },
  ])

  const foreign = { 'program.yaml': text.replace('program: shop', 'program: other') }
  const mine = await post('/v1/rules/publish', { files: foreign })
  t.match(mine.body, { code: 'rules_invalid', errors: [{ path: 'program' }] })
})

t.test('operations', async (t) => {
  const { get, post, member, app } = await startService(t)
  await post('/v1/transactions', sale('s1', '1.00', { memberId: await member('777') }))
  t.strictSame((await get('/health/live', { key: null })).body, { status: 'live' })
  const ready = await get('/health/ready', { key: null })
  t.equal(ready.status, 200)
  t.strictSame(ready.body.checks, { database: 'ok', rules: 'ok', queue: 0 })

  const metrics = await get('/metrics', { key: null })
  t.match(
    metrics.text,
    /request_duration_seconds_count{method="POST",route="\/v1\/transactions",status="201"} 1/,
  )
  t.match(metrics.text, /milepost_lane_depth 0/)

  const docs = await get('/docs', { key: null })
  t.equal(docs.status, 200)
  t.notMatch(docs.text, /https?:\/\//, 'the page asks no other host')
  t.match(docs.headers['content-security-policy'], /default-src 'self'/)
  const script = await get('/docs/static/swagger-ui-bundle.js', { key: null })
  t.equal(script.status, 200)
  for (const path of ['/v1/rewards', '/health/live', '/nothing']) {
    const { headers } = await get(path)
    t.match(
      headers,
      { 'x-content-type-options': 'nosniff', 'content-security-policy': /default-src 'none'/ },
      path,
    )
  }
  const document = await get('/openapi.json', { key: null })
  t.equal(document.body.openapi, '3.1.0')
  t.strictSame(document.body, JSON.parse(JSON.stringify(app.swagger())))
})
