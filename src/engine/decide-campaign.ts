/**
 * A member's arms in experiments, the treatment that follows, and segments that are worked out, as commands of
 * the jobs. Points come out of the rules on `treatment`; the message is an event that others deliver.
 */
import { Decimal } from '../base/points.ts'
import { dayOf } from '../base/time.ts'
import type { WireAward } from '../earning/transaction.ts'
import { mustBeActive } from '../members/enrol.ts'
import type { SegmentsBody, TreatBody, TreatmentBody } from './campaign.ts'
import { after, enterSegment, leaveSegment, registerFor } from './decide-mark.ts'
import { announce, type Deciding } from './deciding.ts'
import { occur } from './occur.ts'

export function decideSegments(deciding: Deciding, body: SegmentsBody): { entered: number; left: number } {
  mustBeActive(deciding.state.member)
  const { at } = deciding.command
  const left = body.leave.filter((segment) => leaveSegment(deciding, segment, at)).length
  const entered = body.enter.filter((segment) => enterSegment(deciding, segment, at)).length
  if (entered + left > 0) after(deciding)
  return { entered, left }
}

export function decideTreat(deciding: Deciding, body: TreatBody): { points: number } {
  const { command, program, state, writes } = deciding
  mustBeActive(state.member)
  const { memberId } = state.member
  const day = dayOf(program.timeZone, command.at)
  for (const arm of body.arms) writes.arms.push({ memberId, program: program.id, arm, at: command.at, day })
  if (body.treatment === null) return { points: 0 }
  const awards = treat(deciding, body.treatment)
  after(deciding)
  return { points: awards.reduce((sum, { points }) => sum + points, 0) }
}

function treat(deciding: Deciding, treatment: TreatmentBody): readonly WireAward[] {
  const { command, program, state, writes, nextId } = deciding
  const { campaign, arm, message, promotion, facts } = treatment
  const treatmentId = nextId()
  if (promotion !== null) registerFor(deciding, promotion, command.at)
  const awards = occur(deciding, { type: 'treatment', at: command.at, attributes: { campaign, arm } })
  if (message !== null) {
    const given = awards.map(({ currency, points }) => ({ currency, points }))
    announce(deciding, 'campaign.message', { campaign, arm, template: message, facts, awards: given })
  }
  const worth = awards.map(({ currency, points }) => {
    const value = program.currencies.get(currency)?.value
    return value ? value.amount.times(points) : new Decimal(0)
  })
  const pointsValue = worth.reduce((sum, one) => sum.plus(one), new Decimal(0)).toFixed()
  writes.treatments.push({
    memberId: state.member.memberId,
    program: program.id,
    treatment: { ...treatment, treatmentId, pointsValue },
    at: command.at,
  })
  return awards
}
