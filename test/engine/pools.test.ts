/** Pools: who pays how much of a redemption, that refunds go back in the same split, and who may be in one. */
import t from 'tap'
import { type Engine, startEngine, uuidOf } from '../support/engine.ts'
import { fc, runs } from '../support/property.ts'
import { ending, HOUSEHOLD, join, merging, pool, purchase, spend } from './household.ts'

t.setTimeout(600_000)

/** Members with so many points each, in one pool. */
let households = 0
async function household(
  engine: Engine,
  ...balances: number[]
): Promise<{ members: string[]; poolId: string }> {
  const members: string[] = []
  for (const [index, points] of balances.entries()) {
    const memberId = await engine.enrol(`m-${index}-of-${++households}`)
    if (points > 0) await engine.run(purchase(memberId, points))
    members.push(memberId)
  }
  const { poolId } = await engine.run(pool(...members))
  return { members, poolId: uuidOf(poolId) }
}

async function balancesOf(engine: Engine, members: readonly string[]): Promise<[bigint, bigint][]> {
  const rows = await engine.sql<{ member_id: string; available: bigint; held: bigint }[]>`
    select member_id, available, held from accounts where currency = 'points'`
  return members.map((id) => {
    const row = rows.find(({ member_id }) => member_id === id)
    return [row?.available ?? 0n, row?.held ?? 0n]
  })
}

// Balances in the order of the pool, the first one asks; what is spent, and what each has left.
const splits = [
  [[100, 100], 100, [50, 50]],
  [[100, 50], 75, [50, 25]],
  [[10, 10, 10], 10, [6, 7, 7]], // 3 1/3 each: the odd one is the asking member's
  [[0, 30, 70], 10, [0, 27, 63]],
  [[100, 1], 100, [1, 0]], // 99.0099 and 0.9901: the larger remainder pays the odd point
  [[3, 3, 3], 9, [0, 0, 0]],
] as const

t.test('each row: balances, what is spent, and what is left of each', async (t) => {
  const engine = await startEngine(t, HOUSEHOLD)
  for (const [balances, points, left] of splits) {
    const { members } = await household(engine, ...balances)
    const reply = await engine.run(spend(members[0]!, points, { usePool: true }))
    t.match(reply, { status: 'captured', points })
    t.same(
      (await balancesOf(engine, members)).map(([available]) => Number(available)),
      left,
      `${balances} less ${points}`,
    )
    const back = { kind: 'reverse', redemptionId: uuidOf(reply.redemptionId), body: {} } as const
    t.match(await engine.run(back), { status: 'reversed', points })
    t.same(
      (await balancesOf(engine, members)).map(([available]) => Number(available)),
      balances,
      'and back again',
    )
    t.equal(await engine.refused(back, 'again'), 'redemption_not_captured')
  }
  t.same(await engine.findings(), [])
})

t.test('a hold of a pool: captured in part, released, and let go by itself', async (t) => {
  const engine = await startEngine(t, HOUSEHOLD)
  const { members } = await household(engine, 60, 40)
  const hold = { usePool: true, hold: { seconds: 60 } }
  const figures = async () => (await balancesOf(engine, members)).map((one) => one.map(Number))

  const first = await engine.run(spend(members[1]!, 50, hold))
  t.match(first, { status: 'held', points: 50, balances: [{ available: 20, held: 20 }] })
  t.same(await figures(), [
    [30, 30],
    [20, 20],
  ])
  const redemptionId = uuidOf(first.redemptionId)
  t.match(await engine.run({ kind: 'capture', redemptionId, body: { points: 10 } }), {
    status: 'captured',
    points: 10,
    value: { amount: '0.10', currency: 'EUR' },
  })
  t.same(await figures(), [
    [54, 0],
    [36, 0],
  ])
  t.match(await engine.run({ kind: 'reverse', redemptionId, body: {} }), { points: 10 })
  t.same(await figures(), [
    [60, 0],
    [40, 0],
  ])

  const second = await engine.run(spend(members[0]!, 100, hold))
  t.match(await engine.run({ kind: 'release', redemptionId: uuidOf(second.redemptionId), body: {} }), {
    status: 'released',
  })
  const third = await engine.run(spend(members[0]!, 10, hold))
  engine.at('2026-03-03T10:02:00Z')
  const late = { kind: 'capture', redemptionId: uuidOf(third.redemptionId), body: {} } as const
  t.equal(await engine.refused(late), 'hold_expired')
  for (const memberId of members) await engine.run({ kind: 'settle', memberId })
  t.same(await figures(), [
    [60, 0],
    [40, 0],
  ])
  t.same(await engine.findings(), [])
})

