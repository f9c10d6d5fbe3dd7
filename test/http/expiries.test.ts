/** A member's expiry schedule and the confirmation of transactions, through the front door. */

import t from 'tap'
import { publish } from '../../src/engine/publish.ts'
import { uuidOf } from '../support/engine.ts'
import { fc, runs } from '../support/property.ts'
import { type Service, sale, startService } from './front.ts'

t.setTimeout(600_000)

const RULES = `
program: shop
timeZone: Europe/Berlin
money: EUR
currencies:
  dated: { value: 0.05 EUR, expires: "2 months, end of month", pending: 3 days }
  active:
    expires: { after: 30 days without activity, exempt: { member.staff: true } }
  sure: { expires: every 31 March, pending: "until confirmed, cancel after 10 days" }
  endless: {}
members:
  attributes: { staff?: boolean }
earn:
  - id: all
    on: purchase
    award: [1 dated per 1 EUR of net, 2 active per 1 EUR of net, 3 sure per 1 EUR of net, 4 endless per 1 EUR of net]
`

async function start(test: Parameters<typeof startService>[0]): Promise<Service> {
  const service = await startService(test)
  const { sql, programs } = service.engine
  const files = new Map([['program.yaml', RULES]])
  await publish(sql, { files, by: 'test', at: new Date(0), now: new Date('2026-03-04T00:00:00Z') })
  await programs.refresh()
  return service
}

interface Shown {
  currency: string
  available: number
  pending: number
  held: number
  expiries: { at: string | null; by: string; available: number; pending: number; held: number }[]
  waiting: { points: number; usableFrom: string | null; confirmBy: string | null; transactionId?: string }[]
}

t.test('each point stands in the schedule once, with why and when', async (t) => {
  const service = await start(t)
  const { get, post, member, engine } = service
  engine.at('2026-03-03T10:00:00Z')
  const memberId = await member('1')
  const { body: sold } = await post(
    '/v1/transactions',
    sale('s1', '10.00', { memberId, occurredAt: '2026-03-03T09:00:00Z' }),
  )
  const { status, body } = await get(`/v1/members/${memberId}/expiries`)
  t.equal(status, 200)
  const none = { available: 0, pending: 0, held: 0 }
  t.match(body.currencies, [
    {
      currency: 'dated',
      expiries: [{ at: '2026-05-31T22:00:00.000Z', by: 'date', ...none, pending: 10 }],
      waiting: [{ points: 10, usableFrom: '2026-03-05T23:00:00.000Z', confirmBy: null }],
    },
    {
      currency: 'active',
      lastActivity: '2026-03-03',
      expiries: [{ at: '2026-04-02T22:00:00.000Z', by: 'inactivity', ...none, available: 20 }],
    },
    {
      currency: 'sure',
      expiries: [{ at: '2026-03-31T22:00:00.000Z', by: 'date', ...none, pending: 30 }],
      waiting: [{ points: 30, usableFrom: null, confirmBy: '2026-03-13T23:00:00.000Z' }],
    },
    { currency: 'endless', expiries: [{ at: null, by: 'never', ...none, available: 40 }] },
  ])
  t.equal(body.currencies[2].waiting[0].transactionId, sold.transactionId)

  const confirmation = { externalRef: 'c1', occurredAt: '2026-03-03T09:30:00Z' }
  const early = { ...confirmation, externalRef: 'c0', occurredAt: '2026-03-01T00:00:00Z' }
  const confirm = `/v1/transactions/${sold.transactionId}/confirm`
  t.match(await post(confirm, early), { status: 422, body: { code: 'date_out_of_range' } })
  t.match(await post(confirm, { externalRef: 'c' }), { status: 400 })
  t.match(await post('/v1/transactions/txn_0/confirm', confirmation), { status: 404 })
  const done = await post(confirm, confirmation)
  t.match(done, {
    status: 200,
    body: { status: 'confirmed', points: [{ currency: 'sure', points: 30 }] },
  })
  const again = await post(confirm, confirmation)
  t.equal(again.text, done.text)
  t.equal(again.headers['idempotent-replayed'], 'true')
  t.match(await post(confirm, { ...confirmation, externalRef: 'c2' }), {
    status: 409,
    body: { code: 'transaction_not_pending', details: { outcome: 'confirmed' } },
  })
  const foreign = { key: service.foreignKey }
  t.match(await post(confirm, { ...confirmation, externalRef: 'c3' }, foreign), { status: 404 })
  t.match(await get(`/v1/members/${memberId}/expiries`, foreign), { status: 404 })
  const reader = { key: await service.keyFor(['members:read']) }
  t.match(await post(confirm, { ...confirmation, externalRef: 'c4' }, reader), { status: 403 })

  const extended = { externalRef: 'e1', memberId, currency: 'sure', reason: 'late post' }
  t.match(await post('/v1/adjustments', { ...extended, extend: { count: 1, unit: 'month' } }), {
    status: 201,
    body: { extended: [{ points: 30, to: '2026-04-30T22:00:00.000Z' }] },
  })
  t.match(await post('/v1/adjustments', extended), { status: 400 })
  t.same(await engine.findings(), [])
})

