/**
 * Finds the rules that can apply to a transaction without looking at the others: by its type and by one
 * equality of each rule. What it leaves out is certain not to hold; the order of the file is kept.
 */
import { Decimal } from '../base/points.ts'
import type { Fact } from './fact.ts'
import type { Rule } from './rule.ts'
import type { Sight } from './sight.ts'
import type { Value } from './value.ts'

/** The rules of one transaction type. Numbers are places in the program's list of rules. */
export interface Candidates {
  readonly all: readonly number[]
  /** rules without an equality to find them by */
  readonly always: readonly number[]
  readonly doors: readonly Door[]
}

interface Door {
  readonly fact: Fact
  readonly byValue: ReadonlyMap<Value, readonly number[]>
}

interface OpenDoor {
  readonly fact: Fact
  readonly byValue: Map<Value, number[]>
}

export function indexRules(rules: readonly Rule[]): ReadonlyMap<string, Candidates> {
  const byType = new Map<string, { all: number[]; always: number[]; doors: Map<string, OpenDoor> }>()
  for (const [place, rule] of rules.entries()) {
    for (const type of rule.on) {
      let group = byType.get(type)
      if (group === undefined) {
        group = { all: [], always: [], doors: new Map() }
        byType.set(type, group)
      }
      group.all.push(place)
      if (rule.anchor === null) group.always.push(place)
      else register(group.doors, rule.anchor, place)
    }
  }
  return new Map(
    [...byType].map(([type, { all, always, doors }]) => [type, { all, always, doors: [...doors.values()] }]),
  )
}

function register(
  doors: Map<string, OpenDoor>,
  { fact, values }: NonNullable<Rule['anchor']>,
  place: number,
): void {
  let door = doors.get(fact.name)
  if (door === undefined) {
    door = { fact, byValue: new Map() }
    doors.set(fact.name, door)
  }
  for (const value of new Set(values)) {
    const places = door.byValue.get(value)
    if (places) places.push(place)
    else door.byValue.set(value, [place])
  }
}

/** Places of the rules that may apply, in their order. Leaves `sight.line` without a line. */
export function candidatesFor({ always, doors }: Candidates, sight: Sight): readonly number[] {
  const found: number[] = []
  for (const { fact, byValue } of doors) {
    if (!fact.perLine) {
      addAll(found, byValue, fact.read(sight))
      continue
    }
    for (const line of sight.basis?.lines ?? []) {
      sight.line = line
      addAll(found, byValue, fact.read(sight))
    }
    sight.line = null
  }
  if (found.length === 0) return always
  found.push(...always)
  found.sort((a, b) => a - b)
  return found.filter((place, index) => place !== found[index - 1])
}

function addAll(found: number[], byValue: Door['byValue'], value: Value | undefined): void {
  if (value === undefined) return
  // A set opens the door of each of its members.
  const values = typeof value === 'object' && !(value instanceof Decimal) ? value : null
  for (const each of values ?? [value as string]) {
    const places = byValue.get(each)
    if (places) for (const place of places) found.push(place)
  }
}
