/**
 * A line as it came in, its amounts read when they are asked for: in ten-thousandths mostly, as Decimal where
 * those will not do or a caller wants one. A line says the same however it is asked.
 */
import { Decimal } from '../base/points.ts'
import type { LineFacts } from './facts.ts'
import { partsOf, partsOfNumber, partsOfText, safe } from './parts.ts'

export type LineAmount = 'net' | 'tax' | 'gross' | 'quantity'

/** As it stands in a request: amounts are decimal text in the program's money. */
export interface LineText {
  readonly lineId: string
  readonly sku: string | null
  readonly category: string | null
  readonly kind: LineFacts['kind']
  readonly quantity: number
  readonly net: string
  readonly tax: string | null
  /** null: net and tax */
  readonly gross: string | null
  readonly attributes: LineFacts['attributes']
}

const ZERO = new Decimal(0)

/** A line that knows its amounts as numbers. */
export abstract class AmountLine {
  /** In ten-thousandths; NaN where it has finer parts. */
  abstract parts(what: LineAmount): number
}

export class Line extends AmountLine implements LineFacts {
  readonly lineId: string
  readonly sku: string | null
  readonly category: string | null
  readonly kind: LineFacts['kind']
  readonly attributes: LineFacts['attributes']
  readonly #text: LineText
  #net: Decimal | undefined
  #tax: Decimal | undefined
  #gross: Decimal | undefined
  #quantity: Decimal | undefined
  #netParts: number | undefined

  constructor(text: LineText) {
    super()
    this.lineId = text.lineId
    this.sku = text.sku
    this.category = text.category
    this.kind = text.kind
    this.attributes = text.attributes
    this.#text = text
  }

  get quantity(): Decimal {
    this.#quantity ??= new Decimal(this.#text.quantity)
    return this.#quantity
  }

  get net(): Decimal {
    this.#net ??= new Decimal(this.#text.net)
    return this.#net
  }

  get tax(): Decimal {
    const { tax } = this.#text
    this.#tax ??= tax === null ? ZERO : new Decimal(tax)
    return this.#tax
  }

  get gross(): Decimal {
    const { tax, gross } = this.#text
    this.#gross ??= gross !== null ? new Decimal(gross) : tax === null ? this.net : this.net.plus(this.tax)
    return this.#gross
  }

  override parts(what: LineAmount): number {
    const { quantity, tax, gross } = this.#text
    if (what === 'quantity') return partsOfNumber(quantity)
    if (what === 'net' || (what === 'gross' && gross === null && tax === null)) {
      this.#netParts ??= partsOfText(this.#text.net)
      return this.#netParts
    }
    if (what === 'tax') return tax === null ? 0 : partsOfText(tax)
    return gross !== null ? partsOfText(gross) : safe(this.parts('net') + this.parts('tax'))
  }
}

/** An amount of any line in ten-thousandths; NaN where it has finer parts. */
export function partsOnLine(line: LineFacts, what: LineAmount): number {
  return line instanceof AmountLine ? line.parts(what) : partsOf(line[what])
}
