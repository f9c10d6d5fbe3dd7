/**
 * The rows that the lane keeps of members. After any commands in any order, once the marked rows are made anew,
 * every row is, column by column, the one that is made from the transactions alone.
 */
import t from 'tap'
import type { Request } from '../../src/engine/command.ts'
import { eachDay, packHistory, unpackHistory } from '../../src/retention/history.ts'
import { type Engine, startEngine, uuidOf } from '../support/engine.ts'
import { fc, runs } from '../support/property.ts'

t.setTimeout(600_000)

const RULES = `
program: shop
timeZone: Europe/Berlin
money: EUR
currencies:
  points: { value: 0.01 EUR }
  credits: { kind: qualifying }
returns: negative
transactions:
  purchase:
  review:
transfers: { points: }
earn:
  - { id: base, on: purchase, award: 1 point per 1 EUR of net }
  - { id: status, on: purchase, award: 1 credit per 1 EUR of net }
  - { id: told, on: review, award: 5 points }
`
const KEEPING = `${RULES}retention:\n`

interface Line {
  readonly category: string
  readonly quantity: number
  readonly cents: number
}

const line: fc.Arbitrary<Line> = fc.record({
  category: fc.constantFrom('tea', 'mugs', 'lamps'),
  quantity: fc.integer({ min: 1, max: 3 }),
  cents: fc.integer({ min: 0, max: 9_999 }),
})

type Step =
  | { kind: 'sale'; who: number; day: number; lines: Line[]; channel: string | undefined; loose: boolean }
  | { kind: 'return'; sale: number; all: boolean; line: number }
  | { kind: 'redeem' | 'reverse' | 'close' | 'reopen' | 'rebuild'; who: number }
  | { kind: 'transfer' | 'merge' | 'unmerge'; who: number; other: number }

const who = fc.integer({ min: 0, max: 3 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('sale' as const),
      who,
      day: fc.integer({ min: 0, max: 400 }),
      // none: a review, which is a sign of interest and no purchase
      lines: fc.array(line, { maxLength: 3 }),
      channel: fc.constantFrom('web', 'shop', undefined),
      loose: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('return' as const),
      sale: fc.nat(30),
      all: fc.boolean(),
      line: fc.nat(2),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('redeem', 'reverse', 'close', 'reopen', 'rebuild'),
      who,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('transfer', 'merge', 'unmerge'), who, other: who }),
  },
)

const START = Date.parse('2025-01-01T22:30:00Z')
const END = '2026-03-03T10:00:00Z'

class Shop {
  readonly #engine: Engine
  readonly #members: readonly string[]
  readonly #sales: { id: string; at: number; lines: number }[] = []
  readonly #redeemed = new Map<number, string>()

  constructor(engine: Engine, members: readonly string[]) {
    this.#engine = engine
    this.#members = members
  }

