/**
 * What is left of a sale after its returns, in columns: quantities go down and amounts shrink with them, just as
 * they do in decimals. What does not come out even is not told in numbers.
 */
import type { ReturnBody } from '../earning/transaction.ts'
import type { Lines, Sheet } from '../rules/columns.ts'
import { partsOfNumber } from '../rules/parts.ts'
import { TooFine } from './climb.ts'

/** Room for the lines that are left of one sale at a time: of the next sale they stand in the same place. */
export class Scratch {
  readonly #of: Sheet
  #sheet: Sheet

  constructor(of: Sheet) {
    this.#of = of
    this.#sheet = this.#wide(64)
  }

  /** With room for so many lines at least. */
  sheet(lines: number): Sheet {
    if (lines > this.#sheet.columns.place.length) this.#sheet = this.#wide(lines * 2)
    return this.#sheet
  }

  #wide(lines: number): Sheet {
    return this.#of.over({
      goods: this.#of.columns.goods,
      place: new Uint32Array(lines),
      net: new Float64Array(lines),
      quantity: new Float64Array(lines),
      tax: new Float64Array(lines),
      gross: new Float64Array(lines),
    })
  }
}

export class Remaining {
  readonly #of: Lines
  readonly #lineIds: readonly string[]
  /** by line, in ten-thousandths */
  readonly #bought: readonly number[]
  readonly #left: number[]

  constructor(of: Lines, lineIds: readonly string[]) {
    this.#of = of
    this.#lineIds = lineIds
    const { quantity } = of.sheet.columns
    this.#bought = lineIds.map((_, index) => partsOfNumber(quantity[of.from + index]!))
    if (!this.#bought.every((parts) => parts > 0)) throw new TooFine()
    this.#left = this.#bought.slice()
  }

  /** Takes back what a return names. What the engine would refuse is left to it. */
  take({ all, lines = [] }: ReturnBody): void {
    if (this.#left.every((parts) => parts === 0)) throw new TooFine()
    if (all) {
      this.#left.fill(0)
      return
    }
    const named = new Set(lines.map(({ lineId }) => lineId))
    if (named.size < lines.length) throw new TooFine()
    for (const { lineId, quantity } of lines) {
      const index = this.#lineIds.indexOf(lineId)
      const rest = index < 0 ? Number.NaN : this.#left[index]! - partsOfNumber(quantity)
      if (!(rest >= 0)) throw new TooFine()
      this.#left[index] = rest
    }
  }

  /** As if only that had been bought; null: nothing is left. It stands where the scratch's last one stood. */
  lines(scratch: Scratch): Lines | null {
    const { sheet, from } = this.#of
    const { columns } = sheet
    const left = this.#left
    const to = scratch.sheet(left.length)
    const rest = to.columns
    let count = 0
    for (let index = 0; index < left.length; index += 1) {
      if (left[index] === 0) continue
      const at = from + index
      rest.place[count] = columns.place[at]!
      rest.quantity[count] =
        left[index] === this.#bought[index] ? columns.quantity[at]! : left[index]! / 10_000
      rest.net[count] = this.#part(columns.net[at]!, index)
      rest.tax[count] = this.#part(columns.tax[at]!, index)
      rest.gross[count] = this.#part(columns.gross[at]!, index)
      count += 1
    }
    return count === 0 ? null : { sheet: to, from: 0, to: count }
  }

  #part(amount: number, index: number): number {
    const [left, bought] = [this.#left[index]!, this.#bought[index]!]
    if (left === bought || Number.isNaN(amount)) return amount
    const product = amount * left
    if (!Number.isSafeInteger(product) || product % bought !== 0) throw new TooFine()
    return product / bought
  }
}
