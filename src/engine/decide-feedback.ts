/**
 * Feedback as commands. What a member says about a transaction is about the member's own one; a complaint is
 * resolved once, also when two say so at the same time, because its member is locked.
 */
import { DomainError } from '../base/errors.ts'
import { showId } from '../base/ids.ts'
import { readInstant } from '../earning/facts.ts'
import {
  type Complaint,
  complaintMeant,
  type Feedback,
  type FeedbackBody,
  satisfactionOf,
} from '../members/feedback.ts'
import { announce, type Deciding } from './deciding.ts'
import { standIn } from './kin.ts'
import type { Writes } from './state.ts'

export interface WireFeedback {
  feedbackId: string
  memberId: string
  externalRef: string
  kind: Feedback['kind']
  score: number | null
  transactionId: string | null
  text: string | null
  occurredAt: string
  open: boolean
  resolvedAt: string | null
  resolves: string | null
}

/** Also of a closed membership; who is erased says nothing more. */
export function decideFeedback(deciding: Deciding, body: FeedbackBody): WireFeedback {
  const { command, program, state, writes } = deciding
  const { memberId, status } = state.member
  if (status === 'erased')
    throw new DomainError('member_not_active', { memberId: showId('member', memberId), status })
  const occurredAt =
    body.occurredAt === undefined ? command.at : readInstant(body.occurredAt, command.at, '/occurredAt')
  if (body.transactionId !== undefined) mustBeOwn(deciding, body.transactionId)
  const complaint =
    body.kind === 'resolved'
      ? complaintMeant(openComplaints(deciding), { source: command.source, at: occurredAt, body })
      : null
  const feedback: Feedback = {
    feedbackId: deciding.nextId(),
    memberId,
    source: command.source,
    externalRef: body.externalRef,
    kind: body.kind,
    score: body.score ?? null,
    satisfaction: satisfactionOf(body.score, program.feedback),
    transactionId: body.transactionId ?? complaint?.transactionId ?? null,
    text: body.text ?? null,
    occurredAt,
    resolvedAt: null,
    resolves: complaint?.feedbackId ?? null,
  }
  writes.feedback.push({ feedback, complaint, program: program.id, at: command.at })
  const { feedbackId, kind, score, transactionId } = feedback
  announce(deciding, complaint ? 'complaint.resolved' : 'feedback.received', {
    feedbackId: showId('feedback', feedbackId),
    kind,
    ...(score !== null && { score }),
    ...(transactionId !== null && { transactionId: showId('transaction', transactionId) }),
    ...(complaint && { complaintId: showId('feedback', complaint.feedbackId) }),
  })
  return wireFeedback(feedback)
}

export function wireFeedback(one: Feedback): WireFeedback {
  return {
    feedbackId: showId('feedback', one.feedbackId),
    memberId: showId('member', one.memberId),
    externalRef: one.externalRef,
    kind: one.kind,
    score: one.score,
    transactionId: one.transactionId && showId('transaction', one.transactionId),
    text: one.text,
    occurredAt: one.occurredAt.toISOString(),
    open: one.kind === 'complaint' && one.resolvedAt === null,
    resolvedAt: one.resolvedAt?.toISOString() ?? null,
    resolves: one.resolves && showId('feedback', one.resolves),
  }
}

/** The member's own and those of its duplicates. */
function openComplaints({ group, state }: Deciding) {
  const { memberId } = state.member
  const ids = [memberId, ...(group.household.families.get(memberId) ?? [])]
  return ids.flatMap((id) => group.complaints?.get(id) ?? [])
}

function mustBeOwn({ group, command, state }: Deciding, transactionId: string): void {
  const owner = group.transactionOwners.get(transactionId)
  const answers = owner === undefined ? undefined : standIn(group.members, owner)?.member
  if (answers?.memberId === state.member.memberId && answers.program === command.program) return
  throw new DomainError('transaction_not_found', { id: showId('transaction', transactionId) })
}

/** What a command said, for the next one of its group. */
export function adoptFeedback(complaints: Map<string, Complaint[]> | undefined, writes: Writes): void {
  if (!complaints) return
  for (const { feedback, complaint } of writes.feedback) {
    if (feedback.kind === 'complaint') {
      complaints.set(feedback.memberId, [...(complaints.get(feedback.memberId) ?? []), feedback])
    }
    if (!complaint) continue
    const left = (complaints.get(complaint.memberId) ?? []).filter(
      ({ feedbackId }) => feedbackId !== complaint.feedbackId,
    )
    complaints.set(complaint.memberId, left)
  }
}
