/** What is credited later: sales that came without a member, claims after the fact, tickets that come twice. */
import t from 'tap'
import type { Request } from '../../src/engine/command.ts'
import { startEngine, uuidOf } from '../support/engine.ts'
import { RULES, sale } from './shop.ts'

const AIRLINE = `
program: air
timeZone: Europe/Berlin
money: EUR
currencies:
  miles: { value: 0.01 EUR }
transactions:
  flight:
    fields: { ticket: text, coupon: number, distance: number }
    claimWithin: 6 months
    unique: [ticket, coupon]
earn:
  - { id: miles, on: flight, award: miles = distance }
`

function flight(memberId: string, occurredAt: string, more: { ref?: string; coupon?: number } = {}): Request {
  const { ref = 'flight', coupon = 1 } = more
  return {
    kind: 'earn',
    body: {
      externalRef: ref,
      type: 'flight',
      memberId,
      occurredAt,
      lines: [],
      attributes: { ticket: '220-4711', coupon, distance: 800 },
    },
  }
}

function loose(amount: string, occurredAt: string): Request {
  const { memberId: _nobody, ...body } = sale('', amount, 'loose', occurredAt).body
  return { kind: 'earn', body }
}

t.test('a sale without a member is kept, and earns for its own day when it is attached', async (t) => {
  const engine = await startEngine(t, RULES)
  const memberId = await engine.enrol('1')
  const other = await engine.enrol('2')
  const asked = loose('600.00', '2026-02-10T10:00:00Z')
  const kept = await engine.run(asked, 'loose')
  t.match(kept, { memberId: null, awards: [], balances: [], tier: null })
  const transactionId = uuidOf(kept.transactionId)

  engine.at('2026-03-05T10:00:00Z')
  await engine.run(sale(memberId, '100.00', 'later', '2026-03-04T10:00:00Z'))
  const before = await engine.checksum()
  const back: Request = {
    kind: 'return',
    transactionId,
    body: { externalRef: 'back', occurredAt: '2026-03-05T10:00:00Z', all: true },
  }
  t.equal(await engine.refused(back), 'transaction_not_attached')
  const stranger: Request = {
    kind: 'attach',
    transactionId: memberId,
    body: { externalRef: 'a', memberId },
  }
  t.equal(await engine.refused(stranger), 'transaction_not_found')
  t.equal(await engine.checksum(), before, 'a refusal writes nothing')

  const attach: Request = { kind: 'attach', transactionId, body: { externalRef: 'a', memberId } }
  const reply = await engine.run(attach, 'attach')
  t.match(reply, {
    transactionId: kept.transactionId,
    awards: [{ rule: 'base', points: 600 }],
    balances: [{ available: 700 }],
    tier: { tier: 'silver', since: '2026-02-10T10:00:00.000Z' },
  })
  t.same(await engine.run(attach, 'attach'), reply, 'a replay gets the answer')
  t.same(await engine.run(asked, 'loose'), kept, 'and so does the first post')
  const again: Request = { kind: 'attach', transactionId, body: { externalRef: 'b', memberId: other } }
  t.equal(await engine.refused(again), 'transaction_attached')
  t.match(await engine.run(back), { reversed: [{ points: 600 }], balances: [{ available: 100 }] })
  t.same(await engine.findings(), [])
})

t.test('twenty tills attach one receipt to twenty members: one of them has it', async (t) => {
  const engine = await startEngine(t, RULES, { groupSize: 3, groups: 3 })
  const kept = await engine.run(loose('10.00', '2026-02-10T10:00:00Z'))
  const transactionId = uuidOf(kept.transactionId)
  const members = await Promise.all(Array.from({ length: 20 }, (_, index) => engine.enrol(`card-${index}`)))
  const outcomes = await Promise.all(
    members.map((memberId) =>
      engine.refused({ kind: 'attach', transactionId, body: { externalRef: 'a', memberId } }),
    ),
  )
  t.equal(outcomes.filter((outcome) => outcome.startsWith('no refusal')).length, 1)
  t.equal(outcomes.filter((outcome) => outcome === 'transaction_attached').length, 19)
  const [row] = await engine.sql`select sum(available)::int as points from accounts`
  t.equal(row?.points, 10)
})

t.test('a claim after the fact has a window, and a coupon is credited once', async (t) => {
  const engine = await startEngine(t, AIRLINE)
  const memberId = await engine.enrol('1')
  // now, flown, how it ends: the last day still counts, in the program's zone
  const rows = [
    ['2026-09-01T21:59:59Z', '2026-03-01T10:00:00Z', 'no refusal'],
    ['2026-09-01T22:00:00Z', '2026-03-01T10:00:00Z', 'claim_too_late'],
    ['2026-08-31T10:00:00Z', '2026-02-28T10:00:00Z', 'claim_too_late'],
    ['2026-08-28T10:00:00Z', '2026-02-28T10:00:00Z', 'no refusal'],
  ] as const
  for (const [index, [now, flown, ends]] of rows.entries()) {
    engine.at(now)
    const outcome = await engine.refused(flight(memberId, flown, { coupon: 10 + index }))
    t.ok(outcome.startsWith(ends), `${flown} claimed at ${now}: ${outcome.slice(0, 40)}`)
  }

  engine.at('2026-09-02T10:00:00Z')
  await engine.run(flight(memberId, '2026-09-01T10:00:00Z', { ref: 'app' }), 'app')
  const other = await engine.enrol('2')
  for (const whose of [memberId, other]) {
    const twice = flight(whose, '2026-09-01T10:00:00Z', { ref: 'paper' })
    t.equal(await engine.refused(twice, `paper-${whose}`), 'already_claimed')
  }
  await engine.run(flight(memberId, '2026-09-01T12:00:00Z', { ref: 'next', coupon: 2 }), 'next')
  t.same(await engine.findings(), [])
})

t.test('one coupon claimed by many at once is credited to one', async (t) => {
  const engine = await startEngine(t, AIRLINE, { groupSize: 2, groups: 3 })
  const members = await Promise.all(Array.from({ length: 10 }, (_, index) => engine.enrol(`card-${index}`)))
  const outcomes = await Promise.all(
    members.map((memberId) => engine.refused(flight(memberId, '2026-03-01T10:00:00Z', { ref: memberId }))),
  )
  t.equal(outcomes.filter((outcome) => outcome.startsWith('no refusal')).length, 1)
  t.equal(outcomes.filter((outcome) => outcome === 'already_claimed').length, 9)
})
