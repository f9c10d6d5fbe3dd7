/** Transfers: what a gift moves, what it costs, what is refused, and that one balance is given once. */
import t from 'tap'
import { lotKey } from '../../src/earning/earn.ts'
import { lotIdOf } from '../../src/ledger/lot.ts'
import { type Engine, startEngine, uuidOf } from '../support/engine.ts'
import { give, HOUSEHOLD, pool, purchase, spend } from './household.ts'

// a machine that is busy with other tests is no matter here
t.setTimeout(600_000)

async function lotsOf(engine: Engine, memberId: string): Promise<string[]> {
  const rows = await engine.sql<{ lot: string }[]>`
    select lot_id || ' ' || available as lot from lots
    where member_id = ${memberId} and currency = 'points' and available > 0 order by lot_id`
  return rows.map(({ lot }) => lot)
}

t.test('a gift keeps its lots: the points lapse when they would have', async (t) => {
  const engine = await startEngine(t, HOUSEHOLD)
  const [ann, bob] = [await engine.enrol('ann'), await engine.enrol('bob')]
  await engine.run(purchase(ann, 100, { at: '2026-01-10T10:00:00Z' }))
  await engine.run(purchase(ann, 100, { at: '2026-02-10T10:00:00Z' }))
  const reply = await engine.run(give(ann, bob, 130))
  t.match(reply, { points: 130, fee: 0, balances: [{ currency: 'points', available: 70 }] })
  t.strictSame(await lotsOf(engine, bob), [
    'points/2027-01-31T23:00:00.000Z/at-once/program 100',
    'points/2027-02-28T23:00:00.000Z/at-once/program 30',
  ])
  t.same(await engine.findings(), [])
  engine.at('2027-02-01T00:00:00Z')
  t.match(await engine.run({ kind: 'settle', memberId: bob }), { expired: 100 })
  t.match((await engine.run(spend(bob, 30))).balances, [{ available: 0 }])
})

t.test('expires: anew counts from the day of the gift', async (t) => {
  const engine = await startEngine(
    t,
    HOUSEHOLD.replace('  points:\npools', '  points: { expires: anew }\npools'),
  )
  const [ann, bob] = [await engine.enrol('ann'), await engine.enrol('bob')]
  await engine.run(purchase(ann, 100, { at: '2026-01-10T10:00:00Z' }))
  await engine.run(give(ann, bob, 100))
  const program = engine.programs.at('home', engine.now())
  const receiver = { enrolledAt: engine.now(), attributes: {}, profile: {} }
  const key = lotKey(program, program.currencies.get('points')!, {
    occurredAt: engine.now(),
    member: receiver,
  })
  t.strictSame(await lotsOf(engine, bob), [`${lotIdOf(key)} 100`])
  t.same(await engine.findings(), [])
})

t.test('a gift pays off a debt first, as all that comes in does', async (t) => {
  const engine = await startEngine(t, HOUSEHOLD)
  const [ann, bob] = [await engine.enrol('ann'), await engine.enrol('bob')]
  await engine.run(purchase(ann, 100))
  const sold = await engine.run(purchase(bob, 40))
  await engine.run(spend(bob, 40))
  const id = uuidOf(sold.transactionId)
  const back = { externalRef: 'b', occurredAt: '2026-03-03T10:00:00Z', all: true } as const
  t.match(await engine.run({ kind: 'return', transactionId: id, body: back }), {
    balances: [{ available: 0, negative: 40 }],
  })
  await engine.run(give(ann, bob, 50))
  const [row] = await engine.sql`
    select available, negative from accounts where member_id = ${bob} and currency = 'points'`
  t.match(row, { available: 10n, negative: 0n })
  t.same(await engine.findings(), [])
})

// Terms, what the giver has given before, what is asked for, and what comes of it: the giver's fee and what
// is left of 1,000, or the refusal.
const rows = [
  ['', [], 1, 'fee 0 left 999'],
  ['minimum: 10 points', [], 9, 'below_minimum'],
  ['minimum: 10 points', [], 10, 'fee 0 left 990'],
  ['maximum: 50 points', [], 50, 'fee 0 left 950'],
  ['maximum: 50 points', [], 51, 'above_maximum'],
  ['step: 5 points', [], 12, 'not_a_step'],
  ['fee: 7 points', [], 10, 'fee 7 left 983'],
  ['fee: 10 %', [], 11, 'fee 2 left 987'], // 1.1 rounded up
  ['fee: 10 %', [], 909, 'fee 91 left 0'],
  ['fee: 10 %', [], 910, 'insufficient_points'], // 1,001 in all
  ['limit: 100 points per member per month', [60], 40, 'fee 0 left 900'],
  ['limit: 100 points per member per month', [60], 41, 'limit_reached'],
  ['', [], 1001, 'insufficient_points'],
] as const

t.test('each row: terms, gifts before, a gift, and what comes of it', async (t) => {
  for (const [terms, before, points, outcome] of rows) {
    const rules = HOUSEHOLD.replace('  points:\npools', `  points: { ${terms} }\npools`)
    const engine = await startEngine(t, rules)
    const [ann, bob] = [await engine.enrol('ann'), await engine.enrol('bob')]
    await engine.run(purchase(ann, 1000))
    for (const earlier of before) await engine.run(give(ann, bob, earlier))
    const name = `${terms} ${points}`
    const was = await engine.checksum()
    const told = await engine.refused(give(ann, bob, points))
    if (told.startsWith('no refusal')) {
      const { fee, balances } = JSON.parse(told.slice('no refusal but '.length))
      t.equal(`fee ${fee} left ${balances[0].available}`, outcome, name)
    } else {
      t.equal(told, outcome, name)
      t.equal(await engine.checksum(), was, `${name}: nothing is written`)
    }
    t.same(await engine.findings(), [], name)
  }
})

