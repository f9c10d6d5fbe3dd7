/**
 * What the reports need to know of a program's rules, and the reads of one snapshot that they share. The
 * ledger knows nothing of rule files, so all of it comes in as plain data.
 */
import type { Money } from '../base/points.ts'
import type { Executor, Sql } from '../db/connection.ts'
import { sumInMemory } from './queries.ts'
import { joinByHash } from './queries-finance.ts'

export interface FinanceTerms {
  readonly program: string
  readonly timeZone: string
  /** ISO 4217: the money of its sales */
  readonly money: string
  /** counted for tiers only and never spent, so never owed */
  readonly qualifying: ReadonlySet<string>
  /** who pays for a lot where no partner does: the program's own sales */
  readonly ownFunder: string
  /** what a point is worth by the rules in force then; null: no value is declared */
  valueAt(currency: string, at: Date): Money | null
}

export type OnProgress = ((done: number, total: number) => void) | undefined

/** Everything read in `work` is of one instant of the database, while others go on writing. */
export function inSnapshot<T>(sql: Sql, work: (tx: Executor) => Promise<T>): Promise<T> {
  return sql.begin('isolation level repeatable read read only', async (tx) => {
    await sumInMemory(tx)
    await joinByHash(tx)
    return work(tx)
  }) as Promise<T>
}
