/**
 * Returning everything of a sale, in any order and any split, leaves every account, lot, counter and tier as if
 * the sale had never been: beside a twin who never bought it. The sale may be of long ago, so that other sales
 * met another tier because of it; there is a threshold that the return un-meets and a cap that it frees.
 */
import t from 'tap'
import type { Request } from '../../src/engine/command.ts'
import { type Engine, startEngine, uuidOf } from '../support/engine.ts'
import { fc, PATIENCE, runs } from '../support/property.ts'

t.setTimeout(PATIENCE)

const RULES = `
program: shop
timeZone: Europe/Berlin
money: EUR
returns: negative
currencies:
  points: { value: 0.01 EUR, expires: 12 months, pending: 3 days }
earn:
  - { id: base, on: purchase, award: 1 point per 1 EUR of net }
  - { id: big, on: purchase, when: { net: { atLeast: 100 EUR } }, award: 50 points }
  - id: bread
    on: purchase
    forEach: line
    when: { line.sku: bread }
    award: 3 points per 1 EUR of line.net
    limit: 40 points per member per month
  - { id: silver, on: purchase, when: { tier: silver }, award: points = 0.3 * awarded(base) }
tiers:
  period: rolling 12 months
  ladder:
    - id: base
    - { id: silver, reach: { spend: 150 EUR } }
`

const NOW = '2026-03-20T10:00:00Z'
const DAY = 86_400_000

const line = fc.record({
  sku: fc.constantFrom('bread', 'milk', 'mug'),
  cents: fc.integer({ min: 1, max: 9000 }),
  quantity: fc.integer({ min: 1, max: 4 }),
})
const other = fc.record({
  cents: fc.integer({ min: 100, max: 12_000 }),
  daysAgo: fc.integer({ min: 0, max: 500 }),
})

function sale(
  memberId: string,
  ref: string,
  daysAgo: number,
  lines: { sku: string; cents: number; quantity: number }[],
): Request {
  return {
    kind: 'earn',
    body: {
      externalRef: ref,
      type: 'purchase',
      memberId,
      occurredAt: new Date(Date.parse(NOW) - daysAgo * DAY).toISOString(),
      tenders: [{ kind: 'points', amount: { amount: '0.05', currency: 'EUR' } }],
      lines: lines.map(({ sku, cents, quantity }, index) => ({
        lineId: String(index),
        sku,
        quantity,
        net: { amount: (cents / 100).toFixed(2), currency: 'EUR' },
      })),
    },
  }
}

async function standing(engine: Engine, memberId: string): Promise<string> {
  const { sql } = engine
  const all = await Promise.all([
    sql`select currency, available, pending, held, negative, lifetime from accounts
      where member_id = ${memberId} and (available, pending, negative, lifetime) <> (0, 0, 0, 0)`,
    sql`select lot_id, available, pending, expired from lots
      where member_id = ${memberId} and (available, pending, expired) <> (0, 0, 0) order by 1`,
    sql`select counter, day, trim_scale(value) as value from counters
      where member_id = ${memberId} and value <> 0 order by 1, 2`,
    sql`select to_tier, effective_at, until from tier_changes
      where member_id = ${memberId} and superseded_at is null order by effective_at`,
    sql`select tier, until from standings where member_id = ${memberId} and tier <> 'base'`,
  ])
  return JSON.stringify(all, (_key, part) => (typeof part === 'bigint' ? part.toString() : part))
}

t.test('a sale that is returned whole, in any order and any split, has never been', async (t) => {
  const engine = await startEngine(t, RULES)
  engine.at(NOW)
  let card = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { minLength: 1, maxLength: 4 }),
      fc.array(other, { maxLength: 4 }),
      fc.integer({ min: 0, max: 500 }),
      fc.array(fc.nat({ max: 1000 }), { minLength: 16, maxLength: 16 }),
      async (lines, others, daysAgo, keys) => {
        card += 1
        const buyer = await engine.enrol(`buyer-${card}`)
        const twin = await engine.enrol(`twin-${card}`)
        for (const [index, { cents, daysAgo: ago }] of others.entries()) {
          for (const memberId of [buyer, twin]) {
            await engine.run(sale(memberId, `o${index}`, ago, [{ sku: 'milk', cents, quantity: 1 }]))
          }
        }
        const bought = await engine.run(sale(buyer, 'x', daysAgo, lines))
        const transactionId = uuidOf(bought.transactionId)
        const units = lines.flatMap(({ quantity }, index) => Array(quantity).fill(String(index)) as string[])
        const order = units
          .map((lineId, index) => ({ lineId, key: keys[index]! }))
          .sort((a, b) => a.key - b.key)
        let paid = 0
        for (let at = 0; at < order.length; ) {
          const size = 1 + (keys[at]! % 3)
          const counts = new Map<string, number>()
          for (const { lineId } of order.slice(at, at + size))
            counts.set(lineId, (counts.get(lineId) ?? 0) + 1)
          at += size
          const reply = await engine.run({
            kind: 'return',
            transactionId,
            body: {
              externalRef: `back-${at}`,
              occurredAt: NOW,
              lines: [...counts].map(([lineId, quantity]) => ({ lineId, quantity })),
            },
          })
          const { payBack } = reply as unknown as {
            payBack: { money: { amount: string }; points: { points: number }[] }
          }
          paid += Math.round(Number(payBack.money.amount) * 100) + (payBack.points[0]?.points ?? 0)
        }
        const price = lines.reduce((sum, { cents }) => sum + cents, 0)
        return paid === price && (await standing(engine, buyer)) === (await standing(engine, twin))
      },
    ),
    { numRuns: runs(40) },
  )
  t.same(await engine.findings(), [])
})
