/** Tiers in the course of a command: which ones a fact meets, and what came of an assessment kept. */
import { dayOf } from '../base/time.ts'
import type { Ladder, Program } from '../program/program.ts'
import type { MemberFacts } from '../rules/facts.ts'
import { assess } from '../tiers/assess.ts'
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
      counters: counters.filter(({ day }) => day <= today),
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

function same(old: readonly TierChange[], changes: readonly TierChange[]): boolean {
  const text = (list: readonly TierChange[]) =>
    JSON.stringify(list.map((c) => [c.to, c.effectiveAt, c.until]))
  return text(old) === text(changes)
}
