/**
 * Conditions: maps of facts and matchers, all of which must hold, joined by `any`, `all`, `none` and
 * `where`. An unknown fact is an error, never a part that silently holds.
 */
import { isOfGoods } from './columns.ts'
import { compileExpression } from './expression.ts'
import { type Fact, findFact, type Terms } from './fact.ts'
import { conditionHint } from './habits.ts'
import { compileMatcher, type Test } from './matcher.ts'
import type { MapEntry, Node, Report } from './node.ts'
import { problem } from './problem.ts'
import { type Selection, selectionOf } from './selection.ts'
import type { Sight } from './sight.ts'
import { show } from './value.ts'

export function allHold(tests: readonly Test[], sight: Sight): boolean {
  for (const test of tests) if (!test.holds(sight)) return false
  return true
}

/** The tests of a condition, all of which must hold; null after a report. */
export function compileCondition(node: Node, terms: Terms, report: Report): Test[] | null {
  if (node.kind !== 'map') {
    report(problem(node.at, 'expected conditions such as `weekday: tuesday`'))
    return null
  }
  const parts = node.entries.map((entry) => compileEntry(entry, terms, report))
  return parts.includes(null) ? null : parts.flatMap((tests) => tests ?? [])
}

function compileEntry(entry: MapEntry, terms: Terms, report: Report): Test[] | null {
  const { key, keyAt, value } = entry
  if (key === 'where') return compileWhere(value, terms, report)
  if (key === 'any' || key === 'all' || key === 'none') {
    const cases = compileCases(entry, terms, report)
    if (!cases) return null
    if (key === 'all') return cases.flat()
    return [key === 'any' ? anyOf(cases) : noneOf(cases)]
  }
  const found = findFact(terms, key)
  if ('fact' in found) return compileMatcher(found.fact, value, report)
  if (key === 'has' && terms.rule !== null) return compileHas(value, terms, report)
  report(problem(keyAt, found.message, { hint: conditionHint(key) ?? found.hint }))
  return null
}

/** `has: { category: wine }`, or a list: for each of them there is a line. */
function compileHas(node: Node, { scope, on, lines }: Terms, report: Report): Test[] | null {
  const items = node.kind === 'list' ? node.items : [node]
  if (items.length === 0) {
    report(problem(node.at, '"has" needs at least one condition'))
    return null
  }
  const found = items.map((item) =>
    compileSelection(item, { scope, on, rule: null, lines: 'only line' }, report),
  )
  if (found.includes(null)) return null
  const tests = found.flatMap((selection) => selection?.tests ?? [])
  // A rule per line that is found by a line is given for that line: what another line has cannot find it.
  return lines === 'line' ? tests.filter(({ anchor }) => anchor === null) : tests
}

/** The lines that meet conditions on lines; null after a report. */
export function compileSelection(node: Node, terms: Terms, report: Report): Selection | null {
  return selectionOf(node, terms, { compile: compileCondition, report })
}

function compileCases({ key, value }: MapEntry, terms: Terms, report: Report): Test[][] | null {
  if (value.kind !== 'list') {
    report(problem(value.at, `"${key}" takes a list of conditions`))
    return null
  }
  if (value.items.length === 0) {
    report(problem(value.at, `"${key}" needs at least one condition`))
    return null
  }
  const cases = value.items.map((item) => compileCondition(item, terms, report))
  return cases.includes(null) ? null : cases.filter((tests) => tests !== null)
}

function shared(cases: readonly Test[][]): Pick<Test, 'perLine' | 'ofGoods' | 'facts' | 'anchor'> {
  const tests = cases.flat()
  const facts = [...new Map(tests.flatMap((test) => test.facts).map((fact) => [fact.name, fact])).values()]
  const ofGoods = tests.every((test) => test.ofGoods)
  return { perLine: tests.some(({ perLine }) => perLine), ofGoods, facts, anchor: null }
}

function anyOf(cases: readonly Test[][]): Test {
  return {
    ...shared(cases),
    holds: (sight) => cases.some((tests) => allHold(tests, sight)),
    because(sight) {
      const reasons = cases.map((tests) => tests.find((test) => !test.holds(sight))?.because(sight) ?? '')
      return [...new Set(reasons)].join('; ')
    },
  }
}

function noneOf(cases: readonly Test[][]): Test {
  return {
    ...shared(cases),
    holds: (sight) => !cases.some((tests) => allHold(tests, sight)),
    because(sight) {
      const met = cases.find((tests) => allHold(tests, sight)) ?? []
      const seen = shared([met]).facts.map((fact) => `${fact.name} is ${seenOf(fact, sight)}`)
      return seen.length === 0 ? 'it is excluded' : `${seen.join(' and ')}, which is excluded`
    },
  }
}

export function seenOf({ type, read }: Fact, sight: Sight): string {
  const value = read(sight)
  return value === undefined ? 'missing' : show(type, value)
}

function compileWhere(node: Node, terms: Terms, report: Report): Test[] | null {
  if (node.kind !== 'scalar') {
    report(problem(node.at, '"where" takes a formula such as "net > 10 EUR"'))
    return null
  }
  const expression = compileExpression(
    { text: node.text, at: node.at, offset: 0, currency: null },
    terms,
    report,
  )
  if (!expression) return null
  const { type, run, facts, source } = expression
  if (type.kind !== 'boolean') {
    report(problem(node.at, '"where" takes a condition', { hint: 'compare with ==, <, > or in' }))
    return null
  }
  return [
    {
      holds: (sight) => run(sight) === true,
      because(sight) {
        if (run(sight) === undefined) return sight.failure
        const seen = facts.map((fact) => `${fact.name} is ${seenOf(fact, sight)}`)
        return [`"${source}" does not hold`, ...seen].join(', ')
      },
      perLine: facts.some(({ perLine }) => perLine),
      ofGoods: isOfGoods(facts),
      facts,
      anchor: null,
    },
  ]
}
