/**
 * Checks a tree against the grammar and tells what is wrong in our words, at the place where it stands.
 * Everything is told at once; nothing that the grammar does not know passes.
 */
import { z } from 'zod'
import { didYouMean, nearest } from '../base/nearest.ts'
import type { MapNode, Node, Report } from '../rules/node.ts'
import { plainValueHint } from '../rules/slips.ts'
import { describeNode } from './tree.ts'

type Issue = z.core.$ZodIssue
type Path = readonly PropertyKey[]

/** More than are ever told: each one is looked up in the tree, which takes its time. */
const MOST_ISSUES = 1000
/** Of one map; what comes after is only counted, and looking for what was meant takes its time. */
const MOST_HINTS = 1000

export function checkStructure(root: MapNode, schema: z.ZodType, report: Report): void {
  const outcome = schema.safeParse(plain(root))
  if (outcome.success) return
  const missing = new Map<Node, string[]>()
  const tell = (issue: Issue, before: Path): void => {
    const path = [...before, ...issue.path]
    const node = nodeAt(root, path)
    if (node === null) noteMissing(root, path, missing)
    else if (issue.code === 'unrecognized_keys')
      tellUnknownKeys({ node, keys: issue.keys, schema, path }, report)
    else if (issue.code === 'invalid_key') tellBadKey(root, path, report)
    else if (issue.code === 'invalid_union') tellUnion({ issue, path, node, schema, tell }, report)
    else report({ at: node.at, ...mismatch(node, issue, descriptionAt(schema, path)) })
  }
  for (const issue of outcome.error.issues.slice(0, MOST_ISSUES)) tell(issue, [])
  for (const [node, keys] of missing) {
    // A key that is there but misspelt is told of as unknown.
    const isKeyed = (key: string) =>
      key === 'id' && node.kind === 'map' && keyedHint(node, '', ['id']) !== undefined
    const names = keys.filter((key) => !isMisspelt(key, node) && !isKeyed(key)).map((key) => `"${key}"`)
    if (names.length === 0) continue
    report({ at: node.at, message: `${names.join(' and ')} ${names.length === 1 ? 'is' : 'are'} missing` })
  }
}

/** Whether the map has a key, known to nobody, that was probably meant to be this one. */
export function isMisspelt(key: string, node: Node): boolean {
  if (node.kind !== 'map') return false
  return node.entries.some((entry) => entry.key !== key && nearest(entry.key, [key]) !== null)
}

/** The tree as plain values, for the grammar alone: what is used later is read from the tree itself. */
function plain(node: Node): unknown {
  if (node.kind === 'list') return node.items.map(plain)
  if (node.kind === 'map')
    return Object.fromEntries(node.entries.map(({ key, value }) => [key, plain(value)]))
  if (node.type === 'null') return null
  if (node.type === 'boolean') return node.text.toLowerCase() === 'true'
  return node.type === 'number' ? Number(node.text) : node.text
}

function nodeAt(root: Node, path: Path): Node | null {
  let node: Node | undefined = root
  for (const step of path) {
    if (node?.kind === 'map') node = node.entries.find(({ key }) => key === step)?.value
    else if (node?.kind === 'list') node = node.items[Number(step)]
    else return null
    if (!node) return null
  }
  return node
}

function noteMissing(root: Node, path: Path, missing: Map<Node, string[]>): void {
  const parent = nodeAt(root, path.slice(0, -1))
  if (parent === null) return
  const keys = missing.get(parent)
  if (keys) keys.push(String(path.at(-1)))
  else missing.set(parent, [String(path.at(-1))])
}

function tellUnknownKeys(
  { node, keys, schema, path }: { node: Node; keys: readonly string[]; schema: z.ZodType; path: Path },
  report: Report,
): void {
  if (node.kind !== 'map') return
  const known = keysAt(schema, path)
  const unknown = new Set(keys)
  let told = 0
  for (const { key, keyAt } of node.entries) {
    if (!unknown.has(key)) continue
    const hint = told < MOST_HINTS ? unknownHint(key, { node, known }) : undefined
    report({ at: keyAt, message: `unknown key "${shorten(key)}"`, ...(hint === undefined ? {} : { hint }) })
    told += 1
  }
}

function unknownHint(
  key: string,
  { node, known }: { node: MapNode; known: readonly string[] },
): string | undefined {
  // Of keys of one letter each is as near as the next.
  const near = known.every((each) => each.length === 1) && !known.includes(key.toUpperCase())
  const inside = known.find((each) => each === 'fields' || each === 'attributes')
  const elsewhere = (each: string) =>
    `what you declare yourself goes under \`${each}\`; the other keys here are ${known.filter((one) => one !== each).join(', ')}`
  const listed = known.length > 0 ? `known here: ${known.join(', ')}` : undefined
  return (
    examplesHint(key, known) ??
    (near ? undefined : didYouMean(key, known)) ??
    blackoutHint(key, known) ??
    (inside === undefined ? undefined : elsewhere(inside)) ??
    keyedHint(node, key, known) ??
    listed
  )
}

