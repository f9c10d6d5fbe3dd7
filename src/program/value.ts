/**
 * How it is reckoned what the program gives a member and what the member brings: margin, fees, benefits, what
 * spend beyond the usual costs, and where the ratings part. All of it has sensible values where nothing is said.
 */

import { didYouMean } from '../base/nearest.ts'
import { Decimal } from '../base/points.ts'
import type { MapNode, Report, ScalarNode } from '../rules/node.ts'
import { problem } from '../rules/problem.ts'
import { asMap, asScalar, childOf, entriesAt, firstOf, itemsAt, scalarAt } from './nodes.ts'
import { readMoney, readSpan } from './units.ts'

export const grades = ['A', 'B', 'C', 'D', 'E'] as const
export type Grade = (typeof grades)[number]

/** Upper ends of A to D, ascending, each above 0 and below 1; what lies beyond is E. */
export type GradeEnds = readonly [number, number, number, number]

export interface ValueTerms {
  /** share of net spend that is profit; null: not said here */
  readonly margin: Decimal | null
  /** the time that figures are reckoned over, up to now */
  readonly over: { readonly count: number; readonly unit: 'day' | 'month' }
  /** types of transactions that are fees of membership: their net is what the member pays for the program */
  readonly fees: readonly string[]
  /** what using a benefit once is worth to the member, in the program's money, by type of transaction */
  readonly benefits: ReadonlyMap<string, Decimal>
  /** share of the spend beyond the usual that is a cost to the member */
  readonly extraSpend: Decimal
  /** by profit, from the most profitable: A is the first share of the members */
  readonly valueGrades: GradeEnds
  /** by the chance of decline: A is the lowest */
  readonly riskGrades: GradeEnds
}

/** Of net spend, where neither this section nor another one says a margin. */
export const USUAL_MARGIN = new Decimal('0.3')

export const USUAL_VALUE: ValueTerms = {
  margin: null,
  over: { count: 12, unit: 'month' },
  fees: [],
  benefits: new Map(),
  extraSpend: new Decimal('0.1'),
  valueGrades: [0.2, 0.4, 0.6, 0.8],
  riskGrades: [0.1, 0.25, 0.45, 0.7],
}

export interface ValueScope {
  readonly transactionTypes: readonly string[]
  readonly money: string
  readonly report: Report
}

export function readValue(top: MapNode, scope: ValueScope): ValueTerms {
  const map = asMap(childOf(top, 'value'))
  if (map === null) return USUAL_VALUE
  const { report } = scope
  const share = (key: string) => {
    const node = scalarAt(map, key)
    return node && readShare(node, report)
  }
  const over = scalarAt(map, 'over')
  return {
    margin: share('margin'),
    over: (over && readSpan(over, report)) ?? USUAL_VALUE.over,
    fees: readFees(map, scope),
    benefits: readBenefits(map, scope),
    extraSpend: share('extraSpend') ?? USUAL_VALUE.extraSpend,
    valueGrades: readGrades(map, 'rating', { usual: USUAL_VALUE.valueGrades, report }),
    riskGrades: readGrades(map, 'risk', { usual: USUAL_VALUE.riskGrades, report }),
  }
}

/** `30 %`, from 0 to 100. */
function readShare(node: ScalarNode, report: Report): Decimal | null {
  const [, number] = /^\s*(\d{1,3}(?:\.\d{1,4})?)\s*%\s*$/.exec(node.text) ?? []
  const share = number === undefined ? null : new Decimal(number).div(100)
  if (share?.lessThanOrEqualTo(1)) return share
  const hint = /^\d*\.?\d+$/.test(node.text) ? `write it with its sign: ${node.text} %` : undefined
  report(problem(node.at, `expected a share such as 30 %; got "${node.text}"`, { hint }))
  return null
}

function readFees(map: MapNode, scope: ValueScope): string[] {
  const items = firstOf(itemsAt(map, 'fees'), { most: 100, what: 'types of fees', report: scope.report })
  return items.flatMap((item) => {
    const node = asScalar(item)
    return node && isType(node.text, node.at, scope) ? [node.text] : []
  })
}

function readBenefits(map: MapNode, scope: ValueScope): Map<string, Decimal> {
  const benefits = new Map<string, Decimal>()
  const entries = firstOf(entriesAt(map, 'benefits'), { most: 100, what: 'benefits', report: scope.report })
  for (const { key, keyAt, value } of entries) {
    const node = asScalar(value)
    const worth = node && readMoney(node, scope.report)
    if (!isType(key, keyAt, scope) || !node || !worth) continue
    if (worth.currency === scope.money) benefits.set(key, worth.amount)
    else {
      const told = `the money of this program is ${scope.money}, not ${worth.currency}`
      scope.report(problem(node.at, told))
    }
  }
  return benefits
}

function isType(name: string, at: ScalarNode['at'], { transactionTypes, report }: ValueScope): boolean {
  if (transactionTypes.includes(name)) return true
  const hint = didYouMean(name, transactionTypes) ?? `declared are ${transactionTypes.join(', ')}`
  report(problem(at, `there is no type of transaction "${name}"`, { hint }))
  return false
}

function readGrades(
  map: MapNode,
  key: 'rating' | 'risk',
  { usual, report }: { usual: GradeEnds; report: Report },
): GradeEnds {
  const own = asMap(childOf(map, key))
  const ends = usual.map((end, index) => {
    const node = scalarAt(own, grades[index]!)
    return (node && readShare(node, report)?.toNumber()) ?? end
  })
  const wrong = ends.findIndex((end, index) => end <= (ends[index - 1] ?? 0) || end >= 1)
  if (wrong < 0 || own === null) return [ends[0]!, ends[1]!, ends[2]!, ends[3]!]
  const at = scalarAt(own, grades[wrong]!)?.at ?? own.at
  const hint = 'each end lies above the one before it and below 100 %'
  report(problem(at, `the ends of A, B, C and D do not rise: ${ends.map(percent).join(', ')}`, { hint }))
  return usual
}

function percent(share: number): string {
  return `${new Decimal(share).times(100).toFixed()} %`
}
