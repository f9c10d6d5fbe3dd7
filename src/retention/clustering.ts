/**
 * Groups of members that are alike, as a proposal: k-means on the scale of ln(1 + x), seeded, so that the same
 * members give the same proposal. How many groups: the number with the highest silhouette among those that come
 * out nearly the same when members are drawn anew (mean adjusted Rand index of bootstraps at least STABLE).
 */
import { kmeans } from 'ml-kmeans'
import { randomNumbers } from './simulation.ts'

/** What groups are made of, where all of it is known. */
export const FEATURES = ['purchases', 'daysSince', 'tenure', 'averageSpend'] as const

const FEWEST_GROUPS = 2
const MOST_GROUPS = 7
const BOOTSTRAPS = 20
/** An index above 0.8 is what Steinley (2004) calls good recovery. */
export const STABLE = 0.8
/** Silhouettes cost by the square of the members. */
const LOOKED_AT = 600
const SEED = 20_090_330

export interface Proposal {
  readonly members: number
  readonly features: readonly { readonly name: string; readonly mean: number; readonly spread: number }[]
  readonly silhouette: number
  /** mean adjusted Rand index of the bootstraps; 1: the same groups each time */
  readonly stability: number
  readonly groups: readonly {
    readonly members: number
    /** in spreads from the mean, feature by feature */
    readonly centre: readonly number[]
    /** what that is in the feature's own unit */
    readonly typical: readonly number[]
    readonly words: string
  }[]
}

/** `rows`: one list of features for each member. Null where there are too few members, or they are all alike. */
export function proposeGroups(rows: readonly (readonly number[])[]): Proposal | null {
  if (rows.length < 50) return null
  const features = FEATURES.map((name, column) => ({ name, ...lawOf(rows.map((row) => row[column]!)) }))
  const points = rows.map((row) =>
    features.map(({ mean, spread }, column) => (Math.log1p(row[column]!) - mean) / spread),
  )
  if (new Set(points.map((point) => point.join())).size <= MOST_GROUPS) return null
  const tries = []
  for (let groups = FEWEST_GROUPS; groups <= MOST_GROUPS; groups++) {
    const found = kmeans(points, groups, { seed: SEED, initialization: 'kmeans++', maxIterations: 200 })
    const silhouette = silhouetteOf(points, found.clusters)
    tries.push({ found, silhouette, stability: stabilityOf(points, found.centroids) })
  }
  const stable = tries.filter(({ stability }) => stability >= STABLE)
  const best = (stable.length > 0 ? stable : tries).reduce((top, one) =>
    one.silhouette > top.silhouette ? one : top,
  )
  const sizes = best.found.centroids.map(
    (_, group) => best.found.clusters.filter((one) => one === group).length,
  )
  const groups = best.found.centroids.map((centre, group) => {
    const typical = centre.map((at, column) =>
      Math.max(0, Math.expm1(at * features[column]!.spread + features[column]!.mean)),
    )
    return { members: sizes[group]!, centre, typical, words: inWords(centre) }
  })
  groups.sort((a, b) => b.members - a.members)
  return { members: rows.length, features, silhouette: best.silhouette, stability: best.stability, groups }
}

function lawOf(values: readonly number[]): { mean: number; spread: number } {
  const logs = values.map(Math.log1p)
  const mean = logs.reduce((sum, one) => sum + one, 0) / logs.length
  const spread = Math.sqrt(logs.reduce((sum, one) => sum + (one - mean) ** 2, 0) / logs.length)
  return { mean, spread: spread > 1e-9 ? spread : 1 }
}

const CLEARLY = 0.5
const sides: readonly (readonly [low: string, high: string])[] = [
  ['seldom', 'often'],
  ['lately', 'long ago'],
  ['new', 'of old'],
  ['small baskets', 'large baskets'],
]

function inWords(centre: readonly number[]): string {
  const told = centre.flatMap((at, column) =>
    Math.abs(at) < CLEARLY ? [] : [sides[column]![at > 0 ? 1 : 0]],
  )
  return told.length === 0 ? 'in the middle' : told.join(', ')
}

