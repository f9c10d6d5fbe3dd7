/**
 * One member on the way through a simulation: sales and other commands in the order in which they were
 * recorded, each decided again, with what counted sales gave added up as recorded and as simulated.
 */
import { readId } from '../base/ids.ts'
import { Decimal } from '../base/points.ts'
import type { ReversedAward } from '../earning/return.ts'
import type { Request } from '../engine/command.ts'
import type { MemberState, StoredTransaction } from '../engine/state.ts'
import { ENGINE_SOURCE, isEvent } from '../program/events.ts'
import type { Course, PastBudgets } from './budgets.ts'
import type { CommandRow, SaleRow, SaleTime } from './queries.ts'
import { type Candidate, type Past, type PastRules, Replay } from './replay.ts'
import { addTo, type Both, countRule, type Tally } from './tally.ts'

/** Not an attribute: members are grouped by the segments that they are in. */
export const BY_SEGMENT = 'segment'

export interface Simulated {
  readonly program: string
  /** as published */
  readonly recorded: PastRules
  /** null: the recorded rules themselves */
  readonly candidate: Candidate | null
  /** the end: everything due by then is settled, before and after */
  readonly asOf: Date
  /** counted are sales of this time, half-open; null: without end */
  readonly since: Date | null
  readonly until: Date | null
  /** a member attribute to group members by, or `segment`; null: the tier on the first ladder */
  readonly by: string | null
  /** what was taken of limits over all members, as the pass before found it; empty: nothing */
  readonly course: Course
}

export interface MemberInput {
  readonly commands: readonly CommandRow[]
  readonly times: readonly SaleTime[]
  readonly what: Simulated
  readonly tally: Tally
  /** where commands take from limits over all members */
  readonly budgets: PastBudgets
}

/** One member's history on its way through the replay. */
export class MemberRun {
  readonly memberId: string
  /** given by counted sales less what returns of them took back, by currency */
  readonly points: Both<Map<string, bigint>> = { before: new Map(), after: new Map() }
  readonly #input: MemberInput
  readonly #replay: Replay
  readonly #others: readonly Other[]
  /** by command: the earliest business time that any later one reaches back to */
  readonly #reaches: ReadonlyMap<string, number>
  /** sales that came without their member, until they are attached */
  readonly #loose = new Map<string, SaleRow>()
  readonly #attached: ReadonlySet<string>
  /** counted sales: of then, with what returns take back of them by now; and of here */
  readonly #counted = new Map<string, SaleRow['revalued']>()
  readonly #countedHere = new Set<string>()
  #next = 0

