/**
 * A member's tiers on the short way of a simulation: walked forward, fact by fact in the order of business. Where
 * numbers do not do, by the assessment of the engine, which is spared where it is certain to change nothing.
 */
import { Decimal } from '../base/points.ts'
import { dayNumbered, dayOf } from '../base/time.ts'
import { countedSpend } from '../earning/valued.ts'
import type { Counter, Ladder, Program } from '../program/program.ts'
import type { MemberFacts, Valuation } from '../rules/facts.ts'
import { afterChange, assess, baseStanding, tierOf } from '../tiers/assess.ts'
import { type CounterRow, counted, countersAsOf } from '../tiers/counters.ts'
import { keepsTally } from '../tiers/counting.ts'
import { isMet } from '../tiers/criterion.ts'
import { standingAt, standingMet } from '../tiers/history.ts'
import type { Standing, TierChange } from '../tiers/standing.ts'

const NOTHING = new Decimal(0)

/** What a sale counts. */
export interface Counted {
  /** the business day, as a number */
  readonly day: number
  readonly valuation: Pick<Valuation, 'spend' | 'spendParts'> & {
    readonly awards: readonly { readonly currency: string; readonly points: bigint }[]
  }
}

/** One member's tiers, at an instant that never goes back. */
export interface Tiers {
  count(program: Program, sale: Counted): void
  /** what a return takes off a counter */
  less(row: CounterRow): void
  /** everything that comes of what is counted by an instant */
  step(at: Date): void
  /** the tiers that a fact of an instant meets; time was walked up to it before */
  met(at: Date): MemberFacts['tiers']
  /** whether any tier changed at an instant or after it */
  hasChangedSince(at: Date): boolean
  tierAt(ladder: Ladder, at: Date): string
}

/** What is counted for tiers by day, and in all. */
class Counters {
  readonly rows: CounterRow[] = []
  readonly #places = new Map<string, number>()
  readonly #totals = new Map<string, Decimal>()

  add({ counter, day, value }: CounterRow): void {
    const key = `${counter} ${day}`
    const place = this.#places.get(key)
    const total = this.#totals.get(counter)
    this.#totals.set(counter, total === undefined ? value : total.plus(value))
    if (place === undefined) {
      this.#places.set(key, this.rows.length)
      this.rows.push({ counter, day, value })
    } else this.rows[place]!.value = this.rows[place]!.value.plus(value)
  }

  total(counter: string): Decimal {
    return this.#totals.get(counter) ?? NOTHING
  }
}

interface Rung {
  readonly ladder: Ladder
  standing: Standing
  /** what is counted in any stretch of time is never more than what is counted in all */
  readonly boundedByTotals: boolean
}

export class TierWalk implements Tiers {
  /** oldest first */
  readonly #changes: TierChange[] = []
  readonly #counters = new Counters()
  readonly #program: Program
  readonly #enrolledAt: Date
  readonly #rungs: readonly Rung[]
  readonly #base: MemberFacts['tiers']

  constructor(program: Program, enrolledAt: Date) {
    this.#program = program
    this.#enrolledAt = enrolledAt
    this.#rungs = program.ladders.map((ladder) => ({
      ladder,
      standing: baseStanding(ladder, enrolledAt),
      boundedByTotals: !keepsTally(ladder) && ladder.rollover === null,
    }))
    this.#base = baseTiers(program)
  }

  count(program: Program, { day, valuation: { spend, awards } }: Counted): void {
    const sale = { day: dayNumbered(day), spend: countedSpend(spend), transactions: 1n, awards }
    for (const row of counted(program, sale)) this.#counters.add(row)
  }

  less(row: CounterRow): void {
    this.#counters.add(row)
  }

  hasChangedSince(at: Date): boolean {
    return this.#changes.some(({ effectiveAt }) => effectiveAt >= at)
  }

  tierAt(ladder: Ladder, at: Date): string {
    return standingAt(ladder, { enrolledAt: this.#enrolledAt, changes: this.#changes, at }).tier
  }

  step(at: Date): void {
    const counters = this.#counters
    for (const rung of this.#rungs) {
      if (isAtRest(rung, counters, at)) continue
      const { timeZone } = this.#program
      const { ladder, standing } = rung
      const { changes } = assess(ladder, {
        ...{ timeZone, enrolledAt: this.#enrolledAt, attributes: {}, standing, at },
        counters: countersAsOf(counters.rows, dayOf(timeZone, at)),
      })
      for (const change of changes) {
        this.#changes.push(change)
        rung.standing = afterChange(rung.standing, change)
      }
    }
  }

  met(at: Date): MemberFacts['tiers'] {
    if (this.#changes.length === 0) return this.#base
    return new Map(
      this.#program.ladders.map((ladder) => {
        const known = { enrolledAt: this.#enrolledAt, changes: this.#changes, at }
        const { tier } = standingMet(ladder, known)
        return [ladder.id, { tier, rank: tierOf(ladder, tier)?.rank ?? 0 }]
      }),
    )
  }
}

/** No end is due, and no higher tier is in reach, even if everything counted for it. */
function isAtRest({ ladder, standing, boundedByTotals }: Rung, counters: Counters, at: Date): boolean {
  if (!boundedByTotals || (standing.until !== null && standing.until <= at)) return false
  const rank = tierOf(ladder, standing.tier)?.rank ?? 0
  const inAll = (counter: Counter) => counters.total(counter)
  return ladder.tiers.every((tier) => tier.rank <= rank || !isMet(tier.reach, inAll))
}

const bases = new WeakMap<Program, MemberFacts['tiers']>()

export function baseTiers(program: Program): MemberFacts['tiers'] {
  let tiers = bases.get(program)
  if (tiers === undefined) {
    tiers = new Map(program.ladders.map(({ id, tiers: [base] }) => [id, { tier: base?.id ?? '', rank: 0 }]))
    bases.set(program, tiers)
  }
  return tiers
}
