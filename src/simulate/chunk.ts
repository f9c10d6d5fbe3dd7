/**
 * Simulates some members: their sales come in a stream, in order, with only one member's state in mind at a
 * time, and are decided once more; then the member as simulated is held beside the member as recorded.
 */
import type { Executor } from '../db/connection.ts'
import { newCommand } from '../engine/command.ts'
import { redecide } from '../engine/decide.ts'
import { load } from '../engine/load.ts'
import { marksAt } from '../engine/marks.ts'
import type { GroupState, MemberState } from '../engine/state.ts'
import { emptyAccount } from '../ledger/account.ts'
import { standingAt } from '../tiers/history.ts'
import { PastBudgets } from './budgets.ts'
import { BY_SEGMENT, type MemberInput, MemberRun, type Simulated } from './member-run.ts'
import { type CommandRow, readCommands, readSaleTimes, type SaleTime, streamSales } from './queries.ts'
import { isBegun, replayed } from './replay.ts'
import {
  addTo,
  at,
  type Both,
  type Mover,
  nameMovers,
  newGroup,
  newTally,
  owe,
  sides,
  type Tally,
} from './tally.ts'

export async function simulateMembers(
  sql: Executor,
  memberIds: readonly string[],
  what: Simulated,
): Promise<Tally> {
  const [group, commands, times] = await Promise.all([
    recordedState(sql, memberIds, what),
    readCommands(sql, memberIds, replayed),
    readSaleTimes(sql, memberIds),
  ])
  const soldBy = new Map<string, SaleTime[]>()
  for (const time of times) at(soldBy, time.memberId, () => []).push(time)
  const byMember = new Map<string, CommandRow[]>()
  for (const command of commands) at(byMember, command.memberId, () => []).push(command)
  const run = new ChunkRun(what, group)
  const waiting = [...memberIds]
  let current: MemberRun | null = null
  const proceed = (memberId: string | null): void => {
    while (waiting.length > 0 && current?.memberId !== memberId) {
      if (current) run.conclude(current)
      const next = waiting.shift()!
      current = run.begin(next, { commands: byMember.get(next) ?? [], times: soldBy.get(next) ?? [] })
    }
  }
  for await (const sales of streamSales(sql, memberIds)) {
    for (const sale of sales) {
      proceed(sale.memberId)
      current!.sale(sale)
    }
  }
  proceed(null)
  if (current) run.conclude(current)
  return run.end()
}

/** The members as the engine would load them, with everything due by the end settled. */
async function recordedState(
  sql: Executor,
  memberIds: readonly string[],
  { program, recorded, asOf }: Simulated,
): Promise<GroupState> {
  const settle = memberIds.map((memberId) =>
    newCommand({ program, source: '', ref: null, at: asOf }, { kind: 'settle', memberId }),
  )
  const group = await load(sql, settle, { rules: recorded, lock: false })
  for (const command of settle) redecide(group, command, recorded)
  return group
}

class ChunkRun {
  readonly tally = newTally()
  readonly #what: Simulated
  readonly #group: GroupState
  readonly #movers: Mover[] = []
  readonly #budgets: PastBudgets

  constructor(what: Simulated, group: GroupState) {
    this.#what = what
    this.#group = group
    this.#budgets = new PastBudgets(what.course, this.tally.takes)
  }

  begin(memberId: string, past: Pick<MemberInput, 'commands' | 'times'>): MemberRun {
    return new MemberRun(this.#recorded(memberId), {
      ...past,
      what: this.#what,
      tally: this.tally,
      budgets: this.#budgets,
    })
  }

  /** Settles what is due and counts how the member stands, before and after. */
  conclude(run: MemberRun): void {
    const { tally } = this
    run.end()
    tally.members += 1
    const states = { before: this.#recorded(run.memberId), after: run.state }
    for (const side of sides) this.#countHoldings(side, states[side])
    const tiers = { before: this.#tiers('before', states.before), after: this.#tiers('after', states.after) }
    for (const side of sides) {
      for (const [ladder, tier] of tiers[side])
        at(tally.tiers, `${ladder}\n${tier}`, () => ({ before: 0, after: 0 }))[side] += 1
    }
    for (const [ladder, from] of tiers.before) {
      const to = tiers.after.get(ladder)
      if (to !== undefined && to !== from) addTo(tally.moves, `${ladder}\n${from}\n${to}`)
    }
    this.#countMember(run, this.#groupsOf(states.before, tiers.before))
  }

  end(): Tally {
    nameMovers(this.tally, this.#movers)
    return this.tally
  }

  #recorded(memberId: string): MemberState {
    return this.#group.members.get(memberId)!
  }

  #countHoldings(side: keyof Both<unknown>, { book }: MemberState): void {
    for (const account of book.accounts.values()) owe(this.tally, side, account)
    // A currency that nobody has points in is shown all the same.
    for (const currency of this.#programOf(side).currencies.keys())
      owe(this.tally, side, emptyAccount(currency))
  }

  /** By ladder, at the end of the time that is counted: tiers of long ago have run out by now. */
  #tiers(side: keyof Both<unknown>, { history, member: { enrolledAt } }: MemberState): Map<string, string> {
    const { until, asOf } = this.#what
    const end = until !== null && until < asOf ? until : asOf
    return new Map(
      this.#programOf(side).ladders.map((ladder) => [
        ladder.id,
        standingAt(ladder, { enrolledAt, changes: history, at: end }).tier,
      ]),
    )
  }

  #programOf(side: keyof Both<unknown>) {
    const { recorded, candidate, asOf, program } = this.#what
    const simulated = side === 'after' && candidate && isBegun(candidate, asOf)
    return simulated ? candidate.program : recorded.at(program, asOf)
  }

  /** Mostly one; of segments, all that the member is in at the end. */
  #groupsOf({ member, marks }: MemberState, tiers: ReadonlyMap<string, string>): readonly string[] {
    const { by, until, asOf } = this.#what
    if (by === BY_SEGMENT && !this.#programOf('before').memberAttributes.has(by)) {
      const { segments = [] } = marksAt(marks, until !== null && until < asOf ? until : asOf)
      return segments.length === 0 ? ['in none'] : segments
    }
    if (by !== null) return [String(member.attributes[by] ?? 'not said')]
    const [tier] = tiers.values()
    return [tier ?? 'everybody']
  }

  #countMember(run: MemberRun, groups: readonly string[]): void {
    const { tally } = this
    const worth = run.worth({ before: this.#programOf('before'), after: this.#programOf('after') })
    const all = groups.map((group) => at(tally.groups, group, newGroup))
    for (const counts of all) {
      counts.members += 1
      for (const side of sides) {
        for (const [currency, points] of run.points[side])
          at(counts.points, currency, () => ({ before: 0n, after: 0n }))[side] += points
      }
    }
    if (worth.isZero()) return
    const better = worth.isPositive()
    for (const one of [tally, ...all]) one[better ? 'better' : 'worse'] += 1
    this.#movers.push({ memberId: run.memberId, ...run.points, worth: worth.toFixed() })
  }
}
