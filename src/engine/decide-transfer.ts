/** Points given by one member to another, as a command on both. */
import { DomainError } from '../base/errors.ts'
import { showId } from '../base/ids.ts'
import { Decimal, wirePoints } from '../base/points.ts'
import { dayOf, startOf } from '../base/time.ts'
import { limitCounter, lotKey } from '../earning/earn.ts'
import { mustBeActive } from '../members/enrol.ts'
import type { TransferTerms } from '../program/program.ts'
import {
  checkTransfer,
  type TransferBody,
  type TransferReply,
  transfer,
  transferTerms,
} from '../redeeming/transfer.ts'
import { EVER } from '../rules/limit.ts'
import type { CounterRow } from '../tiers/counters.ts'
import { startIdleClock } from './clocks.ts'
import { announce, balancesOf, beside, count, type Deciding, record, resolve } from './deciding.ts'
import { settleAfter, settleBefore } from './settle.ts'

export function decideTransfer(giver: Deciding, body: TransferBody): TransferReply {
  const { command, group, program, nextId } = giver
  mustBeActive(giver.state.member)
  const receiver = beside(giver, resolve(group, command.program, body.to))
  const [from, to] = [giver.state.member.memberId, receiver.state.member.memberId]
  if (from === to) throw new DomainError('same_member', { memberId: showId('member', from) })
  mustBeActive(receiver.state.member)
  const { currency, terms } = transferTerms(program, body.currency)
  if (terms.withinPool) mustShareAPool(giver, { from, to })
  settleBefore(receiver)

  const points = BigInt(body.points)
  const used = usedOf(giver, { currency: currency.id, terms })
  checkTransfer(terms, { currency: currency.id, points, given: BigInt(used?.value.toFixed(0) ?? 0) })
  const transferId = nextId()
  const said = { transferId: showId('transfer', transferId), from, to }
  const {
    out,
    in: arrived,
    fee,
  } = transfer({
    terms,
    currency: currency.id,
    points,
    from: giver.state.book,
    to: receiver.state.book,
    anew: {
      ...lotKey(program, currency, { occurredAt: command.at, member: receiver.state.member }),
      usableFrom: null,
    },
    at: command.at,
    nextId,
    detail: { ...said, ...(body.reason !== undefined && { reason: body.reason }) },
  })
  record(giver, out)
  record(receiver, arrived)
  startIdleClock(receiver, arrived)
  if (used) count(giver, [{ ...used, value: new Decimal(body.points) }])
  settleAfter(giver)
  settleAfter(receiver)

  const reply: TransferReply = {
    transferId: said.transferId,
    from: showId('member', from),
    to: showId('member', to),
    currency: currency.id,
    points: body.points,
    fee: wirePoints(fee),
    ...(body.reason !== undefined && { reason: body.reason }),
    balances: balancesOf(giver),
  }
  const { balances: _balances, reason: _reason, fee: _fee, ...told } = reply
  announce(giver, 'points.given', { ...told, fee: reply.fee })
  announce(receiver, 'points.received', told)
  return reply
}

function mustShareAPool({ group }: Deciding, { from, to }: { from: string; to: string }): void {
  const { poolOf } = group.household
  const pool = poolOf.get(from)
  if (pool !== undefined && pool === poolOf.get(to)) return
  throw new DomainError(
    'not_in_pool',
    { memberId: showId('member', to) },
    'points are given within a pool only',
  )
}

/** What the giver gave in the limit's period, in the row that counts it; null where there is no limit. */
function usedOf(
  { state, program, command }: Deciding,
  of: { currency: string; terms: TransferTerms },
): CounterRow | null {
  const { limit } = of.terms
  if (limit === null) return null
  const today = dayOf(program.timeZone, command.at)
  const day = limit.unit === null ? EVER : startOf(limit.unit, today)
  const counter = limitCounter(`transfer:${of.currency}`)
  const known = state.counters.find((row) => row.counter === counter && row.day === day)
  return known ?? { counter, day, value: new Decimal(0) }
}
