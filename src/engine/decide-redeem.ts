/** Redeeming and adjusting, as commands on a member's state. */
import { DomainError, invariant } from '../base/errors.ts'
import { showId } from '../base/ids.ts'
import { didYouMean } from '../base/nearest.ts'
import { lotKey } from '../earning/earn.ts'
import { readInstant } from '../earning/facts.ts'
import { mustBeActive } from '../members/enrol.ts'
import { adjust } from '../redeeming/adjust.ts'
import { capture, type HoldOutcome, release, reverse } from '../redeeming/hold.ts'
import { place, spendableCurrency } from '../redeeming/place.ts'
import {
  type AdjustBody,
  type AdjustReply,
  type RedeemBody,
  type Redemption,
  type RedemptionReply,
  wireRedemption,
} from '../redeeming/redemption.ts'
import type { Request } from './command.ts'
import { announce, balancesOf, type Deciding, record } from './deciding.ts'
import { settleAfter } from './settle.ts'
import { tiersAt } from './standings.ts'

export function decideRedeem(deciding: Deciding, body: RedeemBody): RedemptionReply {
  const { command, program, nextId, state } = deciding
  mustBeActive(state.member)
  const occurredAt =
    body.occurredAt === undefined ? command.at : readInstant(body.occurredAt, command.at, '/occurredAt')
  const outcome = place({
    program,
    source: command.source,
    memberId: state.member.memberId,
    body,
    occurredAt,
    tiers: tiersAt(deciding, program, occurredAt),
    book: state.book,
    nextId,
    at: command.at,
  })
  return conclude(deciding, outcome, { isNew: true })
}

export function decideOnRedemption(
  deciding: Deciding,
  request: Extract<Request, { kind: 'capture' | 'release' | 'reverse' }>,
): RedemptionReply {
  const { command, program, nextId, state } = deciding
  const redemption = state.redemptions.get(request.redemptionId)
  invariant(redemption, 'the redemption that a command names was loaded')
  const input = { redemption, book: state.book, nextId, at: command.at }
  switch (request.kind) {
    case 'capture': {
      const points = request.body.points === undefined ? null : BigInt(request.body.points)
      const currency = spendableCurrency(program, redemption.currency)
      return conclude(deciding, capture(input, { points, currency }), { isNew: false })
    }
    case 'release':
      return conclude(deciding, release(input), { isNew: false })
    case 'reverse':
      return conclude(deciding, reverse(input), { isNew: false })
  }
}

export function decideAdjust(deciding: Deciding, body: AdjustBody): AdjustReply {
  const { command, program, nextId, state } = deciding
  mustBeActive(state.member)
  const currency = program.currencies.get(body.currency)
  if (!currency) {
    const hint = didYouMean(body.currency, program.currencies.keys())
    throw new DomainError('unknown_currency', { currency: body.currency, ...(hint && { hint }) })
  }
  const occurredAt =
    body.occurredAt === undefined ? command.at : readInstant(body.occurredAt, command.at, '/occurredAt')
  const entry = adjust({
    book: state.book,
    key: { ...lotKey(program, currency, occurredAt), usableFrom: null },
    points: BigInt(body.points),
    reason: body.reason,
    occurredAt,
    at: command.at,
    nextId,
  })
  record(deciding, entry)
  settleAfter(deciding)
  const reply: AdjustReply = {
    adjustmentId: showId('adjustment', entry.entryId),
    memberId: showId('member', state.member.memberId),
    currency: currency.id,
    points: body.points,
    reason: body.reason,
    balances: balancesOf(deciding),
  }
  announce(deciding, 'points.adjusted', {
    adjustmentId: reply.adjustmentId,
    currency: currency.id,
    points: body.points,
  })
  return reply
}

function conclude(deciding: Deciding, outcome: HoldOutcome, { isNew }: { isNew: boolean }): RedemptionReply {
  const { redemption, entry } = outcome
  record(deciding, entry)
  deciding.writes.redemptions.push({ command: deciding.command, redemption, isNew })
  const redemptions = new Map(deciding.state.redemptions).set(redemption.redemptionId, redemption)
  deciding.state.redemptions = redemptions
  settleAfter(deciding)
  announce(deciding, `redemption.${redemption.status}`, brief(redemption))
  return { ...wireRedemption(redemption), balances: balancesOf(deciding) }
}

function brief(redemption: Redemption): object {
  const { redemptionId, currency, points } = wireRedemption(redemption)
  return { redemptionId, currency, points }
}

/** Refuses a redemption that is not there, or is another program's, in the same words. */
export function ownerOf(owners: ReadonlyMap<string, string>, redemptionId: string): string {
  const memberId = owners.get(redemptionId)
  if (!memberId) throw new DomainError('redemption_not_found', { id: showId('redemption', redemptionId) })
  return memberId
}
