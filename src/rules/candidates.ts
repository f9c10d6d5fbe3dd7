/**
 * Finds the rules that can apply to a transaction without looking at the others: by its type and by one
 * equality of each rule. What it leaves out is certain not to hold; the order of the file is kept.
 */
import { Decimal } from '../base/points.ts'
import { ColumnBasis, isOfGoods } from './columns.ts'
import type { Fact } from './fact.ts'
import type { LineFacts } from './facts.ts'
import type { Anchor } from './matcher.ts'
import type { Ready } from './ready.ts'
import type { Sight } from './sight.ts'
import type { Value } from './value.ts'

/** The rules of one transaction type. */
export interface Candidates {
  readonly all: readonly Key[]
  /** rules without an equality to find them by */
  readonly always: readonly Key[]
  readonly doors: readonly Door[]
}

interface Door {
  readonly fact: Fact
  readonly byValue: ReadonlyMap<Value, readonly Key[]>
  /** of rules that are found for single lines */
  readonly byLine: ReadonlySet<Key>
}

interface OpenDoor {
  readonly fact: Fact
  readonly byValue: Map<Value, Key[]>
  readonly byLine: Set<Key>
}

export function indexRules(rules: readonly Ready[]): ReadonlyMap<string, Candidates> {
  const byType = new Map<string, { all: Key[]; always: Key[]; doors: Map<string, OpenDoor> }>()
  for (const [place, ready] of rules.entries()) {
    const { rule } = ready
    const key = place * SPAN
    for (const type of rule.on) {
      let group = byType.get(type)
      if (group === undefined) {
        group = { all: [], always: [], doors: new Map() }
        byType.set(type, group)
      }
      group.all.push(key)
      if (rule.anchor === null) group.always.push(key)
      else register(group.doors, { anchor: rule.anchor, ready, key })
    }
  }
  return new Map(
    [...byType].map(([type, { all, always, doors }]) => [type, { all, always, doors: [...doors.values()] }]),
  )
}

function register(
  doors: Map<string, OpenDoor>,
  { anchor, ready, key }: { anchor: Anchor; ready: Ready; key: Key },
): void {
  const { fact, values } = anchor
  let door = doors.get(fact.name)
  if (door === undefined) {
    door = { fact, byValue: new Map(), byLine: new Set() }
    doors.set(fact.name, door)
  }
  if (ready.byLine) door.byLine.add(key)
  for (const value of new Set(values)) {
    const places = door.byValue.get(value)
    if (places) places.push(key)
    else door.byValue.set(value, [key])
  }
}

/**
 * A place in the program's list of rules, and where the index knows it, the line for which the rule was found:
 * in one number, so that they sort by rule and then by line.
 */
export type Key = number

/** More than a transaction has lines. */
const SPAN = 4096

export function placeOf(key: Key): number {
  return Math.floor(key / SPAN)
}

/** Which of the lines; below 0: of none in particular. */
export function lineOf(key: Key): number {
  return (key % SPAN) - 1
}

/** Keys of the rules that may apply, in their order. Leaves `sight.line` without a line. */
export function candidatesFor({ always, doors }: Candidates, sight: Sight): readonly Key[] {
  const found: Key[] = []
  for (const door of doors) {
    const { fact, byValue, byLine } = door
    if (!fact.perLine) {
      addAll(found, byValue, fact.read(sight))
      continue
    }
    if (sight.basis instanceof ColumnBasis && isOfGoods([fact])) {
      addByGoods(found, door, sight.basis, sight)
      continue
    }
    const lines = sight.basis?.lines ?? []
    for (let index = 0; index < lines.length; index += 1) {
      sight.line = lines[index]!
      const value = fact.read(sight) as string | undefined
      const places = value === undefined ? undefined : byValue.get(value)
      if (places === undefined) continue
      for (const place of places) found.push(byLine.has(place) ? place + index + 1 : place)
    }
    sight.line = null
  }
  if (found.length === 0) return always
  for (const key of always) found.push(key)
  return inOrder(found)
}

/** The same, having looked once at each of the goods. */
function addByGoods(found: Key[], door: Door, basis: ColumnBasis, sight: Sight): void {
  const { fact, byValue, byLine } = door
  const { sheet, count } = basis
  const find = (line: LineFacts): readonly Key[] => {
    sight.line = line
    const value = fact.read(sight) as string | undefined
    sight.line = null
    return value === undefined ? NO_KEYS : (byValue.get(value) ?? NO_KEYS)
  }
  for (let index = 0; index < count; index += 1) {
    for (const place of sheet.ofGoods(door, basis.place(index), find))
      found.push(byLine.has(place) ? place + index + 1 : place)
  }
}

const NO_KEYS: readonly Key[] = []

/** Sorted, each once. Mostly they are few and nearly in order. */
function inOrder(keys: Key[]): Key[] {
  if (keys.length > 64) keys.sort((a, b) => a - b)
  else {
    for (let at = 1; at < keys.length; at += 1) {
      const key = keys[at]!
      let to = at
      for (; to > 0 && keys[to - 1]! > key; to -= 1) keys[to] = keys[to - 1]!
      keys[to] = key
    }
  }
  let kept = 0
  for (const key of keys) if (kept === 0 || keys[kept - 1] !== key) keys[kept++] = key
  keys.length = kept
  return keys
}

function addAll(found: Key[], byValue: Door['byValue'], value: Value | undefined): void {
  if (value === undefined) return
  // A set opens the door of each of its members.
  const values = typeof value === 'object' && !(value instanceof Decimal) ? value : null
  for (const each of values ?? [value as string]) {
    const places = byValue.get(each)
    if (places) for (const place of places) found.push(place)
  }
}
