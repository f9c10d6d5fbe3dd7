/**
 * The least value of a smooth function of a few variables within bounds: Nelder-Mead to come near (1965), then
 * quasi-Newton steps by Broyden, Fletcher, Goldfarb and Shanno. Deterministic: the same function from the same
 * start takes the same way.
 */

export interface Problem {
  /** NaN and infinities count as very large */
  readonly f: (at: readonly number[]) => number
  readonly lower: readonly number[]
  readonly upper: readonly number[]
}

export interface Minimum {
  readonly at: readonly number[]
  readonly value: number
}

const VERY_LARGE = 1e300

export function clampTo({ lower, upper }: Problem, at: readonly number[]): number[] {
  return at.map((value, i) => Math.min(Math.max(value, lower[i] as number), upper[i] as number))
}

function valueAt(problem: Problem, at: readonly number[]): number {
  const value = problem.f(at)
  return Number.isFinite(value) ? value : VERY_LARGE
}

/** Nelder-Mead with the usual coefficients; it stops when its corners agree or the evaluations are used up. */
export function nelderMead(problem: Problem, start: readonly number[], evaluations: number): Minimum {
  const size = start.length
  const point = (at: readonly number[]): Minimum => {
    const inside = clampTo(problem, at)
    return { at: inside, value: valueAt(problem, inside) }
  }
  const origin = clampTo(problem, start)
  const corners = [point(origin)]
  for (let i = 0; i < size; i++) corners.push(point(origin.map((value, j) => value + (i === j ? 0.7 : 0))))
  for (let used = size + 1; used < evaluations; used += 2) {
    corners.sort((one, other) => one.value - other.value)
    const [best, worst] = [corners[0] as Minimum, corners[size] as Minimum]
    if (worst.value - best.value <= 1e-9 * (Math.abs(best.value) + 1e-9)) break
    const centre = origin.map((_, j) => meanOf(corners.slice(0, size).map(({ at }) => at[j] as number)))
    const toward = (step: number) =>
      point(centre.map((value, j) => value + step * (value - (worst.at[j] as number))))
    const reflected = toward(1)
    const second = (corners[size - 1] as Minimum).value
    if (reflected.value < best.value) corners[size] = better(toward(2), reflected)
    else if (reflected.value < second) corners[size] = reflected
    else {
      const inner = toward(reflected.value < worst.value ? 0.5 : -0.5)
      if (inner.value < Math.min(worst.value, reflected.value)) corners[size] = inner
      else {
        for (let i = 1; i <= size; i++) {
          const corner = (corners[i] as Minimum).at
          corners[i] = point(corner.map((value, j) => (value + (best.at[j] as number)) / 2))
        }
        used += size
      }
    }
  }
  return corners.reduce(better)
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** The lower of two; the first where they are equal. */
export function better(one: Minimum, other: Minimum): Minimum {
  return other.value < one.value ? other : one
}

const GRADIENT_STEP = 1e-4
const CURVATURE_STEP = 2e-3

function gradient(problem: Problem, at: readonly number[]): number[] {
  return at.map((_, i) => {
    const [low, high] = [moved(at, { [i]: -GRADIENT_STEP }), moved(at, { [i]: GRADIENT_STEP })]
    return (valueAt(problem, high) - valueAt(problem, low)) / (2 * GRADIENT_STEP)
  })
}

function moved(at: readonly number[], by: Readonly<Record<number, number>>): number[] {
  return at.map((value, i) => value + (by[i] ?? 0))
}

/** The matrix of second derivatives, by central differences. */
export function curvature(problem: Problem, { at, value }: Minimum): number[][] {
  const h = CURVATURE_STEP
  const f = (by: Readonly<Record<number, number>>) => valueAt(problem, moved(at, by))
  const matrix = at.map(() => at.map(() => 0))
  for (let i = 0; i < at.length; i++) {
    const row = matrix[i] as number[]
    row[i] = (f({ [i]: h }) - 2 * value + f({ [i]: -h })) / h ** 2
    for (let j = 0; j < i; j++) {
      const same = f({ [i]: h, [j]: h }) + f({ [i]: -h, [j]: -h })
      const mixed = (same - f({ [i]: h, [j]: -h }) - f({ [i]: -h, [j]: h })) / (4 * h ** 2)
      row[j] = mixed
      ;(matrix[j] as number[])[i] = mixed
    }
  }
  return matrix
}

/** The inverse of a symmetric matrix, or null where it is not positive definite (no bowl, so no minimum). */
export function inverseOfBowl(matrix: readonly (readonly number[])[]): number[][] | null {
  const size = matrix.length
  const lower = matrix.map(() => new Array<number>(size).fill(0))
  const l = (i: number, j: number) => lower[i]?.[j] ?? 0
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = matrix[i]?.[j] ?? 0
      for (let m = 0; m < j; m++) rest -= l(i, m) * l(j, m)
      if (i === j && !(rest > 1e-12 * Math.abs(matrix[i]?.[i] ?? 0))) return null
      ;(lower[i] as number[])[j] = i === j ? Math.sqrt(rest) : rest / l(j, j)
    }
  }
  const columns = matrix.map((_, column) => {
    const forth = new Array<number>(size).fill(0)
    for (let i = 0; i < size; i++) {
      let rest = i === column ? 1 : 0
      for (let m = 0; m < i; m++) rest -= l(i, m) * (forth[m] as number)
      forth[i] = rest / l(i, i)
    }
    const back = new Array<number>(size).fill(0)
    for (let i = size - 1; i >= 0; i--) {
      let rest = forth[i] as number
      for (let m = i + 1; m < size; m++) rest -= l(m, i) * (back[m] as number)
      back[i] = rest / l(i, i)
    }
    return back
  })
  return columns
}

