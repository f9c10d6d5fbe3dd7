/** Transfers, pools and the life of a member through the front door. The clock stands at 3 March 2026. */
import t from 'tap'
import { sale, startService } from './front.ts'

// a machine that is busy with other tests is no matter here
t.setTimeout(600_000)

t.test('a transfer: by id, by card, and what it says', async (t) => {
  const { get, post, member } = await startService(t)
  const [ann, bob] = [await member('a1'), await member('b1')]
  await post('/v1/transactions', sale('s', '100.00', { memberId: ann }))
  const body = { externalRef: 'g1', from: ann, to: bob, currency: 'beans', points: 30, reason: 'birthday' }
  const given = await post('/v1/transfers', body)
  t.equal(given.status, 201)
  t.match(given.body, {
    transferId: /^trf_[0-9a-f]{32}$/,
    from: ann,
    to: bob,
    points: 30,
    fee: 0,
    reason: 'birthday',
    balances: [{ currency: 'beans', available: 70 }, {}, {}],
  })
  const again = await post('/v1/transfers', body)
  t.equal(again.headers['idempotent-replayed'], 'true')
  t.equal(again.text, given.text)
  const byCard = { ...body, externalRef: 'g2', to: { identifier: { kind: 'card', value: 'b1' } }, points: 10 }
  t.match((await post('/v1/transfers', byCard)).body, { to: bob })
  const statement = await get(`/v1/members/${bob}/statement`)
  t.match(statement.body.items, [
    { kind: 'transfer_in', reason: 'birthday', changes: [{ currency: 'beans', available: 10 }] },
    { kind: 'transfer_in', balances: [{ available: 30 }] },
  ])
  const rows = [
    [{ ...body, externalRef: 'x', from: undefined }, 400, 'malformed_request'],
    [
      { ...body, externalRef: 'x', to: { memberId: bob, identifier: { kind: 'card', value: 'b1' } } },
      400,
      'malformed_request',
    ],
    [{ ...body, externalRef: 'x', points: 0 }, 400, 'malformed_request'],
    [{ ...body, externalRef: 'x', points: 9 }, 422, 'below_minimum'],
    [{ ...body, externalRef: 'x', points: 61 }, 422, 'insufficient_points'],
    [{ ...body, externalRef: 'x', currency: 'stars' }, 422, 'transfer_not_allowed'],
    [{ ...body, externalRef: 'x', to: ann }, 422, 'same_member'],
    [{ ...body, externalRef: 'x', to: 'mem_nobody' }, 404, 'member_not_found'],
    [{ ...body, points: 31 }, 422, 'idempotency_conflict'],
  ] as const
  for (const [asked, status, code] of rows)
    t.match(await post('/v1/transfers', asked), { status, body: { code } }, code)
})

