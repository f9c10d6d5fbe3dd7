/** Points through time: pending, held, lapsed, put back; the clock stands where each step says. */
import t from 'tap'
import type { Request } from '../../src/engine/command.ts'
import { startEngine, uuidOf } from '../support/engine.ts'
import { RULES, redeem, sale } from './shop.ts'

const settle = (memberId: string): Request => ({ kind: 'settle', memberId })

t.test('points lapse at the end of their month, and are usable until then', async (t) => {
  const engine = await startEngine(t, RULES)
  const memberId = await engine.enrol('1')
  await engine.run(sale(memberId, '100.00'))
  // 12 months from 3 March 2026, end of month, in Berlin: midnight after 31 March 2027.
  engine.at('2027-03-31T21:59:59Z')
  t.match(await engine.run(redeem(memberId, 30)), { balances: [{ available: 70 }] })
  engine.at('2027-03-31T22:00:00Z')
  t.equal(await engine.refused(redeem(memberId, 1)), 'insufficient_points', 'even before any sweep')
  t.match(await engine.run(settle(memberId)), { expired: 70 })
  t.match(await engine.run(settle(memberId)), { expired: 0 }, 'a second sweep finds nothing')
  t.same(await engine.findings(), [])
})

t.test('pending points never pay, and become usable on their day', async (t) => {
  const engine = await startEngine(
    t,
    RULES.replace('kind: redeemable', 'kind: redeemable\n    pending: 14 days'),
  )
  const memberId = await engine.enrol('1')
  t.match(await engine.run(sale(memberId, '100.00')), { balances: [{ available: 0, pending: 100 }] })
  t.equal(await engine.refused(redeem(memberId, 1)), 'insufficient_points')
  engine.at('2026-03-16T22:59:59Z')
  t.equal(await engine.refused(redeem(memberId, 1)), 'insufficient_points')
  engine.at('2026-03-16T23:00:00Z')
  t.match(await engine.run(redeem(memberId, 1)), { balances: [{ available: 99, pending: 0 }] })
  t.same(await engine.findings(), [])
})

t.test('a hold is captured in part, released, or lets go by itself', async (t) => {
  const engine = await startEngine(t, RULES)
  const memberId = await engine.enrol('1')
  await engine.run(sale(memberId, '100.00'))
  const hold = async () => uuidOf((await engine.run(redeem(memberId, 40, { seconds: 600 }))).redemptionId)
  const capture = (redemptionId: string, points?: number): Request => ({
    kind: 'capture',
    redemptionId,
    body: points === undefined ? {} : { points },
  })

  const first = await hold()
  t.equal(await engine.refused(redeem(memberId, 61)), 'insufficient_points')
  t.equal(await engine.refused(capture(first, 41)), 'above_maximum')
  t.match(await engine.run(capture(first, 15)), {
    status: 'captured',
    points: 15,
    value: { amount: '0.15', currency: 'EUR' },
    balances: [{ available: 85, held: 0 }],
  })
  t.equal(await engine.refused(capture(first)), 'redemption_not_held')

  const second = await hold()
  t.match(await engine.run({ kind: 'release', redemptionId: second, body: {} }), {
    status: 'released',
    balances: [{ available: 85, held: 0 }],
  })

  const third = await hold()
  engine.at('2026-03-03T10:10:00Z')
  t.equal(await engine.refused(capture(third)), 'hold_expired')
  t.match(await engine.run(settle(memberId)), { holdsReleased: 1 })
  t.equal(await engine.refused(capture(third)), 'hold_expired')
  t.match(await engine.run(redeem(memberId, 85)), { balances: [{ available: 0, held: 0 }] })
  t.same(await engine.findings(), [])
})

t.test('a reversal puts points back into the lots they came from, with their old expiry', async (t) => {
  const engine = await startEngine(t, RULES)
  const memberId = await engine.enrol('1')
  await engine.run(sale(memberId, '100.00'))
  engine.at('2026-06-01T10:00:00Z')
  await engine.run(sale(memberId, '50.00', 'june', '2026-06-01T10:00:00Z'))
  const redemptionId = uuidOf((await engine.run(redeem(memberId, 120))).redemptionId)
  const reverse: Request = { kind: 'reverse', redemptionId, body: {} }
  t.match(await engine.run(reverse), { status: 'reversed', points: 120, balances: [{ available: 150 }] })
  t.equal(await engine.refused(reverse), 'redemption_not_captured')
  engine.at('2027-04-01T10:00:00Z')
  t.match(await engine.run(settle(memberId)), { expired: 100 })
  t.same(await engine.findings(), [])
})

