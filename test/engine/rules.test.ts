/**
 * What the rule language says, kept by the engine on a real database: budgets under parallel load, tiers that
 * are told of once, milestones that returns take back, promotions, segments, tiers by hand.
 */
import t from 'tap'
import type { Request } from '../../src/engine/command.ts'
import { celebrate } from '../../src/jobs/celebrate.ts'
import { freshDatabase } from '../support/database.ts'
import { type Engine, startEngine, uuidOf } from '../support/engine.ts'
import { jobDeps } from '../support/jobs.ts'

// a machine that is busy with other tests is no matter here
t.setTimeout(600_000)

const head = `
program: shop
timeZone: Europe/Berlin
money: EUR
currencies:
  points: { value: 0.01 EUR, expires: never }
  credits: { kind: qualifying }
`
const members = `members: { attributes: { born?: date }, birthday: born, segments: [vip] }
promotions: [{ id: summer, from: 2026-06-01, through: 2026-08-31 }]
`

interface Sale {
  readonly ref: string
  readonly amount: string
  readonly at?: string
}

function sale(memberId: string, { ref, amount, at = '2026-03-03T10:00:00Z' }: Sale): Request {
  const net = { amount, currency: 'EUR' }
  const lines = [{ lineId: '1', quantity: 1, net }]
  return { kind: 'earn', body: { externalRef: ref, type: 'purchase', memberId, occurredAt: at, lines } }
}

function takeBack(transactionId: string, ref: string, at: string): Request {
  return {
    kind: 'return',
    transactionId: uuidOf(transactionId),
    body: { externalRef: ref, occurredAt: at, all: true },
  }
}

async function points(engine: Engine, memberId: string, currency = 'points'): Promise<number> {
  const [row] = await engine.sql<{ available: bigint }[]>`
    select available from accounts where member_id = ${memberId} and currency = ${currency}`
  return Number(row?.available ?? 0n)
}

async function given(engine: Engine): Promise<number> {
  const [row] = await engine.sql<{ sum: bigint }[]>`
    select coalesce(sum(available), 0)::bigint as sum from accounts where currency = 'points'`
  return Number(row!.sum)
}

const budget = (limit: string) =>
  `${head}earn: [{ id: gift, on: purchase, award: 7 points, limit: [${limit}, 7 points per transaction] }]\n`

t.test('a budget gives out every point and not one more, whoever asks at once', async (t) => {
  const database = await freshDatabase(t)
  const rules = budget('1000 points in all')
  // Two services with small groups on one database, so that many groups run at once.
  const engines = [
    await startEngine(t, rules, { database, groupSize: 3, groups: 3 }),
    await startEngine(t, rules, { database, groupSize: 3, groups: 3 }),
  ]
  const ids: string[] = []
  for (let index = 0; index < 40; index += 1) ids.push(await engines[0]!.enrol(`card-${index}`))
  const replies = await Promise.all(
    Array.from({ length: 400 }, (_, index) =>
      engines[index % 2]!.run(sale(ids[index % ids.length]!, { ref: `s${index}`, amount: '1' }), `s${index}`),
    ),
  )
  const awarded = replies.map(({ awards }) =>
    (awards as unknown as { points: number }[]).reduce((sum, each) => sum + each.points, 0),
  )
  t.equal(
    awarded.reduce((sum, each) => sum + each, 0),
    1000,
    'in the replies',
  )
  t.equal(await given(engines[0]!), 1000, 'in the ledger')
  t.equal(awarded.filter((each) => each === 7).length, 142, '142 whole gifts')
  t.equal(awarded.filter((each) => each > 0 && each < 7).length <= 8, true, 'and the rest cut')
  const [row] = await database.sql<{ used: bigint; shards: number }[]>`
    select sum(used)::bigint as used, count(*)::int as shards from budgets`
  t.equal(row?.used, 1000n)
  t.ok(row!.shards > 1, `${row?.shards} shards were used`)
  t.same(await engines[0]!.findings(), [])
})

t.test('a return gives back to the budget, and each period has its own', async (t) => {
  const engine = await startEngine(t, budget('10 points in all per month'))
  const id = await engine.enrol('a')
  engine.at('2026-05-01T10:00:00Z')
  const first = await engine.run(sale(id, { ref: '1', amount: '1' }))
  await engine.run(sale(id, { ref: '2', amount: '1' }))
  t.equal(await points(engine, id), 10, '7 and 3')
  await engine.run(takeBack(String(first.transactionId), 'r', '2026-03-04T10:00:00Z'))
  t.equal(await points(engine, id), 3)
  await engine.run(sale(id, { ref: '3', amount: '1' }))
  t.equal(await points(engine, id), 10, 'what was given back can be given again')
  await engine.run(sale(id, { ref: '4', amount: '1' }))
  t.equal(await points(engine, id), 10)
  await engine.run(sale(id, { ref: '5', amount: '1', at: '2026-04-01T10:00:00Z' }))
  t.equal(await points(engine, id), 17, 'April')
  t.same(await engine.findings(), [])
})

