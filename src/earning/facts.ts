/**
 * From the wire to facts: amounts become Decimal, attributes are checked against what the program
 * declares, dates against what can have happened. Whatever is off is refused with its path.
 */
import { DomainError } from '../base/errors.ts'
import { didYouMean } from '../base/nearest.ts'
import { Decimal, type WireMoney } from '../base/points.ts'
import { checkFields } from '../program/fields.ts'
import type { Program, TransactionType } from '../program/program.ts'
import type { LineFacts, TransactionFacts } from '../rules/facts.ts'
import { Line } from '../rules/line.ts'
import { partsOf, partsOfText } from '../rules/parts.ts'
import type { LineBody, TransactionBody } from './transaction.ts'

/** A till's clock or time zone may be off by a day; more is a mistake. */
const MOST_AHEAD = 86_400_000
const EARLIEST = new Date('1970-01-01T00:00:00Z')
/** No single basket costs more; larger amounts are a mistake in units. */
const MOST_AMOUNT = new Decimal('1000000000')
const MOST_PARTS = partsOf(MOST_AMOUNT)

/** Business time, refused when it cannot have happened. */
export function readInstant(text: string, now: Date, path: string): Date {
  const at = new Date(text)
  const latest = new Date(now.getTime() + MOST_AHEAD)
  if (Number.isNaN(at.getTime()) || at < EARLIEST || at > latest) {
    throw new DomainError('date_out_of_range', {
      path,
      earliest: EARLIEST.toISOString(),
      latest: latest.toISOString(),
    })
  }
  return at
}

export function readTransaction(program: Program, body: TransactionBody, now: Date): TransactionFacts {
  const type = program.transactionTypes.get(body.type) ?? program.eventTypes.get(body.type)
  if (!type) {
    const hint = didYouMean(body.type, program.transactionTypes.keys())
    throw new DomainError('unknown_transaction_type', {
      path: '/type',
      type: body.type,
      ...(hint && { hint }),
    })
  }
  const attributes = body.attributes ?? {}
  checkFields(type.fields, attributes, { path: '/attributes' })

  const lines = body.lines.map((line, index) => readLine(line, { program, type, index }))
  if (hasTwins(lines)) {
    throw new DomainError('malformed_request', { path: '/lines', problem: 'two lines have the same lineId' })
  }
  return {
    type: body.type,
    occurredAt: readInstant(body.occurredAt, now, '/occurredAt'),
    lines,
    tenders: (body.tenders ?? []).map(({ kind, amount }, index) => ({
      kind,
      amount: new Decimal(readMoney(program, amount, () => `/tenders/${index}/amount`)),
    })),
    location: body.location ?? null,
    channel: body.channel ?? null,
    attributes,
  }
}

function hasTwins(lines: readonly LineFacts[]): boolean {
  const ids = new Set<string>()
  for (const { lineId } of lines) ids.add(lineId)
  return ids.size !== lines.length
}

const noAttributes: LineFacts['attributes'] = {}

function readLine(
  line: LineBody,
  { program, type, index }: { program: Program; type: TransactionType; index: number },
): LineFacts {
  const at = (name: string) => () => `/lines/${index}/${name}`
  const attributes = line.attributes ?? noAttributes
  if (line.attributes !== undefined || type.lineFields.size > 0)
    checkFields(type.lineFields, attributes, { path: `/lines/${index}/attributes` })
  return new Line({
    lineId: line.lineId,
    sku: line.sku ?? null,
    category: line.category ?? null,
    kind: line.kind ?? 'item',
    quantity: line.quantity,
    net: readMoney(program, line.net, at('net')),
    tax: line.tax ? readMoney(program, line.tax, at('tax')) : null,
    gross: line.gross ? readMoney(program, line.gross, at('gross')) : null,
    attributes,
  })
}

/** The amount's text, checked; `path` says where it stands. */
function readMoney(program: Program, money: WireMoney, path: () => string): string {
  if (money.currency !== program.money) {
    const found = { path: path(), expected: program.money, got: money.currency }
    throw new DomainError('money_currency_mismatch', found)
  }
  const parts = partsOfText(money.amount)
  // Zero may have a sign.
  const isPlain = parts > 0
  const isGood = isPlain ? parts <= MOST_PARTS : isInRange(new Decimal(money.amount))
  if (isGood) return money.amount
  const range = { minimum: '0', maximum: MOST_AMOUNT.toFixed() }
  throw new DomainError('amount_out_of_range', { path: path(), ...range })
}

function isInRange(amount: Decimal): boolean {
  return !amount.isNegative() && !amount.greaterThan(MOST_AMOUNT)
}
