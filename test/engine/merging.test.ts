/** Merging duplicates and taking it back: points, tiers, history, identifiers, and whatever comes late. */
import t from 'tap'
import type { Request } from '../../src/engine/command.ts'
import { type Engine, startEngine, uuidOf } from '../support/engine.ts'
import { fc, runs } from '../support/property.ts'
import { ending, give, giveBack, HOUSEHOLD, merging, purchase, spend } from './household.ts'

t.setTimeout(600_000)

const card = (value: string) => ({ kind: 'card', value })

async function figures(engine: Engine, memberId: string, currency = 'points'): Promise<object> {
  const [row] = await engine.sql`
    select available, pending, held, negative, lifetime from accounts
    where member_id = ${memberId} and currency = ${currency}`
  return Object.fromEntries(Object.entries(row ?? {}).map(([key, value]) => [key, Number(value)]))
}

async function tierOf(engine: Engine, memberId: string): Promise<string> {
  const [row] = await engine.sql<{ tier: string }[]>`select tier from standings where member_id = ${memberId}`
  return row?.tier ?? 'base'
}

t.test('points, pending points, lifetime and tier come together, and go back', async (t) => {
  const engine = await startEngine(t, HOUSEHOLD)
  const [ann, dup] = [await engine.enrol('ann'), await engine.enrol('dup')]
  await engine.run(purchase(ann, 300, { at: '2026-01-10T10:00:00Z' }))
  await engine.run(purchase(dup, 250, { at: '2026-02-10T10:00:00Z' }))
  await engine.run(purchase(dup, 1, { channel: 'web' }))
  await engine.run(spend(dup, 51))
  t.equal(await tierOf(engine, ann), 'base')

  const reply = await engine.run(merging('merge', ann, dup))
  t.match(reply, {
    balances: [
      { currency: 'points', available: 500 },
      { currency: 'stars', pending: 3 },
      { currency: 'credits', available: 551 },
    ],
    tier: { tier: 'silver', since: '2026-02-09T23:00:00.000Z' },
    duplicate: { status: 'merged', balances: [{ available: 0 }, { pending: 0 }, { available: 0 }] },
  })
  t.match(await figures(engine, ann), { available: 500, lifetime: 551 })
  t.match(await figures(engine, dup), { available: 0, lifetime: 0 })
  t.same(await engine.findings(), [])

  const parted = await engine.run(merging('unmerge', ann, dup))
  t.match(parted, {
    balances: [{ available: 300 }, { pending: 0 }, { available: 300 }],
    tier: { tier: 'base' },
    duplicate: { status: 'active', balances: [{ available: 200 }, { pending: 3 }, { available: 251 }] },
  })
  t.match(await figures(engine, dup), { available: 200, lifetime: 251 })
  t.match(await engine.run(spend(dup, 200)), { balances: [{ available: 0 }] })
  t.same(await engine.findings(), [])
})

t.test('every identifier and id of the duplicate opens the member, until it is un-merged', async (t) => {
  const engine = await startEngine(t, HOUSEHOLD)
  const [ann, dup] = [await engine.enrol('ann'), await engine.enrol('dup')]
  await engine.run(merging('merge', ann, dup))
  const annId = `mem_${ann.replaceAll('-', '')}`
  t.match(await engine.run(purchase('', 10, { identifier: card('dup') })), { memberId: annId })
  t.match(await engine.run(purchase(dup, 10)), { memberId: annId, balances: [{ available: 20 }] })
  const block = { kind: 'block_identifier', memberId: ann, body: card('dup') } as const
  t.match((await engine.run(block)).identifiers, [{ value: 'ann' }, { value: 'dup', status: 'blocked' }])
  t.equal(await engine.refused(purchase('', 1, { identifier: card('dup') })), 'identifier_blocked')
  await engine.run({ kind: 'add_identifier', memberId: ann, body: card('dup') })
  await engine.run(merging('unmerge', ann, dup))
  const dupId = `mem_${dup.replaceAll('-', '')}`
  t.match(await engine.run(purchase('', 10, { identifier: card('dup') })), {
    memberId: dupId,
    balances: [{ available: 10 }],
  })
  t.match((await engine.run({ kind: 'update_member', memberId: ann, body: {} })).identifiers, [
    { value: 'ann' },
  ])
  t.same(await engine.findings(), [])
})

