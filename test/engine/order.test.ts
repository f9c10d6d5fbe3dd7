/**
 * The order of arrival makes no difference: the same sales and returns, posted as they happened or all of them
 * late and in any order (a return after its sale), end in the same balances, lots and tier history. Limits per
 * period are left out: whoever comes first uses them up.
 */
import t from 'tap'
import type { Request } from '../../src/engine/command.ts'
import { type Engine, startEngine, uuidOf } from '../support/engine.ts'
import { fc, PATIENCE, runs } from '../support/property.ts'

const RULES = (period: string, downgrade: string) => `
program: shop
timeZone: Europe/Berlin
money: EUR
returns: negative
currencies:
  points: { value: 0.01 EUR, expires: 12 months }
  stars: { kind: qualifying }
earn:
  - id: base
    on: purchase
    award: 1 point per 1 EUR of net
  - id: stars
    on: purchase
    forEach: line
    award: 1 star per 10 EUR of line.net
  - id: silver-stars
    on: purchase
    when: { tier: { atLeast: silver } }
    award: 7 stars
  - id: gold-bonus
    on: purchase
    when: { tier: gold }
    award: points = 0.5 * awarded(base)
tiers:
  period: ${period}
  validity: 6 months
  downgrade: ${downgrade}
  ladder:
    - id: base
    - { id: silver, reach: { stars: 20 } }
    - { id: gold, reach: { all: [{ stars: 60 }, { spend: 300 EUR }] } }
`

t.setTimeout(PATIENCE)
const START = Date.parse('2025-01-10T08:00:00Z')
const HOUR = 3_600_000
const END = new Date(START + 700 * 24 * HOUR)

interface Fact {
  /** hours after the start */
  readonly hour: number
  readonly euros: number
  readonly quantity: number
  /** hours after the sale, and how much goes back */
  readonly back: readonly { readonly after: number; readonly quantity: number }[]
}

// Few different hours, so that facts of one day and of one instant are common.
const facts: fc.Arbitrary<Fact[]> = fc.array(
  fc.record({
    hour: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 600 * 24 })),
    euros: fc.constantFrom(20, 45, 100, 240, 600),
    quantity: fc.integer({ min: 1, max: 3 }),
    back: fc.array(fc.record({ after: fc.integer({ min: 0, max: 90 * 24 }), quantity: fc.constant(1) }), {
      maxLength: 2,
    }),
  }),
  { minLength: 2, maxLength: 6 },
)

interface Step {
  readonly sale: number
  readonly at: Date
  readonly back: number | null
}

function stepsOf(all: readonly Fact[]): Step[] {
  return all.flatMap(({ hour, back, quantity }, sale) => {
    const at = START + hour * HOUR
    const returns = back.slice(0, quantity).map(({ after }, index) => ({
      sale,
      at: new Date(at + after * HOUR),
      back: index,
    }))
    return [{ sale, at: new Date(at), back: null }, ...returns]
  })
}

/** Sorted by a random key, but for returns that would come before their sale. */
function shuffled(steps: readonly Step[], keys: readonly number[]): Step[] {
  const keyed = steps.map((step, index) => ({ step, key: keys[index % keys.length]! * (1 + (index % 7)) }))
  keyed.sort((a, b) => a.key - b.key)
  const order: Step[] = []
  for (const { step } of keyed) {
    if (step.back !== null && !order.some((one) => one.sale === step.sale && one.back === null)) {
      order.push(steps.find((one) => one.sale === step.sale && one.back === null)!)
    }
    if (!order.includes(step)) order.push(step)
  }
  return order
}

async function play(
  engine: Engine,
  card: string,
  run: { facts: readonly Fact[]; steps: readonly Step[]; live: boolean },
): Promise<unknown> {
  engine.at(new Date(START - HOUR).toISOString())
  const memberId = await engine.enrol(card)
  const sold = new Map<number, string>()
  for (const { sale, at, back } of run.steps) {
    engine.at((run.live ? at : END).toISOString())
    const { euros, quantity } = run.facts[sale]!
    const occurredAt = at.toISOString()
    const request: Request =
      back === null
        ? {
            kind: 'earn',
            body: {
              externalRef: `${sale}`,
              type: 'purchase',
              memberId,
              occurredAt,
              lines: [{ lineId: '1', quantity, net: { amount: `${euros}.00`, currency: 'EUR' } }],
            },
          }
        : {
            kind: 'return',
            transactionId: sold.get(sale)!,
            body: { externalRef: `${sale}-${back}`, occurredAt, lines: [{ lineId: '1', quantity: 1 }] },
          }
    const reply = await engine.run(request, `${card}-${sale}-${back}`)
    if (back === null) {
      sold.set(sale, uuidOf(reply.transactionId))
    }
  }
  engine.at(END.toISOString())
  await engine.run({ kind: 'settle', memberId })
  const { sql } = engine
  const [accounts, lots, tiers, counters] = await Promise.all([
    sql`select currency, available, pending, held, negative from accounts where member_id = ${memberId} order by 1`,
    sql`select lot_id, available, pending from lots
      where member_id = ${memberId} and (available > 0 or pending > 0) order by 1`,
    sql`select from_tier, to_tier, direction, effective_at, until from tier_changes
      where member_id = ${memberId} and superseded_at is null order by effective_at, change_id`,
    sql`select counter, day, value::float8 as value from counters
      where member_id = ${memberId} and value <> 0 order by 1, 2`,
  ])
  return { accounts, lots, tiers, counters }
}

for (const [period, downgrade] of [
  ['rolling 12 months', 'one step'],
  ['calendar year', 'earned'],
] as const) {
  t.test(
    `${period}, downgrade ${downgrade}: any order of arrival ends the same`,
    { timeout: 600_000 },
    async (t) => {
      const engine = await startEngine(t, RULES(period, downgrade))
      let card = 0
      await fc.assert(
        fc.asyncProperty(
          facts,
          fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 18, maxLength: 18 }),
          async (all, keys) => {
            const steps = stepsOf(all)
            const inTime = [...steps].sort((a, b) => a.at.getTime() - b.at.getTime() || a.sale - b.sale)
            card += 1
            const live = await play(engine, `live-${card}`, { facts: all, steps: inTime, live: true })
            const late = await play(engine, `late-${card}`, {
              facts: all,
              steps: shuffled(steps, keys),
              live: false,
            })
            t.same(late, live)
            return JSON.stringify(show(late)) === JSON.stringify(show(live))
          },
        ),
        { numRuns: runs(40) },
      )
      t.same(await engine.findings(), [])
    },
  )
}

function show(value: unknown): string {
  return JSON.stringify(value, (_key, part) => (typeof part === 'bigint' ? part.toString() : part))
}
