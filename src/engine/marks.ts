/**
 * Marks of a member: the segments they are in and the promotions they registered for, each since when and,
 * where it is over, until when. A member has few of them, and decisions see those of their business time.
 */
import type { MemberFacts } from '../rules/facts.ts'

export interface Mark {
  readonly kind: 'segment' | 'promotion'
  readonly name: string
  readonly since: Date
  /** strictly before it; null: still */
  readonly until: Date | null
}

export interface RegistrationBody {
  externalRef: string
  promotion: string
  occurredAt?: string | undefined
}

export interface SegmentBody {
  externalRef: string
  segment: string
  /** false: out of it */
  member: boolean
  occurredAt?: string | undefined
}

export interface TierBody {
  externalRef: string
  ladder?: string | undefined
  tier?: string | undefined
  challenge?: string | undefined
  release?: true | undefined
  until?: string | undefined
  reason: string
}

/** What of the marks held at an instant, as rules see it; nothing where the member has none at all. */
export function marksAt(
  marks: readonly Mark[] | undefined,
  at: Date,
): Pick<MemberFacts, 'segments' | 'promotions'> {
  if (!marks || marks.length === 0) return {}
  const names = (kind: Mark['kind']) =>
    marks
      .filter((mark) => mark.kind === kind && mark.since <= at && (mark.until === null || at < mark.until))
      .map(({ name }) => name)
      .sort()
  return { segments: names('segment'), promotions: names('promotion') }
}
