/** The members in slices, for reads over all of them: none holds more than one slice of the ledger at a time. */
import type { Executor } from '../db/connection.ts'
import { countMembers, type Slice, sliceBounds } from './queries.ts'

// Large enough that a slice is worth its queries, small enough that a slice's sums fit in memory.
const SMALLEST_SLICE = 2_000
const MOST_SLICES = 64
const FIRST_ID = '00000000-0000-0000-0000-000000000000'

/** Ranges of ids that together cover every id there could be, also those of members that are not there. */
export async function slicesOf(sql: Executor, program: string | null): Promise<Omit<Slice, 'most'>[]> {
  const size = Math.max(SMALLEST_SLICE, Math.ceil((await countMembers(sql)) / MOST_SLICES))
  const bounds = await sliceBounds(sql, size)
  return [FIRST_ID, ...bounds].map((from, index) => ({ from, to: bounds[index] ?? null, program }))
}
