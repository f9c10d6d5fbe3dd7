/**
 * What one evaluation sees: the facts of the transaction and the member, the line in hand, and what earlier
 * rules gave. It lives for one evaluation; calendar facts are worked out once, when first asked for.
 */
import { Decimal } from '../base/points.ts'
import { type Day, dayOf, minuteOf, type Weekday, weekdayOf } from '../base/time.ts'
import type { Basis } from './basis.ts'
import type { LineFacts, MemberFacts, TransactionFacts } from './facts.ts'

export class Sight {
  readonly transaction: TransactionFacts
  readonly member: MemberFacts
  readonly timeZone: string
  /** the business time, in milliseconds */
  readonly at: number
  basis: Basis | null = null
  /** the line in hand, in a rule per line */
  line: LineFacts | null = null
  /** why the last formula or condition came to no value */
  failure = ''
  /** points given in this transaction so far, by rule and currency */
  given: Map<string, Map<string, bigint>> | null = null
  /** by rule: the currencies that it can give */
  readonly givers: ReadonlyMap<string, readonly string[]>
  #day: Day | null = null
  #weekday: Weekday | null = null
  #minute = -1

  constructor(input: {
    transaction: TransactionFacts
    member: MemberFacts
    timeZone: string
    givers: ReadonlyMap<string, readonly string[]>
  }) {
    this.transaction = input.transaction
    this.member = input.member
    this.timeZone = input.timeZone
    this.at = input.transaction.occurredAt.getTime()
    this.givers = input.givers
  }

  get day(): Day {
    this.#day ??= dayOf(this.timeZone, this.transaction.occurredAt)
    return this.#day
  }

  get weekday(): Weekday {
    this.#weekday ??= weekdayOf(this.timeZone, this.transaction.occurredAt)
    return this.#weekday
  }

  get minute(): number {
    if (this.#minute < 0) this.#minute = minuteOf(this.timeZone, this.transaction.occurredAt)
    return this.#minute
  }

  give(rule: string, currency: string, points: bigint): void {
    this.given ??= new Map()
    let byCurrency = this.given.get(rule)
    if (byCurrency === undefined) {
      byCurrency = new Map()
      this.given.set(rule, byCurrency)
    }
    byCurrency.set(currency, (byCurrency.get(currency) ?? 0n) + points)
  }

  /** The same in whole points; NaN where there is no value, or it is asked for as Decimal. */
  awardedWhole(rule: string, currency: string | null): number {
    const currencies = this.givers.get(rule)
    if (currencies?.length !== 1) return Number.NaN
    const [only] = currencies
    if (currency !== null && currency !== only) return Number.NaN
    const points = Number(this.given?.get(rule)?.get(only!) ?? 0n)
    return Number.isSafeInteger(points) ? points : Number.NaN
  }

  /**
   * Points that an earlier rule gave. Where that rule gives several currencies, those of `currency` are
   * meant; where `currency` is none of them it cannot be told which, and there is no value.
   */
  awarded(rule: string, currency: string | null): Decimal | undefined {
    const currencies = this.givers.get(rule) ?? []
    const meant = currency !== null && currencies.includes(currency) ? currency : currencies[0]
    if (currencies.length > 1 && meant !== currency) {
      this.failure = `rule ${rule} gives several currencies, so awarded(${rule}) can mean any of them`
      return undefined
    }
    const points = meant === undefined ? 0n : (this.given?.get(rule)?.get(meant) ?? 0n)
    return new Decimal(points.toString())
  }
}
