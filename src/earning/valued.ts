/**
 * What is kept with a transaction so that a return, years later and under other rules, can be valued
 * against the day of the sale: the member's facts, what limits had used, and what was awarded. JSON-ready.
 * The trace is not kept: the same facts under the same version give it again whenever it is asked for.
 */
import { Decimal } from '../base/points.ts'
import { showInstant } from '../base/time.ts'
import type { Award, FieldValue, LimitUse, MemberFacts, Valuation } from '../rules/facts.ts'

export interface KeptAward {
  rule: string
  currency: string
  points: number
  lineId?: string
  explanation: string
}

export interface KeptUse {
  limit: string
  period: string
  points: number
}

export interface KeptValuation {
  member: {
    enrolledAt: string
    attributes: Readonly<Record<string, FieldValue>>
    tiers: Record<string, { tier: string; rank: number }>
    segments?: readonly string[]
    promotions?: readonly string[]
  }
  /** what the limits had used before */
  used: KeptUse[]
  /** what this transaction used of them */
  uses: KeptUse[]
  awards: KeptAward[]
  /** the lot that each currency went into */
  lots: Record<string, string>
  /** net that may earn, a decimal: what the spend counter counted */
  spend: string
}

/** Counters keep ten decimals, so that what several returns take back adds up to what the sale gave. */
export function countedSpend(spend: Decimal): Decimal {
  return spend.toDecimalPlaces(10, Decimal.ROUND_HALF_EVEN)
}

export function keepValuation(
  valuation: Valuation,
  input: { member: MemberFacts; used: readonly KeptUse[]; lots: Record<string, string> },
): KeptValuation {
  return {
    member: {
      enrolledAt: showInstant(input.member.enrolledAt),
      attributes: input.member.attributes,
      tiers: Object.fromEntries(input.member.tiers),
      ...(input.member.segments && { segments: input.member.segments }),
      ...(input.member.promotions && { promotions: input.member.promotions }),
    },
    used: [...input.used],
    uses: valuation.uses.map(keepUse),
    awards: valuation.awards.map(keepAward),
    lots: input.lots,
    spend: countedSpend(valuation.spend).toFixed(),
  }
}

/** The member's facts of the day, out of what was kept. */
export function memberFactsOf(kept: KeptValuation): MemberFacts {
  return {
    enrolledAt: new Date(kept.member.enrolledAt),
    attributes: kept.member.attributes,
    tiers: new Map(Object.entries(kept.member.tiers)),
    ...(kept.member.segments && { segments: kept.member.segments }),
    ...(kept.member.promotions && { promotions: kept.member.promotions }),
  }
}

/** What the limits had used before the transaction, as evaluating it again asks for it. */
export function usedBefore({ used }: Pick<KeptValuation, 'used'>): (limit: string, period: string) => bigint {
  const points = new Map(used.map((use) => [`${use.limit} ${use.period}`, BigInt(use.points)]))
  return (limit, period) => points.get(`${limit} ${period}`) ?? 0n
}

function keepUse(use: LimitUse): KeptUse {
  return { limit: use.limit, period: use.period, points: Number(use.points) }
}

function keepAward(award: Award): KeptAward {
  return {
    rule: award.rule,
    currency: award.currency,
    points: Number(award.points),
    ...(award.lineId !== null && { lineId: award.lineId }),
    explanation: award.explanation,
  }
}
