/**
 * One rule of a program, checked and compiled. A rule that compiles can be evaluated on every transaction
 * of its types: what it does not find in the facts makes it not fire, never fail.
 */
import { didYouMean, nearest } from '../base/nearest.ts'
import { type Rounding, roundings } from '../base/points.ts'
import { dayOf } from '../base/time.ts'
import { compileAward, type Grant } from './award.ts'
import type { LineCondition } from './columns.ts'
import { allHold, compileCondition, compileSelection } from './condition.ts'
import { compileExtension } from './extend.ts'
import type { Fact, Terms } from './fact.ts'
import type { Extension } from './facts.ts'
import { compileFunder, type Funder } from './funder.ts'
import { compileLimits, type Limit } from './limit.ts'
import type { Anchor, Test } from './matcher.ts'
import type { MapNode, Node, Report, ScalarNode } from './node.ts'
import { findGroup, unfit } from './overlap.ts'
import { problem } from './problem.ts'
import { compileRecurrence, type Recurrence } from './recurrence.ts'
import type { Group, Scope } from './scope.ts'
import type { Selection } from './selection.ts'
import { compileWindow } from './window.ts'

export interface Rule {
  readonly id: string
  readonly name: string | null
  /** transaction types */
  readonly on: readonly string[]
  readonly perLine: boolean
  /** in force from here, strictly before `until`; null: without end */
  readonly from: Date | null
  readonly until: Date | null
  /** tested once per transaction */
  readonly tests: readonly Test[]
  /** tested per line */
  readonly lineTests: readonly Test[]
  readonly grants: readonly Grant[]
  /** what its conditions see, for the trace */
  readonly facts: readonly Fact[]
  /** its own limits; those that go over several rules are added when the rules are put together */
  readonly limits: readonly Limit[]
  /** which of several rules applies; null: it stacks */
  readonly group: Group | null
  /** on which days it is in force; null: on all of them */
  readonly recurs: Recurrence | null
  /** rules whose awards it uses: they are evaluated before it */
  readonly builds: readonly string[]
  /** lets points that the member has live on for longer */
  readonly extend: Extension | null
  /** who pays for its points; null: the program */
  readonly funder: Funder | null
  /** the equality by which the index finds the rule; null: it is always looked at */
  readonly anchor: Anchor | null
}

/** Compiles one rule of the file; null after at least one report. */
export function compileRule(node: MapNode, scope: Scope, report: Report): Rule | null {
  let good = true
  const fail: Report = (found) => {
    good = false
    report(found)
  }
  const written = asMeant(node)

  const id = readId(node, written, fail)
  const on = readTypes(node, { written, scope }, fail)
  const perLine = readForEach(written.get('forEach'), fail)
  const window = compileWindow(
    { from: written.get('from'), until: written.get('until'), through: written.get('through') },
    scope.timeZone,
    fail,
  )
  const rounding = readRounding(written.get('round'), fail)
  const limitNode = written.get('limit')
  const limits = limitNode ? compileLimits(limitNode, { rule: id ?? '', scope }, fail) : []
  const group = findGroup(written.get('group'), scope.groups, fail) ?? null
  const recurs = readRecurrence(written, { from: window?.from ?? null, scope }, fail)
  // Without its types, every name in a rule would be reported as unknown.
  if (on === null) return null

  const selection = readSelection(written, { perLine, scope, on }, fail)
  const terms: Terms = {
    ...{ scope, rule: id ?? '', on, lines: perLine ? 'line' : 'none' },
    ...(selection && { isOne: selection.isOne }),
  }
  const when = written.get('when')
  const asked = when ? compileCondition(when, terms, fail) : []
  const tests = asked && [...(selection?.tests ?? []), ...asked]
  const grants = readAwards(node, { written, terms, rounding }, fail)
  if (limits && grants && limitNode) checkCurrencies(limits, { grants, node: limitNode }, fail)
  const funderNode = written.get('funder')
  const funder = funderNode ? compileFunder(funderNode, { terms, when }, fail) : null
  const extendNode = written.get('extend')
  const given = (grants ?? []).map(({ currency }) => currency)
  const extend = extendNode && grants ? compileExtension(extendNode, { scope, given }, fail) : null
  if (!good || id === null || !tests || !grants || !window || !limits) return null
  const facts = [...tests.flatMap((test) => test.facts), ...grants.flatMap((grant) => grant.facts)]
  const builds = [...new Set(facts.flatMap(({ awardedBy }) => awardedBy ?? []))]
  const wrong = unfit({ group, perLine, grants, builds })
  if (wrong !== null) {
    report(problem(written.get('group')?.at ?? node.at, wrong))
    return null
  }

  const name = written.get('name')
  return {
    id,
    name: name?.kind === 'scalar' ? name.text : null,
    on,
    perLine,
    ...window,
    tests: tests.filter((test) => !test.perLine),
    lineTests: tests.filter((test) => test.perLine),
    grants,
    facts: [...new Map(tests.flatMap(({ facts }) => facts).map((fact) => [fact.name, fact])).values()],
    limits,
    group,
    recurs,
    builds,
    extend,
    funder,
    anchor: bestAnchor(tests),
  }
}

/** The lines that a rule is about, which is said where a rule looks at them together. */
function readSelection(
  written: Written,
  { perLine, scope, on }: { perLine: boolean; scope: Scope; on: readonly string[] },
  report: Report,
): Selection | null {
  const node = written.get('lines')
  if (node === undefined) return null
  if (!perLine) return compileSelection(node, { scope, rule: null, on, lines: 'only line' }, report)
  const hint = 'put them under `when`, such as `when: { line.category: wine }`, or leave `forEach` out'
  report(problem(node.at, 'a rule looks either at each line or at some lines together', { hint }))
  return null
}

