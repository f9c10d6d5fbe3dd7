/**
 * What goes wrong elsewhere: complaints about other programmes, each named after what people reported and
 * each impossible here. (Rule files that pass silently are under test/program, twenty parallel gifts of one balance
 * in transfers.test.ts.)
 */
import t from 'tap'
import type { Request } from '../../src/engine/command.ts'
import { publish } from '../../src/engine/publish.ts'
import { loadProgram } from '../../src/program/load.ts'
import { type Engine, startEngine, uuidOf } from '../support/engine.ts'
import { redeem, sale } from './shop.ts'

t.setTimeout(600_000)

const RULES = `
program: shop
timeZone: Europe/Berlin
money: EUR
returns: negative
currencies:
  points: { value: 0.01 EUR, expires: 12 months, end of month }
earn:
  - { id: base, on: purchase, award: 1 point per 1 EUR of net }
  - { id: spring, on: purchase, from: 2026-03-01, through: 2026-03-31, award: 100 points }
tiers:
  period: rolling 12 months
  ladder:
    - id: base
    - { id: silver, reach: { spend: 100 EUR } }
    - { id: gold, reach: { spend: 500 EUR } }
`.replace('expires: 12 months, end of month', 'expires: "12 months, end of month"')

function listOf(value: unknown): unknown[] {
  return value as unknown[]
}

function giveBack(transactionId: string, occurredAt: string): Request {
  return { kind: 'return', transactionId, body: { externalRef: 'back', occurredAt, all: true } }
}

async function available(engine: Engine, memberId: string): Promise<[number, number]> {
  const [row] = await engine.sql<{ available: bigint; negative: bigint }[]>`
    select available, negative from accounts where member_id = ${memberId} and currency = 'points'`
  return [Number(row?.available ?? 0n), Number(row?.negative ?? 0n)]
}

t.test('refund farming: buying, spending the points and returning leaves nothing won', async (t) => {
  const engine = await startEngine(t, RULES)
  const memberId = await engine.enrol('1')
  for (let round = 0; round < 3; round += 1) {
    const bought = await engine.run(sale(memberId, '50.00', `buy-${round}`))
    const [points] = await available(engine, memberId)
    if (points > 0) await engine.run(redeem(memberId, points), `spend-${round}`)
    await engine.run(giveBack(uuidOf(bought.transactionId), '2026-03-03T10:00:00Z'), `back-${round}`)
  }
  // 150 were had and spent once; each round's points went to what was owed
  t.same(await available(engine, memberId), [0, 150])
  t.same(await engine.findings(), [])
})

t.test('refunds that charge points twice: a return that is sent again takes once', async (t) => {
  const engine = await startEngine(t, RULES)
  const memberId = await engine.enrol('1')
  await engine.run(sale(memberId, '10.00', 'other'))
  const bought = await engine.run(sale(memberId, '50.00', 'buy'))
  const back = giveBack(uuidOf(bought.transactionId), '2026-03-03T10:00:00Z')
  const first = await engine.run(back, 'back')
  t.same(await engine.run(back, 'back'), first)
  t.equal(await engine.refused(back, 'back-again'), 'returned_too_much')
  t.same(await available(engine, memberId), [110, 0])
})

t.test('offline tills synced twice: the second upload changes nothing', async (t) => {
  const engine = await startEngine(t, RULES)
  const memberId = await engine.enrol('1')
  const upload = () =>
    Promise.all([1, 2, 3].map((n) => engine.run(sale(memberId, `${n}0.00`, `offline-${n}`), `offline-${n}`)))
  const first = await upload()
  const before = await engine.checksum()
  t.same(await upload(), first)
  t.equal(await engine.checksum(), before)
})

