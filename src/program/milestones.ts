/**
 * Milestones: so many points for every so much of a counter, at most so many times in a period. What is due
 * follows from the counter alone, so a return that takes the counter back takes the milestone back too.
 */
import { didYouMean } from '../base/nearest.ts'
import type { Decimal } from '../base/points.ts'
import { compileCondition } from '../rules/condition.ts'
import type { MapNode, Node, Report, ScalarNode } from '../rules/node.ts'
import { problem } from '../rules/problem.ts'
import { findCurrency, type Scope } from '../rules/scope.ts'
import { readNumber } from '../rules/value.ts'
import type { Findings } from './findings.ts'
import { asMap, childOf, firstOf, scalarAt, textAt } from './nodes.ts'
import type { Counter, Currency, Milestone } from './program.ts'
import { readPoints, wordsOf } from './units.ts'

export interface MilestoneTerms {
  readonly scope: Scope
  readonly currencies: ReadonlyMap<string, Currency>
  readonly findings: Findings
}

export function readMilestones(items: readonly Node[], terms: MilestoneTerms): Milestone[] {
  const { report } = terms.findings
  const milestones: Milestone[] = []
  for (const item of firstOf(items, { most: 100, what: 'milestones', report })) {
    const map = asMap(item)
    const id = textAt(map, 'id')
    if (map === null || id === null) continue
    const at = scalarAt(map, 'id')!.at
    if (milestones.some((known) => known.id === id)) report(problem(at, `the milestone "${id}" stands twice`))
    if (terms.scope.ruleIds.has(id)) report(problem(at, `"${id}" is a rule already`))
    const milestone = readMilestone(id, map, terms)
    if (milestone) milestones.push(milestone)
  }
  return milestones
}

function readMilestone(id: string, map: MapNode, terms: MilestoneTerms): Milestone | null {
  const { scope, currencies, findings } = terms
  const every = scalarAt(map, 'every')
  const award = scalarAt(map, 'award')
  const step = every && readStep(every, scope, findings.report)
  const given = award && readPoints(award, { currencies: [...currencies.keys()] }, findings.report)
  if (step && given && step.counter === `points:${given.currency}`)
    findings.report(problem(award.at, 'a milestone cannot give what it counts: it would reach itself'))
  const when = childOf(map, 'when')
  const tests = when
    ? compileCondition(when, { scope, rule: null, on: ['anniversary'], lines: 'none' }, findings.report)
    : []
  const most = scalarAt(map, 'most')
  const times = most && readTimes(most, findings.report)
  if (!step || !given || !tests) return null
  const per = textAt(map, 'per')
  return {
    id,
    name: textAt(map, 'name') ?? id,
    counter: step.counter,
    every: step.every,
    per: per === 'membership year' ? 'membership_year' : per === 'ever' ? 'ever' : 'calendar_year',
    most: times,
    currency: given.currency,
    points: given.points,
    tests,
  }
}

function readTimes(node: ScalarNode, report: Report): number | null {
  if (/^[1-9]\d{0,5}$/.test(node.text)) return Number(node.text)
  report(problem(node.at, `expected a whole number above zero; got "${node.text}"`))
  return null
}

/** `500 credits`, `1000 EUR`, `10 transactions`. */
function readStep(
  node: ScalarNode,
  scope: Scope,
  report: Report,
): { counter: Counter; every: Decimal } | null {
  const [amount, unit, extra] = wordsOf(node.text)
  const every = amount ? readNumber(amount.text) : null
  if (!amount || !unit || extra || !every?.greaterThan(0)) {
    const example = `500 ${[...scope.currencies.keys()][0] ?? 'points'}`
    report(problem(node.at, `expected a step such as ${example} or 10 transactions; got "${node.text}"`))
    return null
  }
  if (unit.text === scope.money) return { counter: 'spend', every }
  if (!every.isInteger()) {
    report(problem(node.at, 'points and transactions are whole numbers'))
    return null
  }
  if (unit.text === 'transactions' || unit.text === 'transaction') return { counter: 'transactions', every }
  const currency = findCurrency(scope, unit.text)
  if (currency !== null) return { counter: `points:${currency}`, every }
  const known = [...scope.currencies.keys(), 'transactions', scope.money]
  const hint = didYouMean(unit.text, known) ?? `known here: ${known.join(', ')}`
  report(problem(node.at, `nothing is counted in "${unit.text}"`, { offset: unit.offset, hint }))
  return null
}
