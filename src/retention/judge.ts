/**
 * One judge per question: prior log-odds, a correction learnt at earlier cuts, and a line that fits both to
 * the newest one. Where too little happened to learn from, the likelihood ratios speak alone.
 */
import { columns, logistic, priorOdds } from './features.ts'
import { correctionOf, fitLogistic, type Logistic, type LogisticData } from './logistic.ts'

export interface Judge {
  /** null: nothing was learnt */
  readonly learnt: Logistic | null
  readonly slope: number
  readonly intercept: number
}

/** Members at one cut: their features and whether it came true. */
export class Lessons {
  readonly weight: number
  readonly features: number[] = []
  readonly labels: number[] = []

  constructor(weight: number) {
    this.weight = weight
  }

  add(features: Float64Array, label: boolean): void {
    for (const value of features) this.features.push(value)
    this.labels.push(label ? 1 : 0)
  }
}

export const UNTAUGHT: Judge = { learnt: null, slope: 1, intercept: 0 }
const FEWEST_OF_EACH = 10
const CALIBRATION_PENALTY = 20

/** Cuts newest first. The penalty is in members: so many must agree before a column is believed. */
export function teach(cuts: readonly Lessons[], penalty: number): Judge {
  if (!hasBoth(cuts)) return UNTAUGHT
  const data = join(cuts)
  const learnt = fitLogistic(data, {
    penalty,
    floors: columns.map(({ prior, rises }) => (rises ? -0.95 * prior : Number.NEGATIVE_INFINITY)),
  })
  return { learnt, ...line(cuts[0]!, learnt) }
}

/** For members with one purchase there is nothing to learn but a line through the prior log-odds. */
export function teachLine(cuts: readonly Lessons[]): Judge {
  return hasBoth(cuts) ? { learnt: null, ...line(cuts[0]!, null) } : UNTAUGHT
}

function hasBoth(cuts: readonly Lessons[]): boolean {
  let [ones, all] = [0, 0]
  for (const { labels } of cuts) {
    for (const label of labels) ones += label
    all += labels.length
  }
  return ones >= FEWEST_OF_EACH && all - ones >= FEWEST_OF_EACH
}

export function chance({ learnt, slope, intercept }: Judge, features: Float64Array): number {
  const odds = priorOdds(features) + (learnt === null ? 0 : correctionOf(learnt, features))
  return logistic(intercept + slope * odds)
}

function join(cuts: readonly Lessons[]): LogisticData {
  const count = cuts.reduce((sum, { labels }) => sum + labels.length, 0)
  const width = columns.length
  const data = {
    features: new Float64Array(count * width),
    columns: width,
    labels: new Uint8Array(count),
    weights: new Float64Array(count),
    offsets: new Float64Array(count),
  }
  let row = 0
  for (const { features, labels, weight } of cuts) {
    data.features.set(features, row * width)
    data.labels.set(labels, row)
    data.weights.fill(weight, row, row + labels.length)
    row += labels.length
  }
  for (let i = 0; i < count; i++)
    data.offsets[i] = priorOdds(data.features.subarray(i * width, (i + 1) * width))
  return data
}

/** Slope and intercept of the log-odds on the newest cut, drawn to 1 and 0; the slope never turns. */
function line(newest: Lessons, learnt: Logistic | null): { slope: number; intercept: number } {
  const width = columns.length
  const odds = Float64Array.from(newest.labels, (_, i) => {
    const row = Float64Array.from(newest.features.slice(i * width, (i + 1) * width))
    return priorOdds(row) + (learnt === null ? 0 : correctionOf(learnt, row))
  })
  const fit = fitLogistic(
    {
      features: odds,
      columns: 1,
      labels: Uint8Array.from(newest.labels),
      weights: new Float64Array(odds.length).fill(1),
      offsets: odds,
    },
    { penalty: CALIBRATION_PENALTY, floors: [-0.9] },
  )
  const deviation = fit.deviations[0]!
  const slope = deviation > 0 ? fit.coefficients[0]! / deviation : 0
  return { slope: 1 + slope, intercept: fit.intercept - slope * fit.means[0]! }
}
