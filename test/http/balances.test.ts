/** What a member is told they have: true at this moment, whether or not a sweep has been by. */
import t from 'tap'
import { uuidOf } from '../support/engine.ts'
import { sale, startService } from './front.ts'

t.test('the balance tells what is due, before any sweep has been by', async (t) => {
  const { get, post, member, engine } = await startService(t)
  const memberId = await member('1')
  const at = { memberId, channel: 'web', occurredAt: '2026-03-02T10:00:00+01:00' }
  await post('/v1/transactions', sale('s1', '100.00', at))
  await post('/v1/transactions', sale('s2', '20.00', { memberId, occurredAt: '2026-02-02T10:00:00+01:00' }))
  const hold = { externalRef: 'h', memberId, currency: 'beans', points: 30, hold: { seconds: 60 } }
  await post('/v1/redemptions', hold)

  // instant: beans available, held, lifetime, stars available, pending; what lapses
  const march = { points: 90, at: '2027-03-31T22:00:00.000Z' }
  const rows = [
    ['2026-03-03T10:00:59.999Z', [90, 30, 120, 0, 3], [{ ...march, points: 90 }]],
    [
      '2026-03-03T10:01:00Z',
      [120, 0, 120, 0, 3],
      [
        { points: 20, at: '2027-02-28T23:00:00.000Z' },
        { ...march, points: 100 },
      ],
    ],
    ['2026-03-15T22:59:59Z', [120, 0, 120, 0, 3], null],
    ['2026-03-15T23:00:00Z', [120, 0, 120, 3, 0], null], // 14 days after 2 March, midnight in Berlin
    ['2027-02-28T22:59:59Z', [120, 0, 120, 3, 0], null],
    ['2027-02-28T23:00:00Z', [100, 0, 120, 3, 0], [{ ...march, points: 100 }]],
    ['2027-03-31T22:00:00Z', [0, 0, 120, 3, 0], []],
  ] as const
  const seen = await engine.checksum()
  for (const [instant, figures, expiring] of rows) {
    engine.at(instant)
    const { status, body } = await get(`/v1/members/${memberId}/balance`)
    t.equal(status, 200)
    t.equal(body.asOf, new Date(instant).toISOString())
    const [beans, stars, credits] = body.currencies
    t.strictSame([beans.currency, stars.currency, credits.currency], ['beans', 'stars', 'credits'])
    t.strictSame(
      [beans.available, beans.held, beans.lifetime, stars.available, stars.pending],
      figures,
      instant,
    )
    if (expiring) t.strictSame(beans.expiring, expiring, instant)
  }
  t.equal(await engine.checksum(), seen, 'reading wrote nothing')
})

t.test('the tier comes to its end without a sweep too', async (t) => {
  const { get, post, member, engine } = await startService(t)
  const memberId = await member('1')
  const fresh = await get(`/v1/members/${memberId}/balance`)
  t.strictSame(fresh.body.tier, {
    ladder: 'main',
    tier: 'base',
    since: '2026-01-15T09:00:00.000Z',
    until: null,
  })
  const earned = await post('/v1/transactions', sale('s1', '150.00', { memberId }))
  t.match(earned.body.tierChange, { from: 'base', to: 'silver', direction: 'up' })

  const report = await get(`/v1/members/${memberId}/tier`)
  t.equal(report.status, 200)
  const { since, ...rest } = report.body
  t.equal(new Date(since) <= engine.now(), true)
  t.strictSame(rest, {
    memberId,
    asOf: '2026-03-03T10:00:00.000Z',
    ladder: 'main',
    tier: 'silver',
    until: '2027-12-31T23:00:00.000Z',
    period: { from: '2026-01-01', to: '2026-12-31' },
    counters: [{ counter: 'points:credits', value: '150' }],
    toReach: {
      tier: 'gold',
      missing: [{ counter: 'points:credits', missing: '350' }],
      by: '2026-12-31T23:00:00.000Z',
    },
    toKeep: {
      tier: 'silver',
      missing: [{ counter: 'points:credits', missing: '100' }],
      by: '2027-12-31T23:00:00.000Z',
    },
    landing: { tier: 'base', at: '2027-12-31T23:00:00.000Z' },
  })
  t.strictSame((await get(`/v1/members/${memberId}/tier?ladder=main`)).body, report.body)

  const rows = [
    ['2027-12-31T22:59:59Z', 'silver'],
    ['2027-12-31T23:00:00Z', 'base'],
  ] as const
  for (const [instant, tier] of rows) {
    engine.at(instant)
    t.equal((await get(`/v1/members/${memberId}/balance`)).body.tier.tier, tier, instant)
    t.equal((await get(`/v1/members/${memberId}/tier`)).body.tier, tier, instant)
  }
})

t.test('an unchanged balance is 304 by its ETag', async (t) => {
  const { get, post, member, engine } = await startService(t)
  const memberId = await member('1')
  const path = `/v1/members/${memberId}/balance`
  const first = await get(path)
  const etag = String(first.headers.etag)
  engine.at('2026-03-03T10:05:00Z')
  for (const value of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
    const answer = await get(path, { headers: { 'if-none-match': value } })
    t.equal(answer.status, 304, value)
    t.equal(answer.text, '')
    t.equal(answer.headers.etag, etag)
  }
  t.equal((await get(path, { headers: { 'if-none-match': '"other"' } })).status, 200)
  await post('/v1/transactions', sale('s1', '1.00', { memberId }))
  const changed = await get(path, { headers: { 'if-none-match': etag } })
  t.equal(changed.status, 200)
  t.not(changed.headers.etag, etag)
})