t.test('a pool: made, joined, spent from, left', async (t) => {
  const { get, post, ask, member } = await startService(t)
  const [ann, bob, eve] = [await member('a2'), await member('b2'), await member('e2')]
  await post('/v1/transactions', sale('s1', '100.00', { memberId: ann }))
  await post('/v1/transactions', sale('s2', '60.00', { memberId: bob }))
  t.match(await get(`/v1/members/${ann}/pool`), { status: 409, body: { code: 'not_in_pool' } })

  const made = await post('/v1/pools', { externalRef: 'p1', members: [ann] })
  t.equal(made.status, 201)
  const { poolId } = made.body
  t.match(made.body, { poolId: /^pol_/, members: [{ memberId: ann, joinedAt: '2026-03-03T10:00:00.000Z' }] })
  const joined = await post(`/v1/pools/${poolId}/members`, {
    externalRef: 'j1',
    identifier: { kind: 'card', value: 'b2' },
  })
  t.equal(joined.status, 200)
  t.match(joined.body.members, [{ memberId: ann }, { memberId: bob }])
  const read = await get(`/v1/pools/${poolId}`)
  t.match(read.body.balances, [{ currency: 'beans', available: 160 }, { currency: 'credits' }])
  t.strictSame((await get(`/v1/members/${bob}/pool`)).body, read.body)

  const quote = await post('/v1/redemptions/quote', { memberId: ann, currency: 'beans', usePool: true })
  t.match(quote.body, { available: 160, maximum: 160 })
  t.match((await post('/v1/redemptions/quote', { memberId: ann, currency: 'beans' })).body, {
    available: 100,
  })

  const redeem = { externalRef: 'r1', memberId: bob, currency: 'beans', points: 80, usePool: true }
  const spent = await post('/v1/redemptions', redeem)
  t.equal(spent.status, 201)
  t.match(spent.body, {
    memberId: bob,
    points: 80,
    value: { amount: '4.00' },
    balances: [{ available: 30 }, {}, {}],
    pool: {
      poolId,
      shares: [
        { memberId: bob, points: 30 },
        { memberId: ann, points: 50 },
      ],
    },
  })
  const { redemptionId } = spent.body
  t.match((await get(`/v1/redemptions/${redemptionId}`)).body, {
    memberId: bob,
    points: 80,
    status: 'captured',
  })
  t.match((await post(`/v1/redemptions/${redemptionId}/reverse`)).body, { status: 'reversed', points: 80 })
  t.match((await get(`/v1/members/${ann}/balance`)).body.currencies, [{ available: 100 }])

  t.match(await post(`/v1/pools/${poolId}/members`, { externalRef: 'j2', memberId: bob }), {
    status: 409,
    body: { code: 'already_in_pool' },
  })
  const left = await ask('DELETE', `/v1/pools/${poolId}/members/${bob}`)
  t.match(left, { status: 200, body: { members: [{ memberId: ann }] } })
  t.match(await ask('DELETE', `/v1/pools/${poolId}/members/${bob}`), {
    status: 409,
    body: { code: 'not_in_pool' },
  })
  const alone = { ...redeem, externalRef: 'r2', memberId: eve }
  t.match(await post('/v1/redemptions', alone), { status: 409, body: { code: 'not_in_pool' } })
})

t.test('a merge: everything of both is read under one, by any id and any card', async (t) => {
  const { get, post, member, engine } = await startService(t)
  const [ann, dup] = [await member('a3'), await member('d3')]
  const sold = await post('/v1/transactions', sale('s1', '100.00', { memberId: dup }))
  const spent = await post('/v1/redemptions', { externalRef: 'r', memberId: dup, rewardId: 'espresso' })
  await post('/v1/transactions', sale('s2', '50.00', { memberId: ann }))
  const merged = await post(`/v1/members/${ann}/merge`, { externalRef: 'm1', duplicate: dup })
  t.equal(merged.status, 200)
  t.match(merged.body, {
    mergeId: /^mrg_/,
    memberId: ann,
    balances: [{ available: 110 }, {}, { available: 150 }],
    tier: { tier: 'silver' },
    duplicate: { memberId: dup, status: 'merged', balances: [{ available: 0 }, {}, {}] },
  })
  const both = await get(`/v1/members/${ann}`)
  t.match(both.body.identifiers, [{ value: 'a3' }, { value: 'd3' }])
  for (const path of ['', '/balance', '/tier', '/statement']) {
    const own = await get(`/v1/members/${ann}${path}`)
    const through = await get(`/v1/members/${dup}${path}`)
    t.equal(through.status, 200)
    t.strictSame(through.body, own.body, `${path} of the duplicate is that of the member`)
  }
  t.equal((await get('/v1/members?kind=card&value=d3')).body.memberId, ann)
  t.equal((await get(`/v1/transactions/${sold.body.transactionId}`)).body.memberId, ann)
  t.equal((await get(`/v1/redemptions/${spent.body.redemptionId}`)).body.memberId, ann)

  for (const id of [ann, dup]) {
    const past = await get(`/v1/members/${id}/balance?at=2026-03-02T12:00:00Z`)
    t.match(past.body, {
      memberId: ann,
      currencies: [{ available: 150, lifetime: 150 }],
      tier: { tier: 'silver' },
    })
    t.equal((await get(`/v1/members/${id}/tier?at=2026-03-02T12:00:00Z`)).body.memberId, ann)
  }

  const statement = await get(`/v1/members/${ann}/statement`)
  t.strictSame(
    statement.body.items.map(({ kind }: { kind: string }) => kind),
    ['merge_in', 'merge_out', 'earn', 'redeem', 'earn'],
  )
  t.match(statement.body.items[0].balances, [{ available: 110 }, { available: 150 }])
  const first = await get(`/v1/members/${ann}/statement?limit=2`)
  const second = await get(`/v1/members/${ann}/statement?limit=3&cursor=${first.body.nextCursor}`)
  t.strictSame([...first.body.items, ...second.body.items], statement.body.items, 'page by page')

  const parted = await post(`/v1/members/${ann}/unmerge`, { externalRef: 'm2', duplicate: dup })
  t.match(parted.body, { balances: [{ available: 50 }, {}, {}], duplicate: { status: 'active' } })
  t.match((await get(`/v1/members/${dup}`)).body, { memberId: dup, identifiers: [{ value: 'd3' }] })
  t.equal((await get(`/v1/transactions/${sold.body.transactionId}`)).body.memberId, dup)
  t.match(await post(`/v1/members/${ann}/unmerge`, { externalRef: 'm3', duplicate: dup }), {
    status: 409,
    body: { code: 'not_merged' },
  })
  t.match(await post(`/v1/members/${ann}/merge`, { externalRef: 'm4', duplicate: ann }), {
    status: 422,
    body: { code: 'same_member' },
  })
  t.strictSame(await engine.findings(), [])
})

