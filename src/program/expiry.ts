/**
 * How a program says when points lapse: `never`, `12 months, end of March`, `every 31 March, after 2 years`,
 * `on 2027-12-31`, `24 months without activity`. A map adds what counts as activity and who is exempt.
 */
import type { EndOf, ExpiryPolicy, YearDay } from '../base/expiry.ts'
import { didYouMean } from '../base/nearest.ts'
import { type Length, lengthOf, type Unit } from '../base/time.ts'
import type { Field } from '../rules/facts.ts'
import { lengthHint } from '../rules/habits.ts'
import type { MapNode, Node, Report, ScalarNode } from '../rules/node.ts'
import { problem } from '../rules/problem.ts'
import { isDay } from '../rules/value.ts'
import { asScalar, childOf, scalarAt } from './nodes.ts'
import { readLength, type Word, wordsOf } from './units.ts'

/** What is declared beside the currencies, as far as their expiry can name it. */
export interface ExpiryTerms {
  readonly transactionTypes: Iterable<string>
  readonly attributes: ReadonlyMap<string, Field>
}

const ends = new Map<string, Unit>([
  ['day', 'day'],
  ['week', 'week'],
  ['month', 'month'],
  ['quarter', 'quarter'],
  ['half year', 'half_year'],
  ['year', 'year'],
])

const months = [
  ...['january', 'february', 'march', 'april', 'may', 'june', 'july', 'august', 'september', 'october'],
  ...['november', 'december'],
]

const MOST_DAYS = 50

/** The policy of a currency; null after a report. */
export function readExpiry(node: Node, terms: ExpiryTerms, report: Report): ExpiryPolicy | null {
  if (node.kind === 'scalar') return readText(node, terms, report)
  if (node.kind !== 'map') return null
  const after = scalarAt(node, 'after')
  if (!after) {
    // An `after` of another kind has been told of by the grammar.
    if (!childOf(node, 'after')) report(problem(node.at, 'expires needs `after`, such as `after: 12 months`'))
    return null
  }
  const policy = readText(after, terms, report)
  if (policy === null || policy.kind === 'idle')
    return policy && withActivity(policy, { node, terms }, report)
  for (const { key, keyAt } of node.entries) {
    if (key === 'after') continue
    const hint = 'write for instance `after: 24 months without activity`'
    report(problem(keyAt, `"${key}" has a meaning only for points that lapse without activity`, { hint }))
  }
  return policy
}

const plainActivities = ['earn', 'redeem', 'adjustment']

function withActivity(
  policy: Extract<ExpiryPolicy, { kind: 'idle' }>,
  { node, terms }: { node: MapNode; terms: ExpiryTerms },
  report: Report,
): ExpiryPolicy {
  const list = childOf(node, 'activity')
  if (list === null) return policy
  const items = list.kind === 'list' ? list.items : [list]
  if (items.length === 0) report(problem(list.at, 'activity needs at least one kind, such as earn'))
  const known = [...plainActivities, ...terms.transactionTypes]
  const activity = items.flatMap((item) => {
    const scalar = asScalar(item)
    if (!scalar) return []
    if (known.includes(scalar.text)) return [scalar.text]
    const hint = didYouMean(scalar.text, known) ?? `known are ${known.join(', ')}`
    report(problem(scalar.at, `"${scalar.text}" is not a kind of activity`, { hint }))
    return []
  })
  return { ...policy, activity: [...new Set(activity)] }
}

function readText(node: ScalarNode, terms: ExpiryTerms, report: Report): ExpiryPolicy | null {
  const words = wordsOf(node.text)
  const [first] = words
  if (words.length === 1 && first?.text === 'never') return { kind: 'never' }
  if (first?.text === 'every') return readYearly(node, words, report)
  if (first && (first.text === 'on' || isDay(first.text))) return readDates(node, words, report)

  const comma = words.findIndex(({ text }) => text === ',')
  const head = comma < 0 ? words : words.slice(0, comma)
  const idle = head.at(-2)?.text === 'without' && head.at(-1)?.text === 'activity'
  const length = readLength(node, idle ? head.slice(0, -2) : head, report)
  const end = comma < 0 ? 'day' : readEnd({ node, words: words.slice(comma), terms }, report)
  if (!length || !end) return null
  return idle
    ? { kind: 'idle', ...length, endOf: end, activity: ['earn', 'redeem'] }
    : { kind: 'after', ...length, endOf: end }
}

interface End {
  readonly node: ScalarNode
  /** from the comma on */
  readonly words: readonly Word[]
  readonly terms: ExpiryTerms
}

