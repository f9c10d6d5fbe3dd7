/**
 * The whole history of a program's lots, told as cohorts member by member in one pass over one snapshot, so
 * that memory does not grow with the ledger.
 */
import { dayNumberOf } from '../base/time.ts'
import type { Executor } from '../db/connection.ts'
import { type CohortEvent, LotCohorts, type OpenCohort } from './cohort.ts'
import { keyOfLot, type LotKey } from './lot.ts'
import { type LegRow, legsOfLots, type Until } from './queries-finance.ts'
import { slicesOf } from './slices.ts'

export interface HistoryInput extends Until {
  readonly program: string
  readonly timeZone: string
  readonly onProgress?: ((done: number, total: number) => void) | undefined
  /** a lot's points came, ended or came back */
  event(memberId: string, lot: LotKey, event: CohortEvent): void
  /** what is still there at the end of a lot */
  open?(memberId: string, lot: LotKey, cohort: OpenCohort): void
}

/** Reads everything up to `at`; what lapsed by then counts as lapsed whether or not a sweep has been by. */
export async function readHistory(sql: Executor, input: HistoryInput): Promise<void> {
  const slices = await slicesOf(sql, input.program)
  const teller = new Teller(input)
  for (const [index, range] of slices.entries()) {
    for await (const legs of legsOfLots(sql, range, input)) for (const leg of legs) teller.add(leg)
    teller.endLot()
    input.onProgress?.(index + 1, slices.length)
  }
}

/** Follows the lot whose legs are coming in. */
class Teller {
  readonly #input: HistoryInput
  #memberId = ''
  #lotId = ''
  #lot: LotKey | null = null
  #cohorts = new LotCohorts(() => {})

  constructor(input: HistoryInput) {
    this.#input = input
  }

  add(leg: LegRow): void {
    if (leg.lotId !== this.#lotId || leg.memberId !== this.#memberId) this.#begin(leg)
    const on = dayNumberOf(this.#input.timeZone, leg.occurredAt)
    const { from, to, points, redemptionId } = leg
    this.#cohorts.add({ from, to, points, redemptionId, on })
  }

  endLot(): void {
    const lot = this.#lot
    if (lot === null) return
    const { at, timeZone, open } = this.#input
    if (lot.expiresAt !== null && lot.expiresAt <= at)
      this.#cohorts.lapse(dayNumberOf(timeZone, lot.expiresAt))
    if (open) for (const cohort of this.#cohorts.open()) open(this.#memberId, lot, cohort)
    this.#lot = null
    this.#lotId = ''
  }

  #begin({ memberId, lotId }: LegRow): void {
    this.endLot()
    const lot = keyOfLot(lotId)
    this.#memberId = memberId
    this.#lotId = lotId
    this.#lot = lot
    this.#cohorts = new LotCohorts((event) => this.#input.event(memberId, lot, event))
  }
}
