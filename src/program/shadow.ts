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
    const members = rules.filter((rule) => textAt(rule, 'group') === key).map(asked)
    return members.flatMap((each, index) => {
      // Each against those before it: what is compared is made once, for there may be thousands of them.
      for (let place = 0; place < index; place += 1) {
        const before = members[place]!
        if (isNoNarrower(before, each)) return [{ rule: each.rule, by: textAt(before.rule, 'id') ?? '' }]
      }
      return []
    })
  })
}

/** What a rule asks for, in shapes that can be compared. */
interface Asked {
  readonly rule: MapNode
  /** those of its bounds that are said */
  readonly bounds: readonly (readonly [place: number, text: string])[]
  readonly all: readonly (string | null)[]
  readonly lines: string | null
  readonly types: readonly string[]
  readonly when: readonly (readonly [key: string, asked: Value])[]
  readonly byKey: ReadonlyMap<string, Value>
}

interface Value {
  readonly shape: string
  /** of a plain value */
  readonly text: string | null
  /** of a list: the plain values in it */
  readonly items: ReadonlySet<string> | null
}

const BOUNDS = ['from', 'until', 'through', 'recurs', 'forEach'] as const

function asked(rule: MapNode): Asked {
  const all = BOUNDS.map((key) => textAt(rule, key))
  const lines = childOf(rule, 'lines')
  const entries = asMap(childOf(rule, 'when'))?.entries ?? []
  const when = entries.map(({ key, value }) => [key, readValue(value)] as const)
  return {
    ...{ rule, all, lines: lines && shape(lines), types: typesOf(rule), when, byKey: new Map(when) },
    bounds: all.flatMap((text, place) => (text === null ? [] : [[place, text] as const])),
  }
}

function readValue(node: Node): Value {
  const items =
    node.kind === 'list' ? node.items.flatMap((one) => (one.kind === 'scalar' ? one.text : [])) : null
  return {
    shape: shape(node),
    text: node.kind === 'scalar' ? node.text : null,
    items: items && new Set(items),
  }
}

/** Whether the first rule applies wherever the second one does, as far as can be seen without any doubt. */
function isNoNarrower(first: Asked, second: Asked): boolean {
  for (const [key, value] of first.when) {
    const other = second.byKey.get(key)
    if (other === undefined || !isAsked(value, other)) return false
  }
  if (first.bounds.some(([place, text]) => second.all[place] !== text)) return false
  if (first.all[FOR_EACH] !== second.all[FOR_EACH]) return false
  if (first.lines !== null && first.lines !== second.lines) return false
  return second.types.every((type) => first.types.includes(type))
}

const FOR_EACH = BOUNDS.indexOf('forEach')

/** Whether what the second asks for, the first one lets through: the same, or one of its list. */
function isAsked(first: Value, second: Value): boolean {
  if (first.items !== null && second.text !== null) return first.items.has(second.text)
  return first.shape === second.shape
}

function shape(node: Node): string {
  if (node.kind === 'scalar') return JSON.stringify(node.text)
  if (node.kind === 'list') return `[${node.items.map(shape).join(',')}]`
  const entries = node.entries.map(({ key, value }) => `${JSON.stringify(key)}:${shape(value)}`)
  return `{${entries.sort().join(',')}}`
}
