/**
 * Crediting what happened earlier: how long after the fact a type of transaction may be posted, and what of it
 * may be credited once only, by whatever key it comes (a ticket's coupon is the same on paper and in the app).
 */
import { DomainError } from '../base/errors.ts'
import { addDays, addMonths, dayOf, startOfDay } from '../base/time.ts'
import type { Program } from '../program/program.ts'
import type { TransactionBody } from './transaction.ts'

/** Refuses a transaction that comes after the last day of its type's window; the day itself still counts. */
export function mustBeInTime(program: Program, what: { type: string; occurredAt: Date; at: Date }): void {
  const within = program.transactionTypes.get(what.type)?.claimWithin ?? null
  if (within === null) return
  const day = dayOf(program.timeZone, what.occurredAt)
  const last = within.unit === 'day' ? addDays(day, within.count) : addMonths(day, within.count)
  const end = startOfDay(program.timeZone, addDays(last, 1))
  if (what.at < end) return
  throw new DomainError('claim_too_late', {
    path: '/occurredAt',
    occurredOn: day,
    lastDay: last,
  })
}

/** What makes the transaction one of a kind, as one text; null where its type declares nothing such. */
export function claimOf(program: Program, body: TransactionBody): string | null {
  const fields = program.transactionTypes.get(body.type)?.unique ?? []
  if (fields.length === 0) return null
  return JSON.stringify(fields.map((field) => body.attributes?.[field] ?? null))
}
