/**
 * What a program declares for its rules to use: currencies, types of transactions with their fields, and
 * what is known of members. A name that is declared wrongly is declared all the same, so that one mistake
 * is told of once and not again wherever the name is used.
 */
import type { ExpiryPolicy } from '../base/expiry.ts'
import { didYouMean, nearest } from '../base/nearest.ts'
import { type Money, roundings } from '../base/points.ts'
import { reservedLineNames, reservedNames } from '../rules/fact.ts'
import type { Field, FieldType } from '../rules/facts.ts'
import type { MapEntry, MapNode, Node, Report } from '../rules/node.ts'
import { problem } from '../rules/problem.ts'
import { isEvent } from './events.ts'
import { type ExpiryTerms, readExpiry } from './expiry.ts'
import { asMap, asScalar, childOf, entriesAt, firstOf, itemsAt, scalarAt, textAt, wordAt } from './nodes.ts'
import { readPending } from './pending.ts'
import type { Currency, TransactionType } from './program.ts'
import { readMoney, readPoints, readSpan } from './units.ts'

// Words that a criterion gives another meaning.
const NOT_FOR_CURRENCIES = new Set(['spend', 'transactions', 'any', 'all'])

/** Without their exemptions, whose conditions may name anything that is declared, currencies among it. */
export function readCurrencies(
  entries: readonly MapEntry[],
  terms: ExpiryTerms,
  report: Report,
): Map<string, Currency> {
  const currencies = new Map<string, Currency>()
  for (const { key, keyAt, value } of firstOf(entries, { most: 100, what: 'currencies', report })) {
    if (NOT_FOR_CURRENCIES.has(key)) report(problem(keyAt, `a currency can't be called "${key}"`))
    currencies.set(key, readCurrency({ id: key, map: asMap(value), terms }, report))
  }
  return currencies
}

function readCurrency(
  { id, map, terms }: { id: string; map: MapNode | null; terms: ExpiryTerms },
  report: Report,
): Currency {
  const kind = wordAt(map, 'kind', { known: ['redeemable', 'qualifying'], fallback: 'redeemable' })
  const rounding = wordAt(map, 'round', { known: roundings, fallback: 'floor' })
  const valueNode = scalarAt(map, 'value')
  const expires = childOf(map, 'expires')
  const pendingNode = scalarAt(map, 'pending')
  const value: Money | null = valueNode && readMoney(valueNode, report)
  const expiry: ExpiryPolicy = (expires && readExpiry(expires, terms, report)) ?? { kind: 'never' }
  const pending = (pendingNode && readPending(pendingNode, report)) ?? { kind: 'none' as const }
  const counts = textAt(map, 'counts') === 'when usable' ? ('when_usable' as const) : ('at_once' as const)
  const redeem = readRedeem(id, map, report)
  if (kind === 'qualifying') {
    for (const key of ['value', 'redeem']) {
      const entry = map?.entries.find((each) => each.key === key)
      if (entry)
        report(problem(entry.keyAt, `qualifying points are never spent: "${key}" has no meaning here`))
    }
  }
  return { id, kind, value, rounding, expiry, exempt: null, pending, counts, redeem }
}

function readRedeem(id: string, currency: MapNode | null, report: Report): Currency['redeem'] {
  const map = asMap(childOf(currency, 'redeem'))
  const points = (key: string): bigint | null => {
    const node = scalarAt(map, key)
    return node && (readPoints(node, { currencies: [id], bare: id }, report)?.points ?? null)
  }
  const step = points('step') ?? 1n
  const minimum = points('minimum') ?? step
  const maximum = points('maximum')
  const at = scalarAt(map, 'maximum')?.at
  if (at && maximum !== null && maximum < minimum) report(problem(at, 'the maximum is below the minimum'))
  return { minimum, maximum, step }
}

/** Where a program declares none, there are purchases without fields. */
export function readTransactionTypes(node: MapNode | null, report: Report): Map<string, TransactionType> {
  if (node === null)
    return new Map([['purchase', { id: 'purchase', fields: new Map(), lineFields: new Map(), ...whenever }]])
  const types = new Map<string, TransactionType>()
  for (const { key, keyAt, value } of firstOf(node.entries, {
    most: 100,
    what: 'types of transactions',
    report,
  })) {
    if (isEvent(key)) {
      const hint = 'rules can be on it as it is'
      report(problem(keyAt, `"${key}" is what the engine tells of itself`, { hint }))
    }
    const map = asMap(value)
    const fields = readFields(entriesAt(map, 'fields'), reservedNames, report)
    const lineFields = readFields(entriesAt(map, 'lineFields'), reservedLineNames, report)
    const within = scalarAt(map, 'claimWithin')
    const claimWithin = within && readSpan(within, report)
    types.set(key, { id: key, fields, lineFields, claimWithin, unique: readUnique(map, fields, report) })
  }
  return types
}

