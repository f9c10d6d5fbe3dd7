/**
 * Evaluation as a whole. For any transaction under a program of rules of every kind:
 * 1. the same question gives the same valuation;
 * 2. nothing is thrown but a refusal;
 * 3. points are above zero, and a rule per member never goes beyond its limit;
 * 4. finding rules by the index gives what looking at every rule gives;
 * 5. the spend is never more than the net of the item lines;
 * 6. with `explain` the awards are the same, and every rule of the type has its say.
 */
import t from 'tap'
import { DomainError } from '../../src/base/errors.ts'
import { Decimal } from '../../src/base/points.ts'
import { buildRuleSet, evaluate } from '../../src/rules/evaluate.ts'
import type {
  FieldValue,
  LineFacts,
  MemberFacts,
  TransactionFacts,
  Valuation,
} from '../../src/rules/facts.ts'
import { fc, runs } from '../support/property.ts'
import { checkLines, line, member, rule, scope, shownAwards, value } from './fixtures.ts'

const texts = [
  '{ id: first, on: purchase, award: 1 bean per 1 EUR of net }',
  '{ id: sku, on: purchase, forEach: line, when: { line.sku: [s1, s2] }, award: 10 beans, limit: 25 beans per transaction }',
  '{ id: category, on: purchase, forEach: line, when: { line.category: c1, weekday: tuesday }, award: 2 miles per 3 EUR of line.gross }',
  '{ id: brand, on: purchase, forEach: line, when: { line.brand: own, line.net: { atLeast: 2 } }, award: "beans = line.net / line.quantity / 1 EUR" }',
  '{ id: place, on: purchase, when: { location: berlin, channel: { not: web } }, award: 5 miles, limit: 12 miles per member per month }',
  '{ id: organic, on: purchase, forEach: line, when: { line.organic: true }, award: 1 penny per 1 of line.quantity }',
  '{ id: tiers, on: [purchase, flight], when: { tier: [silver, gold] }, award: "beans = bonus[tier].rate * awarded(first)" }',
  '{ id: any, on: purchase, when: { any: [{ channel: app }, { coupon: SPRING }] }, award: 7 beans }',
  '{ id: coupon, on: purchase, when: { coupon: SPRING, time: { between: ["22:00", "14:00"] } }, award: 3 beans }',
  '{ id: age, on: purchase, when: { where: "basketAge / (lines - 1) > 2" }, award: "beans = 100 / basketAge" }',
  '{ id: window, on: purchase, from: 2026-03-10, through: 2026-03-20, award: 1 mile }',
  '{ id: distance, on: flight, when: { carrier: own }, award: "miles = max(500, distance) * fares[fareClass].rate", limit: 1500 miles per member ever }',
  '{ id: together, on: purchase, lines: { category: c1, line.quantity: { atLeast: 1 } }, when: { net: { atLeast: 5 } }, award: 1 bean per 2 EUR of gross }',
  '{ id: named, on: purchase, lines: { sku: [s1, s3] }, award: 2 beans per 1 of quantity, group: alone }',
  '{ id: others, on: purchase, lines: { line.brand: own }, award: beans = lines, limit: 3 beans per transaction }',
  '{ id: both, on: purchase, when: { has: [{ sku: s1 }, { category: [c1, c2], quantity: { above: 0 } }] }, award: 4 miles }',
  '{ id: neither, on: purchase, when: { none: [{ has: { sku: s2 } }], memberFor: { below: 40 } }, award: 1 bean }',
  '{ id: staff, on: flight, when: { member.staff: true, departure: { atLeast: 2026-03-17 } }, award: "miles = distance - 400" }',
]
const ids = { ...scope, ruleIds: new Set(texts.map((text) => /id: (\w+)/.exec(text)?.[1] ?? '')) }
const rules = texts.map((text) => rule(text, ids))
const neverEarn = checkLines('{ category: c9 }').value
const program = { neverEarn, timeZone: scope.timeZone, money: scope.money }
const indexed = buildRuleSet({ ...program, rules })
const unindexed = buildRuleSet({ ...program, rules: rules.map((one) => ({ ...one, anchor: null })) })

const cents = fc.integer({ min: -500, max: 5000 }).map((amount) => new Decimal(amount).dividedBy(100))
const sometimes = <T>(...values: T[]) => fc.constantFrom<T | null>(null, ...values)
const anything: fc.Arbitrary<FieldValue> = fc.oneof(
  fc.constantFrom<FieldValue>(null, true, false, 'own', 'SPRING', 'Y', 'Q', '2026-03-17', '__proto__'),
  fc.integer({ min: -5, max: 3000 }),
  fc.double({ noNaN: false }),
)
const attributes = (...names: string[]): fc.Arbitrary<Record<string, FieldValue>> =>
  fc.dictionary(fc.constantFrom(...names), anything)