t.test('a limit starts again with its period', async (t) => {
  const limit = '{ limit: 100 points per member per month }'
  const engine = await startEngine(t, HOUSEHOLD.replace('  points:\npools', `  points: ${limit}\npools`))
  const [ann, bob] = [await engine.enrol('ann'), await engine.enrol('bob')]
  await engine.run(purchase(ann, 1000))
  await engine.run(give(ann, bob, 100))
  engine.at('2026-03-31T21:59:59Z')
  t.equal(await engine.refused(give(ann, bob, 1)), 'limit_reached', 'still March in Berlin')
  engine.at('2026-03-31T22:00:00Z')
  t.match(await engine.run(give(ann, bob, 100)), { points: 100 })
})

t.test('what is refused, and that nothing is written', async (t) => {
  const engine = await startEngine(t, HOUSEHOLD)
  const [ann, bob, eve] = [await engine.enrol('ann'), await engine.enrol('bob'), await engine.enrol('eve')]
  await engine.run(purchase(ann, 100, { channel: 'web' }))
  await engine.run({ kind: 'close', memberId: eve, body: { externalRef: 'c' } })
  const nobody = '00000000-0000-7000-8000-000000000000'
  const was = await engine.checksum()
  const refusals = [
    ['same_member', give(ann, ann, 10)],
    ['member_not_found', give(ann, nobody, 10)],
    ['member_not_found', give(nobody, ann, 10)],
    ['member_not_active', give(ann, eve, 10)],
    ['member_not_active', give(eve, ann, 10)],
    ['unknown_currency', give(ann, bob, 10, 'pionts')],
    ['transfer_not_allowed', give(ann, bob, 1, 'stars')],
    ['transfer_not_allowed', give(ann, bob, 1, 'credits')],
    ['insufficient_points', give(bob, ann, 1)],
  ] as const
  for (const [code, request] of refusals) t.equal(await engine.refused(request), code)
  t.equal(await engine.checksum(), was)
})

t.test('within: pool lets points go to the household only', async (t) => {
  const rules = HOUSEHOLD.replace('  points:\npools', '  points: { within: pool }\npools')
  const engine = await startEngine(t, rules)
  const [ann, bob, eve] = [await engine.enrol('ann'), await engine.enrol('bob'), await engine.enrol('eve')]
  await engine.run(purchase(ann, 100))
  await engine.run(pool(ann, bob))
  t.match(await engine.run(give(ann, bob, 10)), { points: 10 })
  t.equal(await engine.refused(give(ann, eve, 10)), 'not_in_pool')
})

t.test('twenty parallel gifts of one balance: one succeeds, from two engines', async (t) => {
  const first = await startEngine(t, HOUSEHOLD)
  const second = await startEngine(t, HOUSEHOLD, { database: first })
  const ann = await first.enrol('ann')
  const others = await Promise.all(Array.from({ length: 20 }, (_, index) => first.enrol(`other-${index}`)))
  await first.run(purchase(ann, 100))
  const told = await Promise.all(
    others.map((to, index) => (index % 2 ? first : second).refused(give(ann, to, 100), `gift-${index}`)),
  )
  t.equal(told.filter((one) => one.startsWith('no refusal')).length, 1)
  t.equal(told.filter((one) => one === 'insufficient_points').length, 19)
  t.same(await first.findings(), [])
})

t.test('gifts in a circle, both ways at once: none is lost, nothing is made', async (t) => {
  const first = await startEngine(t, HOUSEHOLD)
  const second = await startEngine(t, HOUSEHOLD, { database: first })
  const ring = await Promise.all(Array.from({ length: 6 }, (_, index) => first.enrol(`ring-${index}`)))
  for (const memberId of ring) await first.run(purchase(memberId, 100))
  const told = await Promise.all(
    Array.from({ length: 120 }, (_, index) => {
      const from = ring[index % 6]!
      const to = ring[(index + (index % 2 ? 1 : 5)) % 6]!
      return (index % 3 ? first : second).refused(give(from, to, 10), `round-${index}`)
    }),
  )
  const strange = told.filter((one) => !one.startsWith('no refusal') && one !== 'insufficient_points')
  t.same(strange, [])
  const [row] = await first.sql<{ sum: bigint }[]>`
    select sum(available)::bigint as sum from accounts where currency = 'points'`
  t.equal(row?.sum, 600n)
  t.same(await first.findings(), [])
})

t.test('the same reference again is the same gift', async (t) => {
  const engine = await startEngine(t, HOUSEHOLD)
  const [ann, bob] = [await engine.enrol('ann'), await engine.enrol('bob')]
  await engine.run(purchase(ann, 100))
  const once = await engine.run(give(ann, bob, 60), 'gift')
  t.strictSame(await engine.run(give(ann, bob, 60), 'gift'), once)
  t.equal(await engine.refused(give(ann, bob, 30), 'gift'), 'idempotency_conflict')
})
