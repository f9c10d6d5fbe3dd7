/**
 * The season of a program that is too young to have seen each week twice: a wave of a year, told apart from a
 * level that drifts. What a season may be and how fast a level drifts is weighed by the likelihood of the weeks
 * (a Gaussian process of their logarithms, Rasmussen and Williams 2006, chapters 2 and 5), so that a program
 * without a season, or one whose first members fade, is not given one.
 */

/** Repeat purchases of each week and the member-days that they come from, those of open days. */
export interface Weeks {
  readonly bought: Float64Array
  readonly exposed: Float64Array
  /** mean days since the first purchase of those who are exposed: what fades with it is no season */
  readonly age: Float64Array
}

const YEAR = 52
/** Older weeks say nothing that newer ones do not. */
const MOST_WEEKS = 156
const FEWEST_BOUGHT = 10
/** Waves of a year, half a year and a third of one, each of half the size of the one before. */
const WAVES = 3

/** What is tried: deviations of the season, of a week's step of the level, and of a week by itself. */
const SEASONS = [0, 0.1, 0.25]
const DRIFTS = [0.003, 0.012, 0.05, 0.15]
const SHOCKS = [0.03, 0.12, 0.3]
/** Logarithm of the odds for a season before any week is seen: a wave seen once is sooner a level that moved. */
const BELIEVED = -3
const MEAN = 10
const FADING = 1

interface Known {
  readonly at: readonly number[]
  readonly logs: Float64Array
  readonly noise: Float64Array
  readonly age: Float64Array
}

/** Each week's trade over that of a usual one, 1 where no season can be known. */
export function yearlySeason(weeks: Weeks): Float64Array {
  const { length } = weeks.bought
  const season = new Float64Array(length).fill(1)
  const known = knownOf(weeks)
  if (known.at.length < YEAR) return season
  const tried = SEASONS.flatMap((size) =>
    DRIFTS.flatMap((drift) => SHOCKS.map((shock) => explain(known, { size, drift, shock }))),
  )
  const best = Math.max(...tried.map(({ plausible }) => plausible))
  const waves = new Float64Array(YEAR)
  let total = 0
  for (const { plausible, pull, size } of tried) {
    const weight = Math.exp(plausible - best)
    total += weight
    if (size === 0) continue
    for (let week = 0; week < YEAR; week++) {
      for (const [i, at] of known.at.entries())
        waves[week]! += weight * size ** 2 * together(week - at) * pull[i]!
    }
  }
  return season.map((_, week) => Math.exp(waves[week % YEAR]! / total))
}

function knownOf({ bought, exposed, age }: Weeks): Known {
  const at: number[] = []
  for (let week = Math.max(0, bought.length - MOST_WEEKS); week < bought.length; week++) {
    if (bought[week]! >= FEWEST_BOUGHT) at.push(week)
  }
  const mean = at.reduce((sum, week) => sum + Math.log(bought[week]! / exposed[week]!), 0) / at.length
  return {
    at,
    logs: Float64Array.from(at, (week) => Math.log(bought[week]! / exposed[week]!) - mean),
    noise: Float64Array.from(at, (week) => 1 / bought[week]!),
    age: Float64Array.from(at, (week) => Math.log1p(age[week]! / 28)),
  }
}

/** How alike the season is of two weeks so many apart. */
function together(apart: number): number {
  let sum = 0
  for (let wave = 1; wave <= WAVES; wave++)
    sum += Math.cos((2 * Math.PI * wave * apart) / YEAR) / 4 ** (wave - 1)
  return sum
}

interface Guess {
  readonly size: number
  readonly drift: number
  readonly shock: number
}

/** How plausible a guess is by the weeks (a logarithm), and what each of them pulls the season by. */
function explain({ at, logs, noise, age }: Known, { size, drift, shock }: Guess) {
  const count = at.length
  const covariance = new Float64Array(count * count)
  for (let i = 0; i < count; i++) {
    for (let j = 0; j <= i; j++) {
      const level = MEAN ** 2 + FADING ** 2 * age[i]! * age[j]! + drift ** 2 * (at[j]! - at[0]!)
      covariance[i * count + j] = level + size ** 2 * together(at[i]! - at[j]!)
    }
    covariance[i * count + i]! += noise[i]! + shock ** 2
  }
  factorise(covariance, count)
  const half = forward(covariance, logs)
  let plausible = size > 0 ? BELIEVED : 0
  for (let i = 0; i < count; i++) {
    plausible -= 0.5 * half[i]! ** 2 + Math.log(covariance[i * count + i]!)
  }
  return { plausible, pull: backward(covariance, half), size }
}

/** Cholesky's factor of a symmetric positive matrix, in place of its lower half. */
function factorise(matrix: Float64Array, count: number): void {
  for (let i = 0; i < count; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * count + j]!
      for (let k = 0; k < j; k++) sum -= matrix[i * count + k]! * matrix[j * count + k]!
      matrix[i * count + j] = i === j ? Math.sqrt(sum) : sum / matrix[j * count + j]!
    }
  }
}

function forward(lower: Float64Array, values: Float64Array): Float64Array {
  const solved = values.slice()
  for (let i = 0; i < solved.length; i++) {
    for (let j = 0; j < i; j++) solved[i]! -= lower[i * solved.length + j]! * solved[j]!
    solved[i]! /= lower[i * solved.length + i]!
  }
  return solved
}

function backward(lower: Float64Array, values: Float64Array): Float64Array {
  const solved = values.slice()
  for (let i = solved.length - 1; i >= 0; i--) {
    for (let j = i + 1; j < solved.length; j++) solved[i]! -= lower[j * solved.length + i]! * solved[j]!
    solved[i]! /= lower[i * solved.length + i]!
  }
  return solved
}
