/**
 * Who pays for points: partners whom rules name stand as funders of lots of their own, and whatever takes points
 * back takes them from whoever paid. However awards are cut, the ledger stays whole.
 */
import t from 'tap'
import type { Request } from '../../src/engine/command.ts'
import { type Engine, startEngine, uuidOf } from '../support/engine.ts'

const rules = (more = '') => `
program: high-street
timeZone: Europe/Berlin
money: EUR
currencies: { points: { value: 0.01 EUR, expires: 12 months${more} } }
partners: [market, petrol]
transactions: { purchase: { fields: { partner?: [market, petrol] } } }
returns: negative
earn:
  - { id: base, on: purchase, funder: partner, award: 1 point per 1 EUR of net }
  - { id: fruit, on: purchase, forEach: line, funder: market, when: { line.category: fruit }, award: 2 points per 1 EUR of line.net }
  - { id: welcome, on: purchase, award: 5 points }
milestones: [{ id: hundred, every: 100 EUR, award: 50 points }]
`

const line = (lineId: string, amount: string, category = 'food') => ({
  ...{ lineId, quantity: 1, category },
  net: { amount, currency: 'EUR' },
})

function sale(
  memberId: string,
  ref: string,
  of: { partner?: string; lines: ReturnType<typeof line>[] },
): Request {
  const attributes = of.partner === undefined ? {} : { partner: of.partner }
  const occurredAt = '2026-03-03T09:00:00Z'
  return {
    kind: 'earn',
    body: { externalRef: ref, type: 'purchase', memberId, occurredAt, lines: of.lines, attributes },
  }
}

function takeBack(transactionId: unknown, ref: string, lines?: string[]): Request {
  const body = { externalRef: ref, occurredAt: '2026-03-03T09:30:00Z' }
  const some = lines?.map((lineId) => ({ lineId, quantity: 1 }))
  return {
    kind: 'return',
    transactionId: uuidOf(transactionId),
    body: some ? { ...body, lines: some } : { ...body, all: true },
  }
}

function spend(memberId: string, points: number): Request {
  return {
    kind: 'redeem',
    body: { externalRef: 'x', memberId, occurredAt: '2026-03-03T09:10:00Z', currency: 'points', points },
  }
}

/** `market 30, program 5`: what is open, by who pays. */
async function paidBy(engine: Engine, memberId: string): Promise<string> {
  const rows = await engine.sql<{ funder: string; points: bigint }[]>`
    select funder, sum(available + pending)::bigint as points from lots where member_id = ${memberId}
    group by funder having sum(available + pending) > 0 order by funder`
  return rows.map(({ funder, points }) => `${funder} ${points}`).join(', ')
}

t.test('a partner pays for what its rule gives, and gets it back with a return', async (t) => {
  const engine = await startEngine(t, rules())
  const id = await engine.enrol('ada')
  const bought = await engine.run(
    sale(id, '1', { partner: 'petrol', lines: [line('1', '10', 'fruit'), line('2', '20')] }),
  )
  t.match(bought.awards, [
    { rule: 'base', points: 30, funder: 'petrol' },
    { rule: 'fruit', points: 20, funder: 'market' },
    { rule: 'welcome', points: 5, funder: undefined },
  ])
  t.equal(await paidBy(engine, id), 'market 20, petrol 30, program 5')
  await engine.run(sale(id, '2', { lines: [line('1', '4')] }))
  t.equal(await paidBy(engine, id), 'market 20, petrol 30, program 14', 'without a partner, the program pays')
  await engine.run(takeBack(bought.transactionId, 'r1', ['1']))
  t.equal(await paidBy(engine, id), 'petrol 20, program 14')
  await engine.run(takeBack(bought.transactionId, 'r2'))
  t.equal(await paidBy(engine, id), 'program 9')
  t.same(await engine.findings(), [])
})

t.test('a debt is paid off once, whoever pays for the points that pay it', async (t) => {
  const engine = await startEngine(t, rules())
  const id = await engine.enrol('ada')
  const first = await engine.run(sale(id, '1', { lines: [line('1', '40')] }))
  await engine.run(spend(id, 45))
  await engine.run(takeBack(first.transactionId, 'r'))
  const owed = await engine.sql`select negative::int from accounts where member_id = ${id}`
  t.same([...owed], [{ negative: 45 }])
  await engine.run(sale(id, '2', { partner: 'petrol', lines: [line('1', '20', 'fruit')] }))
  t.equal(await paidBy(engine, id), 'market 15, program 5', '20 of petrol and 25 of market paid the debt')
  t.same(await engine.findings(), [])
})

t.test('a return that takes back rules and a milestone at once finds each point once', async (t) => {
  const engine = await startEngine(t, rules())
  const id = await engine.enrol('ada')
  const first = await engine.run(sale(id, '1', { lines: [line('1', '100')] }))
  await engine.run(spend(id, 100))
  const back = await engine.run(takeBack(first.transactionId, 'r'))
  t.match(back.reversed, [
    { rule: 'base', points: 100 },
    { rule: 'welcome' },
    { rule: 'hundred', points: 50 },
  ])
  const [account] =
    await engine.sql`select available::int, negative::int from accounts where member_id = ${id}`
  t.same(account, { available: 0, negative: 100 }, '155 less the 55 that were left')
  t.same(await engine.findings(), [])
})

t.test('points that await a confirmation become usable with whoever pays for them', async (t) => {
  const engine = await startEngine(t, rules(', pending: "until confirmed, cancel after 30 days"'))
  const id = await engine.enrol('ada')
  const bought = await engine.run(sale(id, '1', { partner: 'petrol', lines: [line('1', '10', 'fruit')] }))
  const transactionId = uuidOf(bought.transactionId)
  await engine.run({
    kind: 'confirm',
    transactionId,
    body: { externalRef: 'c', occurredAt: '2026-03-03T09:40:00Z' },
  })
  t.equal(await paidBy(engine, id), 'market 20, petrol 10, program 5')
  await engine.run(takeBack(bought.transactionId, 'r'))
  t.equal(await paidBy(engine, id), '')
  t.same(await engine.findings(), [])
})