  constructor(state: Pick<MemberState, 'member' | 'marks'>, input: MemberInput) {
    const { member } = state
    this.memberId = member.memberId
    this.#input = input
    this.#others = input.commands.map(otherOf)
    const named = (kinds: readonly Request['kind'][]) =>
      new Set(
        this.#others.flatMap(({ request }) =>
          kinds.includes(request.kind) && 'transactionId' in request ? [request.transactionId] : [],
        ),
      )
    this.#attached = named(['attach'])
    this.#reaches = reachesOf(input.times, this.#others, this.#attached)
    const { recorded, candidate } = input.what
    this.#replay = new Replay(state, {
      budgets: input.budgets,
      recorded,
      candidate,
      returned: named(['return', 'confirm', 'cancel']),
    })
  }

  get state(): MemberState {
    return this.#replay.state
  }

  sale(row: SaleRow): void {
    const commandId = commandOf(row.transactionId)
    this.#catchUp(commandId)
    if (this.#attached.has(row.transactionId)) this.#loose.set(row.transactionId, row)
    else this.#sell(row, commandId)
  }

  #sell(row: SaleRow, commandId: string): void {
    const { occurredAt, recordedAt, request, rulesVersion, valuation } = row
    const counted = this.#isCounted(occurredAt)
    const { tally } = this.#input
    if (counted) {
      this.#counted.set(row.transactionId, row.revalued)
      tally.transactions += 1
      tally.spend = new Decimal(tally.spend).plus(valuation.spend).toFixed()
      this.#award('before', (row.revalued?.valuation ?? valuation).awards, 1)
    }
    // A tier that is reached here is told of by the command that leads there, as it was then.
    if (request.type === 'tierReached') return
    const source = isEvent(request.type) ? ENGINE_SOURCE : row.source
    this.#take(
      {
        ...{ commandId, at: recordedAt, source, made: row.transactionId, reach: this.#reachOf(commandId) },
        ...{ sale: { occurredAt, rulesVersion, kept: valuation } },
        request: { kind: 'earn', body: request },
      },
      counted,
    )
  }

  #isCounted(occurredAt: Date): boolean {
    const { since, until } = this.#input.what
    return (since === null || occurredAt >= since) && (until === null || occurredAt < until)
  }

  /** What is left of the member's commands, and all that is due by the end. */
  end(): void {
    this.#catchUp(null)
    this.#replay.settle(this.#input.what.asOf)
  }

  #catchUp(commandId: string | null): void {
    for (; this.#next < this.#others.length; this.#next += 1) {
      const other = this.#others[this.#next]!
      if (commandId !== null && other.commandId > commandId) return
      this.#other(other)
    }
  }

  #other(other: Other): void {
    const { request, commandId } = other
    if (request.kind === 'attach') {
      const sale = this.#loose.get(request.transactionId)
      if (sale) this.#sell(sale, commandId)
      return
    }
    if (request.kind === 'return' && this.#counted.has(request.transactionId)) {
      this.#input.tally.returns += 1
      const revalued = this.#counted.get(request.transactionId)
      const reversed = revalued?.reversed[other.made ?? ''] ?? other.reversed
      this.#takeBack('before', reversed, 1)
    }
    this.#take({ ...other, reach: this.#reachOf(commandId) }, false)
  }

  #reachOf(commandId: string): number {
    return this.#reaches.get(commandId) ?? Number.POSITIVE_INFINITY
  }

  /** Decides a command again and counts what comes of counted sales: of this one, or of others through it. */
  #take(past: Past, counted: boolean): void {
    const before = this.state.transactions
    const outcome = this.#replay.take(past)
    if ('refused' in outcome) {
      addTo(this.#input.tally.refused, `${past.request.kind}\n${outcome.refused}`)
      return
    }
    const { transactions, returns, revaluations } = outcome.writes
    for (const { stored } of transactions) {
      if (!counted && !(isEvent(stored.request.type) && this.#isCounted(stored.occurredAt))) continue
      this.#countedHere.add(stored.transactionId)
      this.#award('after', stored.kept.awards, 1)
    }
    for (const { transactionId, reversed } of returns)
      if (this.#countedHere.has(transactionId)) this.#takeBack('after', reversed, 1)
    const last = new Map(revaluations.map((one) => [one.transactionId, one]))
    for (const [transactionId, now] of last) {
      const was = before.get(transactionId)
      if (!was || !this.#countedHere.has(transactionId)) continue
      this.#giveNet(was, -1)
      this.#giveNet(now, 1)
    }
  }

  #giveNet({ kept, returns }: Pick<StoredTransaction, 'kept' | 'returns'>, sign: 1 | -1): void {
    this.#award('after', kept.awards, sign)
    for (const { reversed } of returns) this.#takeBack('after', reversed, sign)
  }

  #award(side: keyof Both<unknown>, given: readonly Given[], sign: 1 | -1): void {
    for (const one of given) this.#count(side, one, { points: sign, awards: sign })
  }

  #takeBack(side: keyof Both<unknown>, given: readonly Given[], sign: 1 | -1): void {
    for (const one of given) this.#count(side, one, { points: sign === 1 ? -1 : 1, awards: 0 })
  }

  #count(
    side: keyof Both<unknown>,
    { rule, currency, points }: Given,
    sign: { points: 1 | -1; awards: number },
  ): void {
    const signed = BigInt(sign.points * points)
    countRule(this.#input.tally, side, { rule, currency, points: signed, awards: sign.awards })
    const sums = this.points[side]
    sums.set(currency, (sums.get(currency) ?? 0n) + signed)
  }
}

export function commandOf(transactionId: string): string {
  return `${transactionId.slice(0, -4)}0000`
}

/**
 * How far back later commands reach, by command. A sale reaches back to its own business time, a return to
 * its sale's: what happened after that may meet another tier then, and is valued again.
 */
function reachesOf(
  times: readonly SaleTime[],
  others: readonly Other[],
  attached: ReadonlySet<string>,
): Map<string, number> {
  const soldAt = new Map(times.map(({ transactionId, occurredAt }) => [transactionId, occurredAt.getTime()]))
  const own = (transactionId: string) => soldAt.get(transactionId) ?? Number.POSITIVE_INFINITY
  const steps = [
    ...[...soldAt]
      .filter(([id]) => !attached.has(id))
      .map(([id, time]) => ({ commandId: commandOf(id), time })),
    ...others.flatMap(({ commandId, request }) =>
      'transactionId' in request
        ? [{ commandId, time: own(request.transactionId) }]
        : [{ commandId, time: Number.POSITIVE_INFINITY }],
    ),
  ].sort((a, b) => (a.commandId < b.commandId ? -1 : 1))
  const reaches = new Map<string, number>()
  let reach = Number.POSITIVE_INFINITY
  for (const { commandId, time } of steps.reverse()) {
    reaches.set(commandId, reach)
    reach = Math.min(reach, time)
  }
  return reaches
}

interface Given {
  readonly rule: string
  readonly currency: string
  readonly points: number
}

/** A command that is no sale, with what a return took back then. */
interface Other extends Omit<Past, 'reach'> {
  readonly reversed: readonly ReversedAward[]
}

function otherOf({ commandId, at: recordedAt, source, request, reply }: CommandRow): Other {
  const told = (reply === null ? {} : JSON.parse(reply)) as Told
  const { reversed = [], redemptionId, returnId } = told
  const made =
    redemptionId !== undefined
      ? readId('redemption', redemptionId, 'redemption_not_found')
      : returnId !== undefined
        ? readId('return', returnId, 'transaction_not_found')
        : null
  return {
    ...{ commandId, at: recordedAt, source, sale: null, made, reversed },
    request: JSON.parse(request) as Request,
  }
}

interface Told {
  readonly reversed?: readonly ReversedAward[]
  readonly redemptionId?: string
  readonly returnId?: string
}
