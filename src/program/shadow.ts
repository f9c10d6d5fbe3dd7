/**
 * Rules that never get their turn: in a group of which the first that applies is taken, a rule before them
 * asks for nothing that they do not ask for as well.
 */
import type { MapNode, Node } from '../rules/node.ts'
import { asMap, childOf, entriesAt, textAt } from './nodes.ts'
import { typesOf } from './possible.ts'

export interface Shadowed {
  readonly rule: MapNode
  /** the id of the rule that stands before it */
  readonly by: string
}

export function shadowedRules(top: MapNode, rules: readonly MapNode[]): Shadowed[] {
  return entriesAt(top, 'groups').flatMap(({ key, value }) => {
    const pick = value.kind === 'scalar' ? value.text : textAt(asMap(value), 'pick')
    if (pick !== 'first') return []
    const members = rules.filter((rule) => textAt(rule, 'group') === key)
    return members.flatMap((rule, index) => {
      const before = members.slice(0, index).find((each) => isNoNarrower(each, rule))
      return before ? [{ rule, by: textAt(before, 'id') ?? '' }] : []
    })
  })
}

/** Whether the first rule applies wherever the second one does, as far as can be seen without any doubt. */
function isNoNarrower(first: MapNode, second: MapNode): boolean {
  const bounds = ['from', 'until', 'through', 'recurs', 'forEach']
  if (bounds.some((key) => textAt(first, key) !== null && textAt(first, key) !== textAt(second, key)))
    return false
  if (textAt(first, 'forEach') !== textAt(second, 'forEach')) return false
  const [lines, others] = [childOf(first, 'lines'), childOf(second, 'lines')]
  if (lines && (!others || shape(lines) !== shape(others))) return false
  if (typesOf(second).some((type) => !typesOf(first).includes(type))) return false
  const asked = asMap(childOf(second, 'when'))
  return (asMap(childOf(first, 'when'))?.entries ?? []).every(({ key, value }) => {
    const other = childOf(asked, key)
    return other !== null && isAsked(value, other)
  })
}

/** Whether what the second asks for, the first one lets through: the same, or one of its list. */
function isAsked(first: Node, second: Node): boolean {
  if (first.kind === 'list' && second.kind === 'scalar')
    return first.items.some((item) => item.kind === 'scalar' && item.text === second.text)
  return shape(first) === shape(second)
}

function shape(node: Node): string {
  if (node.kind === 'scalar') return JSON.stringify(node.text)
  if (node.kind === 'list') return `[${node.items.map(shape).join(',')}]`
  const entries = node.entries.map(({ key, value }) => `${JSON.stringify(key)}:${shape(value)}`)
  return `{${entries.sort().join(',')}}`
}
