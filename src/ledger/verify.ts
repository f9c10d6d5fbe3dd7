/**
 * Proves that the ledger adds up: everything that is stored twice is computed again from postings and
 * compared. It reads one snapshot, so a busy service gives no false findings, and changes nothing.
 */
import { showId } from '../base/ids.ts'
import type { Executor, Sql } from '../db/connection.ts'
import {
  badBalances,
  badEntries,
  badPostings,
  badRecords,
  countRows,
  type FindingRow,
  strangers,
  sumInMemory,
  unbackedAnswers,
} from './queries.ts'
import { badDueDates } from './queries-due.ts'
import { strayEntries, strayRedirects, unevenPassages } from './queries-handover.ts'
import { slicesOf } from './slices.ts'

/** Something that does not add up; ids as they go out (`mem_…`). */
export interface Finding {
  readonly kind: string
  readonly memberId?: string
  readonly detail: string
}

export interface Verification {
  readonly ok: boolean
  readonly checked: {
    readonly members: number
    readonly entries: number
    readonly postings: number
    readonly lots: number
  }
  readonly findings: readonly Finding[]
}

export interface VerifyOptions {
  /** only this program's members; rows of members that are not there belong to no program */
  readonly program?: string
  /** steps done, of all: one for each check of each slice of members, and those of all members at once */
  readonly onProgress?: (done: number, total: number) => void
}

const MOST_FINDINGS = 1_000

export function verifyLedger(sql: Sql, options: VerifyOptions = {}): Promise<Verification> {
  return sql.begin('isolation level repeatable read read only', async (tx) => {
    await sumInMemory(tx)
    return verify(tx, options)
  }) as Promise<Verification>
}

const checks = [strangers, badPostings, badEntries, badBalances, badDueDates, badRecords] as const
/** Of all members at once. */
const wholes = [unevenPassages, strayEntries, strayRedirects, unbackedAnswers] as const

async function verify(sql: Executor, options: VerifyOptions): Promise<Verification> {
  const checked = { members: 0, entries: 0, postings: 0, lots: 0 }
  const found = new Findings()
  const slices = await slicesOf(sql, options.program ?? null)
  const steps = slices.length * checks.length + wholes.length
  let done = 0
  const step = (rows: readonly FindingRow[]) => {
    found.add(rows)
    done += 1
    options.onProgress?.(done, steps)
  }

  for (const range of slices) {
    const counts = await countRows(sql, { ...range, most: 0 })
    for (const name of ['members', 'entries', 'postings', 'lots'] as const)
      checked[name] += Number(counts[name])
    for (const check of checks) step(await check(sql, { ...range, most: found.room }))
  }
  for (const check of wholes) step(await check(sql, { program: options.program ?? null, most: found.room }))
  return { ok: found.count === 0, checked, findings: found.list() }
}

/** Keeps so many findings and counts the rest. */
class Findings {
  readonly #kept: Finding[] = []
  count = 0

  /** How many to ask for: at least one, since a query without rows could not tell how many there are. */
  get room(): number {
    return Math.max(1, MOST_FINDINGS - this.#kept.length)
  }

  add(rows: readonly FindingRow[]): void {
    const room = MOST_FINDINGS - this.#kept.length
    for (const { kind, memberId, detail } of rows.slice(0, room)) {
      this.#kept.push({ kind, ...(memberId !== null && { memberId: showId('member', memberId) }), detail })
    }
    this.count += Number(rows[0]?.total ?? 0)
  }

  list(): Finding[] {
    const more = this.count - this.#kept.length
    return more > 0 ? [...this.#kept, { kind: 'more', detail: `and ${more} more` }] : this.#kept
  }
}
