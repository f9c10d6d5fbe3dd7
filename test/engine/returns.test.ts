/** Returns: a line takes back what it was worth, parts add up to the whole, and spent points are settled. */
import t, { type Test } from 'tap'
import type { Request } from '../../src/engine/command.ts'
import { type Engine, startEngine, uuidOf } from '../support/engine.ts'
import { redeem, sale } from './shop.ts'

// Worked example 9 of the trade: a bonus by product, and one point per euro on everything.
const BY_LINE = `
program: shop
timeZone: Europe/Berlin
money: EUR
currencies:
  points: { value: 0.01 EUR }
earn:
  - id: base
    on: purchase
    forEach: line
    award: 1 point per 1 EUR of line.net
  - id: bonus-a
    on: purchase
    forEach: line
    when: { line.sku: A }
    award: 10 points
  - id: bonus-b
    on: purchase
    forEach: line
    when: { line.sku: B }
    award: 20 points
`

type Earn = Extract<Request, { kind: 'earn' }>

function basket(memberId: string, lines: [string, number, string][], more: object = {}): Earn {
  return {
    kind: 'earn',
    body: {
      externalRef: 'basket',
      type: 'purchase',
      memberId,
      occurredAt: '2026-03-03T10:00:00Z',
      lines: lines.map(([sku, quantity, amount]) => ({
        lineId: sku,
        sku,
        quantity,
        net: { amount, currency: 'EUR' },
      })),
      ...more,
    },
  }
}

function giveBack(
  transactionId: string,
  what: { all: true } | { lines: { lineId: string; quantity: number }[] },
): Request {
  return {
    kind: 'return',
    transactionId,
    body: { externalRef: 'back', occurredAt: '2026-03-03T10:00:00Z', ...what },
  }
}

async function sell(engine: Engine, request: Request): Promise<string> {
  return uuidOf((await engine.run(request)).transactionId)
}

t.test('returning a line takes exactly what that line was worth', async (t) => {
  const engine = await startEngine(t, BY_LINE)
  const memberId = await engine.enrol('1')
  const transactionId = await sell(
    engine,
    basket(memberId, [
      ['A', 1, '10.00'],
      ['B', 1, '10.00'],
      ['C', 1, '20.00'],
    ]),
  )
  const reply = await engine.run(giveBack(transactionId, { lines: [{ lineId: 'C', quantity: 1 }] }))
  t.match(reply, {
    reversed: [{ rule: 'base', currency: 'points', points: 20, lineId: 'C' }],
    payBack: { money: { amount: '20.00', currency: 'EUR' }, points: [] },
    forgiven: [],
    balances: [{ available: 50 }],
  })
  t.same(await engine.findings(), [])
})

t.test('several partial returns add up to the whole, and not one unit more', async (t) => {
  const engine = await startEngine(t, BY_LINE)
  const memberId = await engine.enrol('1')
  const transactionId = await sell(
    engine,
    basket(memberId, [
      ['A', 3, '10.00'],
      ['C', 2, '5.55'],
    ]),
  )
  const back = (lines: [string, number][]) =>
    engine.run(giveBack(transactionId, { lines: lines.map(([lineId, quantity]) => ({ lineId, quantity })) }))
  const paid: string[] = []
  for (const lines of [
    [['A', 1]],
    [
      ['C', 1],
      ['A', 1],
    ],
    [['C', 1]],
  ] as [string, number][][]) {
    const reply = (await back(lines)) as unknown as { payBack: { money: { amount: string } } }
    paid.push(reply.payBack.money.amount)
  }
  const before = await engine.checksum()
  t.equal(
    await engine.refused(giveBack(transactionId, { lines: [{ lineId: 'A', quantity: 2 }] })),
    'returned_too_much',
  )
  t.equal(
    await engine.refused(giveBack(transactionId, { lines: [{ lineId: 'C', quantity: 1 }] })),
    'returned_too_much',
  )
  t.equal(
    await engine.refused(giveBack(transactionId, { lines: [{ lineId: 'Z', quantity: 1 }] })),
    'line_not_found',
  )
  t.equal(await engine.checksum(), before)

  const last = await engine.run(giveBack(transactionId, { all: true }))
  t.match(last.balances, [{ available: 0, negative: 0 }])
  t.equal(await engine.refused(giveBack(transactionId, { all: true })), 'returned_too_much')
  const rest = (last as unknown as { payBack: { money: { amount: string } } }).payBack.money.amount
  t.equal(
    [...paid, rest].reduce((sum, amount) => sum + Math.round(Number(amount) * 100), 0),
    1555,
  )
  t.same(await engine.findings(), [])
})

