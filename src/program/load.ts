/**
 * A program's files -> a Program, or everything that is wrong with them, each with its place. A program
 * with an error does not exist: there is nothing in between that could reach a member.
 */
import type { Fault } from '../base/errors.ts'
import { nearest } from '../base/nearest.ts'
import { buildRuleSet } from '../rules/evaluate.ts'
import { MOST_FORMULAS } from '../rules/expression.ts'
import type { MapNode, Node, Place, Report } from '../rules/node.ts'
import { inOrder, strangers } from '../rules/order.ts'
import { compileGroups } from '../rules/overlap.ts'
import { problem } from '../rules/problem.ts'
import { compileLineCondition, compileRule, type Rule } from '../rules/rule.ts'
import type { Scope } from '../rules/scope.ts'
import { compileSharedLimit, type SharedLimit, withSharedLimits } from '../rules/shared-limit.ts'
import { compileTable, type Table } from '../rules/table.ts'
import { readCampaigning } from './campaigning.ts'
import { withCampaignRules } from './campaigns.ts'
import {
  readAttributes,
  readBirthday,
  readCurrencies,
  readSegments,
  readTransactionTypes,
} from './declarations.ts'
import { eventTypes } from './events.ts'
import { examplesFile } from './examples-grammar.ts'
import { compileExemption } from './exemption.ts'
import { readFeedback } from './feedback.ts'
import type { ProgramFiles } from './files.ts'
import { type Findings, newFindings } from './findings.ts'
import { programFile } from './grammar.ts'
import { readLadders } from './ladders.ts'
import { lint } from './lint.ts'
import { mergeFiles } from './merge.ts'
import { readMilestones } from './milestones.ts'
import { asMap, childOf, entriesAt, firstOf, itemsAt, scalarAt, textAt, wordAt } from './nodes.ts'
import { readPartners } from './partners.ts'
import type { Currency, Ladder, Program } from './program.ts'
import { readPromotions } from './promotions.ts'
import { readRetention } from './retention.ts'
import { readRewards } from './rewards.ts'
import { namesOfSegments } from './segments.ts'
import { readSharing } from './sharing.ts'
import { checkStructure } from './structure.ts'
import { readTrees, type Trees } from './trees.ts'
import { checkIsoCurrency, isoCurrencies, readZone } from './units.ts'
import { readValue } from './value.ts'
import { contentHash } from './version.ts'

export interface Loaded {
  /** null when there is any error */
  readonly program: Program | null
  /** by file, line and column */
  readonly errors: Fault[]
  /** nothing that keeps the program from running, but probably not what was meant */
  readonly warnings: Fault[]
}

export function loadProgram(files: ProgramFiles): Loaded {
  return loadTrees(readTrees(files))
}

export function loadTrees({ files, trees, errors, isPartial }: Trees): Loaded {
  const warnings = newFindings({ echoes: true })
  const sources: MapNode[] = []
  const examples: MapNode[] = []
  for (const { kind, tree } of trees) {
    const isExamples = kind === 'examples'
    checkStructure(tree, isExamples ? examplesFile : programFile, errors.report)
    if (isExamples) examples.push(tree)
    else sources.push(tree)
  }

  // Without one of its files a program lacks names that the others use: telling of those would mislead.
  const top = isPartial ? null : mergeFiles(sources, errors.report)
  const read = top && readProgram(withCampaignRules(top), errors)
  // What is missing for an error's sake is not told of once more.
  if (top) lint({ top, examples, program: errors.size === 0 ? read : null }, warnings.report)
  const sound = errors.size === 0 && read !== null
  const program = sound ? { ...read, version: contentHash(files) } : null
  return { program, errors: errors.faults(), warnings: warnings.faults() }
}

