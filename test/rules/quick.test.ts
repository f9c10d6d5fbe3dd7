/**
 * Evaluation without Decimal, without a trace and only where the index has found a rule gives what tracing
 * every rule in decimals gives: the same awards, uses and refusals, whatever the program and the basket.
 */
import t from 'tap'
import { DomainError } from '../../src/base/errors.ts'
import { Decimal, type Rounding, roundings, toPoints, toWholePoints } from '../../src/base/points.ts'
import { buildRuleSet, evaluate, type Question } from '../../src/rules/evaluate.ts'
import type { FieldValue, TransactionFacts } from '../../src/rules/facts.ts'
import { Line, type LineAmount } from '../../src/rules/line.ts'
import { decimalOf, PARTS, partsOf, partsOfNumber, partsOfText } from '../../src/rules/parts.ts'
import { fc, runs } from '../support/property.ts'
import { member, rulesOf, scope } from './fixtures.ts'

const number = fc.constantFrom(
  '0.25',
  '1',
  '2',
  '3',
  '7',
  '0.0001',
  '100',
  '0.1',
  '1.5',
  '123456789',
  '0.00001',
)
const amount = fc.constantFrom('net', 'gross', 'line.net', 'line.gross')
const plain = fc.constantFrom(
  'quantity',
  'lines',
  'line.quantity',
  'basketAge',
  'member.age',
  'awarded(first)',
)

/** Formulas for a number, as deep as is of use. */
const formula: fc.Arbitrary<string> = fc.letrec<{ node: string; leaf: string }>((tie) => ({
  leaf: fc.oneof(
    number,
    plain,
    amount.map((one) => `${one} / 1 EUR`),
    fc.constantFrom('bonus["gold"].rate', 'bonus[tier].rate', 'fares[coupon].boarding'),
  ),
  node: fc.oneof(
    { maxDepth: 3 },
    tie('leaf'),
    fc
      .tuple(tie('node'), fc.constantFrom('+', '-', '*', '/'), tie('node'))
      .map(([a, operator, b]) => (operator === '/' ? `(${a}) / (${b} + 3)` : `(${a}) ${operator} (${b})`)),
    fc
      .tuple(fc.constantFrom('min', 'max'), tie('node'), tie('node'))
      .map(([name, a, b]) => `${name}(${a}, ${b})`),
    fc
      .tuple(fc.constantFrom('floor', 'ceil', 'round', 'abs', '-'), tie('node'))
      .map(([name, a]) => `${name}(${a})`),
    fc
      .tuple(tie('node'), fc.constantFrom('<', '>=', '=='), tie('node'), tie('node'), tie('node'))
      .map(([a, operator, b, yes, no]) => `if ${a} ${operator} ${b} then ${yes} else ${no}`),
  ),
})).node

const award = fc.oneof(
  formula.map((one) => `beans = ${one}`),
  fc
    .tuple(number, fc.boolean(), number, amount)
    .map(([points, full, step, of]) => `${points} beans per ${full ? 'full ' : ''}${step} EUR of ${of}`),
  fc.tuple(number, number).map(([points, step]) => `${points} miles per ${step} of line.quantity`),
  number.map((points) => `${points} beans`),
)

const conditions = fc.subarray([
  'line.sku: [s1, s2]',
  'line.category: c1',
  'line.net: { atLeast: 2.5 }',
  'net: { between: [1, 40.01] }',
  'line.quantity: { not: 3 }',
  'basketAge: [3, 4.5]',
  'location: berlin',
  'has: [{ sku: s1 }, { category: c2, net: { above: 1 } }]',
  'memberFor: { atLeast: 30 }',
  'where: "line.net * 3 > net + 0.5 EUR"',
])

const one = fc.record({
  award,
  conditions,
  round: fc.constantFrom('', ...roundings),
  limit: fc.constantFrom('', '', '25 beans per transaction', '90 beans per member per month'),
  group: fc.constantFrom('', '', '', 'offers', 'by-line', 'alone', 'own-lines', 'named'),
})

/** Rules of a random program; those that are not well formed are left out. */
const program = fc.array(one, { minLength: 1, maxLength: 6 }).map((drafts) => {
  const texts = drafts.map((draft, index) => {
    const id = ['second', 'rule', 'later'][index] ?? `more-${index}`
    const parts = [
      ...[`id: ${id}`, 'on: purchase', 'forEach: line', `award: '${draft.award}'`],
      ...(draft.conditions.length > 0 ? [`when: { ${draft.conditions.join(', ')} }`] : []),
      ...(draft.round ? [`round: ${draft.round}`] : []),
      ...(draft.limit && draft.award.includes('beans') ? [`limit: ${draft.limit}`] : []),
      ...(draft.group ? [`group: ${draft.group}`] : []),
    ]
    return `{ ${parts.join(', ')} }`
  })
  return ['{ id: first, on: purchase, forEach: line, award: 1 bean per 1 EUR of line.net }', ...texts]
})

