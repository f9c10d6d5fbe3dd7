/**
 * Tiers from a business time on, after what is counted there has changed. Every ladder is climbed again, fact
 * by fact, to the present; a later transaction that now meets another tier is valued again on the way, and
 * what it counts then is what the next one is judged by. So the order of arrival makes no difference.
 */
import { DomainError } from '../base/errors.ts'
import { type Day, dayOf, startOfDay } from '../base/time.ts'
import { readTransaction } from '../earning/facts.ts'
import { contributionOf, revalue, type Valued } from '../earning/revalue.ts'
import { isEvent } from '../program/events.ts'
import type { Ladder } from '../program/program.ts'
import type { MemberFacts } from '../rules/facts.ts'
import { afterChange, assess } from '../tiers/assess.ts'
import { type CounterRow, countersAsOf } from '../tiers/counters.ts'
import type { Standing, TierChange } from '../tiers/standing.ts'
import { budgetsSeen } from './budgets.ts'
import { type Deciding, record } from './deciding.ts'
import { keep, standingBefore } from './standings.ts'
import { addCounters, type StoredTransaction } from './state.ts'

interface Walk {
  readonly deciding: Deciding
  /** what is counted up to where the walk has come */
  counters: readonly CounterRow[]
  readonly ladders: { readonly ladder: Ladder; standing: Standing; readonly changes: TierChange[] }[]
}

/** Climbs every ladder from a business time on, and values later transactions again where that matters. */
export function climbFrom(deciding: Deciding, from: Date): void {
  const { memberId } = deciding.state.member
  // What was sold to a merged duplicate keeps the value that it had; it counts by its day.
  const later = [...deciding.state.transactions.values()].filter(
    (stored) => stored.memberId === memberId && stored.occurredAt > from,
  )
  climbThrough(deciding, from, later)
}

/**
 * Climbs by days alone, whatever transactions happen to be known: after a merge, which brings counters and
 * not facts. No sale is valued again.
 */
export function climbByDays(deciding: Deciding, from: Date): void {
  climbThrough(deciding, from, [])
}

/**
 * Climbs after something was taken back, from the beginning of its day where a climb by days has dated a
 * change to that: it may be what is un-met now.
 */
export function climbBack(deciding: Deciding, from: Date): void {
  const { timeZone } = deciding.program
  const day = startOfDay(timeZone, dayOf(timeZone, from))
  const isDated = deciding.state.history.some(({ effectiveAt }) => effectiveAt.getTime() === day.getTime())
  climbFrom(deciding, isDated ? day : from)
}

function climbThrough(deciding: Deciding, from: Date, later: readonly StoredTransaction[]): void {
  const { program, command, state } = deciding
  if (program.ladders.length === 0) return
  const walk: Walk = {
    deciding,
    counters: addCounters(
      state.counters,
      later.flatMap((stored) => contributionOf(valuedOf(deciding, stored)).map(negated)),
    ),
    ladders: program.ladders.map((ladder) => ({
      ladder,
      standing: standingBefore(deciding, ladder, from),
      changes: [],
    })),
  }

  step(walk, from)
  decideAgain(walk, from)
  let last = from
  for (const at of instantsAfter(walk, from, later)) {
    last = at
    step(walk, at)
    decideAgain(walk, at)
    const arriving = later.filter(({ occurredAt }) => occurredAt.getTime() === at.getTime())
    if (arriving.length === 0) continue
    const met = walk.ladders.map(({ standing }) => standing)
    for (const stored of arriving) {
      const { now, usable } = valueAgain(deciding, stored, met)
      walk.counters = addCounters(walk.counters, [...contributionOf(valuedOf(deciding, now)), ...usable])
    }
    step(walk, at)
  }
  if (command.at > from && mayDiffer(walk, last)) step(walk, command.at)
  for (const { ladder, standing, changes } of walk.ladders)
    keep(deciding, { ladder, from, standing, changes })
}

// Counters, periods and phases go by days: within one, only a tier that ends tells two instants apart.
function mayDiffer({ deciding, ladders }: Walk, from: Date): boolean {
  const { timeZone } = deciding.program
  const { at } = deciding.command
  if (from > at || dayOf(timeZone, from) !== dayOf(timeZone, at)) return true
  return ladders.some(({ standing: { until } }) => until !== null && until <= at)
}

/** What a person decided at an instant stays decided, wherever climbing has come to. */
function decideAgain(walk: Walk, at: Date): void {
  const decided = walk.deciding.state.history.filter(
    ({ state, effectiveAt }) => state?.byHand && effectiveAt.getTime() === at.getTime(),
  )
  if (decided.length === 0) return
  for (const one of walk.ladders) {
    for (const change of decided.filter(({ ladder }) => ladder === one.ladder.id)) {
      const given = change.state?.manual || change.state?.challenge
      const again = { ...change, from: one.standing.tier, to: given ? change.to : one.standing.tier }
      one.changes.push(again)
      one.standing = afterChange(one.standing, again)
    }
  }
  step(walk, at)
}

