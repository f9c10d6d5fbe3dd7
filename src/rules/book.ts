/**
 * Keeps count of limits within one evaluation: what was used before it, what it uses itself. Never lets
 * more through than a limit has left.
 */
import { DomainError } from '../base/errors.ts'
import type { LimitUse, UsedOf } from './facts.ts'
import { type Limit, periodOf } from './limit.ts'
import type { Sight } from './sight.ts'

interface Page {
  readonly limit: Limit
  readonly period: string
  left: bigint
  taken: bigint
}

interface Wish {
  readonly rule: string
  readonly limit: Limit | null
  readonly currency: string
  readonly points: bigint
}

export class LimitBook {
  readonly #used: UsedOf
  readonly #pages = new Map<string, Page>()

  constructor(used: UsedOf) {
    this.#used = used
  }

  /** How many of the points the rule's limit lets through. Throws `limit_reached` where it refuses. */
  allow({ rule, limit, currency, points }: Wish, sight: Sight): bigint {
    if (limit === null || limit.currency !== currency) return points
    const page = this.#page(rule, limit, sight)
    if (points > page.left && limit.over === 'refuse') {
      throw new DomainError('limit_reached', { rule, limit: limit.text })
    }
    const allowed = points < page.left ? points : page.left
    page.left -= allowed
    page.taken += allowed
    return allowed
  }

  /** What limits per member have given; limits per transaction start anew with each one. */
  uses(): LimitUse[] {
    const uses: LimitUse[] = []
    for (const [rule, { limit, period, taken }] of this.#pages) {
      if (limit.per === 'member' && taken > 0n) uses.push({ limit: rule, period, points: taken })
    }
    return uses
  }

  #page(rule: string, limit: Limit, sight: Sight): Page {
    let page = this.#pages.get(rule)
    if (page === undefined) {
      const period = limit.per === 'member' ? periodOf(limit, sight.day) : ''
      const before = limit.per === 'member' ? this.#used(rule, period) : 0n
      const left = limit.points > before ? limit.points - before : 0n
      page = { limit, period, left, taken: 0n }
      this.#pages.set(rule, page)
    }
    return page
  }
}
