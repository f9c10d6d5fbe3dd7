/**
 * Ladders: the tiers of a program, what reaches them, and how long they last. The first tier is everybody's;
 * each one above it asks for more than the one below.
 */
import { didYouMean } from '../base/nearest.ts'
import { MONTHS } from '../base/time.ts'
import type { MapNode, Report, ScalarNode } from '../rules/node.ts'
import { problem } from '../rules/problem.ts'
import { readChallenges } from './challenges.ts'
import { type CriterionTerms, checkAscending, readCriterion } from './criteria.ts'
import { asMap, childOf, firstOf, itemsAt, scalarAt, textAt, wordAt } from './nodes.ts'
import type { Ladder, Tier } from './program.ts'
import { readRollover } from './rollover.ts'
import { readLength, wordsOf } from './units.ts'

/** The id of the one ladder that stands under `tiers:`. */
const MAIN_LADDER = 'main'

/** The ladders as far as they can be read; tiers keep their order and names whatever else is wrong. */
export function readLadders(top: MapNode, terms: CriterionTerms): Ladder[] {
  const single = asMap(childOf(top, 'tiers'))
  const several = asMap(childOf(top, 'ladders'))
  if (single && several) {
    const at = top.entries.find(({ key }) => key === 'ladders')?.keyAt ?? several.at
    terms.report(
      problem(at, 'tiers stand under "tiers" or, where there are several ladders, under "ladders"'),
    )
  }
  const ladders = single ? [readLadder(MAIN_LADDER, single, terms)] : []
  for (const { key, value } of firstOf(several?.entries ?? [], {
    most: 10,
    what: 'ladders',
    report: terms.report,
  })) {
    const map = asMap(value)
    if (map) ladders.push(readLadder(key, map, terms))
  }
  return ladders
}

function readLadder(id: string, map: MapNode, terms: CriterionTerms): Ladder {
  const { report } = terms
  const periodNode = scalarAt(map, 'period')
  const period = (periodNode && readPeriod(periodNode, report)) ?? { kind: 'calendar_year' as const }
  const validityNode = scalarAt(map, 'validity')
  const validity = (validityNode && readValidity(validityNode, period, report)) ?? usualValidity(period)
  const downgrade = wordAt(map, 'downgrade', { known: ['one step', 'earned', 'never'], fallback: 'earned' })
  const soft = childOf(map, 'softLanding')
  if (soft && downgrade !== 'one step')
    report(problem(soft.at, 'a soft landing is one step down: it needs `downgrade: one step`'))
  const grace = scalarAt(map, 'grace')
  const upgrade = wordAt(map, 'upgrade', { known: ['at once', 'next period'], fallback: 'at once' })
  if (upgrade === 'next period' && period.kind === 'rolling')
    report(
      problem(scalarAt(map, 'upgrade')!.at, 'a rolling period has no next one', { hint: 'write at once' }),
    )
  const counting = wordAt(map, 'counting', { known: ['plain', 'spent on upgrade'], fallback: 'plain' })
  const spent = counting === 'spent on upgrade'
  if (spent && period.kind === 'rolling')
    report(problem(scalarAt(map, 'counting')!.at, 'what a rolling period counts is never used up'))
  if (spent && upgrade === 'next period')
    report(problem(scalarAt(map, 'counting')!.at, 'counters are used up where upgrades are at once'))
  const tiers = readTiers(map, { ...terms, spent })
  const names = tiers.map((tier) => tier.id)
  return {
    id,
    tiers,
    period,
    validity,
    downgrade: downgrade === 'one step' ? 'one_step' : downgrade,
    softLanding: soft && readCriterion(soft, terms),
    upgrade: upgrade === 'at once' ? 'at_once' : 'next_period',
    graceMonths: (grace && readMonths(grace, wordsOf(grace.text), report)) ?? 0,
    counting: spent ? 'spent' : 'plain',
    rollover: readRollover(childOf(map, 'rollover'), { tiers: names, period, report }),
    challenges: readChallenges(itemsAt(map, 'challenges'), { ...terms, tiers: names }),
  }
}

/** Where nothing is said: to the end of the next period, or as long as the window is. */
function usualValidity(period: Ladder['period']): Ladder['validity'] {
  if ('months' in period) return { kind: 'months', months: period.months }
  return { kind: 'period_end', extraPeriods: 1 }
}

