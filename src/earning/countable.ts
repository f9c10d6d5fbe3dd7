/**
 * On which day points count for tiers: of a currency that counts `when usable`, the day on which pending points
 * became usable, and not before; of all others the day of what earned them.
 */
import { type Day, dayOf } from '../base/time.ts'
import type { LotKey } from '../ledger/lot.ts'
import type { Program } from '../program/program.ts'
import type { Confirmation } from './confirm.ts'

/** The day on which points of a lot counted; null: not yet, or never. */
export function countedOn(
  program: Program,
  key: LotKey,
  sale: { occurredAt: Date; at: Date; confirmation: Confirmation | null },
): Day | null {
  const { timeZone, currencies } = program
  const waits = key.usableFrom !== null || key.awaits !== undefined
  if (!waits || currencies.get(key.currency)?.counts !== 'when_usable')
    return dayOf(timeZone, sale.occurredAt)
  if (key.usableFrom) return key.usableFrom <= sale.at ? dayOf(timeZone, key.usableFrom) : null
  const { confirmation } = sale
  return confirmation?.outcome === 'confirmed' ? dayOf(timeZone, confirmation.occurredAt) : null
}
