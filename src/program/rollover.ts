/** What of a surplus is carried over when a tier's time ends: all, at most so much, a share; the same for all tiers or by tier. */
import { didYouMean } from '../base/nearest.ts'
import { Decimal } from '../base/points.ts'
import type { Node, Report } from '../rules/node.ts'
import { problem } from '../rules/problem.ts'
import { readNumber } from '../rules/value.ts'
import type { Ladder, Rollover } from './program.ts'

interface RolloverTerms {
  readonly tiers: readonly string[]
  readonly period: Ladder['period']
  readonly report: Report
}

/** `all`, `300`, `50 %`, or `{ gold: 200, platinum: 300 }`; null where nothing is carried, or after a report. */
export function readRollover(node: Node | null, { tiers, period, report }: RolloverTerms): Rollover | null {
  if (node === null) return null
  if (period.kind === 'rolling') {
    report(problem(node.at, 'a rolling period has no end to carry anything over'))
    return null
  }
  const none = { most: null, share: null, byTier: new Map<string, Decimal>() }
  if (node.kind === 'map') {
    for (const { key, keyAt, value } of node.entries) {
      const most = value.kind === 'scalar' ? readNumber(value.text) : null
      if (!tiers.includes(key))
        report(problem(keyAt, `there is no tier "${key}"`, { hint: didYouMean(key, tiers) }))
      else if (!most || most.isNegative()) report(problem(value.at, 'expected a number from 0'))
      else none.byTier.set(key, most)
    }
    return { ...none, most: new Decimal(0) }
  }
  const text = node.kind === 'scalar' ? node.text.trim() : ''
  if (text === 'all') return none
  const share = /^(\d{1,3}(?:\.\d+)?) ?%$/.exec(text)
  if (share && Number(share[1]) <= 100) return { ...none, share: new Decimal(share[1]!).dividedBy(100) }
  const most = readNumber(text)
  if (most && !most.isNegative()) return { ...none, most }
  report(problem(node.at, 'expected all, a number such as 300, a share such as 50 %, or numbers by tier'))
  return null
}

/** What of a surplus of a tier is carried over. */
export function carriedOver({ most, share, byTier }: Rollover, tier: string, surplus: Decimal): Decimal {
  const carried = share === null ? surplus : surplus.times(share).floor()
  const cap = byTier.get(tier) ?? most
  return cap === null ? carried : Decimal.min(carried, cap)
}
