/**
 * Maximum likelihood on cells: bounded, from two starts, with a look at the curvature where it ends. Many cells
 * are first merged into coarse ones to come near the maximum; the last steps see all of them as they are.
 */
import { type Cell, totalsOf } from './cell.ts'
import { type Glance, lawOf, type ModelName, type Parameters, type Search, searchFor } from './family.ts'
import { type CellTable, logLikelihoodOfTable, tabulate } from './law.ts'
import {
  better,
  clampTo,
  curvature,
  inverseOfBowl,
  type Minimum,
  nelderMead,
  type Problem,
  polish,
} from './minimise.ts'

export interface Fit {
  readonly name: ModelName
  readonly parameters: Parameters
  readonly logLikelihood: number
  /** parameters that were looked for, k included where it was */
  readonly freedom: number
  /** whether the search ended away from all bounds */
  readonly inside: boolean
  /** of the logarithms of the parameters, in their order; null where the likelihood has no top there */
  readonly covariance: readonly (readonly number[])[] | null
}

export interface Data {
  readonly all: CellTable
  /** the same in coarse cells, or the same table where it is small */
  readonly some: CellTable
  readonly members: number
  readonly glance: Glance
}

const FEW_CELLS = 3_000
/** To come near from each start. */
const EVALUATIONS = 80
/** In logarithms: this near to a bound is at it. */
const AT_BOUND = 0.01

/** There must be a member with time and a purchase. */
export function dataOf(cells: readonly Cell[]): Data {
  const { members, purchases, time } = totalsOf(cells)
  const all = tabulate(cells)
  const some = cells.length <= FEW_CELLS ? all : tabulate(coarsened(cells))
  return { all, some, members, glance: { age: time / members, rate: purchases / time } }
}

/** How finely age, last purchase and purchases are told apart in coarse cells. */
const LEVELS = { age: 30, last: 16, purchases: 8 }

/** Like histories merged into one, each at its mean: some thousand cells with a maximum close to the true one. */
function coarsened(cells: readonly Cell[]): Cell[] {
  const oldest = cells.reduce((most, { T }) => Math.max(most, T), 0)
  const merged = new Map<number, { x: number; tx: number; T: number; count: number }>()
  for (const { x, tx, T, count } of cells) {
    const near = coarseCount(x)
    const age = Math.round(LEVELS.age * Math.sqrt(T / oldest))
    const last = T > 0 ? Math.round((LEVELS.last * tx) / T) : 0
    const key = (near * 100 + last) * 100 + age
    const sum = merged.get(key) ?? { x: near, tx: 0, T: 0, count: 0 }
    sum.tx += tx * count
    sum.T += T * count
    sum.count += count
    merged.set(key, sum)
  }
  return [...merged.values()].map(({ x, tx, T, count }) => ({ x, tx: tx / count, T: T / count, count }))
}

/** Small counts as they are, large ones to about an eighth: gamma functions are then needed for few of them. */
function coarseCount(x: number): number {
  return x <= LEVELS.purchases
    ? x
    : Math.round(Math.exp(Math.round(Math.log(x) * LEVELS.purchases) / LEVELS.purchases))
}

/** Which law is looked for; `k` where it has one, and `near` (logarithms) where a like fit ended. */
interface Wanted {
  readonly name: ModelName
  readonly k?: number
  readonly near?: readonly number[]
}

/** The maximum on coarse cells, and how good that is on all of them. */
export interface Approach {
  readonly wanted: Wanted
  readonly search: Search
  readonly rough: Problem
  readonly close: Minimum
  readonly parameters: Parameters
  readonly logLikelihood: number
}

export function approach(data: Data, wanted: Wanted): Approach {
  const search = searchFor(wanted.name, data.glance)
  const rough = problemOn(data.some, wanted, search)
  const starts = wanted.near ? [wanted.near] : search.starts
  const ends = starts.map((start) => nelderMead(rough, start, EVALUATIONS))
  const close = polish(rough, ends.reduce(better), null)
  const exact = data.all === data.some ? close.value : problemOn(data.all, wanted, search).f(close.at)
  const parameters = parametersAt(wanted, search, close.at)
  return { wanted, search, rough, close, parameters, logLikelihood: -exact * data.members }
}

/** The maximum on all cells. Its curvature is taken from the coarse ones. */
export function complete(data: Data, { wanted, search, rough, close }: Approach): Fit {
  const inverse = inverseOfBowl(curvature(rough, close))
  const best = data.all === data.some ? close : polishOn(problemOn(data.all, wanted, search), close, inverse)
  const { names, lower, upper } = search
  return {
    name: wanted.name,
    parameters: parametersAt(wanted, search, best.at),
    logLikelihood: -best.value * data.members,
    freedom: names.length,
    inside: best.at.every(
      (value, i) => value > (lower[i] ?? 0) + AT_BOUND && value < (upper[i] ?? 0) - AT_BOUND,
    ),
    covariance: inverse?.map((row) => row.map((value) => value / data.members)) ?? null,
  }
}

export function fitFamily(data: Data, wanted: Wanted): Fit {
  return complete(data, approach(data, wanted))
}

function parametersAt({ k }: Wanted, { names }: Search, at: readonly number[]): Parameters {
  const found = Object.fromEntries(names.map((key, i) => [key, Math.exp(at[i] as number)]))
  return k === undefined ? found : { ...found, k }
}

/** Minus the mean log-likelihood, so that steps and tolerances do not depend on the number of members. */
function problemOn(table: CellTable, wanted: Wanted, search: Search): Problem {
  const members = table.count.reduce((sum, count) => sum + count, 0)
  const f = (at: readonly number[]) =>
    -logLikelihoodOfTable(lawOf(wanted.name, parametersAt(wanted, search, at)), table) / members
  return { f, lower: search.lower, upper: search.upper }
}

function polishOn(exact: Problem, { at }: Minimum, inverse: number[][] | null): Minimum {
  const inside = clampTo(exact, at)
  return polish(exact, { at: inside, value: exact.f(inside) }, inverse)
}
