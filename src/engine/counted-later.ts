/**
 * What tiers count of a member's transactions later on the same day: counters stand by the day, and who asks about
 * an instant is told of what had happened by then.
 */
import { addDays, dayOf, startOfDay } from '../base/time.ts'
import type { Executor } from '../db/connection.ts'
import { readTransaction } from '../earning/facts.ts'
import { contributionOf } from '../earning/revalue.ts'
import type { Program } from '../program/program.ts'
import type { CounterRow } from '../tiers/counters.ts'
import type { RulesInForce } from './deciding.ts'
import { readBetween } from './load-late.ts'
import { transactionOf } from './rows.ts'

/** As they are by now: less what was returned of them since. */
export async function countedLater(
  sql: Executor,
  rules: Pick<RulesInForce, 'version'>,
  of: { program: Program; memberIds: readonly string[]; at: Date },
): Promise<CounterRow[]> {
  const { program, memberIds, at } = of
  const before = startOfDay(program.timeZone, addDays(dayOf(program.timeZone, at), 1))
  const read = await readBetween(sql, memberIds, { after: at, before })
  return read.transactions.flatMap((row) => {
    const isOfIt = (one: { transaction_id: string }) => one.transaction_id === row.transaction_id
    const {
      request,
      recordedAt,
      kept,
      returns,
      confirmation = null,
    } = transactionOf(row, read.returns.filter(isOfIt), {
      revaluation: read.revaluations.find(isOfIt),
      confirmation: read.confirmations.find(isOfIt),
    })
    const valuedBy = rules.version(program.id, row.rules_version)
    const facts = readTransaction(valuedBy, request, recordedAt)
    return contributionOf({ program: valuedBy, facts, kept, returns, confirmation })
  })
}
