/** The end of a membership, as commands: closing, opening again, and erasing what is personal. */
import { DomainError } from '../base/errors.ts'
import { showId } from '../base/ids.ts'
import { wirePoints } from '../base/points.ts'
import { post } from '../ledger/book.ts'
import type { Entry } from '../ledger/entry.ts'
import { forfeitAll } from '../ledger/handover.ts'
import { mustBeActive, wireMember } from '../members/enrol.ts'
import type { Member, WireMember } from '../members/member.ts'
import { mustHoldNothing } from '../members/merge.ts'
import { leaveAnyPool } from './decide-pool.ts'
import { announce, type Deciding, record } from './deciding.ts'
import { settleAfter } from './settle.ts'

/** Earns and spends no more; the points are forfeited or kept, as the program says. */
export function decideClose(deciding: Deciding): WireMember {
  const { member } = deciding.state
  mustBeActive(member)
  mustHoldNothing(member.memberId, deciding.state.book)
  leaveAnyPool(deciding)
  const forfeited = deciding.program.closing === 'forfeit' ? forfeit(deciding) : []
  stand(deciding, { ...member, status: 'closed' })
  announce(deciding, 'member.closed', { forfeited })
  return wireMember(deciding.state.member, deciding.state.identifiers)
}

/** Points that were kept are there again; forfeited ones are not. */
export function decideReopen(deciding: Deciding): WireMember {
  const { member } = deciding.state
  if (member.status !== 'closed') {
    const { memberId, status } = member
    throw new DomainError('member_not_closed', { memberId: showId('member', memberId), status })
  }
  stand(deciding, { ...member, status: 'active' })
  announce(deciding, 'member.reopened', {})
  return wireMember(deciding.state.member, deciding.state.identifiers)
}

/**
 * Nothing personal stays known of the member and of every duplicate merged into it; the ledger stays whole.
 * Points are forfeited, since nobody could ever claim them.
 */
export function decideErase(deciding: Deciding): WireMember {
  const { command, group, state } = deciding
  const { memberId, status } = state.member
  if (status === 'erased') {
    throw new DomainError('member_not_active', { memberId: showId('member', memberId), status })
  }
  mustHoldNothing(memberId, state.book)
  leaveAnyPool(deciding)
  const forfeited = forfeit(deciding)
  const empty = {
    status: 'erased' as const,
    externalRef: 'erased',
    profile: {},
    attributes: {},
    consents: {},
  }
  deciding.state = { ...deciding.state, identifiers: [] }
  stand(deciding, { ...state.member, ...empty })
  const memberIds = [memberId, ...(group.household.families.get(memberId) ?? [])]
  deciding.writes.erased.push({ memberIds, at: command.at })
  announce(deciding, 'member.erased', { forfeited })
  return wireMember(deciding.state.member, [])
}

function stand(deciding: Deciding, member: Member): void {
  deciding.writes.statuses.push(member)
  deciding.state = { ...deciding.state, member }
  settleAfter(deciding)
}

function forfeit(deciding: Deciding): { currency: string; points: number }[] {
  const { command, nextId, state } = deciding
  const postings = forfeitAll(state.book)
  if (postings.length === 0) return []
  const entry: Entry = {
    entryId: nextId(),
    kind: 'forfeit',
    occurredAt: command.at,
    postings,
  }
  post(state.book, entry)
  record(deciding, entry)
  const sums = new Map<string, bigint>()
  for (const { currency, points } of postings) sums.set(currency, (sums.get(currency) ?? 0n) + points)
  return [...sums].map(([currency, points]) => ({ currency, points: wirePoints(points) }))
}
