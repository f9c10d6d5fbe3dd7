/**
 * What is left of a transaction after its returns: quantities by line, and the facts as if only that had
 * been bought. Amounts shrink in proportion to quantity, tenders in proportion to what is left in all.
 */
import { DomainError } from '../base/errors.ts'
import { Decimal } from '../base/points.ts'
import type { LineFacts, TransactionFacts } from '../rules/facts.ts'

/** Quantity left by line id; a line that is not named is left whole. */
export type Left = ReadonlyMap<string, Decimal>

export interface ReturnedLine {
  readonly lineId: string
  /** decimal text */
  readonly quantity: string
}

export function leftAfter(
  lines: readonly LineFacts[],
  returned: readonly ReturnedLine[],
): Map<string, Decimal> {
  const left = new Map(lines.map((line) => [line.lineId, line.quantity]))
  for (const { lineId, quantity } of returned)
    left.set(lineId, (left.get(lineId) ?? new Decimal(0)).minus(quantity))
  return left
}

/**
 * The lines that a return takes back. Refuses unknown lines, the same line twice, and more than is left;
 * `all` with nothing left is refused too. A transaction without lines (a flight) has none to name, so the
 * caller asks `isGone` first.
 */
export function takenBack(
  left: Left,
  asked: { all?: true | undefined; lines?: readonly { lineId: string; quantity: number }[] | undefined },
): ReturnedLine[] {
  if (asked.all) {
    const lines = [...left].filter(([, quantity]) => quantity.greaterThan(0))
    if (lines.length === 0 && left.size > 0)
      throw new DomainError('returned_too_much', { problem: 'everything was returned before' })
    return lines.map(([lineId, quantity]) => ({ lineId, quantity: quantity.toFixed() }))
  }
  const seen = new Set<string>()
  return (asked.lines ?? []).map(({ lineId, quantity }, index) => {
    const path = `/lines/${index}`
    const rest = left.get(lineId)
    if (!rest) throw new DomainError('line_not_found', { path, lineId })
    if (seen.has(lineId))
      throw new DomainError('malformed_request', { path, problem: `line ${lineId} is named twice` })
    seen.add(lineId)
    if (rest.lessThan(quantity)) {
      throw new DomainError('returned_too_much', { path, lineId, asked: quantity, left: rest.toNumber() })
    }
    return { lineId, quantity: new Decimal(quantity).toFixed() }
  })
}

/** The facts of the transaction as if only what is left had been bought. */
export function factsLeft(facts: TransactionFacts, left: Left): TransactionFacts {
  const lines = facts.lines
    .map((line) => shrink(line, left.get(line.lineId) ?? line.quantity))
    .filter((line) => line.quantity.greaterThan(0))
  if (facts.tenders.length === 0) return { ...facts, lines }
  const before = grossOf(facts.lines)
  const after = grossOf(lines)
  const tenders = before.isZero()
    ? facts.tenders
    : facts.tenders.map(({ kind, amount }) => ({ kind, amount: part(amount, after, before) }))
  return { ...facts, lines, tenders }
}

export function grossOf(lines: readonly LineFacts[]): Decimal {
  return lines.reduce((sum, line) => (line.kind === 'voided' ? sum : sum.plus(line.gross)), new Decimal(0))
}

function shrink(line: LineFacts, quantity: Decimal): LineFacts {
  if (quantity === line.quantity || quantity.equals(line.quantity)) return line
  const share = (amount: Decimal) => part(amount, quantity, line.quantity)
  const { lineId, sku, category, kind, attributes } = line
  const [net, tax, gross] = [share(line.net), share(line.tax), share(line.gross)]
  return { lineId, sku, category, kind, attributes, quantity, net, tax, gross }
}

// Ten decimals, so that the parts of a line that goes back in pieces add up.
function part(amount: Decimal, of: Decimal, whole: Decimal): Decimal {
  return amount.times(of).dividedBy(whole).toDecimalPlaces(10, Decimal.ROUND_HALF_EVEN)
}