const anyLine: fc.Arbitrary<LineFacts> = fc
  .record({
    lineId: fc.constantFrom('1', '2', '3'),
    sku: sometimes('s1', 's2', 's3'),
    category: sometimes('c1', 'c2', 'c9'),
    kind: fc.constantFrom('item' as const, 'item' as const, 'giftCard' as const, 'voided' as const),
    quantity: fc.integer({ min: 0, max: 9 }).map((count) => new Decimal(count)),
    net: cents,
    tax: cents,
    attributes: attributes('brand', 'organic'),
  })
  .map((facts) => ({ ...facts, gross: facts.net.plus(facts.tax) }))

const anyTransaction: fc.Arbitrary<TransactionFacts> = fc.record({
  type: fc.constantFrom('purchase', 'purchase', 'flight', 'unheard-of'),
  occurredAt: fc.date({ min: new Date('2026-03-01'), max: new Date('2026-04-30'), noInvalidDate: true }),
  lines: fc.array(anyLine, { maxLength: 6 }),
  tenders: fc.array(fc.record({ kind: fc.constantFrom('cash', 'points', 'giftCard'), amount: cents }), {
    maxLength: 2,
  }),
  location: sometimes('berlin', 'rome'),
  channel: sometimes('app', 'web'),
  attributes: attributes('coupon', 'basketAge', 'distance', 'carrier', 'fareClass', 'departure'),
})

const anyMember: fc.Arbitrary<MemberFacts> = fc
  .tuple(fc.constantFrom('base', 'silver', 'gold'), attributes('staff', 'age', 'city'))
  .map(([tier, facts]) => member(tier, facts))

function shown({ awards, uses, spend }: Valuation): string {
  const json = (_key: string, part: unknown) => (typeof part === 'bigint' ? part.toString() : part)
  return JSON.stringify({ awards, uses, spend }, json)
}

t.test('what holds for any transaction', async () => {
  const limits = new Map([
    ['place', 12n],
    ['distance', 1500n],
  ])
  fc.assert(
    fc.property(anyTransaction, anyMember, fc.nat({ max: 20 }), (transaction, who, before) => {
      const ask = (set: typeof indexed, explain: boolean) =>
        evaluate(set, { transaction, member: who, used: () => BigInt(before), explain })
      let found: Valuation
      try {
        found = ask(indexed, false)
      } catch (error) {
        return error instanceof DomainError
      }
      const explained = ask(indexed, true)
      const net = transaction.lines
        .filter(({ kind, category }) => kind === 'item' && category !== 'c9')
        .reduce((sum, one) => sum.plus(one.net), new Decimal(0))
      const asked = rules.filter(({ on }) => on.includes(transaction.type)).map(({ id }) => id)
      const told = new Set(explained.trace.map(({ rule: id }) => id))
      return (
        shown(found) === shown(ask(indexed, false)) &&
        shown(found) === shown(ask(unindexed, false)) &&
        shown(found) === shown(explained) &&
        found.trace.length === 0 &&
        explained.trace.filter(({ fired }) => fired).length >= found.awards.length &&
        found.awards.every(({ points }) => points > 0n) &&
        found.uses.every(({ limit, points }) => points + BigInt(before) <= (limits.get(limit) ?? 0n)) &&
        found.spend.abs().lessThanOrEqualTo(net.abs()) &&
        asked.every((id) => told.has(id)) &&
        told.size === asked.length &&
        explained.trace.every(
          ({ fired, because }) => fired !== (typeof because === 'string' && because !== ''),
        )
      )
    }),
    { numRuns: runs(800) },
  )
})

t.test('rules come in the order of the file, however they are found', async (t) => {
  const program = [
    '{ id: first, on: purchase, forEach: line, when: { line.sku: s1 }, award: 1 bean }',
    '{ id: second, on: purchase, award: 2 beans }',
    '{ id: rule, on: purchase, when: { channel: app }, award: "beans = awarded(first) + awarded(second)" }',
    '{ id: later, on: purchase, forEach: line, when: { line.sku: [s2, s1] }, award: 3 beans }',
  ]
  const lines = [line({ lineId: 'a', sku: 's1' }), line({ lineId: 'b', sku: 's2' })]
  const valuation = value({ rules: program, transaction: { lines, channel: 'app' } })
  t.equal(
    shownAwards(valuation),
    'first beans 1@a, second beans 2, rule beans 3, later beans 3@a, later beans 3@b',
  )
})

