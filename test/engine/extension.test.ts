/** Points that live on for longer, by a rule or by hand, and what becomes of them. */
import t from 'tap'
import type { Request } from '../../src/engine/command.ts'
import { type Engine, startEngine, uuidOf } from '../support/engine.ts'
import { redeem } from './shop.ts'

t.setTimeout(600_000)

const RULES = `
program: shop
timeZone: Europe/Berlin
money: EUR
currencies:
  points: { value: 0.01 EUR, expires: "12 months, end of month" }
transactions:
  purchase: {}
  review: {}
returns: negative
earn:
  - { id: base, on: purchase, award: 1 point per 1 EUR of net }
  - { id: keep, on: review, extend: points by 6 months }
`

function fact(memberId: string, type: string, amount: string, day: string): Request {
  const lines = [{ lineId: '1', quantity: 10, net: { amount, currency: 'EUR' } }]
  return {
    kind: 'earn',
    body: { externalRef: 'x', type, memberId, occurredAt: `${day}T12:00:00Z`, lines },
  }
}

async function lots(engine: Engine, memberId: string): Promise<string> {
  const rows = await engine.sql<{ text: string }[]>`
    select format('%s@%s', available + pending, to_char(expires_at at time zone 'Europe/Berlin', 'YYYY-MM-DD')) as text
    from lots where member_id = ${memberId} and available + pending > 0 order by expires_at, lot_id`
  return rows.map(({ text }) => text).join(' ')
}

t.test('a rule puts off what the member has, and not what comes later', async (t) => {
  const engine = await startEngine(t, RULES)
  engine.at('2026-01-10T12:00:00Z')
  const memberId = await engine.enrol('1')
  const sold = await engine.run(fact(memberId, 'purchase', '100', '2026-01-10'))
  engine.at('2026-02-10T12:00:00Z')
  await engine.run(fact(memberId, 'purchase', '50', '2026-02-10'))
  t.equal(await lots(engine, memberId), '100@2027-02-01 50@2027-03-01')
  engine.at('2026-02-20T12:00:00Z')
  await engine.run(fact(memberId, 'review', '1', '2026-02-20'))
  t.equal(await lots(engine, memberId), '100@2027-08-01 50@2027-09-01')
  await engine.run(fact(memberId, 'purchase', '7', '2026-02-20'))
  t.equal(await lots(engine, memberId), '7@2027-03-01 100@2027-08-01 50@2027-09-01')
  t.same(await engine.findings(), [])

  // Long after its first date the sale goes back: its points live on, and are taken from where they are.
  engine.at('2027-04-01T12:00:00Z')
  await engine.run({ kind: 'settle', memberId })
  t.equal(await lots(engine, memberId), '100@2027-08-01 50@2027-09-01')
  const transactionId = uuidOf(sold.transactionId)
  const body = { externalRef: 'b', occurredAt: '2027-04-01T12:00:00Z', lines: [{ lineId: '1', quantity: 4 }] }
  await engine.run({ kind: 'return', transactionId, body })
  t.equal(await lots(engine, memberId), '60@2027-08-01 50@2027-09-01')
  engine.at('2027-08-01T12:00:00Z')
  t.match(await engine.run({ kind: 'settle', memberId }), { expired: 60 })
  t.same(await engine.findings(), [])
})

t.test('by hand; twice puts off twice; what is held stays', async (t) => {
  const engine = await startEngine(t, RULES)
  engine.at('2026-01-10T12:00:00Z')
  const memberId = await engine.enrol('1')
  const extend: Request = {
    kind: 'extend',
    body: {
      externalRef: 'e',
      memberId,
      currency: 'points',
      extend: { count: 1, unit: 'month' },
      reason: 'flood',
    },
  }
  const before = await engine.checksum()
  t.equal(await engine.refused(extend), 'insufficient_points')
  t.equal(await engine.checksum(), before)
  await engine.run(fact(memberId, 'purchase', '100', '2026-01-10'))
  await engine.run(redeem(memberId, 30, { seconds: 600 }))
  t.match(await engine.run(extend, 'one'), {
    points: 0,
    extended: [{ points: 70, from: '2027-01-31T23:00:00.000Z', to: '2027-02-28T23:00:00.000Z' }],
    balances: [{ available: 70, held: 30 }],
  })
  await engine.run(extend, 'one')
  t.equal(await lots(engine, memberId), '70@2027-03-01', 'the same request puts off once')
  await engine.run(extend, 'two')
  t.equal(await lots(engine, memberId), '70@2027-04-01')
  engine.at('2026-01-10T13:00:00Z')
  await engine.run({ kind: 'settle', memberId })
  t.equal(await lots(engine, memberId), '30@2027-02-01 70@2027-04-01')
  t.same(await engine.findings(), [])
})
