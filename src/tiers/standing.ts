/** A member's standing on one ladder: the tier, since when, and until when it is kept. */

export interface Standing {
  readonly ladder: string
  readonly tier: string
  readonly since: Date
  /** when it is assessed again; null for the base tier and where tiers are never lost */
  readonly until: Date | null
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
    since: standing.since.toISOString(),
    until: standing.until?.toISOString() ?? null,
  }
}
