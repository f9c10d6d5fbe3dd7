/**
 * Which values of a fact a rule's conditions leave over: none, all there can be, or some. It looks at each
 * fact by itself and knows nothing of formulas, so what it finds is certain and what it misses is not told.
 */
import { Decimal } from '../base/points.ts'
import { weekdays } from '../base/time.ts'
import type { Field } from '../rules/facts.ts'
import type { MapNode, Node, Place, Report } from '../rules/node.ts'
import { problem } from '../rules/problem.ts'
import { readNumber } from '../rules/value.ts'
import { AT_REST, factNeedsRetention, valuesAtRest } from './member-facts.ts'
import { asMap, textAt } from './nodes.ts'
import type { Program } from './program.ts'

/** As much of a program as can be read while it may still have errors. */
export type Readable = Omit<Program, 'version'>

/** What can be known of a fact: all its values in their order, or that it is never below zero. */
interface Domain {
  readonly values: readonly string[] | null
  /** a value that is missing fails every condition but `not` */
  readonly alwaysThere: boolean
  readonly neverNegative: boolean
}

interface Clause {
  readonly fact: string
  readonly operator: string
  readonly operands: readonly string[]
  readonly at: Place
}

export interface Verdict {
  readonly at: Place
  readonly fact: string
  readonly kind: 'never' | 'always'
}

/** The verdicts on a rule's `when`, or on a map of conditions inside it. */
export function judge(when: MapNode, on: readonly string[], program: Readable): Verdict[] {
  const byFact = new Map<string, Clause[]>()
  for (const clause of clausesOf(when)) {
    byFact.set(clause.fact, [...(byFact.get(clause.fact) ?? []), clause])
  }
  return [...byFact].flatMap(([fact, clauses]): Verdict[] => {
    const domain = domainOf(fact, on, program)
    const impossible = clauses.findIndex((_, index) => isEmpty(domain, clauses.slice(0, index + 1)))
    if (impossible >= 0) return [{ at: clauses[impossible]!.at, fact, kind: 'never' }]
    return clauses
      .filter((clause) => isEverything(domain, clause))
      .map(({ at }) => ({ at, fact, kind: 'always' }) as const)
  })
}

/** Reports verdicts; `never` says what comes of a condition that nothing can meet. */
export function tellVerdicts(verdicts: readonly Verdict[], never: string, report: Report): void {
  for (const { at, fact, kind } of verdicts) {
    const told =
      kind === 'always'
        ? `this condition is always true: every "${fact}" meets it`
        : `${never}: no "${fact}" meets all that is asked of it`
    report(problem(at, told))
  }
}

/** Conditions that must all hold: those of the map, and those of its `all`. */
function clausesOf(when: MapNode): Clause[] {
  return when.entries.flatMap(({ key, keyAt, value }): Clause[] => {
    if (key === 'any' || key === 'none' || key === 'where') return []
    if (key === 'all')
      return value.kind === 'list' ? value.items.flatMap((item) => clausesOf(asMap(item) ?? NOTHING)) : []
    if (value.kind === 'map') {
      return value.entries.map((entry) => ({
        fact: key,
        operator: entry.key,
        operands: textsOf(entry.value),
        at: entry.keyAt,
      }))
    }
    const operator = value.kind === 'list' ? 'in' : 'is'
    return [{ fact: key, operator, operands: textsOf(value), at: keyAt }]
  })
}

const NOTHING: MapNode = {
  kind: 'map',
  at: { file: '', line: 1, column: 1, path: '' },
  flow: false,
  entries: [],
}

function textsOf(node: Node): string[] {
  const items = node.kind === 'list' ? node.items : [node]
  return items.flatMap((item) => (item.kind === 'scalar' ? [item.text] : []))
}

const amounts = new Set(['net', 'tax', 'gross', 'quantity', 'lines'])

function domainOf(fact: string, on: readonly string[], program: Readable): Domain {
  const bare = fact.replace(/^line\./, '')
  const neverNegative = amounts.has(bare)
  if (fact === 'weekday') return { values: weekdays, alwaysThere: true, neverNegative }
  if (fact === 'tier' || fact.startsWith('tier.')) {
    const ladder = program.ladders.find(({ id }) => fact === `tier.${id}`) ?? program.ladders[0]
    return { values: ladder?.tiers.map(({ id }) => id) ?? null, alwaysThere: true, neverNegative }
  }
  if (on[0] === AT_REST && !fact.startsWith('member.')) {
    const never = program.currencies.has(fact) || factNeedsRetention(fact) || fact === 'memberFor'
    return { values: valuesAtRest(fact), alwaysThere: fact === 'memberFor', neverNegative: never }
  }
  const fields = fieldsOf(fact, on, program)
  const [first] = fields
  const same =
    first && fields.every(({ type, oneOf }) => type === first.type && `${oneOf}` === `${first.oneOf}`)
  const values = same ? (first.type === 'boolean' ? ['true', 'false'] : first.oneOf) : null
  const alwaysThere = neverNegative || (fields.length > 0 && fields.every(({ required }) => required))
  return { values, alwaysThere, neverNegative }
}