t.test('a share alone cannot be closed, and who paid nothing has nothing to close', async (t) => {
  const engine = await startEngine(t, HOUSEHOLD)
  const { members } = await household(engine, 0, 10, 10)
  const reply = await engine.run(spend(members[0]!, 3, { usePool: true }), 'poor')
  t.match(reply, { memberId: `mem_${members[0]!.replaceAll('-', '')}`, points: 3 })
  const [share] = await engine.sql<{ redemption_id: string }[]>`
    select redemption_id from redemptions where part_of is not null`
  const alone = { kind: 'reverse', redemptionId: share!.redemption_id, body: {} } as const
  t.equal(await engine.refused(alone), 'redemption_not_found')
  t.strictSame(await engine.run(spend(members[0]!, 3, { usePool: true }), 'poor'), reply, 'a replay')
  t.same(await engine.findings(), [])
})

t.test('a capture of so little that one of them pays nothing, and back', async (t) => {
  const engine = await startEngine(t, HOUSEHOLD)
  const { members } = await household(engine, 1, 99)
  const held = await engine.run(spend(members[0]!, 100, { usePool: true, hold: { seconds: 60 } }))
  const redemptionId = uuidOf(held.redemptionId)
  t.match(await engine.run({ kind: 'capture', redemptionId, body: { points: 10 } }), { points: 10 })
  t.same(await balancesOf(engine, members), [
    [1n, 0n],
    [89n, 0n],
  ])
  t.match(await engine.run({ kind: 'reverse', redemptionId, body: {} }), { status: 'reversed', points: 10 })
  t.same(await balancesOf(engine, members), [
    [1n, 0n],
    [99n, 0n],
  ])
  t.same(await engine.findings(), [])
})

t.test('who comes and goes keeps their points and their lots', async (t) => {
  const engine = await startEngine(t, HOUSEHOLD)
  const { members, poolId } = await household(engine, 100, 100)
  const eve = await engine.enrol('eve')
  await engine.run(purchase(eve, 200))
  await engine.run(join(poolId, eve))
  await engine.run(spend(members[0]!, 100, { usePool: true }))
  t.same(
    (await balancesOf(engine, [...members, eve])).map(([available]) => Number(available)),
    [75, 75, 150],
  )
  const lots = () => engine.sql`select * from lots where member_id = ${eve} order by lot_id`
  const before = await lots()
  t.match(await engine.run({ kind: 'leave_pool', poolId, memberId: eve }), { members: [{}, {}] })
  t.same(await lots(), before)
  t.equal(await engine.refused(spend(members[0]!, 151, { usePool: true })), 'insufficient_points')
  t.match(await engine.run(spend(eve, 150)), { balances: [{ available: 0 }] })
  t.same(await engine.findings(), [])
})

t.test('what is refused, and that nothing is written', async (t) => {
  const engine = await startEngine(t, HOUSEHOLD)
  const { members, poolId } = await household(engine, 10, 10, 10)
  const [ann, bob, eve] = members as [string, string, string]
  const [zoe, max] = [await engine.enrol('zoe'), await engine.enrol('max')]
  await engine.run(ending('close', max))
  const nobody = '00000000-0000-7000-8000-000000000000'
  const was = await engine.checksum()
  const refusals = [
    ['insufficient_points', spend(ann, 31, { usePool: true })],
    ['not_in_pool', spend(zoe, 1, { usePool: true })],
    ['limit_reached', join(poolId, zoe)],
    ['already_in_pool', join(poolId, bob)],
    ['already_in_pool', pool(zoe, eve)],
    ['same_member', pool(zoe, zoe)],
    ['member_not_active', pool(zoe, max)],
    ['pool_not_found', join(nobody, zoe)],
    ['not_in_pool', { kind: 'leave_pool', poolId, memberId: zoe }],
    ['member_not_found', pool(nobody)],
  ] as const
  for (const [code, request] of refusals) t.equal(await engine.refused(request), code)
  t.equal(await engine.checksum(), was)

  const without = await startEngine(t, HOUSEHOLD.replace('pools: { members: 3 }', ''))
  const only = await without.enrol('only')
  t.equal(await without.refused(pool(only)), 'pools_not_allowed')
  t.equal(await without.refused(spend(only, 1, { usePool: true })), 'pools_not_allowed')
})

t.test('closing and merging take a member out of the pool', async (t) => {
  const engine = await startEngine(t, HOUSEHOLD)
  const { members, poolId } = await household(engine, 10, 20, 30)
  const [ann, bob, eve] = members as [string, string, string]
  await engine.run(ending('close', bob))
  await engine.run(merging('merge', ann, eve))
  const rows = await engine.sql`select member_id from pool_members where pool_id = ${poolId}`
  t.same(rows, [{ member_id: ann }])
  t.match(
    await engine.run(spend(eve, 40, { usePool: true })),
    { points: 40 },
    'who was merged pays as the other',
  )
  t.same(await engine.findings(), [])
})

