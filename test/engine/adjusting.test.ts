/** Adjustments: both signs, the lots that they touch, the tier that qualifying points decide, what is refused. */
import t from 'tap'
import type { Request } from '../../src/engine/command.ts'
import { startEngine } from '../support/engine.ts'
import { HOUSEHOLD, purchase } from './household.ts'

// a machine that is busy with other tests is no matter here
t.setTimeout(600_000)

function adjust(memberId: string, points: number, more: object = {}): Request {
  const body = { externalRef: 'any', memberId, currency: 'points', points, reason: 'goodwill', ...more }
  return { kind: 'adjust', body }
}

t.test(
  'given points lapse as if they were earned that day, taken ones come out of what lapses first',
  async (t) => {
    const engine = await startEngine(t, HOUSEHOLD)
    const ann = await engine.enrol('ann')
    await engine.run(purchase(ann, 100, { at: '2026-01-10T10:00:00Z' }))
    t.match(await engine.run(adjust(ann, 50, { actor: 'desk-3', occurredAt: '2026-02-10T10:00:00Z' })), {
      points: 50,
      actor: 'desk-3',
      balances: [{ available: 150 }],
    })
    t.match(await engine.run(adjust(ann, -120)), { points: -120, balances: [{ available: 30 }] })
    const lots = await engine.sql`
    select expires_at, available from lots where member_id = ${ann} and currency = 'points' order by expires_at`
    t.match(lots, [
      { expires_at: new Date('2027-01-31T23:00:00Z'), available: 0n },
      { expires_at: new Date('2027-02-28T23:00:00Z'), available: 30n },
    ])
    const [entry] =
      await engine.sql`select source, detail from entries where kind = 'adjust' order by entry_id limit 1`
    t.strictSame(
      { ...entry },
      { source: 'till', detail: { actor: 'desk-3', points: 50, reason: 'goodwill' } },
    )
    t.same(await engine.findings(), [])
  },
)

t.test('qualifying points that are given or taken change the tier, from their day on', async (t) => {
  const engine = await startEngine(t, HOUSEHOLD)
  const ann = await engine.enrol('ann')
  const tier = async () => {
    const [row] = await engine.sql<{ tier: string; since: Date }[]>`
      select tier, since from standings where member_id = ${ann}`
    return row && `${row.tier} since ${row.since.toISOString().slice(0, 10)}`
  }
  await engine.run(purchase(ann, 499, { at: '2026-01-10T10:00:00Z' }))
  t.equal(await tier(), undefined)
  await engine.run(adjust(ann, 1, { currency: 'credits', occurredAt: '2026-02-10T10:00:00Z' }))
  t.equal(await tier(), 'silver since 2026-02-10')
  await engine.run(adjust(ann, -1, { currency: 'credits', occurredAt: '2026-02-10T10:00:00Z' }))
  t.match(await tier(), /^base/)
  await engine.run(adjust(ann, 10_000))
  t.match(await tier(), /^base/, 'points that can be spent were not earned')
  t.same(await engine.findings(), [])
})

t.test('what is refused, and that nothing is written', async (t) => {
  const engine = await startEngine(t, HOUSEHOLD)
  const ann = await engine.enrol('ann')
  await engine.run(purchase(ann, 10))
  const was = await engine.checksum()
  const refusals = [
    ['insufficient_points', adjust(ann, -11)],
    ['unknown_currency', adjust(ann, 1, { currency: 'pionts' })],
    ['points_out_of_range', adjust(ann, Number.MAX_SAFE_INTEGER)],
    ['date_out_of_range', adjust(ann, 1, { occurredAt: '2026-03-05T10:00:01Z' })],
  ] as const
  for (const [code, request] of refusals) t.equal(await engine.refused(request), code)
  t.equal(await engine.checksum(), was)
})
