/**
 * What one member's history came to on the short way, before it is known whether that leads to the end: only
 * then it goes into the tally.
 */
import { Decimal } from '../base/points.ts'
import { decimalOf, PARTS, safe } from '../rules/parts.ts'
import type { Pack, PackedReturn } from './pack.ts'
import { addTo, type Both, countsOf, type RuleCount, type Tally } from './tally.ts'

interface Given {
  readonly rule: string
  readonly currency: string
  readonly points: bigint | number
  /** to how many lines; one where it is not said */
  readonly lines?: number
}

/** Rule and currency, by place in the pack. */
export type Named = readonly (readonly [rule: string, currency: string])[]

export function named(given: readonly string[]): Named {
  return given.map((one) => {
    const [rule = '', currency = ''] = one.split('\n')
    return [rule, currency]
  })
}

/** What many members spent, and what rules gave them: in the end it goes into the tally. */
export class Spent {
  readonly #tally: Tally
  #parts = 0
  #exact = new Decimal(0)
  /** found once, not for every member by their names */
  readonly #rules: { readonly rule: string; readonly currency: string; readonly both: Both<RuleCount> }[] = []

  constructor(tally: Tally) {
    this.#tally = tally
  }

  /** In ten-thousandths, and what cannot be told in them. */
  add(parts: number, exact: Decimal | null): void {
    const sum = safe(this.#parts + parts)
    if (Number.isNaN(sum)) this.#exact = this.#exact.plus(decimalOf(parts, PARTS))
    else this.#parts = sum
    if (exact !== null) this.#exact = this.#exact.plus(exact)
  }

  count(side: keyof Both<unknown>, { rule, currency, points, awards }: Sum): void {
    let of = this.#rules.find((one) => one.rule === rule && one.currency === currency)
    if (of === undefined) {
      of = { rule, currency, both: countsOf(this.#tally, { rule, currency }) }
      this.#rules.push(of)
    }
    of.both[side].points += points
    of.both[side].awards += awards
  }

  end(): void {
    this.#tally.spend = this.#exact.plus(decimalOf(this.#parts, PARTS)).toFixed()
  }
}

interface Sum {
  readonly rule: string
  readonly currency: string
  points: bigint
  awards: number
}

export class Score {
  /** net of returns, by currency */
  readonly points: Both<Map<string, bigint>> = { before: new Map(), after: new Map() }
  #transactions = 0
  #returns = 0
  #spend = 0
  #exactSpend: Decimal | null = null
  /** by place in `given` of the pack, of which there are few */
  readonly #before: { readonly place: number; points: number; awards: number }[] = []
  readonly #after: Sum[] = []
  readonly #refused: [string, number][] = []
  readonly #given: Named
  readonly #pack: Pack

  constructor(pack: Pack, given: Named) {
    this.#pack = pack
    this.#given = given
  }

  /** A sale that is counted, as it was. */
  recorded(sale: number): void {
    const { sales, sums, spends } = this.#pack
    this.#transactions += 1
    const parts = safe(this.#spend + sales.spend[sale]!)
    if (Number.isNaN(parts)) {
      const exact = spends[sale] ?? decimalOf(sales.spend[sale]!, PARTS)
      this.#exactSpend = (this.#exactSpend ?? new Decimal(0)).plus(exact)
    } else this.#spend = parts
    for (let at = sales.sum[sale]!; at < sales.sum[sale + 1]!; at += 1)
      this.#sum(sums.given[at]!, sums.points[at]!, sums.awards[at]!)
  }

  tookRecorded({ took }: PackedReturn): void {
    this.#returns += 1
    for (let at = 0; at < took.length; at += 3) this.#sum(took[at]!, -took[at + 1]!, 0)
  }

  #sum(place: number, points: number, awards: number): void {
    const known = this.#before.find((one) => one.place === place)
    if (known) {
      known.points += points
      known.awards += awards
    } else this.#before.push({ place, points, awards })
  }

  gave(awards: readonly Given[]): void {
    let sum: Sum | null = null
    for (const { rule, currency, points, lines = 1 } of awards) {
      // What one rule gives to several lines comes one after the other.
      if (sum === null || sum.rule !== rule || sum.currency !== currency) sum = this.#sumOf(rule, currency)
      sum.points += BigInt(points)
      sum.awards += lines
    }
  }

  took(reversed: readonly Given[]): void {
    for (const { rule, currency, points } of reversed) this.#sumOf(rule, currency).points -= BigInt(points)
  }

  #sumOf(rule: string, currency: string): Sum {
    let sum = this.#after.find((one) => one.rule === rule && one.currency === currency)
    if (sum === undefined) {
      sum = { rule, currency, points: 0n, awards: 0 }
      this.#after.push(sum)
    }
    return sum
  }

  refused(command: string, code: string): void {
    this.#refused.push([`${command}\n${code}`, 1])
  }

  addTo(tally: Tally, spent: Spent): void {
    tally.transactions += this.#transactions
    tally.returns += this.#returns
    spent.add(this.#spend, this.#exactSpend)
    for (const { place, points, awards } of this.#before) {
      const [rule, currency] = this.#given[place]!
      this.#add(spent, 'before', { rule, currency, points: BigInt(points), awards })
    }
    for (const sum of this.#after) this.#add(spent, 'after', sum)
    for (const [what, count] of this.#refused) addTo(tally.refused, what, count)
  }

  #add(spent: Spent, side: keyof Both<unknown>, sum: Sum): void {
    spent.count(side, sum)
    const points = this.points[side]
    points.set(sum.currency, (points.get(sum.currency) ?? 0n) + sum.points)
  }
}
