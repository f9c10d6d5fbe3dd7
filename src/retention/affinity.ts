/**
 * Which products are bought by the same members: cosine between products over the members who bought them,
 * each member weighing 1 / sqrt(number of products), since who buys everything says little, and drawn to
 * zero where few members say it. Memory grows with the histories, never with pairs of products.
 */

/** What members bought and kept, each product once for each member. */
export interface Histories {
  readonly products: readonly string[]
  /** by member: places in `products` */
  readonly bought: readonly Int32Array[]
}

/** Nearest first. */
export type Near = readonly (readonly [product: string, nearness: number])[]

export interface AffinityOptions {
  /** neighbours kept of a product */
  readonly most?: number
  /** as many members must have bought both for half of the nearness to count */
  readonly shrink?: number
  /** members count alike, however much they bought: the plain cosine */
  readonly plain?: boolean
}

const MOST_NEIGHBOURS = 50
/** Chosen on cuts of the till feed that the published figure does not use. */
const SHRINK = 5

/** Product by product, so that a caller may write them out as they come. */
export function* nearest(
  { products, bought }: Histories,
  { most = MOST_NEIGHBOURS, shrink = SHRINK, plain = false }: AffinityOptions = {},
): Generator<{ product: string; near: Near }> {
  const buyers = buyersOf(products.length, bought)
  const weight = Float64Array.from(bought, ({ length }) =>
    plain || length === 0 ? 1 : 1 / Math.sqrt(length),
  )
  const norm = Float64Array.from(buyers, (members) =>
    Math.sqrt(members.reduce((sum, member) => sum + weight[member]! ** 2, 0)),
  )
  const together = new Float64Array(products.length)
  const pairs = new Int32Array(products.length)
  for (const [product, members] of buyers.entries()) {
    const touched: number[] = []
    for (const member of members) {
      const share = weight[member]! ** 2
      for (const other of bought[member]!) {
        if (other === product) continue
        if (pairs[other] === 0) touched.push(other)
        together[other]! += share
        pairs[other]! += 1
      }
    }
    const near = touched
      .map((other): [string, number] => {
        const cosine = together[other]! / (norm[product]! * norm[other]!)
        return [products[other]!, cosine * (pairs[other]! / (pairs[other]! + shrink))]
      })
      // Equal nearness falls to the name, so that the order of the rows changes nothing.
      .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
      .slice(0, most)
    for (const other of touched) {
      together[other] = 0
      pairs[other] = 0
    }
    yield { product: products[product]!, near }
  }
}

/** By product: who bought it. */
function buyersOf(products: number, bought: readonly Int32Array[]): Int32Array[] {
  const counts = new Int32Array(products)
  for (const places of bought) for (const place of places) counts[place]! += 1
  const buyers = Array.from(counts, (count) => new Int32Array(count))
  counts.fill(0)
  for (const [member, places] of bought.entries()) {
    for (const place of places) {
      buyers[place]![counts[place]!] = member
      counts[place]! += 1
    }
  }
  return buyers
}

/** Products by how many members bought them, most first. */
export function popularOf({ products, bought }: Histories, most: number): [string, number][] {
  const counts = new Int32Array(products.length)
  for (const places of bought) for (const place of places) counts[place]! += 1
  return [...products]
    .map((product, place): [string, number] => [product, counts[place]!])
    .filter(([, members]) => members > 0)
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .slice(0, most)
}