function readPeriod(node: ScalarNode, report: Report): Ladder['period'] | null {
  const text = node.text.trim().replaceAll(/\s+/g, ' ')
  if (text === 'calendar year') return { kind: 'calendar_year' }
  if (text === 'membership year') return { kind: 'membership_year' }
  const words = wordsOf(node.text)
  if (words[0]?.text === 'rolling') {
    const months = readMonths(node, words.slice(1), report)
    return months === null ? null : { kind: 'rolling', months }
  }
  if (text.endsWith(' from tier start')) {
    const months = readMonths(node, words.slice(0, -3), report)
    return months === null ? null : { kind: 'tier_start', months }
  }
  const known = ['calendar year', 'membership year', 'rolling 12 months', '12 months from tier start']
  const told = `expected calendar year, membership year, or rolling 12 months; got "${node.text}"`
  report(problem(node.at, told, { hint: didYouMean(text, known) }))
  return null
}

function readMonths(node: ScalarNode, words: ReturnType<typeof wordsOf>, report: Report): number | null {
  const length = readLength(node, words, report)
  if (length === null) return null
  if (length.unit !== 'day') return length.unit === 'year' ? length.count * 12 : length.count
  report(problem(node.at, 'expected a number of months or years', { offset: words[1]?.offset }))
  return null
}

function readValidity(node: ScalarNode, period: Ladder['period'], report: Report): Ladder['validity'] | null {
  const text = node.text.trim().replaceAll(/\s+/g, ' ')
  const match = /^end of (next )?period(?: plus (\d{1,2}))?$/.exec(text)
  const date = /^(\d{1,2}) ([A-Z][a-z]+) after (next )?period$/.exec(text)
  if (date && period.kind !== 'rolling') {
    const [month, day] = [MONTHS.indexOf(date[2]!) + 1, Number(date[1])]
    if (month > 0 && day >= 1 && day <= LENGTHS[month - 1]!)
      return { kind: 'date', month, day, extraPeriods: date[3] ? 1 : 0 }
    report(
      problem(node.at, `there is no "${date[1]} ${date[2]}" in every year`, {
        hint: didYouMean(date[2]!, MONTHS),
      }),
    )
    return null
  }
  if (match && period.kind !== 'rolling') {
    return { kind: 'period_end', extraPeriods: (match[1] ? 1 : 0) + Number(match[2] ?? 0) }
  }
  if (match || date) {
    report(problem(node.at, 'a rolling period has no end', { hint: 'write a length such as 12 months' }))
    return null
  }
  if (/^\d/.test(node.text)) {
    const months = readMonths(node, wordsOf(node.text), report)
    return months === null ? null : { kind: 'months', months }
  }
  const told = `expected end of period, end of next period, 31 March after period, or a length such as 12 months; got "${node.text}"`
  const known = ['end of period', 'end of next period', '31 March after period', '12 months']
  const forGood = /^(lifetime|forever|for ever|unlimited)$/.test(node.text)
    ? 'write downgrade: never'
    : undefined
  const longer = /^end of (next )?period (?:plus|\+) \d+ (?:day|week|month)s?$/.exec(text)
  const byDate = longer && `write the day: 28 February after ${longer[1] ?? ''}period`
  report(problem(node.at, told, { hint: forGood ?? byDate ?? didYouMean(node.text, known) }))
  return null
}

// 29 February is no day of every year.
const LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

function readTiers(ladder: MapNode, terms: CriterionTerms & { readonly spent: boolean }): Tier[] {
  const { report } = terms
  const list = childOf(ladder, 'ladder')
  const items = itemsAt(ladder, 'ladder')
  if (list?.kind === 'list' && items.length === 0)
    report(problem(list.at, 'a ladder needs at least one tier'))

  const tiers: Tier[] = []
  for (const item of firstOf(items, { most: 50, what: 'tiers', report })) {
    const map = asMap(item)
    const id = textAt(map, 'id')
    if (map === null || id === null) continue
    if (tiers.some((tier) => tier.id === id)) {
      report(problem(scalarAt(map, 'id')!.at, `the tier "${id}" stands twice`))
      continue
    }
    const rank = tiers.length
    const reachNode = childOf(map, 'reach')
    const keepNode = childOf(map, 'keep')
    const reach = reachNode && readCriterion(reachNode, terms)
    const keep = (keepNode && readCriterion(keepNode, terms)) ?? reach
    if (rank === 0) {
      const asked = map.entries.find(({ key }) => key === 'reach' || key === 'keep')
      const told = `the first tier is everybody's: "${asked?.key}" has no meaning here`
      if (asked) report(problem(asked.keyAt, told, { hint: 'put a tier without it before this one' }))
    } else if (!reachNode) {
      report(problem(map.at, `"reach" is missing: only the first tier is everybody's`))
    } else if (reach && !terms.spent) {
      checkAscending(reachNode, { reach, below: tiers[rank - 1]!, terms })
    }
    tiers.push({ id, rank, reach: rank === 0 ? null : reach, keep: rank === 0 ? null : keep })
  }
  return tiers
}
