/**
 * A rule as evaluation runs it: little to look at, what the index has answered left out, and constants as
 * they are. It gives what the rule gives; tracing asks the rule itself, and a test holds the two together.
 */
import { type Rounding, toWholePoints } from '../base/points.ts'
import type { Grant } from './award.ts'
import { ColumnBasis, type LineCondition } from './columns.ts'
import { allHold } from './condition.ts'
import type { LineFacts } from './facts.ts'
import { type Proposal, proposeExact, putOff, type Run, takeLimited } from './give.ts'
import type { LineAmount } from './line.ts'
import type { Test } from './matcher.ts'
import { safe } from './parts.ts'
import type { Rule } from './rule.ts'

export class Ready {
  readonly rule: Rule
  /** null: without a group that picks among its rules */
  readonly group: Rule['group']
  /** the index finds it line by line */
  readonly byLine: boolean
  /** null: none, as of most rules that the index finds */
  readonly #tests: readonly Test[] | null
  readonly #lineTests: readonly Test[] | null
  readonly #gift: Gift | null
  readonly #gifts: readonly Gift[] | null
  readonly #from: number
  readonly #until: number
  readonly #recurs: Rule['recurs']
  readonly #extends: boolean
  readonly #perLine: boolean
  /** what it gives to lines is of one amount each, and to which lines can be told from their goods */
  readonly #sums: boolean
  /** null: to all of them */
  readonly #goods: LineCondition | null

