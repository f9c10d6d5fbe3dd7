/**
 * How good chances are once the truth is known: ranking, calibration, the top of the list, false flags. All
 * of them are NaN-free: where a measure has no meaning (nobody lapsed, nobody flagged) it is null.
 */

export interface Outcomes {
  /** higher means more likely; any scale for ranking, chances for calibration */
  readonly scores: ArrayLike<number>
  readonly truths: ArrayLike<boolean | number>
}

/** Places by score, ascending. */
function order({ scores }: Outcomes): Int32Array {
  return Int32Array.from({ length: scores.length }, (_, i) => i).sort((a, b) => scores[a]! - scores[b]!)
}

/** Area under the ROC curve: P(a true one ranks above a false one), ties counted half (Mann-Whitney). */
export function areaUnderCurve(outcomes: Outcomes): number | null {
  const { scores, truths } = outcomes
  const places = order(outcomes)
  let [ranks, trues] = [0, 0]
  for (let from = 0; from < places.length; ) {
    let to = from
    while (to < places.length && scores[places[to]!] === scores[places[from]!]) to++
    for (let i = from; i < to; i++) {
      if (!truths[places[i]!]) continue
      ranks += (from + to + 1) / 2
      trues++
    }
    from = to
  }
  const falses = places.length - trues
  return trues === 0 || falses === 0 ? null : (ranks - (trues * (trues + 1)) / 2) / (trues * falses)
}

/** Mean distance of chance and truth over ten bins of equally many members. */
export function calibrationError(outcomes: Outcomes, bins = 10): number | null {
  const { scores, truths } = outcomes
  return overBins(outcomes, bins, (members) => {
    let difference = 0
    for (const i of members) difference += scores[i]! - Number(truths[i]!)
    return Math.abs(difference)
  })
}

/**
 * What the error would be on average if every chance were exactly right: few members in a bin are never quite
 * the share foretold. Truths less chances of a bin are nearly normal, so their mean distance is sqrt(2/pi) of
 * their deviation.
 */
export function calibrationByChance(outcomes: Outcomes, bins = 10): number | null {
  const { scores } = outcomes
  return overBins(outcomes, bins, (members) => {
    let variance = 0
    for (const i of members) variance += scores[i]! * (1 - scores[i]!)
    return Math.sqrt((2 / Math.PI) * variance)
  })
}

/** The sum over bins of equally many members, lowest scores first, per member. */
function overBins(outcomes: Outcomes, bins: number, of: (members: Int32Array) => number): number | null {
  const places = order(outcomes)
  if (places.length === 0) return null
  let sum = 0
  for (let bin = 0; bin < bins; bin++) {
    const from = Math.floor((bin * places.length) / bins)
    const to = Math.floor(((bin + 1) * places.length) / bins)
    sum += of(places.subarray(from, to))
  }
  return sum / places.length
}

/** Share of true ones among the tenth with the highest scores. */
export function precisionAtTop(outcomes: Outcomes, share = 0.1): number | null {
  const places = order(outcomes)
  const count = Math.floor(places.length * share)
  if (count === 0) return null
  let trues = 0
  for (let i = places.length - count; i < places.length; i++) trues += Number(outcomes.truths[places[i]!]!)
  return trues / count
}
