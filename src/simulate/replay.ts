/**
 * A member's recorded commands, decided once more by the functions that decided them, under the rules of
 * then or under others. Pure: nothing is read or written here, so a simulation cannot drift from the engine.
 */
import { DomainError } from '../base/errors.ts'
import type { KeptValuation } from '../earning/valued.ts'
import type { Command, Request } from '../engine/command.ts'
import { redecide } from '../engine/decide.ts'
import type { RulesInForce } from '../engine/deciding.ts'
import { noHousehold } from '../engine/household.ts'
import type { Mark } from '../engine/marks.ts'
import type { Programs, Publication } from '../engine/programs.ts'
import { type GroupState, type MemberState, newState, type Writes } from '../engine/state.ts'
import type { Program } from '../program/program.ts'
import type { PastBudgets } from './budgets.ts'

/** The commands beside sales that move points. What else a member's log holds changes none. */
export const replayed = [
  ...(['attach', 'return', 'confirm', 'cancel', 'redeem', 'capture', 'release', 'reverse'] as const),
  ...(['adjust', 'extend'] as const),
] as const

/** A command as it was recorded. */
export interface Past {
  readonly commandId: string
  readonly at: Date
  readonly source: string
  readonly request: Request
  /** the id of the sale or redemption that came of it; null: neither did */
  readonly made: string | null
  readonly sale: PastSale | null
  /** the earliest business time that any later command reaches back to; infinity: none does */
  readonly reach: number
}

export interface PastSale {
  readonly occurredAt: Date
  /** the version that it was valued with */
  readonly rulesVersion: string
  readonly kept: KeptValuation
}

type Told = Pick<Past, 'at' | 'sale'>

/** What a command came to, or the code with which it was refused. */
export type Outcome = { readonly writes: Writes } | { readonly refused: string }

/** Rules under which history is told again. */
export interface Candidate {
  readonly program: Program
  /** in force from here on; null: from the beginning */
  readonly since: Date | null
}

/** The published rules, with what was known of them when: publishing moves no history. */
export interface PastRules extends RulesInForce {
  /** as they were known at an instant of recording */
  knownAt(program: string, at: Date, recordedAt: Date): Program
  /** every version that was ever published and loads, oldest effect first */
  all(program: string): readonly Program[]
}

export function pastRules(programs: Programs): PastRules {
  const lists = new Map<string, readonly Publication[]>()
  return {
    at: programs.at,
    find: programs.find,
    version: programs.version,
    all(program) {
      const lost = new Set(programs.unloadable().map(({ version }) => version))
      const versions = new Set(programs.versions(program).map(({ version }) => version))
      return [...versions].filter((one) => !lost.has(one)).map((one) => programs.version(program, one))
    },
    knownAt(program, at, recordedAt) {
      let list = lists.get(program)
      if (list === undefined) {
        list = programs.versions(program)
        lists.set(program, list)
      }
      const known = list.findLast(
        ({ effectiveFrom, publishedAt, withdrawn }) =>
          effectiveFrom <= at && publishedAt <= recordedAt && !(withdrawn && withdrawn.at <= recordedAt),
      )
      // Facts older than a program's first rules: as the engine values them.
      return known ? programs.version(program, known.version) : programs.at(program, at)
    },
  }
}

/**
 * The rules by which a command is decided again: those of then (of a sale the very version that it was
 * valued with), with a candidate in their place from its time on, as if it had been published then.
 */
function rulesFor(past: Told, recorded: PastRules, candidate: Candidate | null): RulesInForce {
  const { at: recordedAt, sale } = past
  const at = (id: string, instant: Date): Program => {
    if (candidate && candidate.program.id === id && isBegun(candidate, instant)) return candidate.program
    if (sale && sale.occurredAt.getTime() === instant.getTime())
      return recorded.version(id, sale.rulesVersion)
    return recorded.knownAt(id, instant, recordedAt)
  }
  return {
    at,
    find: at,
    version: (id, version) =>
      candidate && candidate.program.id === id && candidate.program.version === version
        ? candidate.program
        : recorded.version(id, version),
  }
}

export function isBegun({ since }: Pick<Candidate, 'since'>, at: Date): boolean {
  return since === null || at >= since
}

export class Replay {
  readonly #group: GroupState
  readonly #memberId: string
  readonly #program: string
  readonly #rules: { readonly recorded: PastRules; readonly candidate: Candidate | null }
  /** sales that are returned, confirmed or cancelled later: they have to be kept in mind */
  readonly #returned: ReadonlySet<string>
  /**
   * Ids of then, and those of here. A command's rows are numbered in order, and what fell due by itself is
   * settled by whichever command comes first: in the replay that may be another one.
   */
  readonly #made = new Map<string, string>()
  /** those of here that are returned later */
  readonly #awaited = new Set<string>()
  readonly #budgets: PastBudgets

  constructor(
    { member, marks }: Pick<MemberState, 'member' | 'marks'>,
    {
      recorded,
      candidate,
      returned,
      budgets,
    }: {
      recorded: PastRules
      candidate: Candidate | null
      returned: ReadonlySet<string>
      budgets: PastBudgets
    },
  ) {
    this.#memberId = member.memberId
    this.#program = member.program
    this.#rules = { recorded, candidate }
    this.#returned = returned
    this.#budgets = budgets
    // As enrolled: with nothing, and active, for whoever is closed by now was active when they bought.
    this.#group = groupOf({ ...newState({ ...member, status: 'active' }), marks }, budgets)
  }

