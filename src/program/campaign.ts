/**
 * What a program declares of segments, campaigns and experiments. Plain data and pure predicates: who is in a
 * segment follows from a picture of the member, never from when it is asked.
 */
import type { Decimal } from '../base/points.ts'
import type { FieldValue, MemberFacts } from '../rules/facts.ts'

/** What conditions of segments and campaigns see of one member; facts that are not known are missing. */
export interface MemberPicture {
  readonly member: MemberFacts
  readonly facts: Readonly<Record<string, FieldValue>>
}

export interface MemberCondition {
  holds(picture: MemberPicture): boolean
}

/** By what members are ranked for a share of the best. */
export const rankings = ['value', 'spend', 'expected value', 'purchases', 'at stake'] as const
export type Ranking = (typeof rankings)[number]

/** A segment that follows from facts; those that have none are entered by hand. */
export interface SegmentRule {
  readonly id: string
  readonly name: string
  /** null: everybody, as far as `top` lets them in */
  readonly when: MemberCondition | null
  /** the best share of the members who bought, ties to the lower id */
  readonly top: { readonly share: number; readonly by: Ranking } | null
  /** the members nearest to this centre; its names are those of Clusters */
  readonly cluster: string | null
}

/** Groups of members that are alike, as a proposal found them and somebody accepted them. */
export interface Clusters {
  /** by feature: mean and spread of ln(1 + x), by which features weigh alike */
  readonly features: ReadonlyMap<string, { readonly mean: number; readonly spread: number }>
  /** by name: a place for each feature, in spreads from the mean */
  readonly centres: ReadonlyMap<string, readonly number[]>
}

export type CampaignStart =
  | { readonly kind: 'flag'; readonly flags: readonly string[] }
  | { readonly kind: 'segment'; readonly segments: readonly string[] }
  /** of the outbox, by type */
  | { readonly kind: 'event'; readonly events: readonly string[] }

export interface CampaignArm {
  readonly id: string
  /** a template's name in the `campaign.message` event; null: nothing is said */
  readonly message: string | null
  /** the member is registered for it */
  readonly promotion: string | null
  /** what one treatment costs, in the program's money */
  readonly cost: Decimal
}

export interface TestTerms {
  /** members that the small test takes in all, control and all arms together */
  readonly members: number
  /** share of them that is left alone */
  readonly control: number
  readonly looks: number
  /** days after the assignment whose purchases are measured */
  readonly measureDays: number
  /** two-sided chance of a wrong decision where nothing is true, over all looks and arms together */
  readonly error: number
  /** after so many days the last look is due, however few members there are */
  readonly withinDays: number
}

export interface Campaign {
  readonly id: string
  readonly name: string
  readonly start: CampaignStart
  /** what else must hold of the member; null: nothing */
  readonly when: MemberCondition | null
  readonly arms: readonly CampaignArm[]
  /** share that is left alone for good, after the test too */
  readonly control: number
  readonly test: TestTerms
  /** members treated in one run at most; null: all */
  readonly capacity: number | null
  /** what all treatments together may cost, in the program's money; null: no bound */
  readonly budget: Decimal | null
  /** share of spend that is profit; null: what the program says */
  readonly margin: number | null
  /** days after any campaign's treatment in which this one leaves the member alone; 0: none */
  readonly quietDays: number
  /** that the member must have given, all of them */
  readonly consents: readonly string[]
  readonly from: Date | null
  readonly until: Date | null
}

export interface ExperimentTerms {
  /** share of the program's members that every campaign leaves alone */
  readonly holdout: number
}

export interface Campaigning {
  /** whether any rule looks at segments or promotions, so that earning has to read them */
  readonly asksForMarks: boolean
  readonly segmentRules: readonly SegmentRule[]
  readonly clusters: Clusters | null
  readonly campaigns: readonly Campaign[]
  readonly experiments: ExperimentTerms
}