t.test('a late fact that changes the tier of later sales keeps to the budget', async (t) => {
  // of the limit: points of the later sales, and used of the budget; then without the late sale
  const rows = [
    ['10 points in all', 10, 10],
    ['{ of: 10 points in all, over: refuse }', 7, 7], // the second one keeps its value
  ] as const
  for (const [limit, left, spent] of rows) {
    const engine = await startEngine(
      t,
      `${head}earn:
  - { id: gift, on: purchase, when: { tier: gold }, award: 7 points, limit: [${limit}] }
tiers:
  period: calendar year
  ladder:
    - { id: base }
    - { id: gold, reach: { spend: 100 EUR } }
`,
    )
    const id = await engine.enrol('a')
    const used = async () => {
      const [row] = await engine.sql<{ used: bigint | null }[]>`select sum(used)::bigint as used from budgets`
      return Number(row?.used ?? 0n)
    }
    engine.at('2026-03-20T10:00:00Z')
    await engine.run(sale(id, { ref: '1', amount: '1', at: '2026-03-10T10:00:00Z' }))
    await engine.run(sale(id, { ref: '2', amount: '1', at: '2026-03-11T10:00:00Z' }))
    t.equal(await used(), 0)
    const late = await engine.run(sale(id, { ref: '3', amount: '100', at: '2026-03-05T10:00:00Z' }))
    t.strictSame([await points(engine, id), await used()], [left, spent], limit)
    await engine.run(takeBack(String(late.transactionId), 'r', '2026-03-20T10:00:00Z'))
    t.strictSame([await points(engine, id), await used()], [0, 0], `${limit}, returned`)
    t.same(await engine.findings(), [])
  }
})

t.test('a budget that refuses leaves everything as it was', async (t) => {
  const engine = await startEngine(t, budget('{ of: 10 points in all, over: refuse }'))
  const id = await engine.enrol('a')
  await engine.run(sale(id, { ref: '1', amount: '1' }))
  const before = await engine.checksum()
  t.equal(await engine.refused(sale(id, { ref: '2', amount: '1' })), 'limit_reached')
  t.equal(await engine.checksum(), before)
})

t.test('reaching a tier is told of once in a period, and can lead further up', async (t) => {
  const engine = await startEngine(
    t,
    `${head}earn:
  - { id: base, on: purchase, award: 1 credit per 1 EUR of net }
  - { id: gift, on: tierReached, when: { tier: silver }, award: [500 points, 50 credits] }
  - { id: gold-gift, on: tierReached, when: { tier: gold }, award: 1000 points }
tiers:
  period: calendar year
  validity: end of period
  ladder: [{ id: base }, { id: silver, reach: { credits: 100 } }, { id: gold, reach: { credits: 150 } }]
`,
  )
  const id = await engine.enrol('a')
  engine.at('2026-04-01T10:00:00Z')
  const first = await engine.run(sale(id, { ref: '1', amount: '100' }))
  t.match(first.tierChange, { from: 'base', to: 'gold' }, 'the gift of silver makes gold')
  t.equal(await points(engine, id), 1500)
  await engine.run(takeBack(String(first.transactionId), 'r', '2026-03-05T10:00:00Z'))
  await engine.run(sale(id, { ref: '2', amount: '100' }))
  t.equal(await points(engine, id), 1500, 'falling back and rising again gives nothing twice')
  t.equal(
    await engine.refused({
      ...sale(id, { ref: 'x', amount: '1' }),
      kind: 'earn',
      body: {
        externalRef: 'x',
        type: 'tierReached',
        memberId: id,
        occurredAt: '2026-03-03T10:00:00Z',
        lines: [],
      },
    }),
    'unknown_transaction_type',
  )
  engine.at('2029-02-02T10:00:00Z')
  await engine.run(sale(id, { ref: '3', amount: '100', at: '2029-02-01T10:00:00Z' }))
  t.equal(await points(engine, id), 3000, 'years later, from the bottom, it is')
  t.same(await engine.findings(), [])
})

