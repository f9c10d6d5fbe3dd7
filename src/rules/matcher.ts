/**
 * One fact against what a rule file says of it: a value, a list, or a map of operators from a closed list.
 * A value that is missing fails every operator but `not` and `notIn`.
 */
import { didYouMean } from '../base/nearest.ts'
import { Decimal } from '../base/points.ts'
import { isOfGoods } from './columns.ts'
import type { Fact } from './fact.ts'
import { oddText, weekdayHint } from './habits.ts'
import type { ListNode, MapNode, Node, Report } from './node.ts'
import { PARTS, partsOf } from './parts.ts'
import { problem } from './problem.ts'
import type { Sight } from './sight.ts'
import { compare, isOrdered, readScalar, show, typeNames, type Value } from './value.ts'

/** A part of a condition. A condition holds when all its parts do. */
export interface Test {
  readonly holds: (sight: Sight) => boolean
  /** why it does not hold, in words, with the value seen */
  readonly because: (sight: Sight) => string
  readonly perLine: boolean
  /** it looks at nothing but what the goods of the line are */
  readonly ofGoods: boolean
  readonly facts: readonly Fact[]
  /** for the index: the test holds only where the fact is one of these values */
  readonly anchor: Anchor | null
}

export interface Anchor {
  readonly fact: Fact
  readonly values: readonly (string | number | boolean)[]
}

type Operator = 'is' | 'not' | 'in' | 'notIn' | 'atLeast' | 'atMost' | 'above' | 'below' | 'between'

/** What is said of a value that an operator turns down; `#` stands for what was asked for. */
const verdicts: Record<Operator, string> = {
  is: ', not #',
  not: ', which is excluded',
  in: ', not one of #',
  notIn: ', which is excluded',
  atLeast: ', not at least #',
  atMost: ', not at most #',
  above: ', not above #',
  below: ', not below #',
  between: ', not between #',
}

const operators = Object.keys(verdicts) as Operator[]
const lists: ReadonlySet<Operator> = new Set(['in', 'notIn', 'between'] as const)
const unordered: ReadonlySet<Operator> = new Set(['is', 'not', 'in', 'notIn'] as const)

/** The tests that a matcher stands for; null after a report. */
export function compileMatcher(fact: Fact, node: Node, report: Report): Test[] | null {
  if (node.kind === 'scalar') return oneTest({ fact, operator: 'is', operand: node }, report)
  if (node.kind === 'list') return oneTest({ fact, operator: 'in', operand: node }, report)
  return compileOperators(fact, node, report)
}

function compileOperators(fact: Fact, node: MapNode, report: Report): Test[] | null {
  if (node.entries.length === 0) {
    report(problem(node.at, `expected a value or an operator: ${operators.join(', ')}`))
    return null
  }
  const tests = node.entries.map(({ key, keyAt, value }) => {
    const operator = operators.find((known) => known === key)
    if (!operator) {
      const ofLines = fact.name === 'lines' ? 'to ask for a line, write has: { … }' : undefined
      report(problem(keyAt, `unknown operator "${key}"`, { hint: didYouMean(key, operators) ?? ofLines }))
      return null
    }
    if (!unordered.has(operator) && !isOrdered(fact.type)) {
      const hint = `use ${[...unordered].join(', ')}`
      report(
        problem(keyAt, `"${operator}" needs an order, and "${fact.name}" is ${typeNames[fact.type.kind]}`, {
          hint,
        }),
      )
      return null
    }
    return oneTest({ fact, operator, operand: value }, report)
  })
  return tests.includes(null) ? null : tests.flatMap((test) => test ?? [])
}

interface Clause {
  readonly fact: Fact
  readonly operator: Operator
  readonly operand: Node
}

function oneTest({ fact, operator, operand }: Clause, report: Report): Test[] | null {
  if (lists.has(operator)) {
    if (operand.kind !== 'list') {
      const range = operand.kind === 'scalar' && /^(.+?)\s+(?:-|–|to|and|\.\.)\s+(.+)$/.exec(operand.text)
      const hint =
        operator === 'between'
          ? range && `write [${range[1]}, ${range[2]}]`
          : operand.kind === 'scalar' && operand.type !== 'null' && `write [${operand.text}]`
      report(problem(operand.at, `"${operator}" takes a list: [a, b]`, { hint: hint || undefined }))
      return null
    }
  } else if (operand.kind !== 'scalar') {
    const hint = operator === 'not' ? 'for several values, use notIn' : undefined
    report(problem(operand.at, `"${operator}" takes a single value`, { hint }))
    return null
  }
  const values = readAll(fact, operand, report)
  if (!values || (operator === 'between' && !isRange({ fact, values, operand }, report))) return null
  return [toTest(fact, operator, values)]
}

function readAll(fact: Fact, operand: Node, report: Report): Value[] | null {
  const items = operand.kind === 'list' ? operand.items : [operand]
  if (items.length === 0) report(problem(operand.at, 'the list is empty, so nothing could ever match'))
  const values: Value[] = []
  for (const item of items) {
    if (item.kind !== 'scalar') {
      report(problem(item.at, `expected ${typeNames[fact.type.kind]}`))
      continue
    }
    const reading = readScalar(fact.type, item)
    const isOpen = fact.type.kind === 'text' && fact.type.oneOf === null
    const several = isOpen && !item.quoted && item.type === 'text' ? oddText(fact.name, item.text) : undefined
    if (several) report(problem(item.at, several.message, { hint: several.hint }))
    else if ('value' in reading) values.push(reading.value)
    else report(problem(item.at, reading.message, { hint: hintFor(fact, item.text) ?? reading.hint }))
  }
  return values.length > 0 && values.length === items.length ? values : null
}

