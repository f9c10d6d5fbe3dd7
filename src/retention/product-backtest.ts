/**
 * Next products held against what came: members who had bought something by the cut are offered ten products
 * that they never bought, and it is looked whether they bought one of them in the horizon. Beside it stand the
 * plain cosine and what most members buy.
 */
import { type AffinityOptions, type Near, nearest, popularOf } from './affinity.ts'
import { type BasketRow, Baskets } from './baskets.ts'
import { nextProducts } from './next-product.ts'

export interface ProductBacktest {
  /** with a past at the cut and a product in the horizon that they had never bought */
  readonly members: number
  readonly products: number
  /** share of them who bought one of ten offers; null where there is nobody */
  readonly methods: readonly { readonly name: string; readonly hit: number | null }[]
}

const OFFERS = 10

export function backtestProducts(
  rows: readonly BasketRow[],
  { cut, horizonDays }: { cut: number; horizonDays: number },
): ProductBacktest {
  const past = new Baskets(cut)
  for (const row of rows) past.add(row)
  const histories = past.histories()
  const wanted = wantedAfter(rows, { past, cut, until: cut + horizonDays })
  const popular = popularOf(histories, histories.products.length).map(([product]) => product)
  const ask = (options: AffinityOptions | null) => {
    const near = new Map<string, Near>()
    if (options) for (const one of nearest(histories, options)) near.set(one.product, one.near)
    let hits = 0
    for (const [memberId, products] of wanted) {
      const bought = past.bought(memberId)
      const offers = nextProducts({ bought, near: (product) => near.get(product), popular, count: OFFERS })
      if (offers.some(({ product }) => products.has(product))) hits += 1
    }
    return wanted.size === 0 ? null : hits / wanted.size
  }
  return {
    members: wanted.size,
    products: histories.products.length,
    methods: [
      { name: 'milepost', hit: ask({}) },
      { name: 'item cosine', hit: ask({ plain: true, shrink: 0, most: histories.products.length }) },
      { name: 'most bought', hit: ask(null) },
    ],
  }
}

/** By member: products of the horizon that were never bought before. */
function wantedAfter(
  rows: readonly BasketRow[],
  { past, cut, until }: { past: Baskets; cut: number; until: number },
): Map<string, Set<string>> {
  const known = new Map(
    past.members().map((id) => [id, new Set(past.bought(id).map(({ product }) => product))]),
  )
  const wanted = new Map<string, Set<string>>()
  for (const { memberId, product, day, returned } of rows) {
    const own = known.get(memberId)
    if (!own || returned || day <= cut || day > until || own.has(product)) continue
    wanted.set(memberId, (wanted.get(memberId) ?? new Set<string>()).add(product))
  }
  return wanted
}
