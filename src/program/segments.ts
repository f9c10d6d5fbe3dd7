/**
 * Segments that follow from facts: conditions, a share of the best, or the nearest centre of accepted
 * clusters. Their names stand beside those of the segments that members are entered into by hand.
 */
import { didYouMean } from '../base/nearest.ts'
import type { MapNode, Node, Report, ScalarNode } from '../rules/node.ts'
import { problem } from '../rules/problem.ts'
import type { Scope } from '../rules/scope.ts'
import { type Clusters, type Ranking, rankings, type SegmentRule } from './campaign.ts'
import { compileMemberCondition, factNeedsRetention, memberNumbers } from './member-facts.ts'
import { asMap, asScalar, childOf, entriesAt, firstOf, itemsAt, scalarAt, textAt } from './nodes.ts'

const MOST = 200
const MOST_CENTRES = 50

/** Names of the declared segments, also of those that cannot be read: rules that use them make no echo. */
export function namesOfSegments(top: MapNode): string[] {
  const centres = entriesAt(asMap(childOf(top, 'clusters')), 'centres').map(({ key }) => key)
  const declared = itemsAt(top, 'segments').flatMap((item) => textAt(asMap(item), 'id') ?? [])
  return [...new Set([...declared, ...centres])]
}

/**
 * Whether a rule, a limit, a milestone or an exemption may look at segments or promotions. A word too many costs
 * a statement on each sale, one too few would be an award too few: any mention counts.
 */
export function asksForMarks(top: MapNode): boolean {
  return top.entries.some(
    ({ key, value }) =>
      ['earn', 'limits', 'milestones', 'currencies', 'neverEarn'].includes(key) && mentions(value),
  )
}

const MARKS = /\b(segment|promotion)\b/

function mentions(node: Node): boolean {
  if (node.kind === 'scalar') return MARKS.test(node.text)
  if (node.kind === 'list') return node.items.some(mentions)
  return node.entries.some(({ key, value }) => MARKS.test(key) || mentions(value))
}

export interface SegmentTerms {
  /** its segments are those by hand: a segment cannot ask for another that is worked out */
  readonly scope: Scope
  readonly hasRetention: boolean
  readonly report: Report
}

export function readSegmentRules(
  top: MapNode,
  terms: SegmentTerms,
): { segmentRules: SegmentRule[]; clusters: Clusters | null } {
  const { report, scope } = terms
  const rules: SegmentRule[] = []
  const taken = new Set(scope.segments)
  const take = (id: string, at: Node['at']): void => {
    if (taken.has(id)) report(problem(at, `the segment "${id}" stands twice`))
    taken.add(id)
  }
  for (const item of firstOf(itemsAt(top, 'segments'), { most: MOST, what: 'segments', report })) {
    const map = asMap(item)
    const id = scalarAt(map, 'id')
    if (!map || !id) continue
    take(id.text, id.at)
    const rule = readRule(map, id, terms)
    if (rule) rules.push(rule)
  }
  const clusters = readClusters(asMap(childOf(top, 'clusters')), terms)
  for (const { key, keyAt } of entriesAt(asMap(childOf(top, 'clusters')), 'centres')) {
    take(key, keyAt)
    if (clusters?.centres.has(key)) rules.push({ id: key, name: key, when: null, top: null, cluster: key })
  }
  return { segmentRules: rules, clusters }
}

function readRule(map: MapNode, id: ScalarNode, terms: SegmentTerms): SegmentRule | null {
  const { report, scope, hasRetention } = terms
  const [whenNode, topNode] = [childOf(map, 'when'), scalarAt(map, 'top')]
  if (!whenNode && !topNode) {
    const hint = 'or list it under members: { segments: […] } to enter members by hand'
    report(problem(id.at, `the segment "${id.text}" needs "when" or "top"`, { hint }))
    return null
  }
  const when = whenNode && compileMemberCondition(whenNode, scope, report)
  const top = topNode && readTop(topNode, report)
  const needs = [...(when?.facts.filter(factNeedsRetention) ?? []), ...(top ? ['top'] : [])]
  if (needs.length > 0 && !hasRetention) tellRetention(whenNode?.at ?? id.at, needs[0]!, report)
  if ((whenNode && !when) || (topNode && !top)) return null
  return { id: id.text, name: textAt(map, 'name') ?? id.text, when, top, cluster: null }
}

export function tellRetention(at: Node['at'], fact: string, report: Report): void {
  const hint = 'add a line `retention:` to the program, with or without keys below it'
  report(problem(at, `"${fact}" comes out of members' purchases, which this program does not keep`, { hint }))
}

/** `top 20 % by value`, or `20 % by value`. */
function readTop(node: ScalarNode, report: Report): SegmentRule['top'] {
  const match = /^(?:top\s+)?(\d{1,2}(?:\.\d{1,4})?)\s*%\s+by\s+(.+?)\s*$/.exec(node.text)
  const share = Number(match?.[1] ?? 0) / 100
  if (!match || share <= 0) {
    report(problem(node.at, `expected a share such as 20 % by value; got "${node.text}"`))
    return null
  }
  const by = rankings.find((known): known is Ranking => known === match[2])
  if (by) return { share, by }
  const hint = didYouMean(match[2]!, rankings) ?? `known are ${rankings.join(', ')}`
  report(problem(node.at, `members are not ranked by "${match[2]}"`, { hint }))
  return null
}

function readClusters(map: MapNode | null, terms: SegmentTerms): Clusters | null {
  if (!map) return null
  const { report } = terms
  if (!terms.hasRetention) tellRetention(map.entries[0]?.keyAt ?? map.at, 'clusters', report)
  const features = new Map<string, { mean: number; spread: number }>()
  const known = memberNumbers()
  for (const { key, keyAt, value } of entriesAt(map, 'features')) {
    if (!known.includes(key)) {
      report(problem(keyAt, `there is no fact "${key}" of a member`, { hint: didYouMean(key, known) }))
      continue
    }
    const [mean, spread] = numbersOf(value)
    if (mean === undefined || spread === undefined || !(spread > 0))
      report(problem(value.at, 'expected mean and spread of ln(1 + x), such as [2.1, 0.8]'))
    else features.set(key, { mean, spread })
  }
  const centres = new Map<string, readonly number[]>()
  const all = firstOf(entriesAt(map, 'centres'), { most: MOST_CENTRES, what: 'centres', report })
  for (const { key, value } of all) {
    const place = numbersOf(value)
    if (place.length === entriesAt(map, 'features').length) centres.set(key, place)
    else if (place.length > 0 || itemsOf(value).length === 0) {
      const wanted = entriesAt(map, 'features').length
      report(problem(value.at, `expected one number for each feature, which are ${wanted}`))
    }
  }
  if (features.size === 0 || centres.size < 2) {
    // Where one of them is wrong, that has been told of.
    const few = all.length < 2 || entriesAt(map, 'features').length === 0
    if (few)
      report(problem(map.entries[0]?.keyAt ?? map.at, 'clusters need features and two centres at least'))
    return null
  }
  return { features, centres }
}

function itemsOf(node: Node): readonly Node[] {
  return node.kind === 'list' ? node.items : []
}

function numbersOf(node: Node): number[] {
  const items = itemsOf(node)
  const numbers = items.map((item) => Number(asScalar(item)?.text ?? Number.NaN))
  return numbers.every(Number.isFinite) ? numbers : []
}