t.test('a sale that earned nothing is returned in full once, and only once', async (t) => {
  const engine = await startEngine(t, BY_LINE)
  const memberId = await engine.enrol('1')
  const transactionId = await sell(engine, basket(memberId, [['C', 1, '0.10']]))
  t.match(await engine.run(giveBack(transactionId, { all: true })), { reversed: [] })
  t.equal(await engine.refused(giveBack(transactionId, { all: true })), 'returned_too_much')
  t.same(await engine.findings(), [])
})

// Earned 100, spent 80, everything returned: what is taken back, forgiven and owed.
const policies = [
  [
    'to_zero',
    { forgiven: [{ currency: 'points', points: 80 }], balances: [{ available: 0, negative: 0 }] },
    50,
  ],
  ['negative', { forgiven: [], balances: [{ available: 0, negative: 80 }] }, 0],
  [
    'pending_only',
    { forgiven: [{ currency: 'points', points: 100 }], balances: [{ available: 20, negative: 0 }] },
    70,
  ],
] as const

for (const [policy, expected, afterwards] of policies) {
  t.test(`points that were spent before the return: ${policy}`, async (t) => {
    const engine = await startEngine(t, `${BY_LINE}\nreturns: ${policy}\n`)
    const memberId = await engine.enrol('1')
    const transactionId = await sell(engine, basket(memberId, [['C', 1, '100.00']]))
    await engine.run(redeem(memberId, 80))
    t.match(await engine.run(giveBack(transactionId, { all: true })), expected)
    t.same(await engine.findings(), [])
    // The next accrual of 50 pays a debt off first.
    t.match(await engine.run(sale(memberId, '50.00')), { balances: [{ available: afterwards }] })
    t.same(await engine.findings(), [])
  })
}

t.test('the part paid with points earns nothing, and goes back as points', async (t) => {
  const engine = await startEngine(t, BY_LINE)
  const memberId = await engine.enrol('1')
  const eur = (amount: string) => ({ amount, currency: 'EUR' })
  const tenders = [
    { kind: 'points', amount: eur('25.00') },
    { kind: 'card', amount: eur('75.00') },
  ]
  const sold = await engine.run(basket(memberId, [['C', 2, '100.00']], { tenders }))
  t.match(sold.awards, [{ points: 75 }])
  const transactionId = uuidOf(sold.transactionId)
  const half = await engine.run(giveBack(transactionId, { lines: [{ lineId: 'C', quantity: 1 }] }))
  t.match(half, {
    payBack: { money: eur('37.50'), points: [{ currency: 'points', points: 1250 }] },
    balances: [{ available: 37 }],
  })
  const rest = await engine.run(giveBack(transactionId, { all: true }))
  t.match(rest, {
    payBack: { money: eur('37.50'), points: [{ currency: 'points', points: 1250 }] },
    balances: [{ available: 0 }],
  })
})

t.test('a return before the sale is refused', async (t) => {
  const engine = await startEngine(t, BY_LINE)
  const memberId = await engine.enrol('1')
  const transactionId = await sell(engine, basket(memberId, [['C', 1, '1.00']]))
  const early: Request = {
    kind: 'return',
    transactionId,
    body: { externalRef: 'back', occurredAt: '2026-03-03T09:59:59Z', all: true },
  }
  t.equal(await engine.refused(early), 'date_out_of_range')
})

for (const limit of ['10 points per member per month', 'once per member per month', '1 time in all'])
  t.test(`a limit of ${limit} has room again for what was returned`, (t) => roomAgain(t, limit))

async function roomAgain(t: Test, limit: string): Promise<void> {
  const limited = BY_LINE.replace('award: 10 points', `award: 10 points\n    limit: ${limit}`)
  const engine = await startEngine(t, limited)
  const memberId = await engine.enrol('1')
  const first = await sell(engine, basket(memberId, [['A', 1, '1.00']]))
  const bonus = async (ref: string) => {
    const reply = (await engine.run(basket(memberId, [['A', 1, '1.00']]), ref)) as unknown as {
      awards: { rule: string; points: number }[]
    }
    return reply.awards.find(({ rule }) => rule === 'bonus-a')?.points ?? 0
  }
  t.equal(await bonus('second'), 0, 'the month is used up')
  await engine.run(giveBack(first, { all: true }))
  t.equal(await bonus('third'), 10)
  t.equal(await bonus('fourth'), 0)
  t.same(await engine.findings(), [])
}