t.test('expired credits drop out while old debits stay: the balance never collapses', async (t) => {
  const engine = await startEngine(t, RULES)
  const memberId = await engine.enrol('1')
  engine.at('2025-03-10T10:00:00Z')
  await engine.run(sale(memberId, '80.00', 'old', '2025-03-10T10:00:00Z'))
  await engine.run(redeem(memberId, 60), 'spend')
  engine.at('2026-02-10T10:00:00Z')
  await engine.run(sale(memberId, '40.00', 'new', '2026-02-10T10:00:00Z'))
  engine.at('2026-04-10T10:00:00Z')
  await engine.run({ kind: 'settle', memberId }, 'sweep')
  // the 20 that were left of the 80 lapse, and only those
  t.same(await available(engine, memberId), [40, 0])
})

t.test('a visitor in another time zone: what counts is the program’s day', async (t) => {
  const engine = await startEngine(t, RULES)
  const memberId = await engine.enrol('1')
  engine.at('2026-04-02T10:00:00Z')
  // the same instant, as a till in New York and one in Tokyo write it: still 31 March in Berlin
  for (const [ref, occurredAt] of [
    ['new-york', '2026-03-31T17:59:59-04:00'],
    ['tokyo', '2026-04-01T06:59:59+09:00'],
    ['utc', '2026-03-31T21:59:59Z'],
  ] as const) {
    const { awards } = await engine.run(sale(memberId, '1.00', ref, occurredAt), ref)
    t.match(awards, [{ rule: 'base' }, { rule: 'spring', points: 100 }], ref)
  }
  const late = await engine.run(sale(memberId, '1.00', 'late', '2026-03-31T22:00:00Z'), 'late')
  t.equal(listOf(late.awards).length, 1)
})

t.test('an end date that excludes its last day: `through` means the whole of it', async (t) => {
  const engine = await startEngine(t, RULES)
  const memberId = await engine.enrol('1')
  engine.at('2026-04-02T10:00:00Z')
  const rows = [
    ['2026-02-28T22:59:59Z', 1],
    ['2026-02-28T23:00:00Z', 2],
    ['2026-03-31T21:59:59Z', 2],
    ['2026-03-31T22:00:00Z', 1],
  ] as const
  for (const [at, rules] of rows) {
    const { awards } = await engine.run(sale(memberId, '1.00', at, at), at)
    t.equal(listOf(awards).length, rules, at)
  }
})

t.test('0.01 left over: a basket returned in thirds pays back every cent and every point', async (t) => {
  const engine = await startEngine(t, RULES)
  const memberId = await engine.enrol('1')
  engine.at('2026-05-03T10:00:00Z')
  const at = '2026-05-03T10:00:00Z'
  const request = sale(memberId, '10.00', 'thirds', at)
  request.body.lines[0]!.quantity = 3
  const bought = await engine.run(request)
  let paid = 0
  for (const ref of ['a', 'b', 'c']) {
    const body = { externalRef: ref, occurredAt: at, lines: [{ lineId: '1', quantity: 1 }] }
    const back = await engine.run({ kind: 'return', transactionId: uuidOf(bought.transactionId), body }, ref)
    const { money } = (back as unknown as { payBack: { money: { amount: string } } }).payBack
    paid += Math.round(Number(money.amount) * 10_000)
  }
  t.equal(paid, 100_000)
  t.same(await available(engine, memberId), [0, 0])
  const [spend] =
    await engine.sql`select value from counters where member_id = ${memberId} and counter = 'spend'`
  t.equal(Number(spend?.value), 0)
})

t.test(
  '100 times too few points: a factor cannot be inverted, since it is written with its units',
  async (t) => {
    // the same intention in every way that people write it gives the same points
    for (const award of [
      '1 point per 1 EUR of net',
      '100 points per 100 EUR of net',
      'points = net / 1 EUR',
    ]) {
      const engine = await startEngine(t, RULES.replace('1 point per 1 EUR of net', award))
      const memberId = await engine.enrol('1')
      engine.at('2026-05-03T10:00:00Z')
      const { awards } = await engine.run(sale(memberId, '250.00', 'x', '2026-05-03T10:00:00Z'))
      t.match(awards, [{ points: 250 }], award)
    }
  },
)