  constructor(rule: Rule) {
    const { anchor, perLine, group, from, until } = rule
    // A rule that the index found by an equality meets that one.
    const left = (tests: readonly Test[]) =>
      someOf(tests.filter((test) => anchor === null || test.anchor !== anchor))
    this.rule = rule
    this.group = group?.pick === 'all' ? null : group
    this.#perLine = perLine
    this.byLine = perLine && this.group === null && anchor?.fact.perLine === true
    this.#tests = left(rule.tests)
    this.#lineTests = this.byLine ? left(rule.lineTests) : someOf(rule.lineTests)
    const [first = null, ...others] = rule.grants.map((grant) => new Gift(rule, grant))
    this.#gift = first
    this.#gifts = someOf(others)
    this.#from = from === null ? Number.NEGATIVE_INFINITY : from.getTime()
    this.#until = until === null ? Number.POSITIVE_INFINITY : until.getTime()
    this.#recurs = rule.recurs
    this.#extends = rule.extend !== null
    const gifts = [this.#gift, ...others]
    const isPlain =
      perLine && this.group === null && rule.extend === null && rule.lineTests.every(({ ofGoods }) => ofGoods)
    this.#sums = isPlain && gifts.every((gift) => gift?.sums === true)
    const holds = (sight: Run['sight']) => allHold(rule.lineTests, sight)
    this.#goods = rule.lineTests.length === 0 ? null : { ofGoods: true, holds }
  }

  /** Whether it is in force and its conditions on the transaction hold. */
  isOpen({ sight }: Run): boolean {
    const { at } = sight
    if (at < this.#from || at >= this.#until) return false
    if (this.#recurs !== null && !this.#recurs.holds(sight.day)) return false
    return this.#tests === null || allHold(this.#tests, sight)
  }

  /** An open rule gives, in all or line by line. */
  giveAll(run: Run): void {
    const { basis } = run.sight
    if (!this.#perLine) this.give(run)
    else if (!(basis instanceof ColumnBasis && this.#giveSums(basis, run)))
      for (const line of basis?.lines ?? []) this.giveTo(line, run)
  }

  /** One award for all lines; false: nothing was given, it has to go line by line. */
  #giveSums(basis: ColumnBasis, run: Run): boolean {
    if (!this.#sums || this.#gift === null || run.words) return false
    const indexes = this.#goods === null ? null : basis.indexesOf(this.#goods, run.sight)
    const gifts = this.#gifts === null ? [this.#gift] : [this.#gift, ...this.#gifts]
    const sums = gifts.map((gift) => gift.sumOf(basis, indexes))
    if (!sums.every((sum, place) => sum !== null && gifts[place]!.fits(sum, run))) return false
    for (const [place, gift] of gifts.entries()) gift.giveSum(sums[place]!, run)
    return true
  }

  /** Gives to one line, if the conditions on lines hold. Leaves the sight without a line. */
  giveTo(line: LineFacts, run: Run): void {
    const { sight } = run
    sight.line = line
    if (this.#lineTests === null || allHold(this.#lineTests, sight)) this.give(run)
    sight.line = null
  }

  /** Gives to the line in hand, or in all. */
  give(run: Run): void {
    this.#gift?.give(run)
    if (this.#gifts !== null) for (const gift of this.#gifts) gift.give(run)
    if (this.#extends) putOff(this.rule, run)
  }
}

function someOf<T>(items: readonly T[]): readonly T[] | null {
  return items.length === 0 ? null : items
}

/** Whole points given to so many lines. */
interface LineSum {
  readonly points: number
  readonly lines: number
}

/** What a rule gives in one currency, with as much of it at hand as needs no Decimal. */
class Gift {
  readonly #id: string
  readonly #currency: string
  readonly #rounding: Rounding
  /** points are what is read, times the factor, by the unit */
  readonly #unit: number
  readonly #factor: number
  /** null: the factor is all there is */
  readonly #read: ((sight: Run['sight']) => number) | null
  readonly #isFree: boolean
  readonly #rule: Rule
  readonly #grant: Grant
  /** of the line in hand it reads one amount, or nothing */
  readonly #onLine: LineAmount | null
  /** what it gives to several lines can be summed up */
  readonly sums: boolean

  constructor(rule: Rule, grant: Grant) {
    const { quick } = grant
    this.#id = rule.id
    this.#currency = grant.currency
    this.#rounding = grant.rounding
    this.#unit = quick?.unit ?? 1
    this.#factor = quick ? (quick.constant ?? quick.multiple?.factor ?? 1) : Number.NaN
    this.#read = quick && quick.constant === undefined ? (quick.multiple?.read ?? quick.read) : null
    this.#isFree = rule.limits.length === 0
    this.#rule = rule
    this.#grant = grant
    this.#onLine = (quick?.multiple ?? quick)?.onLine ?? null
    const isAlike = rule.limits.every(({ by, tests }) => !by?.perLine && !tests.some((test) => test.perLine))
    const isOne = rule.grants.length === 1 || rule.limits.length === 0
    this.sums =
      isAlike && isOne && !Number.isNaN(this.#factor) && (this.#read === null || this.#onLine !== null)
  }

  /** What some lines, or all (null), are given, each rounded by itself; null where that needs Decimal. */
  sumOf(basis: ColumnBasis, indexes: readonly number[] | null): LineSum | null {
    const [unit, factor, rounding, what] = [this.#unit, this.#factor, this.#rounding, this.#onLine]
    const count = indexes === null ? basis.count : indexes.length
    let points = 0
    let lines = 0
    for (let next = 0; next < count; next += 1) {
      const index = indexes === null ? next : indexes[next]!
      const value = what === null ? factor : safe(basis.amount(what, index) * factor)
      if (Number.isNaN(value)) return null
      const whole = value > 0 ? toWholePoints(value, unit, rounding) : 0
      points += whole
      if (whole > 0) lines += 1
    }
    return Number.isSafeInteger(points) ? { points, lines } : null
  }

  /** Whether limits let all of it through: what they cut is cut line by line. */
  fits({ points }: LineSum, { book, sight }: Run): boolean {
    if (this.#isFree || points === 0) return true
    return book.wouldAllow(this.#wish(BigInt(points)), sight) === BigInt(points)
  }

  giveSum({ points: sum, lines }: LineSum, { awards, book, builtOn, sight }: Run): void {
    if (sum === 0) return
    const points = BigInt(sum)
    if (!this.#isFree) book.allow(this.#wish(points), sight)
    if (builtOn.size > 0 && builtOn.has(this.#id)) sight.give(this.#id, this.#currency, points)
    awards.push({
      rule: this.#id,
      currency: this.#currency,
      points,
      lineId: null,
      lines,
      explanation: '',
    })
  }

  #wish(points: bigint) {
    return { rule: this.#id, limits: this.#rule.limits, currency: this.#currency, points }
  }

  give(run: Run): void {
    const { sight } = run
    const value = this.#read === null ? this.#factor : safe(this.#read(sight) * this.#factor)
    if (Number.isNaN(value)) {
      proposeExact(this.#grant, { rule: this.#rule, run }, (proposal) => takeLimited(proposal, run))
      return
    }
    const points = value > 0 ? toWholePoints(value, this.#unit, this.#rounding) : 0
    if (points === 0) return
    if (!this.#isFree || run.words || run.builtOn.size > 0)
      takeLimited(this.#proposal(value, points, run), run)
    else this.#award(points, run)
  }

  #proposal(value: number, points: number, { sight }: Run): Proposal {
    const [rule, grant] = [this.#rule, this.#grant]
    return { rule, grant, line: sight.line, exact: null, value, points: BigInt(points) }
  }

  /** Where nothing limits it, nothing builds on it and nobody asks why. */
  #award(points: number, { awards, sight: { line } }: Run): void {
    awards.push({
      rule: this.#id,
      currency: this.#currency,
      points: BigInt(points),
      lineId: line === null ? null : line.lineId,
      explanation: '',
    })
  }
}