type Step =
  | { do: 'sale'; euro: number; daysAgo: number }
  | { do: 'spend'; currency: string; points: number; hold: boolean }
  | { do: 'confirm' | 'cancel' | 'return'; of: number }
  | { do: 'staff'; is: boolean }
  | { do: 'extend' }
  | { do: 'wait'; days: number; sweep: boolean }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('sale' as const), euro: fc.nat(50), daysAgo: fc.nat(60) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('spend' as const),
      currency: fc.constantFrom('dated', 'active', 'sure', 'endless'),
      points: fc.integer({ min: 1, max: 40 }),
      hold: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('confirm' as const, 'cancel' as const, 'return' as const),
      of: fc.nat(3),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('staff' as const), is: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('extend' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      days: fc.integer({ min: 1, max: 20 }),
      sweep: fc.boolean(),
    }),
  },
)

t.test('whatever happens, the sums of the schedule are the balance', async (t) => {
  const service = await start(t)
  const { engine } = service
  let count = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25, size: 'max' }), async (steps) => {
      let now = Date.parse('2026-03-03T10:00:00Z')
      engine.at('2026-01-16T10:00:00Z')
      count += 1
      const run = { service, memberId: await service.member(`p${count}`), sales: [] as string[], count: 0 }
      for (const what of steps) {
        if (what.do === 'wait') now += what.days * 86_400_000
        engine.at(new Date(now).toISOString())
        await take(run, what, now)
        await agrees(run, now)
      }
    }),
    { numRuns: runs(25) },
  )
  t.same(await engine.findings(), [])
})

interface Run {
  readonly service: Service
  readonly memberId: string
  readonly sales: string[]
  count: number
}

async function take(run: Run, what: Step, now: number): Promise<void> {
  const { memberId, sales } = run
  const { post, ask, engine } = run.service
  run.count += 1
  const externalRef = `${memberId} ${run.count}`
  const occurredAt = new Date(now).toISOString()
  if (what.do === 'sale') {
    const at = new Date(now - what.daysAgo * 86_400_000).toISOString()
    const sold = await post(
      '/v1/transactions',
      sale(externalRef, `${what.euro}.00`, { memberId, occurredAt: at }),
    )
    if (sold.status !== 201) throw new Error(sold.text)
    sales.unshift(sold.body.transactionId)
  } else if (what.do === 'spend') {
    const { currency, points } = what
    const hold = what.hold ? { hold: { seconds: 86_400 } } : {}
    await post('/v1/redemptions', { externalRef, memberId, currency, points, ...hold })
  } else if (what.do === 'return') {
    await post(`/v1/transactions/${sales[what.of] ?? 'txn_0'}/returns`, {
      externalRef,
      occurredAt,
      all: true,
    })
  } else if (what.do === 'confirm' || what.do === 'cancel') {
    await post(`/v1/transactions/${sales[what.of] ?? 'txn_0'}/${what.do}`, { externalRef, occurredAt })
  } else if (what.do === 'staff') {
    await ask('PATCH', `/v1/members/${memberId}`, { body: { attributes: { staff: what.is } } })
  } else if (what.do === 'extend') {
    const extend = { count: 1, unit: 'month' }
    await post('/v1/adjustments', { externalRef, memberId, currency: 'dated', extend, reason: 'test' })
  } else if (what.do === 'wait' && what.sweep) {
    const uuid = uuidOf(memberId)
    await engine.run({ kind: 'settle', memberId: uuid })
  }
}

async function agrees({ service, memberId }: Run, now: number): Promise<void> {
  const { body: schedule } = await service.get(`/v1/members/${memberId}/expiries`)
  const { body: balance } = await service.get(`/v1/members/${memberId}/balance`)
  const told = (text: string) => new Error(`${text}: ${JSON.stringify(schedule)} ${JSON.stringify(balance)}`)
  if (!schedule.currencies) throw told('no schedule')
  schedule.currencies.forEach((shown: Shown, index: number) => {
    const { expiries, waiting } = shown
    for (const figure of ['available', 'pending', 'held'] as const) {
      const sum = expiries.reduce((total, row) => total + row[figure], 0)
      if (sum !== shown[figure] || sum !== balance.currencies[index][figure]) throw told(figure)
    }
    const waits = waiting.reduce((total, { points }) => total + points, 0)
    if (waits !== shown.pending) throw told('waiting')
    const instants = expiries.flatMap(({ at, available, pending }) =>
      at && available + pending > 0 ? [at] : [],
    )
    if (instants.some((at) => Date.parse(at) <= now)) throw told('lapsed')
    if (instants.join() !== [...instants].sort().join()) throw told('order')
  })
}