t.test('rules for other products are not looked at', async (t) => {
  let looks = 0
  const many = Array.from({ length: 2000 }, (_, index) => {
    const one = rule(
      `{ id: r${index}, on: purchase, forEach: line, when: { line.sku: p${index} }, award: 1 bean }`,
    )
    const lineTests = one.lineTests.map((test) => ({
      ...test,
      holds: (sight: Parameters<typeof test.holds>[0]) => {
        looks += 1
        return test.holds(sight)
      },
    }))
    return { ...one, lineTests }
  })
  const lines = ['p7', 'p1999', 'none'].map((sku, index) => line({ lineId: String(index), sku }))
  t.equal(shownAwards(value({ rules: many, transaction: { lines } })), 'r7 beans 1@0, r1999 beans 1@1')
  // The two that the index finds are certain to hold.
  t.equal(looks, 0)
})

t.test('the index prefers the equality that leaves the fewest rules', async (t) => {
  const rows = [
    ['forEach: line, when: { channel: app, line.category: c, line.sku: s }', 'line.sku'],
    ['forEach: line, when: { location: berlin, line.category: c }', 'line.category'],
    ['when: { weekday: tuesday, coupon: A, location: berlin }', 'location'],
    ['when: { weekday: tuesday, coupon: [A, B] }', 'coupon'],
    ['when: { weekday: tuesday, coupon: { not: A } }', 'weekday'],
    ['when: { all: [{ coupon: A }] }', 'coupon'],
    ['when: { any: [{ coupon: A }] }', undefined],
    ['when: { none: [{ coupon: A }] }', undefined],
    ['when: { net: 5 }', undefined],
  ] as const
  for (const [when, expected] of rows) {
    t.equal(rule(`{ id: rule, on: purchase, ${when}, award: 1 bean }`).anchor?.fact.name, expected, when)
  }
})

t.test('explains what did not fire', async (t) => {
  const program = [
    '{ id: first, on: purchase, when: { weekday: monday }, award: 1 bean }',
    '{ id: second, on: purchase, forEach: line, when: { weekday: monday, line.category: tea }, award: 1 bean }',
    '{ id: rule, on: purchase, forEach: line, when: { line.category: tea }, award: 1 bean }',
    '{ id: later, on: flight, award: 1 bean }',
  ]
  const lines = [line({ lineId: 'a', category: 'tea' }), line({ lineId: 'b', category: 'bread' })]
  t.same(value({ rules: program, transaction: { lines }, explain: true }).trace, [
    { rule: 'first', fired: false, because: 'weekday is tuesday, not monday' },
    { rule: 'second', fired: false, because: 'weekday is tuesday, not monday' },
    {
      rule: 'rule',
      fired: true,
      lineId: 'a',
      saw: { 'line.category': 'tea' },
      exact: '1',
      rounding: 'floor',
    },
    { rule: 'rule', fired: false, lineId: 'b', because: 'line.category is bread, not tea' },
  ])
  t.same(value({ rules: program, transaction: {}, explain: true }).trace.at(-1), {
    rule: 'rule',
    fired: false,
    because: 'no line of this transaction may earn',
  })
  t.same(value({ rules: program, transaction: { lines } }).trace, [])
})

t.test('the same basket as a dry run by line', async (t) => {
  // A return is valued without its lines: A 10 EUR with 10 extra, B 10 EUR with 20, C 20 EUR with none.
  const program = [
    '{ id: first, on: purchase, award: 1 bean per 1 EUR of net }',
    '{ id: second, on: purchase, forEach: line, when: { line.sku: A }, award: 10 beans }',
    '{ id: rule, on: purchase, forEach: line, when: { line.sku: B }, award: 20 beans }',
  ]
  const [a, b, c] = [
    line({ lineId: 'a', sku: 'A', net: '10' }),
    line({ lineId: 'b', sku: 'B', net: '10' }),
    line({ lineId: 'c', sku: 'C', net: '20' }),
  ]
  const points = (lines: LineFacts[]) =>
    value({ rules: program, transaction: { lines } }).awards.reduce((sum, award) => sum + award.points, 0n)
  t.equal(points([a, b, c]), 70n)
  t.equal(points([a, b]), 50n)
})
