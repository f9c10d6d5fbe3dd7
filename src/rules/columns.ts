/**
 * Lines of many sales in columns: amounts as numbers one after the other, and what makes a line the same goods as
 * others written once. Rules see the lines of the sale in hand; what they ask of the goods alone is worked out once
 * for all lines of them. A sale says the same by columns and line by line: a test holds the two together.
 */
import { Decimal } from '../base/points.ts'
import { Basis } from './basis.ts'
import type { Fact } from './fact.ts'
import type { LineFacts } from './facts.ts'
import { AmountLine, type LineAmount } from './line.ts'
import { decimalOf, PARTS, partsOfNumber, safe } from './parts.ts'
import type { Sight } from './sight.ts'

export type Goods = Pick<LineFacts, 'sku' | 'category' | 'kind' | 'attributes'>

/** Of each line; amounts in ten-thousandths, NaN where none was sent. */
export interface LineColumns {
  readonly goods: readonly Goods[]
  /** a place in `goods` */
  readonly place: Uint32Array
  readonly net: Float64Array
  /** as it was sent */
  readonly quantity: Float64Array
  readonly tax: Float64Array
  readonly gross: Float64Array
}

/** Whether all of these facts are of the line in hand, and of nothing but what its goods are. */
export function isOfGoods(facts: readonly Fact[]): boolean {
  return facts.every(({ name, perLine }) => perLine && !AMOUNTS.has(name.replace(/^line\./, '')))
}

const AMOUNTS: ReadonlySet<string> = new Set<LineAmount>(['net', 'tax', 'gross', 'quantity'])

/** An amount of a line in ten-thousandths; NaN where it has finer parts. */
function partsAt(columns: LineColumns, what: LineAmount, at: number): number {
  if (what === 'net') return columns.net[at]!
  if (what === 'quantity') return partsOfNumber(columns.quantity[at]!)
  const tax = columns.tax[at]!
  const known = Number.isNaN(tax) ? 0 : tax
  if (what === 'tax') return known
  const gross = columns.gross[at]!
  return Number.isNaN(gross) ? safe(columns.net[at]! + known) : gross
}

/** A line where it stands in the columns, for whatever asks for one. */
export class ColumnLine extends AmountLine {
  readonly lineId: string
  readonly sku: string | null
  readonly category: string | null
  readonly kind: LineFacts['kind']
  readonly attributes: LineFacts['attributes']
  readonly #columns: LineColumns
  readonly #at: number
  #net: Decimal | undefined
  #quantity: Decimal | undefined

  constructor(columns: LineColumns, at: number, lineId: string) {
    super()
    const goods = columns.goods[columns.place[at]!]!
    this.lineId = lineId
    this.sku = goods.sku
    this.category = goods.category
    this.kind = goods.kind
    this.attributes = goods.attributes
    this.#columns = columns
    this.#at = at
  }

  get net(): Decimal {
    this.#net ??= decimalOf(this.#columns.net[this.#at]!, PARTS)
    return this.#net
  }

  get tax(): Decimal {
    return decimalOf(this.parts('tax'), PARTS)
  }

  get gross(): Decimal {
    const parts = this.parts('gross')
    return Number.isNaN(parts) ? this.net.plus(this.tax) : decimalOf(parts, PARTS)
  }

  get quantity(): Decimal {
    this.#quantity ??= new Decimal(this.#columns.quantity[this.#at]!)
    return this.#quantity
  }

  override parts(what: LineAmount): number {
    return partsAt(this.#columns, what, this.#at)
  }
}

/** Columns, and what was found of goods in them, by whoever asked. */
export class Sheet {
  readonly columns: LineColumns
  readonly #found: Map<object, unknown[]>
  readonly #verdicts: Map<LineCondition, Uint8Array>

  constructor(columns: LineColumns, known: Sheet | null = null) {
    this.columns = columns
    this.#found = known ? known.#found : new Map()
    this.#verdicts = known ? known.#verdicts : new Map()
  }

  /** Other lines of the same goods: what was found of them holds. */
  over(columns: LineColumns): Sheet {
    return new Sheet(columns, this)
  }

  /** What holds of the goods of a line, the same for all lines of them. */
  ofGoods<T>(asker: object, at: number, find: (line: LineFacts) => T): T {
    let answers = this.#found.get(asker) as (T | undefined)[] | undefined
    if (answers === undefined) {
      answers = new Array(this.columns.goods.length)
      this.#found.set(asker, answers)
    }
    const place = this.columns.place[at]!
    let answer = answers[place]
    if (answer === undefined) {
      answer = find(new ColumnLine(this.columns, at, ''))
      answers[place] = answer
    }
    return answer
  }

