/**
 * A made-up program whose changes are known: steady buyers, buyers who stop, buyers who slow down, under a
 * season and closures. The same seed gives the same purchases on every machine.
 */
import { PurchaseCollector, type Purchases } from './purchases.ts'

export interface SimulationPlan {
  readonly seed: number
  readonly members: number
  readonly days: number
  /** shares of members; the rest is stable */
  readonly stops: number
  readonly slows: number
  /** changes come from this day on, and early enough for a quarter to follow */
  readonly changesFrom: number
  /** trade swings by this share over the year: 0 is no season */
  readonly season: number
  /** closed days, first and last of each closure */
  readonly closures: readonly (readonly [number, number])[]
}

export type Kind = 'stable' | 'stops' | 'slows'

export interface SimulatedMember {
  readonly kind: Kind
  /** the day of the change; null for stable ones */
  readonly changeDay: number | null
}

export interface Simulated {
  readonly purchases: Purchases
  /** in the order of `purchases.memberIds` */
  readonly members: readonly SimulatedMember[]
  readonly plan: SimulationPlan
}

export const usualPlan: SimulationPlan = {
  seed: 1,
  members: 1_500,
  days: 728,
  stops: 0.2,
  slows: 0.2,
  changesFrom: 364,
  season: 0.25,
  closures: [[540, 553]],
}

const SLOWED_TO = 0.35
const QUARTER = 91
const YEAR = 364

export function simulate(plan: SimulationPlan): Simulated {
  const random = randomNumbers(plan.seed)
  const trade = tradeOf(plan)
  const collector = new PurchaseCollector(plan.days)
  const told = new Map<string, SimulatedMember>()
  for (let number = 0; number < plan.members; number++) {
    const memberId = String(number).padStart(8, '0')
    const kind = kindOf(random(), plan)
    const span = Math.max(1, plan.days - QUARTER - plan.changesFrom)
    const changeDay = kind === 'stable' ? null : plan.changesFrom + Math.floor(random() * span)
    const days = purchaseDays({ plan, trade, random, kind, changeDay })
    for (const day of days) {
      const cents = Math.round(Math.exp(7.5 + 0.5 * normal(random)))
      collector.add({ memberId, day, cents })
    }
    if (days.length > 0) told.set(memberId, { kind, changeDay })
  }
  const purchases = collector.finish()
  return { purchases, members: purchases.memberIds.map((id) => told.get(id)!), plan }
}

function kindOf(chance: number, { stops, slows }: SimulationPlan): Kind {
  if (chance < stops) return 'stops'
  return chance < stops + slows ? 'slows' : 'stable'
}

/** Trade of each day, 1 on a usual one. */
function tradeOf({ days, season, closures }: SimulationPlan): Float64Array {
  const trade = Float64Array.from(
    { length: days + 1 },
    (_, day) => 1 + season * Math.sin((2 * Math.PI * day) / YEAR),
  )
  for (const [first, last] of closures) trade.fill(0, first, last + 1)
  return trade
}

interface Buying {
  readonly plan: SimulationPlan
  readonly trade: Float64Array
  readonly random: () => number
  readonly kind: Kind
  readonly changeDay: number | null
}

/** Gamma gaps in trade time, run through the days until the trade that a gap asks for has passed. */
function purchaseDays({ plan, trade, random, kind, changeDay }: Buying): number[] {
  const meanGap = Math.exp(Math.log(10) + 0.5 * normal(random))
  // From a little burstier than chance to nearly clockwork.
  const shape = Math.min(8, Math.max(0.8, Math.exp(0.5 + 0.5 * normal(random))))
  const found: number[] = []
  let left = random() * meanGap
  for (let day = 0; day <= plan.days; day++) {
    const hasChanged = changeDay !== null && day >= changeDay
    if (hasChanged && kind === 'stops') break
    left -= trade[day]! * (hasChanged ? SLOWED_TO : 1)
    if (left > 0 || trade[day] === 0) continue
    found.push(day)
    left += (meanGap / shape) * gamma(shape, random)
    if (left < 0) left = 0
  }
  return found
}

/** Numbers in [0, 1) from a seed: mulberry32, whose 2^32 steps are plenty for tests of this kind. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function normal(random: () => number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random()))
  return radius * Math.cos(2 * Math.PI * random())
}

/** Marsaglia and Tsang (2000), with the usual lift for shapes below 1. */
function gamma(shape: number, random: () => number): number {
  if (shape < 1) return gamma(shape + 1, random) * (1 - random()) ** (1 / shape)
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = normal(random)
    const v = (1 + c * x) ** 3
    if (v > 0 && Math.log(1 - random()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v
  }
}
