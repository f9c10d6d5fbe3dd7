/**
 * How far log-odds are off as a whole, from cuts that each were off by something of their own: seasons, growth
 * and the age of a program move all members of a cut together. However many members a cut has, it is therefore
 * one observation of such a shift, and what is believed before any cut is seen keeps its weight.
 */

/** One cut's members: what was said of them, in log-odds, and what came. */
export interface CutOdds {
  readonly odds: Float64Array
  readonly labels: ArrayLike<number>
  /** recent cuts, and those of long horizons, say more */
  readonly weight: number
}

/** Deviation of the shift before anything was seen, and the least of cuts about their common shift. */
export const BELIEVED = 0.4
const LEAST_APART = 0.4
/** Cuts overlap in members and in days: two of them say about as much as one alone. */
const OVERLAP = 0.5
const FEWEST = 5

/** The shift to add: random effects of the cuts (DerSimonian and Laird 1986), drawn to 0. */
export function levelOf(cuts: readonly CutOdds[]): number {
  const shifts = cuts
    .filter(({ labels }) => labels.length >= FEWEST)
    .map((cut) => ({ ...shiftOf(cut), weight: cut.weight }))
  const apart = Math.max(LEAST_APART ** 2, spreadOf(shifts))
  let [sum, precision] = [0, 1 / BELIEVED ** 2]
  for (const { shift, variance, weight } of shifts) {
    const counts = (OVERLAP * weight) / (apart + variance)
    sum += counts * shift
    precision += counts
  }
  return sum / precision
}

interface Shift {
  readonly shift: number
  readonly variance: number
}

const STEPS = 25
const PRIOR = 0.5

/** One cut's own shift by maximum likelihood, finite even where it came true for all or for none. */
function shiftOf({ odds, labels }: CutOdds): Shift {
  let shift = 0
  let curve = PRIOR
  for (let step = 0; step < STEPS; step++) {
    let slope = PRIOR * shift
    curve = PRIOR
    for (let i = 0; i < odds.length; i++) {
      const p = 1 / (1 + Math.exp(-(shift + odds[i]!)))
      slope += p - labels[i]!
      curve += p * (1 - p)
    }
    shift -= Math.max(-2, Math.min(2, slope / curve))
    if (Math.abs(slope / curve) < 1e-7) break
  }
  return { shift, variance: 1 / curve }
}

/** Variance of shifts beyond what the number of members explains. */
function spreadOf(shifts: readonly Shift[]): number {
  let [total, squares, sum] = [0, 0, 0]
  for (const { shift, variance } of shifts) {
    total += 1 / variance
    squares += 1 / variance ** 2
    sum += shift / variance
  }
  const free = total - squares / total
  if (!(free > 1e-9 * total)) return 0
  const excess = shifts.reduce((all, { shift, variance }) => all + (shift - sum / total) ** 2 / variance, 0)
  return Math.max(0, (excess - (shifts.length - 1)) / free)
}
