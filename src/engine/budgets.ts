/**
 * Limits over all members, as one group sees them: the shards that it holds locked, what they have left, and
 * what the group takes. A budget is cut into shards so that groups that run at once do not wait for one
 * another; only one that finds its own shard too small looks at all of them. No sum ever goes over the limit.
 */

import { type Day, startOf } from '../base/time.ts'
import type { Budgets } from '../earning/earn.ts'
import { eventNames } from '../program/events.ts'
import type { Program } from '../program/program.ts'
import type { LimitUse } from '../rules/facts.ts'
import { EVER, type Limit } from '../rules/limit.ts'

export const SHARDS = 8

export interface BudgetKey {
  readonly program: string
  readonly budget: string
  readonly period: Day
}

export interface BudgetRow extends BudgetKey {
  readonly shard: number
  readonly used: bigint
}

/** One shard's part of the whole; the first takes what does not divide. */
function shareOf(total: bigint, shard: number): bigint {
  const part = total / BigInt(SHARDS)
  return shard === 0 ? total - part * BigInt(SHARDS - 1) : part
}

/** A group met a shard that was too small: it is to be decided again with all shards in hand. */
export class BudgetShort extends Error {}

export class BudgetDesk {
  readonly #shard: number
  readonly #whole: boolean
  readonly #used = new Map<string, bigint[]>()
  readonly #totals = new Map<string, bigint>()
  readonly #taken = new Map<string, { key: BudgetKey; points: bigint }>()
  /** a shard had too little, though the others may have some */
  isShort = false

  /** `keys`: the budgets that were asked for; of any other nothing can be taken. */
  constructor(rows: readonly BudgetRow[], of: { shard: number; whole: boolean; keys: readonly BudgetKey[] }) {
    this.#shard = of.shard
    for (const key of of.keys)
      this.#used.set(
        nameOf(key),
        Array.from({ length: SHARDS }, () => 0n),
      )
    this.#whole = of.whole
    for (const row of rows) {
      const name = nameOf(row)
      const shards = this.#used.get(name) ?? Array.from({ length: SHARDS }, () => 0n)
      shards[row.shard] = row.used
      this.#used.set(name, shards)
    }
  }

  /** What counts as used of a budget of `total`: all of it but what the group may still take. */
  used(key: BudgetKey, total: bigint): bigint {
    const name = nameOf(key)
    if (!this.#used.has(name)) return total
    this.#totals.set(name, total)
    const left = this.#left(name, total) - (this.#taken.get(name)?.points ?? 0n)
    return left > 0n ? total - left : total
  }

  #left(name: string, total: bigint): bigint {
    const shards = this.#used.get(name) ?? []
    const sum = shards.reduce((all, used) => all + used, 0n)
    const inAll = total - sum
    const free = (shard: number) => {
      const left = shareOf(total, shard) - (shards[shard] ?? 0n)
      return left > 0n ? left : 0n
    }
    const reachable = this.#whole
      ? Array.from({ length: SHARDS }, (_, shard) => free(shard)).reduce((all, left) => all + left, 0n)
      : free(this.#shard)
    return reachable < inAll ? reachable : inAll
  }

  /** Told of a budget that let less through: worth another look unless all of it is gone. */
  short(key: BudgetKey): void {
    const name = nameOf(key)
    const shards = this.#used.get(name) ?? []
    const sum = shards.reduce((all, used) => all + used, 0n)
    const total = this.#totals.get(name) ?? 0n
    if (!this.#whole && sum < total) this.isShort = true
  }

  take(program: string, uses: readonly LimitUse[]): void {
    for (const { limit, period, points } of uses) {
      const key = { program, budget: limit, period }
      const name = nameOf(key)
      this.#taken.set(name, { key, points: (this.#taken.get(name)?.points ?? 0n) + points })
    }
  }

  /** What is to be added to each shard. */
  rows(): BudgetRow[] {
    return [...this.#taken.values()].flatMap(({ key, points }) =>
      this.#whole && points > 0n
        ? this.#spread(key, points)
        : points === 0n
          ? []
          : [{ ...key, shard: this.#shard, used: points }],
    )
  }

  // Each shard is filled up to its share, so that the shares of the others stay what they are.
  #spread(key: BudgetKey, points: bigint): BudgetRow[] {
    const name = nameOf(key)
    const shards = this.#used.get(name) ?? []
    const total = this.#totals.get(name) ?? 0n
    const rows: BudgetRow[] = []
    let left = points
    for (let shard = 0; shard < SHARDS && left > 0n; shard += 1) {
      const free = shareOf(total, shard) - (shards[shard] ?? 0n)
      const used = free < left ? free : left
      if (used <= 0n) continue
      rows.push({ ...key, shard, used })
      left -= used
    }
    return rows
  }
}

function nameOf({ program, budget, period }: BudgetKey): string {
  return `${program} ${budget} ${period}`
}

const budgetsOfPrograms = new WeakMap<Program, ReadonlyMap<string, readonly Limit[]>>()

/** The limits over all members that rules on a type of transaction, or on events that may follow, have. */
export function budgetsFor(program: Program, type: string | null): readonly Limit[] {
  let byType = budgetsOfPrograms.get(program)
  if (!byType) {
    const found = new Map<string, Map<string, Limit>>()
    for (const rule of program.rules.rules) {
      for (const limit of rule.limits) {
        if (limit.per !== 'all') continue
        for (const on of rule.on) found.set(on, (found.get(on) ?? new Map()).set(limit.name, limit))
      }
    }
    byType = new Map([...found].map(([on, limits]) => [on, [...limits.values()]]))
    budgetsOfPrograms.set(program, byType)
  }
  if (byType.size === 0) return none
  const types = [...(type === null ? [] : [type]), ...eventNames]
  return [...new Set(types.flatMap((one) => byType.get(one) ?? none))]
}

const none: readonly Limit[] = []

export function budgetPeriod({ unit }: Limit, day: Day): Day {
  return unit === null || unit === 'membership_year' ? EVER : startOf(unit, day)
}

/** What a command sees of the desk, with what it has itself taken so far. */
export function budgetsSeen(
  desk: BudgetDesk | undefined,
  of: { program: string; taken: readonly LimitUse[] },
): Budgets {
  const key = (budget: string, period: string) => ({ program: of.program, budget, period })
  return {
    used(budget, period, total) {
      const own = of.taken.filter((use) => use.limit === budget && use.period === period)
      const before = desk?.used(key(budget, period), total) ?? 0n
      return own.reduce((sum, { points }) => sum + points, before)
    },
    short: (budget, period) => desk?.short(key(budget, period)),
  }
}