const MOST_ITERATIONS = 60
/** Where a step lowers the function by no more than this, the search has ended. */
const SMALL_GAIN = 1e-11

/**
 * Quasi-Newton steps from a point that is near. `bowl` is an inverse of the curvature to begin with, such as
 * that of a like function; the true one is learnt on the way.
 */
export function polish(problem: Problem, start: Minimum, bowl: number[][] | null): Minimum {
  let at = start
  let slope = gradient(problem, at.at)
  let inverse = bowl ?? scaledIdentity(slope)
  let fresh = bowl === null
  for (let iteration = 0; iteration < MOST_ITERATIONS; iteration++) {
    const free = freeOf(problem, at.at, slope)
    const direction = at.at.map((_, i) => (free[i] ? -dot(inverse[i] as number[], slope, free) : 0))
    const fall = -dot(direction, slope, free)
    if (!fresh && fall >= 0 && fall < 2 * SMALL_GAIN) return at
    const next = fall > 0 ? lineSearch(problem, at, { direction, slope }) : null
    if (next === null) {
      if (fresh) return at
      inverse = scaledIdentity(slope)
      fresh = true
      continue
    }
    if (at.value - next.value < SMALL_GAIN) return next
    const step = next.at.map((value, i) => value - (at.at[i] as number))
    const nextSlope = gradient(problem, next.at)
    const bend = nextSlope.map((value, i) => value - (slope[i] as number))
    at = next
    slope = nextSlope
    inverse = updated(inverse, step, bend)
    fresh = false
  }
  return at
}

function scaledIdentity(slope: readonly number[]): number[][] {
  const scale = 0.3 / Math.max(1e-12, ...slope.map(Math.abs))
  return slope.map((_, i) => slope.map((_, j) => (i === j ? scale : 0)))
}

function dot(one: readonly number[], other: readonly number[], free?: readonly boolean[]): number {
  return one.reduce((sum, value, i) => sum + (free?.[i] === false ? 0 : value * (other[i] as number)), 0)
}

/** At a bound, and falling towards beyond it: that variable stays where it is. */
function freeOf({ lower, upper }: Problem, at: readonly number[], slope: readonly number[]): boolean[] {
  return at.map((value, i) => {
    const push = slope[i] as number
    return !(push > 0 && value <= (lower[i] as number)) && !(push < 0 && value >= (upper[i] as number))
  })
}

/** Halves the step until the function falls as the slope promises (Armijo); null where it never does. */
function lineSearch(
  problem: Problem,
  from: Minimum,
  { direction, slope }: { direction: readonly number[]; slope: readonly number[] },
): Minimum | null {
  const longest = Math.max(...direction.map(Math.abs))
  let step = Math.min(1, 2 / longest)
  for (let halved = 0; halved < 25; halved++, step /= 2) {
    const at = clampTo(
      problem,
      from.at.map((value, i) => value + step * (direction[i] as number)),
    )
    const promised = at.reduce(
      (sum, value, i) => sum + (value - (from.at[i] as number)) * (slope[i] as number),
      0,
    )
    const value = valueAt(problem, at)
    if (value <= from.value + 1e-4 * promised && value < from.value) return { at, value }
  }
  return null
}

/** The formula of Broyden, Fletcher, Goldfarb and Shanno for the inverse, left alone where it would not be a bowl. */
function updated(inverse: number[][], step: readonly number[], bend: readonly number[]): number[][] {
  const along = dot(step, bend)
  if (!(along > 1e-14)) return inverse
  const turned = inverse.map((row) => dot(row, bend))
  const factor = (1 + dot(bend, turned) / along) / along
  return inverse.map((row, i) =>
    row.map((value, j) => {
      const [si, sj] = [step[i] as number, step[j] as number]
      const [ti, tj] = [turned[i] as number, turned[j] as number]
      return value + factor * si * sj - (ti * sj + si * tj) / along
    }),
  )
}
