/**
 * A rule file's YAML as a tree in which every key and value knows its place, so that whatever is found
 * wrong with it later can be told with file, line and column. Scalars keep their source text: `1.10`
 * stays `1.10`.
 */

/** Where something stands: 1-based line and column, and the path of keys that leads to it. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
  /** `earn[2].when.weekday` */
  readonly path: string
}

export type Node = MapNode | ListNode | ScalarNode

export interface MapNode {
  readonly kind: 'map'
  readonly at: Place
  /** flow style: `{ a: 1, b: 2 }` */
  readonly flow: boolean
  readonly entries: readonly MapEntry[]
}

export interface MapEntry {
  readonly key: string
  readonly keyAt: Place
  readonly value: Node
}

export interface ListNode {
  readonly kind: 'list'
  readonly at: Place
  readonly items: readonly Node[]
}

export interface ScalarNode {
  readonly kind: 'scalar'
  readonly at: Place
  /** what YAML takes it for */
  readonly type: 'text' | 'number' | 'boolean' | 'null'
  /** the source text, without quotes */
  readonly text: string
  /** it stood in quotes */
  readonly quoted?: true
  /** there is nothing, and a comment follows at once */
  readonly commented?: true
}

/**
 * What is wrong at a place. `offset` counts characters into the scalar's text, `length` how many from there
 * on are at fault; without them it is the word at the offset, or the whole key or value.
 */
export interface Problem {
  readonly at: Place
  readonly offset?: number
  readonly length?: number
  readonly message: string
  readonly hint?: string
}

export type Report = (problem: Problem) => void
