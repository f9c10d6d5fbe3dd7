/**
 * The families of laws that are fitted: their parameters by name, between which bounds they are looked for, and
 * from where. All parameters are positive and are looked for as logarithms.
 */
import { invariant } from '../base/errors.ts'
import { betaGeometric } from './beta-geometric.ts'
import type { Law } from './law.ts'
import { nbd } from './nbd.ts'
import { paretoNbd } from './pareto-nbd.ts'

export type ModelName = 'nbd' | 'bg_nbd' | 'mbg_cnbd_k' | 'pareto_nbd'

export type Parameters = Readonly<Record<string, number>>

export function lawOf(name: ModelName, parameters: Parameters): Law {
  const value = (key: string) => {
    const found = parameters[key]
    invariant(found !== undefined && found > 0, `${name} has a parameter ${key} above 0`)
    return found
  }
  const [r, alpha] = [value('r'), value('alpha')]
  if (name === 'nbd') return nbd({ r, alpha })
  if (name === 'pareto_nbd') return paretoNbd({ r, alpha, s: value('s'), beta: value('beta') })
  const [a, b] = [value('a'), value('b')]
  if (name === 'bg_nbd') return betaGeometric({ r, alpha, a, b, k: 1, firstToss: 0 })
  return betaGeometric({ r, alpha, a, b, k: value('k'), firstToss: 1 })
}

/** What the data say at a glance; the search begins there. */
export interface Glance {
  /** mean age of a member */
  readonly age: number
  /** purchases per member and unit of time */
  readonly rate: number
}

interface Variable {
  readonly name: string
  readonly lower: number
  readonly upper: number
  /** the two starts */
  readonly from: readonly [number, number]
  /** bounds and starts are multiples of the mean age, or of r over the rate of purchases, instead of plain */
  readonly of?: 'age' | 'wait'
}

// Wide enough for any programme, narrow enough that a law which collapses is caught at a bound
// and that no formula is asked where it needs thousands of terms.
const rateVariables: readonly Variable[] = [
  { name: 'r', lower: 1e-3, upper: 1e3, from: [0.5, 2] },
  { name: 'alpha', lower: 1e-5, upper: 1e4, from: [0.5, 1], of: 'wait' },
]
const tossVariables: readonly Variable[] = [
  { name: 'a', lower: 1e-3, upper: 1e3, from: [0.7, 0.2] },
  { name: 'b', lower: 1e-3, upper: 1e4, from: [2, 2] },
]

const lifetimeVariables: readonly Variable[] = [
  { name: 's', lower: 1e-3, upper: 30, from: [0.6, 1.5] },
  { name: 'beta', lower: 1e-3, upper: 300, from: [0.3, 2], of: 'age' },
]

const variablesOf: Readonly<Record<ModelName, readonly Variable[]>> = {
  nbd: rateVariables,
  bg_nbd: [...rateVariables, ...tossVariables],
  mbg_cnbd_k: [...rateVariables, ...tossVariables],
  pareto_nbd: [...rateVariables, ...lifetimeVariables],
}

export interface Search {
  readonly names: readonly string[]
  readonly lower: readonly number[]
  readonly upper: readonly number[]
  readonly starts: readonly (readonly number[])[]
}

export function searchFor(name: ModelName, { age, rate }: Glance): Search {
  const variables = variablesOf[name]
  const ln = (pick: (variable: Variable) => number, unit: { age: number; wait: number }) =>
    variables.map((variable) => Math.log(pick(variable) * (variable.of ? unit[variable.of] : 1)))
  const bounds = { age, wait: age }
  const starts = ([0, 1] as const).map((which) =>
    // At alpha = r / rate the mean rate of the law is that of the data.
    ln((variable) => variable.from[which], { age, wait: (rateVariables[0] as Variable).from[which] / rate }),
  )
  return {
    names: variables.map((variable) => variable.name),
    lower: ln((variable) => variable.lower, bounds),
    upper: ln((variable) => variable.upper, bounds),
    starts,
  }
}