  get state(): MemberState {
    return this.#group.members.get(this.#memberId)!
  }

  take(past: Past): Outcome {
    if (past.sale) this.#seeAsThen(past.sale.kept)
    this.#budgets.begin(past.commandId, past.sale && this.#isOfThen(past.sale) ? past.sale.kept.used : [])
    try {
      const writes = this.#decide(past)
      const [written] = writes.transactions
      if (written && past.made !== null) {
        this.#made.set(past.made, written.stored.transactionId)
        if (this.#returned.has(past.made)) this.#awaited.add(written.stored.transactionId)
      }
      for (const { redemption, isNew } of writes.redemptions)
        if (isNew && past.made !== null) this.#made.set(past.made, redemption.redemptionId)
      this.#forget(past.reach)
      return { writes }
    } catch (error) {
      if (error instanceof DomainError) return { refused: error.code }
      throw error
    }
  }

  /** Brings the member to an instant: whatever falls due by itself. */
  settle(at: Date): void {
    const request: Request = { kind: 'settle', memberId: this.#memberId }
    this.#budgets.begin(LAST_ID, [])
    this.#decide({
      commandId: NO_ID,
      at,
      source: '',
      request,
      made: null,
      sale: null,
      reach: Number.POSITIVE_INFINITY,
    })
  }

  #decide(past: Past): Writes {
    const { commandId, at, source } = past
    const command: Command = {
      ...{ commandId, at, source, program: this.#program, ref: null, text: '', requestHash: '' },
      request: this.#asHere(past.request),
    }
    return redecide(this.#group, command, rulesFor(past, this.#rules.recorded, this.#rules.candidate))
  }

  #isOfThen({ occurredAt }: PastSale): boolean {
    const { candidate } = this.#rules
    return candidate === null || !isBegun(candidate, occurredAt)
  }

  /** A sale sees the member as the rules saw it then: attributes and segments may have changed since. */
  #seeAsThen({ member: { enrolledAt, attributes, segments, promotions } }: KeptValuation): void {
    const { state } = this
    const told = segments || promotions
    const marks = told
      ? [...heldMarks('segment', segments), ...heldMarks('promotion', promotions)]
      : state.marks
    const member = { ...state.member, enrolledAt: new Date(enrolledAt), attributes }
    this.#group.members.set(this.#memberId, { ...state, member, marks })
  }

  /** Sales that nothing to come returns or values again need not be kept in mind. */
  #forget(reach: number): void {
    const { transactions } = this.state
    const kept = new Map(transactions)
    for (const { transactionId, occurredAt } of transactions.values()) {
      if (occurredAt.getTime() > reach || this.#awaited.has(transactionId)) continue
      kept.delete(transactionId)
      this.#group.transactionOwners.delete(transactionId)
    }
    this.#group.members.set(this.#memberId, { ...this.state, transactions: kept })
  }

  /** What later commands name by the ids of then, by those of the replay; and the member by its own. */
  #asHere(request: Request): Request {
    const { kind } = request
    if (kind === 'return' || kind === 'confirm' || kind === 'cancel')
      return { ...request, transactionId: this.#made.get(request.transactionId) ?? request.transactionId }
    if (kind === 'capture' || kind === 'release' || kind === 'reverse')
      return { ...request, redemptionId: this.#made.get(request.redemptionId) ?? request.redemptionId }
    return onMember(request, this.#memberId)
  }
}

const NO_ID = '00000000-0000-7000-8000-000000000000'

/** Requests name their member by whichever identifier; here there is one member only. */
function onMember(request: Request, memberId: string): Request {
  switch (request.kind) {
    case 'earn':
      return { kind: 'earn', body: { ...request.body, memberId, identifier: undefined } }
    case 'redeem':
      return { kind: 'redeem', body: { ...request.body, memberId, identifier: undefined } }
    case 'adjust':
      return { kind: 'adjust', body: { ...request.body, memberId, identifier: undefined } }
    case 'extend':
      return { kind: 'extend', body: { ...request.body, memberId, identifier: undefined } }
    default:
      return request
  }
}

/** What falls due by the end comes after everything that was asked for. */
const LAST_ID = 'ffffffff-ffff-7fff-bfff-ffffffffffff'

export function heldMarks(kind: Mark['kind'], names: readonly string[] = []): Mark[] {
  return names.map((name) => ({ kind, name, since: ALWAYS, until: null }))
}

const ALWAYS = new Date(0)

function groupOf(state: MemberState, budgets: PastBudgets): GroupState {
  return {
    members: new Map([[state.member.memberId, state]]),
    identifiers: new Map(),
    transactionOwners: new Map(),
    redemptionOwners: new Map(),
    recorded: new Map(),
    loose: new Map(),
    claims: new Map(),
    budgets,
    wordless: true,
    household: noHousehold(),
    read: { identifiers: new Set(), dueAt: new Map(), latestAt: new Map() },
  }
}