t.test('old sales are returned and old redemptions reversed on the member', async (t) => {
  const engine = await startEngine(t, HOUSEHOLD)
  const [ann, dup] = [await engine.enrol('ann'), await engine.enrol('dup')]
  const sold = await engine.run(purchase(dup, 600), 'sale')
  const spent = await engine.run(spend(dup, 100))
  await engine.run(purchase(ann, 50))
  await engine.run(merging('merge', ann, dup))
  t.equal(await tierOf(engine, ann), 'silver')
  t.strictSame(await engine.run(purchase(dup, 600), 'sale'), sold, 'a replay finds its answer')

  const annId = `mem_${ann.replaceAll('-', '')}`
  const back = await engine.run(giveBack(uuidOf(sold.transactionId)))
  t.match(back, {
    memberId: annId,
    reversed: [{ points: 600 }, { points: 600 }],
    balances: [{ available: 0, negative: 50 }],
    tier: { tier: 'base' },
  })
  t.equal(await engine.refused(giveBack(uuidOf(sold.transactionId))), 'returned_too_much')
  const reverse = { kind: 'reverse', redemptionId: uuidOf(spent.redemptionId), body: {} } as const
  t.match(await engine.run(reverse), { status: 'reversed', balances: [{ available: 100, negative: 50 }] })
  t.same(await engine.findings(), [])

  // What came of the duplicate's own facts goes with it: 600 brought, 600 returned, 100 reversed.
  const parted = await engine.run(merging('unmerge', ann, dup))
  t.match(parted, { tier: { tier: 'base' } })
  t.equal(await tierOf(engine, dup), 'base')
  const rows = await engine.sql`
    select member_id, sum(value)::int as credits from counters where counter = 'points:credits' group by 1`
  t.same(
    new Map(rows.map((row) => [row.member_id, row.credits])),
    new Map([
      [ann, 50],
      [dup, 0],
    ]),
  )
  t.same(await engine.findings(), [])
})

t.test(
  'what was spent in between stays spent; what was earned in between stays with the member',
  async (t) => {
    const engine = await startEngine(t, HOUSEHOLD)
    const [ann, dup] = [await engine.enrol('ann'), await engine.enrol('dup')]
    await engine.run(purchase(dup, 100, { at: '2026-01-10T10:00:00Z' })) // lapses first
    await engine.run(purchase(dup, 100, { at: '2026-03-01T10:00:00Z' }))
    await engine.run(purchase(ann, 100, { at: '2026-02-10T10:00:00Z' }))
    await engine.run(merging('merge', ann, dup))
    await engine.run(spend(ann, 130)) // 100 of January, 30 of February
    await engine.run(purchase(dup, 7))
    t.match(await engine.run(merging('unmerge', ann, dup)), {
      balances: [{ available: 77 }],
      duplicate: { balances: [{ available: 100 }] },
    })
    t.same(await engine.findings(), [])
  },
)

t.test('points that lapsed before the merge are not charged again when their sale is returned', async (t) => {
  const engine = await startEngine(t, HOUSEHOLD)
  const [ann, dup] = [await engine.enrol('ann'), await engine.enrol('dup')]
  const sold = await engine.run(purchase(dup, 100))
  engine.at('2027-04-01T10:00:00Z')
  await engine.run(purchase(ann, 30, { at: '2027-04-01T10:00:00Z' }))
  t.match(await engine.run(merging('merge', ann, dup)), { balances: [{ available: 30 }] })
  const back = { externalRef: 'b', occurredAt: '2027-04-01T10:00:00Z', all: true } as const
  const returned = { kind: 'return', transactionId: uuidOf(sold.transactionId), body: back } as const
  t.match(await engine.run(returned), { balances: [{ available: 30, negative: 0 }] })
  t.match(await engine.run(merging('unmerge', ann, dup)), {
    balances: [{ available: 30 }],
    duplicate: { balances: [{ available: 0, negative: 0 }] },
  })
  t.same(await engine.findings(), [])
})