t.test('the statement: newest first, each entry with what it came to, page by page', async (t) => {
  const { get, post, member } = await startService(t)
  const memberId = await member('1')
  const me = { memberId }
  const sold = (await post('/v1/transactions', sale('s1', '50.00', { ...me, channel: 'web' }))).body
  const spend = { externalRef: 'x', memberId, currency: 'beans', points: 20 }
  const spent = (await post('/v1/redemptions', spend)).body
  await post('/v1/redemptions', { ...spend, externalRef: 'h', points: 10, hold: { seconds: 60 } })
  await post(`/v1/redemptions/${spent.redemptionId}/reverse`, {})
  await post('/v1/adjustments', { ...spend, externalRef: 'a', points: 7, reason: 'goodwill' })
  const back = { externalRef: 'r', occurredAt: '2026-03-03T09:00:00Z', all: true }
  await post(`/v1/transactions/${sold.transactionId}/returns`, back)

  // kind, change of beans (available, held), then what they came to
  const expected = [
    ['return', [-47, 0], [0, 10]],
    ['adjust', [7, 0], [47, 10]],
    ['reverse', [20, 0], [40, 10]],
    ['hold', [-10, 10], [20, 10]],
    ['redeem', [-20, 0], [30, 0]],
    ['earn', [50, 0], [50, 0]],
  ]
  const whole = await get(`/v1/members/${memberId}/statement`)
  t.equal(whole.status, 200)
  t.equal(whole.body.nextCursor, null)
  // biome-ignore lint/suspicious/noExplicitAny: items of a parsed reply
  const told = ({ kind, changes, balances }: any) => {
    const of = (list: { currency: string; available: number; held: number }[]) => {
      const beans = list.find(({ currency }) => currency === 'beans')
      return [beans?.available, beans?.held]
    }
    return [kind, of(changes), of(balances)]
  }
  t.strictSame(whole.body.items.map(told), expected)
  t.match(whole.body.items[5], { transactionId: sold.transactionId, source: 'till' })
  t.match(whole.body.items[1], { reason: 'goodwill' })

  for (const limit of [1, 2, 4, 5]) {
    const items: object[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const query: string = cursor === '' ? '' : `&cursor=${cursor}`
      const { body } = await get(`/v1/members/${memberId}/statement?limit=${limit}${query}`)
      t.ok(body.items.length <= limit)
      items.push(...body.items)
      cursor = body.nextCursor
    }
    t.strictSame(items, whole.body.items, `in pages of ${limit}`)
  }

  const { body } = await get(`/v1/members/${memberId}/balance`)
  const [newest] = whole.body.items
  t.match(body.currencies[0], newest.balances[0], 'the newest entry came to what there is')
})

t.test('the balance and the tier of another instant, by all that is known now', async (t) => {
  const { get, post, member, engine } = await startService(t)
  const memberId = await member('1')
  engine.at('2026-06-01T10:00:00Z')
  await post('/v1/transactions', sale('june', '150.00', { memberId, occurredAt: '2026-06-01T10:00:00Z' }))
  const spent = { externalRef: 'r', memberId, currency: 'beans', points: 30 }
  await post('/v1/redemptions', spent)
  // arrives late, and belongs to March all the same
  await post('/v1/transactions', sale('march', '20.00', { memberId, occurredAt: '2026-03-02T10:00:00Z' }))

  // returned in part since: by all that is known now
  const bought = sale('noon', '40.00', { memberId, occurredAt: '2026-06-01T12:00:00Z' })
  const { transactionId } = (await post('/v1/transactions', bought)).body
  engine.at('2026-06-01T13:00:00Z')
  const lines = [{ lineId: '1', quantity: 0.5 }]
  const occurredAt = '2026-06-01T13:00:00Z'
  await post(`/v1/transactions/${transactionId}/returns`, { externalRef: 'b', occurredAt, lines })
  await engine.run({ kind: 'settle', memberId: uuidOf(memberId) })

  // instant: beans available, in all; the tier, and the credits that count for it
  const rows = [
    ['2026-03-02T09:59:59Z', 0, 0, 'base', 0],
    ['2026-03-02T10:00:00Z', 20, 20, 'base', 20],
    ['2026-06-01T09:59:59Z', 20, 20, 'base', 20],
    ['2026-06-01T10:00:00Z', 140, 170, 'silver', 170],
    ['2026-06-01T11:59:59Z', 140, 170, 'silver', 170],
    ['2026-06-01T12:00:00Z', 180, 210, 'silver', 190],
    ['2026-06-02T10:00:00Z', 160, 190, 'silver', 190],
    ['2027-04-01T10:00:00Z', 140, 190, 'silver', 0],
  ] as const
  for (const [at, available, lifetime, tier, credits] of rows) {
    const { body } = await get(`/v1/members/${memberId}/balance?at=${at}`)
    const [beans] = body.currencies
    t.strictSame(
      [body.asOf, beans.available, beans.lifetime, body.tier.tier],
      [new Date(at).toISOString(), available, lifetime, tier],
    )
    const standing = await get(`/v1/members/${memberId}/tier?at=${at}`)
    t.equal(standing.body.tier, tier)
    t.equal(standing.body.counters[0].value, String(credits), at)
  }
  const bad = await get(`/v1/members/${memberId}/balance?at=yesterday`)
  t.equal(bad.status, 400)
})
