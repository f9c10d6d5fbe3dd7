/** Points that lapse by inactivity, at virtual times: one row a step, what it leaves last. */
import t, { type Test } from 'tap'
import type { Request } from '../../src/engine/command.ts'
import { type Engine, startEngine, uuidOf } from '../support/engine.ts'
import { redeem, sale } from './shop.ts'

t.setTimeout(600_000)

const rules = (expires: string, more = '') => `
program: shop
timeZone: Europe/Berlin
money: EUR
currencies:
  points:
    value: 0.01 EUR
    expires: ${expires}
transactions:
  purchase: {}
  visit: {}
members:
  attributes: { staff?: boolean, born?: date }
earn:
  - id: base
    on: purchase
    award: 1 point per 1 EUR of net
${more}`

const PLAIN = rules('24 months without activity')
const MERGING = rules('6 months without activity', 'transfers:\n  points: {}\n')

function fact(memberId: string, type: string, amount: string, occurredAt: string): Request {
  const lines = [{ lineId: '1', quantity: 1, net: { amount, currency: 'EUR' } }]
  return { kind: 'earn', body: { externalRef: 'x', type, memberId, occurredAt, lines } }
}

/**
 * `when what amount [of when]`: the clock is put to the first instant, at noon, and what is done may have
 * been earlier. Answers `available` after it.
 */
async function step(engine: Engine, memberId: string, text: string): Promise<string> {
  const [when, what, amount = '0', of = when] = text.split(/\s+/)
  engine.at(`${when}T12:00:00Z`)
  const at = `${of}T12:00:00Z`
  if (what === 'sale') await engine.run(fact(memberId, 'purchase', amount, at))
  if (what === 'visit') await engine.run(fact(memberId, 'visit', '1', at))
  if (what === 'redeem') await engine.run(redeem(memberId, Number(amount)))
  if (what === 'staff')
    await engine.run({ kind: 'update_member', memberId, body: { attributes: { staff: amount === '1' } } })
  if (what === 'adjust') {
    const body = { externalRef: 'a', memberId, currency: 'points', points: Number(amount), reason: 'test' }
    await engine.run({ kind: 'adjust', body })
  }
  if (what === 'sweep') await engine.run({ kind: 'settle', memberId })
  const [row] = await engine.sql<{ available: bigint }[]>`
    select available from accounts where member_id = ${memberId} and currency = 'points'`
  return String(row?.available ?? 0n)
}

async function check(t: Test, text: string, rows: readonly (readonly [string, string])[]): Promise<void> {
  const engine = await startEngine(t, text)
  engine.at('2015-01-01T00:00:00Z')
  const memberId = await engine.enrol('1')
  for (const [what, left] of rows) t.equal(await step(engine, memberId, what), left, what)
  t.same(await engine.findings(), [])
}

t.test('worked example 6: any earn or burn keeps everything', async (t) => {
  await check(t, PLAIN, [
    ['2022-01-15 sale 10000', '10000'],
    ['2024-01-14 sale 200', '10200'],
    ['2026-01-14 sweep', '10200'],
    ['2026-01-15 sweep', '0'],
  ])
  await check(t, PLAIN, [
    ['2022-01-15 sale 10000', '10000'],
    ['2024-01-15 sweep', '10000'],
    ['2024-01-16 sweep', '0'],
  ])
})

t.test('spending counts, a correction by hand does not unless it is said', async (t) => {
  await check(t, PLAIN, [
    ['2022-01-15 sale 100', '100'],
    ['2024-01-10 redeem 40', '60'],
    ['2025-06-01 adjust 5', '65'],
    ['2026-01-10 sweep', '65'],
    ['2026-01-11 sweep', '0'],
    ['2026-03-01 adjust 5', '5'], // where no clock runs, points that come in start it
    ['2028-03-01 sweep', '5'],
    ['2028-03-02 sweep', '0'],
  ])
})

t.test('only what is listed counts, and types of transactions can be', async (t) => {
  const text = rules('{ after: 12 months without activity, activity: [visit, adjustment] }')
  await check(t, text, [
    ['2022-01-15 sale 100', '100'],
    ['2022-12-15 sale 100', '200'],
    ['2023-01-10 visit', '200'],
    ['2023-12-01 adjust -50', '150'],
    ['2024-11-30 redeem 1', '149'],
    ['2024-12-01 sweep', '149'],
    ['2024-12-02 sweep', '0'],
  ])
})

