/**
 * Members simulated from the laws that the models of retention assume, seeded: what happened until each one's
 * age, and what happened after it, which no model may see.
 */
import type { History } from '../../src/retention/cell.ts'

/** Uniform numbers in (0, 1), the same for the same seed (mulberry32). */
export type Random = () => number

export function seeded(seed: number): Random {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (((mixed ^ (mixed >>> 14)) >>> 0) + 0.5) / 2 ** 32
  }
}

export function exponential(random: Random): number {
  return -Math.log(random())
}

export function normal(random: Random): number {
  return Math.sqrt(2 * exponential(random)) * Math.cos(2 * Math.PI * random())
}

/** Marsaglia and Tsang (2000). */
export function gamma(random: Random, shape: number): number {
  if (shape < 1) return gamma(random, shape + 1) * random() ** (1 / shape)
  const d = shape - 1 / 3
  for (;;) {
    const z = normal(random)
    const v = (1 + z / Math.sqrt(9 * d)) ** 3
    if (v > 0 && Math.log(random()) < (z * z) / 2 + d - d * v + d * Math.log(v)) return d * v
  }
}

function beta(random: Random, a: number, b: number): number {
  const one = gamma(random, a)
  return one / (one + gamma(random, b))
}

/** Parameters as the models name them: dropout by lifetime (s, beta), by toss (a, b), or none. */
export interface Law {
  readonly r: number
  readonly alpha: number
  readonly s?: number
  readonly beta?: number
  readonly a?: number
  readonly b?: number
  /** steps to a purchase, 1 by default */
  readonly k?: number
  /** whether the first purchase may be the last: 1 where it may */
  readonly firstToss?: number
}

export interface Buyer extends History {
  /** times of the repeat purchases until T */
  readonly times: readonly number[]
  /** still a customer at T */
  readonly alive: boolean
  /** purchases in (T, T + ahead] */
  readonly later: number
}

interface Plan {
  readonly members: number
  /** ages are spread evenly from the youngest to the oldest */
  readonly ages: readonly [number, number]
  readonly ahead: number
}

export function simulate(law: Law, { members, ages, ahead }: Plan, random: Random): Buyer[] {
  return Array.from({ length: members }, (_, i) => {
    const T = ages[0] + ((ages[1] - ages[0]) * i) / members
    return buyer(law, { T, ahead }, random)
  })
}

function buyer(law: Law, { T, ahead }: { T: number; ahead: number }, random: Random): Buyer {
  const rate = gamma(random, law.r) / law.alpha
  const leaves =
    law.s === undefined
      ? Number.POSITIVE_INFINITY
      : exponential(random) / (gamma(random, law.s) / (law.beta ?? 1))
  const toss = law.a === undefined ? 0 : beta(random, law.a, law.b ?? 1)
  const times: number[] = []
  let [at, later, left] = [0, 0, Number.POSITIVE_INFINITY]
  if (law.firstToss === 1 && random() < toss) left = 0
  while (left === Number.POSITIVE_INFINITY) {
    for (let step = 0; step < (law.k ?? 1); step++) at += exponential(random) / rate
    if (at > Math.min(T + ahead, leaves)) break
    if (at <= T) times.push(at)
    else later += 1
    if (random() < toss) left = at
  }
  return { x: times.length, tx: times.at(-1) ?? 0, T, times, alive: Math.min(left, leaves) > T, later }
}

/** The sum of the logarithms of all gaps. */
export function logGapsOf(buyers: readonly Buyer[]): number {
  let sum = 0
  for (const { times } of buyers) {
    times.forEach((time, i) => {
      sum += Math.log(time - (times[i - 1] ?? 0))
    })
  }
  return sum
}
