/**
 * What is kept of one member, one row, from which every score is made without reading the purchases again.
 * All sums are whole numbers, so a purchase taken back leaves exactly the row that would stand without it;
 * where the row alone cannot know that (a fact in the middle, an old one), it says that it must be rebuilt.
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
  /** how many purchases each of those days had */
  recentPurchases: number[]
  /** fading number of purchase days, one for each half-life, in units that `fadedCount` undoes */
  fadedDays: number[]
  /** fading spend, likewise */
  fadedCents: number[]
  /** everything ever spent, and what was spent on the first day; their difference is the repeat spend */
  cents: number
  firstCents: number
  /** the row cannot be trusted: facts came late or were undone further back than it remembers */
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
    recentPurchases: [],
    fadedDays: [0, 0, 0, 0],
    fadedCents: [0, 0, 0, 0],
    cents: 0,
    firstCents: 0,
    rebuild: false,
  }
}

/** The row with one more purchase. Earlier than the last day: the same row, marked for rebuild. */
export function add(state: MemberState, purchase: Purchase): MemberState {
  const next = copy(state)
  take(next, purchase)
  return next
}

/** The row of purchases in order of their days; what `add` gives one by one. */
export function stateOf(purchases: Iterable<Purchase>): MemberState {
  const state = emptyState()
  for (const purchase of purchases) take(state, purchase)
  return state
}

function copy(state: MemberState): MemberState {
  return {
    ...state,
    recentDays: [...state.recentDays],
    recentPurchases: [...state.recentPurchases],
    fadedDays: [...state.fadedDays],
    fadedCents: [...state.fadedCents],
  }
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
  else state.recentPurchases[state.recentPurchases.length - 1]!++
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
  state.recentPurchases.push(1)
  const most = RING + (state.days % RING)
  if (state.recentDays.length > most) {
    state.recentDays.splice(0, state.recentDays.length - most)
    state.recentPurchases.splice(0, state.recentPurchases.length - most)
  }
}

/**
 * The row without a purchase that was added before. Exact for the last day, unless the row has forgotten
 * what the day before it left; everything further back marks the row for rebuild.
 */
export function undo(state: MemberState, { day, cents }: Purchase): MemberState {
  const next = copy(state)
  if (state.days === 0 || day !== state.lastDay) {
    next.rebuild = true
    return next
  }
  const last = next.recentDays.length - 1
  const dropsDay = next.recentPurchases[last] === 1
  if (dropsDay && state.days === 1) return { ...emptyState(), rebuild: state.rebuild }

  if (state.days === 1) next.firstCents -= cents
  next.cents -= cents
  for (let h = 0; h < HALF_LIVES.length; h++) {
    if (dropsDay) next.fadedDays[h]! -= weight(day, h, countWeights)
    next.fadedCents[h]! -= weight(day, h, centsWeights) * cents
  }
  if (dropsDay) dropDay(next)
  else next.recentPurchases[last]!--
  return next
}

/** An amount given back without undoing the purchase: the day stays. */
export function undoSpend(state: MemberState, { day, cents }: Purchase): MemberState {
  const next = copy(state)
  if (state.days === 0 || day !== state.lastDay) {
    next.rebuild = true
    return next
  }
  if (state.days === 1) next.firstCents -= cents
  next.cents -= cents
  for (let h = 0; h < HALF_LIVES.length; h++) {
    next.fadedCents[h]! -= weight(day, h, centsWeights) * cents
  }
  return next
}

function dropDay(state: MemberState): void {
  const { recentDays: recent } = state
  const day = recent.pop()!
  state.recentPurchases.pop()
  const before = recent.at(-1)
  const gap = day - (before ?? day)
  const isWhole = recent.length === state.days - 1
  // Short by a day that was let go, the longest gap itself, or an era that faded what cannot be unfaded.
  const forgets =
    before === undefined ||
    (!isWhole && recent.length < RING + ((state.days - 1) % RING)) ||
    (!isWhole && gap === state.longestGap) ||
    HALF_LIVES.some((halfLife) => eraOf(day, halfLife) !== eraOf(before, halfLife))
  if (forgets) {
    state.rebuild = true
    return
  }
  state.days--
  state.lastDay = before
  state.gapSquares -= gap * gap
  state.gapLogs -= logOf(gap)
  if (isWhole) {
    state.longestGap = 0
    for (let i = 1; i < recent.length; i++) {
      state.longestGap = Math.max(state.longestGap, recent[i]! - recent[i - 1]!)
    }
  }
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
