/**
 * Points of every kind of lot are owed: those that lapse on a date, that were put off, by inactivity, never,
 * pending to a date or until a confirmation, and those that a partner pays for. A report that cannot read one
 * kind reads none.
 */
import t from 'tap'
import { financeTerms } from '../../src/engine/finance.ts'
import { deferralReport } from '../../src/ledger/deferred.ts'
import { estimateBreakage } from '../../src/ledger/estimates.ts'
import { liabilityReport } from '../../src/ledger/owed.ts'
import { startEngine } from '../support/engine.ts'
import { redeem, sale } from './shop.ts'

const RULES = `
program: shop
timeZone: UTC
money: EUR
currencies:
  points: { value: 0.01 EUR, expires: "12 months, end of month" }
  idle: { value: 0.01 EUR, expires: 24 months without activity }
  lasting: { value: 0.01 EUR, pending: 14 days }
  awaited: { value: 0.01 EUR, pending: "until confirmed, cancel after 5 days" }
partners: [roaster]
earn:
  - { id: base, on: purchase, award: 2 points per 1 EUR of net }
  - { id: roast, on: purchase, funder: roaster, award: 1 point per 1 EUR of net }
  - { id: idle, on: purchase, award: 3 idle per 1 EUR of net }
  - { id: lasting, on: purchase, award: 4 lasting per 1 EUR of net }
  - { id: awaited, on: purchase, award: 5 awaited per 1 EUR of net }
`

t.test('each row: a currency, and by whom and until when its points are owed', async (t) => {
  const engine = await startEngine(t, RULES)
  engine.at('2026-03-03T10:00:00Z')
  const ann = await engine.enrol('ann')
  await engine.run(sale(ann, '100.00'))
  await engine.run(redeem(ann, 50))
  const extend = { count: 1, unit: 'month' } as const
  await engine.run({
    kind: 'extend',
    body: { externalRef: 'x', memberId: ann, currency: 'points', extend, reason: 'test' },
  })
  await engine.run(sale(ann, '10.00', 'y'))

  const terms = financeTerms(engine.programs, 'shop', engine.now())
  const { currencies } = await liabilityReport(engine.sql, terms, { at: engine.now(), knownAt: null })
  const rows = currencies.flatMap((one) =>
    one.rows.map(({ funder, expires, points }) => `${one.currency} ${funder} ${expires} ${points}`),
  )
  t.same(rows.sort(), [
    'awaited program null 550',
    'idle program null 330',
    'lasting program null 440',
    'points program 2027-03 20',
    'points program 2027-04 150',
    'points roaster 2027-03 10',
    'points roaster 2027-04 100',
  ])
  t.same(
    Object.fromEntries(currencies.map(({ currency, points }) => [currency, points])),
    { points: 280, idle: 330, lasting: 440, awaited: 550 },
    'equal to the balances',
  )

  const input = { at: engine.now(), madeAt: engine.now(), madeBy: 'test' }
  const estimates = await estimateBreakage(engine.sql, terms, input)
  t.strictSame(estimates.map(({ currency }) => currency).sort(), ['awaited', 'idle', 'lasting', 'points'])
  const report = await deferralReport(engine.sql, terms, { at: engine.now(), knownAt: null, by: 'month' })
  t.ok(report.currencies.length > 0)
})
