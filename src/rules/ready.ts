/**
 * A rule as evaluation runs it: little to look at, what the index has answered left out, and constants as
 * they are. It gives what the rule gives; tracing asks the rule itself, and a test holds the two together.
 */
import { type Rounding, toWholePoints } from '../base/points.ts'
import type { Grant } from './award.ts'
import { allHold } from './condition.ts'
import type { LineFacts } from './facts.ts'
import { type Proposal, proposeExact, putOff, type Run, takeLimited } from './give.ts'
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
    if (!this.#perLine) this.give(run)
    else for (const line of run.sight.basis?.lines ?? []) this.giveTo(line, run)
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
