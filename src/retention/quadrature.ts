/**
 * Integrals of smooth functions by Gauss and Legendre's rule on panels of equal width: 16 points each, exact for
 * polynomials up to degree 31.
 */
const POINTS = 16

interface Node {
  /** within -1 and 1 */
  readonly at: number
  readonly weight: number
}

const nodes: readonly Node[] = Array.from({ length: POINTS }, (_, i) => nodeOf(i))

/** The i-th root of the Legendre polynomial, by Newton's method from Tricomi's estimate. */
function nodeOf(i: number): Node {
  let at = Math.cos((Math.PI * (i + 0.75)) / (POINTS + 0.5))
  let slope = 0
  for (let iteration = 0; iteration < 10; iteration++) {
    let [before, value] = [1, at]
    for (let n = 2; n <= POINTS; n++) {
      ;[before, value] = [value, ((2 * n - 1) * at * value - (n - 1) * before) / n]
    }
    slope = (POINTS * (at * value - before)) / (at * at - 1)
    at -= value / slope
  }
  return { at, weight: 2 / ((1 - at * at) * slope * slope) }
}

/** The integral of f from `low` to `high`. */
export function integral(
  f: (at: number) => number,
  { low, high, panels }: { low: number; high: number; panels: number },
): number {
  const half = (high - low) / panels / 2
  let sum = 0
  for (let panel = 0; panel < panels; panel++) {
    const middle = low + (2 * panel + 1) * half
    for (const { at, weight } of nodes) sum += weight * f(middle + half * at)
  }
  return sum * half
}
