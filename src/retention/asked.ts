/**
 * The classic model asked of many members in whole weeks, so that those who are alike share the answer. Who
 * asks first changes nothing: the answer is that of the whole weeks, never of the one who asked.
 */
import type { History } from './cell.ts'
import type { ModelSays } from './features.ts'

export type Ask = (history: History, most: number) => ModelSays

/** Beyond these there are few to share with. */
const MOST_TIMES = 8_192
const MOST_COUNT = 1_024
const FIRST_SLOTS = 1 << 12

export function askedInWeeks(ask: Ask): Ask {
  // A table of its own: the keys are too large for a Map to hold without a box for each.
  let slots = new Int32Array(FIRST_SLOTS).fill(-1)
  const keys: number[] = []
  const answers: ModelSays[] = []
  const slotOf = (key: number): number => {
    const mask = slots.length - 1
    let slot = (Math.imul(key % 1_073_741_789, 0x9e3779b1) >>> 7) & mask
    while (slots[slot]! >= 0 && keys[slots[slot]!] !== key) slot = (slot + 1) & mask
    return slot
  }
  const grow = (): void => {
    slots = new Int32Array(slots.length * 4).fill(-1)
    for (const [place, key] of keys.entries()) slots[slotOf(key)] = place
  }
  return (history, most) => {
    const tx = Math.round(history.tx)
    const T = Math.max(tx, Math.round(history.T))
    if (history.x >= MOST_TIMES || T >= MOST_TIMES || most >= MOST_COUNT) return ask(history, most)
    const key = ((T * MOST_TIMES + tx) * MOST_TIMES + history.x) * MOST_COUNT + most
    const slot = slotOf(key)
    const known = slots[slot]!
    if (known >= 0) return answers[known]!
    const says = ask({ x: history.x, tx, T }, most)
    slots[slot] = keys.length
    keys.push(key)
    answers.push(says)
    if (keys.length * 2 > slots.length) grow()
    return says
  }
}
