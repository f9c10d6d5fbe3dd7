/** What a transaction adds to the counters, and how days are summed. */
import t from 'tap'
import { Decimal } from '../../src/base/points.ts'
import { USUAL_FEEDBACK } from '../../src/program/feedback.ts'
import type { Program } from '../../src/program/program.ts'
import { USUAL_VALUE } from '../../src/program/value.ts'
import { buildRuleSet } from '../../src/rules/evaluate.ts'
import { counted, sumOf } from '../../src/tiers/counters.ts'
import { ladder, rows } from './ladders.ts'

function program(...tiers: string[][]): Program {
  return {
    id: 'test',
    name: 'Test',
    version: '00',
    timeZone: 'UTC',
    money: 'EUR',
    currencies: new Map(),
    transactionTypes: new Map(),
    memberAttributes: new Map(),
    eventTypes: new Map(),
    partners: [],
    funders: new Map(),
    segments: [],
    segmentRules: [],
    clusters: null,
    campaigns: [],
    experiments: { holdout: 0.03 },
    asksForMarks: false,
    birthday: null,
    promotions: new Map(),
    milestones: [],
    rules: buildRuleSet({ rules: [], neverEarn: null, timeZone: 'UTC', money: 'EUR' }),
    ladders: tiers.map((one) => ladder({ tiers: one })),
    rewards: new Map(),
    returns: 'to_zero',
    transfers: new Map(),
    pools: null,
    closing: 'forfeit',
    retention: null,
    feedback: USUAL_FEEDBACK,
    value: USUAL_VALUE,
  }
}

t.test('only what a ladder names is counted', async (t) => {
  const sale = {
    day: '2026-03-01',
    spend: new Decimal('12.50'),
    transactions: 1n,
    awards: [
      { currency: 'miles', points: 100n },
      { currency: 'own', points: 40n },
      { currency: 'miles', points: 7n },
    ],
  }
  const back = {
    day: '2026-03-01',
    spend: new Decimal('-2.5'),
    transactions: 0n,
    awards: [{ currency: 'miles', points: -7n }],
  }
  const cases = [
    [program(), sale, ''],
    [program(['base']), sale, ''],
    [program(['base', 'silver: spend 500']), sale, 'spend 12.5'],
    [program(['base', 'silver: spend 500 | miles 9']), sale, 'points:miles 107, spend 12.5'],
    [program(['base', 'silver: miles 9 keep own 3']), sale, 'points:miles 107, points:own 40'],
    [
      program(['base', 'silver: miles 9'], ['base', 'vip: transactions 9']),
      sale,
      'points:miles 107, transactions 1',
    ],
    [program(['base', 'silver: points 9']), sale, ''], // a currency that this sale did not give
    [program(['base', 'silver: spend 5 & miles 9 & transactions 2']), back, 'points:miles -7, spend -2.5'],
  ] as const
  for (const [declared, input, expected] of cases) {
    const found = counted(declared, input)
    t.equal(found.map((row) => `${row.counter} ${row.value}`).join(', '), expected)
    t.ok(found.every((row) => row.day === input.day))
  }
})

t.test('a sum takes in both its days, and no other counter', async (t) => {
  const counters = rows('2026-01-01 spend 1, 2026-06-01 spend 0.2, 2026-06-01 miles 50, 2026-12-31 spend 30')
  const cases = [
    ['2026-01-01', '2026-12-31', '31.2'],
    ['2026-01-02', '2026-12-31', '30.2'],
    ['2026-01-01', '2026-12-30', '1.2'],
    ['2027-01-01', '2027-12-31', '0'],
  ] as const
  for (const [from, to, expected] of cases) t.equal(sumOf(counters, 'spend', from, to).toString(), expected)
  t.equal(sumOf(counters, 'points:miles', '2026-06-01', '2026-06-01').toString(), '50')
})
