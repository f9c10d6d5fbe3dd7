/**
 * What campaigns and worked-out segments write about a member. Arms are written with, never after, what is
 * done for them, and an arm that stands is not written again.
 */

/** Segments that a member enters and leaves because conditions hold, or no longer do. */
export interface SegmentsBody {
  readonly enter: readonly string[]
  readonly leave: readonly string[]
}

export interface ArmBody {
  readonly experiment: string
  readonly arm: string
  readonly phase: 'test' | 'rollout'
}

export interface TreatmentBody {
  readonly campaign: string
  readonly arm: string
  readonly message: string | null
  readonly promotion: string | null
  /** in the program's money, as a decimal */
  readonly cost: string
  /** what the message may tell, nothing personal */
  readonly facts: Readonly<Record<string, string | number>>
}

export interface TreatBody {
  readonly externalRef: string
  readonly arms: readonly ArmBody[]
  /** null: the member is left alone */
  readonly treatment: TreatmentBody | null
}

/** As it is kept. */
export interface Treatment extends TreatmentBody {
  readonly treatmentId: string
  /** the points that the campaign gave, at their value in the program's money */
  readonly pointsValue: string
}

export interface CampaignWrites {
  readonly arms: { memberId: string; program: string; arm: ArmBody; at: Date; day: string }[]
  readonly treatments: { memberId: string; program: string; treatment: Treatment; at: Date }[]
}