t.test('debts: one pays the other’s, and what was paid stays paid', async (t) => {
  const engine = await startEngine(t, HOUSEHOLD)
  const debtor = async (name: string) => {
    const memberId = await engine.enrol(name)
    const sold = await engine.run(purchase(memberId, 40))
    await engine.run(spend(memberId, 40))
    await engine.run(giveBack(uuidOf(sold.transactionId)))
    return memberId
  }
  const rows = [
    ['the duplicate owes', 'debtor', 100, { available: 60, negative: 0 }],
    ['the duplicate owes more than there is', 'debtor', 10, { available: 0, negative: 30 }],
    ['the member owes', 'owner', 100, { available: 60, negative: 0 }],
    ['the member owes more than there is', 'owner', 10, { available: 0, negative: 30 }],
  ] as const
  for (const [name, duplicate, points, together] of rows) {
    const poor = await debtor(`${name} poor`)
    const rich = await engine.enrol(`${name} rich`)
    await engine.run(purchase(rich, points))
    const [ann, dup] = duplicate === 'debtor' ? [rich, poor] : [poor, rich]
    t.match(await engine.run(merging('merge', ann, dup)), { balances: [together] }, name)
    t.same(await engine.findings(), [], name)
    await engine.run(merging('unmerge', ann, dup))
    const [one, two] = [await figures(engine, ann), await figures(engine, dup)] as Record<string, number>[]
    const sum = one!.available! - one!.negative! + two!.available! - two!.negative!
    t.equal(sum, points - 40, `${name}: nothing is lost, nothing made`)
    t.same(await engine.findings(), [], name)
  }
})

t.test('duplicates of duplicates: merged in any depth, un-merged from the top', async (t) => {
  const engine = await startEngine(t, HOUSEHOLD)
  const [a, b, c] = [await engine.enrol('a'), await engine.enrol('b'), await engine.enrol('c')]
  const sold = await engine.run(purchase(c, 100))
  await engine.run(purchase(b, 10))
  await engine.run(merging('merge', b, c))
  await engine.run(merging('merge', a, b))
  const id = (memberId: string) => `mem_${memberId.replaceAll('-', '')}`
  t.match(await engine.run(purchase('', 1, { identifier: card('c') })), {
    memberId: id(a),
    balances: [{ available: 111 }],
  })
  t.match(await engine.run(giveBack(uuidOf(sold.transactionId))), {
    memberId: id(a),
    balances: [{ available: 11 }],
  })
  t.equal(await engine.refused(merging('unmerge', b, c)), 'not_merged', 'first a and b')
  t.match(await engine.run(merging('unmerge', a, b)), {
    balances: [{ available: 1 }],
    duplicate: { balances: [{ available: 10 }] },
  })
  t.match(await engine.run(merging('unmerge', b, c)), {
    balances: [{ available: 10 }],
    duplicate: { balances: [{ available: 0 }] },
  })
  t.same(await engine.findings(), [])
})

t.test('merged, un-merged and merged again, in one group and in several', async (t) => {
  for (const groupSize of [1, 128]) {
    const engine = await startEngine(t, HOUSEHOLD, { groupSize })
    const [ann, dup] = [await engine.enrol('ann'), await engine.enrol('dup')]
    const sold = await engine.run(purchase(dup, 100))
    await engine.run(purchase(ann, 30))
    const replies = await Promise.all(
      [
        merging('merge', ann, dup),
        giveBack(uuidOf(sold.transactionId)),
        merging('unmerge', ann, dup),
        purchase(dup, 50),
        merging('merge', ann, dup),
        merging('unmerge', ann, dup),
        merging('merge', ann, dup),
      ].map((request, index) => engine.run(request, `step-${index}`)),
    )
    t.match(replies.at(-1), { balances: [{ available: 80 }] }, `groups of ${groupSize}`)
    t.match(await figures(engine, ann), { available: 80, lifetime: 80 })
    t.same(await engine.findings(), [])
  }
})

const CONFIRMED = `
program: shop
timeZone: Europe/Berlin
money: EUR
currencies:
  points: { value: 0.01 EUR, pending: "until confirmed, cancel after 30 days" }
earn:
  - { id: base, on: purchase, award: 1 point per 1 EUR of net }
tiers:
  period: rolling 12 months
  ladder:
    - id: base
    - { id: gold, reach: { points: 100 } }
`

