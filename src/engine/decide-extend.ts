/** Putting off lapses by hand, as a command on a member's state. */

import { DomainError } from '../base/errors.ts'
import { showId } from '../base/ids.ts'
import { wirePoints } from '../base/points.ts'
import { putOffLapses } from '../earning/extension.ts'
import { readInstant } from '../earning/facts.ts'
import { mustBeActive } from '../members/enrol.ts'
import { currencyNamed } from '../program/currency.ts'
import type { ExtendBody, ExtendReply } from '../redeeming/redemption.ts'
import { announce, balancesOf, type Deciding, record } from './deciding.ts'
import { settleAfter } from './settle.ts'

/** Refuses `insufficient_points` where the member has nothing that lapses on a date. */
export function decideExtend(deciding: Deciding, body: ExtendBody): ExtendReply {
  const { command, program, nextId, state } = deciding
  mustBeActive(state.member)
  const currency = currencyNamed(program, body.currency)
  const occurredAt =
    body.occurredAt === undefined ? command.at : readInstant(body.occurredAt, command.at, '/occurredAt')
  const { member, book } = state
  const by = `${body.extend.count} ${body.extend.unit}${body.extend.count === 1 ? '' : 's'}`
  const detail = { reason: body.reason, by }
  const done = putOffLapses(
    { program, member, book, nextId },
    { currency, by: body.extend, occurredAt },
    detail,
  )
  if (done === null) {
    throw new DomainError(
      'insufficient_points',
      { currency: currency.id },
      `the member has no ${currency.id} that lapse on a date`,
    )
  }
  record(deciding, done.entry)
  settleAfter(deciding)
  const extended = done.extended.map(({ points, from, to }) => ({
    points: wirePoints(points),
    from: from.toISOString(),
    to: to.toISOString(),
  }))
  const adjustmentId = showId('adjustment', done.entry.entryId)
  announce(deciding, 'points.extended', { adjustmentId, currency: currency.id, extended })
  return {
    adjustmentId,
    memberId: showId('member', member.memberId),
    currency: currency.id,
    points: 0,
    reason: body.reason,
    extended,
    balances: balancesOf(deciding),
  }
}
