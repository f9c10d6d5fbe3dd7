/**
 * What all members of a program have in common in their rhythms, by maximum likelihood on a sample. The parts
 * of the likelihood that a step of the search leaves alone are not worked out again; deterministic.
 */
import gammaln from '@stdlib/math-base-special-gammaln'
import { irregularitySum, leavesAfter, logSurvivalOf, ownShape, type PooledCadence } from './cadence.ts'
import { numbering } from './cell.ts'
import type { Clock } from './clock.ts'
import type { MemberState } from './state.ts'

/** Where nobody has a rhythm yet, gaps are taken for chance, with the weight of some members' gaps. */
const CHANCE = { irregularity: 0.577, gaps: 20 }
/** No single heavy buyer may set the rhythm of all. */
const MOST_GAPS = 20

/**
 * The marginal law of the gaps, times the chance that the silence is one more gap or the end. A search from
 * coarse to fine over bounded logarithms.
 */
export function poolCadence(
  states: readonly MemberState[],
  { clock, asOf }: { clock: Clock; asOf: number },
): PooledCadence {
  let [sum, spent] = [0, 0]
  for (const state of states) {
    if (state.days < 3) continue
    const weight = Math.min(1, MOST_GAPS / (state.days - 2))
    sum += weight * irregularitySum(state)
    spent += weight * (state.days - 2)
  }
  const start: PooledCadence = {
    irregularity: (sum + CHANCE.gaps * CHANCE.irregularity) / (spent + CHANCE.gaps),
    priorShape: 1,
    priorRate: 30,
    leavesAfterFirst: 0.1,
    leaving: 0.5,
    staying: 4,
  }
  if (states.length === 0) return start
  const told = states.map((state) => ({
    gaps: state.days - 1,
    span: clock.at(state.lastDay) - clock.at(state.firstDay),
    shape: ownShape(state, start),
    silence: Math.max(0, clock.at(asOf) - clock.at(state.lastDay)),
  }))
  // Far from the top some members show the way as well as all.
  const every = Math.ceil(told.length / FEW)
  const some = every === 1 ? told : told.filter((_, place) => place % every === 0)
  const near = climb({ start, told: some, steps: COARSE })
  return climb({ start: near, told, steps: FINE })
}

/** One member's part in the fit: gaps, their sum, own shape and silence, on the clock. */
interface Told {
  readonly gaps: number
  readonly span: number
  readonly shape: number
  readonly silence: number
}

const bounds = {
  priorShape: [0.2, 20],
  priorRate: [1, 2_000],
  leavesAfterFirst: [0.001, 0.95],
  leaving: [0.02, 50],
  staying: [0.1, 500],
} as const

/** Moves of the search: what belongs together is also moved together. */
const moves: readonly (readonly (keyof typeof bounds)[])[] = [
  ['priorShape'],
  ['priorRate'],
  ['priorShape', 'priorRate'],
  ['leavesAfterFirst'],
  ['leaving'],
  ['staying'],
  ['leaving', 'staying'],
]

const FEW = 800
const COARSE = [3, 1.7]
const FINE = [1.3, 1.1, 1.04]
const MOST_ROUNDS = 10

interface Climb {
  readonly start: PooledCadence
  readonly told: readonly Told[]
  readonly steps: readonly number[]
}

function climb({ start, told, steps }: Climb): PooledCadence {
  const logLikelihood = likelihoodOf(told)
  let best = start
  let bestValue = logLikelihood(best)
  const tryMove = (names: readonly (keyof typeof bounds)[], factor: number): boolean => {
    const tried = { ...best }
    for (const name of names) {
      const [low, high] = bounds[name]
      tried[name] = Math.min(high, Math.max(low, best[name] * factor))
    }
    const likelihood = logLikelihood(tried)
    if (!(likelihood > bestValue + 1e-6)) return false
    best = tried
    bestValue = likelihood
    return true
  }
  for (const step of steps) {
    for (let round = 0; round < MOST_ROUNDS; round++) {
      let moved = false
      for (const names of moves) moved = tryMove(names, step) || tryMove(names, 1 / step) || moved
      if (!moved) break
    }
  }
  return best
}

/** What depends on the prior of the rates alone: the likelihood of all gaps, and P(gap > silence) of each. */
interface Rates {
  readonly priorShape: number
  readonly priorRate: number
  readonly sum: number
  readonly survivals: Float64Array
}

function likelihoodOf(told: readonly Told[]): (pooled: PooledCadence) => number {
  const numbered = numbering()
  const places = Int32Array.from(told, ({ gaps }) => numbered(gaps))
  const kinds: number[] = []
  for (const [i, { gaps }] of told.entries()) kinds[places[i]!] = gaps
  // The two latest: of the best so far, and of what was tried last.
  let remembered: readonly Rates[] = []
  const ratesAt = (pooled: PooledCadence): Rates => {
    const { priorShape, priorRate } = pooled
    const same = (rates: Rates) => rates.priorShape === priorShape && rates.priorRate === priorRate
    const rates = remembered.find(same) ?? ratesOf(told, pooled)
    remembered = [rates, ...remembered.filter((each) => each !== rates)].slice(0, 2)
    return rates
  }
  return (pooled) => {
    const { sum: gapsSum, survivals } = ratesAt(pooled)
    const leaves = Float64Array.from(kinds, (gaps) => leavesAfter(pooled, gaps))
    const stayed = Float64Array.from(kinds, (gaps) => logStayed(pooled, gaps))
    let sum = gapsSum + pullOf(pooled)
    for (let i = 0; i < survivals.length; i++) {
      const left = leaves[places[i]!]!
      sum += stayed[places[i]!]! + Math.log(left + (1 - left) * survivals[i]!)
    }
    return sum
  }
}

function ratesOf(told: readonly Told[], { priorShape: a0, priorRate: b0 }: PooledCadence): Rates {
  const base = a0 * Math.log(b0) - gammaln(a0)
  const survivals = new Float64Array(told.length)
  let sum = told.length * base
  for (const [i, { gaps, span, shape, silence }] of told.entries()) {
    const law = { shape, a: a0 + shape * gaps, b: b0 + shape * span }
    sum += gammaln(law.a) - law.a * Math.log(law.b)
    survivals[i] = Math.exp(logSurvivalOf(law, silence))
  }
  return { priorShape: a0, priorRate: b0, sum, survivals }
}

/** ln P(staying through so many gaps). */
function logStayed({ leavesAfterFirst, leaving, staying }: PooledCadence, gaps: number): number {
  if (gaps === 0) return 0
  const further = gaps - 1
  const stayed = gammaln(leaving + staying) - gammaln(staying)
  return (
    Math.log1p(-leavesAfterFirst) + stayed + gammaln(staying + further) - gammaln(leaving + staying + further)
  )
}

/** A weak pull to the middle keeps the law proper where the data say nothing. */
function pullOf({ priorShape, priorRate, leavesAfterFirst: first, leaving, staying }: PooledCadence): number {
  const logs = [Math.log(priorShape), Math.log(priorRate / 30) / 2]
  const pulls = [...logs, Math.log(leaving / 0.5) / 2, Math.log(staying / 4) / 2]
  return Math.log(first * (1 - first)) - 0.5 * pulls.reduce((all, pull) => all + pull * pull, 0)
}
