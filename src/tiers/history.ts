/**
 * Tier history from a business time on. A fact that arrives late changes what is known of its day, so the
 * ladder is climbed again from there, day by day, to the present.
 */
import { type Day, dayOf, startOfDay } from '../base/time.ts'
import type { Ladder } from '../program/program.ts'
import { assess, baseStanding } from './assess.ts'
import type { CounterRow } from './counters.ts'
import type { Standing, TierChange } from './standing.ts'

/** How a member stood on a ladder at an instant, from the changes before it (oldest first). */
export function standingAt(
  ladder: Ladder,
  input: { enrolledAt: Date; changes: readonly TierChange[]; at: Date },
): Standing {
  const changes = input.changes.filter(
    ({ ladder: id, effectiveAt }) => id === ladder.id && effectiveAt <= input.at,
  )
  return standingFrom(changes, input.enrolledAt).get(ladder.id) ?? baseStanding(ladder, input.enrolledAt)
}

/** The present standing on every ladder that a member has ever moved on, by ladder id. */
export function standingFrom(changes: readonly TierChange[], enrolledAt: Date): Map<string, Standing> {
  const standings = new Map<string, Standing>()
  for (const { ladder, from, to, effectiveAt, until } of changes) {
    const since = standings.get(ladder)?.since ?? enrolledAt
    standings.set(ladder, { ladder, tier: to, since: to === from ? since : effectiveAt, until })
  }
  return standings
}

/** Climbs from `standing` as it was at `from`, through every later day with facts, to `at`. */
export function climb(
  ladder: Ladder,
  input: {
    timeZone: string
    enrolledAt: Date
    standing: Standing
    counters: readonly CounterRow[]
    from: Date
    at: Date
  },
): { standing: Standing; changes: TierChange[] } {
  let { standing } = input
  const changes: TierChange[] = []
  for (const instant of instantsOf(input)) {
    const today = dayOf(input.timeZone, instant)
    const counters = input.counters.filter(({ day }) => day <= today)
    const step = assess(ladder, { ...input, standing, counters, at: instant })
    standing = step.standing
    changes.push(...step.changes)
  }
  return { standing, changes }
}

function instantsOf(input: {
  timeZone: string
  counters: readonly CounterRow[]
  from: Date
  at: Date
}): Date[] {
  const first = dayOf(input.timeZone, input.from)
  const days = new Set<Day>(input.counters.map(({ day }) => day).filter((day) => day > first))
  const later = [...days].sort().map((day) => startOfDay(input.timeZone, day))
  const last = input.at > input.from ? [input.at] : []
  return [input.from, ...later.filter((instant) => instant < input.at), ...last]
}
