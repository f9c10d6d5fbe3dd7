/**
 * How far from zero an estimate must be at each of several looks, so that all looks together are wrong as rarely
 * as one would be: the O'Brien-Fleming form of the spending function of Lan and DeMets (Biometrika 70, 1983,
 * p. 659). For one side of size a: spent(t) = 2 - 2 Phi(z(1 - a/2) / sqrt t).
 *
 * The bounds follow one after the other from the joint law of the estimates at the looks, which is integrated
 * step by step (Armitage, McPherson and Rowe, JRSS A 132, 1969): between the bounds of the look before, the
 * density of the sum is convolved with the normal increment. Two sides of equal size; that a trial crosses one
 * side and would then cross the other is neglected, as all tables do.
 */
import cdf from '@stdlib/stats-base-dists-normal-cdf'
import quantile from '@stdlib/stats-base-dists-normal-quantile'
import { invariant } from '../base/errors.ts'

/** Chance spent on one side by share `t` of the information, of `side` in all. */
export function spent(t: number, side: number): number {
  if (!(t > 0)) return 0
  return 2 - 2 * cdf(quantile(1 - side / 2, 0, 1) / Math.sqrt(Math.min(1, t)), 0, 1)
}

/** Far out the bound is a matter of form: nothing is ever that many standard errors away. */
const FARTHEST = 9
const POINTS = 401
const STEPS = 60

/**
 * The bounds, in standard errors, at these shares of information (ascending, in (0, 1]). `error` is of both
 * sides together. The last look may be early (`isLast`): what is left is then spent on it.
 */
export function boundaries(shares: readonly number[], error: number, isLast = false): number[] {
  const asked = JSON.stringify([shares, error, isLast])
  let bounds = known.get(asked)
  if (bounds === undefined) {
    bounds = boundsOf(shares, error, isLast)
    if (known.size >= MOST_KNOWN) known.clear()
    known.set(asked, bounds)
  }
  return [...bounds]
}

/** The same plan is asked for at each look, and worked out in a tenth of a second. */
const known = new Map<string, readonly number[]>()
const MOST_KNOWN = 1_000

function boundsOf(shares: readonly number[], error: number, isLast: boolean): number[] {
  invariant(error > 0 && error < 1, 'an error is a share')
  const bounds: number[] = []
  let law: Law | null = null
  let before = 0
  let used = 0
  for (const [index, share] of shares.entries()) {
    invariant(share > before && share <= 1, 'looks follow one another, up to all information')
    const whole = index === shares.length - 1 && isLast ? error / 2 : spent(share, error / 2)
    const step = Math.sqrt(share - before)
    const due = whole - used
    const beyond = (sum: number) => (law === null ? 1 - cdf(sum / step, 0, 1) : crossing(law, sum, step))
    const bound = Math.min(FARTHEST, root(beyond, due, share))
    bounds.push(bound)
    law = next(law, bound * Math.sqrt(share), step)
    before = share
    used = whole
  }
  return bounds
}

/** The density of the sum (estimate times root of information) of those who went on, on an even grid. */
interface Law {
  readonly at: readonly number[]
  readonly density: readonly number[]
  readonly width: number
}

/** P(went on, and now the sum is beyond): Simpson's rule over where it was. */
function crossing({ at, density, width }: Law, sum: number, step: number): number {
  let total = 0
  for (let i = 0; i < at.length; i++)
    total += simpson(i, at.length) * density[i]! * (1 - cdf((sum - at[i]!) / step, 0, 1))
  return (total * width) / 3
}

function next(law: Law | null, edge: number, step: number): Law {
  const width = (2 * edge) / (POINTS - 1)
  const at = Array.from({ length: POINTS }, (_, i) => -edge + i * width)
  const bell = (x: number) => Math.exp((-x * x) / (2 * step * step)) / (step * Math.sqrt(2 * Math.PI))
  if (law === null) return { at, density: at.map(bell), width }
  const density = at.map((here) => {
    let total = 0
    for (let i = 0; i < law.at.length; i++)
      total += simpson(i, law.at.length) * law.density[i]! * bell(here - law.at[i]!)
    return (total * law.width) / 3
  })
  return { at, density, width }
}

function simpson(i: number, points: number): number {
  if (i === 0 || i === points - 1) return 1
  return i % 2 === 1 ? 4 : 2
}

/** The bound beyond which so much chance lies; by halving, since that chance falls with the bound. */
function root(beyond: (sum: number) => number, due: number, share: number): number {
  let [low, high] = [0, FARTHEST]
  for (let i = 0; i < STEPS; i++) {
    const middle = (low + high) / 2
    if (beyond(middle * Math.sqrt(share)) > due) low = middle
    else high = middle
  }
  return (low + high) / 2
}
