/**
 * A rule file's YAML as a tree of nodes that know their places. Keys are unique, nesting is bounded; what
 * is wrong is reported, and the rest of the tree is there all the same.
 */
import { isAlias, isMap, isScalar, isSeq, type ParsedNode, type YAMLMap } from 'yaml'
import type { MapEntry, MapNode, Node, Place, Problem, Report, ScalarNode } from '../rules/node.ts'
import { numberHint } from '../rules/slips.ts'
import { type Budget, type CutYaml, composeYaml, cutYaml, DEEPEST, newBudget } from './plain-yaml.ts'
import { openSource, placeAt, type Source } from './source.ts'

/** Where a key or a value stands in its file, kept beside the tree so that parts of it can be told. */
interface Origin {
  readonly source: Source
  /** of what is seen, quotes included: where a caret begins, and where it is too far */
  readonly begin: number
  readonly end: number
  /** where a scalar's text begins */
  readonly from: number
  readonly value: string
}

const origins = new WeakMap<Place, Origin>()

export interface RuleFile {
  readonly file: string
  readonly content: Uint8Array | string
  /** shared by the files of a program; one of its own where it is left out */
  readonly budget?: Budget
}

/** The top-level map of a file, or null where there is none to work with; what is wrong is reported. */
export function parseTree(file: RuleFile, report: Report): MapNode | null {
  const cut = cutFile(file, report)
  return cut && treeOf(cut)
}

/** The first half of it, which costs little: a file cut into its tokens. Null after a report. */
export function cutFile({ file, content, budget = newBudget() }: RuleFile, report: Report): CutYaml | null {
  const source = openSource(file, content, report)
  return source && cutYaml(source, budget)
}

/** The second half: the tree. Null after a report. */
export function treeOf(cut: CutYaml): MapNode | null {
  const { source } = cut
  const { file, report } = source
  const start: Place = { file, line: 1, column: 1, path: '' }
  const document = composeYaml(cut)
  if (document === null) return null
  const root = document.contents
  if (root === null || (isScalar(root) && root.value === null)) {
    report({ at: start, message: 'the file is empty', hint: 'a rule file holds keys such as `earn:`' })
    return null
  }
  const node = toNode(source, root, { path: '', depth: 0, fallback: start })
  if (node === null || node.kind === 'map') return node
  report({ at: node.at, message: `expected keys such as \`earn:\`, got ${describeNode(node)}` })
  return null
}

export interface Span {
  readonly line: number
  readonly column: number
  /** just past the last character at fault, on the same line; left out where that is not known */
  readonly endColumn?: number
}

/**
 * What a problem points at: its whole key or value, or from an offset on the word that stands there. What
 * goes on over several lines is pointed at on its first one.
 */
export function locate({ at, offset, length }: Problem): Span {
  const origin = origins.get(at)
  if (!origin) {
    const span = { line: at.line, column: at.column }
    return length === undefined ? span : { ...span, endColumn: at.column + length }
  }
  const inside = offset === undefined ? null : spanInside(origin, offset, length)
  const [begin, end] = inside ?? [origin.begin, origin.end]
  const { text, lines } = origin.source
  const { line, col } = lines.linePos(begin)
  // Only as far as is pointed at: a file may be one line from end to end.
  const ofLine = text.slice(begin, end).search(/\r?\n/)
  return { line, column: col, endColumn: col + Math.max(1, ofLine < 0 ? end - begin : ofLine) }
}

// A word with its dots and hyphens, a number as it was typed, an operator, or whatever else stands there.
const WORD =
  /"[^"]*"|'[^']*'|\d{4}-\d{2}-\d{2}|\d{1,2}:\d{2}|[\p{L}_][\p{L}\p{N}_]*(?:[.-][\p{L}_][\p{L}\p{N}_]*)*|-?[.,]?\d+(?:[.,]\d+)*(?:%|\p{Sc}|\p{L}+)?|[=<>!&|]+|\S/uy

