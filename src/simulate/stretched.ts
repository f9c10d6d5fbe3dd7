/**
 * A pack opened for the short way: heads made into facts once for all sales that share them, lines as rules look at
 * them, and the rules that each sale is valued by.
 */
import { Decimal } from '../base/points.ts'
import { lotKey } from '../earning/earn.ts'
import { type Mark, marksAt } from '../engine/marks.ts'
import { type LotKey, lotIdOf } from '../ledger/lot.ts'
import type { Program } from '../program/program.ts'
import { ColumnLine, type Lines, Sheet } from '../rules/columns.ts'
import type { MemberFacts, Tender, TransactionFacts } from '../rules/facts.ts'
import type { PastBudgets } from './budgets.ts'
import { type Climbing, climbingOf } from './climb.ts'
import type { Simulated } from './member-run.ts'
import type { Head, Pack, PackedMember } from './pack.ts'
import { Scratch } from './remaining.ts'
import { heldMarks, isBegun } from './replay.ts'
import { type Named, named, Score } from './score.ts'

type Person = Omit<MemberFacts, 'tiers'>

/** A head with its values as rules want them. */
interface OpenHead {
  readonly head: Head
  readonly type: string
  /** all but the day of enrolment, where that is the member's own */
  readonly member: Omit<Person, 'enrolledAt'>
  readonly enrolledAt: Date | null
  /** what was recorded of the member's marks; else they are as the member has them */
  readonly saysMarks: boolean
  readonly tenders: readonly Tender[]
  /** nothing was paid with points or gift cards */
  readonly isMoney: boolean
  readonly recorded: Program
}

/** Where points go that are earned on a day. */
export interface Place {
  readonly key: LotKey
  readonly lotId: string
}

export class Stretched {
  readonly pack: Pack
  readonly what: Simulated
  readonly budgets: PastBudgets
  readonly heads: readonly OpenHead[]
  /** by whose ladders and currencies it goes */
  readonly program: Program
  /** null: some ladder is not for numbers alone */
  readonly climbing: Climbing | null
  /** some points fall due by themselves */
  readonly settles: boolean
  /** some rule of some version has a limit over all members */
  readonly hasBudgets: boolean
  /** the running member's */
  score: Score
  readonly #sheet: Sheet
  /** for what is left of a sale, one after the other */
  readonly scratch: Scratch
  readonly #given: Named
  readonly #places: PlacesOf[]
  /** the running member's, as they are */
  marks: readonly Mark[] = []
  #enrolledAt = new Date(0)