t.test('milestones go by counters: a return takes back what is no longer reached', async (t) => {
  const engine = await startEngine(
    t,
    `${head}earn: [{ id: base, on: purchase, award: 1 credit per 1 EUR of net }]
milestones: [{ id: bonus, every: 500 credits, per: membership year, most: 4, award: 80 points }]
`,
  )
  const id = await engine.enrol('a')
  engine.at('2026-04-01T10:00:00Z')
  const first = await engine.run(sale(id, { ref: '1', amount: '400' }))
  t.equal(await points(engine, id), 0)
  const second = await engine.run(sale(id, { ref: '2', amount: '700' }))
  t.match(second.awards, [{ rule: 'base' }, { rule: 'bonus', points: 160 }], '1,100 credits')
  const back = await engine.run(takeBack(String(first.transactionId), 'r1', '2026-03-05T10:00:00Z'))
  t.match(
    back.reversed,
    [
      { rule: 'base', points: 400 },
      { rule: 'bonus', points: 80 },
    ],
    '700 are left',
  )
  t.equal(await points(engine, id), 80)
  await engine.run(sale(id, { ref: '3', amount: '300' }))
  t.equal(await points(engine, id), 160, '1,000 again')
  await engine.run(sale(id, { ref: '4', amount: '5000' }))
  t.equal(await points(engine, id), 320, 'four times at most')
  await engine.run(takeBack(String(second.transactionId), 'r2', '2026-03-06T10:00:00Z'))
  t.equal(await points(engine, id), 320, '5,300 are still more than 2,000')
  t.same(await engine.findings(), [])
})

t.test('promotions and segments count from when they were entered', async (t) => {
  const engine = await startEngine(
    t,
    `${head}${members}earn:
  - { id: summer, on: purchase, when: { promotion: summer }, award: 10 points }
  - { id: vip, on: purchase, when: { segment: vip }, award: 100 points }
  - { id: entered, on: segmentEntered, when: { entered: vip }, award: 1000 points }
  - { id: hello, on: registration, award: 5 points }
`,
  )
  const id = await engine.enrol('a')
  engine.at('2026-06-20T10:00:00Z')
  const register = (promotion: string, occurredAt: string): Request => ({
    kind: 'register',
    memberId: id,
    body: { externalRef: occurredAt, promotion, occurredAt },
  })
  t.equal(await engine.refused(register('winter', '2026-06-10T10:00:00Z')), 'promotion_not_found')
  t.equal(
    await engine.refused(register('summer', '2026-05-31T21:59:59Z')),
    'promotion_not_found',
    'not open yet',
  )
  t.match(await engine.run(register('summer', '2026-06-10T10:00:00Z')), {
    promotions: ['summer'],
    segments: [],
  })
  await engine.run(register('summer', '2026-06-11T10:00:00Z'))
  t.equal(await points(engine, id), 5, 'told of once')
  await engine.run(sale(id, { ref: '1', amount: '1', at: '2026-06-10T09:59:59Z' }))
  t.equal(await points(engine, id), 5, 'a sale before it gives nothing, though it was posted after')
  await engine.run(sale(id, { ref: '2', amount: '1', at: '2026-06-10T10:00:00Z' }))
  t.equal(await points(engine, id), 15)

  const segment = (member: boolean, occurredAt: string): Request => ({
    kind: 'change_segment',
    memberId: id,
    body: { externalRef: occurredAt, segment: 'vip', member, occurredAt },
  })
  t.match(await engine.run(segment(true, '2026-06-12T10:00:00Z')), { segments: ['vip'] })
  t.match(await engine.run(segment(false, '2026-06-14T10:00:00Z')), { segments: [] })
  t.equal(await points(engine, id), 1015)
  for (const [ref, at] of [
    ['3', '2026-06-13T10:00:00Z'],
    ['4', '2026-06-14T10:00:00Z'],
  ] as const)
    await engine.run(sale(id, { ref, amount: '1', at }))
  t.equal(await points(engine, id), 1015 + 110 + 10, 'in it on the 13th, out on the 14th')
  t.same(await engine.findings(), [])
})

