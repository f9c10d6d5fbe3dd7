/**
 * What a member of an example has, step by step: the engine's own decisions on a ledger in memory, so points
 * become usable, lapse and are spent as they would be in earnest. Made where an example asks for balances.
 */
import { dayOf } from '../base/time.ts'
import type { TransactionBody } from '../earning/transaction.ts'
import { BudgetDesk, type BudgetRow, budgetPeriod, budgetsFor } from '../engine/budgets.ts'
import type { Command, Request } from '../engine/command.ts'
import { redecide } from '../engine/decide.ts'
import { noHousehold } from '../engine/household.ts'
import { type GroupState, newState } from '../engine/state.ts'
import { ENGINE_SOURCE } from '../program/events.ts'
import type { Program } from '../program/program.ts'
import { standingFrom } from '../tiers/history.ts'
import type { TierChange } from '../tiers/standing.ts'
import { inAdvance } from './course.ts'
import type { ExampleMember, Who } from './example.ts'

const IDS: Readonly<Record<Who, string>> = {
  member: '00000000-0000-7000-8000-00000000000a',
  housemate: '00000000-0000-7000-8000-00000000000b',
}
const POOL = '00000000-0000-7000-8000-00000000000c'

export class Purse {
  readonly #program: Program
  readonly #group: GroupState
  #budgets: readonly BudgetRow[] = []
  #commands = 0

  constructor(program: Program, member: ExampleMember) {
    this.#program = program
    const household = noHousehold()
    const joinedAt = member.enrolledAt
    const members = Object.values(IDS).map((memberId) => ({ memberId, joinedAt }))
    const pool = { poolId: POOL, program: program.id, externalRef: '', createdAt: joinedAt, members }
    household.pools.set(POOL, pool)
    for (const { memberId } of members) household.poolOf.set(memberId, POOL)
    this.#group = {
      members: new Map(members.map(({ memberId }) => [memberId, stateOf(program, memberId, member)])),
      ...{ identifiers: new Map(), transactionOwners: new Map(), redemptionOwners: new Map() },
      ...{ recorded: new Map(), loose: new Map(), claims: new Map(), household },
      read: { identifiers: new Set(), dueAt: new Map(), latestAt: new Map() },
    }
  }

  /** Refuses what the engine would refuse. */
  earn(who: Who, body: TransactionBody): void {
    const request = { kind: 'earn' as const, body: { ...body, memberId: IDS[who] } }
    this.#decide(new Date(body.occurredAt), request, body.type)
  }

  /** Refuses `insufficient_points` and what the currency does not allow. */
  redeem(who: Who, { currency, points, at }: { currency: string; points: bigint; at: Date }): void {
    const body = { externalRef: 'example', memberId: IDS[who], currency, points: Number(points) }
    this.#decide(at, { kind: 'redeem', body: { ...body, occurredAt: at.toISOString() } }, null)
  }

  /** What can be spent at an instant. */
  balance(who: Who, currency: string, at: Date): bigint {
    this.#decide(at, { kind: 'settle', memberId: IDS[who] }, null)
    return this.#group.members.get(IDS[who])?.book.accounts.get(currency)?.available ?? 0n
  }

  #decide(at: Date, request: Request, type: string | null): void {
    const program = this.#program
    const day = dayOf(program.timeZone, at)
    const keys = budgetsFor(program, type).map((limit) => ({
      ...{ program: program.id, budget: limit.name, period: budgetPeriod(limit, day) },
    }))
    const budgets = new BudgetDesk(this.#budgets, { shard: 0, whole: true, keys })
    this.#commands += 1
    const number = this.#commands.toString(16).padStart(8, '0')
    const command: Command = {
      ...{ commandId: `00000000-0000-7000-9000-${number}0000`, at, source: ENGINE_SOURCE },
      ...{ program: program.id, ref: null, text: '', requestHash: '', request },
    }
    const rules = { at: () => program, find: () => program, version: () => program }
    redecide({ ...this.#group, budgets }, command, rules)
    this.#budgets = sumOf([...this.#budgets, ...budgets.rows()])
  }
}

function stateOf(program: Program, memberId: string, of: ExampleMember) {
  const { enrolledAt, attributes, tiers, until } = of
  const state = newState({
    ...{ memberId, program: program.id, externalRef: memberId, status: 'active', mergedInto: null },
    ...{ profile: {}, attributes, consents: {}, enrolledAt, createdAt: enrolledAt },
  })
  const history = program.ladders.flatMap((ladder): TierChange[] => {
    const advance = inAdvance(program, ladder, of)
    if (advance) return [advance]
    const { id } = ladder
    const [base] = ladder.tiers
    const to = tiers.get(id)
    if (to === undefined || !base || to === base.id) return []
    const change = { ladder: id, from: base.id, to, direction: 'up' as const, effectiveAt: enrolledAt }
    return [{ ...change, until, reason: 'as the example says' }]
  })
  const marks = [
    ...of.segments.map((name) => ({ kind: 'segment' as const, name, since: enrolledAt, until: null })),
    ...of.promotions.map((name) => ({ kind: 'promotion' as const, name, since: enrolledAt, until: null })),
  ]
  return { ...state, history, standings: standingFrom(history, enrolledAt), marks }
}

function sumOf(rows: readonly BudgetRow[]): BudgetRow[] {
  const sums = new Map<string, BudgetRow>()
  for (const row of rows) {
    const name = `${row.budget} ${row.period} ${row.shard}`
    sums.set(name, { ...row, used: row.used + (sums.get(name)?.used ?? 0n) })
  }
  return [...sums.values()]
}