  /** By place of the goods: whether a condition holds for lines of them, as far as it was asked for. */
  verdicts(condition: LineCondition): Uint8Array {
    let verdicts = this.#verdicts.get(condition)
    if (verdicts === undefined) {
      verdicts = new Uint8Array(this.columns.goods.length)
      this.#verdicts.set(condition, verdicts)
    }
    return verdicts
  }

  /** The same of the line of a place, asked for now. Leaves the sight without a line. */
  holds(condition: LineCondition, at: number, sight: Sight): boolean {
    const { columns } = this
    const place = columns.place[at]!
    sight.line = new ColumnLine(columns, at, '')
    const verdict = condition.holds(sight)
    sight.line = null
    if (condition.ofGoods) this.verdicts(condition)[place] = verdict ? HOLDS : FAILS
    return verdict
  }
}

/** Verdicts; 0 is none yet. */
const HOLDS = 1
const FAILS = 2

/** Says of a line whether it matches; the line is the one in the sight's hand. */
export interface LineCondition {
  readonly holds: (sight: Sight) => boolean
  /** it sees nothing but what the goods are */
  readonly ofGoods: boolean
}

/** Answers whether a condition holds for a line, looking once at each of the goods where they are all it sees. */
function asked(sheet: Sheet, condition: LineCondition, sight: Sight): (at: number) => boolean {
  const verdicts = sheet.verdicts(condition)
  const { place } = sheet.columns
  return (at) => {
    const known = verdicts[place[at]!]!
    return known === 0 ? sheet.holds(condition, at, sight) : known === HOLDS
  }
}

/** Lines of one sale: `from` up to, without, `to` in the columns. */
export interface Lines {
  readonly sheet: Sheet
  readonly from: number
  readonly to: number
}

const NO_LINES: readonly LineFacts[] = []

/** The lines of one sale that may earn. */
export class ColumnBasis extends Basis {
  readonly sheet: Sheet
  readonly columns: LineColumns
  /** how many they are, and where in the columns */
  readonly count: number
  readonly #from: number
  /** null: all of them, as they follow one another, which is mostly so */
  readonly #places: readonly number[] | null
  #made: readonly LineFacts[] | null = null
  readonly #sums: Record<LineAmount, number | null> = { net: null, tax: null, gross: null, quantity: null }

  /** Of item lines, those that are not out; null: none is. */
  constructor({ sheet, from, to }: Lines, out: LineCondition | null, sight: Sight) {
    super(NO_LINES, null)
    this.sheet = sheet
    this.columns = sheet.columns
    const { goods, place } = sheet.columns
    const isOut = out && asked(sheet, out, sight)
    const isIn = (at: number) => goods[place[at]!]!.kind === 'item' && !isOut?.(at)
    let end = from
    while (end < to && isIn(end)) end += 1
    this.#from = from
    if (end === to) {
      this.#places = null
      this.count = to - from
      return
    }
    // A plain array: the memory of a typed one is had from outside, which a sale of a few lines is not worth.
    const places: number[] = []
    for (let at = from; at < end; at += 1) places.push(at)
    for (let at = end + 1; at < to; at += 1) if (isIn(at)) places.push(at)
    this.count = places.length
    this.#places = places
  }

  /** Which of the lines a condition holds for. */
  indexesOf(condition: LineCondition, sight: Sight): readonly number[] {
    const found: number[] = []
    const holds = asked(this.sheet, condition, sight)
    for (let index = 0; index < this.count; index += 1) if (holds(this.place(index))) found.push(index)
    return found
  }

  place(index: number): number {
    return this.#places === null ? this.#from + index : this.#places[index]!
  }

  override get lines(): readonly LineFacts[] {
    this.#made ??= Array.from(
      { length: this.count },
      (_, index) => new ColumnLine(this.columns, this.place(index), String(index)),
    )
    return this.#made
  }

  override without(lineIds: ReadonlySet<string>): Basis {
    return new Basis(
      this.lines.filter(({ lineId }) => !lineIds.has(lineId)),
      null,
    )
  }

  override sum(what: 'net' | 'tax' | 'gross'): Decimal {
    const parts = this.parts(what)
    if (!Number.isNaN(parts)) return decimalOf(parts, PARTS)
    return this.lines.reduce((sum, line) => sum.plus(line[what]), new Decimal(0))
  }

  override parts(what: LineAmount): number {
    let sum = this.#sums[what]
    if (sum === null) {
      sum = 0
      for (let index = 0; index < this.count; index += 1)
        sum = safe(sum + partsAt(this.columns, what, this.place(index)))
      this.#sums[what] = sum
    }
    return sum
  }

  override quantity(): Decimal {
    return this.lines.reduce((sum, line) => sum.plus(line.quantity), new Decimal(0))
  }

  /** The amount of the line that is the `index`th of the sale's. */
  amount(what: LineAmount, index: number): number {
    return partsAt(this.columns, what, this.place(index))
  }
}
