/**
 * Who of those that a campaign would reach is treated: eligibility first, the same for everybody, then chance,
 * then nothing more. What comes before chance must not know the arm, or the groups could not be compared.
 */
import type { Campaign, MemberPicture } from '../program/campaign.ts'
import { armOf, CONTROL, luck, standingOf } from './chance.ts'

/** A member whom the campaign's start names and who has no arm in it yet. */
export interface Candidate {
  readonly memberId: string
  readonly picture: MemberPicture
  readonly consents: Readonly<Record<string, boolean>>
  readonly hasOpenComplaint: boolean
  readonly lastTreatedAt: Date | null
  /** the arm in the standing holdout's experiment, where it is written already */
  readonly standing: string | null
  /** a duplicate that was merged into this member has an arm of the campaign: the person had its chance */
  readonly cameInBefore: boolean
}

const suppressions = [
  ...(['holdout', 'capacity', 'budget', 'quiet_time', 'no_consent', 'open_complaint'] as const),
  ...(['test_full', 'merged', 'arm_withdrawn'] as const),
] as const
export type Suppression = (typeof suppressions)[number]

/** The terms of the running experiment: as it began, not as the files say today. */
export interface RunningTerms {
  readonly arms: readonly string[]
  readonly testControl: number
  readonly testMembers: number
  readonly control: number
}

export interface Running {
  readonly campaign: Campaign
  readonly terms: RunningTerms
  /** the arm that was rolled out; null: the test is on */
  readonly winner: string | null
  readonly key: Uint8Array
  /** share of the standing holdout */
  readonly holdout: number
  readonly at: Date
}

/** What a run may still do; `decide` counts down. */
export interface Room {
  /** members of the test */
  test: number
  /** treatments in this run */
  capacity: number
  /** treatments that the budget pays for */
  budget: number
}

export type Decision =
  /** the campaign does not mean this member */
  | { readonly kind: 'none' }
  | { readonly kind: 'suppressed'; readonly reason: Suppression; readonly standing: string | null }
  | {
      readonly kind: 'assigned'
      readonly arm: string
      readonly phase: 'test' | 'rollout'
      readonly standing: string | null
    }

const DAY = 24 * 60 * 60 * 1000

/** `standing` in the answer: to be written now, because it is not yet. */
export function decide(running: Running, candidate: Candidate, room: Room): Decision {
  const { campaign, terms, winner, key, at } = running
  if (campaign.when && !campaign.when.holds(candidate.picture)) return { kind: 'none' }
  const barred = barredBy(campaign, candidate, at)
  if (barred) return { kind: 'suppressed', reason: barred, standing: null }
  const standing = candidate.standing ?? standingOf(key, candidate.memberId, running.holdout)
  const fresh = candidate.standing === null ? standing : null
  const suppressed = (reason: Suppression): Decision => ({ kind: 'suppressed', reason, standing: fresh })
  if (standing === 'holdout') return suppressed('holdout')
  if (winner === null && room.test <= 0) return suppressed('test_full')
  if (room.capacity <= 0) return suppressed('capacity')
  if (room.budget <= 0) return suppressed('budget')
  const arm =
    winner === null
      ? armOf(luck(key, campaign.id, candidate.memberId), terms.arms, terms.testControl)
      : armOf(luck(key, campaign.id, candidate.memberId), [winner], terms.control)
  if (arm !== CONTROL && !campaign.arms.some(({ id }) => id === arm)) return suppressed('arm_withdrawn')
  if (winner === null) room.test -= 1
  if (arm !== CONTROL) {
    room.capacity -= 1
    room.budget -= 1
  }
  return { kind: 'assigned', arm, phase: winner === null ? 'test' : 'rollout', standing: fresh }
}

function barredBy(campaign: Campaign, candidate: Candidate, at: Date): Suppression | null {
  if (candidate.cameInBefore) return 'merged'
  if (campaign.consents.some((consent) => candidate.consents[consent] !== true)) return 'no_consent'
  if (candidate.hasOpenComplaint) return 'open_complaint'
  const last = candidate.lastTreatedAt
  const isQuiet = last !== null && at.getTime() - last.getTime() < campaign.quietDays * DAY
  return isQuiet ? 'quiet_time' : null
}
