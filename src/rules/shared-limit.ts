/**
 * Limits over several rules: those that are named, or all that give the currency, where conditions hold.
 * Counted per member or of all members together, and apart for each value of a fact where `by` says so.
 */
import { didYouMean } from '../base/nearest.ts'
import { compileCondition } from './condition.ts'
import { type Fact, findFact, type Terms } from './fact.ts'
import { compilePhrase, type Limit, readOver } from './limit.ts'
import type { MapNode, Node, Report } from './node.ts'
import { problem } from './problem.ts'
import type { Rule } from './rule.ts'
import type { Scope } from './scope.ts'

export interface SharedLimit {
  readonly id: string
  readonly limit: Limit
  /** null: all that give its currency */
  readonly rules: readonly string[] | null
}

/** Names of limits over several rules begin with this, which no rule's id does. */
const PREFIX = '*'

/** Compiles one of the program's `limits`; null after a report. */
export function compileSharedLimit(node: MapNode, scope: Scope, report: Report): SharedLimit | null {
  let good = true
  const fail: Report = (found) => {
    good = false
    report(found)
  }
  const written = new Map(node.entries.map(({ key, value }) => [key, value]))
  const id = written.get('id')
  const of = written.get('of')
  const over = readOver(written.get('over'), fail)
  const rules = readRules(written.get('rules'), scope, fail)
  // What the grammar has told of already: a limit without its id or its phrase.
  if (id?.kind !== 'scalar' || of?.kind !== 'scalar' || over === null) return null
  const phrase = compilePhrase({ node: of, over, name: `${PREFIX}${id.text}`, scope }, fail)
  const on = [...scope.transactionTypes.keys()]
  const terms: Terms = { scope, rule: null, on, lines: 'none', ofAnyType: true }
  const when = written.get('when')
  const tests = when ? compileCondition(when, terms, fail) : []
  const by = readBy(written.get('by'), terms, fail)
  if (phrase && (phrase.per === 'transaction' || phrase.per === 'all') && by) {
    const hint = phrase.per === 'all' ? 'write one limit for each value, with `when`' : undefined
    fail(problem(written.get('by')?.at ?? of.at, '"by" is for limits per member or household', { hint }))
  }
  if (!good || !phrase || !tests) return null
  return { id: id.text, limit: { ...phrase, tests, by }, rules }
}

function readRules(node: Node | undefined, scope: Scope, report: Report): string[] | null {
  if (node === undefined) return null
  const items = node.kind === 'list' ? node.items : [node]
  return items.flatMap((item) => {
    const name = item.kind === 'scalar' ? item.text : ''
    if (scope.ruleIds.has(name)) return [name]
    report(problem(item.at, `there is no rule "${name}"`, { hint: didYouMean(name, scope.ruleIds) }))
    return []
  })
}

function readBy(node: Node | undefined, terms: Terms, report: Report): Fact | null {
  if (node === undefined) return null
  const name = node.kind === 'scalar' ? node.text : ''
  const found = findFact(terms, name)
  if (!('fact' in found)) {
    report(problem(node.at, found.message, { hint: found.hint }))
    return null
  }
  const { kind } = found.fact.type
  if (kind === 'text' || kind === 'tier' || kind === 'boolean') return found.fact
  report(problem(node.at, '"by" takes a fact of few values, such as a text of a list'))
  return null
}

/** The rules with the limits that go over them added to their own; a limit that no rule meets is reported. */
export function withSharedLimits(
  rules: readonly Rule[],
  shared: readonly (SharedLimit & { readonly node: MapNode })[],
  report: Report,
): Rule[] {
  for (const { node, limit, rules: named } of shared) {
    const met = rules.some((rule) => isOver({ limit, rules: named }, rule))
    if (!met) report(problem(node.at, `no rule that this limit is for gives ${limit.currency ?? 'anything'}`))
  }
  if (shared.length === 0) return [...rules]
  return rules.map((rule) => ({
    ...rule,
    limits: [...rule.limits, ...shared.filter((each) => isOver(each, rule)).map(({ limit }) => limit)],
  }))
}

function isOver({ limit, rules }: Pick<SharedLimit, 'limit' | 'rules'>, rule: Rule): boolean {
  if (rules !== null && !rules.includes(rule.id)) return false
  return rule.grants.some(({ currency }) => limit.currency === null || currency === limit.currency)
}
