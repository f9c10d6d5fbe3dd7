/**
 * Writes sales into the columns of a pack, and what many of them share once. It goes on from an older pack, of
 * whose members some are kept as they are.
 */
import type { LineBody, TransactionBody } from '../earning/transaction.ts'
import type { KeptValuation } from '../earning/valued.ts'
import type { Goods } from '../rules/columns.ts'
import { partsOfText } from '../rules/parts.ts'
import type { Head, Pack, PackedMember, Summed, Sums } from './pack.ts'
import { at } from './tally.ts'

/** Of a sale, what is packed of it. */
export interface SaleFacts {
  readonly id: string
  readonly at: number
  readonly recorded: number
  readonly rulesVersion: string
  readonly request: Pick<
    TransactionBody,
    'type' | 'location' | 'channel' | 'attributes' | 'tenders' | 'lines'
  >
  readonly valuation: Pick<KeptValuation, 'member' | 'used' | 'spend'>
  readonly gave: readonly (Summed & { readonly awards?: number })[]
  /** when the member enrolled */
  readonly enrolledAt: string
}

export class Packer {
  readonly #heads: Shared<Head>
  readonly #given: Shared<string>
  readonly #goods: SharedGoods
  readonly #spends: Record<number, string> = {}
  readonly #at = new Column(Float64Array)
  readonly #recorded = new Column(Float64Array)
  readonly #head = new Column(Uint32Array)
  readonly #line = new Column(Uint32Array)
  readonly #spend = new Column(Float64Array)
  readonly #sum = new Column(Uint32Array)
  readonly #id = new Column(Uint8Array)
  readonly #givenPlace = new Column(Uint32Array)
  readonly #points = new Column(Float64Array)
  readonly #awards = new Column(Uint32Array)
  readonly #place = new Column(Uint32Array)
  readonly #net = new Column(Float64Array)
  readonly #quantity = new Column(Float64Array)
  readonly #tax = new Column(Float64Array)
  readonly #gross = new Column(Float64Array)

  constructor({ heads, given, lines }: Pick<Pack, 'heads' | 'given' | 'lines'>) {
    this.#heads = new Shared(heads)
    this.#given = new Shared(given)
    this.#goods = new SharedGoods(lines.goods)
  }

  /** How many sales there are. */
  get sales(): number {
    return this.#at.length
  }

  /** How many lines there are. */
  get lines(): number {
    return this.#place.length
  }

  /** False, with nothing written: an amount is too fine or too long for the columns. */
  sale(sale: SaleFacts): boolean {
    const { request, valuation } = sale
    const first = this.#place.length
    for (const line of request.lines) {
      if (this.#addLine(line)) continue
      this.#cutLines(first)
      return false
    }
    if (Number.isNaN(partsOfText(valuation.spend))) this.#spends[this.sales] = valuation.spend
    this.#at.push(sale.at)
    this.#recorded.push(sale.recorded)
    this.#head.push(this.#heads.place(headOf(sale)))
    this.#line.push(first)
    this.#spend.push(partsOfText(valuation.spend))
    this.#sum.push(this.#points.length)
    const id = Buffer.from(sale.id.replaceAll('-', ''), 'hex')
    for (let byte = 0; byte < id.length; byte += 1) this.#id.push(id[byte]!)
    const sums = this.sums(sale.gave)
    for (let sum = 0; sum < sums.length; sum += 3) this.#addSum(sums[sum]!, sums[sum + 1]!, sums[sum + 2]!)
    return true
  }

  #addLine(line: LineBody): boolean {
    const { sku = null, category = null, kind = 'item', attributes = {}, quantity } = line
    const net = partsOfText(line.net.amount)
    const tax = line.tax ? partsOfText(line.tax.amount) : null
    const gross = line.gross ? partsOfText(line.gross.amount) : null
    if (Number.isNaN(net) || Number.isNaN(tax) || Number.isNaN(gross)) return false
    this.#place.push(this.#goods.place({ sku, category, kind, attributes }))
    this.#net.push(net)
    this.#quantity.push(quantity)
    this.#tax.push(tax ?? Number.NaN)
    this.#gross.push(gross ?? Number.NaN)
    return true
  }

