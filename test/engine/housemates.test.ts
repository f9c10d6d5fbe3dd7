/**
 * Limits per household: members of one pool use them together, in whatever order and however many at once; who
 * leaves takes along what they used. And limits per week, whose weeks go across New Year.
 */
import t from 'tap'
import type { Request } from '../../src/engine/command.ts'
import { freshDatabase } from '../support/database.ts'
import { type Engine, startEngine, uuidOf } from '../support/engine.ts'

const rules = (limit: string) => `
program: shop
timeZone: Europe/Berlin
money: EUR
currencies: { points: { value: 0.01 EUR } }
pools: { members: 4 }
earn: [{ id: gift, on: purchase, award: 30 points, limit: ${limit} }]
`

let count = 0
function sale(memberId: string, at = '2026-03-03T10:00:00Z'): Request {
  count += 1
  const lines = [{ lineId: '1', quantity: 1, net: { amount: '1', currency: 'EUR' } }]
  return {
    kind: 'earn',
    body: { externalRef: `s${count}`, type: 'purchase', memberId, occurredAt: at, lines },
  }
}

const earned = (reply: Record<string, unknown>): number =>
  (reply.awards as { points: number }[]).reduce((sum, { points }) => sum + points, 0)

async function family(engine: Engine, cards: readonly string[]): Promise<{ ids: string[]; poolId: string }> {
  const ids: string[] = []
  for (const card of cards) ids.push(await engine.enrol(card))
  const pool = await engine.run({ kind: 'create_pool', body: { externalRef: cards.join(), members: ids } })
  return { ids, poolId: uuidOf(pool.poolId) }
}

t.test('what one of a household has used is used for all of it, and comes back with a return', async (t) => {
  const engine = await startEngine(t, rules('50 points per household per month'))
  const { ids, poolId } = await family(engine, ['ada', 'bob'])
  const [ada = '', bob = ''] = ids
  const other = await engine.enrol('carl')
  const first = await engine.run(sale(ada))
  t.equal(earned(first), 30)
  t.equal(earned(await engine.run(sale(bob))), 20, 'what is left of fifty')
  t.equal(earned(await engine.run(sale(ada))), 0)
  t.equal(earned(await engine.run(sale(other))), 30, 'who is in no pool is a household alone')
  engine.at('2026-03-04T10:00:00Z')
  await engine.run({
    kind: 'return',
    transactionId: uuidOf(first.transactionId),
    body: { externalRef: 'r', occurredAt: '2026-03-04T09:00:00Z', all: true },
  })
  t.equal(earned(await engine.run(sale(bob))), 30, 'what went back can be given again')
  engine.at('2026-03-05T10:00:00Z')
  await engine.run({ kind: 'leave_pool', poolId, memberId: bob })
  t.equal(earned(await engine.run(sale(bob))), 0, 'bob took his fifty along')
  t.equal(earned(await engine.run(sale(ada))), 30, 'and left none of them behind')
  t.equal(earned(await engine.run(sale(ada, '2026-02-03T10:00:00Z'))), 30, 'another month')
  t.same(await engine.findings(), [])
})

t.test('a household gets every point of its limit and not one more, whoever buys at once', async (t) => {
  const database = await freshDatabase(t)
  const text = rules('200 points per household per year')
  const engines = [
    await startEngine(t, text, { database, groupSize: 3, groups: 3 }),
    await startEngine(t, text, { database, groupSize: 3, groups: 3 }),
  ]
  const { ids } = await family(engines[0]!, ['ada', 'bob', 'carl', 'dora'])
  const replies = await Promise.all(
    Array.from({ length: 60 }, (_, index) =>
      engines[index % 2]!.run(sale(ids[index % 4]!), `ref-of-${index}`),
    ),
  )
  t.equal(
    replies.reduce((sum, reply) => sum + earned(reply), 0),
    200,
  )
  t.same(await engines[0]!.findings(), [])
})

t.test('a budget of times is given so many times and not once more, whoever buys at once', async (t) => {
  const database = await freshDatabase(t)
  const text = rules('7 times in all per year')
  const engines = [
    await startEngine(t, text, { database, groupSize: 3, groups: 3 }),
    await startEngine(t, text, { database, groupSize: 3, groups: 3 }),
  ]
  const ids = await Promise.all(['ada', 'bob', 'carl', 'dora'].map((name) => engines[0]!.enrol(name)))
  const replies = await Promise.all(
    Array.from({ length: 30 }, (_, index) =>
      engines[index % 2]!.run(sale(ids[index % 4]!), `ref-of-${index}`),
    ),
  )
  t.equal(
    replies.reduce((sum, reply) => sum + earned(reply), 0),
    7 * 30,
  )
  t.same(await engines[0]!.findings(), [])
})

t.test('a week that begins in the old year ends in the new one', async (t) => {
  const engine = await startEngine(t, rules('40 points per member per week'))
  const id = await engine.enrol('ada')
  engine.at('2027-01-20T10:00:00Z')
  t.equal(earned(await engine.run(sale(id, '2026-12-31T10:00:00Z'))), 30, 'Thursday')
  t.equal(earned(await engine.run(sale(id, '2027-01-01T10:00:00Z'))), 10, 'Friday of the same week')
  t.equal(earned(await engine.run(sale(id, '2027-01-04T10:00:00Z'))), 30, 'Monday')
})
