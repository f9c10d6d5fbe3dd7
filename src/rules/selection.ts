/**
 * Some lines of a transaction, by conditions: those that a rule is about, so that its amounts are theirs alone,
 * and those that must be there for a rule to apply (`has`).
 */
import { linesOf } from './built-in.ts'
import type { Fact, Terms } from './fact.ts'
import type { Anchor, Test } from './matcher.ts'
import type { Node, Report } from './node.ts'
import type { Sight } from './sight.ts'

export interface Selection {
  /** whether the line in the sight's hand is one of them */
  readonly isOne: (sight: Sight) => boolean
  /** hold where there is any */
  readonly tests: readonly Test[]
}

export type Compile = (node: Node, terms: Terms, report: Report) => Test[] | null

/** Null after a report. */
export function selectionOf(
  node: Node,
  terms: Terms,
  { compile, report }: { compile: Compile; report: Report },
): Selection | null {
  const tests = compile(node, terms, report)
  if (tests === null) return null
  const isOne = (sight: Sight): boolean => tests.every((test) => test.holds(sight))
  const there: Test = {
    holds: (sight) => linesOf(sight, isOne).length > 0,
    because: () => `no line has ${inWords(node)}`,
    perLine: false,
    // it looks at the other lines
    ofGoods: false,
    facts: [],
    anchor: null,
  }
  const anchors = tests.flatMap(({ anchor }) => anchor ?? [])
  const anchor = anchors.find(({ fact }) => /(^|\.)sku$/.test(fact.name)) ?? anchors[0]
  return { isOne, tests: anchor ? [there, byIndex(anchor, there)] : [there] }
}

/** The index looks the rule up by what a line must be; a fact of a line goes by `line.` there. */
function byIndex({ fact, values }: Anchor, there: Test): Test {
  const name = fact.name.startsWith('line.') ? fact.name : `line.${fact.name}`
  const ofLine: Fact = { ...fact, name }
  return { ...there, anchor: { fact: ofLine, values } }
}

/** `category wine`, `sku 71053 or 22086 and quantity atLeast 2`. */
function inWords(node: Node): string {
  if (node.kind === 'scalar') return node.text
  if (node.kind === 'list') return node.items.map(inWords).join(' or ')
  return node.entries.map(({ key, value }) => `${key.replace(/^line\./, '')} ${inWords(value)}`).join(' and ')
}
