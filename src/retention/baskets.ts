/**
 * Members' products in bounded memory: the first so many members that are given, so many products of each, the
 * newest ones. What was taken back is known as such.
 */
import type { Histories } from './affinity.ts'
import type { Bought } from './next-product.ts'

export interface BasketRow {
  readonly memberId: string
  readonly product: string
  /** since 1 January 1970 */
  readonly day: number
  /** it was taken back */
  readonly returned: boolean
}

export const MOST_MEMBERS = 200_000
const MOST_PRODUCTS_OF_ONE = 300
const MOST_PRODUCTS = 50_000

interface Kept {
  lastDay: number
  /** days with it, and days of which it was taken back */
  days: number[]
  returned: number
}

/** Rows in any order; nothing after `through` is kept. */
export class Baskets {
  readonly #through: number
  readonly #members = new Map<string, Map<string, Kept>>()

  constructor(through: number) {
    this.#through = through
  }

  get size(): number {
    return this.#members.size
  }

  add({ memberId, product, day, returned }: BasketRow): void {
    if (day > this.#through) return
    let own = this.#members.get(memberId)
    if (!own) {
      if (this.#members.size >= MOST_MEMBERS) return
      own = new Map()
      this.#members.set(memberId, own)
    }
    const known = own.get(product)
    if (known) {
      if (returned) known.returned += 1
      else if (!known.days.includes(day)) known.days.push(day)
      known.lastDay = Math.max(known.lastDay, day)
      return
    }
    own.set(product, { lastDay: day, days: returned ? [] : [day], returned: returned ? 1 : 0 })
    if (own.size > 2 * MOST_PRODUCTS_OF_ONE) trim(own)
  }

  members(): readonly string[] {
    return [...this.#members.keys()].sort()
  }

  /** Newest first; what was taken back as often as it was bought counts no times. */
  bought(memberId: string): Bought[] {
    const own = this.#members.get(memberId)
    if (!own) return []
    return [...own]
      .map(([product, { lastDay, days, returned }]) => ({
        product,
        lastDay,
        times: Math.max(0, days.length - returned),
      }))
      .sort((a, b) => b.lastDay - a.lastDay || (a.product < b.product ? -1 : 1))
      .slice(0, MOST_PRODUCTS_OF_ONE)
  }

  /** The most bought products, and who bought them. */
  histories(): Histories {
    const lists = this.members().map((memberId) => this.bought(memberId).filter(({ times }) => times > 0))
    const counts = new Map<string, number>()
    for (const list of lists)
      for (const { product } of list) counts.set(product, (counts.get(product) ?? 0) + 1)
    const products = [...counts]
      .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
      .slice(0, MOST_PRODUCTS)
      .map(([product]) => product)
    const places = new Map(products.map((product, place) => [product, place]))
    const bought = lists.map((list) =>
      Int32Array.from(list.flatMap(({ product }) => places.get(product) ?? [])),
    )
    return { products, bought }
  }
}

function trim(own: Map<string, Kept>): void {
  const newest = [...own].sort((a, b) => b[1].lastDay - a[1].lastDay).slice(0, MOST_PRODUCTS_OF_ONE)
  own.clear()
  for (const [product, kept] of newest) own.set(product, kept)
}
