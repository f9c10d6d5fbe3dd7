/** Points that are pending: by days, until a date, until they are confirmed; and when they count for tiers. */
import t, { type Test } from 'tap'
import type { Request } from '../../src/engine/command.ts'
import { type Engine, startEngine, uuidOf } from '../support/engine.ts'
import { redeem } from './shop.ts'

t.setTimeout(600_000)

const rules = (currency: string, more = '') => `
program: shop
timeZone: Europe/Berlin
money: EUR
currencies:
  points: ${currency}
returns: negative
earn:
  - id: base
    on: purchase
    award: 1 point per 1 EUR of net
${more}`

interface Story {
  readonly engine: Engine
  readonly memberId: string
  readonly sales: Map<string, string>
  refs: number
}

async function open(t: Test, text: string): Promise<Story> {
  const engine = await startEngine(t, text)
  engine.at('2026-01-01T12:00:00Z')
  return { engine, memberId: await engine.enrol('1'), sales: new Map(), refs: 0 }
}

/** `day what name [amount] [of day]`; answers `available pending negative`, the tier if there are any, or a refusal. */
async function step(story: Story, text: string): Promise<string> {
  const { engine, memberId, sales } = story
  const [day, what = '', name = '', ...rest] = text.split(/\s+/)
  const of = rest.find((word) => word.includes('-')) ?? day
  const amount = rest.find((word) => !word.includes('-')) ?? '0'
  engine.at(`${day}T12:00:00Z`)
  story.refs += 1
  const externalRef = `r${story.refs}`
  const occurredAt = `${of}T12:00:00Z`
  const lines = [{ lineId: '1', quantity: 10, net: { amount, currency: 'EUR' } }]
  const transactionId = sales.get(name) ?? ''
  const asked: Record<string, Request> = {
    sale: { kind: 'earn', body: { externalRef, type: 'purchase', memberId, occurredAt, lines } },
    confirm: { kind: 'confirm', transactionId, body: { externalRef, occurredAt } },
    cancel: { kind: 'cancel', transactionId, body: { externalRef, occurredAt } },
    return: {
      kind: 'return',
      transactionId,
      body: { externalRef, occurredAt, lines: [{ lineId: '1', quantity: Number(amount) }] },
    },
    redeem: redeem(memberId, Number(name)),
    extend: {
      kind: 'extend',
      body: {
        externalRef,
        memberId,
        currency: 'points',
        extend: { count: Number(name), unit: 'month' },
        reason: 'test',
      },
    },
    sweep: { kind: 'settle', memberId },
  }
  const request = asked[what]
  if (!request) throw new Error(`no such step: ${what}`)
  const outcome = await engine.refused(request, externalRef)
  if (!outcome.startsWith('no refusal')) return outcome
  const reply = JSON.parse(outcome.slice('no refusal but '.length))
  if (what === 'sale') sales.set(name, uuidOf(reply.transactionId))
  return standOf(story)
}

async function standOf({ engine, memberId }: Story): Promise<string> {
  const [row] = await engine.sql<{ text: string }[]>`
    select concat_ws(' ', available, pending, nullif(negative, 0) * -1,
      (select tier from standings where member_id = ${memberId} limit 1)) as text
    from accounts where member_id = ${memberId} and currency = 'points'`
  return row?.text ?? 'nothing'
}

async function check(t: Test, text: string, rows: readonly (readonly [string, string])[]): Promise<Story> {
  const story = await open(t, text)
  for (const [what, expected] of rows) t.equal(await step(story, what), expected, what)
  t.same(await story.engine.findings(), [])
  return story
}

t.test('by length', async (t) => {
  await check(t, rules('{ pending: 1 month }'), [
    ['2026-01-31 sale a 100', '0 100'],
    ['2026-01-31 redeem 1', 'insufficient_points'],
    ['2026-02-27 sweep', '0 100'],
    ['2026-02-28 sweep', '100 0'], // the last day of February, from its beginning
  ])
})

t.test('until a date; what is earned later is usable at once', async (t) => {
  await check(t, rules('{ pending: until 2026-03-29 }'), [
    ['2026-03-01 sale a 100', '0 100'],
    ['2026-03-28 sweep', '0 100'],
    ['2026-03-29 sweep', '100 0'],
    ['2026-03-30 sale b 5', '105 0'],
  ])
})

const CONFIRMED = '{ value: 0.01 EUR, pending: "until confirmed, cancel after 30 days", expires: 12 months }'

