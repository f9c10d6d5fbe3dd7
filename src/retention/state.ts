/**
 * What is kept of one member, one row, from which every score is made without reading the purchases again.
 * All sums are whole numbers, so that a row kept purchase by purchase is exactly the row made of all of them
 * at once. A fact before the last day it cannot follow, and says that it must be rebuilt.
 */

/** Half-lives, in days, of the fading counts and sums: 6, 13, 26 and 52 weeks. */
export const HALF_LIVES = [42, 91, 182, 364] as const

/** One purchase, as a transaction brings it. */
export interface Purchase {
  /** days since 1 January 1970 in the program's zone */
  readonly day: number
  /** in cents of the program's money, at least zero */
  readonly cents: number
}

/** Fields are columns; every number is whole. */
export interface MemberState {
  /** first and last day with a purchase, days since 1 January 1970; their difference is the sum of all gaps */
  firstDay: number
  lastDay: number
  /** how many different days had a purchase; gaps are one fewer */
  days: number
  /** sum of squared gaps, in days squared */
  gapSquares: number
  /** sum of natural logarithms of gaps, each rounded to a millionth, in millionths */
  gapLogs: number
  /** the longest gap ever, in days; 0 before the second day */
  longestGap: number
  /** the latest purchase days, ascending: 8 + (days mod 8) of them, or all while there are fewer */
  recentDays: number[]
  /** fading number of purchase days, one for each half-life, in units that `fadedCount` undoes */
  fadedDays: number[]
  /** fading spend, likewise */
  fadedCents: number[]
  /** everything ever spent, and what was spent on the first day; their difference is the repeat spend */
  cents: number
  firstCents: number
  /** the row cannot be trusted: a fact came late */
  rebuild: boolean
}

const RING = 8
/** Weights count from the start of an era of so many half-lives, so that they stay whole and below 2^24. */
const ERA = 8
const COUNT_BITS = 16
const CENTS_BITS = 8

export function emptyState(): MemberState {
  return {
    firstDay: 0,
    lastDay: 0,
    days: 0,
    gapSquares: 0,
    gapLogs: 0,
    longestGap: 0,
    recentDays: [],
    fadedDays: [0, 0, 0, 0],
    fadedCents: [0, 0, 0, 0],
    cents: 0,
    firstCents: 0,
    rebuild: false,
  }
}

/** The row with one more purchase. Earlier than the last day: the same row, marked for rebuild. */
export function add(state: MemberState, purchase: Purchase): MemberState {
  const next = {
    ...state,
    recentDays: [...state.recentDays],
    fadedDays: [...state.fadedDays],
    fadedCents: [...state.fadedCents],
  }
  take(next, purchase)
  return next
}

/** The row of purchases in order of their days; what `add` gives one by one. */
export function stateOf(purchases: Iterable<Purchase>): MemberState {
  const state = emptyState()
  for (const purchase of purchases) take(state, purchase)
  return state
}

/** Adds in place: the fold of `stateOf`, which may run over millions of days. */
export function take(state: MemberState, { day, cents }: Purchase): void {
  if (state.days > 0 && day < state.lastDay) {
    state.rebuild = true
    return
  }
  const isNewDay = state.days === 0 || day > state.lastDay
  for (let h = 0; h < HALF_LIVES.length; h++) fade(state, h, day)
  if (isNewDay) takeDay(state, day)
  if (state.days === 1) state.firstCents += cents
  state.cents += cents
  for (let h = 0; h < HALF_LIVES.length; h++) {
    if (isNewDay) state.fadedDays[h]! += weight(day, h, countWeights)
    if (cents !== 0) state.fadedCents[h]! += weight(day, h, centsWeights) * cents
  }
}

function takeDay(state: MemberState, day: number): void {
  if (state.days === 0) state.firstDay = day
  else {
    const gap = day - state.lastDay
    state.gapSquares += gap * gap
    state.gapLogs += logOf(gap)
    state.longestGap = Math.max(state.longestGap, gap)
  }
  state.lastDay = day
  state.days++
  state.recentDays.push(day)
  const most = RING + (state.days % RING)
  if (state.recentDays.length > most) state.recentDays.splice(0, state.recentDays.length - most)
}

function logOf(gap: number): number {
  return Math.round(Math.log(gap) * 1e6)
}

function eraOf(day: number, halfLife: number): number {
  return Math.floor(day / (ERA * halfLife))
}

/** One weight for each day of an era: a power each time would cost most of the fold. */
const weightsOf = (bits: number) =>
  HALF_LIVES.map((halfLife) =>
    Float64Array.from({ length: ERA * halfLife }, (_, age) => Math.round(2 ** (bits + age / halfLife))),
  )
const countWeights = weightsOf(COUNT_BITS)
const centsWeights = weightsOf(CENTS_BITS)

function weight(day: number, h: number, weights: readonly Float64Array[]): number {
  const halfLife = HALF_LIVES[h]!
  return weights[h]![day - eraOf(day, halfLife) * ERA * halfLife]!
}

/** Moves one fading pair from the era of the last day to that of `day`. */
function fade(state: MemberState, h: number, day: number): void {
  if (state.days === 0) return
  const eras = eraOf(day, HALF_LIVES[h]!) - eraOf(state.lastDay, HALF_LIVES[h]!)
  if (eras <= 0) return
  const by = 2 ** (-ERA * eras)
  state.fadedDays[h] = Math.floor(state.fadedDays[h]! * by)
  state.fadedCents[h] = Math.floor(state.fadedCents[h]! * by)
}

/** Fading number of purchase days as of a day: a day today counts 1, one a half-life ago 0.5. */
export function fadedCount(state: MemberState, h: number, asOf: number): number {
  return unfade(state.fadedDays[h]!, { state, h, asOf, bits: COUNT_BITS })
}

/** Fading spend as of a day, in cents. */
export function fadedSpend(state: MemberState, h: number, asOf: number): number {
  return unfade(state.fadedCents[h]!, { state, h, asOf, bits: CENTS_BITS })
}

function unfade(
  value: number,
  { state, h, asOf, bits }: { state: MemberState; h: number; asOf: number; bits: number },
): number {
  const halfLife = HALF_LIVES[h]!
  const anchor = eraOf(state.lastDay, halfLife) * ERA * halfLife
  return value * 2 ** (-bits - (asOf - anchor) / halfLife)
}
