/**
 * Maximum likelihood on cells: bounded, from two starts, with a look at the curvature where it ends. Many cells
 * are first thinned out to come near the maximum; the last steps always see all of them.
 */
import { type Cell, totalsOf } from './cell.ts'
import { type Glance, lawOf, type ModelName, type Parameters, searchFor } from './family.ts'
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
  /** a thinned-out copy, or the same table where it is small */
  readonly some: CellTable
  readonly members: number
  readonly glance: Glance
}

const FEW_CELLS = 3_000
/** In logarithms: this near to a bound is at it. */
const AT_BOUND = 0.01

/** There must be a member with time and a purchase. */
export function dataOf(cells: readonly Cell[]): Data {
  const { members, purchases, time } = totalsOf(cells)
  const all = tabulate(cells)
  const stride = Math.ceil(cells.length / FEW_CELLS)
  const some = stride === 1 ? all : tabulate(thinned(cells, stride))
  return { all, some, members, glance: { age: time / members, rate: purchases / time } }
}

/** Every n-th cell in the order of their histories, whatever order they came in. */
function thinned(cells: readonly Cell[], stride: number): Cell[] {
  const ordered = [...cells].sort((one, other) => one.x - other.x || one.tx - other.tx || one.T - other.T)
  return ordered.filter((_, i) => i % stride === 0)
}

/** Which law is looked for; `k` where it has one, and `near` (logarithms) where a like fit ended. */
interface Wanted {
  readonly name: ModelName
  readonly k?: number
  readonly near?: readonly number[]
}

export function fitFamily(data: Data, { name, k, near }: Wanted): Fit {
  const { names, lower, upper, starts } = searchFor(name, data.glance)
  const parametersAt = (at: readonly number[]): Parameters => ({
    ...Object.fromEntries(names.map((key, i) => [key, Math.exp(at[i] as number)])),
    ...(k === undefined ? {} : { k }),
  })
  const problemOn = (table: CellTable): Problem => {
    const members = table.count.reduce((sum, count) => sum + count, 0)
    const f = (at: readonly number[]) => -logLikelihoodOfTable(lawOf(name, parametersAt(at)), table) / members
    return { f, lower, upper }
  }
  const exact = problemOn(data.all)
  const rough = data.some === data.all ? exact : problemOn(data.some)
  const best = search(exact, rough, near ? [near] : starts)
  const inverse = inverseOfBowl(curvature(exact, best))
  return {
    name,
    parameters: parametersAt(best.at),
    logLikelihood: -best.value * data.members,
    freedom: names.length,
    inside: best.at.every(
      (value, i) => value > (lower[i] ?? 0) + AT_BOUND && value < (upper[i] ?? 0) - AT_BOUND,
    ),
    covariance: inverse?.map((row) => row.map((value) => value / data.members)) ?? null,
  }
}

/** Two starts on few cells, then the better end polished, on few cells and on all. */
function search(exact: Problem, rough: Problem, starts: readonly (readonly number[])[]): Minimum {
  const ends = starts.map((start) => nelderMead(rough, start, 160))
  const close = polish(rough, ends.reduce(better), null)
  if (exact === rough) return close
  const at = clampTo(exact, close.at)
  return polish(exact, { at, value: exact.f(at) }, inverseOfBowl(curvature(rough, close)))
}