/** Reads everything that can be read; the answer is sound only if nothing was reported. */
function readProgram(top: MapNode, findings: Findings): Omit<Program, 'version'> | null {
  const { report } = findings
  const zoneNode = scalarAt(top, 'timeZone')
  const timeZone = (zoneNode && readZone(zoneNode, report)) ?? 'UTC'
  const transactionTypes = readTransactionTypes(asMap(childOf(top, 'transactions')), report)
  const memberAttributes = readAttributes(asMap(childOf(top, 'members')), report)
  const terms = { transactionTypes: [...transactionTypes.keys()], attributes: memberAttributes }
  const declaredCurrencies = entriesAt(top, 'currencies')
  const currencies = readCurrencies(declaredCurrencies, terms, report)
  const money = readMoneyOf(top, currencies, report)
  // Without currencies nearly everything would be told of, and none of it would help.
  if (currencies.size === 0) return null
  const ladders = readLadders(top, {
    money,
    currencies: [...currencies.keys()],
    attributes: memberAttributes,
    report,
  })
  const members = asMap(childOf(top, 'members'))
  const byHand = readSegments(members, report)
  const segments = [...new Set([...byHand, ...namesOfSegments(top)])]
  const birthday = readBirthday(members, memberAttributes, report)
  const promotions = readPromotions(itemsAt(top, 'promotions'), { timeZone, findings })
  const events = eventTypes({
    segments,
    promotions: [...promotions.keys()],
    ladders: ladders.map((ladder) => ladder.id),
    campaigns: itemsAt(top, 'campaigns').flatMap((item) => textAt(asMap(item), 'id') ?? []),
    tiers: [...new Set(ladders.flatMap(({ tiers }) => tiers.map((tier) => tier.id)))],
    arms: itemsAt(top, 'campaigns')
      .flatMap((item) => itemsAt(asMap(item), 'arms'))
      .flatMap((arm) => textAt(asMap(arm), 'id') ?? []),
  })
  const rewards = readRewards(itemsAt(top, 'rewards'), { timeZone, money, currencies, ladders, findings })
  const returns = wordAt(top, 'returns', {
    known: ['pending_only', 'to_zero', 'negative'],
    fallback: 'to_zero',
  })
  const id = textAt(top, 'program') ?? ''
  // Without money nearly every rule would be told of, and none of it would help.
  if (money === null) return null

  const scope: Scope = {
    timeZone,
    money,
    currencies,
    transactionTypes: new Map([...transactionTypes, ...events]),
    memberAttributes,
    birthday,
    ladders: tierIds(ladders),
    ...readTables(top, report),
    ruleIds: new Set(itemsAt(top, 'earn').flatMap((item) => textAt(asMap(item), 'id') ?? [])),
    groups: compileGroups(firstOf(entriesAt(top, 'groups'), { most: 200, what: 'groups', report }), report),
    segments,
    promotions: [...promotions.keys()],
    partners: readPartners(top, report),
    households: childOf(top, 'pools') !== null,
    room: { characters: MOST_FORMULAS },
  }
  for (const { key, value } of declaredCurrencies) {
    const exempt = childOf(asMap(childOf(asMap(value), 'expires')), 'exempt')
    const known = currencies.get(key)
    if (exempt && known) currencies.set(key, { ...known, exempt: compileExemption(exempt, scope, report) })
  }
  const rules = buildRuleSet({ ...readRules(top, scope, findings), timeZone, money })
  const sharing = readSharing(top, { currencies, rules: scope, report })
  const milestones = readMilestones(itemsAt(top, 'milestones'), { scope, currencies, findings })
  const retention = readRetention(top, { transactionTypes: new Set(transactionTypes.keys()), report })
  const name = textAt(top, 'name') ?? id
  const declared = { timeZone, money, currencies, transactionTypes, memberAttributes, segments, birthday }
  const funders = new Map(rules.rules.flatMap(({ id, funder }) => (funder ? [[id, funder] as const] : [])))
  const partners = scope.partners ?? []
  const given = {
    rules,
    partners,
    funders,
    ladders,
    rewards,
    returns,
    promotions,
    milestones,
    eventTypes: events,
  }
  const hasRetention = retention !== null
  const campaigning = readCampaigning(top, { scope, byHand, hasRetention, report })
  const feedback = readFeedback(top, report)
  const value = readValue(top, { transactionTypes: [...transactionTypes.keys()], money, report })
  const voiced = { feedback, value }
  return { id, name, ...declared, ...given, ...sharing, retention, ...campaigning, ...voiced }
}

/**
 * The program's money: as declared, or that of the first currency with a value. Values must agree with it.
 * Where it is misspelt or missing, the nearest one or the one that the rules name is taken, so that the rest of the
 * files can be told of as well.
 */
function readMoneyOf(top: MapNode, currencies: ReadonlyMap<string, Currency>, report: Report): string | null {
  const node = scalarAt(top, 'money')
  const values = [...currencies.values()].flatMap(({ id, value }) => (value ? { id, value } : []))
  if (node === null && values.length === 0) {
    // A value that is there but wrong has been told of; only where there is none is the money unknown.
    const declared = entriesAt(top, 'currencies')
    const any = declared.length === 0 || declared.some(({ value }) => childOf(asMap(value), 'value'))
    const hint = 'write for instance `money: EUR`, or give a currency a value'
    if (!any && !childOf(top, 'money'))
      report(problem(top.at, 'the money of the program is not said', { hint }))
    return moneyNamed(top) ?? 'EUR'
  }
  const declared = node && checkIsoCurrency(node, { text: node.text, offset: 0 }, report)
  const guess = node && declared === null ? nearest(node.text, isoCurrencies) : null
  const money = node ? (declared ?? guess) : values[0]!.value.currency
  for (const { id, value } of values) {
    if (money === null || value.currency === money) continue
    const at = scalarAt(asMap(childOf(asMap(childOf(top, 'currencies')), id)), 'value')?.at ?? top.at
    report(problem(at, `the money of this program is ${money}, not ${value.currency}`))
  }
  return money
}

