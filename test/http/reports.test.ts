/** The reports through the front door: figures, CSV, days in the program's zone, and who may not see them. */
import t from 'tap'
import { sale, startService } from './front.ts'

/** 3 March: two sales of ann's, one of them late at night of the 2nd; she spends 40 and returns a sale. */
async function trade(service: Awaited<ReturnType<typeof startService>>) {
  const { post, member, engine } = service
  const ann = await member('1')
  const bob = await member('2')
  await post('/v1/transactions', sale('s1', '100', { memberId: ann }))
  // half past eleven at night in Berlin, and the 2nd still
  await post('/v1/transactions', sale('s2', '20', { memberId: bob, occurredAt: '2026-03-02T22:30:00Z' }))
  // half past midnight, and the 3rd there although the 2nd in UTC
  const back = await post(
    '/v1/transactions',
    sale('s3', '7', { memberId: bob, occurredAt: '2026-03-02T23:30:00Z' }),
  )
  await post(`/v1/transactions/${back.body.transactionId}/returns`, {
    externalRef: 'b1',
    occurredAt: '2026-03-03T09:00:00Z',
    all: true,
  })
  await post('/v1/redemptions', { externalRef: 'r1', memberId: ann, currency: 'beans', points: 40 })
  await post('/v1/adjustments', {
    externalRef: 'a1',
    memberId: bob,
    currency: 'beans',
    points: -3,
    reason: 'test',
  })
  engine.at('2026-03-04T10:00:00Z')
}

const euros = (amount: string) => ({ amount, currency: 'EUR' })

t.test('what is owed', async (t) => {
  const service = await startService(t)
  await trade(service)
  const { status, body } = await service.get('/v1/reports/liability')
  t.equal(status, 200)
  t.match(body, { program: 'shop', at: '2026-03-04T10:00:00.000Z', knownAt: null })
  // credits only count and were never redeemed; of the Tuesday's five beans, s3 gave and took back as many
  t.strictSame(
    body.currencies.map(({ currency }: { currency: string }) => currency),
    ['beans'],
  )
  t.match(body.currencies[0], {
    points: 77,
    available: 77,
    lapsed: 0,
    negative: 0,
    valuePerPoint: '0.05 EUR',
    value: euros('3.85'),
    rows: [{ funder: 'program', expires: '2027-03', points: 77, value: euros('3.85') }],
    control: { issued: 120, redeemed: -40, expired: 0, adjusted: -3 },
    expected: { points: 77, rate: '1', estimate: null },
  })
  const before = await service.get('/v1/reports/liability?at=2026-03-02')
  t.match(before.body, { at: '2026-03-02T22:59:59.999Z', currencies: [{ points: 120 }] })
  const known = await service.get('/v1/reports/liability?at=2026-03-03&knownAt=2026-03-01')
  t.strictSame(known.body.currencies, [], 'nothing was recorded yet')

  const csv = await service.get('/v1/reports/liability', { headers: { accept: 'text/csv' } })
  t.equal(csv.headers['content-type'], 'text/csv; charset=utf-8')
  t.equal(
    csv.text,
    'program,at,currency,funder,expires,points,value,money\r\n' +
      'shop,2026-03-04T10:00:00.000Z,beans,program,2027-03,77,3.85,EUR\r\n',
  )
  const both = await service.get('/v1/reports/liability', {
    headers: { accept: 'application/json, text/csv' },
  })
  t.equal(both.body.program, 'shop', 'where both are welcome, JSON')
})

t.test('deferred revenue', async (t) => {
  const service = await startService(t)
  await trade(service)
  const { status, body } = await service.get('/v1/reports/deferral?by=quarter')
  t.equal(status, 200)
  const [beans] = body.currencies
  t.match(beans.periods, [
    {
      period: '2026-Q1',
      from: '2026-01-01',
      to: '2026-03-04',
      // s3 was returned, and takes back its share with its points
      sales: euros('127.00'),
      opening: euros('0.00'),
      closing: beans.periods[0].closing,
    },
  ])
  const { periods } = beans
  const sum = ['deferred', 'cancelled', 'byRedemption', 'byBreakage'].map((name) =>
    Number(periods[0][name].amount),
  )
  t.equal((sum[0]! - sum[1]! - sum[2]! - sum[3]!).toFixed(2), periods[0].closing.amount)
  const owed = await service.get('/v1/reports/liability')
  t.strictSame(owed.body.currencies[0].deferred, periods[0].closing)
  const csv = await service.get('/v1/reports/deferral', { headers: { accept: 'text/csv' } })
  t.match(csv.text.split('\r\n'), [
    /^program,currency,period,/,
    /^shop,beans,2026-03,2026-03-01,2026-03-04,/,
    '',
  ])
})

