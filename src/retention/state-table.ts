/** Many members' rows in columns of memory that threads share: what is put in comes out. */
import { emptyState, HALF_LIVES, type MemberState } from './state.ts'

export interface StateTable {
  readonly count: number
  /** a member's whole numbers side by side: first and last day, days, longest gap, latest days */
  readonly whole: Int32Array
  /** a member's sums side by side: squares and logarithms of gaps, spend, fading counts and spend */
  readonly sums: Float64Array
}

const WHOLE = { firstDay: 0, lastDay: 1, days: 2, longestGap: 3, recent: 4, recentDays: 5 } as const
const MOST_RECENT = 16
const WHOLE_WIDTH = WHOLE.recentDays + MOST_RECENT
const SUMS = { gapSquares: 0, gapLogs: 1, cents: 2, firstCents: 3, faded: 4 } as const
const SUMS_WIDTH = SUMS.faded + 2 * HALF_LIVES.length

export function createStateTable(count: number): StateTable {
  return {
    count,
    whole: new Int32Array(new SharedArrayBuffer(4 * count * WHOLE_WIDTH)),
    sums: new Float64Array(new SharedArrayBuffer(8 * count * SUMS_WIDTH)),
  }
}

export function putState({ whole, sums }: StateTable, place: number, state: MemberState): void {
  const w = place * WHOLE_WIDTH
  whole[w + WHOLE.firstDay] = state.firstDay
  whole[w + WHOLE.lastDay] = state.lastDay
  whole[w + WHOLE.days] = state.days
  whole[w + WHOLE.longestGap] = state.longestGap
  const { recentDays } = state
  const recent = Math.min(MOST_RECENT, recentDays.length)
  whole[w + WHOLE.recent] = recent
  for (let i = 0; i < recent; i++) {
    whole[w + WHOLE.recentDays + i] = recentDays[recentDays.length - recent + i]!
  }
  const s = place * SUMS_WIDTH
  sums[s + SUMS.gapSquares] = state.gapSquares
  sums[s + SUMS.gapLogs] = state.gapLogs
  sums[s + SUMS.cents] = state.cents
  sums[s + SUMS.firstCents] = state.firstCents
  for (let h = 0; h < HALF_LIVES.length; h++) {
    sums[s + SUMS.faded + 2 * h] = state.fadedDays[h]!
    sums[s + SUMS.faded + 2 * h + 1] = state.fadedCents[h]!
  }
}

/** Reads rows into one and the same object: a row is good until the next one is asked for. */
export function readStates({ whole, sums }: StateTable): (place: number) => MemberState {
  const state = emptyState()
  const { recentDays } = state
  return (place) => {
    const w = place * WHOLE_WIDTH
    state.firstDay = whole[w + WHOLE.firstDay]!
    state.lastDay = whole[w + WHOLE.lastDay]!
    state.days = whole[w + WHOLE.days]!
    state.longestGap = whole[w + WHOLE.longestGap]!
    recentDays.length = whole[w + WHOLE.recent]!
    for (let i = 0; i < recentDays.length; i++) recentDays[i] = whole[w + WHOLE.recentDays + i]!
    const s = place * SUMS_WIDTH
    state.gapSquares = sums[s + SUMS.gapSquares]!
    state.gapLogs = sums[s + SUMS.gapLogs]!
    state.cents = sums[s + SUMS.cents]!
    state.firstCents = sums[s + SUMS.firstCents]!
    for (let h = 0; h < HALF_LIVES.length; h++) {
      state.fadedDays[h] = sums[s + SUMS.faded + 2 * h]!
      state.fadedCents[h] = sums[s + SUMS.faded + 2 * h + 1]!
    }
    return state
  }
}
