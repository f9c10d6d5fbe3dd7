/**
 * What members say: a complaint, a score of satisfaction, a complaint that was resolved. A complaint is open
 * until one thing resolves it, once. The text is personal: it never goes into events, errors or logs.
 */
import { DomainError } from '../base/errors.ts'
import type { FeedbackTerms } from '../program/feedback.ts'

export const feedbackKinds = ['complaint', 'satisfaction', 'resolved'] as const
export type FeedbackKind = (typeof feedbackKinds)[number]

export interface FeedbackBody {
  externalRef: string
  kind: FeedbackKind
  score?: number | undefined
  /** UUID */
  transactionId?: string | undefined
  text?: string | undefined
  /** of `resolved`: the externalRef of the complaint, where it is another one's */
  complaint?: string | undefined
  occurredAt?: string | undefined
}

export interface Feedback {
  readonly feedbackId: string
  readonly memberId: string
  readonly source: string
  readonly externalRef: string
  readonly kind: FeedbackKind
  readonly score: number | null
  /** 0 the worst, 1 the best; null without a score */
  readonly satisfaction: number | null
  readonly transactionId: string | null
  readonly text: string | null
  readonly occurredAt: Date
  /** of a complaint: when it was resolved */
  readonly resolvedAt: Date | null
  /** of what resolves: the complaint */
  readonly resolves: string | null
}

/** A complaint that nobody has resolved. */
export type Complaint = Pick<
  Feedback,
  'feedbackId' | 'memberId' | 'source' | 'externalRef' | 'transactionId' | 'occurredAt'
>

/** The score as a share of the scale; refuses `unknown_fact` for one that is not on it. */
export function satisfactionOf(score: number | undefined, terms: FeedbackTerms): number | null {
  if (score === undefined) return null
  const { lowest, highest } = terms
  if (score < lowest || score > highest) {
    const problem = `scores go from ${lowest} to ${highest}`
    throw new DomainError('unknown_fact', { path: '/score', problem, score })
  }
  return (score - lowest) / (highest - lowest)
}

/**
 * Which complaint a `resolved` is about: the one that it names, else the one of its own reference, else the
 * newest open one about its transaction, else, where it names nothing, the newest open one. What is not named was
 * said before it is resolved: a late `resolved` leaves alone what was complained about since. Refuses
 * `no_open_complaint`.
 */
export function complaintMeant(
  open: readonly Complaint[],
  by: { source: string; at: Date; body: Pick<FeedbackBody, 'externalRef' | 'complaint' | 'transactionId'> },
): Complaint {
  const { complaint, externalRef, transactionId } = by.body
  const newestFirst = [...open].sort(
    (a, b) => b.occurredAt.getTime() - a.occurredAt.getTime() || (a.feedbackId < b.feedbackId ? 1 : -1),
  )
  const named = (ref: string) => {
    const same = newestFirst.filter((one) => one.externalRef === ref)
    return same.find(({ source }) => source === by.source) ?? same[0]
  }
  const meant =
    complaint !== undefined
      ? named(complaint)
      : (named(externalRef) ??
        newestFirst.find(
          (one) =>
            one.occurredAt <= by.at && (transactionId === undefined || one.transactionId === transactionId),
        ))
  if (meant) return meant
  throw new DomainError('no_open_complaint', complaint === undefined ? {} : { complaint })
}

/** Whether a member's open complaints keep messages of campaigns away. */
export function holdsMessages(
  terms: FeedbackTerms,
  open: readonly Pick<Complaint, 'transactionId'>[],
): boolean {
  if (terms.holdMessages === 'never') return false
  if (terms.holdMessages === 'any complaint') return open.length > 0
  return open.some(({ transactionId }) => transactionId !== null)
}
