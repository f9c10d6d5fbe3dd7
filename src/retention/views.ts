/** One of the seven views of a program, by name, as of an instant. */
import { dayOf } from '../base/time.ts'
import type { Sql } from '../db/connection.ts'
import type { Program } from '../program/program.ts'
import type { View, ViewName } from './view.ts'
import { performance } from './views-experiments.ts'
import { persistency, profiling, prospecting, type Told } from './views-members.ts'
import { product, profitability, promotion } from './views-money.ts'

/** Nothing is written, and nothing that happened after `at` is read but what campaigns counted. */
export async function viewOf(
  sql: Sql,
  view: ViewName,
  of: { program: Program; at: Date; shareAt: (at: Date) => number },
): Promise<View> {
  const { program, at, shareAt } = of
  const { timeZone, money } = program
  const asOf = dayOf(timeZone, at)
  const scope = { program: program.id, timeZone, at, fees: program.value.fees }
  const ask: Record<ViewName, () => Promise<Told>> = {
    profiling: () => profiling(sql, scope, program),
    persistency: () => persistency(sql, scope, asOf),
    profitability: () => profitability(sql, scope, program),
    performance: () => performance(sql, scope, { program, shareAt }),
    prospecting: () => prospecting(sql, scope),
    product: () => product(sql, scope),
    promotion: () => promotion(sql, scope, program),
  }
  return { view, program: program.id, money, asOf, ...(await ask[view]()) }
}
