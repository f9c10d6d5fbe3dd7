/** A member's standing on one ladder: the tier, since when, until when it is kept, and what it rests on. */
import { type Day, showInstant } from '../base/time.ts'

export interface Standing {
  readonly ladder: string
  readonly tier: string
  readonly since: Date
  /** when it is assessed again; null for the base tier and where tiers are never lost */
  readonly until: Date | null
  readonly state?: TierState | null
}

/** What a standing rests on beside the counters of its period. JSON-ready; most standings have none. */
export interface TierState {
  /** counters that were used up or carried over: in periods up to `through` they are counted from `from` on */
  readonly tally?: {
    readonly from: Day
    readonly through: Day
    /** by counter, a decimal: taken off what was counted; below zero where it was carried over */
    readonly spent: Readonly<Record<string, string>>
  }
  /** the period that was missed, while its tier is kept to make up for it */
  readonly grace?: { readonly from: Day; readonly to: Day }
  /** a tier in advance, and how far its member has come */
  readonly challenge?: { readonly id: string; readonly phase: number; readonly from: Day }
  /** given by hand: automation leaves it alone until it ends or is released */
  readonly manual?: true
  /** decided by a person, so that climbing the ladder again does not decide it otherwise */
  readonly byHand?: true
}

export interface TierChange {
  readonly ladder: string
  readonly from: string
  readonly to: string
  readonly direction: 'up' | 'down' | 'renewed'
  readonly effectiveAt: Date
  readonly until: Date | null
  /** one sentence: which criterion was met, or which was missed */
  readonly reason: string
  readonly state?: TierState | null
}

export interface WireTier {
  ladder: string
  tier: string
  since: string
  until: string | null
}

export interface WireTierChange {
  ladder: string
  from: string
  to: string
  direction: 'up' | 'down'
}

export function wireTier(standing: Standing): WireTier {
  return {
    ladder: standing.ladder,
    tier: standing.tier,
    since: showInstant(standing.since),
    until: standing.until === null ? null : showInstant(standing.until),
  }
}
