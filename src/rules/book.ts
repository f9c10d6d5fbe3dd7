/**
 * Keeps count of limits within one evaluation: what was used before it, what it uses itself. Never lets
 * more through than every limit has left; of a limit that counts times, an evaluation takes one at most.
 */
import { DomainError } from '../base/errors.ts'
import type { LimitUse, UsedOf } from './facts.ts'
import { type Limit, periodOf } from './limit.ts'
import type { Sight } from './sight.ts'
import { show } from './value.ts'

interface Page {
  readonly limit: Limit
  readonly name: string
  readonly period: string
  left: bigint
  taken: bigint
}

interface Wish {
  readonly rule: string
  readonly limits: readonly Limit[]
  readonly currency: string
  readonly points: bigint
}

export interface Allowed {
  readonly points: bigint
  /** the limit that let the least through; null where all of it passed */
  readonly by: Limit | null
}

const none: readonly Page[] = []

export class LimitBook {
  readonly #used: UsedOf
  readonly #short: (name: string, period: string) => void
  /** null: nothing was asked yet */
  #pages: Map<string, Page> | null = null

  /** `short` is told of budgets that let less through than was wished for. */
  constructor(used: UsedOf, short: (name: string, period: string) => void = () => {}) {
    this.#used = used
    this.#short = short
  }

  /** How many of the points the limits let through. Throws `limit_reached` where one refuses. */
  allow(wish: Wish, sight: Sight): Allowed {
    const pages = this.#pagesOf(wish, sight)
    const allowed = least(pages, wish.points)
    for (const { limit, name, period, left, taken } of pages) {
      if (wish.points <= roomOf({ limit, left, taken }, wish.points)) continue
      if (limit.per === 'all') this.#short(name, period)
      if (limit.over === 'refuse') {
        throw new DomainError('limit_reached', { rule: wish.rule, limit: limit.text })
      }
    }
    for (const page of pages) {
      const taken =
        page.limit.counts === 'points' ? allowed.points : page.taken === 0n && allowed.points > 0n ? 1n : 0n
      page.left -= taken
      page.taken += taken
    }
    return allowed
  }

  /** The same without taking anything: what a rule would give, were it chosen. */
  wouldAllow(wish: Wish, sight: Sight): bigint {
    return least(this.#pagesOf(wish, sight), wish.points).points
  }

  /** What was used of limits that last; those per transaction start anew with each one. */
  uses(): LimitUse[] {
    if (this.#pages === null) return []
    const uses: LimitUse[] = []
    for (const { limit, name, period, taken } of this.#pages.values()) {
      if (limit.per !== 'transaction' && taken > 0n)
        uses.push({ limit: name, shared: limit.per === 'all', period, points: taken })
    }
    return uses
  }

  #pagesOf({ limits, currency }: Wish, sight: Sight): readonly Page[] {
    if (limits.length === 0) return none
    const pages: Page[] = []
    for (const limit of limits) {
      if (limit.currency !== null && limit.currency !== currency) continue
      if (limit.tests.some((test) => !test.holds(sight))) continue
      pages.push(this.#page(limit, sight))
    }
    return pages
  }

  #page(limit: Limit, sight: Sight): Page {
    const value = limit.by?.read(sight)
    const of = limit.by === null ? '' : `/${value === undefined ? '' : show(limit.by.type, value)}`
    const name = `${limit.name}${of}`
    this.#pages ??= new Map()
    let page = this.#pages.get(name)
    if (page === undefined) {
      const period = periodOf(limit, sight)
      const before =
        limit.per === 'transaction' ? 0n : this.#used(name, period, limit.per === 'all' ? limit.points : null)
      const left = limit.points > before ? limit.points - before : 0n
      page = { limit, name, period, left, taken: 0n }
      this.#pages.set(name, page)
    }
    return page
  }
}

function least(pages: readonly Page[], points: bigint): Allowed {
  let allowed: Allowed = { points, by: null }
  for (const page of pages) {
    const room = roomOf(page, points)
    if (room < allowed.points) allowed = { points: room, by: page.limit }
  }
  return allowed
}

/** How many of the points a limit has room for: of one that counts times, all or none. */
function roomOf({ limit, left, taken }: Pick<Page, 'limit' | 'left' | 'taken'>, points: bigint): bigint {
  if (limit.counts === 'points') return left
  return taken > 0n || left > 0n ? points : 0n
}
