/**
 * The short way through one member's history: sales and returns valued and posted by the functions that did it in
 * earnest, with nothing written down that nobody reads. What it does not know how to tell it leaves to the long
 * way, which gives the same: a test holds the two together.
 */
import { DomainError } from '../base/errors.ts'
import { dayOf } from '../base/time.ts'
import { limitCounter, lotKey } from '../earning/earn.ts'
import { lotName, type Share, sumByFunder } from '../earning/funder.ts'
import { type PastReturn, takeBack } from '../earning/return.ts'
import { countedSpend, type KeptUse, type KeptValuation, keepValuation } from '../earning/valued.ts'
import { accrue } from '../ledger/accrue.ts'
import { type Book, openBook, post } from '../ledger/book.ts'
import { nextDue, settleLots } from '../ledger/due.ts'
import type { Entry, Posting } from '../ledger/entry.ts'
import { lotIdOf } from '../ledger/lot.ts'
import type { Program } from '../program/program.ts'
import { evaluate } from '../rules/evaluate.ts'
import type { Award, MemberFacts, TransactionFacts, Valuation } from '../rules/facts.ts'
import { type CounterRow, counted } from '../tiers/counters.ts'
import type { PackedMember, PackedReturn, PackedSale } from './pack.ts'
import type { Stretched } from './stretched.ts'
import { Counters, TierWalk } from './tier-walk.ts'

/** A sale as simulated, as far as what comes later asks for it. */
interface Sold {
  readonly at: Date
  readonly program: Program
  readonly facts: TransactionFacts
  /** null: nothing of it is returned */
  readonly kept: KeptValuation | null
  readonly tiers: MemberFacts['tiers']
  /** what it counts for tiers, less what returns of it took back */
  readonly counts: CounterRow[]
  readonly isCounted: boolean
  returns: readonly PastReturn[]
  /** what of it is not returned; null: all of it was */
  left: Valuation | null
}

/** Thrown where the short way does not lead on. */
class NoWay extends Error {}

export class ShortRun {
  readonly book: Book = openBook([], [], true)
  readonly #member: PackedMember
  readonly #of: Stretched
  readonly #enrolledAt: Date
  readonly #used = new Map<string, bigint>()
  readonly #sold: (Sold | null)[] = []
  #counters = new Counters()
  #walk: TierWalk

  constructor(member: PackedMember, of: Stretched) {
    this.#member = member
    this.#of = of
    this.#enrolledAt = new Date(member.enrolledAt)
    this.#walk = new TierWalk(of.program, this.#enrolledAt)
  }

  /** Changes of tier as simulated, oldest first. */
  get changes() {
    return this.#walk.changes
  }

  /** False: this history is not for the short way, and nothing of it may be counted. */
  run(): boolean {
    const { what } = this.#of
    try {
      for (const step of this.#member.steps) {
        if ('of' in step) this.#return(step)
        else this.#sale(step)
      }
      this.#settle(what.asOf)
      this.#walk.step(this.#counters, what.asOf)
      return true
    } catch (error) {
      if (error instanceof NoWay || error instanceof DomainError) return false
      throw error
    }
  }

  #sale(sale: PackedSale): void {
    const { score, heads } = this.#of
    const at = new Date(sale.at)
    const isCounted = this.#isCounted(at)
    if (isCounted) score.recorded(sale)
    const { type, member } = heads[sale.head]!
    if (type === 'tierReached') {
      this.#sold.push(null)
      return
    }
    if (member.enrolledAt.getTime() !== this.#member.enrolledAt) throw new NoWay()
    this.#settle(new Date(sale.recorded))
    this.#walk.step(this.#counters, at)
    const sold = this.#value(sale, { at, isCounted })
    this.#sold.push(sold)
    if (sold === null) return
    for (const row of sold.counts) this.#counters.add(row)
    this.#walk.step(this.#counters, at)
  }

  /** Null: the rules refuse it. */
  #value(sale: PackedSale, { at, isCounted }: { at: Date; isCounted: boolean }): Sold | null {
    const { score } = this.#of
    const program = this.#of.programAt(sale, at)
    const facts = this.#of.factsOf(sale, at)
    const tiers = this.#walk.met(at)
    const member: MemberFacts = { ...this.#of.personOf(sale, at), tiers }
    const used: KeptUse[] = []
    const valuation = this.#evaluate(sale, { program, facts, member, used })
    if (valuation === null) return null
    const lots = this.#post(program, { facts, member, awards: valuation.awards })
    const rows = counted(program, {
      day: dayOf(program.timeZone, at),
      spend: countedSpend(valuation.spend),
      transactions: 1n,
      awards: valuation.awards,
    })
    for (const { limit, shared, period, points } of valuation.uses) {
      if (shared) continue
      const key = `${limitCounter(limit)} ${period}`
      this.#used.set(key, (this.#used.get(key) ?? 0n) + points)
    }
    if (isCounted) score.gave(valuation.awards)
    const kept = sale.lineIds ? keepValuation(valuation, { member, used, lots: lots() }) : null
    return { at, program, facts, kept, tiers, counts: rows, isCounted, returns: [], left: valuation }
  }

