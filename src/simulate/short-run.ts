/**
 * The short way through one member's history: sales and returns valued and posted by the functions that did it in
 * earnest, with nothing written down that nobody reads. What it does not know how to tell it leaves to the long
 * way, which gives the same: a test holds the two together.
 */
import { DomainError } from '../base/errors.ts'
import { Decimal } from '../base/points.ts'
import { dayNumbered, dayNumberOf } from '../base/time.ts'
import { limitCounter } from '../earning/earn.ts'
import { type FundedPoints, lotName, sumByFunder } from '../earning/funder.ts'
import { type PastReturn, type ReversedAward, takeBack } from '../earning/return.ts'
import { countedSpend, type KeptUse, type KeptValuation, keepValuation } from '../earning/valued.ts'
import { accrue, receive } from '../ledger/accrue.ts'
import { type Book, openBook, post } from '../ledger/book.ts'
import { clawBack } from '../ledger/claw.ts'
import { nextDue, settleLots } from '../ledger/due.ts'
import type { Entry, Posting } from '../ledger/entry.ts'
import type { Program } from '../program/program.ts'
import { evaluate } from '../rules/evaluate.ts'
import type { Award, MemberFacts, TransactionFacts, Valuation } from '../rules/facts.ts'
import { type CounterRow, counted } from '../tiers/counters.ts'
import { Climb, type Climbing, TooFine } from './climb.ts'
import { idOf, type PackedMember, type PackedReturn } from './pack.ts'
import { Remaining } from './remaining.ts'
import type { Stretched } from './stretched.ts'
import { type Tiers, TierWalk } from './tier-walk.ts'

/** A sale as simulated, as far as what comes later asks for it. */
interface Sold {
  readonly at: Date
  readonly day: number
  readonly program: Program
  readonly isCounted: boolean
  readonly tiers: MemberFacts['tiers']
  readonly valuation: Valuation
  /** null: nothing of it is returned */
  readonly returned: Returning | Shrinking | null
  /** what returns took off counters of tiers */
  readonly less: CounterRow[]
}

/** As the engine takes back. */
interface Returning {
  readonly facts: TransactionFacts
  readonly kept: KeptValuation
  before: readonly PastReturn[]
  /** what of it is not returned; null: all of it was */
  left: Valuation | null
}

/** In numbers: what rules gave to lines is summed up by rule. */
interface Shrinking {
  readonly facts: TransactionFacts
  readonly member: MemberFacts
  readonly rest: Remaining
  /** by rule and currency: what it gave, and was not taken back */
  readonly given: ReversedAward[]
  spend: Decimal
}

/** Thrown where the short way does not lead on. */
class NoWay extends Error {}

export class ShortRun {
  readonly book: Book = openBook([], [], true)
  readonly #member: PackedMember
  readonly #of: Stretched
  readonly #climbing: Climbing | null
  /** of limits, by counter and period; null: nothing yet */
  #usedOf: Map<string, bigint> | null = null
  readonly #sold: (Sold | null)[] = []
  readonly #inNumbers: boolean
  #tiers: Tiers
  /** the last sale was asked of some limit */
  #hasAsked = false

  /** In numbers alone, or where those have not led to the end, in decimals where they are needed. */
  constructor(member: PackedMember, of: Stretched, inNumbers: boolean) {
    this.#member = member
    this.#of = of
    this.#inNumbers = inNumbers
    this.#climbing = inNumbers ? of.climbing : null
    this.#tiers = this.#newTiers()
  }

