/**
 * The cost of rules that do not apply: baskets are valued under 10, 100, 1,000 and 10,000 rules of which five
 * apply, and the same rules and baskets by json-rules-engine and by zen-engine in the same run. All three must
 * give the same points, or there is no result.
 */
import { parseArgs } from 'node:util'
import { ZenEngine } from '@gorules/zen-engine'
import { Engine } from 'json-rules-engine'
import { loadProgram } from '../src/program/load.ts'
import { evaluate } from '../src/rules/evaluate.ts'
import type { TransactionFacts } from '../src/rules/facts.ts'
import { Line } from '../src/rules/line.ts'
import { spreadOf } from './report.ts'

export const rulesHelp = `Usage: npm run bench -- rules [options]

  What a basket costs under 10, 100, 1,000 and 10,000 rules of which five apply; beside json-rules-engine and
  zen-engine on the same rules and baskets, in the same run. The points of all three are compared. Measured is
  processor time, so that other work on the machine disturbs little.

  --rounds N      rounds, of which the median counts (3)
  --seconds S     time for each engine, size and round (1)
  --json          the result as JSON on standard output
`

const SIZES = [10, 100, 1000, 10_000] as const
const BASKETS = 64

interface Basket {
  readonly sku: string
  readonly net: number
  readonly location: string
}

/** Rule `i` is on article `i`: two points per euro, or a flat sum; every tenth asks for a minimum as well. */
function skuRule(index: number): { id: string; sku: string; flat: number | null; least: number | null } {
  return {
    id: `rule-${index}`,
    sku: `SKU-${Math.floor(index / 4)}`,
    flat: index % 2 === 0 ? (index % 7) + 1 : null,
    least: index % 10 === 0 ? 5 : null,
  }
}

// One rule is everybody's; four are on the article of the basket: five apply.
function rulesOf(size: number) {
  return Array.from({ length: size - 1 }, (_, index) => skuRule(index))
}

function basketsOf(size: number): Basket[] {
  const articles = Math.max(1, Math.floor((size - 1) / 4))
  return Array.from({ length: BASKETS }, (_, index) => ({
    sku: `SKU-${(index * 7919) % articles}`,
    net: 10 + index,
    location: 'harbour',
  }))
}

/** Values a basket; the points in all. */
type Valuing = (basket: Basket) => number | Promise<number>

function milepost(size: number): Valuing {
  const earn = rulesOf(size).map(({ id, sku, flat, least }) => {
    const when = [`line.sku: ${sku}`, ...(least === null ? [] : [`net: { atLeast: ${least} }`])].join(', ')
    const award = flat === null ? '2 points per 1 EUR of line.net' : `${flat} points`
    return `  - { id: ${id}, on: purchase, forEach: line, when: { ${when} }, award: ${award} }`
  })
  const text = [
    'program: bench\ntimeZone: UTC\nmoney: EUR\ncurrencies: { points: { value: 0.01 EUR } }\nearn:',
    '  - { id: base, on: purchase, award: 1 point per 1 EUR of net }',
    ...earn,
  ].join('\n')
  // A file may hold so many words only; campaigns take the rest.
  const { program, errors } = loadProgram(filesOf(text))
  if (!program) throw new Error(`the rules do not load: ${errors[0]?.message}`)
  const member = { enrolledAt: new Date(0), attributes: {}, tiers: new Map() }
  return (basket) => {
    const transaction = factsOf(basket)
    // Points, as the other two tell: without the sentences that say where they come from.
    const { awards } = evaluate(program.rules, { transaction, member, used: () => 0n, words: false })
    let points = 0
    for (const award of awards) points += Number(award.points)
    return points
  }
}

function filesOf(text: string): Map<string, string> {
  const lines = text.split('\n')
  const files = new Map([['program.yaml', lines.slice(0, 1500).join('\n')]])
  for (let from = 1500; from < lines.length; from += 1500)
    files.set(`campaigns/part-${from}.yaml`, `earn:\n${lines.slice(from, from + 1500).join('\n')}`)
  return files
}

const occurredAt = new Date('2026-03-03T10:00:00Z')

function factsOf({ sku, net, location }: Basket): TransactionFacts {
  const line = new Line({
    ...{ lineId: '1', sku, category: null, kind: 'item', quantity: 1, attributes: {} },
    ...{ net: String(net), tax: null, gross: null },
  })
  const rest = { tenders: [], channel: null, attributes: {} }
  return { type: 'purchase', occurredAt, lines: [line], location, ...rest }
}

function jsonRules(size: number): Valuing {
  const engine = new Engine()
  engine.addRule({
    conditions: { all: [{ fact: 'net', operator: 'greaterThanInclusive', value: 0 }] },
    event: { type: 'award', params: { flat: null, rate: 1 } },
  })
  for (const { sku, flat, least } of rulesOf(size)) {
    engine.addRule({
      conditions: {
        all: [
          { fact: 'sku', operator: 'equal', value: sku },
          ...(least === null ? [] : [{ fact: 'net', operator: 'greaterThanInclusive', value: least }]),
        ],
      },
      event: { type: 'award', params: { flat, rate: 2 } },
    })
  }
  return async (basket) => {
    const { events } = await engine.run({ ...basket })
    let points = 0
    for (const { params } of events)
      points += params?.flat === null ? Math.floor(Number(params.rate) * basket.net) : Number(params?.flat)
    return points
  }
}

