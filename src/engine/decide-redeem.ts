/** Redeeming and adjusting, as commands on a member's state. */

import { DomainError, invariant } from '../base/errors.ts'
import { showId } from '../base/ids.ts'
import { Decimal } from '../base/points.ts'
import { dayOf } from '../base/time.ts'
import { lotKey } from '../earning/earn.ts'
import { readInstant } from '../earning/facts.ts'
import { mustBeActive } from '../members/enrol.ts'
import { currencyNamed } from '../program/currency.ts'
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
import { counted } from '../tiers/counters.ts'
import { climbBack, climbFrom } from './climb.ts'
import { noteFact } from './clocks.ts'
import type { Request } from './command.ts'
import { closePooled, redeemFromPool } from './decide-pooled.ts'
import { announce, balancesOf, count, type Deciding, record } from './deciding.ts'
import { settleAfter } from './settle.ts'
import { tiersAt } from './standings.ts'

export function decideRedeem(deciding: Deciding, body: RedeemBody): RedemptionReply {
  const { command, program, nextId, state } = deciding
  mustBeActive(state.member)
  const occurredAt =
    body.occurredAt === undefined ? command.at : readInstant(body.occurredAt, command.at, '/occurredAt')
  const input = {
    program,
    source: command.source,
    memberId: state.member.memberId,
    body,
    occurredAt,
    tiers: tiersAt(deciding, program, occurredAt),
    nextId,
    at: command.at,
  }
  if (body.usePool) return redeemFromPool(deciding, input)
  return conclude(deciding, place({ ...input, book: state.book }), { isNew: true })
}

export function decideOnRedemption(
  deciding: Deciding,
  request: Extract<Request, { kind: 'capture' | 'release' | 'reverse' }>,
): RedemptionReply {
  const { command, program, nextId, state } = deciding
  const redemption = state.redemptions.get(request.redemptionId)
  invariant(redemption, 'the redemption that a command names was loaded')
  if (redemption.pool !== null)
    return closePooled(deciding, request, { ...redemption, pool: redemption.pool })
  // A share is settled with its whole, under the whole's id.
  if (redemption.partOf !== null) throw redemptionNotFound(redemption.redemptionId)
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
  const currency = currencyNamed(program, body.currency)
  const occurredAt =
    body.occurredAt === undefined ? command.at : readInstant(body.occurredAt, command.at, '/occurredAt')
  const entry = adjust({
    book: state.book,
    key: { ...lotKey(program, currency, { occurredAt, member: state.member }), usableFrom: null },
    points: BigInt(body.points),
    reason: body.reason,
    actor: body.actor,
    occurredAt,
    at: command.at,
    nextId,
  })
  record(deciding, entry)
  if (currency.kind === 'qualifying')
    countQualifying(deciding, { currency: currency.id, ...entry }, body.points)
  const arrived = entry.postings.find(({ from, lotId }) => from === 'adjusted' && lotId !== null)
  noteFact(deciding, {
    kind: 'adjustment',
    occurredAt,
    of: new Set([currency.id]),
    ...(arrived?.lotId && {
      given: new Map([[currency.id, [{ lotId: arrived.lotId, points: arrived.points }]]]),
    }),
  })
  settleAfter(deciding)
  const reply: AdjustReply = {
    adjustmentId: showId('adjustment', entry.entryId),
    memberId: showId('member', state.member.memberId),
    currency: currency.id,
    points: body.points,
    reason: body.reason,
    ...(body.actor !== undefined && { actor: body.actor }),
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
  if (entry.kind === 'redeem' || entry.kind === 'capture') {
    noteFact(deciding, { kind: 'redeem', occurredAt: entry.occurredAt, of: new Set([redemption.currency]) })
  }
  settleAfter(deciding)
  announce(deciding, `redemption.${redemption.status}`, brief(redemption))
  return { ...wireRedemption(redemption), balances: balancesOf(deciding) }
}

function brief(redemption: Redemption): object {
  const { redemptionId, currency, points } = wireRedemption(redemption)
  return { redemptionId, currency, points }
}

/** Qualifying points are there for tiers alone, so whoever corrects them corrects the tier. */
function countQualifying(
  deciding: Deciding,
  of: { currency: string; occurredAt: Date },
  points: number,
): void {
  const { program } = deciding
  const awards = [{ currency: of.currency, points: BigInt(points) }]
  const day = dayOf(program.timeZone, of.occurredAt)
  const rows = counted(program, { day, spend: new Decimal(0), transactions: 0n, awards })
  if (rows.length === 0) return
  count(deciding, rows)
  if (points > 0) climbFrom(deciding, of.occurredAt)
  else climbBack(deciding, of.occurredAt)
}

/** Refuses a redemption that is not there, or is another program's, in the same words. */
export function ownerOf(owners: ReadonlyMap<string, string>, redemptionId: string): string {
  const memberId = owners.get(redemptionId)
  if (!memberId) throw redemptionNotFound(redemptionId)
  return memberId
}

function redemptionNotFound(redemptionId: string): DomainError {
  return new DomainError('redemption_not_found', { id: showId('redemption', redemptionId) })
}