/** They stand beside the rules, as in the reference, but in files of their own. */
function examplesHint(key: string, known: readonly string[]): string | undefined {
  if (!/^(examples?|tests?)$/i.test(key) || !known.includes('earn')) return undefined
  return 'examples stand in a file of their own beside this one, such as "program.examples.yaml", under `examples:`'
}

/** Days on which a rule gives nothing are a condition of it. */
function blackoutHint(key: string, known: readonly string[]): string | undefined {
  if (!known.includes('when') || !/^(except|exclud|blackout|unless|without|not)/i.test(key)) return undefined
  return 'write in `when`: none: [{ date: { between: [2026-12-24, 2026-12-31] } }]'
}

/** `- silver: { reach: … }` where items of a list carry their id inside. */
function keyedHint(node: MapNode, key: string, known: readonly string[]): string | undefined {
  const [{ value = null } = {}] = node.entries
  const alone =
    node.entries.length <= 1 ? value?.kind === 'map' : value?.kind === 'scalar' && value.type === 'null'
  return alone && known.includes('id') ? `write id: ${shorten(key)}, and its other keys beside it` : undefined
}

function tellBadKey(root: Node, path: Path, report: Report): void {
  const parent = nodeAt(root, path.slice(0, -1))
  const name = String(path.at(-1))
  const entry = parent?.kind === 'map' ? parent.entries.find(({ key }) => key === name) : undefined
  if (!entry) return
  report({
    at: entry.keyAt,
    message: `"${shorten(name)}" is not a name`,
    hint: 'a name begins with a letter and has no spaces',
  })
}

interface UnionFault {
  readonly issue: Issue & { code: 'invalid_union' }
  readonly path: Path
  readonly node: Node
  readonly schema: z.ZodType
  readonly tell: (issue: Issue, before: Path) => void
}

/** Of several kinds that a value may have, the one that the person chose is told of, not all of them. */
function tellUnion({ issue, path, node, schema, tell }: UnionFault, report: Report): void {
  const chosen = issue.errors.find((issues) => issues.every((each) => !isOfOtherKind(each)))
  if (chosen && node.kind !== 'scalar') {
    for (const each of chosen) tell(each, path)
    return
  }
  report({ at: node.at, ...mismatch(node, wordsOf(issue), descriptionAt(schema, path)) })
}

function isOfOtherKind(issue: Issue): boolean {
  return issue.path.length === 0 && (issue.code === 'invalid_type' || issue.code === 'invalid_value')
}

function wordsOf(issue: Issue & { code: 'invalid_union' }): Issue {
  const enumerated = issue.errors.flat().find((each) => each.code === 'invalid_value')
  return enumerated ?? issue
}

function mismatch(
  node: Node,
  issue: Issue,
  description: string | undefined,
): { message: string; hint?: string } {
  const values = issue.code === 'invalid_value' ? issue.values.map(String) : []
  const expected = description ?? (values.length > 0 ? `one of ${values.join(', ')}` : kindWord(issue))
  const message = `expected ${expected}; got ${describeNode(node)}`
  const habit = habitHint(node, expected)
  if (habit !== undefined) return { message, hint: habit }
  if (node.kind !== 'scalar') return { message }
  const close = values.length > 0 ? didYouMean(node.text, values) : undefined
  if (close !== undefined && nearest(node.text, values) !== node.text) return { message, hint: close }
  if (issue.code === 'invalid_type' && issue.expected === 'boolean') {
    const hint = plainValueHint('boolean', node.text)
    return hint === undefined ? { message } : { message, hint }
  }
  // Where an amount is expected, quotes around a bare number would not help.
  const asText = issue.code === 'invalid_type' && issue.expected === 'string' && !expected.includes('such as')
  if (asText && (node.type === 'number' || node.type === 'boolean'))
    return { message, hint: textHint(node.text) }
  return { message }
}

