/** A member: an enrolled person or company, and what a till or an app may say about them. */
import type { FieldValue } from '../rules/facts.ts'

export interface Member {
  readonly memberId: string
  readonly program: string
  readonly externalRef: string
  readonly status: 'active' | 'closed'
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

export interface WireMember {
  memberId: string
  program: string
  externalRef: string
  status: 'active' | 'closed'
  identifiers: Identifier[]
  profile: Record<string, FieldValue>
  attributes: Record<string, FieldValue>
  consents: Record<string, boolean>
  enrolledAt: string
}
