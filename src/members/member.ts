/** A member: an enrolled person or company, and what a till or an app may say about them. */
import type { FieldValue } from '../rules/facts.ts'

/** closed: earns and spends no more; merged: a duplicate of another; erased: nothing personal is known any more */
export const memberStatuses = ['active', 'closed', 'merged', 'erased'] as const
export type MemberStatus = (typeof memberStatuses)[number]

export interface Member {
  readonly memberId: string
  readonly program: string
  readonly externalRef: string
  readonly status: MemberStatus
  /** the member that answers for this one; set just where the status is merged */
  readonly mergedInto: string | null
  readonly profile: Readonly<Record<string, FieldValue>>
  readonly attributes: Readonly<Record<string, FieldValue>>
  readonly consents: Readonly<Record<string, boolean>>
  readonly enrolledAt: Date
  readonly createdAt: Date
}

/** A card, a phone number, a partner's id: any of them opens the member. */
export interface Identifier {
  readonly kind: string
  readonly value: string
  readonly status: 'active' | 'blocked'
  /** the merged duplicate that it stands under; the member itself where it is left out */
  readonly of?: string
}

export interface IdentifierBody {
  kind: string
  value: string
}

/** How a request names its member: by id, or by any identifier. Exactly one of the two. */
export interface MemberReference {
  memberId?: string | undefined
  identifier?: IdentifierBody | undefined
}

export interface EnrolBody {
  externalRef: string
  identifiers: IdentifierBody[]
  profile?: Record<string, FieldValue> | undefined
  attributes?: Record<string, FieldValue> | undefined
  enrolledAt?: string | undefined
  consents?: Record<string, boolean> | undefined
}

/** Keys that are given replace the old ones; null removes. Keys that are not given stay. */
export interface MemberPatch {
  profile?: Record<string, FieldValue> | undefined
  attributes?: Record<string, FieldValue> | undefined
  consents?: Record<string, boolean> | undefined
}

/** Closing, reopening and erasing. */
export interface LifeBody {
  externalRef: string
  reason?: string | undefined
}

export interface WireMember {
  memberId: string
  program: string
  externalRef: string
  status: MemberStatus
  identifiers: Identifier[]
  profile: Record<string, FieldValue>
  attributes: Record<string, FieldValue>
  consents: Record<string, boolean>
  enrolledAt: string
}
