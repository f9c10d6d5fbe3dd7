/**
 * What members may do with points beside spending them: give them to each other, pool them in a household,
 * and what becomes of them when a membership ends. What is not declared is not allowed.
 */
import { didYouMean } from '../base/nearest.ts'
import { Decimal } from '../base/points.ts'
import { compilePhrase } from '../rules/limit.ts'
import type { MapNode, Report, ScalarNode } from '../rules/node.ts'
import { problem } from '../rules/problem.ts'
import type { Scope } from '../rules/scope.ts'
import { asMap, childOf, entriesAt, scalarAt, wordAt } from './nodes.ts'
import type { ClosingPolicy, Currency, PoolTerms, Program, TransferTerms } from './program.ts'
import { readPoints } from './units.ts'

const FEWEST_IN_POOL = 2
/** A redemption from a pool locks and debits every member of it. */
export const MOST_IN_POOL = 50

export interface SharingScope {
  readonly currencies: ReadonlyMap<string, Currency>
  readonly rules: Scope
  readonly report: Report
}

export function readSharing(
  top: MapNode,
  scope: SharingScope,
): Pick<Program, 'transfers' | 'pools' | 'closing'> {
  const pools = readPools(asMap(childOf(top, 'pools')), scope.report)
  const known: readonly ClosingPolicy[] = ['forfeit', 'keep']
  return {
    transfers: readTransfers(top, scope),
    pools,
    closing: wordAt(top, 'closing', { known, fallback: 'forfeit' }),
  }
}

function readTransfers(top: MapNode, scope: SharingScope): Map<string, TransferTerms> {
  const transfers = new Map<string, TransferTerms>()
  for (const { key, keyAt, value } of entriesAt(top, 'transfers')) {
    const currency = scope.currencies.get(key)
    if (!currency) {
      const hint = didYouMean(key, scope.currencies.keys())
      scope.report(problem(keyAt, `unknown currency "${key}"`, { hint }))
    } else if (currency.kind === 'qualifying')
      scope.report(problem(keyAt, `${key} are qualifying points, which are never given away`))
    else transfers.set(key, readTerms(asMap(value), { ...scope, currency: key }))
  }
  return transfers
}

function readTerms(map: MapNode | null, scope: SharingScope & { currency: string }): TransferTerms {
  const points = (key: string): bigint | null => {
    const node = scalarAt(map, key)
    const bare = scope.currency
    return (node && readPoints(node, { currencies: [bare], bare }, scope.report)?.points) ?? null
  }
  const fee = scalarAt(map, 'fee')
  const minimum = points('minimum') ?? 1n
  const maximum = points('maximum')
  if (maximum !== null && maximum < minimum)
    scope.report(problem(scalarAt(map, 'maximum')!.at, 'the maximum is below the minimum'))
  return {
    minimum,
    maximum,
    step: points('step') ?? 1n,
    fee: (fee && readFee(fee, scope)) ?? { points: 0n },
    limit: readLimit(map, scope),
    expires: wordAt(map, 'expires', { known: ['kept', 'anew'], fallback: 'kept' }),
    withinPool: wordAt(map, 'within', { known: ['pool', 'program'], fallback: 'program' }) === 'pool',
  }
}

/** `5 beans` or `10 %`. */
function readFee(node: ScalarNode, scope: SharingScope & { currency: string }): TransferTerms['fee'] | null {
  const percent = /^\s*(\d{1,3}(?:\.\d{1,4})?)\s*%\s*$/.exec(node.text)
  if (!percent) {
    const bare = scope.currency
    const fee = readPoints(node, { currencies: [bare], bare }, scope.report)
    return fee && { points: fee.points }
  }
  const share = new Decimal(percent[1]!)
  if (share.greaterThan(0) && share.lessThanOrEqualTo(100)) return { percent: share }
  scope.report(problem(node.at, 'a fee is above 0 % and at most 100 %'))
  return null
}

function readLimit(map: MapNode | null, scope: SharingScope & { currency: string }): TransferTerms['limit'] {
  const node = scalarAt(map, 'limit')
  const phrase = { over: 'trim' as const, name: 'transfers', scope: scope.rules }
  const limit = node && compilePhrase({ ...phrase, node }, scope.report)
  if (!node || !limit) return null
  if (limit.currency !== scope.currency)
    scope.report(problem(node.at, `expected ${scope.currency}, not ${limit.currency ?? 'times'}`))
  if (limit.unit === 'membership_year') {
    scope.report(
      problem(node.at, 'transfers are counted by calendar', { hint: 'write for instance per year' }),
    )
    return null
  }
  if (limit.per === 'member') return { points: limit.points, unit: limit.unit, text: limit.text }
  const hint = `write for instance \`1000 ${scope.currency} per member per month\`; for one transfer there is \`maximum\``
  scope.report(problem(node.at, 'a limit of transfers is per member', { hint }))
  return null
}

function readPools(map: MapNode | null, report: Report): PoolTerms | null {
  const node = scalarAt(map, 'members')
  if (!node) return null
  const members = /^\d{1,4}$/.test(node.text) ? Number(node.text) : 0
  if (members >= FEWEST_IN_POOL && members <= MOST_IN_POOL) return { members }
  report(
    problem(node.at, `expected a whole number from ${FEWEST_IN_POOL} to ${MOST_IN_POOL}; got "${node.text}"`),
  )
  return null
}