t.test('rounded up to the end of a unit, and the last day of February', async (t) => {
  await check(t, rules('"12 months without activity, end of quarter"'), [
    ['2022-02-10 sale 10', '10'],
    ['2023-03-31 sweep', '10'],
    ['2023-04-01 sweep', '0'],
  ])
  await check(t, rules('12 months without activity'), [
    ['2024-02-29 sale 10', '10'],
    ['2025-02-28 sweep', '10'],
    ['2025-03-01 sweep', '0'],
  ])
})

t.test('who is exempt does not lapse; the time of it counts as activity', async (t) => {
  await check(t, rules('{ after: 12 months without activity, exempt: { member.staff: true } }'), [
    ['2020-01-01 sale 10', '10'],
    ['2020-06-01 staff 1', '10'],
    ['2024-01-01 sweep', '10'],
    ['2024-06-01 staff 0', '10'],
    ['2025-06-01 sweep', '10'],
    ['2025-06-02 sweep', '0'],
  ])
})

const TIERS = `
tiers:
  period: calendar year
  validity: end of period
  downgrade: one step
  ladder:
    - id: base
    - { id: gold, reach: { spend: 500 EUR } }
`

t.test('an exempt tier that ends starts the clock on the day it ended, however late the sweep', async (t) => {
  const text = rules('{ after: 6 months without activity, exempt: { tier: gold } }', TIERS)
  await check(t, text, [
    ['2022-01-10 sale 600', '600'], // gold to the end of 2022, kept by the same sale to the end of 2023
    ['2024-06-30 sweep', '600'],
    ['2024-07-01 sweep', '600'],
    ['2024-07-02 sweep', '0'],
  ])
  await check(t, text, [
    ['2022-01-10 sale 600', '600'],
    ['2023-01-05 sweep', '600'],
    ['2024-01-05 sweep', '600'],
    ['2024-07-01 sweep', '600'],
    ['2024-07-02 sweep', '0'],
  ])
})

t.test('late facts', async (t) => {
  t.test('an activity told of late puts back what had lapsed, once', async (t) => {
    await check(t, PLAIN, [
      ['2022-01-15 sale 100', '100'],
      ['2024-02-01 sweep', '0'],
      ['2024-02-02 sale 7 2024-01-15', '107'],
      ['2024-02-03 sale 1 2024-01-14', '108'],
      ['2026-01-15 sweep', '108'],
      ['2026-01-16 sweep', '0'],
    ])
  })
  t.test('what is put back lapses again at the next lapse', async (t) => {
    await check(t, PLAIN, [
      ['2018-01-15 sale 100', '100'],
      ['2020-02-01 sweep', '0'],
      ['2023-01-01 sale 5', '5'],
      ['2023-01-02 sale 7 2019-06-01', '5'], // all of it lapsed on 2 June 2021
      ['2023-01-03 sale 9 2021-03-01', '121'], // nothing lapsed after all: March 2021 to January 2023 is in time
    ])
  })
  t.test('a sale that lapsed is returned out of what lapsed, and is not put back any more', async (t) => {
    const engine = await startEngine(t, `${PLAIN}\nreturns: negative\n`)
    engine.at('2015-01-01T00:00:00Z')
    const memberId = await engine.enrol('1')
    const at = async (day: string, what: Request) => {
      engine.at(`${day}T12:00:00Z`)
      return engine.run(what)
    }
    const back = (transactionId: string, lines?: object): Request => ({
      kind: 'return',
      transactionId,
      body: { externalRef: 'b', occurredAt: engine.now().toISOString(), ...(lines ?? { all: true }) },
    })
    const figures = async () => {
      const [row] = await engine.sql<{ text: string }[]>`
        select concat_ws(' ', a.available, a.negative, a.lifetime, (select sum(expired) from lots)) as text
        from accounts a where a.member_id = ${memberId}`
      return row?.text
    }
    const sold = await at('2022-01-15', fact(memberId, 'purchase', '100', '2022-01-15T12:00:00Z'))
    await at('2022-01-16', fact(memberId, 'purchase', '30', '2022-01-16T12:00:00Z'))
    await at('2022-01-17', redeem(memberId, 20))
    await at('2024-03-01', fact(memberId, 'purchase', '7', '2024-03-01T12:00:00Z'))
    t.equal(await figures(), '7 0 137 110', 'the first two have lapsed but for what was spent')
    const half = { lines: [{ lineId: '1', quantity: 0.5 }] }
    t.match(await at('2024-03-02', back(uuidOf(sold.transactionId), half)), {
      reversed: [{ points: 50 }],
      forgiven: [],
      balances: [{ available: 7, negative: 0 }],
    })
    t.equal(await figures(), '7 0 87 60')
    await at('2024-03-03', fact(memberId, 'purchase', '1', '2023-12-31T12:00:00Z'))
    t.equal(await figures(), '68 0 88 0', 'a late activity puts back the rest')
    await at('2024-03-04', back(uuidOf(sold.transactionId)))
    t.equal(await figures(), '18 0 38 0', 'and the rest of the sale is taken from what is there')
    t.same(await engine.findings(), [])
  })
  t.test('a sale of long ago lapses where nothing followed in time', async (t) => {
    await check(t, PLAIN, [
      ['2022-01-15 sale 100', '100'],
      ['2022-01-16 sale 50 2019-01-01', '100'],
      ['2022-01-17 sale 30 2020-02-01', '180'], // which ties 2019 to 2022,
    ])
  })
})

