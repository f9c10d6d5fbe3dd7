/**
 * One judge per question: prior log-odds, a correction learnt at earlier cuts, and the level that those cuts
 * were at. Where too little happened to learn from, the likelihood ratios speak alone.
 */
import type { Cut } from './cuts.ts'
import { columns, logistic, priorOdds } from './features.ts'
import { levelOf } from './level.ts'
import { correctionOf, fitLogistic, type Logistic } from './logistic.ts'

export interface Judge {
  /** its own intercept counts for nothing; null: no column was learnt */
  readonly learnt: Logistic | null
  readonly slope: number
  readonly intercept: number
}

/** Members at one cut: their features and whether it came true. */
export class Lessons {
  readonly cut: Cut
  readonly labels: number[] = []
  #features = new Float64Array(64 * columns.length)

  constructor(cut: Cut) {
    this.cut = cut
  }

  add(features: Float64Array, label: boolean): void {
    const from = this.labels.length * columns.length
    if (from + columns.length > this.#features.length) {
      const grown = new Float64Array(2 * this.#features.length)
      grown.set(this.#features)
      this.#features = grown
    }
    this.#features.set(features, from)
    this.labels.push(label ? 1 : 0)
  }

  /** row by row */
  get features(): Float64Array {
    return this.#features.subarray(0, this.labels.length * columns.length)
  }
}

const UNTAUGHT: Judge = { learnt: null, slope: 1, intercept: 0 }
const FEWEST_OF_EACH = 10
const LINE_PENALTY = 20

/** Cuts newest first. The penalty is in members: so many must agree before a column is believed. */
export function teach(cuts: readonly Lessons[], penalty: number): Judge {
  if (!hasBoth(cuts)) return UNTAUGHT
  const floors = columns.map(({ prior, rises }) => (rises ? -0.95 * prior : Number.NEGATIVE_INFINITY))
  const data = {
    ...join(cuts),
    features: flat(cuts.map(({ features }) => features)),
    columns: columns.length,
  }
  const learnt = fitLogistic(data, { penalty, floors })
  return { learnt, slope: 1, intercept: levelFor(cuts, { learnt, slope: 1 }) }
}

/** For members with one purchase there is nothing to learn but a line through the prior log-odds. */
export function teachLine(cuts: readonly Lessons[]): Judge {
  if (!hasBoth(cuts)) return UNTAUGHT
  const data = join(cuts)
  const fit = fitLogistic(
    { ...data, features: data.offsets, columns: 1 },
    { penalty: LINE_PENALTY, floors: [-0.9] },
  )
  const deviation = fit.deviations[0]!
  const slope = 1 + (deviation > 0 ? fit.coefficients[0]! / deviation : 0)
  return { learnt: null, slope, intercept: levelFor(cuts, { learnt: null, slope }) }
}

function hasBoth(cuts: readonly Lessons[]): boolean {
  let [ones, all] = [0, 0]
  for (const { labels } of cuts) {
    for (const label of labels) ones += label
    all += labels.length
  }
  return ones >= FEWEST_OF_EACH && all - ones >= FEWEST_OF_EACH
}

export function chance(judge: Judge, features: Float64Array): number {
  return logistic(judge.intercept + oddsOf(judge, features))
}

/** The chance of one lesson. */
export function judged(judge: Judge, { features }: Lessons, place: number): number {
  return logistic(judge.intercept + oddsOf(judge, features, place * columns.length))
}

/** Log-odds of the row that begins at `at`, but for the level. */
function oddsOf({ learnt, slope }: Omit<Judge, 'intercept'>, features: Float64Array, at = 0): number {
  const correction = learnt === null ? 0 : correctionOf(learnt, features, at) - learnt.intercept
  return slope * (priorOdds(features, at) + correction)
}

function levelFor(cuts: readonly Lessons[], judge: Omit<Judge, 'intercept'>): number {
  const longest = cuts[0]!.cut.horizonDays
  return levelOf(
    cuts.map(({ cut, features, labels }) => ({
      odds: Float64Array.from(labels, (_, i) => oddsOf(judge, features, i * columns.length)),
      labels,
      weight: (cut.weight * cut.horizonDays) / longest,
    })),
  )
}

function join(cuts: readonly Lessons[]) {
  return {
    labels: Uint8Array.from(cuts.flatMap(({ labels }) => labels)),
    weights: flat(cuts.map(({ cut, labels }) => new Float64Array(labels.length).fill(cut.weight))),
    offsets: flat(
      cuts.map(({ features, labels }) =>
        Float64Array.from(labels, (_, i) => priorOdds(features, i * columns.length)),
      ),
    ),
  }
}

function flat(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