const whenever = { claimWithin: null, unique: [] }

/** Each is a declared field of the transaction, and none is named twice. */
function readUnique(map: MapNode | null, fields: ReadonlyMap<string, Field>, report: Report): string[] {
  const names: string[] = []
  for (const node of firstOf(itemsAt(map, 'unique'), { most: 10, what: 'fields of one key', report })) {
    const scalar = asScalar(node)
    if (!scalar) continue
    if (!fields.has(scalar.text)) {
      const hint = didYouMean(scalar.text, fields.keys())
      report(problem(scalar.at, `there is no field "${scalar.text}" to be unique`, { hint }))
    } else if (names.includes(scalar.text)) report(problem(scalar.at, `"${scalar.text}" is named twice`))
    else names.push(scalar.text)
  }
  return names
}

const none: ReadonlySet<string> = new Set()

export function readAttributes(members: MapNode | null, report: Report): Map<string, Field> {
  return readFields(entriesAt(members, 'attributes'), none, report)
}

/** The segments that members can be in. */
export function readSegments(members: MapNode | null, report: Report): string[] {
  const list = childOf(members, 'segments')
  return list?.kind === 'list' ? readOneOf(list.items, list, report) : []
}

/** The attribute that holds the day of birth; null where none is named. */
export function readBirthday(
  members: MapNode | null,
  attributes: ReadonlyMap<string, Field>,
  report: Report,
): string | null {
  const node = scalarAt(members, 'birthday')
  if (node === null) return null
  const field = attributes.get(node.text)
  if (field?.type === 'date') return field.name
  const dates = [...attributes.values()].filter(({ type }) => type === 'date').map(({ name }) => name)
  const hint = didYouMean(node.text, dates) ?? 'declare it: attributes: { born?: date }'
  report(problem(node.at, `"${node.text}" is no attribute that holds a date`, { hint }))
  return null
}

function readFields(
  entries: readonly MapEntry[],
  reserved: ReadonlySet<string>,
  report: Report,
): Map<string, Field> {
  const fields = new Map<string, Field>()
  for (const { key, keyAt, value } of firstOf(entries, { most: 200, what: 'fields', report })) {
    const optional = key.endsWith('?')
    const name = optional ? key.slice(0, -1) : key
    if (reserved.has(name))
      report(problem(keyAt, `a field can't be called "${name}": the name has a meaning already`))
    else if (fields.has(name)) report(problem(keyAt, `the field "${name}" stands twice`))
    fields.set(name, readField(name, value, { optional, report }))
  }
  return fields
}

const fieldTypes: readonly FieldType[] = ['text', 'number', 'integer', 'boolean', 'date']

function readField(
  name: string,
  node: Node,
  { optional, report }: { optional: boolean; report: Report },
): Field {
  if (node.kind === 'list')
    return { name, type: 'text', oneOf: readOneOf(node.items, node, report), required: !optional }
  if (node.kind === 'scalar') {
    // A type that is misspelt is told of; as the one that was meant it makes no echo where it is used.
    const type = fieldTypes.find((known) => known === nearest(node.text, fieldTypes)) ?? 'text'
    return { name, type, oneOf: null, required: !optional }
  }
  const list = childOf(node, 'oneOf')
  const type = wordAt(node, 'type', { known: fieldTypes, fallback: 'text' })
  if (list && type !== 'text')
    report(problem(list.at, '"oneOf" lists the values of a text; this field is of another type'))
  const required = !optional && textAt(node, 'required')?.toLowerCase() !== 'false'
  return { name, type, oneOf: list && readOneOf(itemsAt(node, 'oneOf'), list, report), required }
}

function readOneOf(items: readonly Node[], list: Node, report: Report): string[] {
  const values = new Set<string>()
  for (const item of items) {
    const text = asScalar(item)?.text
    if (text === undefined) continue
    if (values.has(text)) report(problem(item.at, `"${text}" stands twice`))
    values.add(text)
  }
  if (items.length === 0) report(problem(list.at, 'a list of values needs at least one'))
  return [...values]
}
