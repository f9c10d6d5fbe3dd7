/** Lapses are put off, by a rule or by hand: an entry that moves what the member has into lots that lapse later. */
import { type BornMember, birthMonthFor, putOff } from '../base/expiry.ts'
import type { Length } from '../base/time.ts'
import { type Book, post } from '../ledger/book.ts'
import type { Entry } from '../ledger/entry.ts'
import { type Extended, extend } from '../ledger/extend.ts'
import type { Currency, Program } from '../program/program.ts'

/** On whose points, with what. */
export interface ExtensionInput {
  readonly program: Program
  readonly member: BornMember
  /** posted to */
  readonly book: Book
  readonly nextId: () => string
}

/** Null where nothing is there that lapses. `detail` is what the entry tells of it. */
export function putOffLapses(
  { program, member, book, nextId }: ExtensionInput,
  on: { currency: Currency; by: Length; occurredAt: Date },
  detail: Readonly<Record<string, unknown>>,
): { entry: Entry; extended: Extended[] } | null {
  const { currency, by, occurredAt } = on
  const { expiry, id } = currency
  const birthMonth = birthMonthFor(expiry, member)
  const { postings, extended } = extend(book, {
    currency: id,
    at: occurredAt,
    later: (lapse) => putOff(expiry, program.timeZone, { lapse, by, birthMonth }),
  })
  if (postings.length === 0) return null
  const entry: Entry = {
    entryId: nextId(),
    kind: 'extend',
    occurredAt,
    rulesVersion: program.version,
    postings,
    detail: { currency: id, ...detail },
  }
  post(book, entry)
  return { entry, extended }
}
