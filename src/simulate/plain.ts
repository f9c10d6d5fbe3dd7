/**
 * Which rules the short way of a simulation can tell the whole of: where no sale reaches further than its own
 * member's lots, counters and tiers. All others go the long way, which decides every command as the engine does.
 */
import type { Criterion, Currency, Ladder, Program } from '../program/program.ts'
import type { Simulated } from './member-run.ts'

/** The program by whose ladders and currencies the short way goes; null: there is no short way. */
export function plainProgram(what: Pick<Simulated, 'program' | 'recorded' | 'candidate'>): Program | null {
  const { candidate, recorded, program } = what
  const published = recorded.all(program)
  const inPlay =
    candidate === null
      ? published
      : candidate.since === null
        ? [candidate.program]
        : [...published, candidate.program]
  const one = inPlay.at(-1)
  if (!one || !inPlay.every(isPlain)) return null
  const shape = shapeOf(one)
  if (!inPlay.every((other) => shapeOf(other) === shape)) return null
  return published.every((then) => takesAllOf(one, then)) ? one : null
}

function isPlain({ milestones, rules, currencies, ladders }: Program): boolean {
  return (
    milestones.length === 0 &&
    !rules.extends &&
    !rules.byType.has('tierReached') &&
    [...currencies.values()].every(isPlainCurrency) &&
    ladders.every(isPlainLadder)
  )
}

function isPlainCurrency({ expiry, exempt, pending, counts }: Currency): boolean {
  const byBirth = 'endOf' in expiry && typeof expiry.endOf === 'object' && 'birthOf' in expiry.endOf
  const alone = expiry.kind !== 'idle' && !byBirth && exempt === null
  return alone && pending.kind !== 'confirmed' && counts === 'at_once'
}

/** Tiers move only with sales and returns, and with time. */
function isPlainLadder(ladder: Ladder): boolean {
  const criteria = [...ladder.tiers.flatMap(({ reach, keep }) => [reach, keep]), ladder.softLanding]
  const asks = criteria.some((criterion) => criterion !== null && asksForAttributes(criterion))
  return ladder.upgrade === 'at_once' && !asks
}

function asksForAttributes(criterion: Criterion): boolean {
  if (criterion.kind === 'counter') return criterion.counter.startsWith('attribute:')
  return criterion.of.some(asksForAttributes)
}

/** Everything beside the rules that says what becomes of points and tiers. */
function shapeOf({ timeZone, money, currencies, funders, ladders, returns }: Program): string {
  const lots = [...currencies.values()].map(({ id, kind, expiry, pending }) => ({
    ...{ id, kind, expiry, pending },
  }))
  return textOf({ timeZone, money, lots, funders, ladders, returns })
}

/** What was posted under one version, another one takes as well. */
function takesAllOf(one: Program, then: Program): boolean {
  const types = [...then.transactionTypes.keys()]
  const events = [...then.eventTypes.keys()].filter((id) => then.rules.byType.has(id))
  return (
    one.money === then.money &&
    types.every(
      (id) => textOf(one.transactionTypes.get(id) ?? null) === textOf(then.transactionTypes.get(id)),
    ) &&
    events.every((id) => textOf(one.eventTypes.get(id) ?? null) === textOf(then.eventTypes.get(id))) &&
    types.every((id) => then.transactionTypes.get(id)?.unique.length === 0)
  )
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_key, one) => {
    if (one instanceof Map) return [...one]
    return typeof one === 'bigint' ? one.toString() : one
  })
}
