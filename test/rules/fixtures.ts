/**
 * A declared program to try rules on, and a short way to write rule files, transactions and members in
 * tests. Places in these trees are made up: only paths and offsets mean something.
 */
import { parseDocument } from 'yaml'
import { Decimal } from '../../src/base/points.ts'
import type { LineCondition } from '../../src/rules/columns.ts'
import { buildRuleSet, evaluate } from '../../src/rules/evaluate.ts'
import type {
  Field,
  FieldType,
  FieldValue,
  LineFacts,
  MemberFacts,
  TransactionFacts,
  UsedOf,
  Valuation,
} from '../../src/rules/facts.ts'
import type { MapNode, Node, Problem } from '../../src/rules/node.ts'
import { inOrder } from '../../src/rules/order.ts'
import { compileLineCondition, compileRule, type Rule } from '../../src/rules/rule.ts'
import type { Scope } from '../../src/rules/scope.ts'
import { compileTable, type Table } from '../../src/rules/table.ts'

/** YAML text as the tree that rules are compiled from. */
export function tree(text: string): Node {
  const document = parseDocument(text, { uniqueKeys: true })
  if (document.errors[0]) throw document.errors[0]
  return toNode(document.contents, '')
}

// The document's own node classes, told apart by what they hold.
interface YamlNode {
  readonly items?: readonly (
    | YamlNode
    | { readonly key: { readonly value: unknown }; readonly value: YamlNode }
  )[]
  readonly value?: unknown
  readonly source?: string
  readonly flow?: boolean
}

function toNode(raw: unknown, path: string): Node {
  const node = (raw ?? {}) as YamlNode
  const at = { file: 'test.yaml', line: 1, column: 1, path }
  if (!node.items) {
    const { value, source } = node
    const type =
      value === null || value === undefined
        ? 'null'
        : typeof value === 'number' || typeof value === 'boolean'
          ? (typeof value as 'number' | 'boolean')
          : 'text'
    return { kind: 'scalar', at, type, text: type === 'text' ? String(value) : (source ?? '') }
  }
  if (!node.items.every((item) => 'key' in item)) {
    return { kind: 'list', at, items: node.items.map((item, index) => toNode(item, `${path}[${index}]`)) }
  }
  if (node.items.length === 0 && (raw as { constructor: { name: string } }).constructor.name === 'YAMLSeq') {
    return { kind: 'list', at, items: [] }
  }
  const entries = node.items.map((item) => {
    const { key: named, value } = item as { key: { value: unknown }; value: YamlNode }
    const key = String(named.value)
    const below = path === '' ? key : `${path}.${key}`
    return { key, keyAt: { ...at, path: below }, value: toNode(value, below) }
  })
  return { kind: 'map', at, flow: node.flow ?? false, entries }
}

function field(name: string, type: FieldType, oneOf: readonly string[] | null = null): [string, Field] {
  return [name, { name, type, oneOf, required: false }]
}

function table(text: string): Table {
  const found = compileTable(tree(text) as MapNode, (problem) => {
    throw new Error(problem.message)
  })
  if (!found) throw new Error('the table does not compile')
  return found
}

const tiers = ['base', 'silver', 'gold']

export const scope: Scope = {
  timeZone: 'Europe/Berlin',
  money: 'EUR',
  currencies: new Map([
    ['beans', { rounding: 'floor' }],
    ['miles', { rounding: 'half_up' }],
    ['pennies', { rounding: 'floor' }],
  ]),
  transactionTypes: new Map([
    [
      'purchase',
      {
        fields: new Map([field('coupon', 'text'), field('basketAge', 'integer'), field('stay', 'text')]),
        lineFields: new Map([field('brand', 'text', ['own', 'foreign']), field('organic', 'boolean')]),
      },
    ],
    [
      'flight',
      {
        fields: new Map([
          field('distance', 'number'),
          field('carrier', 'text', ['own', 'partner']),
          field('fareClass', 'text', ['Y', 'M', 'L']),
          field('route', 'text'),
          field('departure', 'date'),
          field('stay', 'number'),
        ]),
        lineFields: new Map(),
      },
    ],
  ]),
  memberAttributes: new Map([field('city', 'text'), field('age', 'integer'), field('staff', 'boolean')]),
  ladders: new Map([['status', tiers]]),
  tables: new Map([
    [
      'fares',
      table(
        '{ Y: { rate: 1.25, boarding: 400 }, M: { rate: 0.75, boarding: 0 }, L: { rate: 0.70, boarding: 0 } }',
      ),
    ],
    ['routes', table('{ domestic: 2, asia: 1.5, other: 1 }')],
    ['bonus', table('{ silver: { rate: 0.25 }, gold: { rate: 0.50 } }')],
  ]),
  ruleIds: new Set(['first', 'second', 'rule', 'later']),
  groups: new Map([
    ['offers', { id: 'offers', pick: 'best', per: 'transaction' }],
    ['by-line', { id: 'by-line', pick: 'best', per: 'line' }],
    ['steps', { id: 'steps', pick: 'first', per: 'transaction' }],
    ['alone', { id: 'alone', pick: 'exclusive', per: 'transaction' }],
    ['own-lines', { id: 'own-lines', pick: 'exclusive', per: 'line' }],
    ['named', { id: 'named', pick: 'all', per: 'transaction' }],
  ]),
  segments: ['vip', 'families'],
  promotions: ['summer'],
}