t.test('the first tier is not skipped at its threshold, and neither is it given early', async (t) => {
  const engine = await startEngine(t, RULES)
  const rows = [
    ['99.99', 'base'],
    ['100.00', 'silver'],
    ['499.99', 'silver'],
    ['500.00', 'gold'],
  ] as const
  for (const [amount, tier] of rows) {
    const reply = await engine.run(sale(await engine.enrol(amount), amount, amount), amount)
    t.match(reply.tier, { tier }, amount)
  }
})

t.test('the same basket does not earn more in a weak currency: other money is refused', async (t) => {
  const engine = await startEngine(t, RULES)
  const memberId = await engine.enrol('1')
  const request = sale(memberId, '250.00', 'forints')
  request.body.lines[0]!.net.currency = 'HUF'
  const before = await engine.checksum()
  t.equal(await engine.refused(request), 'money_currency_mismatch')
  t.equal(await engine.checksum(), before)
})

t.test('a merge of duplicates that strands points: all of them arrive, by every card', async (t) => {
  const engine = await startEngine(t, RULES)
  const [kept, dup, older] = [
    await engine.enrol('kept'),
    await engine.enrol('dup'),
    await engine.enrol('older'),
  ]
  for (const [index, memberId] of [kept, dup, older].entries())
    await engine.run(sale(memberId, '20.00', `s${index}`, '2026-02-03T10:00:00Z'), `s${index}`)
  await engine.run({ kind: 'merge', memberId: dup, body: { externalRef: 'm1', duplicate: older } })
  await engine.run({ kind: 'merge', memberId: kept, body: { externalRef: 'm2', duplicate: dup } })
  for (const [memberId, points] of [
    [kept, 60],
    [dup, 0],
    [older, 0],
  ] as const)
    t.same(await available(engine, memberId), [points, 0])
  for (const value of ['kept', 'dup', 'older']) {
    const identifier = { kind: 'card', value }
    const body = { externalRef: `r-${value}`, identifier, currency: 'points', points: 20 }
    await engine.run({ kind: 'redeem', body }, `r-${value}`)
  }
  t.same(await available(engine, kept), [0, 0], 'spent to the last')
  t.same(await engine.findings(), [])
})

t.test('an unknown operator never passes silently for everybody', async (t) => {
  const when = (condition: string) =>
    loadProgram(
      new Map([
        ['program.yaml', RULES.replace('on: purchase, from', `on: purchase, when: ${condition}, from`)],
      ]),
    )
  for (const condition of [
    '{ net: { atLeats: 10 } }',
    '{ tier: { roughly: silver } }',
    '{ if: "net =~ 10 EUR" }',
    '{ nte: 10 }',
  ]) {
    const { program, errors } = when(condition)
    t.notOk(program, condition)
    t.ok(errors.length > 0, condition)
  }
  t.ok(when('{ tier: { atLeast: silver } }').program, 'what is understood is taken')
})

t.test('editing a past rule does not move history', async (t) => {
  const engine = await startEngine(t, RULES)
  const memberId = await engine.enrol('1')
  const old = await engine.run(sale(memberId, '100.00', 'old'), 'old')
  const statement = () =>
    engine.sql`select * from postings where member_id = ${memberId} order by entry_id, leg`
  const before = await statement()

  const edited = RULES.replace('1 point per 1 EUR', '5 points per 1 EUR').replace('100 points', '7 points')
  engine.at('2026-03-10T10:00:00Z')
  await publish(engine.sql, { files: new Map([['program.yaml', edited]]), by: 'test', now: engine.now() })
  t.same(await statement(), before)
  // a sale of before the change comes late, and is valued by the rules of its day; a later one by the new
  const late = await engine.run(sale(memberId, '100.00', 'late', '2026-03-09T10:00:00Z'), 'late')
  t.match(late.awards, [{ points: 100 }, { points: 100 }])
  const next = await engine.run(sale(memberId, '100.00', 'next', '2026-03-10T10:00:00Z'), 'next')
  t.match(next.awards, [{ points: 500 }, { points: 7 }])
  const back = await engine.run(giveBack(uuidOf(old.transactionId), '2026-03-10T10:00:00Z'), 'back')
  t.match(back.reversed, [{ points: 100 }, { points: 100 }])
})
