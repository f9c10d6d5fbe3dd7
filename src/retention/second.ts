/**
 * The odds of a second purchase, by the product-limit estimator (Kaplan and Meier 1958): members who wait
 * still count for as long as they were seen waiting, and no longer.
 */

export interface Waiting {
  /** days from the first purchase to the second; null: none yet */
  readonly gap: number | null
  /** days since the first purchase */
  readonly waited: number
  readonly members: number
}

export interface SecondOdds {
  readonly members: number
  /** without a second purchase so far */
  readonly waiting: number
  /** P(second purchase within so many days); null where nobody was seen that long */
  within(days: number): number | null
  /** P(second purchase in the next `days` | none for `waited`); null where nobody was seen that long */
  next(waited: number, days: number): number | null
}

export function secondOdds(rows: readonly Waiting[]): SecondOdds {
  const known = rows.filter(
    ({ gap, waited, members }) => members > 0 && waited >= 0 && (gap === null || gap > 0),
  )
  const seen = (row: Waiting) => row.gap ?? row.waited
  const longest = known.reduce((most, row) => Math.max(most, seen(row)), 0)
  const bought = new Float64Array(longest + 1)
  const left = new Float64Array(longest + 1)
  let members = 0
  let waiting = 0
  for (const row of known) {
    members += row.members
    if (row.gap === null) {
      waiting += row.members
      left[row.waited]! += row.members
    } else bought[row.gap]! += row.members
  }
  const survival = new Float64Array(longest + 1).fill(1)
  let atRisk = members
  for (let day = 0; day <= longest; day += 1) {
    const before = day === 0 ? 1 : survival[day - 1]!
    survival[day] = atRisk > 0 ? before * (1 - bought[day]! / atRisk) : before
    atRisk -= bought[day]! + left[day]!
  }
  const at = (day: number): number | null => (members > 0 && day <= longest ? survival[day]! : null)
  return {
    members,
    waiting,
    within(days) {
      const left = at(days)
      return left === null ? null : 1 - left
    },
    next(waited, days) {
      const [now, then] = [at(waited), at(waited + days)]
      return now === null || then === null || now <= 0 ? null : 1 - then / now
    },
  }
}
