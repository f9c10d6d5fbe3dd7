/** Rewards: what members can have for points, from which tier on, and in which stretch of time. */
import { didYouMean } from '../base/nearest.ts'
import type { MapNode, Node } from '../rules/node.ts'
import { problem } from '../rules/problem.ts'
import { compileWindow } from '../rules/window.ts'
import type { Findings } from './findings.ts'
import { asMap, childOf, scalarAt, textAt } from './nodes.ts'
import type { Currency, Ladder, Reward } from './program.ts'
import { readMoney, readPoints } from './units.ts'

export interface RewardTerms {
  readonly timeZone: string
  /** the program's money; null where that itself is wrong */
  readonly money: string | null
  readonly currencies: ReadonlyMap<string, Currency>
  readonly ladders: readonly Ladder[]
  readonly findings: Findings
}

export function readRewards(items: readonly Node[], terms: RewardTerms): Map<string, Reward> {
  const rewards = new Map<string, Reward>()
  for (const item of items) {
    const map = asMap(item)
    const id = textAt(map, 'id')
    if (map === null || id === null) continue
    if (terms.findings.isFull) break
    if (rewards.has(id)) {
      terms.findings.report(problem(scalarAt(map, 'id')!.at, `the reward "${id}" stands twice`))
      continue
    }
    const reward = readReward(id, map, terms)
    if (reward) rewards.set(id, reward)
  }
  return rewards
}

function readReward(id: string, map: MapNode, terms: RewardTerms): Reward | null {
  const { currencies } = terms
  const { report } = terms.findings
  const price = scalarAt(map, 'costs')
  const costs = price && readPoints(price, { currencies: [...currencies.keys()] }, report)
  if (price && costs && currencies.get(costs.currency)?.kind === 'qualifying') {
    report(problem(price.at, `${costs.currency} are qualifying points, which are never spent`))
  }
  const valueNode = scalarAt(map, 'value')
  const value = valueNode && readMoney(valueNode, report)
  if (valueNode && value && terms.money !== null && value.currency !== terms.money) {
    report(problem(valueNode.at, `the money of this program is ${terms.money}, not ${value.currency}`))
  }
  const tier = readTier(map, terms)
  const [from, until, through] = ['from', 'until', 'through'].map((key) => childOf(map, key) ?? undefined)
  const window = compileWindow({ from, until, through }, terms.timeZone, report)
  if (!costs || !window) return null
  const name = textAt(map, 'name') ?? id
  return { id, name, currency: costs.currency, costs: costs.points, value, tier, ...window }
}

/** `gold`, or `status.gold` where several ladders have a gold. */
function readTier(map: MapNode, { ladders, findings }: RewardTerms): Reward['tier'] {
  const { report } = findings
  const node = scalarAt(map, 'tier')
  if (node === null) return null
  const named = ladders.flatMap((ladder) =>
    ladder.tiers.map((tier) => ({ ladder: ladder.id, tier: tier.id, full: `${ladder.id}.${tier.id}` })),
  )
  const found = named.filter(({ tier, full }) => tier === node.text || full === node.text)
  if (found.length === 1) return { ladder: found[0]!.ladder, tier: found[0]!.tier }
  if (found.length > 1) {
    const hint = `write ${found.map(({ full }) => full).join(' or ')}`
    report(problem(node.at, `several ladders have a tier "${node.text}"`, { hint }))
    return null
  }
  const known = named.map(({ tier }) => tier)
  const hint =
    didYouMean(node.text, known) ?? (known.length > 0 ? `there are ${known.join(', ')}` : undefined)
  report(
    problem(node.at, known.length > 0 ? `there is no tier "${node.text}"` : 'this program has no tiers', {
      hint,
    }),
  )
  return null
}
