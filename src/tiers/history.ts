/** How a member stood on a ladder, read from the changes that hold. */
import type { Ladder } from '../program/program.ts'
import { afterChange, baseStanding } from './assess.ts'
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

/**
 * The tier that a fact of an instant meets. What rises at that very instant does so by a fact of the same
 * instant, and of two such facts neither comes first: otherwise the order of arrival would decide.
 */
export function standingMet(
  ladder: Ladder,
  input: { enrolledAt: Date; changes: readonly TierChange[]; at: Date },
): Standing {
  const changes = input.changes.filter(
    ({ direction, effectiveAt }) => direction !== 'up' || effectiveAt < input.at,
  )
  return standingAt(ladder, { ...input, changes })
}

/** The present standing on every ladder that a member has ever moved on, by ladder id. */
export function standingFrom(changes: readonly TierChange[], enrolledAt: Date): Map<string, Standing> {
  const standings = new Map<string, Standing>()
  for (const change of changes) {
    const { ladder, from } = change
    const before = standings.get(ladder) ?? { ladder, tier: from, since: enrolledAt, until: null }
    standings.set(ladder, afterChange(before, change))
  }
  return standings
}