t.test('closed, opened again, exported, erased', async (t) => {
  const { get, post, member, engine } = await startService(t)
  const memberId = await member('a4')
  await post('/v1/transactions', sale('s1', '100.00', { memberId }))
  t.match(await post(`/v1/members/${memberId}/close`, { externalRef: 'c1', reason: 'asked' }), {
    status: 200,
    body: { status: 'closed' },
  })
  t.match(await post('/v1/transactions', sale('s2', '1.00', { memberId })), {
    status: 409,
    body: { code: 'member_not_active', details: { status: 'closed' } },
  })
  t.match((await get(`/v1/members/${memberId}/balance`)).body.currencies, [{ available: 0, lifetime: 100 }])
  t.match((await post(`/v1/members/${memberId}/reopen`, { externalRef: 'c2' })).body, { status: 'active' })

  const exported = await get(`/v1/members/${memberId}/export`)
  t.equal(exported.status, 200)
  t.match(exported.headers, { 'content-type': /json/, 'content-disposition': /attachment/ })
  t.match(exported.body, {
    format: 'milepost-member-export-1',
    member: { memberId },
    identifiers: [{ value: 'a4' }],
    entries: [{ kind: 'earn' }, { kind: 'forfeit' }],
    requests: [{ operation: 'enrol' }, { operation: 'close' }, { operation: 'reopen' }],
  })

  const erased = await post(`/v1/members/${memberId}/erase`, { externalRef: 'e1' })
  t.match(erased, { status: 200, body: { status: 'erased', identifiers: [], profile: {} } })
  t.match((await get(`/v1/members/${memberId}`)).body, {
    status: 'erased',
    externalRef: 'erased',
    identifiers: [],
  })
  t.equal((await get('/v1/members?kind=card&value=a4')).status, 404)
  // The reference of the enrolment is what a replay is found by, so that one stays.
  const left = (await get(`/v1/members/${memberId}/export`)).text.replaceAll('"crm-a4"', '')
  t.notMatch(left, 'a4"')
  t.match(await post(`/v1/members/${memberId}/reopen`, { externalRef: 'c3' }), {
    status: 409,
    body: { code: 'member_not_closed' },
  })
  t.strictSame(await engine.findings(), [])
})
