/** Tiers in the course of a command: which ones a fact meets, and what came of an assessment kept. */
import { dayOf } from '../base/time.ts'
import type { Ladder, Program } from '../program/program.ts'
import type { MemberFacts } from '../rules/facts.ts'
import { afterChange, assess, baseStanding, upgradeDue } from '../tiers/assess.ts'
import { countersAsOf } from '../tiers/counters.ts'
import { standingAt, standingMet } from '../tiers/history.ts'
import type { Standing, TierChange, WireTierChange } from '../tiers/standing.ts'
import { announce, type Deciding, standingsOf } from './deciding.ts'

/** The tiers that a fact of a business time meets, as rules see them. */
export function tiersAt({ state }: Deciding, program: Program, at: Date): MemberFacts['tiers'] {
  return new Map(
    program.ladders.map((ladder) => {
      const { enrolledAt } = state.member
      const { tier } = standingMet(ladder, { enrolledAt, changes: state.history, at })
      return [ladder.id, { tier, rank: ladder.tiers.find(({ id }) => id === tier)?.rank ?? 0 }]
    }),
  )
}

/** When the next tier begins that a running period has reached already; null where none does. */
export function upgradesDue({ program, state, command }: Deciding): Date | null {
  let next: Date | null = null
  for (const ladder of program.ladders) {
    if (ladder.upgrade === 'at_once') continue
    const { enrolledAt, attributes } = state.member
    const standing = state.standings.get(ladder.id) ?? baseStanding(ladder, enrolledAt)
    const { timeZone } = program
    const input = { timeZone, enrolledAt, attributes, standing, counters: state.counters, at: command.at }
    const due = upgradeDue(ladder, input)
    if (due !== null && (next === null || due < next)) next = due
  }
  return next
}

/** Brings every ladder to the present. Returns how many tiers changed or were renewed. */
export function settleTiers(deciding: Deciding): number {
  let count = 0
  const now = deciding.command.at
  for (const ladder of deciding.program.ladders) {
    const standing = standingsOf(deciding).get(ladder.id)!
    const { member, counters } = deciding.state
    const { timeZone } = deciding.program
    const today = dayOf(timeZone, now)
    const step = assess(ladder, {
      timeZone,
      enrolledAt: member.enrolledAt,
      standing,
      counters: countersAsOf(counters, today),
      attributes: member.attributes,
      at: now,
    })
    if (step.changes.length > 0) keep(deciding, { ladder, from: null, ...step })
    count += step.changes.length
  }
  return count
}

/** The change of the first ladder between two moments of a command, if any. */
export function tierChange(deciding: Deciding, before: ReadonlyMap<string, Standing>): WireTierChange | null {
  const [ladder] = deciding.program.ladders
  if (!ladder) return null
  const from = before.get(ladder.id)?.tier
  const to = standingsOf(deciding).get(ladder.id)?.tier
  if (from === undefined || to === undefined || from === to) return null
  const rank = (tier: string) => ladder.tiers.find(({ id }) => id === tier)?.rank ?? 0
  return { ladder: ladder.id, from, to, direction: rank(to) > rank(from) ? 'up' : 'down' }
}

// What was decided at this very instant is decided again, so it does not count as standing before.
export function standingBefore({ state }: Deciding, ladder: Ladder, from: Date): Standing {
  const before = new Date(from.getTime() - 1)
  return standingAt(ladder, { enrolledAt: state.member.enrolledAt, changes: state.history, at: before })
}

/** Makes what an assessment from a business time on brought the member's history. */
export function keep(
  deciding: Deciding,
  what: { ladder: Ladder; from: Date | null; standing: Standing; changes: readonly TierChange[] },
): void {
  const { ladder, from, standing, changes } = what
  const { state, writes, command } = deciding
  const { memberId } = state.member
  const old = state.history.filter(
    (change) => change.ladder === ladder.id && from !== null && change.effectiveAt >= from,
  )
  if (old.length === 0 && changes.length === 0) return
  if (same(old, changes)) return

  if (old.length > 0 && from !== null) {
    writes.superseded.push({ memberId, ladder: ladder.id, from, at: command.at, changes: old })
  }
  for (const change of changes) {
    writes.tierChanges.push({ memberId, changeId: deciding.nextId(), change, at: command.at })
  }
  const before = standingsOf(deciding).get(ladder.id)?.tier
  state.standings = new Map(state.standings).set(ladder.id, standing)
  state.history = [...state.history.filter((change) => !old.includes(change)), ...changes]
  if (before !== standing.tier) {
    announce(deciding, 'tier.changed', { ladder: ladder.id, from: before, to: standing.tier })
  }
}

/** Puts what a person decided at the command's time, and assesses from there. */
export function changeByHand(deciding: Deciding, ladder: Ladder, change: TierChange): void {
  const { state, program, command } = deciding
  const { enrolledAt, attributes } = state.member
  const { timeZone } = program
  const standing = afterChange(standingsOf(deciding).get(ladder.id)!, change)
  const counters = countersAsOf(state.counters, dayOf(timeZone, command.at))
  const step = assess(ladder, { timeZone, enrolledAt, attributes, standing, counters, at: command.at })
  keep(deciding, { ladder, from: null, standing: step.standing, changes: [change, ...step.changes] })
}

/** The tiers as they stand at an instant, what rose at that very instant included. */
export function tiersSince({ state }: Deciding, program: Program, at: Date): MemberFacts['tiers'] {
  return new Map(
    program.ladders.map((ladder) => {
      const { enrolledAt } = state.member
      const { tier } = standingAt(ladder, { enrolledAt, changes: state.history, at })
      return [
        ladder.id,
        {
          tier,
          rank: Math.max(
            0,
            ladder.tiers.findIndex(({ id }) => id === tier),
          ),
        },
      ]
    }),
  )
}

function same(old: readonly TierChange[], changes: readonly TierChange[]): boolean {
  const text = (list: readonly TierChange[]) =>
    JSON.stringify(list.map((c) => [c.to, c.effectiveAt, c.until, c.state ?? null]))
  return text(old) === text(changes)
}