const money = fc.oneof(
  fc.integer({ min: 0, max: 9999 }).map((cents) => (cents / 100).toFixed(2)),
  fc.constantFrom('0.00005', '1000000000', '999999999.9999', '12', '0.1', '33.333'),
)
const line = fc.record({
  lineId: fc.constantFrom('1', '2', '3', '4'),
  sku: fc.constantFrom(null, 's1', 's2', 's3'),
  category: fc.constantFrom(null, 'c1', 'c2'),
  kind: fc.constantFrom('item' as const, 'item' as const, 'voided' as const),
  quantity: fc.constantFrom(1, 2, 3, 0.1, 1.25, 1e-7, 12_345.678),
  net: money,
  tax: fc.option(money),
  gross: fc.option(money),
  attributes: fc.constant({}),
})

const transaction: fc.Arbitrary<TransactionFacts> = fc.record({
  type: fc.constant('purchase'),
  occurredAt: fc.constant(new Date('2026-03-17T12:00:00Z')),
  lines: fc
    .uniqueArray(line, { maxLength: 4, selector: ({ lineId }) => lineId })
    .map((lines) => lines.map((text) => new Line(text))),
  tenders: fc.constantFrom([], [], [{ kind: 'points', amount: new Decimal('1.05') }]),
  location: fc.constantFrom(null, 'berlin'),
  channel: fc.constant(null),
  attributes: fc.record({
    basketAge: fc.constantFrom<FieldValue>(null, 3, 4, -1),
    coupon: fc.constantFrom('Y', 'X'),
  }),
})

let fired = 0

t.test('the quick way and the tracing way give the same', async (t) => {
  const asked = fc.tuple(
    program,
    transaction,
    fc.constantFrom('base', 'silver', 'gold'),
    fc.constantFrom(0, 60),
  )
  fc.assert(
    fc.property(asked, ([texts, facts, tier, used]) => {
      const rules = rulesOf(texts)
      if (rules === null) return true
      const { timeZone } = scope
      const set = buildRuleSet({ rules, neverEarn: null, timeZone, money: 'EUR' })
      const question = { transaction: facts, member: member(tier, { age: 41 }), used: () => BigInt(used) }
      const traced = outcome(set, { ...question, explain: true })
      fired += rules.length > 1 && traced.includes('later') ? 1 : 0
      const words = outcome(set, question)
      const silent = outcome(set, { ...question, words: false })
      return (
        words === traced && silent === traced.replaceAll(/"explanation":"(\\.|[^"\\])*"/g, '"explanation":""')
      )
    }),
    { numRuns: runs(500) },
  )
  // some thirty of five hundred do
  t.ok(fired > 5, 'random rules do give points')
})

function outcome(set: Parameters<typeof evaluate>[0], question: Question): string {
  try {
    const { trace: _trace, ...rest } = evaluate(set, question)
    return JSON.stringify(rest, (_key, value) => (typeof value === 'bigint' ? `${value}` : value))
  } catch (error) {
    if (error instanceof DomainError) return error.code
    throw error
  }
}

t.test('points of a quotient are those of its Decimal', async () => {
  const whole = fc.integer({ min: -1_000_000, max: 1_000_000 })
  const unit = fc.oneof(fc.constantFrom(1, 2, 3, 10, 10_000), fc.integer({ min: 1, max: 99_999 }))
  fc.assert(
    fc.property(whole, unit, fc.constantFrom<Rounding>(...roundings), (value, by, rounding) => {
      const exact = new Decimal(value).dividedBy(by)
      return BigInt(toWholePoints(value, by, rounding)) === toPoints(exact, rounding)
    }),
    { numRuns: runs(5000) },
  )
})

t.test('ten-thousandths are the amount, or none', async (t) => {
  const rows = [
    ['12.50', 125_000],
    ['0', 0],
    ['-3.0001', -30_001],
    ['9999999.9999', 99_999_999_999],
    ['12345678.5', 123_456_785_000],
    ['0.00001', Number.NaN],
    ['1.00000', Number.NaN],
    ['9007199254740', Number.NaN],
    ['5.', Number.NaN],
    ['.5', Number.NaN],
    ['1e3', Number.NaN],
    ['', Number.NaN],
    ['-', Number.NaN],
  ] as const
  for (const [text, expected] of rows) t.ok(Object.is(partsOfText(text), expected), `"${text}"`)
  fc.assert(
    fc.property(
      fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }),
      fc.integer({ min: 0, max: 7 }),
      (digits, places) => {
        const decimal = new Decimal(digits.toString()).dividedBy(10 ** places)
        const parts = partsOf(decimal)
        if (Number.isNaN(parts))
          return decimal.decimalPlaces() > 4 || decimal.abs().greaterThan('900719925474')
        return decimalOf(parts, PARTS).equals(decimal)
      },
    ),
  )
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const parts = partsOfNumber(value)
      return Number.isNaN(parts) || decimalOf(parts, PARTS).equals(new Decimal(value))
    }),
  )
})

t.test('a line says the same in ten-thousandths and as Decimal', async () => {
  fc.assert(
    fc.property(line, fc.constantFrom<LineAmount>('net', 'tax', 'gross', 'quantity'), (text, what) => {
      const parts = new Line(text).parts(what)
      return Number.isNaN(parts) || decimalOf(parts, PARTS).equals(new Line(text)[what])
    }),
  )
})