/** What was meant by a text, a list or a map where something of another make is expected. */
function habitHint(node: Node, expected: string): string | undefined {
  if (node.kind === 'scalar' && node.commented) return 'a # begins a comment: put the value in quotes'
  const text = node.kind === 'scalar' && node.type !== 'null' ? node.text : undefined
  if (expected.startsWith('the id of') && text !== undefined) {
    const slug = text.trim().replaceAll(/[^A-Za-z0-9_-]+/g, '-')
    const id = (expected.includes('small letters') ? slug.toLowerCase() : slug).replaceAll(/^-+|-+$/g, '')
    return /^[A-Za-z]/.test(id) ? `write ${id}` : undefined
  }
  if (expected.startsWith('conditions')) return conditionsHint(node, { expected, text })
  const plain = text === undefined ? undefined : plainHint(text, expected)
  if (plain !== undefined) return plain
  if (!expected.startsWith('a criterion') && !expected.startsWith('an amount such as 500 EUR'))
    return undefined
  const points = /^(\d+) +([A-Za-z][\w-]*)$/.exec(text ?? '')
  if (points) return `write { ${points[2]}: ${points[1]} }`
  return node.kind === 'map' && expected.startsWith('an amount') ? AT_LEAST : undefined
}

/** What was meant where a map of conditions stands. */
function conditionsHint(
  node: Node,
  { expected, text }: { expected: string; text: string | undefined },
): string | undefined {
  if (expected.startsWith('conditions on lines') && node.kind !== 'map')
    return 'write for instance `neverEarn: { category: [tobacco, books] }`'
  if (expected.startsWith('conditions on the lines') && text !== undefined)
    return `write for instance { category: ${shorten(text)} }`
  if (node.kind === 'list') return 'leave out the dashes: all parts must hold; for either, write any: [ … ]'
  return text === undefined ? undefined : 'a formula stands under `where`: when: { where: … }'
}

/** A single value where a list, a share or a section stands. */
function plainHint(text: string, expected: string): string | undefined {
  if (/^(a list of (days|plain values)|types of transactions)/.test(expected))
    return `write a list: [${shorten(text)}]`
  if (/^(a|the) share\b/.test(expected)) return shareHint(text)
  if (expected === 'holdout') return `write { holdout: ${shorten(text)} }`
  if (expected === 'one of flag, segment, event') return `write { flag: ${shorten(text)} }`
  const [number] = /^\d+(?= )/.exec(text) ?? []
  if (!number) return undefined
  if (expected.startsWith('members, control')) return `write { members: ${number} }`
  return expected.startsWith('how many') ? `write ${number}` : undefined
}

/** `0.2` or `20` where a share is written with its sign. */
function shareHint(text: string): string | undefined {
  const value = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN
  if (value > 0 && value <= 1) return `write ${Number((value * 100).toFixed(4))} %`
  return value > 1 && value <= 100 ? `write ${text} %` : undefined
}

const AT_LEAST = 'a criterion is always at least so much: write the number alone'

function textHint(text: string): string {
  return `if "${shorten(text)}" is meant as a text, put it in quotes`
}

function kindWord(issue: Issue): string {
  if (issue.code !== 'invalid_type') return 'something else'
  if (issue.expected === 'string') return 'a text'
  if (issue.expected === 'array') return 'a list'
  if (issue.expected === 'boolean') return 'true or false'
  if (issue.expected === 'number') return 'a number'
  return 'a map of keys'
}

/** The schemas that may stand at a path: one, or those of a union's kinds. */
function schemasAt(schema: z.ZodType, path: Path): z.ZodType[] {
  let here = [schema]
  for (const step of path) here = here.flatMap(opened).flatMap((each) => inner(each, step))
  return here
}

function inner(schema: z.ZodType, step: PropertyKey): z.ZodType[] {
  if (schema instanceof z.ZodArray) return typeof step === 'number' ? [schema.element as z.ZodType] : []
  if (schema instanceof z.ZodRecord) return [schema.valueType as z.ZodType]
  if (!(schema instanceof z.ZodObject)) return []
  const child = schema.shape[String(step)] ?? schema.def.catchall
  return child ? [child as z.ZodType] : []
}

/** A schema without its optional and nullable wraps, a union as its options. */
function opened(schema: z.ZodType): z.ZodType[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable)
    return opened(schema.unwrap() as z.ZodType)
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => opened(option as z.ZodType))
  return [schema]
}

function keysAt(schema: z.ZodType, path: Path): string[] {
  return schemasAt(schema, path)
    .flatMap(opened)
    .flatMap((each) => (each instanceof z.ZodObject ? Object.keys(each.shape) : []))
}

function descriptionAt(schema: z.ZodType, path: Path): string | undefined {
  for (let each of schemasAt(schema, path)) {
    for (;;) {
      if (each.description !== undefined) return each.description
      if (!(each instanceof z.ZodOptional || each instanceof z.ZodNullable)) break
      each = each.unwrap() as z.ZodType
    }
  }
  return undefined
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