/** Mean over a sample of (b - a) / max(a, b): how much nearer the own group is than the next (Rousseeuw 1987). */
function silhouetteOf(points: readonly number[][], groups: readonly number[]): number {
  const step = Math.max(1, Math.floor(points.length / LOOKED_AT))
  const sample = points.flatMap((point, index) =>
    index % step === 0 ? [{ point, group: groups[index]! }] : [],
  )
  const many = Math.max(...groups) + 1
  let total = 0
  for (const one of sample) {
    const sums = new Float64Array(many)
    const counts = new Float64Array(many)
    for (const other of sample) {
      if (other === one) continue
      sums[other.group]! += Math.sqrt(apart(one.point, other.point))
      counts[other.group]! += 1
    }
    const own = counts[one.group]! > 0 ? sums[one.group]! / counts[one.group]! : 0
    let next = Number.POSITIVE_INFINITY
    for (let group = 0; group < many; group++)
      if (group !== one.group && counts[group]! > 0) next = Math.min(next, sums[group]! / counts[group]!)
    if (Number.isFinite(next) && Math.max(own, next) > 0) total += (next - own) / Math.max(own, next)
  }
  return total / sample.length
}

/** Groups found among members drawn with replacement, against the first ones, on all of the sample. */
function stabilityOf(points: readonly number[][], centres: number[][]): number {
  const random = randomNumbers(SEED)
  const step = Math.max(1, Math.floor(points.length / (5 * LOOKED_AT)))
  const sample = points.filter((_, index) => index % step === 0)
  const first = sample.map((point) => nearestOf(centres, point))
  let total = 0
  for (let i = 0; i < BOOTSTRAPS; i++) {
    const drawn = sample.map(() => sample[Math.floor(random() * sample.length)]!)
    const again = kmeans(drawn, centres.length, {
      seed: SEED + i,
      initialization: 'kmeans++',
      maxIterations: 100,
    })
    total += adjustedRand(
      first,
      sample.map((point) => nearestOf(again.centroids, point)),
    )
  }
  return total / BOOTSTRAPS
}

function nearestOf(centres: readonly number[][], point: readonly number[]): number {
  let best = 0
  for (let i = 1; i < centres.length; i++)
    if (apart(centres[i]!, point) < apart(centres[best]!, point)) best = i
  return best
}

function apart(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, at, index) => sum + (at - b[index]!) ** 2, 0)
}

/** How alike two groupings are: 1 the same, about 0 by chance (Hubert and Arabie 1985). */
export function adjustedRand(a: readonly number[], b: readonly number[]): number {
  const cells = new Map<string, number>()
  const [rows, columns] = [new Map<number, number>(), new Map<number, number>()]
  for (const [index, group] of a.entries()) {
    const other = b[index]!
    cells.set(`${group} ${other}`, (cells.get(`${group} ${other}`) ?? 0) + 1)
    rows.set(group, (rows.get(group) ?? 0) + 1)
    columns.set(other, (columns.get(other) ?? 0) + 1)
  }
  const pairs = (counts: Iterable<number>) => [...counts].reduce((sum, n) => sum + (n * (n - 1)) / 2, 0)
  const [both, ofRows, ofColumns] = [pairs(cells.values()), pairs(rows.values()), pairs(columns.values())]
  const expected = (ofRows * ofColumns) / Math.max(1, (a.length * (a.length - 1)) / 2)
  const most = (ofRows + ofColumns) / 2
  return most === expected ? 1 : (both - expected) / (most - expected)
}

/** The proposal as a section of rule files, ready to paste. */
export function proposalYaml({ features, groups }: Proposal): string {
  const list = (numbers: readonly number[]) => `[${numbers.map((one) => one.toFixed(3)).join(', ')}]`
  return [
    'clusters:',
    '  features:',
    ...features.map(({ name, mean, spread }) => `    ${name}: ${list([mean, spread])}`),
    '  centres:',
    ...groups.map(
      ({ centre, words, members }, index) =>
        `    group-${index + 1}: ${list(centre)} # ${words}; ${members} members`,
    ),
  ].join('\n')
}
