/**
 * What a program may say but hardly means: warnings that keep nothing from being published. Each is certain
 * as far as it goes; whoever means it all the same may leave it as it is.
 */
import { Decimal } from '../base/points.ts'
import type { MapNode, Node, Report } from '../rules/node.ts'
import { problem } from '../rules/problem.ts'
import { kindOf } from './files.ts'
import { lintCampaigns } from './lint-campaigns.ts'
import { lintUses } from './lint-uses.ts'
import { asMap, childOf, itemsAt, scalarAt, textAt } from './nodes.ts'
import { judge, type Readable, tellVerdicts, typesOf } from './possible.ts'
import type { Criterion, Ladder, Tier } from './program.ts'
import { shadowedRules } from './shadow.ts'

export interface Linted {
  readonly top: MapNode
  readonly examples: readonly MapNode[]
  /** null where errors leave too little of it */
  readonly program: Readable | null
}

export function lint({ top, examples, program }: Linted, report: Report): void {
  const rules = itemsAt(top, 'earn').flatMap((item) => asMap(item) ?? [])
  lintExamples(top, { examples, rules }, report)
  const byId = firstById(rules)
  for (const rule of rules) {
    if (program) lintConditions(rule, program, report)
    lintLimit(rule, report)
    lintAwarded(rule, { byId, report })
    lintNeverEarn(rule, { top, report })
    lintEnd(rule, 'rule', report)
    lintRegistered(rule, { top, report })
  }
  for (const reward of itemsAt(top, 'rewards').flatMap((item) => asMap(item) ?? []))
    lintEnd(reward, 'reward', report)
  for (const promotion of itemsAt(top, 'promotions').flatMap((item) => asMap(item) ?? []))
    if (!hasEnd(promotion)) tellEndless(promotion, 'promotion', report)
  for (const { rule, by } of shadowedRules(top, rules)) {
    const at = scalarAt(rule, 'id')?.at ?? rule.at
    const told = `the rule "${textAt(rule, 'id')}" never gets its turn: "${by}" comes first and asks for no more`
    report(problem(at, told, { hint: 'put the rule that asks for more before the other one' }))
  }
  for (const key of ['earn', 'limits', 'rewards', 'milestones']) lintPoints(childOf(top, key), report)
  if (program) lintTiers(top, program, report)
  lintUses(top, program, report)
  if (program) lintCampaigns(top, program, report)
}

// A number that ends in a nought after three decimals: nobody writes a fraction so.
const THOUSANDS = /(?:^|[\s=(])([1-9]\d{0,2}\.\d\d0)(?=$|[\s),])/

/** `1.000 points` is one point. */
function lintPoints(node: Node | null, report: Report): void {
  if (node?.kind === 'map') for (const { value } of node.entries) lintPoints(value, report)
  if (node?.kind === 'list') for (const item of node.items) lintPoints(item, report)
  const written = node?.kind === 'scalar' ? THOUSANDS.exec(node.text) : null
  if (!node || !written) return
  const [, text = ''] = written
  const told = `"${text}" is ${new Decimal(text).toFixed()} here: the point begins the decimals`
  const hint = `for a thousand and more, write ${text.replace('.', '')}`
  report(problem(node.at, told, { offset: written.index + written[0].length - text.length, hint }))
}

function lintExamples(
  top: MapNode,
  { examples, rules }: { examples: readonly MapNode[]; rules: readonly MapNode[] },
  report: Report,
): void {
  if (examples.length === 0) {
    const hint = 'put some beside it, in a file whose name ends in ".examples.yaml"'
    report(problem({ ...top.at, line: 1, column: 1 }, 'the program has no examples', { hint }))
    return
  }
  const shown = rulesShown(examples)
  for (const rule of rules) {
    const id = scalarAt(rule, 'id')
    if (id && !shown.has(id.text)) report(problem(id.at, `no example shows the rule "${id.text}"`))
  }
}

/** The rules that some example says what they give. */
function rulesShown(examples: readonly MapNode[]): Set<string> {
  const shown = new Set<string>()
  const take = (awards: Node | null) => {
    for (const { key } of asMap(awards)?.entries ?? []) shown.add(key)
  }
  for (const file of examples) {
    for (const item of itemsAt(file, 'examples')) {
      const example = asMap(item)
      take(childOf(example, 'awards'))
      for (const step of itemsAt(example, 'steps')) take(childOf(asMap(step), 'awards'))
    }
  }
  return shown
}

