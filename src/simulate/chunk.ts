/**
 * Simulates some members: their sales come in a stream, in order, with only one member's state in mind at a
 * time, and are decided once more; then the member as simulated is held beside the member as recorded.
 */
import type { Executor } from '../db/connection.ts'
import { newCommand } from '../engine/command.ts'
import { redecide } from '../engine/decide.ts'
import { load } from '../engine/load.ts'
import type { GroupState, MemberState } from '../engine/state.ts'
import { standingAt } from '../tiers/history.ts'
import { PastBudgets } from './budgets.ts'
import { Conclusion, type Stand } from './conclude.ts'
import { MemberRun, type Simulated } from './member-run.ts'
import { type CommandRow, readCommands, readSaleTimes, type SaleTime, streamSales } from './queries.ts'
import { replayed } from './replay.ts'
import { at, type Tally } from './tally.ts'

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
  const conclusion = new Conclusion(what)
  const budgets = new PastBudgets(what.course, conclusion.tally.takes)
  const begin = (memberId: string) =>
    new MemberRun(group.members.get(memberId)!, {
      commands: byMember.get(memberId) ?? [],
      times: soldBy.get(memberId) ?? [],
      ...{ what, tally: conclusion.tally, budgets },
    })
  const conclude = (run: MemberRun) => {
    run.end()
    const recorded = group.members.get(run.memberId)!
    const { attributes } = recorded.member
    const stands = { before: standOf(recorded), after: standOf(run.state) }
    const { memberId, points } = run
    conclusion.take({ memberId, points, stands, attributes, marks: recorded.marks })
  }
  const waiting = [...memberIds]
  let current: MemberRun | null = null
  const proceed = (memberId: string | null): void => {
    while (waiting.length > 0 && current?.memberId !== memberId) {
      if (current) conclude(current)
      current = begin(waiting.shift()!)
    }
  }
  for await (const sales of streamSales(sql, memberIds)) {
    for (const sale of sales) {
      proceed(sale.memberId)
      current!.sale(sale)
    }
  }
  proceed(null)
  if (current) conclude(current)
  return conclusion.end()
}

function standOf({ book, history, member }: MemberState): Stand {
  const { enrolledAt } = member
  return {
    accounts: book.accounts.values(),
    tierAt: (ladder, at) => standingAt(ladder, { enrolledAt, changes: history, at }).tier,
  }
}

/** Under which rules members are told of, and as of when. */
export type Told = Pick<Simulated, 'program' | 'recorded' | 'asOf'>

/** The members as the engine would load them, with everything due by the end settled. */
export async function recordedState(
  sql: Executor,
  memberIds: readonly string[],
  { program, recorded, asOf }: Told,
): Promise<GroupState> {
  const settle = memberIds.map((memberId) =>
    newCommand({ program, source: '', ref: null, at: asOf }, { kind: 'settle', memberId }),
  )
  const group = await load(sql, settle, { rules: recorded, lock: false })
  for (const command of settle) redecide(group, command, recorded)
  return group
}