function spanInside(origin: Origin, offset: number, length: number | undefined): [number, number] | null {
  const begin = follow(origin, offset)
  if (begin === null) return null
  WORD.lastIndex = offset
  const count = length ?? WORD.exec(origin.value)?.[0].length ?? 1
  const last = follow(origin, Math.min(offset + count, origin.value.length) - 1)
  return [begin, last === null || last < begin ? begin + 1 : last + 1]
}

/** `the number 5`, `a list`: how a node is named in a message. */
export function describeNode(node: Node): string {
  if (node.kind === 'list') return 'a list'
  if (node.kind === 'map') return 'a map of keys'
  if (node.type === 'null') return 'nothing'
  if (node.type === 'boolean') return node.text
  const shown = node.text.length > 40 ? `${node.text.slice(0, 40)}…` : node.text
  return node.type === 'number' ? `the number ${shown}` : `the text "${shown}"`
}

interface Spot {
  readonly path: string
  readonly depth: number
  /** stands in for an empty value, which has no place of its own */
  readonly fallback: Place
}

function toNode(source: Source, node: ParsedNode | null, spot: Spot): Node | null {
  if (node === null) {
    const at: Place = { ...spot.fallback, path: spot.path }
    const origin = origins.get(spot.fallback)
    if (origin) origins.set(at, origin)
    return { kind: 'scalar', at, type: 'null', text: '' }
  }
  const at = placeAt(source, node.range[0], spot.path)
  if (spot.depth > DEEPEST) {
    source.report({ at, message: `nested deeper than ${DEEPEST} levels` })
    return null
  }
  const isFlow = (isMap(node) || isSeq(node)) && node.flow === true
  if (isFlow) {
    const [begin, end] = node.range
    origins.set(at, { source, begin, end, from: begin, value: '' })
  }
  if (isMap(node)) {
    const entries = entriesOf(source, node as YAMLMap.Parsed, spot)
    return { kind: 'map', at, flow: node.flow === true, entries }
  }
  if (isSeq(node)) {
    const items: Node[] = []
    node.items.forEach((item, index) => {
      const inner = { path: `${spot.path}[${index}]`, depth: spot.depth + 1, fallback: at }
      const child = toNode(source, item as ParsedNode | null, inner)
      if (child !== null) items.push(child)
    })
    return { kind: 'list', at, items }
  }
  if (isAlias(node)) return null
  return scalarOf(source, node as ScalarParsed, { ...spot, fallback: at })
}

const CURLY = /^[“”„‟«‹‘’‚].*[“”»›‘’]$/su

type ScalarParsed = Extract<ParsedNode, { value: unknown; source: string }>

function scalarOf(source: Source, scalar: ScalarParsed, { path, fallback }: Spot): ScalarNode {
  const value = scalar.value
  const type =
    value === null
      ? 'null'
      : typeof value === 'number'
        ? 'number'
        : typeof value === 'boolean'
          ? 'boolean'
          : 'text'
  const text = type === 'text' ? String(value) : scalar.source
  const at: Place = { ...fallback, path }
  const [begin, end] = scalar.range
  const quoted = scalar.type === 'QUOTE_DOUBLE' || scalar.type === 'QUOTE_SINGLE'
  const block = scalar.type === 'BLOCK_LITERAL' || scalar.type === 'BLOCK_FOLDED'
  const from = quoted ? begin + 1 : block ? source.text.indexOf('\n', begin) + 1 : begin
  origins.set(at, { source, begin, end, from, value: text })
  if (!quoted && !block && CURLY.test(text)) {
    const message = 'curly quotes are no quotes here: they are part of the text'
    source.report({ at, message, hint: `write straight ones: "${shorten(text.slice(1, -1))}"` })
  }
  return { kind: 'scalar', at, type, text, ...((quoted || block) && { quoted: true as const }) }
}

