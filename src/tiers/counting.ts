/**
 * What counts for a tier: the counters of a period less what an upgrade used up, plus what was carried over,
 * in a stretch of its own where a criterion says so; and the tally that a change of tier leaves behind.
 */
import { Decimal } from '../base/points.ts'
import { addDays, addMonths, type Day, dayOf } from '../base/time.ts'
import type { Counter, Criterion, Ladder, Stretch, Tier } from '../program/program.ts'
import { carriedOver } from '../program/rollover.ts'
import type { FieldValue } from '../rules/facts.ts'
import { type CounterRow, countersOf, sumEver, sumOf } from './counters.ts'
import { type Counts, costOf } from './criterion.ts'
import { joinedFrom, type Period, periodAt } from './period.ts'
import type { Standing, TierState } from './standing.ts'

export interface Assessed {
  readonly timeZone: string
  readonly enrolledAt: Date
  readonly standing: Standing
  /** of the days from `countersNeededFrom` on; other counters and other days do no harm */
  readonly counters: readonly CounterRow[]
  readonly at: Date
  /** the member's, for criteria that ask for them */
  readonly attributes?: Readonly<Record<string, FieldValue>>
}

type Tally = NonNullable<TierState['tally']>

/** What the counters say for a period. */
export function countsIn(ladder: Ladder, input: Assessed, period: Pick<Period, 'from' | 'to'>): Counts {
  const { counters, standing } = input
  const tally = tallyFor(standing, period)
  return (counter, within) => {
    if (counter.startsWith('attribute:')) return hasAttribute(input, counter)
    if (within) return countedWithin(ladder, input, { counter, within, period })
    const counted = sumOf(counters, counter, tally?.from ?? period.from, period.to)
    return tally ? counted.minus(tally.spent[counter] ?? 0) : counted
  }
}

/** The tally holds for the period in which it was made, and no longer. */
function tallyFor({ state }: Standing, { to }: Pick<Period, 'to'>): Tally | null {
  const tally = state?.tally
  return tally && to >= tally.from && to <= tally.through ? tally : null
}

function hasAttribute({ attributes = {} }: Assessed, counter: string): Decimal {
  const [name = '', ...value] = counter.slice('attribute:'.length).split('=')
  const held = attributes[name]
  return new Decimal(held !== undefined && held !== null && String(held) === value.join('=') ? 1 : 0)
}

interface Windowed {
  readonly counter: Counter
  readonly within: Stretch
  readonly period: Pick<Period, 'from' | 'to'>
}

function countedWithin(ladder: Ladder, input: Assessed, { counter, within, period }: Windowed): Decimal {
  const { counters } = input
  // The running period goes on, but what happens tomorrow has not happened.
  const today = dayOf(input.timeZone, input.at)
  const to = period.to < today ? period.to : today
  if (within.kind === 'ever') return sumEver(counters, counter, to)
  const from =
    within.kind === 'months'
      ? addDays(addMonths(to, -within.count), 1)
      : periodsBack(ladder, input, { within, period })
  return sumOf(counters, counter, from, period.to)
}

function periodsBack(
  ladder: Ladder,
  input: Assessed,
  { within, period }: { within: { count: number }; period: Pick<Period, 'from' | 'to'> },
): Day {
  const calendar = { ...input, startedAt: input.standing.since }
  return joinedFrom(ladder, calendar, { last: { ...period, endsAt: input.at }, count: within.count })
}

/** Counting of a kind that leaves a tally behind. */
export function keepsTally({ counting, period }: Ladder): boolean {
  return counting === 'spent' || period.kind === 'tier_start'
}

/**
 * After an upgrade: what it took is used up and the surplus is kept; or, where periods begin with the tier,
 * everything counted so far is over. `period` is the one that the upgrade was reached in.
 */
export function afterUpgrade(
  ladder: Ladder,
  input: Assessed,
  { tier, period, counts }: { tier: Tier; period: Period; counts: Counts },
): TierState | null {
  if (!keepsTally(ladder)) return null
  const before = tallyFor(input.standing, period)
  const day = dayOf(input.timeZone, input.at)
  const next = periodAt(ladder, { ...input, startedAt: input.at })
  if (ladder.counting === 'spent') {
    const spent = { ...before?.spent }
    for (const [counter, amount] of costOf(tier.reach, counts))
      spent[counter] = amount.plus(spent[counter] ?? 0).toFixed()
    return { tally: { from: before?.from ?? period.from, through: next.to, spent } }
  }
  const spent: Record<string, string> = {}
  for (const counter of countersOf(ladder)) {
    const today = sumOf(input.counters, counter, day, day)
    if (!today.isZero()) spent[counter] = today.toFixed()
  }
  return { tally: { from: day, through: next.to, spent } }
}

/** After a tier was kept: what is over its threshold goes on into the next period, as far as it may. */
export function afterRenewal(
  ladder: Ladder,
  input: Assessed,
  { tier, criterion, counts }: { tier: Tier; criterion: Criterion | null; counts: Counts },
): TierState | null {
  const { rollover } = ladder
  if (rollover === null) return null
  const spent: Record<string, string> = {}
  for (const [counter, cost] of costOf(criterion, counts)) {
    const surplus = counts(counter).minus(cost)
    const carried = surplus.greaterThan(0) ? carriedOver(rollover, tier.id, surplus) : new Decimal(0)
    if (!carried.isZero()) spent[counter] = carried.negated().toFixed()
  }
  if (Object.keys(spent).length === 0) return null
  const next = periodAt(ladder, { ...input, startedAt: input.standing.since })
  return { tally: { from: next.from, through: next.to, spent } }
}