t.test('what nobody confirmed of a duplicate’s goes with it, whoever came by to cancel it', async (t) => {
  for (const swept of [true, false]) {
    const engine = await startEngine(t, CONFIRMED)
    const [ann, dup] = [await engine.enrol('ann'), await engine.enrol('dup')]
    const sold = await engine.run(purchase(dup, 100))
    await engine.run(merging('merge', ann, dup))
    t.equal(await tierOf(engine, ann), 'gold')
    engine.at('2026-05-01T10:00:00Z')
    if (swept) await engine.run({ kind: 'settle', memberId: ann })
    await engine.run(merging('unmerge', ann, dup))
    const rows = await engine.sql`
      select member_id, lifetime::int as lifetime, (select sum(value)::int from counters c
        where c.member_id = a.member_id and counter = 'points:points') as counted
      from accounts a where currency = 'points'`
    for (const { lifetime, counted } of rows) t.strictSame([lifetime, counted ?? 0], [0, 0])
    t.strictSame([await tierOf(engine, ann), await tierOf(engine, dup)], ['base', 'base'])
    const late = { externalRef: 'c', occurredAt: '2026-03-05T10:00:00Z' }
    const transactionId = uuidOf(sold.transactionId)
    t.match(await engine.run({ kind: 'confirm', transactionId, body: late }), { tier: { tier: 'gold' } })
    t.same(await engine.findings(), [])
  }
})

t.test('what is refused, and that nothing is written', async (t) => {
  const engine = await startEngine(t, HOUSEHOLD)
  const [ann, dup, eve] = [await engine.enrol('ann'), await engine.enrol('dup'), await engine.enrol('eve')]
  const [max, holder] = [await engine.enrol('max'), await engine.enrol('holder')]
  await engine.run(merging('merge', ann, dup))
  await engine.run(ending('close', max))
  await engine.run(purchase(holder, 10))
  await engine.run(spend(holder, 5, { hold: { seconds: 60 } }))
  const nobody = '00000000-0000-7000-8000-000000000000'
  const was = await engine.checksum()
  const refusals: [string, Request][] = [
    ['same_member', merging('merge', ann, ann)],
    ['member_not_active', merging('merge', eve, dup)],
    ['member_not_active', merging('merge', eve, max)],
    ['member_not_active', merging('merge', max, eve)],
    ['member_not_found', merging('merge', ann, nobody)],
    ['member_not_found', merging('merge', nobody, ann)],
    ['points_held', merging('merge', ann, holder)],
    ['not_merged', merging('unmerge', ann, eve)],
    ['not_merged', merging('unmerge', eve, dup)],
    ['not_merged', merging('unmerge', ann, nobody)],
    ['same_member', give(ann, dup, 1)],
  ]
  for (const [code, request] of refusals) t.equal(await engine.refused(request), code)
  t.equal(await engine.checksum(), was)
})

t.test('many are merged into one, but not without end', async (t) => {
  const engine = await startEngine(t, HOUSEHOLD)
  const ann = await engine.enrol('ann')
  for (let index = 1; index < 20; index += 1) {
    await engine.run(merging('merge', ann, await engine.enrol(`dup-${index}`)))
  }
  t.equal(await engine.refused(merging('merge', ann, await engine.enrol('one more'))), 'limit_reached')
})

t.test('two engines merge the same two both ways at once, while both are used', async (t) => {
  const first = await startEngine(t, HOUSEHOLD)
  const second = await startEngine(t, HOUSEHOLD, { database: first })
  const [ann, dup] = [await first.enrol('ann'), await first.enrol('dup')]
  await first.run(purchase(ann, 100))
  await first.run(purchase(dup, 100))
  const told = await Promise.all([
    first.refused(merging('merge', ann, dup), 'one way'),
    second.refused(merging('merge', dup, ann), 'other way'),
    ...Array.from({ length: 30 }, (_, index) =>
      (index % 2 ? first : second).refused(purchase(index % 3 ? ann : dup, 10), `sale-${index}`),
    ),
    ...Array.from({ length: 10 }, (_, index) =>
      (index % 2 ? first : second).refused(spend(index % 3 ? ann : dup, 10), `spend-${index}`),
    ),
  ])
  const [oneWay, otherWay, ...rest] = told
  // The later one finds that the two are one member by now.
  t.same(
    [oneWay, otherWay].filter((one) => !one!.startsWith('no refusal')).length,
    1,
    `${oneWay} ${otherWay}`,
  )
  t.same(
    rest.filter((one) => !one.startsWith('no refusal')),
    [],
  )
  const [row] = await first.sql<{ sum: bigint }[]>`
    select sum(available)::bigint as sum from accounts where currency = 'points'`
  t.equal(row?.sum, 400n)
  t.same(await first.findings(), [])
})

