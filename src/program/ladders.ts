/**
 * Ladders: the tiers of a program, what reaches them, and how long they last. The first tier is everybody's;
 * each one above it asks for more than the one below.
 */
import { didYouMean } from '../base/nearest.ts'
import { Decimal } from '../base/points.ts'
import type { MapNode, Node, Report, ScalarNode } from '../rules/node.ts'
import { problem } from '../rules/problem.ts'
import { readNumber } from '../rules/value.ts'
import { asMap, asScalar, childOf, firstOf, itemsAt, scalarAt, textAt, wordAt } from './nodes.ts'
import type { Counter, Criterion, Ladder, Tier } from './program.ts'
import { readLength, readMoney, wordsOf } from './units.ts'

/** The id of the one ladder that stands under `tiers:`. */
export const MAIN_LADDER = 'main'

export interface LadderTerms {
  /** the program's money; null where that itself is wrong */
  readonly money: string | null
  readonly currencies: readonly string[]
  readonly report: Report
}

/** The ladders as far as they can be read; tiers keep their order and names whatever else is wrong. */
export function readLadders(top: MapNode, terms: LadderTerms): Ladder[] {
  const single = asMap(childOf(top, 'tiers'))
  const several = asMap(childOf(top, 'ladders'))
  if (single && several) {
    const at = top.entries.find(({ key }) => key === 'ladders')?.keyAt ?? several.at
    terms.report(
      problem(at, 'tiers stand under "tiers" or, where there are several ladders, under "ladders"'),
    )
  }
  const ladders = single ? [readLadder(MAIN_LADDER, single, terms)] : []
  for (const { key, value } of firstOf(several?.entries ?? [], {
    most: 10,
    what: 'ladders',
    report: terms.report,
  })) {
    const map = asMap(value)
    if (map) ladders.push(readLadder(key, map, terms))
  }
  return ladders
}

function readLadder(id: string, map: MapNode, terms: LadderTerms): Ladder {
  const periodNode = scalarAt(map, 'period')
  const period = (periodNode && readPeriod(periodNode, terms.report)) ?? { kind: 'calendar_year' as const }
  const validityNode = scalarAt(map, 'validity')
  const byDefault: Ladder['validity'] =
    period.kind === 'rolling'
      ? { kind: 'months', months: period.months }
      : { kind: 'period_end', extraPeriods: 1 }
  const validity = (validityNode && readValidity(validityNode, period, terms.report)) ?? byDefault
  const downgrade = wordAt(map, 'downgrade', { known: ['one step', 'earned', 'never'], fallback: 'earned' })
  const tiers = readTiers(map, terms)
  return { id, tiers, period, validity, downgrade: downgrade === 'one step' ? 'one_step' : downgrade }
}

function readPeriod(node: ScalarNode, report: Report): Ladder['period'] | null {
  const text = node.text.trim()
  if (text === 'calendar year') return { kind: 'calendar_year' }
  if (text === 'membership year') return { kind: 'membership_year' }
  const [rolling, ...length] = wordsOf(node.text)
  if (rolling?.text === 'rolling') {
    const months = readMonths(node, length, report)
    return months === null ? null : { kind: 'rolling', months }
  }
  const known = ['calendar year', 'membership year', 'rolling 12 months']
  report(
    problem(node.at, `expected calendar year, membership year, or rolling 12 months; got "${node.text}"`, {
      hint: didYouMean(text, known),
    }),
  )
  return null
}

function readMonths(node: ScalarNode, words: ReturnType<typeof wordsOf>, report: Report): number | null {
  const length = readLength(node, words, report)
  if (length === null) return null
  if (length.unit !== 'day') return length.unit === 'year' ? length.count * 12 : length.count
  report(problem(node.at, 'expected a number of months or years', { offset: words[1]?.offset }))
  return null
}

function readValidity(node: ScalarNode, period: Ladder['period'], report: Report): Ladder['validity'] | null {
  const match = /^end of (next )?period(?: plus (\d{1,2}))?$/.exec(node.text.trim())
  if (match && period.kind !== 'rolling') {
    return { kind: 'period_end', extraPeriods: (match[1] ? 1 : 0) + Number(match[2] ?? 0) }
  }
  if (match) {
    report(problem(node.at, 'a rolling period has no end', { hint: 'write a length such as 12 months' }))
    return null
  }
  if (/^\d/.test(node.text)) {
    const months = readMonths(node, wordsOf(node.text), report)
    return months === null ? null : { kind: 'months', months }
  }
  const told = `expected end of period, end of next period, or a length such as 12 months; got "${node.text}"`
  report(problem(node.at, told))
  return null
}

