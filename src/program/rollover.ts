/** What of a surplus is carried over when a tier's time ends: all, at most so much, a share; the same for all tiers or by tier. */
import { didYouMean } from '../base/nearest.ts'
import { Decimal } from '../base/points.ts'
import type { Node, Report } from '../rules/node.ts'
import { problem } from '../rules/problem.ts'
import { readNumber } from '../rules/value.ts'
import type { Carried, Ladder, Rollover } from './program.ts'

interface RolloverTerms {
  readonly tiers: readonly string[]
  readonly period: Ladder['period']
  readonly report: Report
}

/** `all`, `300`, `50 %`, or `{ gold: 200, platinum: 50 % }`; null where nothing is carried, or after a report. */
export function readRollover(node: Node | null, { tiers, period, report }: RolloverTerms): Rollover | null {
  if (node === null) return null
  if (period.kind === 'rolling') {
    report(problem(node.at, 'a rolling period has no end to carry anything over'))
    return null
  }
  const none = { share: null, byTier: new Map<string, Carried>() }
  if (node.kind === 'map') {
    for (const { key, keyAt, value } of node.entries) {
      const carried = readCarried(value)
      if (!tiers.includes(key))
        report(problem(keyAt, `there is no tier "${key}"`, { hint: didYouMean(key, tiers) }))
      else if (carried) none.byTier.set(key, carried)
      else report(problem(value.at, 'expected all, a number such as 300, or a share such as 50 %'))
    }
    return { ...none, most: new Decimal(0) }
  }
  const carried = readCarried(node)
  if (carried) return { ...none, ...carried }
  report(
    problem(node.at, 'expected all, a number such as 300, a share such as 50 %, or one of these by tier'),
  )
  return null
}

/** `all`, `300`, `50 %`; null where it is none of these. */
function readCarried(node: Node): Carried | null {
  const text = node.kind === 'scalar' ? node.text.trim() : ''
  if (text === 'all') return { most: null, share: null }
  const share = /^(\d{1,3}(?:\.\d+)?) ?%$/.exec(text)
  if (share && Number(share[1]) <= 100) return { most: null, share: new Decimal(share[1]!).dividedBy(100) }
  const most = readNumber(text)
  return most && !most.isNegative() ? { most, share: null } : null
}

/** What of a surplus of a tier is carried over. */
export function carriedOver(rollover: Rollover, tier: string, surplus: Decimal): Decimal {
  const { most, share } = rollover.byTier.get(tier) ?? rollover
  const carried = share === null ? surplus : surplus.times(share).floor()
  return most === null ? carried : Decimal.min(carried, most)
}
