/**
 * What a person decides about a tier: a tier given by hand, a challenge (a tier in advance), or its release.
 * Each becomes a change of the ladder that climbing it again leaves in its place.
 */
import { DomainError } from '../base/errors.ts'
import { didYouMean } from '../base/nearest.ts'
import { addDays, addMonths, type Day, dayOf, startOfDay } from '../base/time.ts'
import type { Ladder, Phase } from '../program/program.ts'
import type { Standing, TierChange, TierState } from './standing.ts'

/** What is wanted: a tier (until an instant, or until it is released), a challenge, or automation again. */
export type ByHand =
  | { readonly tier: string; readonly until: Date | null; readonly reason: string }
  | { readonly challenge: string; readonly reason: string }
  | { readonly release: true; readonly reason: string }

/** The phase that a challenge is in; undefined after the last one, or where the rules no longer have it. */
export function phaseOf(ladder: Ladder, running: { id: string; phase: number }): Phase | undefined {
  return ladder.challenges.find(({ id }) => id === running.id)?.phases[running.phase]
}

export function endOfPhase({ length }: Phase, { timeZone, from }: { timeZone: string; from: Day }): Date {
  const { count, unit } = length
  return startOfDay(timeZone, unit === 'day' ? addDays(from, count) : addMonths(from, count))
}

/** The change that follows. Refuses `tier_not_found` for what the ladder does not have. */
export function decideByHand(
  ladder: Ladder,
  input: { standing: Standing; wanted: ByHand; timeZone: string; at: Date },
): TierChange {
  const { standing, wanted, timeZone, at } = input
  const change = (to: string, rest: { until: Date | null; state: TierState }): TierChange => {
    const rank = (tier: string) => ladder.tiers.findIndex(({ id }) => id === tier)
    const apart = rank(to) - rank(standing.tier)
    const direction = apart > 0 ? 'up' : apart < 0 ? 'down' : 'renewed'
    return {
      ladder: ladder.id,
      from: standing.tier,
      to,
      direction,
      effectiveAt: at,
      reason: wanted.reason,
      ...rest,
    }
  }
  if ('release' in wanted) {
    // Judged at once by what was counted, as at the end of a validity; the lowest tier has none.
    const isBase = standing.tier === ladder.tiers[0]?.id
    return change(standing.tier, { until: isBase ? null : at, state: { byHand: true } })
  }
  if ('tier' in wanted) {
    const tiers = ladder.tiers.map(({ id }) => id)
    if (!tiers.includes(wanted.tier)) throw unknownTier('tier', wanted.tier, tiers)
    return change(wanted.tier, { until: wanted.until, state: { manual: true, byHand: true } })
  }
  const ids = ladder.challenges.map(({ id }) => id)
  const challenge = ladder.challenges.find(({ id }) => id === wanted.challenge)
  const first = challenge?.phases[0]
  if (!challenge || !first) throw unknownTier('challenge', wanted.challenge, ids)
  const from = dayOf(timeZone, at)
  const state: TierState = { challenge: { id: challenge.id, phase: 0, from }, byHand: true }
  return change(challenge.tier, { until: endOfPhase(first, { timeZone, from }), state })
}

function unknownTier(what: string, wanted: string, known: readonly string[]): DomainError {
  const hint = didYouMean(wanted, known)
  return new DomainError('tier_not_found', { [what]: wanted, known, ...(hint && { hint }) })
}
