/**
 * What the customer-base models know of a member: how often, when last, how long. Members who agree in all
 * three are one cell with a count, so that a fit costs as much as there are different histories, not members.
 */

/**
 * Purchases fall into units of one clock (days, weeks, or the programme's own). The first purchase starts it
 * and is not counted.
 */
export interface History {
  /** repeat purchases: units with a purchase, without the first one */
  readonly x: number
  /** time from the first purchase to the last one; 0 where x is 0 */
  readonly tx: number
  /** time from the first purchase to the end of what was observed */
  readonly T: number
}

export interface Cell extends History {
  /** how many members have this history */
  readonly count: number
}

/**
 * A history that every formula can take: nothing negative, no fraction of a purchase, the last purchase no
 * later than the end. What cannot be read as a number counts as nothing.
 */
export function tidyHistory({ x, tx, T }: History): History {
  const purchases = Math.floor(atLeastZero(x))
  const last = purchases === 0 ? 0 : atLeastZero(tx)
  return { x: purchases, tx: last, T: Math.max(atLeastZero(T), last) }
}

function atLeastZero(value: number): number {
  return Number.isFinite(value) && value > 0 ? value : 0
}

const MOST_VALUES = 2 ** 26

/**
 * Merges equal histories. Times are taken as they are: a caller with a million members rounds them to whole
 * units first, else hardly any two are equal. The order is that of first appearance.
 */
export function compress(histories: Iterable<History>): Cell[] {
  const [xs, last, ages] = [numbering(), numbering(), numbering()]
  const [pairs, places] = [numbering(), numbering()]
  const seen: History[] = []
  const counts: number[] = []
  for (const history of histories) {
    const tidy = tidyHistory(history)
    // Keys are numbers, not strings: a million strings would cost more than the fit.
    const pair = pairs(xs(tidy.x) * MOST_VALUES + last(tidy.tx))
    const place = places(pair * MOST_VALUES + ages(tidy.T))
    if (place === seen.length) {
      seen.push(tidy)
      counts.push(0)
    }
    counts[place] = (counts[place] ?? 0) + 1
  }
  return seen.map((history, place) => ({ ...history, count: counts[place] ?? 0 }))
}

/** Gives each value the next whole number when it is first met. */
export function numbering(): (value: number) => number {
  const numbers = new Map<number, number>()
  return (value) => {
    const known = numbers.get(value)
    if (known !== undefined) return known
    numbers.set(value, numbers.size)
    return numbers.size - 1
  }
}

export interface Totals {
  readonly members: number
  /** repeat purchases of all of them */
  readonly purchases: number
  /** units of time that all of them were observed */
  readonly time: number
}

export function totalsOf(cells: readonly Cell[]): Totals {
  let [members, purchases, time] = [0, 0, 0]
  for (const { x, T, count } of cells) {
    members += count
    purchases += x * count
    time += T * count
  }
  return { members, purchases, time }
}
