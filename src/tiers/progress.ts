/**
 * What a member can be told about their tier: what is missing for the next one and for keeping this one,
 * by when, and where they land if nothing more happens. It asks the same functions that will decide.
 */
import type { Decimal } from '../base/points.ts'
import { addDays, addMonths, type Day, dayOf, startOfDay } from '../base/time.ts'
import type { Counter, Ladder, Tier } from '../program/program.ts'
import { assess, tierOf } from './assess.ts'
import { phaseOf } from './challenge.ts'
import { type CounterRow, countersOf } from './counters.ts'
import { type Assessed, countsIn } from './counting.ts'
import { type Missing, missingOf } from './criterion.ts'
import { type Period, periodAt, periodEndedBy } from './period.ts'
import type { Standing } from './standing.ts'

/** A tier to be had, what it still takes, and the instant before which it has to be there. */
export interface Goal {
  readonly tier: string
  readonly missing: readonly Missing[]
  readonly by: Date
}

export interface Progress {
  readonly period: { readonly from: Day; readonly to: Day }
  readonly counters: readonly { readonly counter: Counter; readonly value: Decimal }[]
  /** null on the highest tier */
  readonly toReach: Goal | null
  /** null where the tier cannot be lost; nothing missing where it is kept already */
  readonly toKeep: Goal | null
  /** the tier after the present one ends, as things stand; `at` is null where it does not end */
  readonly landing: { readonly tier: string; readonly at: Date | null }
}

export function progress(ladder: Ladder, input: Assessed): Progress {
  const { standing } = assess(ladder, input)
  const now = { ...input, standing }
  const period = periodAt(ladder, { ...input, startedAt: standing.since })
  const counts = countsIn(ladder, now, period)
  const rank = tierOf(ladder, standing.tier)?.rank ?? 0
  const next = ladder.tiers.find((tier) => tier.rank > rank)

  return {
    period: { from: period.from, to: period.to },
    counters: countersOf(ladder).map((counter) => ({ counter, value: counts(counter) })),
    toReach: next
      ? { tier: next.id, missing: missingOf(next.reach, counts), by: countedUntil(ladder, input, period) }
      : null,
    toKeep: toKeep(ladder, input, standing),
    landing: landing(ladder, input, standing),
  }
}

function toKeep(ladder: Ladder, input: Assessed, standing: Standing): Goal | null {
  const { until } = standing
  const tier: Tier | undefined = tierOf(ladder, standing.tier)
  if (until === null || !tier) return null
  const challenge = standing.state?.challenge
  const judged = periodEndedBy(ladder, { ...input, startedAt: standing.since, at: until })
  const asked = challenge ? phaseOf(ladder, challenge)?.reach : tier.keep
  const period = challenge ? { from: challenge.from, to: dayOf(input.timeZone, until) } : judged
  const counts = countsIn(ladder, { ...input, standing, at: until }, period)
  return { tier: tier.id, missing: missingOf(asked ?? null, counts), by: until }
}

function landing(ladder: Ladder, input: Assessed, standing: Standing): Progress['landing'] {
  if (standing.until === null) return { tier: standing.tier, at: null }
  const then = assess(ladder, { ...input, standing, at: standing.until })
  return { tier: then.standing.tier, at: standing.until }
}

/**
 * Until when what counts now still counts. A rolling window has no end of its own: the instant at which
 * the oldest day in it drops out; with nothing in it yet, the end of a window that begins today.
 */
function countedUntil(ladder: Ladder, input: Assessed, period: Period): Date {
  if (ladder.period.kind !== 'rolling') return period.endsAt
  const oldest = oldestDay(ladder, input.counters, period) ?? period.to
  return startOfDay(input.timeZone, addDays(lastDayWith(oldest, ladder.period.months), 1))
}

function oldestDay(ladder: Ladder, counters: readonly CounterRow[], period: Period): Day | null {
  const names: readonly string[] = countersOf(ladder)
  let oldest: Day | null = null
  for (const { counter, day } of counters) {
    const inWindow = day >= period.from && day <= period.to && names.includes(counter)
    if (inWindow && (oldest === null || day < oldest)) oldest = day
  }
  return oldest
}

/** The last day whose window of so many months still holds `oldest`. */
function lastDayWith(oldest: Day, months: number): Day {
  let last = addDays(addMonths(oldest, months), -1)
  // Months of different lengths share their last days: 31 March is in the one-month window of 30 April.
  while (addMonths(addDays(last, 1), -months) < oldest) last = addDays(last, 1)
  return last
}