t.test('day by day, in the program’s zone, the last day included', async (t) => {
  const service = await startService(t)
  await trade(service)
  const { status, body } = await service.get('/v1/reports/program?from=2026-03-01&to=2026-03-03')
  t.equal(status, 200)
  t.match(body, { program: 'shop', timeZone: 'Europe/Berlin', from: '2026-03-01', to: '2026-03-03' })
  const beansOf = (one: { currencies: { currency: string }[] }) =>
    one.currencies.find(({ currency }) => currency === 'beans')
  t.match(body.days, [
    { day: '2026-03-01', transactions: 0, members: 0, currencies: [] },
    { day: '2026-03-02', transactions: 2, members: 2, returns: 0 },
    { day: '2026-03-03', transactions: 1, members: 1, returns: 1, redemptions: 1 },
  ])
  t.match(beansOf(body.days[1]), { issued: 120, returned: 0, redeemed: 0, adjusted: 0 })
  t.match(beansOf(body.days[2]), {
    issued: 12,
    returned: 12,
    redeemed: 40,
    adjusted: -3,
    expired: 0,
    moved: 0,
  })

  const usual = await service.get('/v1/reports/program')
  t.match(usual.body, { from: '2026-02-03', to: '2026-03-04' })
  t.equal(usual.body.days.length, 30)
  const csv = await service.get('/v1/reports/program?from=2026-03-01&to=2026-03-02', {
    headers: { accept: 'text/csv' },
  })
  t.strictSame(csv.text.split('\r\n').slice(0, 4), [
    'program,day,transactions,returns,redemptions,members,enrolled,currency,issued,returned,redeemed,expired,adjusted,moved',
    'shop,2026-03-01,0,0,0,0,0,,0,0,0,0,0,0',
    'shop,2026-03-02,2,0,0,2,0,beans,120,0,0,0,0,0',
    'shop,2026-03-02,0,0,0,0,0,credits,120,0,0,0,0,0',
  ])
})

// Each row: what is asked, and how it is refused.
const refusals = [
  ['liability?at=yesterday', 400, '/at'],
  ['liability?at=2026-02-30', 400, '/at'],
  ['liability?knownAt=2026-02-01T10:00:00', 400, '/knownAt'],
  ['liability?by=month', 400, '/by'],
  ['deferral?by=week', 400, '/by'],
  ['program?from=2026-02-30', 400, '/from'],
  ['program?from=2026-03-02&to=2026-03-01', 422, 'before'],
  ['program?from=2024-01-01&to=2026-03-01', 422, '366'],
] as const

t.test('what is not understood or too much', async (t) => {
  const { get } = await startService(t)
  for (const [asked, status, word] of refusals) {
    const answer = await get(`/v1/reports/${asked}`)
    t.equal(answer.status, status, asked)
    t.match(JSON.stringify(answer.body), word, asked)
  }
})

t.test('only with admin, and each program its own', async (t) => {
  const service = await startService(t)
  await trade(service)
  const key = await service.keyFor(['members:read', 'transactions:write', 'rules:read'])
  for (const path of ['liability', 'deferral', 'program']) {
    t.equal((await service.get(`/v1/reports/${path}`, { key })).status, 403, path)
    const foreign = await service.get(`/v1/reports/${path}`, { key: service.foreignKey })
    t.match(foreign.body, { program: 'other' })
    t.notMatch(foreign.text, /beans/)
  }
})

t.test('two at a time', async (t) => {
  const { get } = await startService(t)
  const answers = await Promise.all(Array.from({ length: 4 }, () => get('/v1/reports/liability')))
  t.strictSame(answers.map(({ status }) => status).sort(), [200, 200, 503, 503])
  t.equal(answers.find(({ status }) => status === 503)?.body.code, 'queue_full')
  t.equal((await get('/v1/reports/liability')).status, 200, 'and then again')
})
