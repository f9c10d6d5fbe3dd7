/**
 * The rows of all members of a program as of one day, in flat arrays: what a run of scores learns from and
 * scores. Nothing after the day is in them: a row that knows of later days is folded anew from those up to it.
 */
import { stateAt } from './cuts.ts'
import { eachDay } from './history.ts'
import { remembered } from './kept.ts'
import type { Purchases } from './purchases.ts'
import type { MemberState } from './state.ts'

/** A row as it is read in bulk; all numbers are whole. */
export interface StateRow {
  readonly memberId: string
  readonly lastDay: number
  readonly gapSquares: number
  readonly gapLogs: number
  readonly longestGap: number
  readonly cents: number
  readonly firstCents: number
  readonly fadedDays: readonly number[]
  readonly fadedCents: readonly number[]
  readonly history: Uint8Array
}

/** What a row sums up beside its days: longest gap, squares, logs, spend, first spend, and what faded. */
const SUMS = 13

export class StateCollector {
  readonly #asOf: number
  readonly #ids: string[] = []
  readonly #starts: number[] = []
  #days = new Int32Array(4096)
  #cents = new Float64Array(4096)
  #size = 0
  #sums = new Float64Array(SUMS * 512)
  #whole = new Uint8Array(512)
  #hasSpend = false

  constructor(asOf: number) {
    this.#asOf = asOf
  }

  /** Rows in the order of their ids. A member without a purchase up to the day is passed over. */
  add(row: StateRow): void {
    const first = this.#size
    eachDay(row.history, (day, _purchases, cents) => {
      if (day > this.#asOf) return
      if (this.#size === this.#days.length) this.#growDays()
      this.#days[this.#size] = day
      this.#cents[this.#size] = cents
      this.#size += 1
      if (cents > 0) this.#hasSpend = true
    })
    if (this.#size === first) return
    const place = this.#ids.length
    if (place === this.#whole.length) this.#growMembers()
    this.#ids.push(row.memberId)
    this.#starts.push(first)
    this.#whole[place] = row.lastDay <= this.#asOf ? 1 : 0
    const { longestGap, gapSquares, gapLogs, cents, firstCents } = row
    this.#sums.set(
      [longestGap, gapSquares, gapLogs, cents, firstCents, ...row.fadedDays, ...row.fadedCents],
      place * SUMS,
    )
  }

  #growDays(): void {
    const [days, cents] = [new Int32Array(this.#days.length * 2), new Float64Array(this.#days.length * 2)]
    days.set(this.#days)
    cents.set(this.#cents)
    this.#days = days
    this.#cents = cents
  }

  #growMembers(): void {
    const [sums, whole] = [new Float64Array(this.#sums.length * 2), new Uint8Array(this.#whole.length * 2)]
    sums.set(this.#sums)
    whole.set(this.#whole)
    this.#sums = sums
    this.#whole = whole
  }

  finish(): States {
    const purchases: Purchases = {
      memberIds: this.#ids,
      starts: Int32Array.from([...this.#starts, this.#size]),
      days: this.#days.subarray(0, this.#size),
      cents: this.#cents.subarray(0, this.#size),
      hasSpend: this.#hasSpend,
    }
    const [sums, whole, asOf] = [this.#sums, this.#whole, this.#asOf]
    return {
      purchases,
      count: this.#ids.length,
      state: (place) => (whole[place] ? stateOf(purchases, place, sums) : stateAt(purchases, place, asOf)!),
    }
  }
}

export interface States {
  readonly purchases: Purchases
  readonly count: number
  state(place: number): MemberState
}

function stateOf({ starts, days }: Purchases, place: number, sums: Float64Array): MemberState {
  const [from, to] = [starts[place]!, starts[place + 1]!]
  const recentDays = Array.from(days.subarray(to - remembered(to - from), to))
  const at = place * SUMS
  return {
    firstDay: days[from]!,
    lastDay: days[to - 1]!,
    days: to - from,
    longestGap: sums[at]!,
    gapSquares: sums[at + 1]!,
    gapLogs: sums[at + 2]!,
    cents: sums[at + 3]!,
    firstCents: sums[at + 4]!,
    fadedDays: [sums[at + 5]!, sums[at + 6]!, sums[at + 7]!, sums[at + 8]!],
    fadedCents: [sums[at + 9]!, sums[at + 10]!, sums[at + 11]!, sums[at + 12]!],
    recentDays,
    rebuild: false,
  }
}
