/**
 * A logistic regression that is drawn to a prior instead of to nothing: with little data it says what the
 * likelihood ratio says. Columns are standardised and winsorised to what was seen in training, near-constant
 * ones are dropped, and a column that may only speak in one direction keeps it (its coefficient is >= 0).
 */

export interface LogisticData {
  /** row by row, `columns` numbers each */
  readonly features: Float64Array
  readonly columns: number
  readonly labels: Uint8Array
  readonly weights: Float64Array
  /** added to the log-odds as it is: what is already believed about the row */
  readonly offsets: Float64Array
}

export interface Logistic {
  readonly intercept: number
  /** on standardised columns; 0 for dropped ones */
  readonly coefficients: Float64Array
  readonly means: Float64Array
  readonly deviations: Float64Array
  readonly lowest: Float64Array
  readonly highest: Float64Array
}

/** Correction of the log-odds given by one row of features, the one that begins at `at`. */
export function correctionOf(fit: Logistic, features: Float64Array, at = 0): number {
  const { coefficients, means, deviations, lowest, highest } = fit
  let sum = fit.intercept
  for (let j = 0; j < coefficients.length; j++) {
    const coefficient = coefficients[j]!
    if (coefficient === 0) continue
    const value = Math.min(highest[j]!, Math.max(lowest[j]!, features[at + j]!))
    sum += (coefficient * (value - means[j]!)) / deviations[j]!
  }
  return sum
}

export interface LogisticOptions {
  readonly penalty: number
  /** the lowest coefficient of each column as it comes in, before standardising */
  readonly floors: readonly number[]
}

const STEPS = 25
const SWEEPS = 60
const LEAST_DEVIATION = 1e-4

export function fitLogistic(data: LogisticData, options: LogisticOptions): Logistic {
  const scale = scaleOf(data)
  const rows = standardise(data, scale)
  // A dropped column may have any floor: it never moves.
  const floors = options.floors.map((floor, j) =>
    scale.deviations[j]! > 0 ? floor * scale.deviations[j]! : 0,
  )
  const beta = solve(data, rows, { ...options, floors })
  const { means, deviations, lowest, highest } = scale
  return { intercept: beta[0]!, coefficients: beta.slice(1), means, deviations, lowest, highest }
}

interface Scale {
  readonly means: Float64Array
  readonly deviations: Float64Array
  readonly lowest: Float64Array
  readonly highest: Float64Array
}

function scaleOf({ features, columns, labels, weights }: LogisticData): Scale {
  const count = labels.length
  const scale: Scale = {
    means: new Float64Array(columns),
    deviations: new Float64Array(columns),
    lowest: new Float64Array(columns),
    highest: new Float64Array(columns),
  }
  const column = new Float64Array(count)
  for (let j = 0; j < columns; j++) {
    for (let i = 0; i < count; i++) column[i] = features[i * columns + j]!
    const sorted = column.slice().sort()
    const low = sorted[Math.floor(0.005 * (count - 1))] ?? 0
    const high = sorted[Math.ceil(0.995 * (count - 1))] ?? 0
    let [sum, squares, total] = [0, 0, 0]
    for (let i = 0; i < count; i++) {
      const value = Math.min(high, Math.max(low, column[i]!))
      sum += weights[i]! * value
      squares += weights[i]! * value * value
      total += weights[i]!
    }
    const mean = total > 0 ? sum / total : 0
    const variance = total > 0 ? Math.max(0, squares / total - mean * mean) : 0
    scale.lowest[j] = low
    scale.highest[j] = high
    scale.means[j] = mean
    scale.deviations[j] = Math.sqrt(variance)
  }
  return scale
}

function standardise({ features, columns, labels }: LogisticData, scale: Scale): Float64Array {
  const width = columns + 1
  const rows = new Float64Array(labels.length * width)
  for (let i = 0; i < labels.length; i++) {
    rows[i * width] = 1
    for (let j = 0; j < columns; j++) {
      const deviation = scale.deviations[j]!
      if (deviation < LEAST_DEVIATION) continue
      const raw = features[i * columns + j]!
      const value = Math.min(scale.highest[j]!, Math.max(scale.lowest[j]!, raw))
      rows[i * width + j + 1] = (value - scale.means[j]!) / deviation
    }
  }
  return rows
}