function fieldsOf(fact: string, on: readonly string[], program: Readable): Field[] {
  if (fact.startsWith('member.')) {
    const field = program.memberAttributes.get(fact.slice(7))
    // An attribute may not have been said of a member yet.
    return field ? [{ ...field, required: false }] : []
  }
  return on.flatMap((type) => {
    const declared = program.transactionTypes.get(type)
    const fields = fact.startsWith('line.') ? declared?.lineFields : declared?.fields
    return fields?.get(fact.replace(/^line\./, '')) ?? []
  })
}

function isEmpty(domain: Domain, clauses: readonly Clause[]): boolean {
  const listed = clauses.find(({ operator }) => operator === 'is' || operator === 'in')
  const candidates = domain.values ?? listed?.operands ?? null
  if (candidates !== null)
    return (
      candidates.length > 0 &&
      !candidates.some((value) => clauses.every((clause) => fits(domain, value, clause)))
    )
  return domain.neverNegative && belowZero(clauses) ? true : crossed(domain, clauses)
}

function isEverything(domain: Domain, clause: Clause): boolean {
  if (!domain.alwaysThere) return false
  if (domain.values !== null) return domain.values.every((value) => fits(domain, value, clause))
  const least = clause.operator === 'atLeast' && numberOf(clause.operands[0])
  return domain.neverNegative && !!least && least.lessThanOrEqualTo(0)
}

function fits(domain: Domain, value: string, { operator, operands }: Clause): boolean {
  switch (operator) {
    case 'is':
    case 'in':
      return operands.some((operand) => order(domain, value, operand) === 0)
    case 'not':
    case 'notIn':
      return !operands.some((operand) => order(domain, value, operand) === 0)
    default: {
      const [first = value, last = first] = operands
      const [least, most] = [order(domain, value, first), order(domain, value, last)]
      // What cannot be compared is not judged.
      if (least === null || most === null) return true
      if (operator === 'atLeast') return least >= 0
      if (operator === 'above') return least > 0
      if (operator === 'atMost') return least <= 0
      if (operator === 'below') return least < 0
      return operator !== 'between' || /:/.test(first) || (least >= 0 && most <= 0)
    }
  }
}

/** Below, at or above zero; null where two texts have no order that is known here. */
function order(domain: Domain, a: string, b: string): number | null {
  if (domain.values?.includes(a) && domain.values.includes(b)) {
    return domain.values.indexOf(a) - domain.values.indexOf(b)
  }
  const [x, y] = [numberOf(a), numberOf(b)]
  if (x && y) return x.comparedTo(y)
  if (a === b) return 0
  return DAY.test(a) && DAY.test(b) ? (a < b ? -1 : 1) : null
}

const DAY = /^\d{4}-\d{2}-\d{2}$/

function numberOf(text: string | undefined): Decimal | null {
  return text === undefined ? null : readNumber(text.replace(/\s+[A-Z]{3}$/, ''))
}

/** A lower bound above an upper one. */
function crossed(domain: Domain, clauses: readonly Clause[]): boolean {
  const bounds = clauses.flatMap(({ operator, operands: [first = '', last = ''] }) => {
    if (operator === 'atLeast' || operator === 'above')
      return [{ lower: first, open: operator === 'above', upper: null }]
    if (operator === 'atMost' || operator === 'below')
      return [{ lower: null, open: operator === 'below', upper: first }]
    if (operator === 'between' && !/:/.test(first))
      return [
        { lower: first, open: false, upper: null },
        { lower: null, open: false, upper: last },
      ]
    return []
  })
  return bounds.some(({ lower, open }) =>
    bounds.some((other) => {
      if (lower === null || other.upper === null) return false
      const by = order(domain, lower, other.upper)
      return by !== null && (by > 0 || (by === 0 && (open || other.open)))
    }),
  )
}

function belowZero(clauses: readonly Clause[]): boolean {
  return clauses.some(({ operator, operands }) => {
    const most = numberOf(operands.at(-1))
    if (most === null || operator === 'atLeast' || operator === 'above') return false
    if (operator === 'below') return most.lessThanOrEqualTo(0)
    return (operator === 'atMost' || operator === 'between') && most.lessThan(new Decimal(0))
  })
}

/** The types of transactions that a rule is for. */
export function typesOf(rule: MapNode): string[] {
  const on = rule.entries.find(({ key }) => key === 'on')?.value
  return on?.kind === 'list' ? textsOf(on) : [textAt(rule, 'on') ?? '']
}
