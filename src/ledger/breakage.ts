/**
 * Breakage from a program's own history: the share of points never redeemed, from the ages at which points
 * were redeemed or lapsed. Statistics, so floats; nothing here ever touches a balance. Memory does not grow
 * with members: each is added once and forgotten.
 *
 * Points are followed from the day they were given. Their survival (not yet redeemed, not yet lapsed) is
 * estimated by the product limit of Kaplan and Meier, J. Am. Stat. Assoc. 53 (1958) 457, points still open
 * being censored at their age; the share redeemed by an age is its cumulative incidence beside lapsing,
 * after Aalen and Johansen, Scand. J. Stat. 5 (1978) 141: F(t) = sum over s <= t of S(s-) d(s) / n(s).
 * Plain Kaplan-Meier with lapsing as censoring would say what members redeemed if nothing ever lapsed.
 *
 * A member redeems thousands of points at once, so points are no independent observations and Greenwood's
 * variance is far too small. The interval is a bootstrap of whole members with Poisson(1) weights (Hanley
 * and MacGibbon, Comput. Methods Programs Biomed. 83 (2006) 57), in one pass; the weights follow from the
 * member's id, so that the same history gives the same interval.
 */
import type { CohortEvent, OpenCohort } from './cohort.ts'

export interface Rate {
  readonly estimate: number
  /** 95 % interval; null where the rate is declared or there is too little history */
  readonly low: number | null
  readonly high: number | null
}

/** Why history cannot say anything yet. Then everything is taken to be redeemed. */
export type TooLittle = 'no_points' | 'few_members' | 'nothing_lapsed_yet'

export interface SurvivalEstimate {
  readonly tooLittle: TooLittle | null
  readonly members: number
  /** points followed; those redeemed, lapsed, taken back or moved, and still open among them */
  readonly points: {
    readonly given: number
    readonly redeemed: number
    readonly expired: number
    readonly left: number
    readonly open: number
  }
  /** of points given, the share that will have been redeemed in the end */
  readonly redemptionRate: Rate
  /** the same of the points still open, by their ages */
  readonly openRate: Rate
  /** survival and shares redeemed and lapsed by age in days, at most 60 points of the curve */
  readonly curve: readonly { age: number; alive: number; redeemed: number; expired: number }[]
  /** the share whose end no history reaches; counted as redeemed */
  readonly unresolved: number
}

const FEWEST_MEMBERS = 30
const REPLICATES = 200
const COLUMNS = REPLICATES + 1
/** Twenty years; points older than that count as that old. */
const OLDEST = 7_305
const GROWTH = 366
const CURVE_POINTS = 60

type Fate = 'redeemed' | 'expired' | 'left' | 'open'
const fates = ['redeemed', 'expired', 'left', 'open'] as const

/** Points by age, one column for the estimate itself and one for each replicate. */
type Grid = Record<Fate, Float64Array>

export class Survival {
  #grid: Grid = emptyGrid(0)
  #ages = 0
  #members = 0
  readonly #weights = new Uint8Array(COLUMNS)

