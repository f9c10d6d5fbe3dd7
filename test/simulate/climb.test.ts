/**
 * Ladders in whole numbers come to what the assessment of the engine comes to: the tier that every sale meets and
 * the tier at the end, for any sales and returns on ladders of many kinds.
 */
import t from 'tap'
import { Decimal } from '../../src/base/points.ts'
import { dayNumberOf, dayOf } from '../../src/base/time.ts'
import { loadProgram } from '../../src/program/load.ts'
import type { Program } from '../../src/program/program.ts'
import { Climb, climbingOf } from '../../src/simulate/climb.ts'
import { type Tiers, TierWalk } from '../../src/simulate/tier-walk.ts'
import { fc, PATIENCE, runs } from '../support/property.ts'

t.setTimeout(PATIENCE)

const DAY = 86_400_000
const BEGIN = Date.UTC(2025, 10, 3, 22, 30)

const ladder = fc.record({
  period: fc.constantFrom('rolling 2 months', 'rolling 12 months', 'calendar year'),
  validity: fc.constantFrom('', '1 months', '12 months'),
  downgrade: fc.constantFrom('one step', 'earned', 'never'),
  reach: fc.constantFrom(
    'spend: 90 EUR',
    'any: [{ spend: 120 EUR }, { transactions: 3 }]',
    'all: [{ spend: 60 EUR }, { stars: 40 }]',
  ),
  keep: fc.constantFrom('', ', keep: { spend: 50 EUR }', ', keep: { transactions: 2 }'),
})

const rules = (of: { period: string; validity: string; downgrade: string; reach: string; keep: string }) => `
program: shop
timeZone: Europe/Berlin
money: EUR
currencies: { stars: { kind: qualifying } }
transactions: { purchase: {} }
earn: [{ id: base, on: purchase, award: 1 star per 2 EUR of net }]
tiers:
  period: ${of.period}
  ${of.validity ? `validity: ${of.validity}` : ''}
  downgrade: ${of.downgrade}
  ladder: [{ id: base }, { id: silver, reach: { ${of.reach} }${of.keep} }, { id: gold, reach: { transactions: 6, spend: 200 EUR } }]
`

const fact = fc.record({
  days: fc.oneof(fc.integer({ min: 0, max: 25 }), fc.constantFrom(0, 200, 400)),
  cents: fc.integer({ min: 1, max: 9_999 }),
  /** how much of it is returned, of a hundred; mostly nothing */
  back: fc.constantFrom(0, 0, 0, 30, 100),
})

interface Fact {
  readonly days: number
  readonly cents: number
  readonly back: number
}

/** Both ways through one member's history, held beside each other at each step. */
class Pair {
  readonly #program: Program
  readonly #ways: readonly Tiers[]
  #time = BEGIN
  /** that the last sale met */
  rank = 0

  constructor(program: Program) {
    const climbing = climbingOf(program)
    if (climbing === null) throw new Error(`in decimals alone: ${JSON.stringify(program.ladders)}`)
    this.#program = program
    this.#ways = [new Climb(climbing), new TierWalk(program, new Date(BEGIN))]
  }

  #same<T>(ask: (way: Tiers) => T): T {
    const [one, other] = this.#ways.map(ask)
    if (JSON.stringify(one) !== JSON.stringify(other))
      throw new Error(`${JSON.stringify(one)}, not ${JSON.stringify(other)}`)
    return one!
  }

  take({ days, cents, back }: Fact): void {
    const { timeZone } = this.#program
    this.#time += days * DAY
    const at = new Date(this.#time)
    for (const way of this.#ways) way.step(at)
    const [met] = this.#same((way) => [...way.met(at)])
    this.rank = met?.[1].rank ?? 0
    const spend = new Decimal(cents).dividedBy(100)
    const awards = [{ currency: 'stars', points: BigInt(Math.floor(cents / 200)) }]
    const less = spend.times(back).dividedBy(100).negated()
    for (const way of this.#ways) {
      way.count(this.#program, { day: dayNumberOf(timeZone, at), valuation: { spend, awards } })
      if (back > 0) way.less({ counter: 'spend', day: dayOf(timeZone, at), value: less })
      way.step(at)
    }
    this.#same((way) => way.hasChangedSince(at))
  }

  end(): void {
    const [main] = this.#program.ladders
    for (const days of [0, 40, 500, 1500]) {
      const at = new Date(this.#time + days * DAY)
      for (const way of this.#ways) way.step(at)
      this.#same((way) => [way.tierAt(main!, at), way.tierAt(main!, new Date(BEGIN + 20 * DAY))])
    }
  }
}

t.test('in numbers as in decimals', async (t) => {
  const moved = { up: 0, down: 0 }
  fc.assert(
    fc.property(ladder, fc.array(fact, { minLength: 3, maxLength: 25 }), (of, facts) => {
      const { program, errors } = loadProgram(new Map([['program.yaml', rules(of)]]))
      if (!program) throw new Error(JSON.stringify(errors))
      const pair = new Pair(program)
      for (const one of facts) {
        const before = pair.rank
        pair.take(one)
        if (pair.rank > before) moved.up += 1
        if (pair.rank < before) moved.down += 1
      }
      pair.end()
    }),
    { numRuns: runs(150) },
  )
  t.ok(moved.up > 50 && moved.down > 10, `${moved.up} went up and ${moved.down} down`)
})
