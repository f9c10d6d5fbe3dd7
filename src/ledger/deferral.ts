/**
 * Deferred revenue for points by the relative stand-alone selling price method of IFRS 15 (paragraphs 73-80,
 * B39-B47): a sale that gives points sells two things, and the part of its price that falls to the points is
 * revenue only when they are redeemed. Exact decimals; money is rounded once, when it is shown.
 *
 * IFRS 15, example 52: sales of 100,000 give 10,000 points worth 1 each, 9,500 expected to be redeemed.
 *   deferred            100,000 * 9,500 / (100,000 + 9,500)       = 8,676
 *   first period        4,500 redeemed: 8,676 * 4,500 / 9,500     = 4,110
 *   second period       8,500 in all, now 9,700 expected: 8,676 * 8,500 / 9,700 - 4,110 = 3,493
 * A changed expectation thus shows in the period in which it changes, for all that was redeemed before
 * (cumulative catch-up, paragraphs 87-90); what was deferred at first is not allocated again (88).
 */
import { Decimal } from '../base/points.ts'
import type { CohortEvent } from './cohort.ts'

const ZERO = new Decimal(0)
const decimal = (points: bigint) => new Decimal(points.toString())

/** What the points would sell for by themselves: their value, times the share that will be redeemed (B42). */
export function standalonePrice(what: { points: bigint; value: Decimal; redemptionRate: Decimal }): Decimal {
  return decimal(what.points).times(what.value).times(what.redemptionRate)
}

/** The parts of a price that fall to the points of each kind, in proportion to stand-alone prices (76). */
export function allocate(
  price: Decimal,
  standalone: { goods: Decimal; points: readonly Decimal[] },
): Decimal[] {
  const whole = standalone.points.reduce((sum, one) => sum.plus(one), standalone.goods)
  return standalone.points.map((one) => (whole.isZero() ? ZERO : price.times(one).dividedBy(whole)))
}

/** Where points stand: given less what was taken back, redeemed, and still open. */
export interface Standing {
  readonly given: bigint
  readonly redeemed: bigint
  readonly open: bigint
}

/**
 * Points expected to be redeemed in all: the share of those given, but not fewer than were redeemed already
 * and not more than were redeemed or still can be. So a cohort that has ended is recognised in full.
 */
export function expectedTotal({ given, redeemed, open }: Standing, redemptionRate: Decimal): Decimal {
  const most = decimal(redeemed + open)
  return Decimal.max(decimal(redeemed), Decimal.min(most, decimal(given).times(redemptionRate)))
}

/** Revenue recognised so far: deferred * redeemed / expected (B46: breakage in proportion to redemptions). */
export function recognisedSoFar(deferred: Decimal, standing: Standing, redemptionRate: Decimal): Decimal {
  const expected = expectedTotal(standing, redemptionRate)
  // Nothing will ever be redeemed: nothing is left to wait for.
  if (expected.isZero()) return deferred
  return deferred.times(decimal(standing.redeemed)).dividedBy(expected)
}

interface Flow {
  redeemed: bigint
  expired: bigint
  cancelled: bigint
  moved: bigint
}

/** Points given in one period, and what became of them in each period since. */
interface Vintage {
  readonly period: string
  /** by sales, or come from elsewhere with what was deferred for them */
  readonly origin: 'issued' | 'moved'
  given: bigint
  readonly flows: Map<string, Flow>
}

/** Gathers points by the period in which they were given. Points given by hand were not sold: left out. */
export class Vintages {
  readonly #vintages = new Map<string, Vintage>()
  readonly #periodOf: (day: number) => string

  /** `periodOf`: a day's period, named so that names sort by time */
  constructor(periodOf: (day: number) => string) {
    this.#periodOf = periodOf
  }

  event(event: CohortEvent): void {
    if (event.origin === 'adjusted') return
    const vintage = this.#vintage(event.origin, this.#periodOf(event.givenOn))
    if (event.kind === 'given') {
      vintage.given += event.points
      return
    }
    const period = this.#periodOf(event.on)
    let flow = vintage.flows.get(period)
    if (!flow) {
      flow = { redeemed: 0n, expired: 0n, cancelled: 0n, moved: 0n }
      vintage.flows.set(period, flow)
    }
    flow[event.kind] += event.points
  }

  /** Points that sales of a period gave. */
  issuedIn(period: string): bigint {
    return this.#vintages.get(`${period} issued`)?.given ?? 0n
  }

  /** The earliest period; undefined: no points were ever given. */
  first(): string | undefined {
    return this.list()[0]?.period
  }

  /** In order of time; within a period what was sold before what came from elsewhere. */
  list(): Vintage[] {
    return [...this.#vintages.keys()].sort().map((key) => this.#vintages.get(key)!)
  }

  #vintage(origin: Vintage['origin'], period: string): Vintage {
    const key = `${period} ${origin}`
    let vintage = this.#vintages.get(key)
    if (!vintage) {
      vintage = { period, origin, given: 0n, flows: new Map() }
      this.#vintages.set(key, vintage)
    }
    return vintage
  }
}

export interface DeferralTerms {
  /** every period from the first one with points to the last one wanted, in order */
  readonly periods: readonly string[]
  /** what was deferred for the points that sales of a period gave */
  readonly deferred: (period: string) => Decimal
  /** the redemption rate in force at the end of a period */
  readonly rate: (period: string) => Decimal
}

