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
import type { LineBody, TransactionBody } from './transaction.ts'

/** A till's clock or time zone may be off by a day; more is a mistake. */
const MOST_AHEAD = 86_400_000
const EARLIEST = new Date('1970-01-01T00:00:00Z')
/** No single basket costs more; larger amounts are a mistake in units. */
const MOST_AMOUNT = new Decimal('1000000000')
const NOTHING = new Decimal(0)

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

  const lines = body.lines.map((line, index) => readLine({ program, type, line, path: `/lines/${index}` }))
  const ids = new Set(lines.map((line) => line.lineId))
  if (ids.size !== lines.length) {
    throw new DomainError('malformed_request', { path: '/lines', problem: 'two lines have the same lineId' })
  }
  return {
    type: body.type,
    occurredAt: readInstant(body.occurredAt, now, '/occurredAt'),
    lines,
    tenders: (body.tenders ?? []).map(({ kind, amount }, index) => ({
      kind,
      amount: readMoney(program, amount, `/tenders/${index}/amount`),
    })),
    location: body.location ?? null,
    channel: body.channel ?? null,
    attributes,
  }
}

function readLine(input: {
  program: Program
  type: TransactionType
  line: LineBody
  path: string
}): LineFacts {
  const { program, line, path } = input
  const net = readMoney(program, line.net, `${path}/net`)
  const tax = line.tax ? readMoney(program, line.tax, `${path}/tax`) : NOTHING
  const attributes = line.attributes ?? {}
  checkFields(input.type.lineFields, attributes, { path: `${path}/attributes` })
  return {
    lineId: line.lineId,
    sku: line.sku ?? null,
    category: line.category ?? null,
    kind: line.kind ?? 'item',
    quantity: new Decimal(line.quantity),
    net,
    tax,
    gross: line.gross ? readMoney(program, line.gross, `${path}/gross`) : line.tax ? net.plus(tax) : net,
    attributes,
  }
}

function readMoney(program: Program, money: WireMoney, path: string): Decimal {
  if (money.currency !== program.money) {
    throw new DomainError('money_currency_mismatch', { path, expected: program.money, got: money.currency })
  }
  const amount = new Decimal(money.amount)
  if (amount.isNegative() || amount.greaterThan(MOST_AMOUNT)) {
    throw new DomainError('amount_out_of_range', { path, minimum: '0', maximum: MOST_AMOUNT.toFixed() })
  }
  return amount
}