/** Compiles the program's `neverEarn`: conditions on lines, or a list of which any will do. */
export function compileLineCondition(node: Node, scope: Scope, report: Report): LineCondition | null {
  const terms: Terms = { scope, rule: null, on: [...scope.transactionTypes.keys()], lines: 'only line' }
  const nodes = node.kind === 'list' ? node.items : [node]
  if (nodes.length === 0) {
    report(problem(node.at, 'expected conditions on lines, such as `category: tobacco`'))
    return null
  }
  const cases = nodes.map((item) => compileCondition(item, terms, report))
  const compiled = cases.filter((tests) => tests !== null)
  if (compiled.length < cases.length) return null
  return {
    holds: (sight) => compiled.some((tests) => allHold(tests, sight)),
    ofGoods: compiled.flat().every((test) => test.ofGoods),
  }
}

type Written = ReadonlyMap<string, Node>

const KEYS = ['id', 'on', 'forEach', 'award', 'when'] as const

/**
 * The values by key. One under a misspelt key, which the grammar has told of, stands in for what was meant, so
 * that the slip is not told of again wherever it is missed.
 */
function asMeant(node: MapNode): Written {
  const written = new Map(node.entries.map(({ key, value }) => [key, value]))
  for (const key of KEYS) {
    if (written.has(key)) continue
    const slip = node.entries.find((entry) => nearest(entry.key, [key]) !== null)
    if (slip) written.set(key, slip.value)
  }
  return written
}

function readId(node: MapNode, written: Written, report: Report): string | null {
  const id = written.get('id')
  if (id?.kind === 'scalar' && id.type !== 'null' && id.text !== '') return id.text
  report(problem(id?.at ?? node.at, 'a rule needs an id, such as `id: base`'))
  return null
}

interface Reading {
  readonly written: Written
  readonly scope: Scope
}

function readTypes(node: MapNode, { written, scope }: Reading, report: Report): string[] | null {
  const on = written.get('on')
  const known = [...scope.transactionTypes.keys()]
  const items = on === undefined ? [] : on.kind === 'list' ? on.items : [on]
  if (items.length === 0) {
    report(problem(on?.at ?? node.at, `a rule needs a type of transaction: on: ${known[0] ?? 'purchase'}`))
    return null
  }
  const types = items.map((item) => {
    const type = item.kind === 'scalar' ? item.text : ''
    if (scope.transactionTypes.has(type)) return type
    report(problem(item.at, `unknown transaction type "${type}"`, { hint: didYouMean(type, known) }))
    // Read on as the type that was probably meant, so that the rest of the rule is told of too.
    return nearest(type, known)
  })
  return types.includes(null) ? null : [...new Set(types.filter((type) => type !== null))]
}

function readRecurrence(
  written: Written,
  { from, scope }: { from: Date | null; scope: Scope },
  report: Report,
): Recurrence | null {
  const node = written.get('recurs')
  return node ? compileRecurrence(node, from && dayOf(scope.timeZone, from), report) : null
}

function checkCurrencies(
  limits: readonly Limit[],
  { grants, node }: { grants: readonly Grant[]; node: Node },
  report: Report,
): void {
  const given = [...new Set(grants.map(({ currency }) => currency))]
  limits.forEach((limit, index) => {
    if (limit.currency === null || given.includes(limit.currency)) return
    const { at } = node.kind === 'list' ? (node.items[index] ?? node) : node
    report(problem(at, `the limit is in ${limit.currency}, the rule gives ${given.join(', ')}`))
  })
}

function readForEach(node: Node | undefined, report: Report): boolean {
  if (node === undefined) return false
  if (node.kind !== 'scalar' || node.text !== 'line') {
    report(problem(node.at, 'expected `forEach: line`'))
  }
  return true
}

function readRounding(node: Node | undefined, report: Report): Rounding | null {
  if (node === undefined) return null
  const text = node.kind === 'scalar' ? node.text : ''
  const rounding = roundings.find((known) => known === text)
  if (rounding) return rounding
  report(problem(node.at, `expected ${roundings.join(', ')}`, { hint: didYouMean(text, roundings) }))
  return null
}

interface Awards {
  readonly written: Written
  readonly terms: Terms
  readonly rounding: Rounding | null
}

function readAwards(node: MapNode, { written, terms, rounding }: Awards, report: Report): Grant[] | null {
  const award = written.get('award')
  if (award === undefined && written.has('extend')) return []
  const items = award === undefined ? [] : award.kind === 'list' ? award.items : [award]
  const example = 'expected an award such as "1 point per 1 EUR of net"'
  if (items.length === 0) report(problem(award?.at ?? node.at, example))
  const grants = items.map((item) => {
    const isText = item.kind === 'scalar' && item.type !== 'null'
    if (isText) return compileAward({ node: item as ScalarNode, terms, rounding }, report)
    report(problem(item.at, example))
    return null
  })
  return items.length === 0 || grants.includes(null) ? null : grants.filter((grant) => grant !== null)
}

const preferred = ['line.sku', 'line.category', 'location']

/** The equality that leaves the fewest rules to look at: a product before a category before the rest. */
function bestAnchor(tests: readonly Test[]): Anchor | null {
  const rank = ({ fact: { name, type } }: Anchor): number => {
    const place = preferred.indexOf(name)
    if (place >= 0) return place
    if (name === 'weekday' || type.kind === 'boolean' || type.kind === 'tier') return 9
    return name.startsWith('line.') ? 3 : 4
  }
  const anchors = tests.map(({ anchor }) => anchor).filter((anchor) => anchor !== null)
  return anchors.sort((a, b) => rank(a) - rank(b))[0] ?? null
}
