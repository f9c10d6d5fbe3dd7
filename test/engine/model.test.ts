/** The engine against the model: any commands in any order give the same points, and the ledger adds up. */
import fc from 'fast-check'
import t from 'tap'
import type { Request } from '../../src/engine/command.ts'
import { type Engine, startEngine, uuidOf } from '../support/engine.ts'
import { Model } from './ledger-model.ts'

t.setTimeout(240_000)

const rules = (pending: number) => `
program: model
timeZone: UTC
money: EUR
currencies:
  points:
    value: 0.01 EUR
    expires: 10 days, end of day
    ${pending > 0 ? `pending: ${pending} days` : 'round: floor'}
returns: negative
earn:
  - id: base
    on: purchase
    forEach: line
    award: 1 point per 1 EUR of line.net
`

type Step =
  | { do: 'earn'; cents: number; quantity: number }
  | { do: 'return'; sale: number; quantity: number }
  | { do: 'redeem' | 'hold'; points: number }
  | { do: 'capture'; of: number; points: number }
  | { do: 'release' | 'reverse'; of: number }
  | { do: 'adjust'; points: number }
  | { do: 'wait'; days: number }

// Few to choose from, so that steps meet each other.
const index = fc.nat({ max: 3 })
const points = fc.integer({ min: 1, max: 60 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('earn' as const),
      cents: fc.nat({ max: 9999 }),
      quantity: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('return' as const),
      sale: index,
      quantity: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('redeem' as const, 'hold' as const), points }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('capture' as const), of: index, points }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('release' as const, 'reverse' as const), of: index }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('adjust' as const),
      points: fc.integer({ min: -40, max: 40 }).filter((n) => n !== 0),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('wait' as const), days: fc.integer({ min: 1, max: 6 }) }),
  },
)

interface Run {
  readonly engine: Engine
  readonly model: Model
  readonly memberId: string
  readonly sales: string[]
  readonly redemptions: string[]
}

const NOBODY = '00000000-0000-7000-8000-000000000000'
let members = 0

for (const pending of [0, 2]) {
  t.test(`any commands in any order, points pending for ${pending} days`, async (t) => {
    const engine = await startEngine(t, rules(pending))
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60, size: 'max' }), async (steps) => {
        engine.at(instant(0))
        members += 1
        const memberId = await engine.enrol(`m-${members}`)
        const run: Run = { engine, model: new Model(pending), memberId, sales: [], redemptions: [] }
        for (const what of steps) await take(run, what)
      }),
      { numRuns: 40, interruptAfterTimeLimit: 60_000 },
    )
    t.same(await engine.findings(), [])
  })
}

function instant(day: number): string {
  return new Date(Date.UTC(2026, 0, 1 + day, 12)).toISOString()
}

async function take(run: Run, what: Step): Promise<void> {
  const { engine, model, memberId } = run
  if (what.do === 'wait') {
    model.advance(what.days)
    model.noon()
    engine.at(instant(model.day))
    const settled = (await engine.run({ kind: 'settle', memberId })) as unknown as { memberId: string }
    if (!settled.memberId) throw new Error('settling answers with the member')
    return
  }
  const accepted = act(model, what)
  const { request, keep } = asked(run, what)
  const outcome = await engine.refused(request)
  const did = outcome.startsWith('no refusal')
  if (did !== accepted)
    throw new Error(`model ${accepted ? 'accepts' : 'refuses'} ${JSON.stringify(what)}, engine: ${outcome}`)
  if (!did) return
  const reply = JSON.parse(outcome.slice('no refusal but '.length))
  keep?.(reply)
  const [balance] = reply.balances
  const { available, pending, held, negative } = model
  const expected = JSON.stringify({ currency: 'points', available, pending, held, negative })
  if (JSON.stringify(balance) !== expected) {
    throw new Error(`after ${JSON.stringify(what)}: engine ${JSON.stringify(balance)}, model ${expected}`)
  }
}

function act(model: Model, what: Exclude<Step, { do: 'wait' }>): boolean {
  switch (what.do) {
    case 'earn':
      model.earn(what.cents, what.quantity)
      return true
    case 'return':
      return model.giveBack(what.sale, what.quantity)
    case 'redeem':
    case 'hold':
      return model.redeem(what.points, what.do === 'hold')
    case 'capture':
      return model.capture(what.of, what.points)
    case 'release':
      return model.release(what.of)
    case 'reverse':
      return model.reverse(what.of)
    case 'adjust':
      return model.adjust(what.points)
  }
}

type Asked = { request: Request; keep?: (reply: Record<string, string>) => void }

function asked(run: Run, what: Exclude<Step, { do: 'wait' }>): Asked {
  const { memberId, sales, redemptions, engine } = run
  const occurredAt = engine.now().toISOString()
  const externalRef = 'any'
  switch (what.do) {
    case 'earn': {
      const net = { amount: (what.cents / 100).toFixed(2), currency: 'EUR' }
      const lines = [{ lineId: '1', quantity: what.quantity, net }]
      const body = { externalRef, type: 'purchase', memberId, occurredAt, lines }
      return { request: { kind: 'earn', body }, keep: (reply) => sales.push(uuidOf(reply.transactionId)) }
    }
    case 'return': {
      const lines = [{ lineId: '1', quantity: what.quantity }]
      return {
        request: {
          kind: 'return',
          transactionId: sales[what.sale] ?? NOBODY,
          body: { externalRef, occurredAt, lines },
        },
      }
    }
    case 'redeem':
    case 'hold': {
      const hold = what.do === 'hold' ? { hold: { seconds: 2 * 86_400 } } : {}
      const body = { externalRef, memberId, currency: 'points', points: what.points, ...hold }
      return {
        request: { kind: 'redeem', body },
        keep: (reply) => redemptions.push(uuidOf(reply.redemptionId)),
      }
    }
    case 'capture':
      return {
        request: {
          kind: 'capture',
          redemptionId: redemptions[what.of] ?? NOBODY,
          body: { points: what.points },
        },
      }
    case 'release':
    case 'reverse':
      return { request: { kind: what.do, redemptionId: redemptions[what.of] ?? NOBODY, body: {} } }
    case 'adjust':
      return {
        request: {
          kind: 'adjust',
          body: { externalRef, memberId, currency: 'points', points: what.points, reason: 'model' },
        },
      }
  }
}
