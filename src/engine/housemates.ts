/**
 * Limits per household: members of one pool use them together. What each has used stands among its own
 * counters, so whoever joins a pool brings it along and whoever leaves takes it away; a member of no pool is a
 * household of its own. Pools are locked before their members, so two of one household never earn at once.
 */
import type { Program } from '../program/program.ts'
import { isOfHousehold } from '../rules/limit.ts'
import type { CounterRow } from '../tiers/counters.ts'
import type { Command } from './command.ts'
import type { Deciding, RulesInForce } from './deciding.ts'
import type { Needs } from './needs.ts'

const known = new WeakMap<Program, boolean>()

/** Whether any rule of the program has a limit per household. */
function mindsHouseholds(program: Program): boolean {
  let minds = known.get(program)
  if (minds === undefined) {
    minds = program.rules.rules.some(({ limits }) => limits.some(({ name }) => isOfHousehold(name)))
    known.set(program, minds)
  }
  return minds
}

/** Where rules ask for it, the pools of the members that are named are needed, with everybody in them. */
export function wantHouseholds(
  needs: Needs,
  commands: readonly Command[],
  { rules, memberIds }: { rules: RulesInForce; memberIds: readonly string[] },
): void {
  const asked = commands.some(({ program, at, request }) => {
    const times = request.kind === 'earn' ? [at, new Date(request.body.occurredAt)] : [at]
    return times.some((time) => {
      const found = Number.isNaN(time.getTime()) ? null : rules.find(program, time)
      return found !== null && mindsHouseholds(found)
    })
  })
  if (!asked) return
  for (const id of [...needs.memberIds, ...memberIds]) needs.household.pooling.add(id)
}

/** What the other members of the household count; nothing where the rules do not ask for it. */
export function countersOfHousemates(deciding: Deciding, program: Program): readonly CounterRow[] {
  if (!mindsHouseholds(program)) return []
  const { group, drafts, state } = deciding
  const { memberId } = state.member
  const pool = group.household.pools.get(group.household.poolOf.get(memberId) ?? '')
  const others = (pool?.members ?? []).filter((one) => one.memberId !== memberId)
  return others.flatMap(
    (one) => (drafts.get(one.memberId)?.state ?? group.members.get(one.memberId))?.counters ?? [],
  )
}
