/**
 * Who is flagged in one run. First the false discovery rate over all members of the run, separately for "gone
 * quiet" and "buying less"; then the foretold share of false flags among those. What is flagged stays so until
 * it clears by a wider margin, so that nobody flickers.
 */

export const flags = ['gone_quiet', 'buying_less'] as const
export type Flag = (typeof flags)[number]

/** Accepted share of flags that turn out false. */
export const ACCEPTED = 0.1

/**
 * Benjamini and Hochberg (1995): the largest p that is still flagged, so that of the flags at most a share q is
 * expected to be members where nothing changed. Below 0 where nobody is.
 */
export function thresholdByRank(pValues: Float64Array, q: number): number {
  const sorted = pValues.slice().sort()
  for (let rank = sorted.length; rank >= 1; rank--) {
    const p = sorted[rank - 1]!
    if (p <= (q * rank) / sorted.length) return p
  }
  return -1
}

/** The same for evidence whose mean is at most 1 where nothing changed (Wang and Ramdas 2022): the least e. */
export function evidenceByRank(evidence: Float64Array, q: number): number {
  const sorted = evidence.slice().sort().reverse()
  for (let rank = sorted.length; rank >= 1; rank--) {
    const e = sorted[rank - 1]!
    if (e >= sorted.length / (q * rank)) return e
  }
  return Number.POSITIVE_INFINITY
}

/** The least chance that may be flagged, so that over all that are, 1 - chance is q on average at most. */
export function chanceByShare(chances: Float64Array, q: number): number {
  const sorted = chances.slice().sort().reverse()
  let [missed, least] = [0, Number.POSITIVE_INFINITY]
  for (let place = 0; place < sorted.length; place++) {
    missed += 1 - sorted[place]!
    if (missed > q * (place + 1)) break
    least = sorted[place]!
  }
  return least
}

/** What a run of flags goes by. */
export interface Caution {
  /** by how much the foretold share of false flags is multiplied */
  readonly times: Readonly<Record<Flag, number>>
  /** log-odds taken from every chance before it is held against a bound */
  readonly doubt: number
}

/** One run's members in columns; what is not asked of a member stands as NaN. */
export interface Evidence {
  /** P(a silence as long, had nothing changed) */
  readonly quietP: Float64Array
  /** evidence of a slow-down, mean at most 1 where nothing changed */
  readonly slowE: Float64Array
  readonly silent: Float64Array
  readonly decline: Float64Array
  readonly caution: Caution
  /** flags of the run before, or null */
  readonly before: ((member: number) => Flag | null) | null
}

/** However good the average, nobody is flagged who is not far more likely than not. */
const ENTERS = 2.5
/** A flag that stands needs this much less to stay: of the accepted share, and of the evidence. */
const KEEPS = 3

export function decideFlags(evidence: Evidence, q: number = ACCEPTED): (Flag | null)[] {
  const { quietP, slowE, caution, before } = evidence
  const lowered = loweredBy(caution.doubt)
  const [silent, decline] = [lowered(evidence.silent), lowered(evidence.decline)]
  const leastP = thresholdByRank(picked(quietP, asked(quietP)), q)
  const leastE = evidenceByRank(picked(slowE, asked(slowE)), q)
  const quiet = picked(silent, (i) => quietP[i]! <= leastP)
  const quietFrom = Math.max(1 - ENTERS * q, chanceByShare(quiet, q / caution.times.gone_quiet))
  const less = picked(decline, (i) => slowE[i]! >= leastE)
  const lessFrom = Math.max(1 - ENTERS * q, chanceByShare(less, q / caution.times.buying_less))
  const flagOf = (i: number): Flag | null => {
    const chance = silent[i]!
    if (quietP[i]! <= leastP && chance >= quietFrom) return 'gone_quiet'
    if (slowE[i]! >= leastE && decline[i]! >= lessFrom) return 'buying_less'
    const stood = before?.(i) ?? null
    if (stood === 'gone_quiet' && quietP[i]! <= 0.05 && chance >= 1 - KEEPS * q) return stood
    if (stood === 'buying_less' && slowE[i]! >= 1 && decline[i]! >= 1 - KEEPS * q) return stood
    return null
  }
  const decided = new Array<Flag | null>(silent.length).fill(null)
  for (let i = 0; i < decided.length; i++) decided[i] = flagOf(i)
  return decided
}

/** Chances with so much taken from their log-odds. */
function loweredBy(doubt: number): (chances: Float64Array) => Float64Array {
  if (doubt === 0) return (chances) => chances
  const times = Math.exp(doubt)
  return (chances) => chances.map((chance) => chance / (chance + (1 - chance) * times))
}

/** What is not asked of a member stands as NaN. */
function asked(values: Float64Array): (place: number) => boolean {
  return (place) => !Number.isNaN(values[place])
}

/** Of a million members a plain loop picks in a tenth of the time that `filter` takes. */
function picked(values: Float64Array, isWanted: (place: number) => boolean): Float64Array {
  const found = new Float64Array(values.length)
  let count = 0
  for (let i = 0; i < values.length; i++) if (isWanted(i)) found[count++] = values[i]!
  return found.slice(0, count)
}