t.test('points held beyond their expiry can be captured, and lapse when they are let go', async (t) => {
  const engine = await startEngine(t, RULES)
  const memberId = await engine.enrol('1')
  await engine.run(sale(memberId, '100.00'))
  engine.at('2027-03-31T21:55:00Z')
  const ids: string[] = []
  for (const points of [40, 60]) {
    ids.push(uuidOf((await engine.run(redeem(memberId, points, { seconds: 3600 }))).redemptionId))
  }
  engine.at('2027-03-31T22:05:00Z')
  t.match(await engine.run({ kind: 'capture', redemptionId: ids[0]!, body: {} }), {
    status: 'captured',
    points: 40,
  })
  t.match(await engine.run({ kind: 'release', redemptionId: ids[1]!, body: {} }), { status: 'released' })
  t.match(await engine.run(settle(memberId)), { expired: 0 }, 'lapsed with the release')
  t.equal(await engine.refused(redeem(memberId, 1)), 'insufficient_points')
  t.same(await engine.findings(), [])
})

t.test(
  'a tier is reached at its threshold, lost when its time is up, and given back by a return',
  async (t) => {
    const engine = await startEngine(t, RULES)
    const memberId = await engine.enrol('1')
    t.match(await engine.run(sale(memberId, '499.99')), { tier: { tier: 'base' } })
    const sold = await engine.run(sale(memberId, '0.01'))
    t.match(sold, { tier: { tier: 'silver' }, tierChange: { from: 'base', to: 'silver', direction: 'up' } })
    const back: Request = {
      kind: 'return',
      transactionId: uuidOf(sold.transactionId),
      body: { externalRef: 'b', occurredAt: '2026-03-03T10:00:00Z', all: true },
    }
    t.match(await engine.run(back), { tier: { tier: 'base' }, tierChange: { direction: 'down' } })
    t.match(await engine.run(sale(memberId, '1.00')), { tier: { tier: 'silver' } })
    t.same(await engine.findings(), [])

    engine.at('2027-06-01T00:00:00Z')
    t.match(await engine.run(settle(memberId)), { tierChanges: 1 })
    t.match(await engine.run(sale(memberId, '1.00', 'later', '2027-06-01T00:00:00Z')), {
      tier: { tier: 'base' },
    })
    t.same(await engine.findings(), [])
  },
)

t.test('a sale of long ago counts for its day, and its points have lapsed', async (t) => {
  const engine = await startEngine(t, RULES)
  const memberId = await engine.enrol('1')
  t.match(await engine.run(sale(memberId, '600.00', 'old', '2020-03-03T10:00:00Z')), {
    awards: [{ points: 600 }],
    balances: [{ available: 0 }],
    tier: { tier: 'base' },
  })
  t.match(await engine.run(sale(memberId, '10.00')), { balances: [{ available: 10 }] })
  t.same(await engine.findings(), [])
})

t.test(
  'points that lapse before they become usable lapse while pending, and nothing is left of them',
  async (t) => {
    const engine = await startEngine(
      t,
      RULES.replace('expires: 12 months, end of month', 'expires: 2 days\n    pending: 5 days'),
    )
    const memberId = await engine.enrol('1')
    await engine.run(sale(memberId, '80.00', 's', '2026-03-03T10:00:00Z'))
    engine.at('2026-03-06T10:00:00Z')
    t.match(await engine.run({ kind: 'settle', memberId }), { expired: 80, released: 0 })
    const [account] = await engine.sql`select available, pending from accounts where member_id = ${memberId}`
    t.same({ ...account }, { available: 0n, pending: 0n })
    engine.at('2026-03-09T10:00:00Z')
    t.match(await engine.run({ kind: 'settle', memberId }), { expired: 0, released: 0 })
    t.same(await engine.findings(), [])
  },
)
