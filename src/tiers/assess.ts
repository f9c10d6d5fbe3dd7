/**
 * Assessment: deciding a tier at an instant. A tier is reached at once or with the next period, and kept to
 * the end of its validity; then the ladder's past period decides. Assessing twice at one instant changes
 * nothing more.
 */
import { invariant } from '../base/errors.ts'
import { addDays, addMonths, type Day, dayOf, startOfDay } from '../base/time.ts'
import { type Ladder, longestStretch, type Tier } from '../program/program.ts'
import { endOfPhase, phaseOf } from './challenge.ts'
import { countersAsOf } from './counters.ts'
import { type Assessed, afterRenewal, afterUpgrade, countsIn, keepsTally } from './counting.ts'
import { type Counts, isMet, tally } from './criterion.ts'
import { keptWhenAssessed, keptWhenReached, type Period, periodAt, periodEndedBy } from './period.ts'
import type { Standing, TierChange, TierState } from './standing.ts'

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

/** The first business day that `assess` looks at: counters of earlier days need not be read. */
export function countersNeededFrom(ladder: Ladder, input: Omit<Assessed, 'counters'>): Day {
  const { until, since, state } = input.standing
  const calendar = { ...input, startedAt: since }
  const running = periodAt(ladder, calendar)
  // Periods follow one another: the one that a past end is judged by begins before the running one.
  const judged =
    until !== null && until <= input.at ? periodEndedBy(ladder, { ...calendar, at: until }) : running
  const last = ladder.upgrade === 'next_period' ? periodEndedBy(ladder, calendar) : judged
  const days = [
    running.from,
    judged.from,
    last.from,
    state?.tally?.from,
    state?.grace?.from,
    state?.challenge?.from,
  ]
  const first = days.flatMap((day) => day ?? []).sort()[0]!
  return addMonths(first, -longestStretch(ladder))
}

/**
 * Everything that happens to one standing by `at`: due ends in order (kept or lowered), then a higher tier
 * if it is earned. No change: an empty list.
 */
export function assess(ladder: Ladder, input: Assessed): Assessment {
  const changes: TierChange[] = []
  let standing = input.standing

  const take = (change: TierChange | null): boolean => {
    if (change === null) return false
    changes.push(change)
    standing = afterChange(standing, change)
    return true
  }

  take(withdrawn(ladder, input))
  if (isLeftAlone(standing, input.at)) return { standing, changes }
  while (standing.until !== null && standing.until <= input.at) {
    const end = standing.until
    take(atEnd(ladder, { ...input, standing, at: end }))
    // Each end leads to a later one or to none, so the loop comes to `at`.
    invariant(standing.until === null || standing.until > end, 'a kept tier is kept beyond its old end')
  }
  // Where upgrades use counters up, one rung is climbed after the other; there are fewer than a hundred.
  while (take(upgrade(ladder, { ...input, standing })) && ladder.counting === 'spent');
  return { standing, changes }
}

/** The standing that a change leads to; a renewal leaves its beginning where it was. */
export function afterChange(standing: Standing, change: TierChange): Standing {
  const since = change.from === change.to ? standing.since : change.effectiveAt
  const { ladder, until } = change
  return { ladder, tier: change.to, since, until, ...(change.state && { state: change.state }) }
}

/** A tier given by hand stays until it ends or is released. */
function isLeftAlone({ state, until }: Standing, at: Date): boolean {
  return state?.manual === true && (until === null || until > at)
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
  if (standing.state?.challenge) return atPhaseEnd(ladder, tier, input)
  const calendar = { ...input, startedAt: standing.since }
  const { grace } = standing.state ?? {}
  const judged = periodEndedBy(ladder, calendar)
  // What is done while a missed tier is kept counts for the period that was missed.
  const period = grace ? { ...judged, from: grace.from, to: addDays(dayOf(input.timeZone, at), -1) } : judged
  const counts = countsIn(ladder, input, period)
  const kept = ladder.downgrade === 'never' || isMet(tier.keep, counts)
  const common = { ladder: ladder.id, from: tier.id, effectiveAt: at }
  const told = `${tier.id}: ${tally(tier.keep, counts)}, ${span(period)}`
  if (kept) {
    const state = afterRenewal(ladder, input, { tier, criterion: tier.keep, counts })
    const reason = ladder.downgrade === 'never' ? 'tiers of this ladder are never lost' : `kept ${told}`
    const until = tier.rank === 0 ? null : keptWhenAssessed(ladder, calendar)
    return { ...common, to: tier.id, direction: 'renewed', until, reason, ...(state && { state }) }
  }
  const landing = lower(ladder, tier, counts)
  // What the running period has reached already is had at once, not only when somebody looks next.
  const reached = reachedMeanwhile(ladder, input, { above: landing, upTo: tier })
  if (reached) return { ...reached, from: tier.id, direction: reached.to === tier.id ? 'renewed' : 'down' }
  if (ladder.graceMonths > 0 && !grace) {
    const until = startOfDay(input.timeZone, addMonths(dayOf(input.timeZone, at), ladder.graceMonths))
    const state: TierState = { ...standing.state, grace: { from: period.from, to: period.to } }
    return {
      ...common,
      to: tier.id,
      direction: 'renewed',
      until,
      state,
      reason: `missed ${told}; a time of grace`,
    }
  }
  const until = landing.rank === 0 ? null : keptWhenAssessed(ladder, { ...calendar, startedAt: at })
  return { ...common, to: landing.id, direction: 'down', until, reason: `missed ${told}` }
}

