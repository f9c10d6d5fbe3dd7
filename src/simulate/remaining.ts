/**
 * What is left of a sale after its returns, in columns: quantities go down and amounts shrink with them, just as
 * they do in decimals. What does not come out even is not told in numbers.
 */
import type { ReturnBody } from '../earning/transaction.ts'
import type { LineColumns, Lines } from '../rules/columns.ts'
import { partsOfNumber } from '../rules/parts.ts'
import { TooFine } from './climb.ts'

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
    this.#left = [...this.#bought]
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

  /** As if only that had been bought; null: nothing is left. */
  lines(): Lines | null {
    const kept = [...this.#left.keys()].filter((index) => this.#left[index]! > 0)
    if (kept.length === 0) return null
    const { sheet, from } = this.#of
    const { columns } = sheet
    const amounts = (column: Float64Array) =>
      Float64Array.from(kept, (index) => this.#part(column[from + index]!, index))
    const left: LineColumns = {
      goods: columns.goods,
      place: Uint32Array.from(kept, (index) => columns.place[from + index]!),
      quantity: Float64Array.from(kept, (index) =>
        this.#left[index] === this.#bought[index]
          ? columns.quantity[from + index]!
          : this.#left[index]! / 10_000,
      ),
      ...{ net: amounts(columns.net), tax: amounts(columns.tax), gross: amounts(columns.gross) },
    }
    return { sheet: sheet.over(left), from: 0, to: kept.length }
  }

  #part(amount: number, index: number): number {
    const [left, bought] = [this.#left[index]!, this.#bought[index]!]
    if (left === bought || Number.isNaN(amount)) return amount
    const product = amount * left
    if (!Number.isSafeInteger(product) || product % bought !== 0) throw new TooFine()
    return product / bought
  }
}
