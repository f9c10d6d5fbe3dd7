/**
 * Reads what rules look at beside a member's own balances and tiers: marks of the members, and the shards of
 * budgets, which are locked when something may be taken of them.
 */

import { dayOf } from '../base/time.ts'
import { type Executor, list } from '../db/connection.ts'
import { BudgetDesk, type BudgetKey, type BudgetRow, budgetPeriod, budgetsFor, SHARDS } from './budgets.ts'
import { columns } from './columns.ts'
import type { Command, CommandKind } from './command.ts'
import type { RulesInForce } from './deciding.ts'
import type { Mark } from './marks.ts'
import type { LooseSale, MemberState } from './state.ts'

export interface RulesRead {
  readonly marks: ReadonlyMap<string, Mark[]>
  readonly budgets: BudgetDesk
}

export interface BudgetsWanted {
  readonly rules: RulesInForce
  readonly lock: boolean
  /** all shards, for a group that found its own too small */
  readonly whole: boolean
  /** sales that the group attaches */
  readonly loose: ReadonlyMap<string, LooseSale>
}

// Each group takes the next shard; processes begin somewhere else.
let turn = process.pid % SHARDS

/** Sent after the members' lock: whoever waits for a shard holds its members already, never the other way. */
export async function readRules(
  sql: Executor,
  commands: readonly Command[],
  { memberIds, ...wanted }: BudgetsWanted & { memberIds: readonly string[] },
): Promise<RulesRead> {
  turn = (turn + 1) % SHARDS
  const shard = turn
  const whole = wanted.whole || !wanted.lock
  const keys = keysOf(commands, wanted)
  const [marks, rows] = await Promise.all([
    readMarks(sql, commands, { memberIds, rules: wanted.rules }),
    readBudgets(sql, keys, { ...wanted, shard }),
  ])
  return { marks, budgets: new BudgetDesk(rows, { shard, whole, keys }) }
}

async function readMarks(
  sql: Executor,
  commands: readonly Command[],
  { memberIds, rules }: { memberIds: readonly string[]; rules: RulesInForce },
): Promise<Map<string, Mark[]>> {
  const marks = new Map<string, Mark[]>()
  const asked = commands.some((command) => asksForMarks(command, rules))
  if (!asked || memberIds.length === 0) return marks
  for (const id of memberIds) marks.set(id, [])
  const rows = await sql<(Mark & { member_id: string })[]>`
    select member_id, kind, name, since, until from member_marks
    where member_id = any(${list(sql, memberIds)}::uuid[]) order by since, kind, name`
  for (const { member_id, ...mark } of rows) marks.set(member_id, [...(marks.get(member_id) ?? []), mark])
  return marks
}

/** Commands that change marks; any other sees them only if a rule looks at them. */
const ABOUT_MARKS: ReadonlySet<CommandKind> = new Set([
  ...(['register', 'change_segment', 'assign_segments', 'treat'] as const),
])

function asksForMarks(command: Command, rules: RulesInForce): boolean {
  const { request, program, at } = command
  if (ABOUT_MARKS.has(request.kind)) return true
  // A late sale is valued under the rules of its day.
  const then = request.kind === 'earn' ? new Date(request.body.occurredAt) : at
  return [at, ...(then < at ? [then] : [])].some((one) => rules.find(program, one)?.asksForMarks ?? false)
}

/** Puts the marks on the members; those of members that came in through a duplicate are read as well. */
export async function addMarks(
  sql: Executor,
  commands: readonly Command[],
  read: { members: Map<string, MemberState>; marks: ReadonlyMap<string, Mark[]>; rules: RulesInForce },
): Promise<void> {
  const { members, marks, rules } = read
  const memberIds = [...members.keys()].filter((id) => !marks.has(id))
  const further =
    marks.size > 0 && memberIds.length > 0 ? await readMarks(sql, commands, { memberIds, rules }) : null
  for (const [id, state] of members) {
    const own = marks.get(id) ?? further?.get(id)
    if (own) members.set(id, { ...state, marks: own })
  }
}

/** The budgets that the group may take from, in one order for all groups. */
function keysOf(commands: readonly Command[], { rules, loose }: BudgetsWanted): BudgetKey[] {
  const keys = new Map<string, BudgetKey>()
  for (const command of commands) {
    const earning = earningOf(command, loose)
    const at = earning?.at ?? command.at
    const program = rules.find(command.program, at)
    if (program === null) continue
    for (const limit of budgetsFor(program, earning?.type ?? null)) {
      const period = budgetPeriod(limit, dayOf(program.timeZone, at))
      keys.set(`${program.id} ${limit.name} ${period}`, { program: program.id, budget: limit.name, period })
    }
  }
  return [...keys].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, key]) => key)
}

/** What a command earns and when; null where it brings about events at most. */
function earningOf(
  { request, at }: Command,
  loose: ReadonlyMap<string, LooseSale>,
): { type: string; at: Date } | null {
  if (request.kind === 'enrol') {
    const { enrolledAt } = request.body
    return { type: 'enrolment', at: enrolledAt === undefined ? at : new Date(enrolledAt) }
  }
  if (request.kind === 'earn') return { type: request.body.type, at: new Date(request.body.occurredAt) }
  if (request.kind !== 'attach') return null
  const sale = loose.get(request.transactionId)
  return sale ? { type: sale.request.type, at: sale.occurredAt } : null
}

async function readBudgets(
  sql: Executor,
  keys: readonly BudgetKey[],
  { lock, whole, shard }: { lock: boolean; whole: boolean; shard: number },
): Promise<BudgetRow[]> {
  if (keys.length === 0) return []
  const shards = whole ? Array.from({ length: SHARDS }, (_, index) => index) : [shard]
  const wanted = keys.flatMap((key) => shards.map((each) => ({ ...key, shard: each })))
  // Taking a row and locking it is one statement, row by row in the order of the keys.
  const taken = columns(wanted, (row) => [row.program, row.budget, row.period, row.shard])
  const locked = lock
    ? sql`
        insert into budgets (program, budget, period, shard, used)
        select u.program, u.budget, u.period, u.shard, 0
        from unnest(${taken[0]!}::text[], ${taken[1]!}::text[], ${taken[2]!}::date[], ${taken[3]!}::smallint[])
          as u(program, budget, period, shard)
        order by u.program, u.budget, u.period, u.shard
        on conflict (program, budget, period, shard) do update set used = budgets.used`.execute()
    : null
  const [program, budget, period] = columns(keys, (key) => [key.program, key.budget, key.period])
  const read = sql<BudgetRow[]>`
    select b.program, b.budget, b.period::text as period, b.shard, b.used
    from unnest(${program!}::text[], ${budget!}::text[], ${period!}::date[]) as u(program, budget, period)
    join budgets b on b.program = u.program and b.budget = u.budget and b.period = u.period`
  const [, rows] = await Promise.all([locked, read])
  return rows
}
