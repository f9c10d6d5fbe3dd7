/** Which segments a picture of a member falls into. Several at once; none is a member's right too. */
import type { Clusters, MemberPicture, Ranking, SegmentRule } from '../program/campaign.ts'

/** Where the best share ends: the last one in, by amount and then by id. */
export interface Cut {
  readonly amount: number
  readonly memberId: string
}

export interface Ranked {
  readonly memberId: string
  /** by ranking; null: not known, so not among the best */
  readonly ranks: Readonly<Record<Ranking, number | null>>
  readonly picture: MemberPicture
}

export interface Segmenting {
  readonly rules: readonly SegmentRule[]
  readonly clusters: Clusters | null
  /** by segment; null: nobody is among the best */
  readonly cuts: ReadonlyMap<string, Cut | null>
}

export function segmentsOf({ rules, clusters, cuts }: Segmenting, member: Ranked): string[] {
  const nearest = clusters && nearestCentre(clusters, member.picture.facts)
  return rules
    .filter((rule) => {
      if (rule.cluster !== null) return rule.cluster === nearest
      if (rule.when && !rule.when.holds(member.picture)) return false
      return rule.top === null || isAbove(member, rule.top.by, cuts.get(rule.id) ?? null)
    })
    .map(({ id }) => id)
}

function isAbove({ memberId, ranks }: Ranked, by: Ranking, cut: Cut | null): boolean {
  const amount = ranks[by]
  if (cut === null || amount === null) return false
  return amount > cut.amount || (amount === cut.amount && memberId <= cut.memberId)
}

/** Features weigh alike, on the scale of ln(1 + x). Null where a feature is not known. */
function placeOf(features: Clusters['features'], facts: MemberPicture['facts']): number[] | null {
  const place: number[] = []
  for (const [name, { mean, spread }] of features) {
    const value = facts[name]
    if (typeof value !== 'number' || value < 0) return null
    place.push((Math.log1p(value) - mean) / spread)
  }
  return place
}

function nearestCentre({ features, centres }: Clusters, facts: MemberPicture['facts']): string | null {
  const place = placeOf(features, facts)
  if (place === null) return null
  let best: { name: string; far: number } | null = null
  for (const [name, centre] of centres) {
    const far = centre.reduce((sum, at, index) => sum + (at - place[index]!) ** 2, 0)
    if (best === null || far < best.far) best = { name, far }
  }
  return best?.name ?? null
}