  #evaluate(
    sale: PackedSale,
    of: { program: Program; facts: TransactionFacts; member: MemberFacts; used: KeptUse[] },
  ): Valuation | null {
    const { budgets, score } = this.#of
    const { program, facts, member, used } = of
    budgets.begin(sale.id, [...this.#of.seenOf(sale, facts.occurredAt)])
    try {
      const valuation = evaluate(program.rules, {
        transaction: facts,
        member,
        words: false,
        used: (limit, period, total) => {
          const points =
            total === null
              ? (this.#used.get(`${limitCounter(limit)} ${period}`) ?? 0n)
              : budgets.used({ program: program.id, budget: limit, period }, total)
          if (points > 0n) used.push({ limit, period, points: Number(points) })
          return points
        },
      })
      budgets.take(
        program.id,
        valuation.uses.filter(({ shared }) => shared),
      )
      return valuation
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
      score.refused('earn', error.code)
      return null
    }
  }

  /** Into the lots; which ones, is told when it is asked. */
  #post(
    program: Program,
    of: { facts: TransactionFacts; member: MemberFacts; awards: readonly Award[] },
  ): () => Record<string, string> {
    const { facts, member, awards } = of
    const from = { occurredAt: facts.occurredAt, member: { attributes: member.attributes, profile: {} } }
    const keyOf = ({ currency, funder }: Share) => ({
      ...lotKey(program, program.currencies.get(currency)!, from),
      funder,
    })
    const sums = sumByFunder(program, facts, awards)
    const postings: Posting[] = []
    for (const { points, ...share } of sums)
      postings.push(...accrue(this.book, keyOf(share), { points, source: 'issued', after: postings }))
    if (postings.length > 0) post(this.book, entryOf(facts.occurredAt, postings))
    return () => Object.fromEntries(sums.map((share) => [lotName(share), lotIdOf(keyOf(share))]))
  }

  #return(step: PackedReturn): void {
    const { score, budgets } = this.#of
    const sold = this.#sold[step.of]
    // What the simulated rules refused cannot be returned: the long way knows what is said then.
    if (!sold?.kept) throw new NoWay()
    this.#settle(new Date(step.recorded))
    const { program, facts, kept, returns, isCounted } = sold
    if (isCounted) score.tookRecorded(step)
    budgets.begin(step.id, [])
    const back = takeBack({
      ...{ program, facts, kept, before: returns, body: step.body, book: this.book, counters: [] },
      occurredAt: new Date(step.body.occurredAt),
      putBackLapsed: () => {},
      confirmation: null,
      ...(sold.left && { was: sold.left }),
      ...{ transactionId: '', returnId: '', nextId: () => '' },
    })
    budgets.take(program.id, back.budgeted)
    sold.returns = [...returns, back.record]
    sold.left = back.now
    if (isCounted) score.took(back.record.reversed)
    for (const row of back.counted) this.#less(sold, row)
    // Whatever tier came before the sale rests on others; less of it brings no tier.
    if (this.#walk.changes.some(({ effectiveAt }) => effectiveAt >= sold.at)) this.#walkAgain()
  }

  /** What a return takes off a counter: of limits, or of tiers. */
  #less(sold: Sold, row: CounterRow): void {
    if (row.counter.startsWith(LIMIT)) {
      const key = `${row.counter} ${row.day}`
      this.#used.set(key, (this.#used.get(key) ?? 0n) + BigInt(row.value.toFixed(0)))
      return
    }
    sold.counts.push(row)
    this.#counters.add(row)
  }

  /** Tiers as they are without what was returned; a sale that meets another one is valued again: the long way. */
  #walkAgain(): void {
    const walk = new TierWalk(this.#of.program, this.#enrolledAt)
    const counters = new Counters()
    for (const sold of this.#sold) {
      if (sold === null) continue
      walk.step(counters, sold.at)
      if (!isSame(walk.met(sold.at), sold.tiers)) throw new NoWay()
      for (const row of sold.counts) counters.add(row)
      walk.step(counters, sold.at)
    }
    this.#walk = walk
    this.#counters = counters
  }

  #settle(at: Date): void {
    if (!this.#of.settles) return
    const due = nextDue(this.book)
    if (due !== null && due <= at) settleLots(this.book, { at, nextId: () => '' })
  }

  #isCounted(at: Date): boolean {
    const { since, until } = this.#of.what
    return (since === null || at >= since) && (until === null || at < until)
  }
}

const LIMIT = limitCounter('')

function entryOf(occurredAt: Date, postings: readonly Posting[]): Entry {
  return { entryId: '', kind: 'earn', occurredAt, postings }
}

function isSame(a: MemberFacts['tiers'], b: MemberFacts['tiers']): boolean {
  for (const [ladder, { tier }] of a) if (b.get(ladder)?.tier !== tier) return false
  return true
}