t.test('any order of arrival of the same facts ends in the same balance', async (t) => {
  const engine = await startEngine(t, PLAIN)
  const sales = [
    '2016-03-01',
    '2018-02-01',
    '2018-02-03',
    '2020-02-02',
    '2022-02-03',
    '2023-12-31',
    '2024-02-01',
  ]
  // 1 to 64 points, so that the balance says which of them are left.
  const facts = sales.map((day, index) => ({ day, points: 2 ** index }))
  const now = '2025-12-31'
  let card = 0
  const outcomes = new Set<string>()
  for (const order of permutations(facts.length, 24)) {
    engine.at('2015-01-01T00:00:00Z')
    card += 1
    const memberId = await engine.enrol(`p${card}`)
    let left = ''
    for (const index of order) {
      const { day, points } = facts[index]!
      left = await step(engine, memberId, `${now} sale ${points} ${day}`)
    }
    outcomes.add(left)
  }
  // From 2016 to 2018-02-03 all is in time, and so are 2020-02-02, a day before it would be too late, and 2022-02-03,
  // a day after: so what came before 2022-02-03 had lapsed.
  t.strictSame([...outcomes], [String(16 + 32 + 64)])
  t.same(await engine.findings(), [])
})

/** Some orders of 0 to count - 1: shuffled by a fixed rule, the given one and its reverse among them. */
function permutations(count: number, many: number): number[][] {
  const base = Array.from({ length: count }, (_, index) => index)
  const orders = [base, [...base].reverse()]
  let seed = 7
  while (orders.length < many) {
    const order = [...base]
    for (let at = count - 1; at > 0; at -= 1) {
      seed = (seed * 1103515245 + 12345) % 2147483648
      const other = seed % (at + 1)
      const kept = order[at]!
      order[at] = order[other]!
      order[other] = kept
    }
    orders.push(order)
  }
  return orders
}

t.test('the clocks of two who are merged run on from the later of their activities', async (t) => {
  const engine = await startEngine(t, MERGING)
  const [one, two] = [await engine.enrol('m1'), await engine.enrol('m2')]
  engine.at('2026-01-10T10:00:00Z')
  await engine.run(sale(one, '100.00', 'early', '2026-01-10T10:00:00Z'))
  engine.at('2026-04-10T10:00:00Z')
  await engine.run(sale(two, '50.00', 'late', '2026-04-10T10:00:00Z'))
  await engine.run({ kind: 'merge', memberId: one, body: { externalRef: 'm', duplicate: two } })
  const lapses = async (memberId: string) => {
    const [row] = await engine.sql`
      select active_on, available from accounts where member_id = ${memberId} and currency = 'points'`
    return [row?.active_on, Number(row?.available)]
  }
  t.same(await lapses(one), ['2026-04-10', 150])
  engine.at('2026-08-01T10:00:00Z')
  await engine.run({ kind: 'settle', memberId: one })
  t.same(await lapses(one), ['2026-04-10', 150], 'six months from January are over, and nothing lapsed')
  t.same(await engine.findings(), [])
  await engine.run({ kind: 'unmerge', memberId: one, body: { externalRef: 'u', duplicate: two } })
  t.same(await lapses(one), ['2026-04-10', 100])
  t.same(await lapses(two), ['2026-04-10', 50])
  engine.at('2026-12-01T10:00:00Z')
  await engine.run({ kind: 'settle', memberId: one })
  t.same((await lapses(one))[1], 0)
  t.same(await engine.findings(), [])
})