function readTiers(ladder: MapNode, terms: LadderTerms): Tier[] {
  const { report } = terms
  const list = childOf(ladder, 'ladder')
  const items = itemsAt(ladder, 'ladder')
  if (list?.kind === 'list' && items.length === 0)
    report(problem(list.at, 'a ladder needs at least one tier'))

  const tiers: Tier[] = []
  for (const item of firstOf(items, { most: 50, what: 'tiers', report })) {
    const map = asMap(item)
    const id = textAt(map, 'id')
    if (map === null || id === null) continue
    if (tiers.some((tier) => tier.id === id)) {
      report(problem(scalarAt(map, 'id')!.at, `the tier "${id}" stands twice`))
      continue
    }
    const rank = tiers.length
    const reachNode = childOf(map, 'reach')
    const keepNode = childOf(map, 'keep')
    const reach = reachNode && readCriterion(reachNode, terms)
    const keep = (keepNode && readCriterion(keepNode, terms)) ?? reach
    if (rank === 0) {
      const asked = map.entries.find(({ key }) => key === 'reach' || key === 'keep')
      const told = `the first tier is everybody's: "${asked?.key}" has no meaning here`
      if (asked) report(problem(asked.keyAt, told, { hint: 'put a tier without it before this one' }))
    } else if (!reachNode) {
      report(problem(map.at, `"reach" is missing: only the first tier is everybody's`))
    } else if (reach) {
      checkAscending(reachNode, { reach, below: tiers[rank - 1]!, terms })
    }
    tiers.push({ id, rank, reach: rank === 0 ? null : reach, keep: rank === 0 ? null : keep })
  }
  return tiers
}

/** `{ spend: 500 EUR, transactions: 12 }`: all of them; `any` and `all` take lists of such maps. */
function readCriterion(node: Node, terms: LadderTerms): Criterion | null {
  const map = asMap(node)
  if (map === null) return null
  const parts: Criterion[] = []
  let whole = true
  for (const { key, keyAt, value } of map.entries) {
    const part =
      key === 'any' || key === 'all'
        ? readJoined(key, value, terms)
        : readThreshold({ counter: key, at: keyAt, value }, terms)
    if (part) parts.push(part)
    else whole = false
  }
  if (map.entries.length === 0)
    terms.report(problem(map.at, 'expected a criterion such as `transactions: 12`'))
  if (!whole || parts.length === 0) return null
  return parts.length === 1 ? parts[0]! : { kind: 'all', of: parts }
}

function readJoined(kind: 'any' | 'all', list: Node, terms: LadderTerms): Criterion | null {
  if (list.kind !== 'list') return null
  if (list.items.length === 0) terms.report(problem(list.at, `"${kind}" needs at least one criterion`))
  const parts = list.items.map((item) => readCriterion(item, terms))
  return parts.length > 0 && parts.every((part) => part !== null) ? { kind, of: parts } : null
}

function readThreshold(
  { counter, at, value }: { counter: string; at: Node['at']; value: Node },
  { money, currencies, report }: LadderTerms,
): Criterion | null {
  const node = asScalar(value)
  if (counter === 'spend') {
    const amount = node && readMoney(node, report)
    if (!node || !amount) return null
    if (money === null || amount.currency === money) return threshold('spend', amount.amount)
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
    return threshold(counter === 'transactions' ? counter : `points:${counter}`, count)
  }
  if (node) report(problem(node.at, `expected a whole number above zero; got "${node.text}"`))
  return null
}

function threshold(counter: Counter, atLeast: Decimal): Criterion {
  return { kind: 'counter', counter, atLeast }
}

/** Where both tiers ask for the same counters, the upper one must ask for more. Alternatives are left alone. */
function checkAscending(
  node: Node,
  { reach, below, terms }: { reach: Criterion; below: Tier; terms: LadderTerms },
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
  if (criterion.kind === 'any') return null
  if (criterion.kind === 'counter') return new Map([[criterion.counter, criterion.atLeast]])
  const all = new Map<Counter, Decimal>()
  for (const part of criterion.of) {
    const inner = thresholds(part)
    if (inner === null) return null
    for (const [counter, amount] of inner) all.set(counter, Decimal.max(amount, all.get(counter) ?? 0))
  }
  return all
}