  /** What is added from here on is this member's. */
  member(memberId: string): void {
    this.#members += 1
    drawWeights(memberId, this.#weights)
  }

  event({ kind, origin, givenOn, endedOn, points }: CohortEvent): void {
    // Points that were moved here have an age that nobody knows; where they left, they were censored.
    if (kind === 'given' || origin === 'moved') return
    const fate = kind === 'redeemed' || kind === 'expired' ? kind : 'left'
    this.#add(fate, endedOn - givenOn, Number(points))
  }

  open({ origin, givenOn, points }: OpenCohort, on: number): void {
    if (origin !== 'moved') this.#add('open', on - givenOn, Number(points))
  }

  estimate(): SurvivalEstimate {
    const outcome = (column: number) => this.#outcome(column)
    const own = outcome(0)
    const tooLittle = tooLittleOf(own, this.#members)
    const rates = { redemptionRate: certain, openRate: certain }
    if (tooLittle === null) {
      const replicates = Array.from({ length: REPLICATES }, (_, index) => outcome(index + 1)).filter(
        ({ given }) => given > 0,
      )
      rates.redemptionRate = rateOf(own.redemptionRate, replicates, (one) => one.redemptionRate)
      rates.openRate = rateOf(own.openRate, replicates, (one) => one.openRate)
    }
    const { given, redeemed, expired, left, open, unresolved, curve } = own
    return {
      tooLittle,
      members: this.#members,
      points: { given, redeemed, expired, left, open },
      ...rates,
      curve: thinned(curve),
      unresolved,
    }
  }

  #add(fate: Fate, days: number, points: number): void {
    const age = Math.max(0, Math.min(days, OLDEST))
    if (age >= this.#ages) this.#grow(age)
    const cells = this.#grid[fate]
    const start = age * COLUMNS
    for (let column = 0; column < COLUMNS; column += 1) {
      cells[start + column]! += points * this.#weights[column]!
    }
  }

  #grow(age: number): void {
    this.#ages = Math.min(OLDEST, age + GROWTH) + 1
    const grown = emptyGrid(this.#ages)
    for (const fate of fates) grown[fate].set(this.#grid[fate])
    this.#grid = grown
  }

  #outcome(column: number): Outcome {
    const at = (fate: Fate, age: number) => this.#grid[fate][age * COLUMNS + column]!
    const totals = { redeemed: 0, expired: 0, left: 0, open: 0 }
    for (let age = 0; age < this.#ages; age += 1) for (const fate of fates) totals[fate] += at(fate, age)
    const given = totals.redeemed + totals.expired + totals.left + totals.open

    const curve: Point[] = []
    let [atRisk, alive, redeemed, expired] = [given, 1, 0, 0]
    for (let age = 0; age < this.#ages && atRisk > 0.5; age += 1) {
      const [spent, lapsed] = [at('redeemed', age), at('expired', age)]
      redeemed += (alive * spent) / atRisk
      expired += (alive * lapsed) / atRisk
      alive = Math.max(0, alive * (1 - (spent + lapsed) / atRisk))
      // What leaves on a day is taken to leave after what ends on it.
      atRisk -= spent + lapsed + at('left', age) + at('open', age)
      curve.push({ age, alive, redeemed, expired })
    }
    const redemptionRate = clamp(redeemed + alive)
    let willRedeem = 0
    for (const point of curve) willRedeem += at('open', point.age) * shareToCome(point, redemptionRate)
    const openRate = totals.open > 0 ? clamp(willRedeem / totals.open) : 1
    return { ...totals, given, redemptionRate, openRate, unresolved: given > 0 ? alive : 1, curve }
  }
}

interface Point {
  readonly age: number
  readonly alive: number
  readonly redeemed: number
  readonly expired: number
}

interface Outcome extends Record<Fate, number> {
  readonly given: number
  readonly redemptionRate: number
  readonly openRate: number
  readonly unresolved: number
  readonly curve: readonly Point[]
}

/** Nothing known: no breakage, which states the most that can be owed. */
const certain: Rate = { estimate: 1, low: null, high: null }

/** Of points alive at an age, the share that will be redeemed: (F(end) - F(age)) / S(age). */
function shareToCome({ alive, redeemed }: Point, redemptionRate: number): number {
  return alive > 0 ? clamp((redemptionRate - redeemed) / alive) : 1
}

function tooLittleOf({ given, expired }: Outcome, members: number): TooLittle | null {
  if (given <= 0) return 'no_points'
  if (members < FEWEST_MEMBERS) return 'few_members'
  return expired <= 0 ? 'nothing_lapsed_yet' : null
}

function rateOf(estimate: number, replicates: readonly Outcome[], pick: (one: Outcome) => number): Rate {
  const sorted = replicates.map(pick).sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? estimate
  return { estimate, low: at(0.025), high: at(0.975) }
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share))
}

function emptyGrid(ages: number): Grid {
  const cells = () => new Float64Array(ages * COLUMNS)
  return { redeemed: cells(), expired: cells(), left: cells(), open: cells() }
}

/** The last age with its neighbours' changes kept: evenly spread over the ages that there are. */
function thinned(curve: readonly Point[]): Point[] {
  const step = Math.max(1, Math.ceil(curve.length / CURVE_POINTS))
  return curve.filter(({ age }) => age % step === step - 1 || age === curve.length - 1)
}

// P(weight <= k) of Poisson(1), as bounds for a whole number of 32 bits.
const bounds = (() => {
  let [term, sum] = [Math.exp(-1), 0]
  return Array.from({ length: 9 }, (_, k) => {
    sum += term
    term /= k + 1
    return sum * 2 ** 32
  })
})()

/** The member's weight in each replicate; 1 in the estimate itself. */
function drawWeights(memberId: string, weights: Uint8Array): void {
  // FNV-1a of the id seeds mulberry32: spread evenly, the same on every machine.
  let seed = 0x811c9dc5
  for (let index = 0; index < memberId.length; index += 1) {
    seed = Math.imul(seed ^ memberId.charCodeAt(index), 0x01000193)
  }
  weights[0] = 1
  for (let column = 1; column < COLUMNS; column += 1) {
    seed = (seed + 0x6d2b79f5) | 0
    let mixed = Math.imul(seed ^ (seed >>> 15), seed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    const uniform = (mixed ^ (mixed >>> 14)) >>> 0
    let weight = 0
    while (weight < bounds.length && uniform >= bounds[weight]!) weight += 1
    weights[column] = weight
  }
}