t.test('being merged is no activity, and un-merged both go on from what they did as one', async (t) => {
  const engine = await startEngine(t, MERGING)
  const [one, two] = [await engine.enrol('j1'), await engine.enrol('j2')]
  const clocks = async () => {
    const rows = await engine.sql<{ active: string | null; lapses: string | null }[]>`
      select a.active_on::text as active, (a.lapses_at at time zone 'Europe/Berlin')::date::text as lapses
      from members m left join accounts a on a.member_id = m.member_id and a.currency = 'points'
      where m.member_id in (${one}, ${two}) order by m.member_id`
    return rows.map(({ active, lapses }) => `${active} ${lapses}`)
  }
  const on = async (day: string, what: Request) => {
    engine.at(`${day}T10:00:00Z`)
    await engine.run(what)
    t.same(await engine.findings(), [], `${day} ${what.kind}`)
  }
  const merging = (kind: 'merge' | 'unmerge'): Request => {
    return { kind, memberId: one, body: { externalRef: kind, duplicate: two } }
  }
  await on('2026-04-10', sale(two, '50.00', 's', '2026-04-10T10:00:00Z'))
  await on('2026-05-01', merging('merge'))
  t.same((await clocks())[0], '2026-04-10 2026-10-11', 'the first of one, who had no points')
  await on('2026-05-03', sale(one, '20.00', 't', '2026-05-03T10:00:00Z'))
  await on('2026-06-01', merging('unmerge'))
  t.same(await clocks(), ['2026-05-03 2026-11-04', '2026-05-03 2026-11-04'])
  // A sale of before lapses where it would have, had it been told in time: not before November.
  await on('2026-10-20', sale(two, '7.00', 'u', '2026-04-01T10:00:00Z'))
  const [row] = await engine.sql`select available from accounts where member_id = ${two}`
  t.equal(Number(row?.available), 57)
  await on('2026-11-02', merging('merge'))
  await on('2026-11-03', merging('unmerge'))
  t.same(await clocks(), ['2026-05-03 2026-11-04', '2026-05-03 2026-11-04'])
})

t.test('an exemption that ends by being merged starts the clock on that day', async (t) => {
  const engine = await startEngine(
    t,
    rules('{ after: 12 months without activity, exempt: { member.staff: true } }'),
  )
  const [one, two] = [await engine.enrol('x1'), await engine.enrol('x2')]
  await step(engine, one, '2020-01-01 sale 5')
  await step(engine, two, '2020-01-01 sale 10')
  await step(engine, two, '2020-06-01 staff 1')
  await step(engine, one, '2023-12-31 sale 1')
  await step(engine, two, '2024-01-01 sweep')
  engine.at('2024-02-01T12:00:00Z')
  await engine.run({ kind: 'merge', memberId: one, body: { externalRef: 'm', duplicate: two } })
  t.same(await engine.findings(), [])
  t.equal(await step(engine, one, '2025-02-01 sweep'), '11')
  t.equal(await step(engine, one, '2025-02-02 sweep'), '0')
  t.same(await engine.findings(), [])
})

t.test('points given to somebody without any start the clock there', async (t) => {
  const engine = await startEngine(t, MERGING)
  const [from, to] = [await engine.enrol('g1'), await engine.enrol('g2')]
  await engine.run(sale(from, '100.00', 's', '2026-03-03T10:00:00Z'))
  await engine.run({
    kind: 'transfer',
    body: {
      externalRef: 'g',
      from: { memberId: from },
      to: { memberId: to },
      currency: 'points',
      points: 40,
    },
  })
  t.same(await engine.findings(), [])
  engine.at('2026-12-01T10:00:00Z')
  await engine.run({ kind: 'settle', memberId: to })
  const [row] = await engine.sql`select available from accounts where member_id = ${to}`
  t.equal(Number(row?.available), 0)
  t.same(await engine.findings(), [])
})
