/**
 * A program's files -> a Program, or everything that is wrong with them, each with its place. A program
 * with an error does not exist: there is nothing in between that could reach a member.
 */
import type { Fault } from '../base/errors.ts'
import { nearest } from '../base/nearest.ts'
import { buildRuleSet } from '../rules/evaluate.ts'
import type { MapNode, Report } from '../rules/node.ts'
import { problem } from '../rules/problem.ts'
import { compileLineCondition, compileRule, type Rule } from '../rules/rule.ts'
import type { Scope } from '../rules/scope.ts'
import { compileTable, type Table } from '../rules/table.ts'
import { readAttributes, readCurrencies, readTransactionTypes } from './declarations.ts'
import { examplesFile } from './examples-grammar.ts'
import { compileExemption } from './exemption.ts'
import { checkFiles, kindOf, type ProgramFiles } from './files.ts'
import { type Findings, newFindings } from './findings.ts'
import { programFile } from './grammar.ts'
import { readLadders } from './ladders.ts'
import { lint } from './lint.ts'
import { mergeFiles } from './merge.ts'
import { asMap, childOf, entriesAt, firstOf, itemsAt, scalarAt, textAt, wordAt } from './nodes.ts'
import { newBudget } from './plain-yaml.ts'
import type { Currency, Ladder, Program } from './program.ts'
import { readRewards } from './rewards.ts'
import { readSharing } from './sharing.ts'
import { checkStructure } from './structure.ts'
import { parseTree } from './tree.ts'
import { checkIsoCurrency, isoCurrencies, readZone } from './units.ts'
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
  const errors = newFindings()
  const warnings = newFindings({ echoes: true })
  const sources: MapNode[] = []
  const examples: MapNode[] = []
  const budget = newBudget()
  let unread = false
  for (const name of checkFiles(files, errors.report)) {
    const tree = parseTree({ file: name, content: files.get(name)!, budget }, errors.report)
    const isExamples = kindOf(name) === 'examples'
    if (tree === null) unread ||= !isExamples
    else {
      checkStructure(tree, isExamples ? examplesFile : programFile, errors.report)
      if (isExamples) examples.push(tree)
      else sources.push(tree)
    }
  }

  // Without one of its files a program lacks names that the others use: telling of those would mislead.
  const top = unread ? null : mergeFiles(sources, errors.report)
  const read = top && readProgram(top, errors)
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
  const ladders = readLadders(top, { money, currencies: [...currencies.keys()], report })
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
    transactionTypes,
    memberAttributes,
    ladders: tierIds(ladders),
    ...readTables(top, report),
    ruleIds: itemsAt(top, 'earn').flatMap((item) => textAt(asMap(item), 'id') ?? []),
  }
  for (const { key, value } of declaredCurrencies) {
    const exempt = childOf(asMap(childOf(asMap(value), 'expires')), 'exempt')
    const known = currencies.get(key)
    if (exempt && known) currencies.set(key, { ...known, exempt: compileExemption(exempt, scope, report) })
  }
  const rules = buildRuleSet({ ...readRules(top, scope, findings), timeZone, money })
  const declared = { timeZone, money, currencies, transactionTypes, memberAttributes }
  const sharing = readSharing(top, { currencies, rules: scope, report })
  return { id, name: textAt(top, 'name') ?? id, ...declared, rules, ladders, rewards, returns, ...sharing }
}

/**
 * The program's money: as declared, or that of the first currency with a value. Values must agree with it.
 * Where it is misspelt the nearest one is taken, so that the rest of the files can be told of as well.
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
    return null
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
  return { rules, neverEarn }
}