// A model of three members: what each has had given, taken and moved, as plain sums. Whatever is merged and
// un-merged in between, points are neither made nor lost, and a merged member has nothing.
type Step =
  | { do: 'earn' | 'spend'; who: number; points: number }
  | { do: 'give'; who: number; to: number; points: number }
  | { do: 'merge' | 'unmerge'; who: number; to: number }
  | { do: 'return' | 'reverse'; which: number }

const who = fc.nat({ max: 2 })
const points = fc.integer({ min: 1, max: 60 })
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('earn' as const, 'spend' as const), who, points }),
  fc.record({ do: fc.constant('give' as const), who, to: who, points }),
  fc.record({ do: fc.constantFrom('merge' as const, 'unmerge' as const), who, to: who }),
  fc.record({ do: fc.constantFrom('return' as const, 'reverse' as const), which: fc.nat({ max: 3 }) }),
)

t.test('any steps in any order: the sum of points follows from what was accepted', async (t) => {
  const engine = await startEngine(t, HOUSEHOLD)
  let round = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25, size: 'max' }), async (steps) => {
      round += 1
      const members: string[] = []
      for (const name of ['a', 'b', 'c']) members.push(await engine.enrol(`${name}-${round}`))
      const sales: string[] = []
      const redemptions: { id: string; points: number }[] = []
      let sum = 0
      for (const what of steps) {
        const request = requestOf(what, { members, sales, redemptions })
        if (!request) continue
        const told = await engine.refused(request)
        if (!told.startsWith('no refusal')) continue
        sum += keep(what, JSON.parse(told.slice('no refusal but '.length)), { sales, redemptions })
      }
      const [row] = await engine.sql<{ sum: bigint; merged: bigint }[]>`
        select coalesce(sum(available - negative), 0)::bigint as sum,
          coalesce(sum(available + negative) filter (where m.status = 'merged'), 0)::bigint as merged
        from accounts a join members m on m.member_id = a.member_id
        where a.currency = 'points' and a.member_id = any(${members}::uuid[])`
      if (row?.sum !== BigInt(sum)) throw new Error(`the model has ${sum}, the engine ${row?.sum}`)
      if (row.merged !== 0n) throw new Error(`merged members still have ${row.merged}`)
    }),
    { numRuns: runs(60) },
  )
  t.same(await engine.findings(), [])
})

/** By how much a step that was accepted changed the sum of points. */
function keep(
  what: Step,
  reply: { transactionId: string; redemptionId: string; reversed: { currency: string; points: number }[] },
  has: { sales: string[]; redemptions: { id: string; points: number }[] },
): number {
  switch (what.do) {
    case 'earn':
      has.sales.push(uuidOf(reply.transactionId))
      return what.points
    case 'spend':
      has.redemptions.push({ id: uuidOf(reply.redemptionId), points: what.points })
      return -what.points
    case 'return':
      return -(reply.reversed.find(({ currency }) => currency === 'points')?.points ?? 0)
    case 'reverse':
      return has.redemptions[what.which]!.points
    default:
      return 0
  }
}

function requestOf(
  what: Step,
  has: { members: string[]; sales: string[]; redemptions: { id: string }[] },
): Request | null {
  switch (what.do) {
    case 'earn':
      return purchase(has.members[what.who]!, what.points)
    case 'spend':
      return spend(has.members[what.who]!, what.points)
    case 'give':
      return give(has.members[what.who]!, has.members[what.to]!, what.points)
    case 'merge':
    case 'unmerge':
      return merging(what.do, has.members[what.who]!, has.members[what.to]!)
    case 'return':
      return has.sales[what.which] ? giveBack(has.sales[what.which]!) : null
    case 'reverse':
      return has.redemptions[what.which]
        ? { kind: 'reverse', redemptionId: has.redemptions[what.which]!.id, body: {} }
        : null
  }
}