export interface Checked<T> {
  readonly value: T | null
  /** `path+offset: message (hint)` */
  readonly problems: readonly string[]
}

function written({ at, offset, message, hint }: Problem): string {
  const place = offset === undefined ? at.path : `${at.path}+${offset}`
  return `${place}: ${message}${hint === undefined ? '' : ` (${hint})`}`
}

export function checkRule(text: string, within: Scope = scope): Checked<Rule> {
  const problems: string[] = []
  const value = compileRule(tree(text) as MapNode, within, (problem) => problems.push(written(problem)))
  return { value, problems }
}

export function checkLines(text: string, within: Scope = scope): Checked<LineCondition> {
  const problems: string[] = []
  const value = compileLineCondition(tree(text), within, (problem) => problems.push(written(problem)))
  return { value, problems }
}

export function checkTable(text: string): Checked<Table> {
  const problems: string[] = []
  const value = compileTable(tree(text) as MapNode, (problem) => problems.push(written(problem)))
  return { value, problems }
}

export function rule(text: string, within: Scope = scope): Rule {
  const { value, problems } = checkRule(text, within)
  if (!value) throw new Error(`the rule does not compile: ${problems.join('; ')}`)
  return value
}

/**
 * Of random rules those that compile, in the order in which they are applied; null where they rest on one another in
 * a circle.
 */
export function rulesOf(texts: readonly string[]): readonly Rule[] | null {
  const rules = texts.flatMap((text) => checkRule(text).value ?? [])
  const ordered = inOrder(rules)
  return 'rules' in ordered ? ordered.rules : null
}

interface LineInput {
  readonly lineId?: string
  readonly sku?: string
  readonly category?: string
  readonly kind?: LineFacts['kind']
  readonly quantity?: string
  readonly net?: string
  readonly tax?: string
  readonly attributes?: Readonly<Record<string, FieldValue>>
}

/** A line; its gross is net + tax. */
export function line(input: LineInput): LineFacts {
  const net = new Decimal(input.net ?? '0')
  const tax = new Decimal(input.tax ?? '0')
  return {
    lineId: input.lineId ?? '1',
    sku: input.sku ?? null,
    category: input.category ?? null,
    kind: input.kind ?? 'item',
    quantity: new Decimal(input.quantity ?? '1'),
    net,
    tax,
    gross: net.plus(tax),
    attributes: input.attributes ?? {},
  }
}

interface TransactionInput {
  readonly type?: string
  /** RFC 3339; a Tuesday noon in Berlin where none is given */
  readonly at?: string
  readonly lines?: readonly LineFacts[]
  /** `points 5` */
  readonly tenders?: readonly string[]
  readonly location?: string
  readonly channel?: string
  readonly attributes?: Readonly<Record<string, FieldValue>>
}

export function transaction(input: TransactionInput): TransactionFacts {
  return {
    type: input.type ?? 'purchase',
    occurredAt: new Date(input.at ?? '2026-03-17T12:00:00+01:00'),
    lines: input.lines ?? [],
    tenders: (input.tenders ?? []).map((text) => {
      const [kind = '', amount = '0'] = text.split(' ')
      return { kind, amount: new Decimal(amount) }
    }),
    location: input.location ?? null,
    channel: input.channel ?? null,
    attributes: input.attributes ?? {},
  }
}

export function member(tier = 'base', attributes: Readonly<Record<string, FieldValue>> = {}): MemberFacts {
  return {
    enrolledAt: new Date('2020-01-01T00:00:00Z'),
    attributes,
    tiers: new Map([['status', { tier, rank: tiers.indexOf(tier) }]]),
  }
}

interface Valuing {
  readonly rules: readonly (string | Rule)[]
  readonly transaction: TransactionInput
  readonly member?: MemberFacts
  readonly neverEarn?: string
  readonly used?: UsedOf
  readonly explain?: boolean
}

export function value(input: Valuing): Valuation {
  const rules = input.rules.map((text) => (typeof text === 'string' ? rule(text) : text))
  const neverEarn = input.neverEarn === undefined ? null : checkLines(input.neverEarn).value
  const set = buildRuleSet({ rules, neverEarn, timeZone: scope.timeZone, money: scope.money })
  return evaluate(set, {
    transaction: transaction(input.transaction),
    member: input.member ?? member(),
    used: input.used ?? (() => 0n),
    explain: input.explain ?? false,
  })
}

/** `rule currency points@line`, in order. */
export function shownAwards({ awards }: Valuation): string {
  return awards
    .map(
      ({ rule: id, currency, points, lineId }) =>
        `${id} ${currency} ${points}${lineId === null ? '' : `@${lineId}`}`,
    )
    .join(', ')
}
