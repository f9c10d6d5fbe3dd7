/**
 * How soon changes are found when all members are looked at every week: the sequential statistic against plain
 * rules, each with the threshold at which it flags the same share of stable members at some time. Every look
 * knows purchases up to its day only.
 */
import { alarmOf } from './alarm.ts'
import { upTo } from './backtest.ts'
import type { PooledCadence } from './cadence.ts'
import { buildClock } from './clock.ts'
import { stateAt } from './cuts.ts'
import { poolCadence } from './pooling.ts'
import type { Kind, Simulated, SimulatedMember } from './simulation.ts'
import type { MemberState } from './state.ts'

const rules = ['sequential statistic', 'days silent', 'hiatus ratio'] as const
export type Rule = (typeof rules)[number]

export interface Found {
  readonly rule: Rule
  readonly threshold: number
  /** share of stable members that were flagged at some look */
  readonly falseEver: number
  /** share of stops found within 8 weeks, of slow-downs within 12 */
  readonly stopsIn8: number
  readonly slowsIn12: number
  /** weeks from change to flag, in the middle of those found at all; null where none was */
  readonly stopDelay: number | null
  readonly slowDelay: number | null
}

export interface Detection {
  readonly looks: number
  readonly members: Readonly<Record<Kind, number>>
  readonly found: readonly Found[]
}

const WEEK = 7
const STOP_WEEKS = 8
const SLOW_WEEKS = 12
const FEWEST_GAPS = 4
const POOL_EVERY = 13

export function detect(
  simulated: Simulated,
  {
    falseEver = 0.05,
    onProgress,
  }: { falseEver?: number; onProgress?: (done: number, total: number) => void } = {},
): Detection {
  const { plan, members } = simulated
  const looks: number[] = []
  for (let day = plan.changesFrom; day <= plan.days; day += WEEK) looks.push(day)
  // Values by rule, member and look; NaN before there is a rhythm.
  const values = rules.map(() => members.map(() => new Float64Array(looks.length).fill(Number.NaN)))
  let pooled: PooledCadence | null = null
  for (const [look, asOf] of looks.entries()) {
    onProgress?.(look, looks.length)
    const known = upTo(simulated.purchases, asOf)
    const clock = buildClock(known, asOf)
    const places = new Map(known.memberIds.map((id, place) => [id, place]))
    const rowOf = (member: number): MemberState | null => {
      const place = places.get(simulated.purchases.memberIds[member]!)
      return place === undefined ? null : stateAt(known, place, asOf)
    }
    const states = members.map((_, member) => rowOf(member))
    if (pooled === null || look % POOL_EVERY === 0) {
      pooled = poolCadence(
        states.filter((state) => state !== null),
        { clock, asOf },
      )
    }
    for (const [member, state] of states.entries()) {
      if (state === null || state.days - 1 < FEWEST_GAPS) continue
      const silent = asOf - state.lastDay
      const gap = (state.lastDay - state.firstDay) / (state.days - 1)
      values[0]![member]![look] = alarmOf(state, { clock, pooled, asOf }).level
      values[1]![member]![look] = silent
      values[2]![member]![look] = silent / gap
    }
  }
  const count = (kind: Kind) => members.filter((member) => member.kind === kind).length
  return {
    looks: looks.length,
    members: { stable: count('stable'), stops: count('stops'), slows: count('slows') },
    found: rules.map((rule, place) => judge({ rule, values: values[place]!, members, looks, falseEver })),
  }
}

interface Judging {
  readonly rule: Rule
  readonly values: readonly Float64Array[]
  readonly members: readonly SimulatedMember[]
  readonly looks: readonly number[]
  readonly falseEver: number
}

function judge({ rule, values, members, looks, falseEver }: Judging): Found {
  const highest = members
    .flatMap((member, i) => (member.kind === 'stable' ? [greatest(values[i]!)] : []))
    .sort((a, b) => b - a)
  const threshold = highest[Math.floor(falseEver * highest.length)] ?? Number.POSITIVE_INFINITY
  const delays = (kind: Kind) =>
    members.flatMap((member, i) =>
      member.kind === kind ? [delayOf(values[i]!, { looks, changeDay: member.changeDay!, threshold })] : [],
    )
  const [stops, slows] = [delays('stops'), delays('slows')]
  const within = (all: readonly number[], weeks: number) =>
    all.length === 0 ? 0 : all.filter((delay) => delay <= weeks).length / all.length
  return {
    rule,
    threshold,
    falseEver:
      highest.length === 0 ? 0 : highest.filter((value) => value > threshold).length / highest.length,
    stopsIn8: within(stops, STOP_WEEKS),
    slowsIn12: within(slows, SLOW_WEEKS),
    stopDelay: middle(stops),
    slowDelay: middle(slows),
  }
}

function greatest(values: Float64Array): number {
  let most = Number.NEGATIVE_INFINITY
  for (const value of values) if (value > most) most = value
  return most
}

/** Weeks from the change to the first look above the threshold after it; Infinity where there is none. */
function delayOf(
  values: Float64Array,
  { looks, changeDay, threshold }: { looks: readonly number[]; changeDay: number; threshold: number },
): number {
  const look = looks.findIndex((day, place) => day >= changeDay && values[place]! > threshold)
  return look < 0 ? Number.POSITIVE_INFINITY : (looks[look]! - changeDay) / WEEK
}

function middle(delays: readonly number[]): number | null {
  const found = delays.filter(Number.isFinite).sort((a, b) => a - b)
  return found[Math.floor(found.length / 2)] ?? null
}