function tierIds(ladders: readonly Ladder[]): Map<string, string[]> {
  return new Map(ladders.map(({ id, tiers }) => [id, tiers.map((tier) => tier.id)]))
}

function readTables(top: MapNode, report: Report): { tables: Map<string, Table>; brokenTables: Set<string> } {
  const tables = new Map<string, Table>()
  const brokenTables = new Set<string>()
  for (const { key, value } of firstOf(entriesAt(top, 'tables'), { most: 200, what: 'tables', report })) {
    const map = asMap(value)
    const table = map && compileTable(map, report)
    if (table) tables.set(key, table)
    else brokenTables.add(key)
  }
  return { tables, brokenTables }
}

function readRules(
  top: MapNode,
  scope: Scope,
  findings: Findings,
): Pick<Parameters<typeof buildRuleSet>[0], 'rules' | 'neverEarn'> {
  const { report } = findings
  const rules: Rule[] = []
  const ids = new Set<string>()
  for (const item of itemsAt(top, 'earn')) {
    const map = asMap(item)
    if (map === null) continue
    if (findings.isFull) break
    const id = scalarAt(map, 'id')
    if (id && ids.has(id.text)) report(problem(id.at, `the rule "${id.text}" stands twice`))
    if (id) ids.add(id.text)
    const rule = compileRule(map, scope, report)
    if (rule) rules.push(rule)
  }
  const never = childOf(top, 'neverEarn')
  const neverEarn = never && compileLineCondition(never, scope, report)
  return { rules: putTogether(rules, { limits: readLimits(top, scope, report), top }, report), neverEarn }
}

type NodedLimit = SharedLimit & { readonly node: MapNode }

function readLimits(top: MapNode, scope: Scope, report: Report): NodedLimit[] {
  const limits: NodedLimit[] = []
  for (const item of firstOf(itemsAt(top, 'limits'), { most: 100, what: 'limits over rules', report })) {
    const map = asMap(item)
    const limit = map && compileSharedLimit(map, scope, report)
    if (!map || !limit) continue
    if (limits.some(({ id }) => id === limit.id))
      report(problem(scalarAt(map, 'id')?.at ?? map.at, `the limit "${limit.id}" stands twice`))
    limits.push({ ...limit, node: map })
  }
  return limits
}

/** The rules in their order of evaluation, with the limits that go over several of them. */
function putTogether(
  rules: readonly Rule[],
  { limits, top }: { limits: readonly NodedLimit[]; top: MapNode },
  report: Report,
): readonly Rule[] {
  const known = new Set(rules.map(({ id }) => id))
  let places: ReadonlyMap<string, Place> | null = null
  const placeOf = ({ id }: Rule): Place => {
    places ??= placesOf(itemsAt(top, 'earn'))
    return places.get(id) ?? top.at
  }
  // A limit for a rule that has errors of its own would only echo them.
  const whole = limits.filter((limit) => limit.rules === null || limit.rules.some((id) => known.has(id)))
  const limited = rules.length === 0 ? [] : withSharedLimits(rules, whole, report)
  for (const { rule, group, currency } of strangers(limited)) {
    const told = `the group "${group.id}" compares ${currency}, and this rule gives ${rule.grants[0]?.currency}`
    report(problem(placeOf(rule), told))
  }
  const ordered = inOrder(limited)
  if ('rules' in ordered) return ordered.rules
  const { circle, at } = ordered
  const told =
    circle.length === 2 && at.group
      ? `rules of the group "${at.group.id}" can't build on one another`
      : `rules build on one another in a circle: ${circle.join(' -> ')}`
  report(problem(placeOf(at), told))
  return limited
}

/** Where the id of each rule stands; of several the first. */
function placesOf(items: readonly Node[]): Map<string, Place> {
  const ids = items.flatMap((item) => scalarAt(asMap(item), 'id') ?? [])
  return new Map(ids.reverse().map(({ text, at }) => [text, at]))
}

const MONEY = /\b[0-9] ([A-Z]{3})\b/

/** The first money that anything in the files names. */
function moneyNamed(node: Node): string | null {
  if (node.kind === 'scalar') {
    const name = MONEY.exec(node.text)?.[1]
    return name !== undefined && isoCurrencies.has(name) ? name : null
  }
  const parts = node.kind === 'list' ? node.items : node.entries.map(({ value }) => value)
  for (const part of parts) {
    const found = moneyNamed(part)
    if (found !== null) return found
  }
  return null
}
