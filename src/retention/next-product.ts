/**
 * What to offer a member next: products that the member never bought, near to those that were; where nothing
 * is near, what most members buy. What was taken back is neither a liking nor an offer, and what is bought
 * again and again stands in a list of its own.
 */
import type { Near } from './affinity.ts'

/** One product in a member's past. */
export interface Bought {
  readonly product: string
  /** days with it, those that were taken back left out; 0: all of it went back */
  readonly times: number
  /** the latest such day, since 1 January 1970 */
  readonly lastDay: number
}

export interface ProductOffer {
  readonly product: string
  /** 0 to 1 against the member's other offers; 0 where it is offered for being popular */
  readonly score: number
  /** the bought product that says most for it; null: it is popular */
  readonly because: string | null
}

export interface Offering {
  readonly bought: readonly Bought[]
  near(product: string): Near | undefined
  /** most bought first */
  readonly popular: readonly string[]
  readonly count: number
}

export function nextProducts({ bought, near, popular, count }: Offering): ProductOffer[] {
  const known = new Set(bought.map(({ product }) => product))
  const scores = new Map<string, { sum: number; best: number; because: string }>()
  for (const { product, times } of bought) {
    if (times === 0) continue
    for (const [other, nearness] of near(product) ?? []) {
      if (known.has(other) || !(nearness > 0)) continue
      const score = scores.get(other)
      if (!score) scores.set(other, { sum: nearness, best: nearness, because: product })
      else {
        score.sum += nearness
        if (nearness > score.best) {
          score.best = nearness
          score.because = product
        }
      }
    }
  }
  const ranked = [...scores].sort((a, b) => b[1].sum - a[1].sum || (a[0] < b[0] ? -1 : 1)).slice(0, count)
  const top = ranked[0]?.[1].sum ?? 1
  const offers: ProductOffer[] = ranked.map(([product, { sum, because }]) => ({
    product,
    score: sum / top,
    because,
  }))
  for (const product of popular) {
    if (offers.length >= count) break
    if (!known.has(product) && !scores.has(product)) offers.push({ product, score: 0, because: null })
  }
  return offers
}

/** What the member buys again and again: two days or more, the most often bought first. */
export function repeatsOf(bought: readonly Bought[], count: number): Bought[] {
  return bought
    .filter(({ times }) => times >= 2)
    .sort((a, b) => b.times - a.times || b.lastDay - a.lastDay || (a.product < b.product ? -1 : 1))
    .slice(0, count)
}