t.test('until confirmed', async (t) => {
  const { engine, memberId } = await check(t, rules(CONFIRMED), [
    ['2026-03-01 sale a 100', '0 100'],
    ['2026-03-01 sale b 50', '0 150'],
    ['2026-03-02 redeem 1', 'insufficient_points'],
    ['2026-03-05 confirm a', '100 50'],
    ['2026-03-06 confirm a', 'transaction_not_pending'],
    ['2026-03-06 cancel a', 'transaction_not_pending'],
    ['2026-03-31 sweep', '100 50'],
    ['2026-04-01 sweep', '100 0'], // the thirtieth day was the last one
    ['2026-04-02 cancel b', 'transaction_not_pending'],
    ['2026-04-02 confirm b', 'transaction_not_pending'],
    ['2026-04-02 confirm b 2026-03-31', '150 0'], // it came in time, and was told of too late
    ['2026-04-03 sale c 30', '150 30'],
    ['2026-04-04 cancel c', '150 0'],
    ['2026-04-05 confirm c 2026-04-04', 'transaction_not_pending'], // somebody cancelled it
    ['2027-03-01 sweep', '150 0'],
    ['2027-03-02 sweep', '0 0'], // counted from the sales
  ])
  const events = await engine.sql<{ type: string; points: number; automatic: boolean | null }[]>`
    select type, (payload ->> 'points')::int as points, (payload ->> 'automatic')::boolean as automatic
    from outbox where member_id = ${memberId} and type in ('points.released', 'points.cancelled') order by event_id`
  t.strictSame(
    events.map(({ type, points, automatic }) => [type, points, automatic]),
    [
      ['points.released', 100, null],
      ['points.cancelled', 50, true],
      ['points.released', 50, null],
      ['points.cancelled', 30, false],
    ],
  )
})

t.test('a confirmation of what awaits none, of nothing, of the past', async (t) => {
  await check(t, rules('{ value: 0.01 EUR }'), [
    ['2026-03-01 sale a 100', '100 0'],
    ['2026-03-02 confirm a', 'transaction_not_pending'],
  ])
  const story = await open(t, rules(CONFIRMED))
  await step(story, '2026-03-02 sale a 100')
  const before = await story.engine.checksum()
  t.equal(await step(story, '2026-03-03 confirm a 2026-03-01'), 'date_out_of_range')
  story.sales.set('x', '00000000-0000-7000-8000-000000000000')
  t.equal(await step(story, '2026-03-03 confirm x'), 'transaction_not_found')
  t.equal(await story.engine.checksum(), before)
})

t.test('the same confirmation again gets the same answer', async (t) => {
  const story = await open(t, rules(CONFIRMED))
  await step(story, '2026-03-02 sale a 100')
  const ask: Request = {
    kind: 'confirm',
    transactionId: story.sales.get('a')!,
    body: { externalRef: 'c', occurredAt: '2026-03-02T12:00:00Z' },
  }
  const replies = await Promise.all(Array.from({ length: 20 }, () => story.engine.run(ask, 'c')))
  t.equal(new Set(replies.map((reply) => JSON.stringify(reply))).size, 1)
  t.equal(await standOf(story), '100 0')
})

t.test('returns take the pending points first, and what was cancelled is not taken twice', async (t) => {
  await check(t, rules(CONFIRMED), [
    ['2026-03-01 sale a 100', '0 100'],
    ['2026-03-02 sale b 100', '0 200'],
    ['2026-03-03 confirm b', '100 100'],
    ['2026-03-04 return a 4', '100 60'],
    ['2026-03-05 confirm a', '160 0'],
    ['2026-03-06 return a 6', '100 0'],
    ['2026-03-07 sale c 70', '100 70'],
    ['2026-03-08 cancel c', '100 0'],
    ['2026-03-09 return c 10', '100 0'],
    ['2026-03-10 sale d 70', '100 70'],
    ['2026-05-01 return d 10', '100 0'], // its time had run out before
    ['2026-05-02 redeem 100', '0 0'],
    ['2026-05-03 return b 10', '0 0 -100'],
    ['2026-05-04 sale e 30', '0 30 -100'],
    ['2026-05-05 confirm e', '0 0 -70'], // usable points pay off the debt
  ])
  await check(t, rules(CONFIRMED), [
    ['2026-03-01 sale a 100', '0 100'],
    ['2026-04-02 return a 4', '0 0'], // its time had run out before
    ['2026-04-03 confirm a 2026-03-31', '60 0'], // what was returned meanwhile is not given again
    ['2026-04-04 return a 6', '0 0'],
    ['2026-04-05 sale b 100 2026-03-31', '0 100'],
    ['2026-05-05 return b 10', '0 0'],
    ['2026-05-06 confirm b 2026-04-01', 'transaction_not_pending'], // nothing is left of it
  ])
})

t.test('what was put off, then cancelled, and is returned or valued again, is not taken twice', async (t) => {
  await check(t, rules(CONFIRMED), [
    ['2026-03-01 sale a 100', '0 100'],
    ['2026-03-02 extend 1', '0 100'],
    ['2026-03-03 extend 2', '0 100'],
    ['2026-04-01 sweep', '0 0'], // nobody confirmed it
    ['2026-04-02 return a 4', '0 0'],
    ['2026-04-03 confirm a 2026-03-31', '60 0'], // it came in time, and lives on for as long
    ['2027-06-01 sweep', '60 0'],
    ['2027-06-01 return a 6', '0 0'],
  ])
  await check(t, rules(CONFIRMED), [
    ['2026-03-01 sale a 100', '0 100'],
    ['2026-03-02 extend 1', '0 100'],
    ['2026-03-03 cancel a', '0 0'],
    ['2026-03-04 return a 10', '0 0'],
  ])
  await check(t, rules('{ pending: "until confirmed, cancel after 30 days" , expires: 12 months }', GOLD), [
    ['2026-03-10 sale b 50', '0 50'],
    ['2026-03-11 extend 1', '0 50'],
    ['2026-03-12 cancel b', '0 0'],
    ['2026-03-13 sale a 100 2026-03-05', '0 100 gold'], // so b would have been worth 10 more
    ['2026-03-14 cancel a', '0 0 base'],
  ])
})