function zen(size: number): Valuing {
  const rules = rulesOf(size).map(({ id, sku, flat, least }) => ({
    _id: id,
    sku: `"${sku}"`,
    net: least === null ? '' : `>= ${least}`,
    points: flat === null ? 'floor(2 * net)' : String(flat),
  }))
  const table = {
    hitPolicy: 'collect',
    inputs: [
      { id: 'sku', type: 'expression', name: 'sku', field: 'sku' },
      { id: 'net', type: 'expression', name: 'net', field: 'net' },
    ],
    outputs: [{ id: 'points', type: 'expression', name: 'points', field: 'points' }],
    rules: [{ _id: 'base', sku: '', net: '', points: 'floor(net)' }, ...rules],
  }
  const content = {
    nodes: [
      { id: 'in', type: 'inputNode', name: 'in', position: { x: 0, y: 0 } },
      { id: 'table', type: 'decisionTableNode', name: 'table', content: table, position: { x: 0, y: 0 } },
      { id: 'out', type: 'outputNode', name: 'out', position: { x: 0, y: 0 } },
    ],
    edges: [
      { id: 'a', sourceId: 'in', targetId: 'table', type: 'edge' },
      { id: 'b', sourceId: 'table', targetId: 'out', type: 'edge' },
    ],
  }
  const decision = new ZenEngine().createDecision(Buffer.from(JSON.stringify(content)))
  return async (basket) => {
    const { result } = await decision.evaluate({ ...basket })
    return (result as { points: number }[]).reduce((sum, { points }) => sum + points, 0)
  }
}

const engines = { milepost, 'json-rules-engine': jsonRules, 'zen-engine': zen } as const
type Name = keyof typeof engines
const names = Object.keys(engines) as Name[]

/** Microseconds of processor time for a basket, all threads together: what others do meanwhile is left out. */
async function timed(value: Valuing, baskets: readonly Basket[], seconds: number): Promise<number> {
  await running(value, baskets, Math.min(0.2, seconds / 2))
  const began = process.cpuUsage()
  const count = await running(value, baskets, seconds)
  const { user, system } = process.cpuUsage(began)
  return (user + system) / count
}

/** Values baskets for so long; how many. What the engine before left to clear away is cleared by then. */
async function running(value: Valuing, baskets: readonly Basket[], seconds: number): Promise<number> {
  const until = performance.now() + seconds * 1000
  let count = 0
  do {
    for (const basket of baskets) {
      const points = value(basket)
      if (typeof points !== 'number') await points
      count += 1
      // The slow ones must not go on for minutes over one set of baskets.
      if (count % 8 === 0 && performance.now() > until) break
    }
  } while (performance.now() < until)
  return count
}

async function checkSame(values: ReadonlyMap<Name, Valuing>, baskets: readonly Basket[]): Promise<void> {
  for (const basket of baskets.slice(0, 16)) {
    const points = await Promise.all(names.map((name) => values.get(name)!(basket)))
    if (points.some((one) => one !== points[0]))
      throw new Error(
        `${JSON.stringify(basket)}: ${names.map((name, i) => `${name} ${points[i]}`).join(', ')}`,
      )
  }
}

export async function benchRules(args: readonly string[]): Promise<number> {
  const { values: options } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
    },
  })
  const rounds = Number(options.rounds)
  const seconds = Number(options.seconds)
  if (!(Number.isInteger(rounds) && rounds > 0 && seconds > 0)) {
    console.error(rulesHelp)
    return 2
  }
  const rows = []
  for (const size of SIZES) {
    const values = new Map(names.map((name) => [name, engines[name](size)]))
    const baskets = basketsOf(size)
    await checkSame(values, baskets)
    const measured = new Map<Name, number[]>(names.map((name) => [name, []]))
    for (const name of names) await timed(values.get(name)!, baskets, seconds)
    for (let round = 0; round < rounds; round += 1)
      for (const name of names) measured.get(name)!.push(await timed(values.get(name)!, baskets, seconds))
    const median = (name: Name) => spreadOf(measured.get(name)!)!.median
    const faster = Math.min(median('json-rules-engine'), median('zen-engine'))
    rows.push({
      rules: size,
      micros: Object.fromEntries(names.map((name) => [name, median(name)])),
      times: faster / median('milepost'),
    })
    console.error(`${size} rules: the same points from all three`)
  }
  const own = rows.map(({ micros }) => micros.milepost!)
  const flat = Math.max(...own) / Math.min(...own)
  if (options.json) console.log(JSON.stringify({ rows, flat }, null, 2))
  else {
    console.log(
      ['rules', ...names.map((name) => `${name} µs`), 'to the faster']
        .map((cell) => cell.padStart(20))
        .join(''),
    )
    for (const { rules, micros, times } of rows)
      console.log(
        [String(rules), ...names.map((name) => micros[name]!.toFixed(2)), `${times.toFixed(0)} x`]
          .map((cell) => cell.padStart(20))
          .join(''),
      )
    console.log(
      `\nFrom ${SIZES[0]} to ${SIZES.at(-1)} rules the cost of a basket stays within a factor of ${flat.toFixed(2)}.`,
    )
  }
  return 0
}
