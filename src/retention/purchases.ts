/**
 * The purchase days of many members in flat arrays: one entry per member and day, members in the order of
 * their ids, each member's days ascending. Built once from rows in any order; nothing after the last day
 * that is asked for gets in, so nothing that follows can read the future.
 */

export interface Purchases {
  /** ascending, so that the order of the rows in a file changes nothing */
  readonly memberIds: readonly string[]
  /** the entries of member `i` are `starts[i]` to `starts[i + 1] - 1` */
  readonly starts: Int32Array
  /** days since 1 January 1970 */
  readonly days: Int32Array
  /** what was spent on the day, in cents, never below zero; all zero where amounts are not known */
  readonly cents: Float64Array
  readonly hasSpend: boolean
}

export interface PurchaseRow {
  readonly memberId: string
  readonly day: number
  /** null: not known. Below zero: money given back, which makes no purchase day */
  readonly cents: number | null
}

/** Takes rows one by one; `finish` sorts and collapses them. */
export class PurchaseCollector {
  readonly #through: number
  readonly #places = new Map<string, number>()
  readonly #ids: string[] = []
  #members = new Int32Array(1024)
  #days = new Int32Array(1024)
  #cents = new Float64Array(1024)
  #size = 0
  #hasSpend = false

  constructor(through: number) {
    this.#through = through
  }

  /** False where the row lies after the last day that counts; then nothing of it is kept. */
  add({ memberId, day, cents }: PurchaseRow): boolean {
    if (day > this.#through) return false
    let place = this.#places.get(memberId)
    if (place === undefined) {
      place = this.#ids.length
      this.#places.set(memberId, place)
      this.#ids.push(memberId)
    }
    if (this.#size === this.#days.length) this.#grow()
    this.#members[this.#size] = place
    this.#days[this.#size] = day
    this.#cents[this.#size] = cents ?? 0
    this.#size++
    if (cents !== null && cents > 0) this.#hasSpend = true
    return true
  }

  #grow(): void {
    const grown = <A extends Int32Array | Float64Array>(old: A, made: A): A => {
      made.set(old)
      return made
    }
    const size = this.#days.length * 2
    this.#members = grown(this.#members, new Int32Array(size))
    this.#days = grown(this.#days, new Int32Array(size))
    this.#cents = grown(this.#cents, new Float64Array(size))
  }

  /** Members whose rows are all money given back have no purchase day and are left out. */
  finish(): Purchases {
    const ranks = ranksOf(this.#ids)
    const order = this.#ordered(ranks.rank)
    const days = new Int32Array(this.#size)
    const cents = new Float64Array(this.#size)
    const starts: number[] = []
    const memberIds: string[] = []
    let size = 0
    for (let from = 0; from < order.length; ) {
      const member = this.#members[order[from]!]!
      let to = from
      while (to < order.length && this.#members[order[to]!] === member) to++
      const first = size
      size = this.#collapse(order.subarray(from, to), { days, cents, size })
      if (size > first) {
        starts.push(first)
        memberIds.push(this.#ids[member]!)
      }
      from = to
    }
    starts.push(size)
    return {
      memberIds,
      starts: Int32Array.from(starts),
      days: days.slice(0, size),
      cents: cents.slice(0, size),
      hasSpend: this.#hasSpend,
    }
  }

  /** Row numbers by member's rank, day, and then by what they hold, so that equal sets come out equal. */
  #ordered(rank: Int32Array): Int32Array {
    const counts = new Int32Array(rank.length + 1)
    for (let i = 0; i < this.#size; i++) counts[rank[this.#members[i]!]! + 1]!++
    for (let i = 1; i < counts.length; i++) counts[i]! += counts[i - 1]!
    const ends = counts.slice()
    const order = new Int32Array(this.#size)
    for (let i = 0; i < this.#size; i++) order[ends[rank[this.#members[i]!]!]!++] = i
    for (let r = 0; r < rank.length; r++) {
      const own = order.subarray(counts[r]!, ends[r]!)
      if (own.length > 1) {
        own.sort((a, b) => this.#days[a]! - this.#days[b]! || this.#cents[b]! - this.#cents[a]!)
      }
    }
    return order
  }

  /** One member's rows to days. Money given back lowers its own day or else the latest day before it. */
  #collapse(rows: Int32Array, into: { days: Int32Array; cents: Float64Array; size: number }): number {
    const first = into.size
    let size = first
    for (const row of rows) {
      const [day, cents] = [this.#days[row]!, this.#cents[row]!]
      const last = size - 1
      if (cents < 0) {
        if (size > first) into.cents[last] = Math.max(0, into.cents[last]! + cents)
      } else if (size > first && into.days[last] === day) {
        into.cents[last]! += cents
      } else {
        into.days[size] = day
        into.cents[size] = cents
        size++
      }
    }
    return size
  }
}

function ranksOf(ids: readonly string[]): { rank: Int32Array } {
  const places = Int32Array.from(ids.keys())
  places.sort((a, b) => (ids[a]! < ids[b]! ? -1 : 1))
  const rank = new Int32Array(ids.length)
  places.forEach((place, position) => {
    rank[place] = position
  })
  return { rank }
}

/** Where a member's entries up to and with `day` end: binary search, for cuts of the past. */
export function endAt({ starts, days }: Purchases, member: number, day: number): number {
  let low = starts[member]!
  let high = starts[member + 1]!
  while (low < high) {
    const middle = (low + high) >> 1
    if (days[middle]! <= day) low = middle + 1
    else high = middle
  }
  return low
}
