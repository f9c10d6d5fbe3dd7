/**
 * Criteria of tiers: thresholds of counters, all of them, any, or at least so many; over the ladder's period
 * or a stretch of their own.
 */
import { didYouMean } from '../base/nearest.ts'
import { Decimal } from '../base/points.ts'
import type { Field } from '../rules/facts.ts'
import type { MapNode, Node, Report, ScalarNode } from '../rules/node.ts'
import { problem } from '../rules/problem.ts'
import { readNumber } from '../rules/value.ts'
import { asMap, asScalar, childOf } from './nodes.ts'
import type { Counter, Criterion, Stretch, Tier } from './program.ts'
import { readMoney } from './units.ts'

export interface CriterionTerms {
  /** the program's money; null where that itself is wrong */
  readonly money: string | null
  readonly currencies: readonly string[]
  readonly attributes: ReadonlyMap<string, Field>
  readonly report: Report
}

interface Threshold {
  readonly counter: string
  readonly at: Node['at']
  readonly value: Node
  readonly within: Stretch | null
}

/** `{ spend: 500 EUR, transactions: 12 }`: all of them; `any`, `all` and `some` take lists of such maps. */
export function readCriterion(node: Node, terms: CriterionTerms): Criterion | null {
  const map = asMap(node)
  if (map === null) return null
  const within = readStretch(childOf(map, 'within'), terms.report)
  const entries = map.entries.filter(({ key }) => key !== 'within' && key !== 'atLeast')
  const parts: Criterion[] = []
  let whole = within !== null
  for (const { key, keyAt, value } of entries) {
    const part =
      key === 'any' || key === 'all' || key === 'some'
        ? readJoined({ kind: key, list: value, map }, terms)
        : readThreshold({ counter: key, at: keyAt, value, within: within?.stretch ?? null }, terms)
    if (part) parts.push(part)
    else whole = false
  }
  const atLeast = map.entries.find(({ key }) => key === 'atLeast')
  if (atLeast && !map.entries.some(({ key }) => key === 'some')) {
    terms.report(problem(atLeast.keyAt, '"atLeast" says how many of `some` it takes', { hint: SOME }))
    return null
  }
  if (entries.length === 0) terms.report(problem(map.at, 'expected a criterion such as `transactions: 12`'))
  if (!whole || parts.length === 0) return null
  return parts.length === 1 ? parts[0]! : { kind: 'all', of: parts }
}

const SOME = 'write { atLeast: 2, some: [{ nights: 30 }, { spend: 5000 EUR }, …] }'

function readJoined(
  { kind, list, map }: { kind: 'any' | 'all' | 'some'; list: Node; map: MapNode },
  terms: CriterionTerms,
): Criterion | null {
  if (list.kind !== 'list') return null
  if (list.items.length === 0) terms.report(problem(list.at, `"${kind}" needs at least one criterion`))
  const parts = list.items.map((item) => readCriterion(item, terms))
  if (parts.length === 0 || !parts.every((part) => part !== null)) return null
  if (kind !== 'some') return { kind, of: parts }
  const node = childOf(map, 'atLeast')
  const scalar = asScalar(node)
  const atLeast = Number(scalar?.text)
  if (Number.isInteger(atLeast) && atLeast >= 1 && atLeast <= parts.length)
    return { kind, atLeast, of: parts }
  const told = `"atLeast" says how many of the ${parts.length} it takes`
  terms.report(problem(node?.at ?? list.at, told, { hint: SOME }))
  return null
}

/** `2 periods`, `18 months`, `ever`; no stretch where nothing is said, null after a report. */
function readStretch(node: Node | null, report: Report): { stretch: Stretch | null } | null {
  if (node === null) return { stretch: null }
  const text = asScalar(node)?.text.trim() ?? ''
  if (text === 'ever') return { stretch: { kind: 'ever' } }
  const match = /^(\d{1,3}) (periods?|months?|years?)$/.exec(text)
  const count = Number(match?.[1])
  if (match && count >= 1) {
    if (match[2]?.startsWith('period')) return { stretch: { kind: 'periods', count } }
    return { stretch: { kind: 'months', count: match[2]?.startsWith('year') ? count * 12 : count } }
  }
  const told = `expected 2 periods, 18 months or ever; got "${text}"`
  report(problem(node.at, told, { hint: didYouMean(text, ['ever', 'periods', 'months']) }))
  return null
}