function lintConditions(rule: MapNode, program: Readable, report: Report): void {
  const when = asMap(childOf(rule, 'when'))
  if (when === null) return
  const id = textAt(rule, 'id') ?? ''
  tellVerdicts(judge(when, typesOf(rule), program), `the rule "${id}" can never fire`, report)
  for (const { key, value } of when.entries) {
    if (key === 'where') lintConstant(value, id, report)
    if (key !== 'any' || value.kind !== 'list') continue
    for (const item of value.items) {
      const never =
        asMap(item) && judge(item as MapNode, typesOf(rule), program).find(({ kind }) => kind === 'never')
      if (never) report(problem(never.at, `this case can never hold: no "${never.fact}" meets it`))
    }
  }
}

/** A formula without any name in it: the same for every transaction. */
function lintConstant(node: Node, id: string, report: Report): void {
  if (node.kind !== 'scalar') return
  const text = node.text.trim().toLowerCase()
  if (text === 'true') report(problem(node.at, 'this condition is always true'))
  if (text === 'false') report(problem(node.at, `the rule "${id}" can never fire: its condition is false`))
}

const FLAT = /^\s*(\d+(?:\.\d+)?)\s+\S+\s*$/
const PER_TRANSACTION = /^\s*(\d+)\s+\S+\s+per\s+transaction\s*$/

/** A flat award once per transaction against a limit per transaction. */
function lintLimit(rule: MapNode, report: Report): void {
  const limit = childOf(rule, 'limit')
  const node = limit?.kind === 'map' ? scalarAt(limit, 'of') : scalarAt(rule, 'limit')
  const award = FLAT.exec(textAt(rule, 'award') ?? '')?.[1]
  const most = PER_TRANSACTION.exec(node?.text ?? '')?.[1]
  if (!node || award === undefined || most === undefined || textAt(rule, 'forEach') !== null) return
  if (new Decimal(award).greaterThan(most)) return
  report(problem(node.at, `this limit never binds: the rule gives ${award} at once, and never more`))
}

/** Of rules with the same id the first one. */
function firstById(rules: readonly MapNode[]): Map<string | null, MapNode> {
  return new Map(rules.toReversed().map((rule) => [textAt(rule, 'id'), rule]))
}

/** A rule that builds on one which is for other transactions adds nothing to nothing. */
function lintAwarded(
  rule: MapNode,
  { byId, report }: { byId: ReadonlyMap<string | null, MapNode>; report: Report },
): void {
  const node = scalarAt(rule, 'award')
  const match = /^\s*\S+\s*=\s*(?:\d+(?:\.\d+)?\s*\*\s*)?awarded\(\s*["']?([^\s"')]+)["']?\s*\)\s*$/.exec(
    node?.text ?? '',
  )
  const other = match && byId.get(match[1]!)
  if (!node || !other) return
  const shared = typesOf(other).filter((type) => typesOf(rule).includes(type))
  if (shared.length > 0) return
  const told = `the rule "${textAt(rule, 'id')}" can never fire: "${match[1]}" is for ${typesOf(other).join(', ')} only`
  report(problem(node.at, told))
}

/** A rule for goods of which the program says that they never earn. */
function lintNeverEarn(rule: MapNode, { top, report }: { top: MapNode; report: Report }): void {
  const never = asMap(childOf(top, 'neverEarn'))
  const [only, ...more] = never?.entries ?? []
  if (!only || more.length > 0) return
  const fact = only.key.startsWith('line.') ? only.key : `line.${only.key}`
  const asked = childOf(asMap(childOf(rule, 'when')), fact)
  const wanted = valuesOf(asked)
  const excluded = new Set(valuesOf(only.value))
  if (!asked || wanted.length === 0 || wanted.some((value) => !excluded.has(value))) return
  const told = `the rule "${textAt(rule, 'id')}" can never fire: "neverEarn" leaves out ${wanted.join(', ')}`
  report(problem(asked.at, told))
}

function valuesOf(node: Node | null): string[] {
  if (node?.kind === 'scalar') return [node.text]
  return node?.kind === 'list'
    ? node.items.flatMap((item) => (item.kind === 'scalar' ? [item.text] : []))
    : []
}

function hasEnd(map: MapNode): boolean {
  return childOf(map, 'until') !== null || childOf(map, 'through') !== null
}

