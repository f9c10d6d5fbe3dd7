/** The lane: commands that come together are decided one after the other, and a refusal is its own only. */
import t from 'tap'
import { startEngine } from '../support/engine.ts'
import { RULES, redeem, sale } from './shop.ts'

t.test('200 posts of one reference at once make one transaction and get one answer', async (t) => {
  const engine = await startEngine(t, RULES)
  const memberId = await engine.enrol('4711')
  const answers = await Promise.all(
    Array.from({ length: 200 }, () => engine.run(sale(memberId, '12.50'), 'till-1-0001')),
  )
  t.equal(new Set(answers.map((answer) => JSON.stringify(answer))).size, 1)
  const [{ count } = { count: -1n }] = await engine.sql<
    { count: bigint }[]
  >`select count(*) from transactions`
  t.equal(count, 1n)
  t.same(await engine.findings(), [])
})

t.test('50 redemptions of 100 at once from 1,000: exactly ten succeed', async (t) => {
  const engine = await startEngine(t, RULES)
  const memberId = await engine.enrol('4711')
  await engine.run(sale(memberId, '1000.00'))
  const outcomes = await Promise.all(Array.from({ length: 50 }, () => engine.refused(redeem(memberId, 100))))
  t.equal(outcomes.filter((outcome) => outcome.startsWith('no refusal')).length, 10)
  t.equal(outcomes.filter((outcome) => outcome === 'insufficient_points').length, 40)
  t.same(await engine.findings(), [])
})

t.test('a refused command leaves every table as it was, and its neighbours unharmed', async (t) => {
  const engine = await startEngine(t, RULES)
  const memberId = await engine.enrol('4711')
  await engine.run(sale(memberId, '100.00'))
  const before = await engine.checksum()
  const net = (amount: string, currency = 'EUR') => ({ lineId: '1', quantity: 1, net: { amount, currency } })
  const earn = (body: object) => ({ kind: 'earn' as const, body: { ...sale(memberId, '1').body, ...body } })
  const stranger = '00000000-0000-7000-8000-000000000000'

  const cases = [
    ['insufficient_points', redeem(memberId, 101)],
    ['insufficient_points', redeem(memberId, Number.MAX_SAFE_INTEGER)],
    [
      'unknown_currency',
      { kind: 'redeem', body: { externalRef: 'r', memberId, currency: 'pionts', points: 1 } },
    ],
    ['reward_not_found', { kind: 'redeem', body: { externalRef: 'r', memberId, rewardId: 'car' } }],
    ['member_not_found', redeem(stranger, 1)],
    [
      'member_not_found',
      { kind: 'redeem', body: { externalRef: 'r', identifier: { kind: 'card', value: '0' } } },
    ],
    ['unknown_transaction_type', earn({ type: 'purchaze' })],
    ['unknown_fact', earn({ attributes: { colour: 'red' } })],
    ['money_currency_mismatch', earn({ lines: [net('1.00', 'USD')] })],
    ['amount_out_of_range', earn({ lines: [net('-1.00')] })],
    ['amount_out_of_range', earn({ lines: [net('99999999999')] })],
    ['malformed_request', earn({ lines: [net('1.00'), net('1.00')] })],
    ['date_out_of_range', earn({ occurredAt: '9999-12-31T00:00:00Z' })],
    ['date_out_of_range', earn({ occurredAt: '1969-12-31T00:00:00Z' })],
    ['date_out_of_range', earn({ occurredAt: '2026-03-05T10:00:00Z' })],
    [
      'transaction_not_found',
      {
        kind: 'return',
        transactionId: stranger,
        body: { externalRef: 'x', occurredAt: '2026-03-03T10:00:00Z', all: true },
      },
    ],
    ['redemption_not_found', { kind: 'capture', redemptionId: stranger, body: {} }],
    [
      'identifier_taken',
      { kind: 'enrol', body: { externalRef: 'again', identifiers: [{ kind: 'card', value: '4711' }] } },
    ],
    ['identifier_not_found', { kind: 'block_identifier', memberId, body: { kind: 'card', value: '1' } }],
    ['unknown_fact', { kind: 'update_member', memberId, body: { attributes: { colour: 'red' } } }],
    [
      'insufficient_points',
      { kind: 'adjust', body: { externalRef: 'a', memberId, currency: 'points', points: -101, reason: 'x' } },
    ],
  ] as const
  // All at once, so that they share groups.
  const codes = await Promise.all(cases.map(([, request]) => engine.refused(request as never)))
  t.same(
    codes,
    cases.map(([code]) => code),
  )
  t.equal(await engine.checksum(), before)

  const mixed = await Promise.all([
    engine.refused(redeem(memberId, 101)),
    engine.run(sale(memberId, '7.00')),
    engine.refused(redeem(stranger, 1)),
  ])
  t.match(mixed, ['insufficient_points', { balances: [{ available: 107 }] }, 'member_not_found'])
})