t.test('a tier by hand is left alone until it is released; a challenge is kept or lost', async (t) => {
  const engine = await startEngine(
    t,
    `${head}earn: [{ id: base, on: purchase, award: 1 credit per 1 EUR of net }]
tiers:
  period: calendar year
  validity: end of period
  ladder: [{ id: base }, { id: silver, reach: { credits: 100 } }, { id: gold, reach: { credits: 200 } }]
  challenges: [{ id: match, tier: gold, phases: [{ for: 30 days, reach: { credits: 50 } }, { for: 30 days, reach: { credits: 60 } }] }]
`,
  )
  const id = await engine.enrol('a')
  let count = 0
  const decide = (what: object): Promise<Record<string, unknown>> => {
    count += 1
    const body = { externalRef: `d${count}`, reason: 'because', ...what }
    return engine.run({ kind: 'decide_tier', memberId: id, body } as Request)
  }
  const settled = async (at: string) => {
    engine.at(at)
    await engine.run({ kind: 'settle', memberId: id })
    const [row] = await engine.sql<{ tier: string }[]>`select tier from standings where member_id = ${id}`
    return row?.tier
  }
  engine.at('2026-03-04T10:00:00Z')
  t.match(await decide({ tier: 'gold' }), { tier: 'gold', until: null })
  t.equal(await settled('2028-01-02T00:00:00Z'), 'gold', 'years later')
  // A late sale climbs the ladder again from its day; what a person decided stays.
  await engine.run(sale(id, { ref: 'late', amount: '10', at: '2026-03-03T10:00:00Z' }))
  t.equal(await settled('2028-01-03T00:00:00Z'), 'gold')
  t.match(await decide({ release: true }), { tier: 'base' }, 'nothing was earned')

  t.match(await decide({ challenge: 'match' }), { tier: 'gold', until: '2028-02-01T23:00:00.000Z' })
  await engine.run(sale(id, { ref: 'c1', amount: '50', at: '2028-01-03T00:00:00Z' }))
  t.equal(await settled('2028-02-02T00:00:00Z'), 'gold', 'the first phase is done')
  t.equal(await settled('2028-03-03T00:00:00Z'), 'base', 'the second is not')
  t.equal(
    await engine.refused({
      kind: 'decide_tier',
      memberId: id,
      body: { externalRef: 'x', tier: 'golden', reason: 'x' },
    }),
    'tier_not_found',
  )
  t.same(await engine.findings(), [])
})

t.test('birthdays and anniversaries are told of once, on the day of the program', async (t) => {
  const engine = await startEngine(
    t,
    `${head}${members}earn:
  - { id: birthday, on: birthday, award: 100 points }
  - { id: anniversary, on: anniversary, award: points = 10 * years }
`,
  )
  engine.at('2026-05-02T22:30:00Z') // half past midnight in Berlin
  const enrol = async (card: string, born: string | null, enrolledAt: string) => {
    const body = { externalRef: card, identifiers: [], enrolledAt, ...(born && { attributes: { born } }) }
    return uuidOf((await engine.run({ kind: 'enrol', body }, `e-${card}`)).memberId)
  }
  const ada = await enrol('ada', '1984-05-03', '2024-01-15T10:00:00Z')
  const bob = await enrol('bob', null, '2023-05-03T10:00:00Z')
  const leap = await enrol('leap', '1984-02-29', '2024-01-15T10:00:00Z')
  const run = (at: string) => {
    engine.at(at)
    return celebrate(jobDeps(engine), { at: new Date(at) })
  }
  t.match(await run('2026-05-02T21:59:59Z'), { birthdays: 0, anniversaries: 0, failed: 0 }, 'the day before')
  t.match(await run('2026-05-02T22:30:00Z'), { birthdays: 1, anniversaries: 1, failed: 0 })
  t.match(await run('2026-05-04T10:00:00Z'), { birthdays: 0, anniversaries: 0, failed: 0 }, 'told of already')
  t.equal(await points(engine, ada), 100)
  t.equal(await points(engine, bob), 30, 'three years')
  t.match(await run('2027-02-28T10:00:00Z'), { birthdays: 1 }, 'of 29 February')
  t.equal(await points(engine, leap), 100)
  t.same(await engine.findings(), [])
})

t.test(
  'enrolling is an event of its day: it gives once, counts for tiers, and lapses from then',
  async (t) => {
    const engine = await startEngine(
      t,
      `${head.replace('expires: never', 'expires: 12 months')}earn:
  - { id: hello, on: enrolment, award: [50 points, 100 credits], limit: 80 points in all per year }
  - { id: silver, on: tierReached, when: { tier: silver }, award: 7 points }
  - { id: spring, on: enrolment, award: 1 point, from: 2026-03-01, through: 2026-05-31 }
tiers: { period: calendar year, ladder: [{ id: base }, { id: silver, reach: { credits: 100 } }] }
`,
    )
    const enrol = async (card: string, enrolledAt?: string) => {
      const body = { externalRef: card, identifiers: [], ...(enrolledAt && { enrolledAt }) }
      return uuidOf((await engine.run({ kind: 'enrol', body }, `e-${card}`)).memberId)
    }
    const ada = await enrol('ada')
    t.equal(await points(engine, ada), 58)
    await enrol('ada')
    t.equal(await points(engine, ada), 58, 'the same request again')
    t.equal(await points(engine, await enrol('bob')), 38, 'thirty were left of the budget')
    const old = await enrol('old', '2024-11-05T10:00:00Z')
    t.equal(await points(engine, old), 0, 'of long ago: lapsed by now')
    const [sum] = await engine.sql<{ points: number }[]>`
    select sum(points)::int as points from postings where member_id = ${old} and to_account = 'expired'`
    t.equal(sum?.points, 57, 'what the day gave')
    t.same(await engine.findings(), [])
  },
)
