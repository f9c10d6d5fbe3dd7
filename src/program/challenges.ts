/** Challenges: a tier in advance (a status match among them), to be kept by what is done in one or more phases. */
import { didYouMean } from '../base/nearest.ts'
import type { MapNode, Node } from '../rules/node.ts'
import { problem } from '../rules/problem.ts'
import { type CriterionTerms, readCriterion } from './criteria.ts'
import { asMap, childOf, firstOf, itemsAt, scalarAt, textAt } from './nodes.ts'
import type { Challenge, Phase } from './program.ts'
import { readLength, wordsOf } from './units.ts'

type ChallengeTerms = CriterionTerms & { readonly tiers: readonly string[] }

export function readChallenges(items: readonly Node[], terms: ChallengeTerms): Challenge[] {
  const { report, tiers } = terms
  const challenges: Challenge[] = []
  for (const item of firstOf(items, { most: 50, what: 'challenges', report })) {
    const map = asMap(item)
    const id = textAt(map, 'id')
    const tier = scalarAt(map, 'tier')
    if (map === null || id === null || tier === null) continue
    if (challenges.some((known) => known.id === id))
      report(problem(scalarAt(map, 'id')!.at, `the challenge "${id}" stands twice`))
    if (!tiers.includes(tier.text))
      report(problem(tier.at, `there is no tier "${tier.text}"`, { hint: didYouMean(tier.text, tiers) }))
    else if (tier.text === tiers[0])
      report(problem(tier.at, `"${tier.text}" is everybody's: there is nothing to keep`))
    const list = childOf(map, 'phases')
    const phases = itemsAt(map, 'phases').flatMap((each) => readPhase(asMap(each), terms) ?? [])
    if (list?.kind === 'list' && list.items.length === 0)
      report(problem(list.at, 'a challenge needs at least one phase'))
    challenges.push({ id, tier: tier.text, phases })
  }
  return challenges
}

/** `{ for: 90 days, reach: { nights: 10 } }` */
function readPhase(map: MapNode | null, terms: ChallengeTerms): Phase | null {
  const node = scalarAt(map, 'for')
  const length = node && readLength(node, wordsOf(node.text), terms.report)
  const criterion = childOf(map, 'reach')
  const reach = criterion && readCriterion(criterion, terms)
  if (!length || !reach) return null
  const { count, unit } = length
  return { length: unit === 'year' ? { count: count * 12, unit: 'month' } : { count, unit }, reach }
}
