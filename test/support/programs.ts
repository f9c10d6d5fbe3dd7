/**
 * Made-up programs of kinds that the usual simulation does not have: subscriptions, bursts, growth, closures.
 * Members join, buy at gamma gaps about a rhythm of their own, slow down or leave. Seeded.
 */
import { PurchaseCollector, type Purchases } from '../../src/retention/purchases.ts'
import { exponential, gamma, normal, type Random, seeded } from './buyers.ts'

export interface ProgramKind {
  readonly members: number
  readonly days: number
  /** usual gap in days, and how far members differ (deviation of its logarithm) */
  readonly gap: number
  readonly spread: number
  /** of the gaps' gamma law: 1 is chance, more is regular, less is bursts */
  readonly shape: number
  /** days that members stay on average */
  readonly stays: number
  readonly joins: 'at once' | 'steadily' | 'ever more'
  /** share who slow down to 0.35 of their rate at some time */
  readonly slows?: number
  readonly closed?: readonly (readonly [number, number])[]
  readonly amounts?: boolean
}

const GROWTH = 3

export function madeProgram(kind: ProgramKind, seed: number): Purchases {
  const random = seeded(seed)
  const collector = new PurchaseCollector(kind.days)
  for (let number = 0; number < kind.members; number++) {
    const usual = Math.exp(8 + 0.5 * normal(random))
    for (const day of daysOf(kind, random)) {
      const cents = kind.amounts === false ? null : Math.round(usual * Math.exp(0.4 * normal(random)))
      collector.add({ memberId: `m${String(number).padStart(6, '0')}`, day, cents })
    }
  }
  return collector.finish()
}

function daysOf(kind: ProgramKind, random: Random): number[] {
  const isClosed = (day: number) => (kind.closed ?? []).some(([first, last]) => day >= first && day <= last)
  let first = joinDay(kind, random)
  while (isClosed(first)) first++
  const gap = kind.gap * Math.exp(kind.spread * normal(random))
  const until = first + kind.stays * exponential(random)
  const slowAt = random() < (kind.slows ?? 0) ? first + random() * (kind.days - first) : kind.days + 1
  const next = () => Math.max(0.5, (gap / kind.shape) * gamma(random, kind.shape))
  const days = [first]
  let left = next()
  for (let day = first + 1; day <= Math.min(until, kind.days); day++) {
    if (isClosed(day)) continue
    left -= day > slowAt ? 0.35 : 1
    if (left > 0) continue
    days.push(day)
    left = Math.max(0, left + next())
  }
  return days.filter((day) => day <= kind.days)
}

function joinDay({ joins, days }: ProgramKind, random: Random): number {
  const u = random()
  if (joins === 'at once') return Math.floor(u * Math.min(90, days / 6))
  if (joins === 'steadily') return Math.floor(u * days)
  return Math.floor((days * Math.log1p(u * Math.expm1(GROWTH))) / GROWTH)
}