function readThreshold({ counter, at, value, within }: Threshold, terms: CriterionTerms): Criterion | null {
  const { money, currencies, report } = terms
  const node = asScalar(value)
  if (counter.startsWith('member.')) return node && readAttribute({ name: counter.slice(7), at, node }, terms)
  if (counter === 'spend') {
    const amount = node && readMoney(node, report)
    if (!node || !amount) return null
    if (money === null || amount.currency === money) return threshold('spend', amount.amount, within)
    report(problem(node.at, `the money of this program is ${money}, not ${amount.currency}`))
    return null
  }
  if (counter !== 'transactions' && !currencies.includes(counter)) {
    const known = ['spend', 'transactions', ...currencies]
    const hint = didYouMean(counter, known) ?? `known here: ${known.join(', ')}, any, all`
    report(problem(at, `unknown counter "${counter}"`, { hint }))
    return null
  }
  const count = node && readNumber(node.text)
  if (count?.isInteger() && count.greaterThan(0)) {
    return threshold(counter === 'transactions' ? counter : `points:${counter}`, count, within)
  }
  if (node) report(problem(node.at, `expected a whole number above zero; got "${node.text}"`))
  return null
}

/** `member.staff: true`: an attribute that has a value. */
function readAttribute(
  { name, at, node }: { name: string; at: Node['at']; node: ScalarNode },
  { attributes, report }: CriterionTerms,
): Criterion | null {
  const field = attributes.get(name)
  if (!field) {
    const hint = didYouMean(name, attributes.keys())
    report(problem(at, `unknown attribute "${name}"`, { hint }))
    return null
  }
  if (field.oneOf && !field.oneOf.includes(node.text)) {
    const told = `"${node.text}" is not one of ${field.oneOf.join(', ')}`
    report(problem(node.at, told, { hint: didYouMean(node.text, field.oneOf) }))
    return null
  }
  if (field.type === 'boolean' && node.type !== 'boolean') {
    report(problem(node.at, `expected true or false, not "${node.text}"`))
    return null
  }
  const value = field.type === 'boolean' ? node.text.toLowerCase() : node.text
  return threshold(`attribute:${name}=${value}`, new Decimal(1), null)
}

function threshold(counter: Counter, atLeast: Decimal, within: Stretch | null): Criterion {
  return { kind: 'counter', counter, atLeast, ...(within && { within }) }
}

/** Where both tiers ask for the same counters, the upper one must ask for more. Alternatives are left alone. */
export function checkAscending(
  node: Node,
  { reach, below, terms }: { reach: Criterion; below: Tier; terms: CriterionTerms },
): void {
  const upper = thresholds(reach)
  const lower = below.reach && thresholds(below.reach)
  if (!upper || !lower) return
  const shared = [...upper].filter(([counter]) => lower.has(counter))
  const least = shared.find(([counter, amount]) => amount.lessThan(lower.get(counter)!))
  const same =
    shared.length === upper.size && shared.every(([counter, amount]) => amount.equals(lower.get(counter)!))
  const [counter, amount] = least ?? (same ? shared[0]! : [])
  if (!counter || !amount) return
  const asked = `${amount.toFixed()} ${counter.replace('points:', '')}`
  const told = `tiers stand lowest first: ${asked} is not more than the ${lower.get(counter)!.toFixed()} of "${below.id}"`
  terms.report(problem(node.at, told))
}

function thresholds(criterion: Criterion): Map<Counter, Decimal> | null {
  if (criterion.kind === 'any' || criterion.kind === 'some') return null
  if (criterion.kind === 'counter')
    return criterion.within ? null : new Map([[criterion.counter, criterion.atLeast]])
  const all = new Map<Counter, Decimal>()
  for (const part of criterion.of) {
    const inner = thresholds(part)
    if (inner === null) return null
    for (const [counter, amount] of inner) all.set(counter, Decimal.max(amount, all.get(counter) ?? 0))
  }
  return all
}