  #newTiers(): Tiers {
    if (this.#climbing) return new Climb(this.#climbing)
    return new TierWalk(this.#of.program, new Date(this.#member.enrolledAt))
  }

  get tiers(): Tiers {
    return this.#tiers
  }

  /** If it does not lead to the end, nothing of it may be counted; `fine`: in decimals it might. */
  run(): 'done' | 'fine' | 'no way' {
    const { what } = this.#of
    const { from, to, returns = [] } = this.#member
    try {
      let next = 0
      for (let sale = from; sale <= to; sale += 1) {
        for (; next < returns.length && returns[next]!.after === sale - from; next += 1)
          this.#return(returns[next]!)
        if (sale < to) this.#sale(sale)
      }
      this.#settle(what.asOf)
      this.#tiers.step(what.asOf)
      return 'done'
    } catch (error) {
      if (error instanceof TooFine) return 'fine'
      if (error instanceof NoWay || error instanceof DomainError) return 'no way'
      throw error
    }
  }

  #sale(sale: number): void {
    const { score, pack } = this.#of
    const at = new Date(pack.sales.at[sale]!)
    const isCounted = this.#isCounted(at)
    if (isCounted) score.recorded(sale)
    const { type, enrolledAt } = this.#of.headOf(sale)
    if (type === 'tierReached') {
      this.#sold.push(null)
      return
    }
    if (enrolledAt !== null) throw new NoWay()
    if (this.#of.settles) this.#settle(new Date(pack.sales.recorded[sale]!))
    this.#tiers.step(at)
    const sold = this.#value(sale, { at, isCounted })
    this.#sold.push(sold)
    if (sold === null) return
    this.#tiers.count(sold.program, sold)
    this.#tiers.step(at)
  }

  /** Null: the rules refuse it. */
  #value(sale: number, { at, isCounted }: { at: Date; isCounted: boolean }): Sold | null {
    const { score } = this.#of
    const program = this.#of.programAt(sale, at)
    const lineIds = this.#member.lineIds?.[sale - this.#member.from] ?? null
    const { isMoney } = this.#of.headOf(sale)
    const isInColumns = isMoney && (lineIds === null || this.#inNumbers)
    const facts = this.#of.factsOf(sale, at, isInColumns ? [] : (lineIds ?? this.#numbered(sale)))
    const tiers = this.#tiers.met(at)
    const member = this.#of.memberOf(sale, at, tiers)
    const used: KeptUse[] = []
    this.#hasAsked = false
    const valuation = this.#evaluate(sale, { program, facts, member, used, isInColumns })
    if (valuation === null) return null
    const { awards } = valuation
    const day = dayNumberOf(program.timeZone, at)
    const sums = sumByFunder(program, facts, awards)
    this.#post(sums, { at, day })
    for (const { limit, shared, period, points } of valuation.uses) {
      if (shared) continue
      const key = `${limitCounter(limit)} ${period}`
      this.#use(key, points)
    }
    if (isCounted) score.gave(awards)
    let returned: Sold['returned'] = null
    if (lineIds !== null && isInColumns) {
      const rest = new Remaining(this.#of.linesOf(sale), lineIds)
      const given = this.#isSummed(awards) ? byRule(awards) : tooFine()
      returned = { facts, member, rest, given, spend: valuation.spend }
    } else if (lineIds !== null) {
      const lots = Object.fromEntries(
        sums.map((share) => [lotName(share), this.#of.placeOf(day, at, share).lotId]),
      )
      const kept = keepValuation(valuation, { member, used, lots })
      returned = { facts, kept, before: [], left: valuation }
    }
    return { at, day, program, isCounted, tiers, valuation, less: [], returned }
  }

  #use(key: string, points: bigint): void {
    this.#usedOf ??= new Map()
    this.#usedOf.set(key, (this.#usedOf.get(key) ?? 0n) + points)
  }

  /** No limit had a say, and nothing was given to a line of its own. */
  #isSummed(awards: readonly Award[]): boolean {
    return !this.#hasAsked && awards.every(({ lineId }) => lineId === null)
  }

  /** Ids of lines that nobody returns. */
  #numbered(sale: number): string[] {
    const { line } = this.#of.pack.sales
    return Array.from({ length: line[sale + 1]! - line[sale]! }, (_, index) => String(index))
  }

  #evaluate(
    sale: number,
    of: {
      program: Program
      facts: TransactionFacts
      member: MemberFacts
      used: KeptUse[]
      isInColumns: boolean
    },
  ): Valuation | null {
    const { budgets, score, hasBudgets, pack } = this.#of
    const { program, facts, member, used, isInColumns } = of
    if (hasBudgets) budgets.begin(idOf(pack.sales, sale), [...this.#of.seenOf(sale, facts.occurredAt)])
    try {
      const valuation = evaluate(program.rules, {
        transaction: facts,
        member,
        words: false,
        lines: isInColumns ? this.#of.linesOf(sale) : null,
        used: (limit, period, total) => {
          this.#hasAsked = true
          const points =
            total === null
              ? (this.#usedOf?.get(`${limitCounter(limit)} ${period}`) ?? 0n)
              : budgets.used({ program: program.id, budget: limit, period }, total)
          if (points > 0n) used.push({ limit, period, points: Number(points) })
          return points
        },
      })
      if (hasBudgets)
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

  /** Into the lots. */
  #post(sums: readonly FundedPoints[], { at, day }: { at: Date; day: number }): void {
    const { book } = this
    const owes = sums.some(({ currency }) => (book.accounts.get(currency)?.negative ?? 0n) > 0n)
    if (!owes) {
      for (const sum of sums) receive(book, this.#of.placeOf(day, at, sum), sum.points)
      return
    }
    const postings: Posting[] = []
    for (const sum of sums) {
      const { key } = this.#of.placeOf(day, at, sum)
      postings.push(...accrue(book, key, { points: sum.points, source: 'issued', after: postings }))
    }
    post(book, entryOf(at, postings))
  }

  #return(step: PackedReturn): void {
    const { score } = this.#of
    const sold = this.#sold[step.of]
    // What the simulated rules refused cannot be returned: the long way knows what is said then.
    if (!sold?.returned) throw new NoWay()
    this.#settle(new Date(step.recorded))
    const { isCounted, returned } = sold
    if (isCounted) score.tookRecorded(step)
    const rows =
      'rest' in returned ? this.#shrink(sold, returned, step) : this.#takeBack(sold, returned, step)
    for (const row of rows) this.#less(sold, row)
    // Whatever tier came before the sale rests on others; less of it brings no tier.
    if (this.#tiers.hasChangedSince(sold.at)) this.#walkAgain()
  }

  /** What counters lose. */
  #takeBack({ program, isCounted }: Sold, returned: Returning, step: PackedReturn): readonly CounterRow[] {
    const { score, budgets } = this.#of
    const { facts, kept, before, left } = returned
    budgets.begin(step.id, [])
    const back = takeBack({
      ...{ program, facts, kept, before, body: step.body, book: this.book, counters: [] },
      occurredAt: new Date(step.body.occurredAt),
      putBackLapsed: () => {},
      confirmation: null,
      ...(left && { was: left }),
      ...{ transactionId: '', returnId: '', nextId: () => '' },
    })
    budgets.take(program.id, back.budgeted)
    returned.before = [...before, back.record]
    returned.left = back.now
    if (isCounted) score.took(back.record.reversed)
    return back.counted
  }

  /**
   * The same in numbers. Of what a rule gives to lines, less of a line is never worth more: so either every line
   * loses or none does, and the sums of the rule say what the lines say one by one.
   */
  #shrink(sold: Sold, returned: Shrinking, step: PackedReturn): readonly CounterRow[] {
    const { program, day, isCounted } = sold
    const { rest, facts, member, given } = returned
    rest.take(step.body)
    this.#hasAsked = false
    const lines = rest.lines(this.#of.scratch)
    const now =
      lines && evaluate(program.rules, { transaction: facts, member, words: false, lines, used: tooFine })
    if (now && !this.#isSummed(now.awards)) throw new TooFine()
    const reversed = lost(given, now ? byRule(now.awards) : [])
    const occurredAt = new Date(step.body.occurredAt)
    for (const { points, ...share } of sumByFunder(program, facts, reversed)) {
      const { lotId } = this.#of.placeOf(day, sold.at, share)
      const what = { currency: share.currency, points, lotId, at: occurredAt }
      const { postings } = clawBack(this.book, program.returns, what)
      post(this.book, { entryId: '', kind: 'return', occurredAt, postings })
    }
    if (isCounted) this.#of.score.took(reversed)
    const spend = countedSpend(returned.spend).minus(now ? countedSpend(now.spend) : 0)
    returned.spend = now ? now.spend : new Decimal(0)
    const awards = reversed.map(({ currency, points }) => ({ currency, points: BigInt(points) }))
    const rows = counted(program, { day: dayNumbered(day), spend, transactions: now ? 0n : 1n, awards })
    return rows.map((row) => ({ ...row, value: row.value.negated() }))
  }

  /** What a return takes off a counter: of limits, or of tiers. */
  #less(sold: Sold, row: CounterRow): void {
    if (row.counter.startsWith(LIMIT)) {
      const key = `${row.counter} ${row.day}`
      this.#use(key, BigInt(row.value.toFixed(0)))
      return
    }
    sold.less.push(row)
    this.#tiers.less(row)
  }

  /** Tiers as they are without what was returned; a sale that meets another one is valued again: the long way. */
  #walkAgain(): void {
    const tiers = this.#newTiers()
    for (const sold of this.#sold) {
      if (sold === null) continue
      tiers.step(sold.at)
      if (!isSame(tiers.met(sold.at), sold.tiers)) throw new NoWay()
      tiers.count(sold.program, sold)
      for (const row of sold.less) tiers.less(row)
      tiers.step(sold.at)
    }
    this.#tiers = tiers
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

function tooFine(): never {
  throw new TooFine()
}

/** Points by rule and currency. */
function byRule(awards: readonly Award[]): ReversedAward[] {
  const sums: ReversedAward[] = []
  for (const { rule, currency, points } of awards) {
    const sum = sums.find((one) => one.rule === rule && one.currency === currency)
    if (sum) sum.points += Number(points)
    else sums.push({ rule, currency, points: Number(points) })
  }
  return sums
}

/** What was given and no longer is; it is taken off what was given. */
function lost(given: readonly ReversedAward[], now: readonly ReversedAward[]): ReversedAward[] {
  const reversed: ReversedAward[] = []
  for (const award of given) {
    const { rule, currency } = award
    const still = now.find((one) => one.rule === rule && one.currency === currency)?.points ?? 0
    if (award.points <= still) continue
    reversed.push({ rule, currency, points: award.points - still })
    award.points = still
  }
  return reversed
}

function entryOf(occurredAt: Date, postings: readonly Posting[]): Entry {
  return { entryId: '', kind: 'earn', occurredAt, postings }
}

function isSame(a: MemberFacts['tiers'], b: MemberFacts['tiers']): boolean {
  for (const [ladder, { tier }] of a) if (b.get(ladder)?.tier !== tier) return false
  return true
}
