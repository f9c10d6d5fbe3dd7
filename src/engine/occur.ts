/**
 * What happens to a member beside purchases, as transactions of its own: reaching a tier, entering a segment.
 * It is decided with the command that brought it about, so it is written with it or not at all.
 */
import { showId } from '../base/ids.ts'
import { eventFacts, tierReached } from '../earning/reached.ts'
import type { WireAward } from '../earning/transaction.ts'
import type { EventName } from '../program/events.ts'
import type { TransactionFacts } from '../rules/facts.ts'
import { climbFrom } from './climb.ts'
import { announce, count, type Deciding } from './deciding.ts'
import { earnNow } from './earned.ts'
import { tiersSince } from './standings.ts'

/** More in one command than a ladder has rungs would be a circle. */
const MOST = 50

/** Values an event under the rules of its time; nothing is written where no rule is on it. What it gave. */
export function occur(
  deciding: Deciding,
  event: { type: EventName; at: Date; attributes: TransactionFacts['attributes'] },
): readonly WireAward[] {
  const { command, rules, nextId, state } = deciding
  const program = rules.at(command.program, event.at)
  if (!program.rules.byType.has(event.type)) return []
  const facts = eventFacts(event.type, event.at, event.attributes)
  const { member } = state
  const transactionId = nextId()
  const tiers = tiersSince(deciding, program, event.at)
  const outcome = earnNow(deciding, { program, facts, at: event.at, tiers, transactionId })
  const request = {
    externalRef: `${event.type}/${transactionId}`,
    type: event.type,
    memberId: member.memberId,
    occurredAt: event.at.toISOString(),
    lines: [],
    attributes: { ...event.attributes },
  }
  const stored = {
    transactionId,
    memberId: member.memberId,
    rulesVersion: program.version,
    request,
    occurredAt: event.at,
    source: command.source,
    recordedAt: command.at,
    kept: outcome.kept,
    returns: [],
  }
  deciding.writes.transactions.push({ command, memberId: member.memberId, stored })
  state.transactions = new Map(state.transactions).set(transactionId, stored)
  announce(deciding, 'transaction.earned', {
    transactionId: showId('transaction', transactionId),
    awards: outcome.awards.map(({ rule, currency, points }) => ({ rule, currency, points })),
  })
  climbFrom(deciding, event.at)
  return outcome.awards
}

/** Tells of every tier that the command has brought the member up to; what that gives may lead further up. */
export function tellOfTiers(deciding: Deciding): void {
  const { writes, state, command, rules } = deciding
  for (let told = 0; told < Math.min(writes.tierChanges.length, MOST); told += 1) {
    const { change } = writes.tierChanges[told]!
    if (change.direction !== 'up' || writes.superseded.some(({ changes }) => changes.includes(change)))
      continue
    const program = rules.at(command.program, change.effectiveAt)
    const { enrolledAt } = state.member
    const reached = tierReached(program, { change, enrolledAt, counters: deciding.state.counters })
    if (reached === null) continue
    count(deciding, [reached.counted])
    occur(deciding, { type: 'tierReached', at: change.effectiveAt, attributes: reached.facts.attributes })
  }
}
