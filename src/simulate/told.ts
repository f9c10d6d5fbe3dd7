/**
 * A transaction as an example tells it -> the facts that rules see. It goes the way of a transaction from
 * outside, so what the engine would refuse is an error here, at the place where it stands.
 */
import { DomainError } from '../base/errors.ts'
import { didYouMean } from '../base/nearest.ts'
import { instantOf, startOfDay } from '../base/time.ts'
import { readTransaction } from '../earning/facts.ts'
import type { LineBody, TransactionBody } from '../earning/transaction.ts'
import { asMap, asScalar, childOf, itemsAt, scalarAt, textAt } from '../program/nodes.ts'
import type { Program } from '../program/program.ts'
import type { Field, FieldValue, TransactionFacts } from '../rules/facts.ts'
import type { MapNode, Node, Report, ScalarNode } from '../rules/node.ts'
import { problem } from '../rules/problem.ts'
import { isDay, readNumber } from '../rules/value.ts'

export interface Reading {
  readonly program: Program
  readonly report: Report
}

/** A transaction as it would be posted, and as rules see it. */
export interface Told {
  /** when it came in; null: as it happened */
  readonly postedAt: Date | null
  readonly body: TransactionBody
  readonly facts: TransactionFacts
}

/** Null after a report. */
export function readFacts(map: MapNode, reading: Reading): Told | null {
  const { program, report } = reading
  const time = scalarAt(map, 'occurredAt')
  const occurredAt = time && readTime(time, reading)
  if (!occurredAt) return null
  const posted = scalarAt(map, 'postedAt')
  const postedAt = posted && readTime(posted, reading)
  if (posted && postedAt && postedAt < occurredAt)
    report(problem(posted.at, 'a transaction cannot be posted before it happens'))
  const type = textAt(map, 'type') ?? 'purchase'
  const declared = program.transactionTypes.get(type)
  const lines = itemsAt(map, 'lines').flatMap((item) => asMap(item) ?? [])
  const body: TransactionBody = {
    externalRef: 'example',
    type,
    occurredAt: occurredAt.toISOString(),
    lines: lines.map((line, index) => readLine(line, { index, declared: declared?.lineFields, reading })),
    tenders: itemsAt(map, 'tenders').map((item) => ({
      kind: textAt(asMap(item), 'kind') ?? '',
      amount: readAmount(asMap(item), 'amount', reading) ?? { amount: '0', currency: program.money },
    })),
    location: textAt(map, 'location') ?? undefined,
    channel: textAt(map, 'channel') ?? undefined,
    attributes: readAttributes(asMap(childOf(map, 'attributes')), declared?.fields, reading),
  }
  try {
    return { postedAt, body, facts: readTransaction(program, body, occurredAt) }
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    const { path, problem: what, hint } = error.details
    const told = typeof what === 'string' ? what : error.code.replaceAll('_', ' ')
    report(
      problem(nodeAt(map, String(path ?? '')).at, told, {
        hint: typeof hint === 'string' ? hint : undefined,
      }),
    )
    return null
  }
}

function readLine(
  map: MapNode,
  { index, declared, reading }: { index: number; declared: Fields | undefined; reading: Reading },
): LineBody {
  const quantity = scalarAt(map, 'quantity')
  const kind = (['item', 'giftCard', 'voided'] as const).find((known) => known === textAt(map, 'kind'))
  return {
    lineId: textAt(map, 'lineId') ?? String(index + 1),
    sku: textAt(map, 'sku') ?? undefined,
    category: textAt(map, 'category') ?? undefined,
    kind,
    quantity: quantity ? readQuantity(quantity, reading) : 1,
    net: readAmount(map, 'net', reading) ?? { amount: '0', currency: reading.program.money },
    tax: readAmount(map, 'tax', reading) ?? undefined,
    gross: readAmount(map, 'gross', reading) ?? undefined,
    attributes: readAttributes(asMap(childOf(map, 'attributes')), declared, reading),
  }
}

function readQuantity(node: ScalarNode, { report }: Reading): number {
  const quantity = readNumber(node.text)
  if (!quantity?.greaterThan(0))
    report(problem(node.at, `expected a quantity above zero; got "${node.text}"`))
  return quantity?.toNumber() ?? 1
}

/** `3.80`, in the program's money. */
function readAmount(
  map: MapNode | null,
  key: string,
  { program, report }: Reading,
): { amount: string; currency: string } | null {
  const node = scalarAt(map, key)
  if (node === null) return null
  if (readNumber(node.text)) return { amount: node.text, currency: program.money }
  report(problem(node.at, `expected an amount such as 12.50, without a currency; got "${node.text}"`))
  return null
}

type Fields = ReadonlyMap<string, Field>

/** Values as JSON would bring them: a declared text stays as it is written, `007` or `1.10`. */
export function readAttributes(
  map: MapNode | null,
  declared: Fields | undefined,
  { report }: Reading,
): Record<string, FieldValue> {
  const values: Record<string, FieldValue> = {}
  for (const { key, keyAt, value } of map?.entries ?? []) {
    const field = declared?.get(key)
    if (declared && !field) {
      report(problem(keyAt, `"${key}" is not declared`, { hint: didYouMean(key, declared.keys()) }))
      continue
    }
    const scalar = asScalar(value)
    if (scalar === null) values[key] = null
    else if (field?.type === 'text' || field?.type === 'date' || scalar.type === 'text')
      values[key] = scalar.text
    else values[key] = scalar.type === 'boolean' ? scalar.text.toLowerCase() === 'true' : Number(scalar.text)
  }
  return values
}

/** A time on the program's clock (`2026-03-03T09:00`), an instant with its offset, or a day. */
export function readTime(node: ScalarNode, { program, report }: Reading): Date | null {
  const { text } = node
  const match =
    /^(\d{4}-\d{2}-\d{2})(?:[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?(Z|[+-]\d{2}:\d{2})?)?$/.exec(text)
  if (match && isDay(match[1]!)) {
    if (text.length === 10) return startOfDay(program.timeZone, text)
    if (!match[2]) return instantOf(program.timeZone, text)
    const at = new Date(text.replace(' ', 'T'))
    if (!Number.isNaN(at.getTime())) return at
  }
  report(problem(node.at, `expected a time such as 2026-03-03T09:00; got "${text}"`))
  return null
}

/** The node that a JSON pointer leads to, or the last one on the way that is there. */
function nodeAt(root: MapNode, pointer: string): Node {
  let node: Node = root
  for (const step of pointer.split('/').slice(1)) {
    const next: Node | null | undefined =
      node.kind === 'map' ? childOf(node, step) : node.kind === 'list' ? node.items[Number(step)] : null
    if (!next) break
    node = next
  }
  return node
}
