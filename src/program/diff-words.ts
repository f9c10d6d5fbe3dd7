/** Changes of a program in the words of those who write it: which rule, which tier, from what to what. */
import type { Node, ScalarNode } from '../rules/node.ts'

interface Unworded {
  readonly kind: 'added' | 'removed' | 'changed' | 'moved'
  readonly path: readonly string[]
  readonly before: string | null
  readonly after: string | null
}

/** Long values are cut here; `before` and `after` of the change have them whole. */
const MOST_SHOWN = 300

export function changeInWords({ kind, path, before, after }: Unworded): string {
  const { subject, rest } = subjectOf(path)
  const label = labelOf(path, rest)
  if (kind === 'moved') return `order of ${label === '' ? subject : label}: ${cut(before)} -> ${cut(after)}`
  if (path[0] === 'examples') return `${subject} ${WHAT_HAPPENED[kind]}`
  if (rest.length === 0 && ENTITIES.has(subject.split(' ')[0]!)) {
    if (kind === 'added') return `${subject} is new: ${cut(after)}`
    if (kind === 'removed') return `${subject} is gone; it was: ${cut(before)}`
  }
  const of = label === '' ? subject : `${subject}, ${label}`
  return `${of}: ${before === null ? 'none' : cut(before)} -> ${after === null ? 'none' : cut(after)}`
}

const WHAT_HAPPENED = { added: 'is new', removed: 'is gone', changed: 'has changed' } as const

const ENTITIES = new Set(['rule', 'reward', 'tier', 'ladder', 'currency', 'type', 'member', 'table', 'row'])

interface Subject {
  readonly subject: string
  /** what of the path is left: properties of the subject */
  readonly rest: readonly string[]
}

function subjectOf(path: readonly string[]): Subject {
  const [top = 'the program', first, second, third, ...more] = path
  const named = (subject: string, rest: readonly (string | undefined)[]): Subject => ({
    subject,
    rest: rest.filter((part) => part !== undefined),
  })
  if (first === undefined) return named(SECTIONS[top] ?? apart(top), [])
  switch (top) {
    case 'earn':
      return named(`rule ${first}`, [second, third, ...more])
    case 'rewards':
      return named(`reward ${first}`, [second, third, ...more])
    case 'currencies':
      return named(`currency ${first}`, [second, third, ...more])
    case 'examples':
      return named(`example "${first}"`, [])
    case 'tiers':
      if (first === 'ladder' && second !== undefined) return named(`tier ${second}`, [third, ...more])
      return named('tiers', [first, second, third, ...more])
    case 'ladders':
      if (second === 'ladder' && third !== undefined) return named(`tier ${third} of ${first}`, more)
      return named(`ladder ${first}`, [second, third, ...more])
    case 'transactions':
      return named(`type ${first}`, [second, third, ...more])
    case 'members':
      if (first === 'attributes' && second !== undefined)
        return named(`member attribute ${second}`, [third, ...more])
      return named('members', [first, second, third, ...more])
    case 'tables':
      if (second === undefined) return named(`table ${first}`, [])
      return named(`row ${second} of table ${first}`, [third, ...more])
    default:
      return named(`${SECTIONS[top] ?? apart(top)} ${first}`, [second, third, ...more])
  }
}

const SECTIONS: Readonly<Record<string, string>> = {
  program: 'id of the program',
  name: 'name of the program',
  timeZone: 'time zone',
  neverEarn: 'what never earns',
  earn: 'rules',
  transactions: 'types of transactions',
}

/** Keys whose value says what it is by itself. */
const SPEAKS_FOR_ITSELF = new Set(['award'])

const LABELS: Readonly<Record<string, string>> = {
  on: 'on',
  forEach: 'for each',
  reach: 'reached with',
  keep: 'kept with',
  fields: 'field',
  lineFields: 'field of a line',
  ladder: 'tiers',
}

function labelOf(path: readonly string[], rest: readonly string[]): string {
  const [first, ...others] = rest
  if (first === undefined) return ''
  if (rest.length === 1 && SPEAKS_FOR_ITSELF.has(first)) return ''
  // A ladder's list of tiers in its own words, not as one of the ladder's keys.
  if (path.at(-1) === 'ladder' && rest.length === 1) return 'tiers'
  return [LABELS[first] ?? apart(first), ...others].join(' ')
}

/** `timeZone` reads `time zone`. */
function apart(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}

function cut(text: string | null): string {
  if (text === null) return 'none'
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN - 1)}…` : text
}

/** A value on one line: scalars as written, the rest as YAML has it between braces. */
export function inline(node: Node, inner = false): string {
  if (node.kind === 'scalar') return scalar(node)
  if (node.kind === 'list') {
    const items = node.items.map((item) => inline(item, true)).join(', ')
    return items === '' || inner ? `[${items}]` : items
  }
  const entries = node.entries.map(({ key, value }) => `${key}: ${inline(value, true)}`).join(', ')
  return entries === '' || inner ? `{ ${entries} }` : entries
}

/** Quoted where the text alone would be taken for something else. */
function scalar({ type, text }: ScalarNode): string {
  if (type === 'null') return 'nothing'
  const ambiguous = type === 'text' && /^(-?\d+(\.\d+)?|true|false|null|nothing|none|)$/i.test(text)
  return ambiguous ? JSON.stringify(text) : text.replace(/[\n\r\t]+/g, ' ')
}