t.test('parallel redemptions of one pool, by all of its members, from two engines', async (t) => {
  const first = await startEngine(t, HOUSEHOLD)
  const second = await startEngine(t, HOUSEHOLD, { database: first })
  const { members, poolId } = await household(first, 100, 200, 300)
  const zoe = await first.enrol('zoe')
  const told = await Promise.all([
    ...Array.from({ length: 40 }, (_, index) =>
      (index % 2 ? first : second).refused(
        spend(members[index % 3]!, 50, { usePool: index % 4 !== 3 }),
        `race-${index}`,
      ),
    ),
    first.refused({ kind: 'leave_pool', poolId, memberId: members[2]! }, 'leaving'),
    second.refused(join(poolId, zoe), 'joining'),
  ])
  const allowed = ['insufficient_points', 'not_in_pool', 'limit_reached']
  t.same(
    told.filter((one) => !one.startsWith('no refusal') && !allowed.includes(one)),
    [],
  )
  const [row] = await first.sql<{ left: bigint; spent: bigint }[]>`
    select (select sum(available) from accounts where currency = 'points')::bigint as left,
      (select sum(points) from postings where to_account = 'redeemed')::bigint as spent`
  t.equal(row!.left + row!.spent, 600n)
  t.equal(row!.spent % 50n, 0n, 'whole redemptions only')
  t.same(await first.findings(), [])
})

t.test('one member, joining twenty pools at once from two engines, is in one', async (t) => {
  const first = await startEngine(t, HOUSEHOLD)
  const second = await startEngine(t, HOUSEHOLD, { database: first })
  const eve = await first.enrol('eve')
  const pools: string[] = []
  for (let index = 0; index < 20; index += 1) {
    const { poolId } = await first.run(pool(await first.enrol(`head-${index}`)))
    pools.push(uuidOf(poolId))
  }
  const told = await Promise.all(
    pools.map((poolId, index) => (index % 2 ? first : second).refused(join(poolId, eve), `join-${index}`)),
  )
  t.equal(told.filter((one) => one.startsWith('no refusal')).length, 1)
  t.equal(told.filter((one) => one === 'already_in_pool').length, 19)
})

t.test('twenty members, joining one pool at once from two engines, do not overfill it', async (t) => {
  const first = await startEngine(t, HOUSEHOLD, { groupSize: 1, groups: 3 })
  const second = await startEngine(t, HOUSEHOLD, { database: first, groupSize: 1, groups: 3 })
  const { poolId } = await household(first, 0)
  const others = await Promise.all(Array.from({ length: 20 }, (_, index) => first.enrol(`late-${index}`)))
  const told = await Promise.all(
    others.map((memberId, index) =>
      (index % 2 ? first : second).refused(join(poolId, memberId), `j-${index}`),
    ),
  )
  t.equal(told.filter((one) => one.startsWith('no refusal')).length, 2)
  t.equal(told.filter((one) => one === 'limit_reached').length, 18)
  const [row] = await first.sql<{ members: bigint }[]>`
    select count(*) as members from pool_members where pool_id = ${poolId}`
  t.equal(row?.members, 3n)
})

// The rule once more, written from its words: each pays the whole part of their proportion, and the points
// that are left over fall to the largest remainders, the asking member first among equals.
function expected(balances: number[], points: number): number[] {
  const total = balances.reduce((sum, one) => sum + one, 0)
  const paid = balances.map((one) => Math.floor((points * one) / total))
  const order = balances
    .map((one, index) => ({ index, rest: (points * one) % total }))
    .sort((a, b) => b.rest - a.rest || a.index - b.index)
  for (let left = points - paid.reduce((sum, one) => sum + one, 0); left > 0; left -= 1) {
    paid[order.shift()!.index]! += 1
  }
  return paid
}

t.test('any balances and any sum: paid by largest remainder, and refunded to the point', async (t) => {
  const engine = await startEngine(t, HOUSEHOLD)
  const balances = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 3 })
  await fc.assert(
    fc.asyncProperty(balances, fc.integer({ min: 1, max: 900 }), async (given, points) => {
      const { members } = await household(engine, ...given)
      const total = given.reduce((sum, one) => sum + one, 0)
      const told = await engine.refused(spend(members[0]!, points, { usePool: true }))
      if (points > total) return told === 'insufficient_points'
      const left = (await balancesOf(engine, members)).map(([available]) => Number(available))
      // Enrolled one after the other, so in order of ids.
      const wanted = expected(given, points).map((paid, index) => given[index]! - paid)
      const redemptionId = uuidOf(JSON.parse(told.slice('no refusal but '.length)).redemptionId)
      await engine.run({ kind: 'reverse', redemptionId, body: {} })
      const back = (await balancesOf(engine, members)).map(([available]) => Number(available))
      return JSON.stringify([left, back]) === JSON.stringify([wanted, given])
    }),
    { numRuns: runs(60) },
  )
  t.same(await engine.findings(), [])
})
