/**
 * What of a transaction may earn: its item lines less those that never earn, and of their amounts the part
 * that was not paid with points or gift cards. Amounts are multiplied before they are divided, so a share
 * of a third loses nothing where the result is whole.
 */
import { Decimal } from '../base/points.ts'
import type { LineFacts, Tender, TransactionFacts } from './facts.ts'
import { type LineAmount, partsOnLine } from './line.ts'
import { decimalOf, PARTS, safe } from './parts.ts'

type Amount = 'net' | 'tax' | 'gross'

const ZERO = new Decimal(0)

/** The share of the amounts that earns: part / whole. */
interface Share {
  readonly part: Decimal
  readonly whole: Decimal
}

export class Basis {
  readonly #lines: readonly LineFacts[]
  readonly #unreduced: readonly LineFacts[]
  readonly #share: Share | null
  #sums: Map<Amount | 'quantity', Decimal> | null = null
  #parts: Map<LineAmount, number> | null = null

  constructor(unreduced: readonly LineFacts[], share: Share | null) {
    this.#unreduced = unreduced
    this.#share = share
    this.#lines = share === null ? unreduced : unreduced.map((line) => new ReducedLine(line, share))
  }

  /** With the amounts that may earn. */
  get lines(): readonly LineFacts[] {
    return this.#lines
  }

  /** The same less lines that earn elsewhere. */
  without(lineIds: ReadonlySet<string>): Basis {
    return new Basis(
      this.#unreduced.filter(({ lineId }) => !lineIds.has(lineId)),
      this.#share,
    )
  }

  sum(what: Amount): Decimal {
    this.#sums ??= new Map()
    let sum = this.#sums.get(what)
    if (sum === undefined) {
      const parts = this.parts(what)
      if (!Number.isNaN(parts)) sum = decimalOf(parts, PARTS)
      else sum = total(this.#unreduced.map((line) => line[what]))
      if (this.#share !== null) sum = times(sum, this.#share)
      this.#sums.set(what, sum)
    }
    return sum
  }

  /** The sum in ten-thousandths; NaN where it has finer parts. */
  parts(what: LineAmount): number {
    if (this.#share !== null && what !== 'quantity') return Number.NaN
    this.#parts ??= new Map()
    let sum = this.#parts.get(what)
    if (sum === undefined) {
      sum = 0
      for (const line of this.#unreduced) sum = safe(sum + partsOnLine(line, what))
      this.#parts.set(what, sum)
    }
    return sum
  }

  quantity(): Decimal {
    this.#sums ??= new Map()
    let sum = this.#sums.get('quantity')
    if (sum === undefined) {
      sum = total(this.#unreduced.map((line) => line.quantity))
      this.#sums.set('quantity', sum)
    }
    return sum
  }
}

/** What of a transaction may earn; `isOut` says which item lines never do. */
export function basisOf(transaction: TransactionFacts, isOut: (line: LineFacts) => boolean): Basis {
  const share = shareOf(transaction)
  // Where everything was paid with points or gift cards, no line earns: not by its quantity either.
  if (share?.part.isZero()) return new Basis([], share)
  return new Basis(
    transaction.lines.filter((line) => line.kind === 'item' && !isOut(line)),
    share,
  )
}

/** Null where nothing was paid with points or gift cards; a part of zero where everything was. */
function shareOf({ lines, tenders }: TransactionFacts): Share | null {
  const unearning = tenders.filter((tender) => !earns(tender))
  const paid = total(unearning.map(({ amount }) => amount))
  if (!isPositive(paid)) return null

  const whole = total(lines.filter(({ kind }) => kind === 'item').map(({ gross }) => gross))
  const part = whole.minus(paid)
  return isPositive(part) ? { part, whole } : { part: ZERO, whole: new Decimal(1) }
}

function total(amounts: readonly Decimal[]): Decimal {
  let sum = amounts[0] ?? ZERO
  for (let i = 1; i < amounts.length; i += 1) sum = sum.plus(amounts[i]!)
  return sum
}

function isPositive(amount: Decimal): boolean {
  return amount.isPositive() && !amount.isZero()
}

function earns(tender: Tender): boolean {
  return tender.kind !== 'points' && tender.kind !== 'giftCard'
}

function times(amount: Decimal, { part, whole }: Share): Decimal {
  return amount.times(part).dividedBy(whole)
}

/** A line with the part of its amounts that earns; a division is dear, so each is worked out when asked for. */
class ReducedLine implements LineFacts {
  readonly lineId: string
  readonly sku: string | null
  readonly category: string | null
  readonly kind: LineFacts['kind']
  readonly quantity: Decimal
  readonly attributes: LineFacts['attributes']
  readonly #line: LineFacts
  readonly #share: Share
  readonly #amounts = new Map<Amount, Decimal>()

  constructor(line: LineFacts, share: Share) {
    this.lineId = line.lineId
    this.sku = line.sku
    this.category = line.category
    this.kind = line.kind
    this.quantity = line.quantity
    this.attributes = line.attributes
    this.#line = line
    this.#share = share
  }

  get net(): Decimal {
    return this.#amount('net')
  }

  get tax(): Decimal {
    return this.#amount('tax')
  }

  get gross(): Decimal {
    return this.#amount('gross')
  }

  #amount(what: Amount): Decimal {
    let amount = this.#amounts.get(what)
    if (amount === undefined) {
      amount = times(this.#line[what], this.#share)
      this.#amounts.set(what, amount)
    }
    return amount
  }
}