/** What stands in a campaign's file is for a time. */
function lintEnd(map: MapNode, what: string, report: Report): void {
  if (kindOf(map.at.file) === 'campaign' && !hasEnd(map)) tellEndless(map, what, report)
}

/** A promotion's time is the one to register in; whoever did keeps it. In a campaign's file its end is told of already. */
function lintRegistered(rule: MapNode, { top, report }: { top: MapNode; report: Report }): void {
  const asked = childOf(asMap(childOf(rule, 'when')), 'promotion')
  if (asked === null || hasEnd(rule) || kindOf(rule.at.file) === 'campaign') return
  const promotions = itemsAt(top, 'promotions').flatMap((item) => asMap(item) ?? [])
  const ending = new Set(promotions.filter(hasEnd).map((map) => textAt(map, 'id')))
  if (!valuesOf(asked).some((id) => ending.has(id))) return
  const told = `the rule "${textAt(rule, 'id')}" goes on after its promotion, for whoever registered in time`
  report(problem(asked.at, told, { hint: 'write in the rule too when it ends: `through: 2027-02-28`' }))
}

function tellEndless(map: MapNode, what: string, report: Report): void {
  const at = scalarAt(map, 'id')?.at ?? map.at
  const hint = 'write for instance `through: 2027-02-28`, the last day'
  report(problem(at, `the ${what} "${textAt(map, 'id')}" of a campaign never ends`, { hint }))
}

/** Tiers that ask for points which no rule gives. */
function lintTiers(top: MapNode, program: Readable, report: Report): void {
  const given = new Set([...program.rules.givers.values()].flat())
  const single = asMap(childOf(top, 'tiers'))
  const several = asMap(childOf(top, 'ladders'))?.entries ?? []
  const ladders = [...(single ? [single] : []), ...several.flatMap(({ value }) => asMap(value) ?? [])]
  for (const [index, map] of ladders.entries()) {
    for (const item of itemsAt(map, 'ladder')) {
      const id = scalarAt(asMap(item), 'id')
      const tier = program.ladders[index]?.tiers.find((each) => each.id === id?.text)
      const missing = id && tier?.reach ? unreachable(tier.reach, given) : null
      if (!id) continue
      if (missing !== null)
        report(problem(id.at, `the tier "${id.text}" cannot be reached: no rule gives ${missing}`))
      const above = tier && overtaken(program.ladders[index], tier)
      if (!above) continue
      const told = `the tier "${id.text}" cannot be reached: whoever could have it has "${above}" already`
      report(problem(id.at, told, { hint: 'the first tier of the list is the lowest, and asks for least' }))
    }
  }
}

/** A higher tier that asks for no more of the one thing that a tier asks for, or null. */
function overtaken(ladder: Ladder | undefined, { reach, rank }: Tier): string | null {
  if (!ladder || ladder.counting === 'spent' || reach?.kind !== 'counter' || reach.within) return null
  const { counter, atLeast } = reach
  const higher = ladder.tiers.find((tier) => {
    const enough = tier.rank > rank && tier.reach ? leastOf(tier.reach, counter) : null
    return enough?.lessThanOrEqualTo(atLeast) ?? false
  })
  return higher?.id ?? null
}

/** How much of a counter meets a criterion whatever else there is; null: no amount does. */
function leastOf(criterion: Criterion, counter: string): Decimal | null {
  if (criterion.kind === 'counter')
    return criterion.counter === counter && !criterion.within ? criterion.atLeast : null
  const parts = criterion.of.map((part) => leastOf(part, counter))
  const enough = parts.filter((part) => part !== null)
  if (criterion.kind === 'any') return enough.length === 0 ? null : Decimal.min(...enough)
  return criterion.kind === 'all' && enough.length === parts.length ? Decimal.max(...enough) : null
}

/** The currency for want of which a criterion can never be met, or null. */
function unreachable(criterion: Criterion, given: ReadonlySet<string>): string | null {
  if (criterion.kind === 'counter') {
    const currency = /^points:(.*)$/.exec(criterion.counter)?.[1]
    return currency !== undefined && !given.has(currency) ? currency : null
  }
  if (!('of' in criterion)) return null
  const parts = criterion.of.map((part) => unreachable(part, given))
  if (criterion.kind === 'all') return parts.find((part) => part !== null) ?? null
  return parts.includes(null) ? null : (parts[0] ?? null)
}