/** Running totals at the end of a period; what happened in it is the difference to the one before. */
export interface DeferralTotals {
  readonly period: string
  readonly deferred: Decimal
  /** taken back with the points of returned sales */
  readonly cancelled: Decimal
  readonly byRedemption: Decimal
  readonly byBreakage: Decimal
  /** of what was recognised in this period alone, what only came of a changed expectation */
  readonly reestimate: Decimal
  readonly points: { readonly given: bigint; readonly redeemed: bigint; readonly expired: bigint }
  /** periods whose points were redeemed more than expected: their expectation is too low */
  readonly exceeded: readonly string[]
}

/** The account of deferred revenue at the end of each period. */
export function rollForward(vintages: readonly Vintage[], terms: DeferralTerms): DeferralTotals[] {
  const running = vintages.map((vintage) => new Running(vintage))
  let rate: Decimal | null = null
  return terms.periods.map((period) => {
    const now = terms.rate(period)
    const before = rate
    rate = now
    const reestimate =
      before === null || before.equals(now)
        ? ZERO
        : sum(running, (one) => one.recognised(now).minus(one.recognised(before)))
    for (const one of running) one.pass(period)
    priceMoved(running, period, terms)
    return totalsOf(running, { period, rate: now, reestimate })
  })
}

/** One vintage as it stands at the end of the period that was passed last. */
class Running {
  readonly vintage: Vintage
  /** deferred per point; set in the vintage's own period */
  perPoint = ZERO
  given = 0n
  readonly ended: Flow = { redeemed: 0n, expired: 0n, cancelled: 0n, moved: 0n }

  constructor(vintage: Vintage) {
    this.vintage = vintage
  }

  pass(period: string): void {
    if (this.vintage.period === period) this.given = this.vintage.given
    const flow = this.vintage.flows.get(period)
    if (!flow) return
    for (const kind of ['redeemed', 'expired', 'cancelled', 'moved'] as const) this.ended[kind] += flow[kind]
  }

  /** Points that were neither taken back nor moved on. */
  get kept(): bigint {
    return this.given - this.ended.cancelled - this.ended.moved
  }

  get standing(): Standing {
    const { redeemed, expired } = this.ended
    return { given: this.kept, redeemed, open: this.kept - redeemed - expired }
  }

  amount(points: bigint): Decimal {
    return this.perPoint.times(decimal(points))
  }

  recognised(rate: Decimal): Decimal {
    return this.kept > 0n ? recognisedSoFar(this.amount(this.kept), this.standing, rate) : ZERO
  }
}

/**
 * Sets what is deferred per point in the period's own vintages. Points that were moved take along what was
 * deferred for them: all that leaves in a period is spread over all that comes in it. Points moved twice in a
 * period leave and come in the same vintage; with m of its g points leaving again, a = others' amounts,
 * d = (a + d m) / g, so d = a / (g - m).
 */
function priceMoved(running: readonly Running[], period: string, terms: DeferralTerms): void {
  const own = running.filter(({ vintage }) => vintage.period === period)
  const issued = own.find(({ vintage }) => vintage.origin === 'issued')
  if (issued && issued.given > 0n) issued.perPoint = terms.deferred(period).dividedBy(decimal(issued.given))
  const moved = own.find(({ vintage }) => vintage.origin === 'moved')
  if (!moved) return
  const others = running.filter((one) => one !== moved && one.vintage.flows.has(period))
  const amount = sum(others, (one) => one.amount(one.vintage.flows.get(period)!.moved))
  const coming = moved.given - (moved.vintage.flows.get(period)?.moved ?? 0n)
  if (coming > 0n) moved.perPoint = amount.dividedBy(decimal(coming))
}

function totalsOf(
  running: readonly Running[],
  at: { period: string; rate: Decimal; reestimate: Decimal },
): DeferralTotals {
  const issued = running.filter(({ vintage }) => vintage.origin === 'issued')
  const deferred = sum(issued, (one) => one.amount(one.given))
  const left = sum(running, (one) => one.amount(one.kept))
  const recognised = sum(running, (one) => one.recognised(at.rate))
  const byRedemption = sum(running, (one) => one.amount(one.ended.redeemed))
  const exceeded = running.filter(
    ({ standing, perPoint }) =>
      !perPoint.isZero() &&
      standing.open > 0n &&
      decimal(standing.given).times(at.rate).lessThan(decimal(standing.redeemed)),
  )
  const count = (of: (one: Running) => bigint) => running.reduce((all, one) => all + of(one), 0n)
  return {
    period: at.period,
    deferred,
    cancelled: deferred.minus(left),
    byRedemption,
    byBreakage: recognised.minus(byRedemption),
    reestimate: at.reestimate,
    points: {
      given: issued.reduce((all, one) => all + one.given, 0n),
      redeemed: count((one) => one.ended.redeemed),
      expired: count((one) => one.ended.expired),
    },
    exceeded: [...new Set(exceeded.map(({ vintage }) => vintage.period))],
  }
}

function sum<T>(items: readonly T[], of: (item: T) => Decimal): Decimal {
  return items.reduce((all, item) => all.plus(of(item)), ZERO)
}