/** Instants at which something is counted: of each later transaction, and of each day that others count on. */
function instantsAfter(
  { counters, deciding }: Walk,
  from: Date,
  later: readonly StoredTransaction[],
): readonly Date[] {
  const { timeZone } = deciding.program
  const first = dayOf(timeZone, from)
  const days = new Set<Day>()
  for (const { counter, day, value } of counters) {
    if (day > first && !/^(limit|active):/.test(counter) && !value.isZero()) days.add(day)
  }
  const byHand = deciding.state.history.filter(
    ({ state, effectiveAt }) => state?.byHand && effectiveAt > from,
  )
  if (days.size === 0 && later.length === 0 && byHand.length === 0) return []
  const times = new Set([
    ...[...days].map((day) => startOfDay(timeZone, day).getTime()),
    ...later.map(({ occurredAt }) => occurredAt.getTime()),
    ...byHand.map(({ effectiveAt }) => effectiveAt.getTime()),
  ])
  return [...times].sort((a, b) => a - b).map((time) => new Date(time))
}

function step({ deciding, counters, ladders }: Walk, at: Date): void {
  const { timeZone } = deciding.program
  const { enrolledAt, attributes } = deciding.state.member
  const today = dayOf(timeZone, at)
  const counted = countersAsOf(counters, today)
  for (const one of ladders) {
    const { standing } = one
    const step = assess(one.ladder, {
      timeZone,
      enrolledAt,
      attributes,
      standing,
      counters: counted,
      at,
    })
    one.standing = step.standing
    one.changes.push(...step.changes)
  }
}

/** The transaction as it stands when its instant meets these standings; what differs is posted. */
function valueAgain(
  deciding: Deciding,
  stored: StoredTransaction,
  met: readonly Standing[],
): { now: StoredTransaction; usable: readonly CounterRow[] } {
  // What happened to the member is told of once, as it was met then.
  if (isEvent(stored.request.type)) return { now: stored, usable: [] }
  const valued = valuedOf(deciding, stored)
  const tiers = tiersMet(valued, met)
  if (tiers === null) return { now: stored, usable: [] }

  const { command, state, writes, nextId } = deciding
  const { memberId } = state.member
  const { transactionId } = stored
  const { book, member } = state
  const budgets = budgetsSeen(deciding.group.budgets, { program: command.program, taken: writes.budgets })
  const how = { tiers, book, profile: member.profile, transactionId, nextId, budgets, at: command.at }
  const outcome = unlessRefused(() => revalue(valued, how))
  if (outcome === null) return { now: stored, usable: [] }
  if (outcome.entry) record(deciding, outcome.entry)
  const counted = [...outcome.counted, ...outcome.usable]
  for (const row of counted) writes.counters.push({ memberId, row })
  state.counters = addCounters(state.counters, counted)
  writes.budgets.push(...outcome.budgeted)
  const { kept, returns } = outcome
  writes.revaluations.push({ command, memberId, revaluationId: nextId(), transactionId, kept, returns })
  const now = { ...stored, kept, returns }
  state.transactions = new Map(state.transactions).set(transactionId, now)
  return { now, usable: outcome.usable }
}

/** Null where a limit would refuse it: a sale that was accepted then keeps its value, and nobody's is refused for it. */
function unlessRefused<Result>(work: () => Result): Result | null {
  try {
    return work()
  } catch (error) {
    if (error instanceof DomainError && error.code === 'limit_reached') return null
    throw error
  }
}

/** The tiers of a transaction's rules as it meets them; null where they are what it was valued with. */
function tiersMet({ program, kept }: Valued, met: readonly Standing[]): MemberFacts['tiers'] | null {
  let differs = false
  const tiers = program.ladders.map((ladder): [string, { tier: string; rank: number }] => {
    const before = kept.member.tiers[ladder.id] ?? { tier: '', rank: 0 }
    const tier = met.find((standing) => standing.ladder === ladder.id)?.tier ?? before.tier
    if (tier !== before.tier) differs = true
    return [ladder.id, { tier, rank: ladder.tiers.find(({ id }) => id === tier)?.rank ?? 0 }]
  })
  return differs ? new Map(tiers) : null
}

function valuedOf({ command, rules }: Deciding, stored: StoredTransaction): Valued {
  const program = rules.version(command.program, stored.rulesVersion)
  const { kept, returns, confirmation = null } = stored
  const facts = readTransaction(program, stored.request, stored.recordedAt)
  return { program, facts, kept, returns, confirmation }
}

function negated(row: CounterRow): CounterRow {
  return { ...row, value: row.value.negated() }
}
