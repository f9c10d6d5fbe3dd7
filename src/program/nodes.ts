/**
 * Small readings of the tree. They answer null for a value of the wrong kind without a word: the grammar
 * has told of it already.
 */
import type { ListNode, MapEntry, MapNode, Node, Report, ScalarNode } from '../rules/node.ts'
import { problem } from '../rules/problem.ts'

export function childOf(map: MapNode | null, key: string): Node | null {
  return map?.entries.find((entry) => entry.key === key)?.value ?? null
}

export function asMap(node: Node | null): MapNode | null {
  return node?.kind === 'map' ? node : null
}

export function asList(node: Node | null): ListNode | null {
  return node?.kind === 'list' ? node : null
}

/** A scalar that holds something. */
export function asScalar(node: Node | null): ScalarNode | null {
  return node?.kind === 'scalar' && node.type !== 'null' ? node : null
}

export function scalarAt(map: MapNode | null, key: string): ScalarNode | null {
  return asScalar(childOf(map, key))
}

export function textAt(map: MapNode | null, key: string): string | null {
  return scalarAt(map, key)?.text ?? null
}

export function entriesAt(map: MapNode | null, key: string): readonly MapEntry[] {
  return asMap(childOf(map, key))?.entries ?? []
}

export function itemsAt(map: MapNode | null, key: string): readonly Node[] {
  return asList(childOf(map, key))?.items ?? []
}

/**
 * The first `most` of something that a program has few of; one more is an error. Looking names up and
 * finding the nearest one costs by the number of names, so that number is bounded.
 */
export function firstOf<T extends MapEntry | Node>(
  all: readonly T[],
  { most, what, report }: { most: number; what: string; report: Report },
): readonly T[] {
  const tooMany = all[most]
  if (!tooMany) return all
  report(problem('keyAt' in tooMany ? tooMany.keyAt : tooMany.at, `there are at most ${most} ${what}`))
  return all.slice(0, most)
}

/** The word among `known` that a key has, or `fallback` where it is absent or not one of them. */
export function wordAt<T extends string>(
  map: MapNode | null,
  key: string,
  { known, fallback }: { known: readonly T[]; fallback: T },
): T {
  const text = textAt(map, key)
  return known.find((word) => word === text) ?? fallback
}