  #addSum(given: number, points: number, awards: number): void {
    this.#givenPlace.push(given)
    this.#points.push(points)
    this.#awards.push(awards)
  }

  /** Takes back all sales from this one on. */
  cut(sale: number): void {
    if (sale >= this.sales) return
    this.#cutLines(this.#line.at(sale))
    for (const column of [this.#givenPlace, this.#points, this.#awards]) column.cut(this.#sum.at(sale))
    for (let gone = sale; gone < this.sales; gone += 1) delete this.#spends[gone]
    for (const column of [this.#at, this.#recorded, this.#head, this.#line, this.#spend, this.#sum])
      column.cut(sale)
    this.#id.cut(sale * 16)
  }

  #cutLines(to: number): void {
    for (const column of [this.#place, this.#net, this.#quantity, this.#tax, this.#gross]) column.cut(to)
  }

  /** The sales of a member of the pack that this one goes on from. */
  keep({ sales, sums, lines, spends }: Pack, member: PackedMember): PackedMember {
    const from = this.sales
    for (let sale = member.from; sale < member.to; sale += 1) {
      const spend = spends[sale]
      if (spend !== undefined) this.#spends[this.sales] = spend
      this.#at.push(sales.at[sale]!)
      this.#recorded.push(sales.recorded[sale]!)
      this.#head.push(sales.head[sale]!)
      this.#line.push(this.#place.length)
      this.#spend.push(sales.spend[sale]!)
      this.#sum.push(this.#points.length)
      for (let byte = sale * 16; byte < sale * 16 + 16; byte += 1) this.#id.push(sales.id[byte]!)
      for (let sum = sales.sum[sale]!; sum < sales.sum[sale + 1]!; sum += 1)
        this.#addSum(sums.given[sum]!, sums.points[sum]!, sums.awards[sum]!)
      for (let line = sales.line[sale]!; line < sales.line[sale + 1]!; line += 1) {
        this.#place.push(lines.place[line]!)
        this.#net.push(lines.net[line]!)
        this.#quantity.push(lines.quantity[line]!)
        this.#tax.push(lines.tax[line]!)
        this.#gross.push(lines.gross[line]!)
      }
    }
    return { ...member, from, to: this.sales }
  }

  sums(of: readonly (Summed & { readonly awards?: number })[]): Sums {
    const sums: number[] = []
    for (const { rule, currency, points, awards = 1 } of of) {
      const place = this.#given.place(`${rule}\n${currency}`)
      let at = 0
      while (at < sums.length && sums[at] !== place) at += 3
      if (at === sums.length) sums.push(place, 0, 0)
      sums[at + 1]! += points
      sums[at + 2]! += awards
    }
    return sums
  }

  pack(members: readonly PackedMember[]): Pack {
    const [line, sum] = [this.#line.copy(), this.#sum.copy()]
    line.push(this.#place.length)
    sum.push(this.#points.length)
    // Of the same shape as a pack that was read.
    return {
      heads: this.#heads.all,
      given: this.#given.all,
      members,
      spends: this.#spends,
      sales: {
        at: this.#at.values,
        recorded: this.#recorded.values,
        head: this.#head.values,
        line: line.values,
        spend: this.#spend.values,
        sum: sum.values,
        id: this.#id.values,
      },
      sums: { given: this.#givenPlace.values, points: this.#points.values, awards: this.#awards.values },
      lines: {
        goods: this.#goods.all,
        place: this.#place.values,
        net: this.#net.values,
        quantity: this.#quantity.values,
        tax: this.#tax.values,
        gross: this.#gross.values,
      },
    }
  }
}

function headOf({ request, rulesVersion, valuation, enrolledAt }: SaleFacts): Head {
  const { tiers: _tiers, enrolledAt: then, ...member } = valuation.member
  return {
    type: request.type,
    version: rulesVersion,
    location: request.location ?? null,
    channel: request.channel ?? null,
    attributes: request.attributes ?? {},
    tenders: (request.tenders ?? []).map(({ kind, amount }) => ({ kind, amount: amount.amount })),
    member: then === enrolledAt ? member : { ...member, enrolledAt: then },
    used: valuation.used,
  }
}

/** Numbers of one kind, one after the other. */
class Column<T extends Float64Array | Uint32Array | Uint8Array> {
  length = 0
  readonly #kind: new (
    length: number,
  ) => T
  #all: T

  constructor(kind: new (length: number) => T) {
    this.#kind = kind
    this.#all = new kind(256)
  }

  push(value: number): void {
    if (this.length === this.#all.length) {
      const wider = new this.#kind(this.length * 2)
      wider.set(this.#all)
      this.#all = wider
    }
    this.#all[this.length] = value
    this.length += 1
  }

  at(place: number): number {
    return this.#all[place]!
  }

  cut(length: number): void {
    this.length = length
  }

  copy(): Column<T> {
    const copy = new Column(this.#kind)
    for (let place = 0; place < this.length; place += 1) copy.push(this.#all[place]!)
    return copy
  }

  get values(): T {
    return this.#all.slice(0, this.length) as T
  }
}

/** Of most goods there is nothing to tell but three words, and lines are many: for them no text is made to find them by. */
class SharedGoods {
  readonly #shared: Shared<Goods>
  readonly #plain = new Map<Goods['kind'], Map<string | null, Map<string | null, number>>>()

  constructor(all: readonly Goods[]) {
    this.#shared = new Shared(all)
  }

  get all(): readonly Goods[] {
    return this.#shared.all
  }

  place(goods: Goods): number {
    if (Object.keys(goods.attributes).length > 0) return this.#shared.place(goods)
    const alike = at(
      at(this.#plain, goods.kind, () => new Map()),
      goods.category,
      () => new Map<string | null, number>(),
    )
    return at(alike, goods.sku, () => this.#shared.place(goods))
  }
}

class Shared<T> {
  readonly all: T[]
  readonly #places: Map<string, number>

  constructor(all: readonly T[]) {
    this.all = [...all]
    this.#places = new Map(all.map((one, place) => [JSON.stringify(one), place]))
  }

  place(one: T): number {
    const key = JSON.stringify(one)
    let place = this.#places.get(key)
    if (place === undefined) {
      place = this.all.length
      this.all.push(one)
      this.#places.set(key, place)
    }
    return place
  }
}
