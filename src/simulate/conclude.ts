/**
 * Where a member stands in the end, as recorded and as simulated, side by side: counted into the tally, whichever
 * way led there.
 */
import { Decimal } from '../base/points.ts'
import { type Mark, marksAt } from '../engine/marks.ts'
import { emptyAccount } from '../ledger/account.ts'
import type { Ladder, Program } from '../program/program.ts'
import type { FieldValue } from '../rules/facts.ts'
import { BY_SEGMENT, type Simulated } from './member-run.ts'
import { isBegun } from './replay.ts'
import {
  addTo,
  at,
  type Both,
  type Mover,
  nameMovers,
  newGroup,
  newTally,
  type Owed,
  owe,
  sides,
  type Tally,
} from './tally.ts'

/** What a member has, and how they came to their tiers. */
export interface Stand {
  readonly accounts: Iterable<Owed & { readonly currency: string }>
  tierAt(ladder: Ladder, at: Date): string
}

export interface Concluded {
  readonly memberId: string
  /** by counted sales, net of returns, by currency */
  readonly points: Both<ReadonlyMap<string, bigint>>
  readonly stands: Both<Stand>
  /** as recorded, at the end */
  readonly attributes: Readonly<Record<string, FieldValue>>
  readonly marks: readonly Mark[] | undefined
}

/** A tier of each ladder. */
type Tiers = readonly (readonly [ladder: string, tier: string])[]

export class Conclusion {
  readonly tally: Tally = newTally()
  readonly #by: string | null
  readonly #programs: Both<Program>
  /** at the end of the time that is counted: tiers of long ago have run out by now */
  readonly #end: Date
  readonly #movers: Mover[] = []
  /** of the tally, by ladder and tier: found without making a name for every member */
  readonly #byTier = new Map<string, Map<string, Both<number>>>()
  /** points are worth the same before and after */
  readonly #isWorthTheSame: boolean

  constructor({ recorded, candidate, asOf, until, program, by }: Simulated) {
    const before = recorded.at(program, asOf)
    this.#programs = { before, after: candidate && isBegun(candidate, asOf) ? candidate.program : before }
    this.#isWorthTheSame = valuesOf(this.#programs.before) === valuesOf(this.#programs.after)
    this.#end = until !== null && until < asOf ? until : asOf
    this.#by = by
  }

  take(one: Concluded): void {
    const { tally } = this
    tally.members += 1
    for (const side of sides) this.#countHoldings(side, one.stands[side])
    const tiers = {
      before: this.#tiers('before', one.stands.before),
      after: this.#tiers('after', one.stands.after),
    }
    for (const side of sides) {
      for (const [ladder, tier] of tiers[side]) this.#countsOf(ladder, tier)[side] += 1
    }
    for (const [ladder, from] of tiers.before) {
      const to = tiers.after.find(([id]) => id === ladder)?.[1]
      if (to !== undefined && to !== from) addTo(tally.moves, `${ladder}\n${from}\n${to}`)
    }
    this.#countMember(one, this.#groupsOf(one, tiers.before))
  }

  end(): Tally {
    nameMovers(this.tally, this.#movers)
    return this.tally
  }

  #countHoldings(side: keyof Both<unknown>, { accounts }: Stand): void {
    for (const account of accounts) owe(this.tally, side, account)
    // A currency that nobody has points in is shown all the same: the first member sees to it.
    if (this.tally.members > 1) return
    for (const currency of this.#programs[side].currencies.keys())
      owe(this.tally, side, emptyAccount(currency))
  }

  #countsOf(ladder: string, tier: string): Both<number> {
    const tiers = at(this.#byTier, ladder, () => new Map<string, Both<number>>())
    return at(tiers, tier, () => at(this.tally.tiers, `${ladder}\n${tier}`, () => ({ before: 0, after: 0 })))
  }

  /** By ladder. */
  #tiers(side: keyof Both<unknown>, stand: Stand): Tiers {
    return this.#programs[side].ladders.map((ladder) => [ladder.id, stand.tierAt(ladder, this.#end)])
  }

  /** Mostly one; of segments, all that the member is in at the end. */
  #groupsOf({ attributes, marks }: Concluded, tiers: Tiers): readonly string[] {
    const by = this.#by
    if (by === BY_SEGMENT && !this.#programs.before.memberAttributes.has(by)) {
      const { segments = [] } = marksAt(marks, this.#end)
      return segments.length === 0 ? ['in none'] : segments
    }
    if (by !== null) return [String(attributes[by] ?? 'not said')]
    return [tiers[0]?.[1] ?? 'everybody']
  }

  #countMember({ memberId, points }: Concluded, groups: readonly string[]): void {
    const { tally } = this
    const all = groups.map((group) => at(tally.groups, group, newGroup))
    for (const counts of all) {
      counts.members += 1
      for (const side of sides) {
        for (const [currency, given] of points[side])
          at(counts.points, currency, () => ({ before: 0n, after: 0n }))[side] += given
      }
    }
    if (this.#isWorthTheSame && isSame(points.before, points.after)) return
    const worth = worthOf(points, this.#programs)
    if (worth.isZero()) return
    const better = worth.isPositive()
    for (const one of [tally, ...all]) one[better ? 'better' : 'worse'] += 1
    this.#movers.push({ memberId, ...points, worth: worth.toFixed() })
  }
}

const NOTHING = new Decimal(0)

/** All that `worthOf` asks of a program. */
function valuesOf({ currencies }: Program): string {
  return JSON.stringify(
    [...currencies].map(([id, { kind, value }]) => [id, kind, value ? value.amount.toFixed() : null]),
  )
}

/** What the difference is worth: in money where any currency has a value, else in points. */
function worthOf(points: Concluded['points'], programs: Both<Program>): Decimal {
  const valued = sides.some((side) => [...programs[side].currencies.values()].some(({ value }) => value))
  const sum = (side: keyof Both<unknown>) => {
    let total = NOTHING
    for (const [id, given] of points[side]) {
      const currency = programs[side].currencies.get(id)
      if (currency?.kind !== 'redeemable') continue
      const each = valued ? (currency.value?.amount ?? 0) : 1
      total = total.plus(new Decimal(given.toString()).times(each))
    }
    return total
  }
  return sum('after').minus(sum('before'))
}

function isSame(a: ReadonlyMap<string, bigint>, b: ReadonlyMap<string, bigint>): boolean {
  if (a.size !== b.size) return false
  for (const [currency, points] of a) if (b.get(currency) !== points) return false
  return true
}
