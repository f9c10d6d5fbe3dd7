/**
 * A member's way up and down the ladders in whole numbers, for ladders whose periods are the same for everybody.
 * It comes to what the assessment of the engine comes to, fact by fact in the order of business; a test holds the
 * two together. The calendar is the engine's own, asked once for each day.
 */
import { dayNumbered, dayNumberOf, numberOfDay, startOfDay } from '../base/time.ts'
import type { Counter, Criterion, Ladder, Program } from '../program/program.ts'
import type { MemberFacts } from '../rules/facts.ts'
import { PARTS, partsOf, safe } from '../rules/parts.ts'
import type { CounterRow } from '../tiers/counters.ts'
import { keepsTally } from '../tiers/counting.ts'
import { keptWhenAssessed, keptWhenReached, periodAt } from '../tiers/period.ts'
import { baseTiers, type Counted, type Tiers } from './tier-walk.ts'

/** A criterion of thresholds in ten-thousandths. */
type Bar =
  | { readonly counter: number; readonly atLeast: number }
  | { readonly of: readonly Bar[]; readonly least: number }

interface Rung {
  readonly id: string
  readonly reach: Bar | null
  readonly keep: Bar | null
}

/** Days from `from` to `to`, both included, as numbers. */
interface Days {
  readonly from: number
  readonly to: number
}

/** A ladder as it can be climbed in numbers. */
class Steps {
  readonly id: string
  /** lowest first; their places are their ranks */
  readonly rungs: readonly Rung[]
  readonly softLanding: Bar | null
  readonly downgrade: Ladder['downgrade']
  readonly #ladder: Ladder
  readonly #timeZone: string
  readonly #periods = new Map<number, Days>()
  readonly #reached = new Map<number, number>()
  readonly #assessed = new Map<number, number>()

  constructor(ladder: Ladder, timeZone: string, barOf: (criterion: Criterion | null) => Bar | null) {
    this.id = ladder.id
    this.rungs = ladder.tiers.map(({ id, reach, keep }) => ({ id, reach: barOf(reach), keep: barOf(keep) }))
    this.softLanding = barOf(ladder.softLanding)
    this.downgrade = ladder.downgrade
    this.#ladder = ladder
    this.#timeZone = timeZone
  }

  /** The period that a day lies in. A rolling one ends with it. */
  period(day: number): Days {
    return remembered(this.#periods, day, () => {
      const { from, to } = periodAt(this.#ladder, this.#calendar(day))
      return { from: numberOfDay(from), to: numberOfDay(to) }
    })
  }

  /** The last period that is over when a day begins. */
  endedBy(day: number): Days {
    const period = this.period(day - 1)
    return period.to === day - 1 ? period : this.period(period.from - 1)
  }