  /** Refusals are part of life: a member is closed, there are no points. */
  async take(step: Step): Promise<void> {
    const done = await this.#send(step).catch((error: Error) => {
      if (!('code' in error)) throw error
    })
    return done
  }

  async #send(step: Step): Promise<void> {
    const memberId = 'who' in step ? this.#members[step.who]! : ''
    if (step.kind === 'sale') return this.#sell(step, memberId)
    if (step.kind === 'return') return this.#giveBack(step)
    if (step.kind === 'redeem') {
      const reply = await this.#engine.run({
        kind: 'redeem',
        body: { externalRef: 'r', memberId, currency: 'points', points: 3 },
      })
      this.#redeemed.set(step.who, uuidOf(reply.redemptionId))
    } else if (step.kind === 'reverse') {
      const redemptionId = this.#redeemed.get(step.who)
      if (redemptionId) await this.#engine.run({ kind: 'reverse', redemptionId, body: {} })
    } else if (step.kind === 'transfer') {
      const to = { memberId: this.#members[step.other]! }
      const body = { externalRef: 't', from: { memberId }, to, currency: 'points', points: 2 }
      await this.#engine.run({ kind: 'transfer', body })
    } else if (step.kind === 'merge' || step.kind === 'unmerge') {
      const body = { externalRef: 'm', duplicate: this.#members[step.other]! }
      await this.#engine.run({ kind: step.kind, memberId, body })
    } else if (step.kind === 'rebuild') {
      await this.#engine.run({ kind: 'rebuild', memberId })
    } else await this.#engine.run({ kind: step.kind, memberId, body: { externalRef: 'c' } } as Request)
  }

  async #sell(step: Extract<Step, { kind: 'sale' }>, memberId: string): Promise<void> {
    const at = START + step.day * 86_400_000
    const body = {
      externalRef: 's',
      type: step.lines.length === 0 ? 'review' : 'purchase',
      occurredAt: new Date(at).toISOString(),
      ...(step.channel && { channel: step.channel }),
      lines: step.lines.map(({ category, quantity, cents }, index) => {
        const net = { amount: (cents / 100).toFixed(2), currency: 'EUR' }
        return { lineId: String(index), category, quantity, net }
      }),
    }
    const reply = await this.#engine.run({ kind: 'earn', body: step.loose ? body : { ...body, memberId } })
    const id = uuidOf(reply.transactionId)
    this.#sales.push({ id, at, lines: step.lines.length })
    if (step.loose)
      await this.#engine.run({ kind: 'attach', transactionId: id, body: { externalRef: 'a', memberId } })
  }

  async #giveBack(step: Extract<Step, { kind: 'return' }>): Promise<void> {
    const sale = this.#sales[step.sale % Math.max(1, this.#sales.length)]
    if (!sale) return
    const occurredAt = new Date(sale.at + 3_600_000).toISOString()
    const some = { lines: [{ lineId: String(step.line % Math.max(1, sale.lines)), quantity: 1 }] }
    const body = { externalRef: 'b', occurredAt, ...(step.all ? { all: true as const } : some) }
    await this.#engine.run({ kind: 'return', transactionId: sale.id, body })
  }
}

async function rowsOf({ sql }: Engine): Promise<object[]> {
  return [...(await sql<object[]>`select * from retention_states order by member_id`)]
}

async function rebuildAll(engine: Engine, members: readonly string[]): Promise<void> {
  for (const memberId of members) await engine.run({ kind: 'rebuild', memberId })
}

async function rebuildMarked(engine: Engine): Promise<void> {
  const marked = await engine.sql<{ id: string }[]>`
    select member_id as id from retention_states where rebuild`
  for (const { id } of marked) await engine.run({ kind: 'rebuild', memberId: id })
}

t.test('rows that were kept are those that all transactions make', async (t) => {
  const engine = await startEngine(t, KEEPING)
  let run = 0
  const property = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
    run += 1
    engine.at(END)
    const members = []
    for (const name of ['ann', 'bob', 'cid', 'dot']) members.push(await engine.enrol(`${name}-${run}`))
    const shop = new Shop(engine, members)
    for (const one of steps) await shop.take(one)
    await rebuildMarked(engine)
    const kept = await rowsOf(engine)
    await engine.sql`delete from retention_states`
    await rebuildAll(engine, members)
    t.strictSame(await rowsOf(engine), kept)
    await engine.sql`delete from retention_states`
  })
  await fc.assert(property, { numRuns: runs(12) })
})

t.test('a program without the section keeps nothing; one that gets it knows who has a past', async (t) => {
  const engine = await startEngine(t, RULES)
  const ann = await engine.enrol('ann')
  const shop = new Shop(engine, [ann])
  const buy: Step = {
    kind: 'sale',
    who: 0,
    day: 10,
    lines: [{ category: 'tea', quantity: 1, cents: 500 }],
    channel: 'web',
    loose: false,
  }
  await shop.take(buy)
  t.strictSame(await rowsOf(engine), [])
})

t.test('a history is told by its bytes', async (t) => {
  const day = fc.record({
    gap: fc.integer({ min: 0, max: 20_000 }),
    purchases: fc.integer({ min: 1, max: 5_000 }),
    cents: fc.oneof(fc.nat(100_000), fc.integer({ min: 0, max: 2 ** 52 })),
  })
  fc.assert(
    fc.property(fc.array(day, { maxLength: 40 }), (gaps) => {
      let at = 0
      const days = gaps.map(({ gap, ...rest }, index) => {
        at += index === 0 ? gap : gap + 1
        return { day: at, ...rest }
      })
      const bytes = packHistory(days)
      t.strictSame(unpackHistory(bytes), days)
      let sum = 0
      eachDay(bytes, (_day, purchases) => {
        sum += purchases
      })
      t.equal(
        sum,
        days.reduce((all, { purchases }) => all + purchases, 0),
      )
    }),
    { numRuns: runs(200) },
  )
})
