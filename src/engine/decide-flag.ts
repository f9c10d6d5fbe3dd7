/**
 * A member found to be declining, and one of whom that is no longer so: told to others by an event and to the
 * rules, and kept for good, so that it can be seen later how many flags were false.
 */
import { mustBeActive } from '../members/enrol.ts'
import { announce, type Deciding } from './deciding.ts'
import type { ClearFlagBody, RaiseFlagBody } from './flags.ts'
import { occur, tellOfTiers } from './occur.ts'
import { settleAfter } from './settle.ts'

export function decideRaiseFlag(deciding: Deciding, body: RaiseFlagBody): { flagId: string } {
  const { command, state, writes, nextId } = deciding
  mustBeActive(state.member)
  const flagId = nextId()
  writes.flags.push({ command, memberId: state.member.memberId, flag: { kind: 'raised', flagId, body } })
  const { flag, day, horizonDays, pSilent, pDecline } = body
  announce(deciding, 'retention.flag_raised', { flag, asOf: day, horizonDays, pSilent, pDecline })
  occur(deciding, { type: 'flagRaised', at: command.at, attributes: { reason: flag } })
  tellOfTiers(deciding)
  settleAfter(deciding)
  return { flagId }
}

export function decideClearFlag(deciding: Deciding, body: ClearFlagBody): { flagId: string } {
  const { command, state, writes } = deciding
  const { flagId, flag, day } = body
  writes.flags.push({ command, memberId: state.member.memberId, flag: { kind: 'cleared', flagId, body } })
  announce(deciding, 'retention.flag_cleared', { flag, asOf: day })
  return { flagId }
}