  /** In milliseconds; infinity: without end. */
  keptWhenReached(day: number): number {
    return remembered(this.#reached, day, () => timeOf(keptWhenReached(this.#ladder, this.#calendar(day))))
  }

  keptWhenAssessed(day: number): number {
    return remembered(this.#assessed, day, () => timeOf(keptWhenAssessed(this.#ladder, this.#calendar(day))))
  }

  #calendar(day: number): { timeZone: string; enrolledAt: Date; at: Date } {
    const at = startOfDay(this.#timeZone, dayNumbered(day))
    return { timeZone: this.#timeZone, enrolledAt: at, at }
  }
}

function remembered<T>(answers: Map<number, T>, day: number, find: () => T): T {
  let answer = answers.get(day)
  if (answer === undefined) {
    answer = find()
    answers.set(day, answer)
  }
  return answer
}

function timeOf(at: Date | null): number {
  return at === null ? Number.POSITIVE_INFINITY : at.getTime()
}

/** The ladders of a program, and what they count. */
export interface Climbing {
  readonly ladders: readonly Steps[]
  readonly counters: readonly Counter[]
  readonly timeZone: string
  readonly base: MemberFacts['tiers']
}

/** Thrown where something cannot be told in numbers. */
export class TooFine extends Error {}

const known = new WeakMap<Program, { readonly climbing: Climbing | null }>()

/** Null: some ladder is not for numbers alone. One for all of a program's members: it keeps what it asked of days. */
export function climbingOf(program: Program): Climbing | null {
  let found = known.get(program)
  if (found === undefined) {
    found = { climbing: newClimbing(program) }
    known.set(program, found)
  }
  return found.climbing
}

function newClimbing(program: Program): Climbing | null {
  const { ladders, timeZone } = program
  const counters: Counter[] = []
  let isPlain = ladders.every(
    (ladder) =>
      (ladder.period.kind === 'rolling' || ladder.period.kind === 'calendar_year') &&
      !keepsTally(ladder) &&
      ladder.rollover === null &&
      ladder.graceMonths === 0 &&
      ladder.upgrade === 'at_once' &&
      ladder.tiers.every(({ rank }, place) => rank === place),
  )
  const barOf = (criterion: Criterion | null): Bar | null => {
    if (criterion === null) return null
    if (criterion.kind === 'counter') {
      const atLeast = partsOf(criterion.atLeast)
      isPlain &&= !criterion.within && !criterion.counter.startsWith('attribute:') && !Number.isNaN(atLeast)
      if (!counters.includes(criterion.counter)) counters.push(criterion.counter)
      return { counter: counters.indexOf(criterion.counter), atLeast }
    }
    const { kind, of } = criterion
    const least = kind === 'all' ? of.length : kind === 'any' ? 1 : criterion.atLeast
    return { of: of.map((part) => barOf(part)!), least }
  }
  const all = ladders.map((ladder) => new Steps(ladder, timeZone, barOf))
  return isPlain ? { ladders: all, counters, timeZone, base: baseTiers(program) } : null
}

/** What was counted on one day, by counter, in ten-thousandths. */
interface Counts {
  readonly day: number
  readonly values: number[]
}

interface Change {
  readonly ladder: number
  readonly rank: number
  readonly isUp: boolean
  readonly at: number
}

export class Climb implements Tiers {
  readonly #of: Climbing
  /** by day, ascending; of several facts of a day one sum */
  readonly #days: Counts[] = []
  readonly #totals: number[]
  readonly #ranks: number[]
  readonly #until: number[]
  /** oldest first */
  readonly #changes: Change[] = []

  constructor(of: Climbing) {
    this.#of = of
    this.#totals = of.counters.map(() => 0)
    this.#ranks = of.ladders.map(() => 0)
    this.#until = of.ladders.map(() => Number.POSITIVE_INFINITY)
  }

  count(_program: Program, { day, valuation }: Counted): void {
    const { counters } = this.#of
    for (let counter = 0; counter < counters.length; counter += 1) {
      const name = counters[counter]!
      if (name === 'spend') this.#add(counter, day, valuation.spendParts ?? partsOf(valuation.spend))
      else if (name === 'transactions') this.#add(counter, day, PARTS)
      else {
        for (const { currency, points } of valuation.awards)
          if (name === `points:${currency}`) this.#add(counter, day, Number(points) * PARTS)
      }
    }
  }

  less({ counter, day, value }: CounterRow): void {
    const index = this.#of.counters.indexOf(counter as Counter)
    if (index >= 0) this.#add(index, numberOfDay(day), partsOf(value))
  }

  #add(counter: number, day: number, value: number): void {
    let place = this.#days.length
    while (place > 0 && this.#days[place - 1]!.day > day) place -= 1
    let counts = place > 0 ? this.#days[place - 1]! : undefined
    if (counts?.day !== day) {
      counts = { day, values: this.#totals.map(() => 0) }
      if (place === this.#days.length) this.#days.push(counts)
      else this.#days.splice(place, 0, counts)
    }
    const total = safe(this.#totals[counter]! + value)
    // Of two sums that are safe the rest is too.
    if (Number.isNaN(total)) throw new TooFine()
    this.#totals[counter] = total
    counts.values[counter]! += value
  }

  step(date: Date): void {
    const { ladders, timeZone } = this.#of
    const at = date.getTime()
    for (let index = 0; index < ladders.length; index += 1) {
      while (this.#until[index]! <= at) this.#end(index, this.#until[index]!)
      if (this.#mayRise(index)) this.#rise(index, at, dayNumberOf(timeZone, date))
    }
  }

  met(date: Date): MemberFacts['tiers'] {
    if (this.#changes.length === 0) return this.#of.base
    const at = date.getTime()
    // What rises at that very instant does so by another fact.
    return new Map(
      this.#of.ladders.map(({ id, rungs }, index) => {
        const rank = this.#rankWhere(index, (change) => !change.isUp || change.at < at)
        return [id, { tier: rungs[rank]!.id, rank }]
      }),
    )
  }

  hasChangedSince(at: Date): boolean {
    const last = this.#changes.at(-1)
    return last !== undefined && last.at >= at.getTime()
  }

  tierAt({ id }: Ladder, at: Date): string {
    const index = this.#of.ladders.findIndex((steps) => steps.id === id)
    const time = at.getTime()
    return this.#of.ladders[index]!.rungs[this.#rankWhere(index, (change) => change.at <= time)]!.id
  }

  #rankWhere(ladder: number, counts: (change: Change) => boolean): number {
    for (let place = this.#changes.length - 1; place >= 0; place -= 1) {
      const change = this.#changes[place]!
      if (change.ladder === ladder && counts(change)) return change.rank
    }
    return 0
  }

  /** What is counted in any stretch of time is never more than what is counted in all. */
  #mayRise(index: number): boolean {
    const { rungs } = this.#of.ladders[index]!
    for (let rank = rungs.length - 1; rank > this.#ranks[index]!; rank -= 1)
      if (isMet(rungs[rank]!.reach, this.#totals)) return true
    return false
  }

  #rise(index: number, at: number, day: number): void {
    const steps = this.#of.ladders[index]!
    const rank = this.#ranks[index]!
    const counts = this.#countsIn(steps.period(day), day)
    let place = steps.rungs.length - 1
    while (place > rank && !isMet(steps.rungs[place]!.reach, counts)) place -= 1
    if (place > rank) this.#change(index, { rank: place, isUp: true, at }, steps.keptWhenReached(day))
  }

  #end(index: number, at: number): void {
    const steps = this.#of.ladders[index]!
    const day = dayNumberOf(this.#of.timeZone, new Date(at))
    const rank = this.#ranks[index]!
    const counts = this.#countsIn(steps.endedBy(day), day)
    if (steps.downgrade === 'never' || isMet(steps.rungs[rank]!.keep, counts)) {
      this.#change(index, { rank, isUp: false, at }, rank === 0 ? ALWAYS : steps.keptWhenAssessed(day))
      return
    }
    const landing = this.#landing(steps, rank, counts)
    // What the running period has reached by the day before is had at once.
    const meanwhile = this.#countsIn(steps.period(day), day - 1)
    let reached = rank
    while (reached > landing && !isMet(steps.rungs[reached]!.reach, meanwhile)) reached -= 1
    const until =
      reached > landing ? steps.keptWhenReached(day) : landing === 0 ? ALWAYS : steps.keptWhenAssessed(day)
    this.#change(index, { rank: reached, isUp: false, at }, until)
  }

  #landing({ downgrade, softLanding, rungs }: Steps, rank: number, counts: readonly number[]): number {
    if (rank === 0) return 0
    if (downgrade === 'one_step' && isMet(softLanding, counts)) return rank - 1
    let landing = rank - 1
    while (landing > 0 && !isMet(rungs[landing]!.keep, counts)) landing -= 1
    return landing
  }

  #change(index: number, change: Omit<Change, 'ladder'>, until: number): void {
    this.#changes.push({ ladder: index, ...change })
    this.#ranks[index] = change.rank
    this.#until[index] = until
  }

  /** What was counted in a period, up to a day. */
  #countsIn({ from, to }: Days, upTo: number): readonly number[] {
    const sums = this.#totals.map(() => 0)
    const last = Math.min(to, upTo)
    for (let place = this.#days.length - 1; place >= 0; place -= 1) {
      const { day, values } = this.#days[place]!
      if (day < from) break
      if (day <= last)
        for (let counter = 0; counter < sums.length; counter += 1) sums[counter]! += values[counter]!
    }
    return sums
  }
}

const ALWAYS = Number.POSITIVE_INFINITY

function isMet(bar: Bar | null, counts: readonly number[]): boolean {
  if (bar === null) return true
  if ('counter' in bar) return counts[bar.counter]! >= bar.atLeast
  let met = 0
  for (const part of bar.of) if (isMet(part, counts)) met += 1
  return met >= bar.least
}
