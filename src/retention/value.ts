/**
 * What the program gave a member beside what the member brings, by declared formulas, over one stretch of time:
 *
 *   delivered = points redeemed and rewards at their value + benefits used - fees - cost of spend beyond the usual
 *   brought   = margin x net spend + fees - cost of the points earned
 *
 * Delivered value is never shown below zero. The usual is the spend of as long a time before, where that is
 * known for 90 days or more; without it nothing is beyond the usual. Money stays exact until it is shown.
 */
import { Decimal } from '../base/points.ts'
import { type Grade, type GradeEnds, grades, type ValueTerms } from '../program/value.ts'

/** What the ledger and the transactions say of one member; money in the program's. */
export interface ValueFacts {
  /** days of the stretch */
  readonly days: number
  /** net of goods kept, in the stretch and in as long a time before it */
  readonly netSpend: Decimal
  readonly earlierSpend: Decimal
  /** days of that time before since the first purchase, at most as many as the stretch has */
  readonly earlierDays: number
  /** ever: net of goods kept, and sales with any */
  readonly everSpend: Decimal
  readonly purchases: number
  readonly redeemed: Decimal
  readonly benefits: Decimal
  readonly fees: Decimal
  /** points earned and kept, at their value */
  readonly pointsCost: Decimal
}

export interface Delivered {
  readonly redeemed: Decimal
  readonly benefits: Decimal
  readonly fees: Decimal
  /** null: what is usual is not known */
  readonly usualSpend: Decimal | null
  readonly beyondUsual: Decimal
  readonly costOfBeyond: Decimal
  /** at least zero */
  readonly total: Decimal
}

export interface Brought {
  readonly netSpend: Decimal
  readonly margin: Decimal
  readonly fees: Decimal
  readonly pointsCost: Decimal
  readonly profit: Decimal
}

const ZERO = new Decimal(0)
const FEWEST_DAYS = 90

export function deliveredOf(facts: ValueFacts, terms: ValueTerms): Delivered {
  const { days, netSpend, earlierSpend, earlierDays, redeemed, benefits, fees } = facts
  const usualSpend =
    earlierDays >= Math.min(FEWEST_DAYS, days) && earlierDays > 0
      ? earlierSpend.times(days).div(earlierDays)
      : null
  const beyondUsual = usualSpend === null ? ZERO : Decimal.max(ZERO, netSpend.minus(usualSpend))
  const costOfBeyond = beyondUsual.times(terms.extraSpend)
  const total = Decimal.max(ZERO, redeemed.plus(benefits).minus(fees).minus(costOfBeyond))
  return { redeemed, benefits, fees, usualSpend, beyondUsual, costOfBeyond, total }
}

export function broughtBy(
  { netSpend, fees, pointsCost }: ValueFacts,
  { margin }: { margin: Decimal },
): Brought {
  const profit = netSpend.times(margin).plus(fees).minus(pointsCost)
  return { netSpend, margin, fees, pointsCost, profit }
}

/** Risk by the chance of decline: A where it is below the first end. */
export function riskGrade(chance: number, ends: GradeEnds): Grade {
  return gradeAt(ends.findIndex((end) => chance < end))
}

/** Value by profit: A from the first end upwards; `ends` as `gradeEndsOf` found them. */
export function valueGrade(profit: Decimal, ends: readonly Decimal[]): Grade {
  return gradeAt(ends.findIndex((end) => profit.greaterThanOrEqualTo(end)))
}

function gradeAt(index: number): Grade {
  return grades[index] ?? 'E'
}

/** The lowest profits of A, B, C and D over all members; none where there are no members. */
export function gradeEndsOf(profits: readonly Decimal[], shares: GradeEnds): Decimal[] {
  if (profits.length === 0) return []
  const falling = [...profits].sort((a, b) => b.comparedTo(a))
  return shares.map((share) => falling[Math.min(falling.length, Math.ceil(share * falling.length)) - 1]!)
}

export interface TopShare {
  readonly members: number
  readonly profit: Decimal
  /** of all profit of members who bring any; null where nobody does */
  readonly share: number | null
}

/** What the most profitable fifth, or another share of the members, brings of all profit. */
export function topShare(profits: readonly Decimal[], part = 0.2): TopShare {
  const falling = [...profits].sort((a, b) => b.comparedTo(a))
  const members = Math.ceil(part * falling.length)
  const sum = (some: readonly Decimal[]) =>
    some.reduce((all, profit) => all.plus(Decimal.max(ZERO, profit)), ZERO)
  const all = sum(falling)
  const profit = sum(falling.slice(0, members))
  return { members, profit, share: all.isZero() ? null : profit.div(all).toNumber() }
}
