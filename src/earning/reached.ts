/**
 * Reaching a tier, as something that rules can react to: a transaction of type `tierReached` for each rise,
 * once for each tier in a period of its ladder, so that falling back and rising again gives nothing twice.
 */
import { Decimal } from '../base/points.ts'
import { addDays, addMonths, type Day, dayOf } from '../base/time.ts'
import type { Ladder, Program } from '../program/program.ts'
import type { TransactionFacts } from '../rules/facts.ts'
import { type CounterRow, sumOf } from '../tiers/counters.ts'
import { periodAt } from '../tiers/period.ts'
import type { TierChange } from '../tiers/standing.ts'

export interface Reached {
  readonly facts: TransactionFacts
  /** says that it happened, and when */
  readonly counted: CounterRow
}

/** The event that a change of tier is; null where no rule asks for it, or it was told of before. */
export function tierReached(
  program: Program,
  input: { change: TierChange; enrolledAt: Date; counters: readonly CounterRow[] },
): Reached | null {
  const { change, counters } = input
  const ladder = program.ladders.find(({ id }) => id === change.ladder)
  if (change.direction !== 'up' || !ladder || !program.rules.byType.has('tierReached')) return null
  const { from, to } = turnOf(ladder, program, { ...input, at: change.effectiveAt })
  const name = eventCounter(`tierReached:${ladder.id}:${change.to}`)
  if (!sumOf(counters, name, from, to).isZero()) return null
  const attributes = { ladder: ladder.id, from: change.from }
  const day = dayOf(program.timeZone, change.effectiveAt)
  return {
    facts: eventFacts('tierReached', change.effectiveAt, attributes),
    counted: { counter: name, day, value: new Decimal(1) },
  }
}

/** The stretch in which a tier is told of once: the ladder's period, or as long a time up to the day. */
function turnOf(
  ladder: Ladder,
  { timeZone }: Program,
  { enrolledAt, at }: { enrolledAt: Date; at: Date },
): { from: Day; to: Day } {
  if (!('months' in ladder.period)) return periodAt(ladder, { timeZone, enrolledAt, at })
  const to = dayOf(timeZone, at)
  return { from: addDays(addMonths(to, -ladder.period.months), 1), to }
}

/** What happens to a member beside transactions has no lines. */
export function eventFacts(
  type: string,
  occurredAt: Date,
  attributes: TransactionFacts['attributes'],
): TransactionFacts {
  return { type, occurredAt, lines: [], tenders: [], location: null, channel: null, attributes }
}

function eventCounter(event: string): string {
  return `event:${event}`
}