  constructor(pack: Pack, of: { what: Simulated; program: Program; budgets: PastBudgets }) {
    const { what, program, budgets } = of
    this.pack = pack
    this.what = what
    this.program = program
    this.budgets = budgets
    this.#sheet = new Sheet(pack.lines)
    this.scratch = new Scratch(this.#sheet)
    this.#given = named(pack.given)
    this.score = new Score(pack, this.#given)
    this.heads = pack.heads.map((head) => openHead(head, what))
    this.climbing = climbingOf(program)
    this.#places = placesIn(program)
    this.settles = [...program.currencies.values()].some(
      ({ expiry, pending }) => expiry.kind !== 'never' || pending.kind !== 'none',
    )
    const all = [...what.recorded.all(what.program), ...(what.candidate ? [what.candidate.program] : [])]
    this.hasBudgets = all.some(({ rules }) => rules.rules.some(({ limits }) => limits.some(isBudget)))
  }

  /** Turns to the next member. */
  turnTo({ marks = [], enrolledAt }: PackedMember): void {
    this.score = new Score(this.pack, this.#given)
    this.#enrolledAt = new Date(enrolledAt)
    this.marks = marks.map(([kind, name, since, until]) => ({
      ...{ kind, name, since: new Date(since) },
      until: until === null ? null : new Date(until),
    }))
  }

  headOf(sale: number): OpenHead {
    return this.heads[this.pack.sales.head[sale]!]!
  }

  /** The candidate from its time on, before it the version that the sale was valued with. */
  programAt(sale: number, at: Date): Program {
    const { candidate } = this.what
    if (candidate !== null && isBegun(candidate, at)) return candidate.program
    return this.headOf(sale).recorded
  }

  /** What a sale that keeps its rules saw of limits over all members. */
  seenOf(sale: number, at: Date): Head['used'] {
    const { candidate } = this.what
    return candidate !== null && isBegun(candidate, at) ? [] : this.headOf(sale).head.used
  }

  memberOf(sale: number, at: Date, tiers: MemberFacts['tiers']): MemberFacts {
    const { member, saysMarks, enrolledAt } = this.headOf(sale)
    const { attributes, segments, promotions } = member
    const since = enrolledAt ?? this.#enrolledAt
    if (segments && promotions) return { enrolledAt: since, attributes, segments, promotions, tiers }
    const facts = { enrolledAt: since, attributes, tiers }
    return saysMarks || this.marks.length === 0 ? facts : { ...facts, ...marksAt(this.marks, at) }
  }

  /** Lines have the ids that are given, which returns name them by; without any, they are left out. */
  factsOf(sale: number, occurredAt: Date, lineIds: readonly string[]): TransactionFacts {
    const { head, tenders } = this.headOf(sale)
    const { type, location, channel, attributes } = head
    const first = this.pack.sales.line[sale]!
    const lines =
      lineIds.length === 0
        ? NO_LINES
        : lineIds.map((id, index) => new ColumnLine(this.pack.lines, first + index, id))
    return { type, occurredAt, lines, tenders, location, channel, attributes }
  }

  linesOf(sale: number): Lines {
    const { line } = this.pack.sales
    return { sheet: this.#sheet, from: line[sale]!, to: line[sale + 1]! }
  }

  /** Where points earned at an instant go: that depends on its day alone. */
  placeOf(day: number, occurredAt: Date, to: { currency: string; funder: string }): Place {
    const { currency, funder } = to
    let of = this.#places.find((one) => one.currency === currency && one.funder === funder)
    if (of === undefined) {
      of = { currency, funder, byDay: new Map() }
      this.#places.push(of)
    }
    let place = of.byDay.get(day)
    if (place === undefined) {
      const from = { occurredAt, member: { attributes: {}, profile: {} } }
      const key = { ...lotKey(this.program, this.program.currencies.get(currency)!, from), funder }
      place = { key, lotId: lotIdOf(key) }
      of.byDay.set(day, place)
    }
    return place
  }
}

/** Mostly there is one funder, and always few. */
interface PlacesOf {
  readonly currency: string
  readonly funder: string
  readonly byDay: Map<number, Place>
}

const placesOf = new WeakMap<Program, PlacesOf[]>()

function placesIn(program: Program): PlacesOf[] {
  let places = placesOf.get(program)
  if (places === undefined) {
    places = []
    placesOf.set(program, places)
  }
  return places
}

const NO_LINES: TransactionFacts['lines'] = []

function isBudget({ per }: { readonly per: string }): boolean {
  return per === 'all'
}

function openHead(head: Head, { recorded, program }: Simulated): OpenHead {
  const { enrolledAt, attributes, segments, promotions } = head.member
  const saysMarks = segments !== undefined || promotions !== undefined
  const marks = [...heldMarks('segment', segments), ...heldMarks('promotion', promotions)]
  return {
    head,
    type: head.type,
    member: { attributes, ...marksAt(marks, new Date(0)) },
    enrolledAt: enrolledAt === undefined ? null : new Date(enrolledAt),
    saysMarks,
    tenders: head.tenders.map(({ kind, amount }) => ({ kind, amount: new Decimal(amount) })),
    isMoney: head.tenders.every(({ kind }) => kind !== 'points' && kind !== 'giftCard'),
    recorded: recorded.version(program, head.version),
  }
}
