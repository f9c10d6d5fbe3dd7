/**
 * What changed between two versions of a program. It compares the files as trees, key by key, so nothing
 * that stands in them can go unmentioned, whatever the language comes to know; comments, layout, the order
 * of keys and the cut into files are not changes.
 */
import { DomainError } from '../base/errors.ts'
import type { ListNode, MapNode, Node, ScalarNode } from '../rules/node.ts'
import { changeInWords, inline } from './diff-words.ts'
import { checkFiles, kindOf, type ProgramFiles } from './files.ts'
import { newFindings } from './findings.ts'
import { mergeFiles } from './merge.ts'
import { asMap, childOf, itemsAt, textAt } from './nodes.ts'
import { newBudget } from './plain-yaml.ts'
import { parseTree } from './tree.ts'

export interface Change {
  readonly kind: 'added' | 'removed' | 'changed' | 'moved'
  /** keys and ids from the top: `earn`, `base`, `award` */
  readonly path: readonly string[]
  /** as a marketer reads it: `rule base: 1 bean per 1 EUR of net -> 2 beans per 1 EUR of net` */
  readonly text: string
  /** as written, on one line; null: it was not there */
  readonly before: string | null
  readonly after: string | null
}

/** Refuses `rules_invalid` files that cannot be read at all. */
export function diffPrograms(before: ProgramFiles, after: ProgramFiles): Change[] {
  const [old, young] = [readTrees(before), readTrees(after)]
  return [...diffTrees(old.program, young.program), ...diffExamples(old.examples, young.examples)]
}

/** Every difference between two trees, in the order of the files. */
function diffTrees(before: Node | null, after: Node | null): Change[] {
  const changes: Change[] = []
  compare([], before, after, changes)
  return changes
}

function readTrees(files: ProgramFiles): { program: MapNode | null; examples: Node[] } {
  const findings = newFindings()
  const sources: MapNode[] = []
  const examples: Node[] = []
  const budget = newBudget()
  for (const name of checkFiles(files, findings.report)) {
    const tree = parseTree({ file: name, content: files.get(name)!, budget }, findings.report)
    if (tree === null) continue
    if (kindOf(name) === 'examples') examples.push(...itemsAt(tree, 'examples'))
    else sources.push(tree)
  }
  const program = mergeFiles(sources, findings.report)
  if (findings.size > 0) throw new DomainError('rules_invalid', { errors: findings.faults() })
  return { program, examples }
}

type Path = readonly string[]

function compare(path: Path, before: Node | null, after: Node | null, changes: Change[]): void {
  if (before?.kind === 'map' && after?.kind === 'map') {
    compareKeyed(path, entriesOf(before), entriesOf(after), changes)
    if (ORDERED.has(path.join('.'))) compareOrder(path, entriesOf(before), entriesOf(after), changes)
    return
  }
  if (before?.kind === 'list' && after?.kind === 'list') {
    compareLists(path, before, after, changes)
    return
  }
  if (!isSame(before, after)) changes.push(changeOf(path, before, after))
}

/** Maps whose first entry means more than the others: the one that is spent, the one that is shown. */
const ORDERED = new Set(['currencies', 'ladders'])

function compareLists(path: Path, before: ListNode, after: ListNode, changes: Change[]): void {
  const [old, young] = [byId(before), byId(after)]
  if (old && young) {
    compareKeyed(path, old, young, changes)
    compareOrder(path, old, young, changes)
  } else if (!isSame(before, after)) changes.push(changeOf(path, before, after))
}

type Keyed = ReadonlyMap<string, Node>

function compareKeyed(path: Path, before: Keyed, after: Keyed, changes: Change[]): void {
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    compare([...path, key], before.get(key) ?? null, after.get(key) ?? null, changes)
  }
}

/** Rules are evaluated, and tiers climbed, in the order in which they stand. */
function compareOrder(path: Path, before: Keyed, after: Keyed, changes: Change[]): void {
  const old = [...before.keys()].filter((key) => after.has(key)).join(', ')
  const young = [...after.keys()].filter((key) => before.has(key)).join(', ')
  if (old === young) return
  changes.push(worded({ kind: 'moved', path, before: old, after: young }))
}

function entriesOf(map: MapNode): Keyed {
  return new Map(map.entries.map(({ key, value }) => [key, value]))
}

/** The items by their ids, less the id; null where not every item has one of its own. */
function byId({ items }: ListNode): Keyed | null {
  const named = new Map<string, Node>()
  for (const item of items) {
    const map = asMap(item)
    const id = map && childOf(map, 'id')
    if (!map || id?.kind !== 'scalar' || named.has(id.text)) return null
    named.set(id.text, { ...map, entries: map.entries.filter(({ key }) => key !== 'id') })
  }
  return named
}

function diffExamples(before: readonly Node[], after: readonly Node[]): Change[] {
  const [old, young] = [examplesByName(before), examplesByName(after)]
  const changes: Change[] = []
  for (const name of new Set([...old.keys(), ...young.keys()])) {
    const [a, b] = [old.get(name) ?? [], young.get(name) ?? []]
    for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
      const [one, other] = [a[index] ?? null, b[index] ?? null]
      if (!isSame(one, other)) changes.push(changeOf(['examples', name], one, other))
    }
  }
  return changes
}

function examplesByName(examples: readonly Node[]): Map<string, Node[]> {
  const named = new Map<string, Node[]>()
  for (const example of examples) {
    const name = textAt(asMap(example), 'name') ?? 'without a name'
    named.set(name, [...(named.get(name) ?? []), example])
  }
  return named
}

function changeOf(path: Path, before: Node | null, after: Node | null): Change {
  const kind = before === null ? 'added' : after === null ? 'removed' : 'changed'
  return worded({ kind, path, before: before && inline(before), after: after && inline(after) })
}

function worded(change: Omit<Change, 'text'>): Change {
  return { ...change, text: changeInWords(change) }
}

/** Keys in any order; everything else as it stands. */
function isSame(a: Node | null, b: Node | null): boolean {
  if (a === null || b === null) return a === b
  if (a.kind === 'scalar') return b.kind === 'scalar' && isSameScalar(a, b)
  if (a.kind === 'list') {
    return (
      b.kind === 'list' &&
      a.items.length === b.items.length &&
      a.items.every((item, index) => isSame(item, b.items[index]!))
    )
  }
  if (b.kind !== 'map' || a.entries.length !== b.entries.length) return false
  const others = entriesOf(b)
  return a.entries.every(({ key, value }) => isSame(value, others.get(key) ?? null))
}

function isSameScalar(a: ScalarNode, b: ScalarNode): boolean {
  return a.type === b.type && a.text === b.text
}
