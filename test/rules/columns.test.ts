/**
 * A sale valued with its lines in columns gives what it gives line by line: the same points and as many awards of
 * each rule, the same uses of limits, spend and refusals, whatever the program and the basket.
 */
import t from 'tap'
import { DomainError } from '../../src/base/errors.ts'
import { Decimal } from '../../src/base/points.ts'
import { type LineColumns, type Lines, Sheet } from '../../src/rules/columns.ts'
import { buildRuleSet, evaluate, type Question } from '../../src/rules/evaluate.ts'
import type { LineFacts } from '../../src/rules/facts.ts'
import { partsOf } from '../../src/rules/parts.ts'
import { fc, PATIENCE, runs } from '../support/property.ts'
import { checkLines, member, rule, rulesOf, transaction } from './fixtures.ts'

t.setTimeout(PATIENCE)

const conditions = fc.subarray(
  [
    'line.sku: [s1, s2]',
    'line.category: c1',
    'line.net: { atLeast: 2.5 }',
    'net: { between: [1, 40.01] }',
    'line.quantity: { not: 3 }',
    'location: berlin',
    'has: [{ sku: s1 }]',
    'line.kind: item',
    'any: [{ line.sku: s1 }, { has: [{ category: c1 }] }]',
  ],
  { maxLength: 3 },
)

const draft = fc.record({
  award: fc.oneof(
    fc.constantFrom('3 beans', '2 miles', '1 bean per 2 EUR of line.net', '2 beans per 3 EUR of line.gross'),
    fc.constantFrom('5 miles per 2 of line.quantity', '0.7 miles per 1 EUR of line.tax'),
    fc.constantFrom(
      'beans = line.net / 1 EUR',
      'beans = 0.5 * awarded(first)',
      '1 bean per full 5 EUR of net',
    ),
  ),
  perLine: fc.boolean(),
  conditions,
  round: fc.constantFrom('', 'half_up', 'ceil'),
  limit: fc.constantFrom('', '', '25 beans per transaction', '90 beans per member per month'),
  over: fc.boolean(),
  group: fc.constantFrom('', '', '', '', 'offers', 'by-line', 'alone', 'own-lines'),
})

const programs = fc.array(draft, { minLength: 1, maxLength: 6 }).map((drafts) => [
  '{ id: first, on: purchase, forEach: line, award: 1 bean per 1 EUR of line.net }',
  ...drafts.map(({ award, perLine, conditions: when, round, limit, over, group }, index) => {
    const isOfBeans = limit && award.includes('bean')
    const parts = [
      ...[`id: rule-${index}`, 'on: purchase', `award: '${award}'`],
      ...(perLine ? ['forEach: line'] : []),
      ...(when.length > 0 ? [`when: { ${when.join(', ')} }`] : []),
      ...(round ? [`round: ${round}`] : []),
      ...(isOfBeans ? [over ? `limit: { of: ${limit}, over: refuse }` : `limit: ${limit}`] : []),
      ...(group ? [`group: ${group}`] : []),
    ]
    return `{ ${parts.join(', ')} }`
  }),
])

const cents = fc.integer({ min: -500, max: 9999 })
const baskets = fc.array(
  fc.record({
    sku: fc.constantFrom(null, 's1', 's2', 's3'),
    category: fc.constantFrom(null, 'c1', 'c2'),
    kind: fc.constantFrom('item' as const, 'item' as const, 'voided' as const, 'giftCard' as const),
    quantity: fc.constantFrom('1', '2', '3', '0.1', '1.25', '0.0000001'),
    net: cents,
    tax: cents,
  }),
  { maxLength: 8 },
)

function linesOf(
  basket: readonly {
    sku: string | null
    category: string | null
    kind: LineFacts['kind']
    quantity: string
    net: number
    tax: number
  }[],
): LineFacts[] {
  return basket.map(({ quantity, net, tax, ...goods }, index) => {
    const amounts = { net: new Decimal(net).dividedBy(100), tax: new Decimal(tax).dividedBy(100) }
    const gross = amounts.net.plus(amounts.tax)
    return {
      ...goods,
      lineId: `line ${index}`,
      quantity: new Decimal(quantity),
      ...amounts,
      gross,
      attributes: {},
    }
  })
}