t.test('a replay gets the recorded answer, another body under the same key is refused', async (t) => {
  const engine = await startEngine(t, RULES)
  const memberId = await engine.enrol('4711')
  const first = await engine.run(sale(memberId, '12.50'), 'one')
  await engine.run(sale(memberId, '30.00'), 'two')
  t.same(await engine.run(sale(memberId, '12.50'), 'one'), first, 'with the balance of then')
  t.equal(await engine.refused(sale(memberId, '12.51'), 'one'), 'idempotency_conflict')
  // the same reference for another operation is another key
  t.match(await engine.run(redeem(memberId, 1), 'one'), { status: 'captured' })
})

t.test('commands on one member run in order of arrival', async (t) => {
  const engine = await startEngine(t, RULES, { groupSize: 3 })
  const memberId = await engine.enrol('4711')
  const replies = await Promise.all(Array.from({ length: 20 }, () => engine.run(sale(memberId, '1.00'))))
  t.same(
    replies.map(
      (reply) => (reply as unknown as { balances: { available: number }[] }).balances[0]?.available,
    ),
    Array.from({ length: 20 }, (_, index) => index + 1),
  )
})

t.test('a full queue refuses, and what was accepted is done', async (t) => {
  const engine = await startEngine(t, RULES, { queueLimit: 10, groups: 1, groupSize: 5 })
  const memberId = await engine.enrol('4711')
  const outcomes = await Promise.all(Array.from({ length: 30 }, () => engine.refused(sale(memberId, '1.00'))))
  t.equal(outcomes.filter((outcome) => outcome === 'queue_full').length, 20)
  t.match(await engine.run(sale(memberId, '1.00')), { balances: [{ available: 11 }] })
})

t.test('closing lets what was accepted finish and refuses what comes', async (t) => {
  const engine = await startEngine(t, RULES)
  const memberId = await engine.enrol('4711')
  const accepted = engine.run(sale(memberId, '5.00'))
  const closed = engine.lane.close()
  t.equal(await engine.refused(sale(memberId, '5.00')), 'queue_full')
  t.match(await accepted, { balances: [{ available: 5 }] })
  await closed
  t.equal(engine.lane.depth, 0)
})

t.test('a preview says what the real command says, and writes nothing', async (t) => {
  const engine = await startEngine(t, RULES)
  const memberId = await engine.enrol('4711')
  await engine.run(sale(memberId, '10.00'))
  const before = await engine.checksum()
  const { newCommand } = await import('../../src/engine/command.ts')
  const command = newCommand(
    { program: 'shop', source: 'till', ref: 'preview', at: engine.now() },
    sale(memberId, '12.50', 'preview'),
  )
  const previewed = JSON.parse((await engine.lane.preview(command)).body)
  t.equal(await engine.checksum(), before)
  const real = JSON.parse((await engine.lane.run(command)).body)
  t.same(previewed, real)
})
