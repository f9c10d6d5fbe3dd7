/**
 * What came of the members of an experiment, arm by arm: purchases in the days after the assignment, and their
 * net value: margin x spend - what the campaign cost - all points of those days at their value.
 */
import { addTo } from './difference.ts'
import { eachDay } from './history.ts'
import { emptyGroup, type Group } from './look.ts'
import type { OutcomeRow } from './queries-experiments.ts'

export interface Measuring {
  readonly measureDays: number
  readonly margin: number
  /** what a point is worth, by currency; a currency that is missing is worth nothing */
  readonly values: ReadonlyMap<string, number>
}

/** Adds to the groups, which are by arm. */
export function addOutcome(groups: Map<string, Group>, row: OutcomeRow, how: Measuring): void {
  const first = row.assignedDay + 1
  const last = row.assignedDay + how.measureDays
  let cents = 0
  let purchases = 0
  if (row.history)
    eachDay(row.history, (day, many, spent) => {
      if (day < first || day > last) return
      purchases += many
      cents += spent
    })
  let points = 0
  for (const [currency, many] of Object.entries(row.points)) points += many * (how.values.get(currency) ?? 0)
  const before = groups.get(row.arm) ?? emptyGroup(row.arm)
  groups.set(row.arm, {
    ...before,
    members: before.members + 1,
    buyers: before.buyers + (purchases > 0 ? 1 : 0),
    spend: addTo(before.spend, cents / 100),
    net: addTo(before.net, (how.margin * cents) / 100 - row.cost - points),
  })
}
