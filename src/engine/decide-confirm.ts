/** Confirming and cancelling what awaits it, as commands on a member's state. */
import { DomainError, invariant } from '../base/errors.ts'
import { showId } from '../base/ids.ts'
import { wirePoints } from '../base/points.ts'
import { confirm } from '../earning/confirm.ts'
import { readInstant } from '../earning/facts.ts'
import { netPoints } from '../earning/return.ts'
import type { ConfirmReply } from '../earning/transaction.ts'
import type { Decided } from '../ledger/confirm.ts'
import { mustBeActive } from '../members/enrol.ts'
import { climbFrom } from './climb.ts'
import type { Request } from './command.ts'
import { countDecision, keepDecision } from './confirmations.ts'
import { balancesOf, type Deciding, record, standingsOf, tierShown } from './deciding.ts'
import { settleAfter } from './settle.ts'
import { tierChange } from './standings.ts'

export function decideConfirm(
  deciding: Deciding,
  request: Extract<Request, { kind: 'confirm' | 'cancel' }>,
): ConfirmReply {
  const { command, nextId, state } = deciding
  mustBeActive(state.member)
  const stored = state.transactions.get(request.transactionId)
  invariant(stored, 'the transaction that a confirmation names was loaded')
  const occurredAt = readInstant(request.body.occurredAt, command.at, '/occurredAt')
  const earned = new Date(stored.request.occurredAt)
  if (occurredAt < earned) {
    throw new DomainError('date_out_of_range', { path: '/occurredAt', earliest: earned.toISOString() })
  }

  const tiersBefore = standingsOf(deciding)
  const outcome = request.kind === 'confirm' ? 'confirmed' : 'cancelled'
  const { transactionId } = request
  const before = stored.confirmation ?? null
  const { entry, confirmation, wasCancelled } = confirm({
    book: state.book,
    transactionId,
    outcome,
    occurredAt,
    before,
    left: netPoints(stored.kept, stored.returns),
    nextId,
  })
  record(deciding, entry)
  keepDecision(deciding, transactionId, confirmation)
  const from = countDecision(deciding, { transactionId, ...confirmation }, { wasCancelled })
  if (from) climbFrom(deciding, from)
  settleAfter(deciding)

  const change = tierChange(deciding, tiersBefore)
  return {
    transactionId: showId('transaction', transactionId),
    memberId: showId('member', state.member.memberId),
    status: outcome,
    points: confirmation.decided.map(shown),
    balances: balancesOf(deciding),
    tier: tierShown(deciding),
    ...(change && { tierChange: change }),
  }
}

function shown({ currency, points }: Decided): { currency: string; points: number } {
  return { currency, points: wirePoints(points) }
}