/** `, end of March`, `, end of birth month`, `, end of month of member.born`. */
function readEnd({ node, words, terms }: End, report: Report): EndOf | null {
  const [, end, of, ...rest] = words
  const isEnd = end?.text === 'end' && of?.text === 'of'
  const name = rest.map(({ text }) => text).join(' ')
  if (isEnd) {
    const unit = ends.get(name)
    if (unit) return unit
    const month = months.indexOf(name.toLowerCase())
    if (month >= 0) return { month: month + 1 }
    if (name === 'birth month') return { birthOf: null }
    const attribute = /^month of member\.(\S+)$/.exec(name)?.[1]
    if (attribute !== undefined) return readBirth({ node, at: rest.at(-1), terms }, attribute, report)
  }
  const at = (isEnd ? rest[0] : end) ?? words[0]
  const known = [
    ...ends.keys(),
    ...months.map((month) => month[0]!.toUpperCase() + month.slice(1)),
    'birth month',
  ]
  const hint = name === '' ? undefined : didYouMean(name, known)
  const told = `expected "end of" and one of ${[...ends.keys()].join(', ')}, a month or birth month`
  report(problem(node.at, told, { offset: at?.offset, hint }))
  return null
}

function readBirth(
  { node, at, terms }: { node: ScalarNode; at: Word | undefined; terms: ExpiryTerms },
  attribute: string,
  report: Report,
): EndOf | null {
  const field = terms.attributes.get(attribute)
  if (field?.type === 'date') return { birthOf: attribute }
  const dates = [...terms.attributes.values()].filter(({ type }) => type === 'date').map(({ name }) => name)
  const told = field
    ? `the attribute "${attribute}" is not a date`
    : `members have no attribute "${attribute}"`
  report(problem(node.at, told, { offset: at?.offset, hint: didYouMean(attribute, dates) }))
  return null
}

/** `on 2027-12-31`, or several days with commas between. */
function readDates(node: ScalarNode, words: readonly Word[], report: Report): ExpiryPolicy | null {
  const days = words[0]?.text === 'on' ? words.slice(1) : words
  const found: string[] = []
  for (const [index, { text, offset }] of days.entries()) {
    const right = index % 2 === 0 ? isDay(text) : text === ','
    if (right && index % 2 === 0) found.push(text)
    if (right) continue
    report(problem(node.at, `expected a day such as 2027-12-31; got "${text}"`, { offset }))
    return null
  }
  if (days.length % 2 === 0 || found.length > MOST_DAYS) {
    report(problem(node.at, `expected 1 to ${MOST_DAYS} days such as "on 2027-12-31"; got "${node.text}"`))
    return null
  }
  return { kind: 'dates', days: [...new Set(found)].sort() }
}

/** `every 31 March`, `every 31 March and 30 September, after 2 years`. */
function readYearly(node: ScalarNode, words: readonly Word[], report: Report): ExpiryPolicy | null {
  const comma = words.findIndex(({ text }) => text === ',')
  const head = words.slice(1, comma < 0 ? undefined : comma)
  const days: YearDay[] = []
  for (let index = 0; index < Math.max(head.length, 1); index += 3) {
    const [date, month, and] = head.slice(index, index + 3)
    const number = months.indexOf(month?.text.toLowerCase() ?? '') + 1
    const day = /^\d{1,2}$/.test(date?.text ?? '') ? Number(date?.text) : 0
    const joined = and === undefined || (and.text === 'and' && head.length > index + 3)
    // 2024 has a 29 February
    if (number === 0 || day < 1 || day > lengthOf(2024, number) || !joined || days.length >= MOST_DAYS) {
      const at = number === 0 && date && month ? month : date
      const told = `expected days of the year such as "every 31 March"; got "${node.text}"`
      const named = month && number === 0 ? didYouMean(month.text.toLowerCase(), months) : undefined
      const hint = lengthHint(node.text) ?? named
      report(problem(node.at, told, { offset: at?.offset, hint }))
      return null
    }
    days.push({ month: number, day })
  }
  const after = comma < 0 ? null : readAfter(node, words.slice(comma), report)
  return after === 'wrong' ? null : { kind: 'yearly', days, after }
}

function readAfter(
  node: ScalarNode,
  [comma, after, ...length]: readonly Word[],
  report: Report,
): Length | 'wrong' {
  if (after?.text === 'after') return readLength(node, length, report) ?? 'wrong'
  const told = 'expected "after" and a length of time such as 2 years'
  report(problem(node.at, told, { offset: (after ?? comma)?.offset }))
  return 'wrong'
}