/** Sales one after the other, before and behind each a line that no sale of the test has. */
function inColumns(sales: readonly (readonly LineFacts[])[]): Lines[] {
  const other: LineFacts = {
    ...linesOf([{ sku: 's1', category: 'c1', kind: 'item', quantity: '1', net: 77, tax: 7 }])[0]!,
  }
  const all = [other, ...sales.flatMap((lines) => [...lines, other])]
  const keys = all.map(({ sku, category, kind }) => JSON.stringify([sku, category, kind]))
  const known = [...new Set(keys)]
  const amounts = (of: (line: LineFacts) => Decimal) => Float64Array.from(all, (line) => partsOf(of(line)))
  const columns: LineColumns = {
    goods: known.map((key) => all[keys.indexOf(key)]!),
    place: Uint32Array.from(keys, (key) => known.indexOf(key)),
    ...{ net: amounts(({ net }) => net), tax: amounts(({ tax }) => tax) },
    gross: new Float64Array(all.length).fill(Number.NaN),
    quantity: Float64Array.from(all, ({ quantity }) => quantity.toNumber()),
  }
  const sheet = new Sheet(columns)
  let next = 1
  return sales.map(({ length }) => {
    const from = next
    next += length + 1
    return { sheet, from, to: from + length }
  })
}

function outcome(set: Parameters<typeof evaluate>[0], question: Question): string {
  try {
    const { awards, uses, spend } = evaluate(set, { ...question, words: false })
    const sums = new Map<string, { points: bigint; lines: number }>()
    for (const { rule: id, currency, points, lines = 1 } of awards) {
      const before = sums.get(`${id} ${currency}`) ?? { points: 0n, lines: 0 }
      sums.set(`${id} ${currency}`, { points: before.points + points, lines: before.lines + lines })
    }
    const told = { sums: [...sums], uses, spend: spend.toFixed() }
    return JSON.stringify(told, (_key, value) => (typeof value === 'bigint' ? `${value}` : value))
  } catch (error) {
    if (error instanceof DomainError) return error.code
    throw error
  }
}

t.test('lines in columns give what they give one by one', async (t) => {
  let summed = 0
  const asked = fc.tuple(
    programs,
    fc.tuple(baskets, baskets),
    fc.constantFrom(0, 60),
    fc.constantFrom(null, 'sku: s3', 'net: { below: 3 }'),
  )
  fc.assert(
    fc.property(asked, ([texts, both, used, never]) => {
      const rules = rulesOf(texts)
      if (rules === null) return true
      const neverEarn = never === null ? null : checkLines(`{ ${never} }`).value
      const set = buildRuleSet({ rules, neverEarn, timeZone: 'Europe/Berlin', money: 'EUR' })
      const sales = both.map(linesOf)
      const columns = inColumns(sales)
      // The first one once more: what was found of goods meanwhile holds for it, too.
      return [0, 1, 0].every((place) => {
        const facts = transaction({ lines: sales[place]!, location: 'berlin' })
        const question = { transaction: facts, member: member(), used: () => BigInt(used) }
        const one = outcome(set, question)
        if (one.includes('"lines":2')) summed += 1
        return outcome(set, { ...question, lines: columns[place]! }) === one
      })
    }),
    { numRuns: runs(600) },
  )
  t.ok(summed > 20, `${summed} baskets had two lines that earn by one rule`)
})

t.test('a condition on other lines of the sale is asked of each sale', async (t) => {
  const offer =
    '{ id: offer, on: purchase, forEach: line, when: { any: [{ line.sku: s1 }, { has: [{ sku: s2 }] }] }, award: 1 bean }'
  const set = buildRuleSet({ rules: [rule(offer)], neverEarn: null, timeZone: 'UTC', money: 'EUR' })
  const goods = { category: null, kind: 'item', quantity: '1', net: 100, tax: 0 } as const
  const sales = [['s3', 's2'], ['s3'], ['s3', 's1']].map((skus) =>
    linesOf(skus.map((sku) => ({ ...goods, sku }))),
  )
  const columns = inColumns(sales)
  const given = sales.map((lines, place) => {
    const facts = transaction({ lines })
    const { awards } = evaluate(set, {
      transaction: facts,
      member: member(),
      used: () => 0n,
      words: false,
      lines: columns[place]!,
    })
    return awards.reduce((sum, { points }) => sum + points, 0n)
  })
  t.strictSame(given, [2n, 0n, 1n])
})
