/**
 * Ladders and counters in a few words, so that a test's row shows the case and nothing else. Criteria are
 * written `spend 500`, `spend 500 & transactions 3` (all) or `spend 500 | transactions 3` (any).
 */
import { Decimal } from '../../src/base/points.ts'
import type { Day } from '../../src/base/time.ts'
import type { Counter, Criterion, Ladder, Tier } from '../../src/program/program.ts'
import type { CounterRow } from '../../src/tiers/counters.ts'

export interface LadderText {
  /** `base`, `silver: spend 500`, `gold: spend 900 keep spend 700`, lowest first */
  readonly tiers: readonly string[]
  readonly period?: Ladder['period']
  readonly validity?: Ladder['validity']
  readonly downgrade?: Ladder['downgrade']
  readonly softLanding?: string
  readonly upgrade?: Ladder['upgrade']
  readonly graceMonths?: number
  readonly counting?: Ladder['counting']
  readonly rollover?: Ladder['rollover']
  readonly challenges?: Ladder['challenges']
}

export function ladder(text: LadderText): Ladder {
  return {
    id: 'status',
    tiers: text.tiers.map(tier),
    period: text.period ?? { kind: 'calendar_year' },
    validity: text.validity ?? { kind: 'period_end', extraPeriods: 0 },
    downgrade: text.downgrade ?? 'one_step',
    softLanding: text.softLanding === undefined ? null : criterion(text.softLanding),
    upgrade: text.upgrade ?? 'at_once',
    graceMonths: text.graceMonths ?? 0,
    counting: text.counting ?? 'plain',
    rollover: text.rollover ?? null,
    challenges: text.challenges ?? [],
  }
}

function tier(text: string, rank: number): Tier {
  const [id, rest] = text.split(': ')
  if (rest === undefined) return { id: id!, rank, reach: null, keep: null }
  const [reach, keep] = rest.split(' keep ')
  return { id: id!, rank, reach: criterion(reach!), keep: criterion(keep ?? reach!) }
}

function criterion(text: string): Criterion {
  if (text.includes(' | ')) return { kind: 'any', of: text.split(' | ').map(criterion) }
  if (text.includes(' & ')) return { kind: 'all', of: text.split(' & ').map(criterion) }
  const [name, atLeast] = text.split(' ')
  return { kind: 'counter', counter: counter(name!), atLeast: new Decimal(atLeast!) }
}

function counter(name: string): Counter {
  return name === 'spend' || name === 'transactions' ? name : `points:${name}`
}

/** `2026-03-01 spend 499.99, 2026-03-02 transactions 1` as rows; empty text: none. */
export function rows(text: string): CounterRow[] {
  if (text === '') return []
  return text.split(', ').map((part) => {
    const [day, name, value] = part.split(' ')
    return row(day!, name!, value!)
  })
}

function row(day: Day, name: string, value: string | number): CounterRow {
  return { counter: counter(name), day, value: new Decimal(value) }
}