function hintFor({ name, type }: Fact, text: string): string | undefined {
  if (name === 'weekday') return weekdayHint(text)
  const month = type.kind === 'date' ? /^(\d{4})-(0[1-9]|1[0-2])$/.exec(text) : null
  if (!month) return undefined
  const last = new Date(Date.UTC(Number(month[1]), Number(month[2]), 0)).getUTCDate()
  return `write { between: [${text}-01, ${text}-${last}] }`
}

interface Range {
  readonly fact: Fact
  readonly values: readonly Value[]
  readonly operand: Node
}

function isRange({ fact, values, operand }: Range, report: Report): boolean {
  const at = (operand as ListNode).at
  const [from, to] = values
  if (from === undefined || to === undefined || values.length > 2) {
    report(problem(at, '"between" takes two values: [from, to]'))
    return false
  }
  const order = compare(from, to)
  if (fact.type.kind === 'time') {
    if (order === 0) report(problem(at, 'this stretch of time is empty: it ends when it begins'))
    return order !== 0
  }
  if (order > 0) {
    const swapped = `[${show(fact.type, to)}, ${show(fact.type, from)}]`
    report(problem(at, 'the ends of "between" are swapped', { hint: `write ${swapped}` }))
  }
  return order <= 0
}

function toTest(fact: Fact, operator: Operator, values: readonly Value[]): Test {
  const holds = verdictOf(fact, operator, values)
  const quick = quickVerdict(fact, operator, values)
  const negated = operator === 'not' || operator === 'notIn'
  const { read, type, name } = fact
  const asked = values.map((value) => show(type, value)).join(operator === 'between' ? ' and ' : ', ')
  const plain = values.filter((value) => typeof value !== 'object')
  const findable = (operator === 'is' || operator === 'in') && plain.length === values.length
  return {
    holds(sight) {
      if (quick) {
        const amount = quick.read(sight)
        if (!Number.isNaN(amount)) return quick.holds(amount)
      }
      const value = read(sight)
      return value === undefined ? negated : holds(value)
    },
    because(sight) {
      const value = read(sight)
      if (value === undefined) return `${name} is missing`
      return `${name} is ${show(type, value)}${verdicts[operator].replace('#', () => asked)}`
    },
    perLine: fact.perLine,
    ofGoods: isOfGoods([fact]),
    facts: [fact],
    anchor: findable ? { fact, values: plain } : null,
  }
}

/** The same verdict on amounts that need no Decimal. */
function quickVerdict(
  fact: Fact,
  operator: Operator,
  values: readonly Value[],
): { read: (sight: Sight) => number; holds: (value: number) => boolean } | null {
  if (!fact.quick) return null
  const factor = fact.quick.unit / PARTS
  const asked = values.map((value) => (value instanceof Decimal ? partsOf(value) * factor : Number.NaN))
  // Nothing that the fact can be in its unit lies between two of its parts.
  if (!asked.every(Number.isSafeInteger)) return null
  return { read: fact.quick.read, holds: verdictOf(fact, operator, asked) }
}

function verdictOf(fact: Fact, operator: Operator, values: readonly Value[]): (value: Value) => boolean {
  if (fact.type.kind === 'set') return isAnyOf(values, operator === 'not' || operator === 'notIn')
  const first = values[0]!
  const last = values.at(-1)!
  switch (operator) {
    case 'is':
    case 'in':
      return isOneOf(values)
    case 'not':
    case 'notIn': {
      const excluded = isOneOf(values)
      return (value) => !excluded(value)
    }
    case 'atLeast':
      return (value) => compare(value, first) >= 0
    case 'atMost':
      return (value) => compare(value, first) <= 0
    case 'above':
      return (value) => compare(value, first) > 0
    case 'below':
      return (value) => compare(value, first) < 0
    case 'between':
      return fact.type.kind === 'time' ? clock(first, last) : range(first, last)
  }
}

// A member is in several segments at once: `is` and `in` ask for any of those named, `not` and `notIn` for none.
function isAnyOf(values: readonly Value[], negated: boolean): (value: Value) => boolean {
  return (value) => (value as readonly Value[]).some((one) => values.includes(one)) !== negated
}

function isOneOf(values: readonly Value[]): (value: Value) => boolean {
  if (values.some((value) => typeof value === 'object')) {
    return (value) => values.some((wanted) => compare(value, wanted) === 0)
  }
  const [only] = values
  if (values.length === 1) return (value) => value === only
  const wanted = new Set(values)
  return (value) => wanted.has(value)
}

// Days, amounts and tiers are between with both ends: a campaign's last day belongs to it.
function range(from: Value, to: Value): (value: Value) => boolean {
  return (value) => compare(value, from) >= 0 && compare(value, to) <= 0
}

// Times of day are half-open, as opening hours are; 22:00 to 02:00 goes over midnight.
function clock(from: Value, to: Value): (value: Value) => boolean {
  if (from < to) return (value) => value >= from && value < to
  return (value) => value >= from || value < to
}