function entriesOf(source: Source, map: YAMLMap.Parsed, spot: Spot): MapEntry[] {
  const entries: MapEntry[] = []
  const lineOf = new Map<string, number>()
  for (const pair of map.items) {
    const key = pair.key as ParsedNode
    const place = placeAt(source, key.range[0], spot.path)
    if (!isScalar(key) || key.source === undefined || key.source === '') {
      source.report({ at: place, message: 'expected a key of plain text' })
      continue
    }
    const name = typeof key.value === 'string' ? key.value : key.source
    const keyAt: Place = { ...place, path: joined(spot.path, name) }
    const [begin, end] = key.range
    origins.set(keyAt, { source, begin, end, from: begin, value: name })
    const earlier = lineOf.get(name)
    if (earlier !== undefined) {
      source.report({
        at: keyAt,
        message: `the key "${shorten(name)}" stands twice, first on line ${earlier}`,
      })
      continue
    }
    lineOf.set(name, keyAt.line)
    if (name === '__proto__' || name === '<<') {
      source.report({ at: keyAt, message: `"${name}" can't be used as a key` })
      continue
    }
    const empty =
      pair.value === null || (isScalar(pair.value) && pair.value.source === '' && pair.value.value === null)
    if (map.flow === true && pair.value === null) {
      tellCut({ source, key: name, at: keyAt, before: entries.at(-1) })
      continue
    }
    const inner = { path: keyAt.path, depth: spot.depth + 1, fallback: keyAt }
    const value = toNode(source, empty ? null : (pair.value as ParsedNode), inner)
    const commented = empty && value !== null && /^\s*:[ \t]*#\S/.test(source.text.slice(end, end + 100))
    if (value !== null) entries.push({ key: name, keyAt, value: commented ? asCommented(value) : value })
  }
  return entries
}

function asCommented(node: Node): Node {
  return node.kind === 'scalar' ? { ...node, commented: true } : node
}

interface Cut {
  readonly source: Source
  readonly key: string
  readonly at: Place
  readonly before: MapEntry | undefined
}

/** Inside { } a comma ends a value: what stands between it and the next one is no key. */
function tellCut({ source, key, at, before }: Cut): void {
  const message = `"${shorten(key)}" stands alone, without a value`
  if (before?.value.kind !== 'scalar') {
    source.report({ at, message, hint: 'write `key: value`, with a space after the colon' })
    return
  }
  // What was cut off is told of here, at its end, and not as a wrong value as well.
  echoes.add(before.value.at)
  const { text } = before.value
  const decimal = /^\d+$/.test(text) && /^\d/.test(key)
  if (/^[\p{L}_][\w-]*$/u.test(text) && /^[\p{L}_][\w-]*$/u.test(key)) {
    source.report({ at, message, hint: `for several values, write a list: [${text}, ${shorten(key)}]` })
    return
  }
  const whole = numberHint(`${text},${key.split(/\s/, 1)[0]}`)
  const quoted = `a comma ends a value inside { }: put the value of "${before.key}" in quotes, or write it on a line of its own`
  source.report({ at, message, hint: decimal && whole !== undefined ? whole : quoted })
}

/** Places of which a problem has been told that makes others there its echo. */
const echoes = new WeakSet<Place>()

export function isEcho(at: Place): boolean {
  return echoes.has(at)
}

function joined(path: string, key: string): string {
  if (!/^[\w?-]{1,80}$/.test(key)) return `${path}["${shorten(key)}"]`
  return path === '' ? key : `${path}.${key}`
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

/**
 * Walks the source beside the scalar's value. White space is stepped over on both sides, since folding
 * changes it; where an escape makes the two differ, the answer is null and the scalar's start has to do.
 */
function follow({ source, from, value }: Origin, offset: number): number | null {
  const blank = /\s/
  let at = from
  for (let index = 0; index <= offset && index < value.length; index += 1) {
    const char = value[index]!
    if (blank.test(char)) continue
    while (at < source.text.length && blank.test(source.text[at]!)) at += 1
    if (source.text[at] !== char) return null
    if (index === offset) return at
    at += 1
  }
  return at
}