const TIERS = `
tiers:
  period: calendar year
  downgrade: earned
  ladder:
    - id: base
    - { id: gold, reach: { points: 100 } }
`

t.test('points count for tiers at once, or when they are usable, as the program says', async (t) => {
  await check(t, rules('{ pending: 10 days }', TIERS), [
    ['2026-03-01 sale a 100', '0 100 gold'],
    ['2026-03-02 return a 1', '0 90 base'],
  ])
  await check(t, rules('{ pending: 10 days, counts: when usable }', TIERS), [
    ['2026-03-01 sale a 100', '0 100'],
    ['2026-03-02 return a 1', '0 90'],
    ['2026-03-03 sale b 10', '0 100'],
    ['2026-03-11 sweep', '90 10'],
    ['2026-03-13 sweep', '100 0 gold'],
    ['2026-03-14 return b 10', '90 0 base'],
  ])
  await check(t, rules('{ pending: "until confirmed, cancel after 30 days", counts: when usable }', TIERS), [
    ['2026-03-01 sale a 100', '0 100'],
    ['2026-03-02 confirm a', '100 0 gold'],
    ['2026-03-03 return a 1', '90 0 base'],
  ])
  await check(t, rules('{ pending: "until confirmed, cancel after 30 days" }', TIERS), [
    ['2026-03-01 sale a 100', '0 100 gold'],
    ['2026-05-01 sweep', '0 0 base'], // nobody confirmed it: it never counted
    ['2026-05-02 confirm a 2026-03-05', '100 0 gold'],
  ])
})

const GOLD = `  - { id: gold, on: purchase, when: { tier: gold }, award: 10 points }
${TIERS}`

t.test('what is cancelled or confirmed late changes what later sales met', async (t) => {
  await check(t, rules('{ pending: "until confirmed, cancel after 30 days" }', GOLD), [
    ['2026-03-01 sale a 100', '0 100 gold'],
    ['2026-03-02 sale b 50', '0 160 gold'],
    ['2026-03-04 cancel a', '0 50 base'],
  ])
  await check(t, rules('{ pending: "until confirmed, cancel after 30 days" }', GOLD), [
    ['2026-03-01 sale a 100', '0 100 gold'],
    ['2026-03-20 sale b 50', '0 160 gold'],
    ['2026-04-01 sweep', '0 50 base'], // nobody confirmed it
    ['2026-04-02 confirm a 2026-03-05', '100 60 gold'],
  ])
  await check(t, rules('{ pending: 1 day, counts: when usable }', GOLD), [
    ['2026-03-01 sale a 100', '0 100'],
    ['2026-03-01 sale b 50 2026-03-02', '0 150'], // a till whose clock is a day ahead
    ['2026-03-02 sweep', '100 60 gold'], // gold since midnight, so by noon as well
  ])
})

const SPENT = `  - { id: gold, on: purchase, when: { tier: gold }, award: 10 points }
${TIERS.replace('reach: { points: 100 } }', 'reach: { spend: 100 EUR } }\n    - { id: top, reach: { points: 1000 } }')}`

t.test('points that count when usable are counted right when their sale is valued again', async (t) => {
  for (const [currency, confirming] of [
    ['{ pending: 1 day, counts: when usable }', false],
    ['{ pending: "until confirmed, cancel after 30 days", counts: when usable }', true],
  ] as const) {
    const counts = async ({ engine }: Story) => {
      const rows = await engine.sql<{ day: string; value: string }[]>`
        select day::text, trim_scale(value)::text as value from counters
        where counter = 'points:points' and value <> 0 order by day`
      return rows.map(({ day, value }) => `${day} ${value}`)
    }
    const story = await check(t, rules(currency, SPENT), [
      ['2026-03-10 sale b 50', '0 50'],
      ...(confirming ? ([['2026-03-11 confirm b', '50 0']] as const) : []),
      ['2026-03-12 sweep', '50 0'],
    ])
    t.strictSame(await counts(story), ['2026-03-11 50'], currency)
    await step(story, '2026-03-20 sale a 100 2026-03-05')
    if (confirming) await step(story, '2026-03-20 confirm a')
    const late = confirming ? ['2026-03-11 60', '2026-03-20 100'] : ['2026-03-06 100', '2026-03-11 60']
    t.strictSame(await counts(story), late, 'gold by then')
    await step(story, '2026-03-21 return a 10')
    t.strictSame(await counts(story), ['2026-03-11 50'], 'and not gold after all')
    t.same(await story.engine.findings(), [])
  }
})