/** Newton's steps, each a bounded quadratic problem solved by coordinates, halved until they help. */
function solve(data: LogisticData, rows: Float64Array, { penalty, floors }: LogisticOptions): Float64Array {
  const width = data.columns + 1
  let beta: Float64Array = new Float64Array(width)
  let value = objective({ data, rows, beta, penalty })
  for (let step = 0; step < STEPS; step++) {
    const { gradient, hessian } = derivatives({ data, rows, beta, penalty })
    const target = quadratic({ beta, gradient, hessian, floors })
    let share = 1
    let tried = target
    let next = objective({ data, rows, beta: tried, penalty })
    while (next > value && share > 1e-3) {
      share /= 2
      tried = beta.map((old, j) => old + share * (target[j]! - old))
      next = objective({ data, rows, beta: tried, penalty })
    }
    if (!(next < value)) break
    const gained = value - next
    beta = tried
    value = next
    if (gained < 1e-7 * (1 + Math.abs(value))) break
  }
  return beta
}

interface Point {
  readonly data: LogisticData
  readonly rows: Float64Array
  readonly beta: Float64Array
  readonly penalty: number
}

/** The intercept is drawn to 0 a hundred times less than the rest: how many lapse is soon known. */
function penaltyOf(j: number, penalty: number): number {
  return j === 0 ? penalty / 100 : penalty
}

function objective({ data, rows, beta, penalty }: Point): number {
  const width = beta.length
  let sum = 0
  for (let i = 0; i < data.labels.length; i++) {
    let eta = data.offsets[i]!
    for (let j = 0; j < width; j++) eta += rows[i * width + j]! * beta[j]!
    sum += data.weights[i]! * (softplus(eta) - data.labels[i]! * eta)
  }
  for (let j = 0; j < width; j++) sum += 0.5 * penaltyOf(j, penalty) * beta[j]! ** 2
  return sum
}

function softplus(x: number): number {
  return x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x))
}

function derivatives({ data, rows, beta, penalty }: Point) {
  const width = beta.length
  const gradient = new Float64Array(width)
  const hessian = new Float64Array(width * width)
  for (let i = 0; i < data.labels.length; i++) {
    const at = i * width
    let eta = data.offsets[i]!
    for (let j = 0; j < width; j++) eta += rows[at + j]! * beta[j]!
    const p = 1 / (1 + Math.exp(-eta))
    const miss = data.weights[i]! * (p - data.labels[i]!)
    const curve = data.weights[i]! * p * (1 - p)
    for (let j = 0; j < width; j++) {
      const value = rows[at + j]!
      if (value === 0) continue
      gradient[j]! += miss * value
      for (let k = 0; k <= j; k++) hessian[j * width + k]! += curve * value * rows[at + k]!
    }
  }
  for (let j = 0; j < width; j++) {
    gradient[j]! += penaltyOf(j, penalty) * beta[j]!
    hessian[j * width + j]! += penaltyOf(j, penalty) + 1e-9
    for (let k = 0; k < j; k++) hessian[k * width + j] = hessian[j * width + k]!
  }
  return { gradient, hessian }
}

interface Quadratic {
  readonly beta: Float64Array
  readonly gradient: Float64Array
  readonly hessian: Float64Array
  readonly floors: readonly number[]
}

function quadratic({ beta, gradient, hessian, floors }: Quadratic): Float64Array {
  const width = beta.length
  const target = beta.slice()
  const slope = gradient.slice()
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let largest = 0
    for (let j = 0; j < width; j++) {
      let value = target[j]! - slope[j]! / hessian[j * width + j]!
      if (j > 0) value = Math.max(floors[j - 1]!, value)
      const move = value - target[j]!
      if (move === 0) continue
      target[j] = value
      for (let k = 0; k < width; k++) slope[k]! += hessian[j * width + k]! * move
      largest = Math.max(largest, Math.abs(move))
    }
    if (largest < 1e-8) break
  }
  return target
}
