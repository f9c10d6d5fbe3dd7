/**
 * A pack opened for the short way: lines and heads made into facts once for all sales that share them, and the
 * rules that each sale is valued by.
 */
import { Decimal } from '../base/points.ts'
import { type Mark, marksAt } from '../engine/marks.ts'
import type { Program } from '../program/program.ts'
import type { MemberFacts, Tender, TransactionFacts } from '../rules/facts.ts'
import { Line } from '../rules/line.ts'
import type { PastBudgets } from './budgets.ts'
import type { Simulated } from './member-run.ts'
import type { Head, Pack, PackedLine, PackedMember, PackedSale } from './pack.ts'
import { heldMarks, isBegun } from './replay.ts'
import { type Named, named, Score } from './score.ts'

type Person = Omit<MemberFacts, 'tiers'>

/** A head with its values as rules want them. */
interface OpenHead {
  readonly head: Head
  readonly type: string
  readonly member: Person
  /** what was recorded of the member's marks; else they are as the member has them */
  readonly saysMarks: boolean
  readonly tenders: readonly Tender[]
  readonly recorded: Program
}

export class Stretched {
  readonly what: Simulated
  readonly budgets: PastBudgets
  readonly heads: readonly OpenHead[]
  /** by whose ladders and currencies it goes */
  readonly program: Program
  /** some points fall due by themselves */
  readonly settles: boolean
  /** the running member's */
  score: Score
  readonly #pack: Pack
  readonly #given: Named
  readonly #lines: (Line | undefined)[]
  /** by line of the pack: the sale that it was last seen in */
  readonly #seenIn: Uint32Array
  #sales = 0
  /** the running member's, as they are */
  marks: readonly Mark[] = []

  constructor(pack: Pack, of: { what: Simulated; program: Program; budgets: PastBudgets }) {
    this.#pack = pack
    this.what = of.what
    this.program = of.program
    this.budgets = of.budgets
    this.#given = named(pack.given)
    this.score = new Score(this.#given)
    this.heads = pack.heads.map((head) => openHead(head, of.what))
    this.settles = [...of.program.currencies.values()].some(
      ({ expiry, pending }) => expiry.kind !== 'never' || pending.kind !== 'none',
    )
    this.#lines = new Array(pack.lines.length)
    this.#seenIn = new Uint32Array(pack.lines.length)
  }

  /** Turns to the next member. */
  turnTo({ marks }: PackedMember): void {
    this.score = new Score(this.#given)
    this.marks = marks.map(([kind, name, since, until]) => ({
      ...{ kind, name, since: new Date(since) },
      until: until === null ? null : new Date(until),
    }))
  }

  /** The candidate from its time on, before it the version that the sale was valued with. */
  programAt({ head }: PackedSale, at: Date): Program {
    const { candidate } = this.what
    if (candidate !== null && isBegun(candidate, at)) return candidate.program
    return this.heads[head]!.recorded
  }

  /** What a sale that keeps its rules saw of limits over all members. */
  seenOf({ head }: PackedSale, at: Date): Head['used'] {
    const { candidate } = this.what
    return candidate !== null && isBegun(candidate, at) ? [] : this.heads[head]!.head.used
  }

  personOf({ head }: PackedSale, at: Date): Person {
    const { member, saysMarks } = this.heads[head]!
    return saysMarks || this.marks.length === 0 ? member : { ...member, ...marksAt(this.marks, at) }
  }

  factsOf(sale: PackedSale, occurredAt: Date): TransactionFacts {
    const { head, tenders } = this.heads[sale.head]!
    const { type, location, channel, attributes } = head
    return { type, occurredAt, lines: this.#linesOf(sale), tenders, location, channel, attributes }
  }

  /** Lines tell of themselves but for their ids, which have to be told apart within a sale, and by its returns. */
  #linesOf({ lines, lineIds }: PackedSale): Line[] {
    this.#sales += 1
    return lines.map((place, index) => {
      if (lineIds) return lineOf(this.#pack.lines[place]!, lineIds[index]!)
      const isAgain = this.#seenIn[place] === this.#sales
      if (isAgain) return lineOf(this.#pack.lines[place]!, `${place}/${index}`)
      this.#seenIn[place] = this.#sales
      let line = this.#lines[place]
      if (line === undefined) {
        line = lineOf(this.#pack.lines[place]!, String(place))
        this.#lines[place] = line
      }
      return line
    })
  }
}

function lineOf(packed: PackedLine, lineId: string): Line {
  const [sku, quantity, net, category = null, kind, tax = null, gross = null, attributes = {}] = packed
  return new Line({ lineId, sku, category, kind: kind ?? 'item', quantity, net, tax, gross, attributes })
}

function openHead(head: Head, { recorded, program }: Simulated): OpenHead {
  const { enrolledAt, attributes, segments, promotions } = head.member
  const saysMarks = segments !== undefined || promotions !== undefined
  const marks = [...heldMarks('segment', segments), ...heldMarks('promotion', promotions)]
  return {
    head,
    type: head.type,
    member: { enrolledAt: new Date(enrolledAt), attributes, ...marksAt(marks, new Date(0)) },
    saysMarks,
    tenders: head.tenders.map(({ kind, amount }) => ({ kind, amount: new Decimal(amount) })),
    recorded: recorded.version(program, head.version),
  }
}
