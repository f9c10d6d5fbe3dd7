/**
 * Assessment: deciding a tier at an instant. A tier is reached at once and kept to the end of its
 * validity; then the ladder's past period decides. Assessing twice at one instant changes nothing more.
 */
import { invariant } from '../base/errors.ts'
import { type Day, dayOf } from '../base/time.ts'
import type { Counter, Ladder, Tier } from '../program/program.ts'
import { type CounterRow, sumOf } from './counters.ts'
import { type Counts, isMet, tally } from './criterion.ts'
import { keptWhenAssessed, keptWhenReached, type Period, periodAt, periodEndedBy } from './period.ts'
import type { Standing, TierChange } from './standing.ts'

export interface Assessed {
  readonly timeZone: string
  readonly enrolledAt: Date
  readonly standing: Standing
  /** of the days from `countersNeededFrom` on; other counters and other days do no harm */
  readonly counters: readonly CounterRow[]
  readonly at: Date
}

export interface Assessment {
  readonly standing: Standing
  readonly changes: TierChange[]
}

/** Where everybody begins: the lowest tier, since enrolment, without end. */
export function baseStanding(ladder: Ladder, enrolledAt: Date): Standing {
  return { ladder: ladder.id, tier: baseOf(ladder).id, since: enrolledAt, until: null }
}

function baseOf(ladder: Ladder): Tier {
  const base = ladder.tiers[0]
  invariant(base, 'a ladder has a lowest tier')
  return base
}

/** The tier of a standing; undefined where newer rules no longer have it. */
export function tierOf(ladder: Ladder, id: string): Tier | undefined {
  return ladder.tiers.find((tier) => tier.id === id)
}

/** What the counters say for one period. */
export function valuesIn(counters: readonly CounterRow[], period: { from: Day; to: Day }): Counts {
  return (counter: Counter) => sumOf(counters, counter, period.from, period.to)
}

/** The first business day that `assess` looks at: counters of earlier days need not be read. */
export function countersNeededFrom(ladder: Ladder, input: Omit<Assessed, 'counters'>): Day {
  const { until } = input.standing
  const running = periodAt(ladder, input)
  // Periods follow one another: the one that a past end is judged by begins before the running one.
  return until === null || until > input.at
    ? running.from
    : periodEndedBy(ladder, { ...input, at: until }).from
}

/**
 * Everything that happens to one standing by `at`: due ends in order (kept or lowered), then a higher tier
 * if it is earned. No change: an empty list.
 */
export function assess(ladder: Ladder, input: Assessed): Assessment {
  const changes: TierChange[] = []
  let standing = input.standing

  const take = (change: TierChange | null): void => {
    if (change === null) return
    changes.push(change)
    const since = change.direction === 'renewed' ? standing.since : change.effectiveAt
    standing = { ladder: ladder.id, tier: change.to, since, until: change.until }
  }

  take(withdrawn(ladder, input))
  while (standing.until !== null && standing.until <= input.at) {
    const end = standing.until
    take(atEnd(ladder, { ...input, standing, at: end }))
    // Each end leads to a later one or to none, so the loop comes to `at`.
    invariant(standing.until === null || standing.until > end, 'a kept tier is kept beyond its old end')
  }
  take(upgrade(ladder, { ...input, standing }))
  return { standing, changes }
}

/** A tier that the rules in force no longer have: the member stands on the lowest, and may rise from there. */
function withdrawn(ladder: Ladder, { standing, at }: Assessed): TierChange | null {
  if (tierOf(ladder, standing.tier)) return null
  return {
    ladder: ladder.id,
    from: standing.tier,
    to: baseOf(ladder).id,
    direction: 'down',
    effectiveAt: at,
    until: null,
    reason: `the rules in force have no tier ${standing.tier}`,
  }
}

/** What the end of a validity brings; `at` is that end. */
function atEnd(ladder: Ladder, input: Assessed): TierChange {
  const { standing, at } = input
  const tier = tierOf(ladder, standing.tier)
  invariant(tier, 'a withdrawn tier was dealt with before')
  const period = periodEndedBy(ladder, input)
  const counts = valuesIn(input.counters, period)
  const kept = ladder.downgrade === 'never' || isMet(tier.keep, counts)
  const lower = kept ? tier : below(ladder, tier, counts)
  // What the running period has reached already is had at once, not only when somebody looks next.
  const reached = kept
    ? null
    : reachedIn(ladder, before(input), (other) => other.rank > lower.rank && other.rank <= tier.rank)
  if (reached) {
    return {
      ...reached,
      from: tier.id,
      direction: reached.to === tier.id ? 'renewed' : 'down',
    }
  }

  return {
    ladder: ladder.id,
    from: tier.id,
    to: lower.id,
    direction: kept ? 'renewed' : 'down',
    effectiveAt: at,
    until: lower.rank === 0 ? null : keptWhenAssessed(ladder, input),
    reason:
      ladder.downgrade === 'never'
        ? 'tiers of this ladder are never lost'
        : `${kept ? 'kept' : 'missed'} ${tier.id}: ${tally(tier.keep, counts)}, ${span(period)}`,
  }
}

// An end is the first instant of a day, and nothing of that day has happened yet.
function before(input: Assessed): Assessed {
  const today = dayOf(input.timeZone, input.at)
  return { ...input, counters: input.counters.filter(({ day }) => day < today) }
}

/** Where a tier that was missed leads: one step down, or to the highest that the same period would have kept. */
function below(ladder: Ladder, tier: Tier, counts: Counts): Tier {
  const tiers = ladder.tiers.filter((other) => other.rank < tier.rank)
  const landing =
    ladder.downgrade === 'one_step'
      ? tiers.at(-1)
      : tiers.findLast((other) => other.rank === 0 || isMet(other.keep, counts))
  return landing ?? baseOf(ladder)
}

/** The highest tier above the present one that the running period has reached. */
function upgrade(ladder: Ladder, input: Assessed): TierChange | null {
  const rank = tierOf(ladder, input.standing.tier)?.rank ?? 0
  return reachedIn(ladder, input, (tier) => tier.rank > rank)
}

/** The highest of some tiers that the running period has reached. */
function reachedIn(ladder: Ladder, input: Assessed, some: (tier: Tier) => boolean): TierChange | null {
  const { standing, at } = input
  const period = periodAt(ladder, input)
  const counts = valuesIn(input.counters, period)
  const reached = ladder.tiers.findLast((tier) => some(tier) && isMet(tier.reach, counts))
  if (!reached) return null

  return {
    ladder: ladder.id,
    from: standing.tier,
    to: reached.id,
    direction: 'up',
    effectiveAt: at,
    until: keptWhenReached(ladder, input),
    reason: `reached ${reached.id}: ${tally(reached.reach, counts)}, ${span(period)}`,
  }
}

function span(period: Period): string {
  return `${period.from} to ${period.to}`
}