/** The end of a challenge's phase: the next one, the tier for as long as one that was reached, or its loss. */
function atPhaseEnd(ladder: Ladder, tier: Tier, input: Assessed): TierChange {
  const { at, standing } = input
  const common = { ladder: ladder.id, from: tier.id, effectiveAt: at }
  const running = standing.state!.challenge!
  const phase = phaseOf(ladder, running)
  const to = addDays(dayOf(input.timeZone, at), -1)
  const counts = countsIn(ladder, input, { from: running.from, to })
  const told = `${tally(phase?.reach ?? null, counts)}, ${running.from} to ${to}`
  if (phase && isMet(phase.reach, counts)) {
    const further = { id: running.id, phase: running.phase + 1, from: dayOf(input.timeZone, at) }
    const next = phaseOf(ladder, further)
    if (next) {
      const until = endOfPhase(next, { timeZone: input.timeZone, from: further.from })
      const reason = `phase ${further.phase} of ${running.id} done: ${told}`
      return { ...common, to: tier.id, direction: 'renewed', until, reason, state: { challenge: further } }
    }
    const until = keptWhenReached(ladder, { ...input, startedAt: standing.since })
    return {
      ...common,
      to: tier.id,
      direction: 'renewed',
      until,
      reason: `challenge ${running.id} done: ${told}`,
    }
  }
  const period = periodEndedBy(ladder, { ...input, startedAt: standing.since })
  const earned = countsIn(ladder, input, period)
  const landing = ladder.tiers.findLast(
    (other) => other.rank < tier.rank && (other.rank === 0 || isMet(other.reach, earned)),
  )
  const to_ = landing ?? baseOf(ladder)
  const until = to_.rank === 0 ? null : keptWhenAssessed(ladder, { ...input, startedAt: at })
  return {
    ...common,
    to: to_.id,
    direction: 'down',
    until,
    reason: `challenge ${running.id} missed: ${told}`,
  }
}

/**
 * Where a tier that was missed leads: one step down (only who meets the condition, where there is one), or
 * to the highest that the same period would have kept.
 */
function lower(ladder: Ladder, tier: Tier, counts: Counts): Tier {
  const below = ladder.tiers.filter((other) => other.rank < tier.rank)
  const soft = ladder.downgrade === 'one_step' && isMet(ladder.softLanding, counts)
  const landing = soft
    ? below.at(-1)
    : below.findLast((other) => other.rank === 0 || isMet(other.keep, counts))
  return landing ?? baseOf(ladder)
}

/** An end is the first instant of a day, and nothing of that day has happened yet. */
function reachedMeanwhile(
  ladder: Ladder,
  input: Assessed,
  { above, upTo }: { above: Tier; upTo: Tier },
): TierChange | null {
  if (ladder.upgrade === 'next_period' || keepsTally(ladder)) return null
  const today = dayOf(input.timeZone, input.at)
  const before = { ...input, counters: countersAsOf(input.counters, addDays(today, -1)) }
  return reachedIn(ladder, before, (tier) => tier.rank > above.rank && tier.rank <= upTo.rank)
}

/** The highest tier above the present one that has been reached; the next one, where upgrades use counters up. */
function upgrade(ladder: Ladder, input: Assessed): TierChange | null {
  const rank = tierOf(ladder, input.standing.tier)?.rank ?? 0
  const spent = ladder.counting === 'spent'
  return reachedIn(ladder, input, (tier) => (spent ? tier.rank === rank + 1 : tier.rank > rank))
}

/** The highest of some tiers that the period in question has reached. */
function reachedIn(ladder: Ladder, input: Assessed, some: (tier: Tier) => boolean): TierChange | null {
  const { standing } = input
  const calendar = { ...input, startedAt: standing.since }
  const later = ladder.upgrade === 'next_period'
  const period = later ? periodEndedBy(ladder, calendar) : periodAt(ladder, calendar)
  // A period that was over before the present standing began has been decided on already.
  if (later && period.endsAt < standing.since) return null
  const counts = countsIn(ladder, input, period)
  const reached = ladder.tiers.findLast((tier) => some(tier) && isMet(tier.reach, counts))
  if (!reached) return null
  const at = later ? period.endsAt : input.at
  const state = later ? null : afterUpgrade(ladder, input, { tier: reached, period, counts })
  return {
    ladder: ladder.id,
    from: standing.tier,
    to: reached.id,
    direction: 'up',
    effectiveAt: at,
    until: keptWhenReached(ladder, { ...input, at, startedAt: at }),
    reason: `reached ${reached.id}: ${tally(reached.reach, counts)}, ${span(period)}`,
    ...(state && { state }),
  }
}

/** When a tier that the running period has reached already begins; null where none does. */
export function upgradeDue(ladder: Ladder, input: Assessed): Date | null {
  if (ladder.upgrade === 'at_once' || isLeftAlone(input.standing, input.at)) return null
  const period = periodAt(ladder, { ...input, startedAt: input.standing.since })
  const counts = countsIn(ladder, input, period)
  const rank = tierOf(ladder, input.standing.tier)?.rank ?? 0
  return ladder.tiers.some((tier) => tier.rank > rank && isMet(tier.reach, counts)) ? period.endsAt : null
}

function span(period: Pick<Period, 'from' | 'to'>): string {
  return `${period.from} to ${period.to}`
}
