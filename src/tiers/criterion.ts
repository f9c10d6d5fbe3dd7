/**
 * Whether a criterion is met by what was counted, what is missing, and how either is said. Thresholds are
 * inclusive: exactly at the threshold is reached.
 */
import { Decimal } from '../base/points.ts'
import type { Counter, Criterion, Stretch } from '../program/program.ts'

/** What a counter gathered in the period in question, or in a stretch of its own. */
export type Counts = (counter: Counter, within?: Stretch) => Decimal

export interface Missing {
  readonly counter: Counter
  /** always above zero */
  readonly missing: Decimal
}

/** The base tier has no criterion, which everybody meets. */
export function isMet(criterion: Criterion | null, counts: Counts): boolean {
  if (criterion === null) return true
  switch (criterion.kind) {
    case 'counter':
      return counts(criterion.counter, criterion.within).greaterThanOrEqualTo(criterion.atLeast)
    case 'all':
      return criterion.of.every((part) => isMet(part, counts))
    case 'any':
      return criterion.of.some((part) => isMet(part, counts))
    case 'some':
      return criterion.of.filter((part) => isMet(part, counts)).length >= criterion.atLeast
  }
}

/** What a criterion that is met takes of its counters: of alternatives the first that is met. */
export function costOf(criterion: Criterion | null, counts: Counts): Map<Counter, Decimal> {
  const cost = new Map<Counter, Decimal>()
  const add = (part: Criterion): void => {
    if (part.kind === 'counter') {
      if (!part.within && !part.counter.startsWith('attribute:'))
        cost.set(part.counter, Decimal.max(part.atLeast, cost.get(part.counter) ?? 0))
      return
    }
    const met = part.of.filter((each) => isMet(each, counts))
    const most = part.kind === 'any' ? 1 : part.kind === 'some' ? part.atLeast : met.length
    met.slice(0, most).forEach(add)
  }
  if (criterion) add(criterion)
  return cost
}

/**
 * What is still missing: of `all` everything that is not there, of `any` the way that is nearest (the
 * largest share done; among equals the one written first). Empty where the criterion is met.
 */
export function missingOf(criterion: Criterion | null, counts: Counts): Missing[] {
  if (criterion === null || isMet(criterion, counts)) return []
  if (criterion.kind === 'counter') {
    const { counter, atLeast, within } = criterion
    return [{ counter, missing: atLeast.minus(counts(counter, within)) }]
  }
  if (criterion.kind === 'all') {
    return largestByCounter(criterion.of.flatMap((part) => missingOf(part, counts)))
  }
  const nearest = criterion.of
    .map((part) => ({ part, done: shareDone(part, counts) }))
    .sort((a, b) => b.done.comparedTo(a.done))
    .slice(0, criterion.kind === 'some' ? criterion.atLeast : 1)
  return largestByCounter(nearest.flatMap(({ part }) => missingOf(part, counts)))
}

/** How much of a criterion is done, 0 to 1; of `all` the part that is furthest behind. */
function shareDone(criterion: Criterion, counts: Counts): Decimal {
  if (isMet(criterion, counts)) return new Decimal(1)
  if (criterion.kind === 'counter') {
    return Decimal.max(0, counts(criterion.counter, criterion.within)).dividedBy(criterion.atLeast)
  }
  const shares = criterion.of.map((part) => shareDone(part, counts))
  if (criterion.kind === 'all') return Decimal.min(...shares)
  // The one of the nearest so many that is furthest behind.
  const most = criterion.kind === 'some' ? criterion.atLeast : 1
  return shares.sort((a, b) => b.comparedTo(a))[most - 1] ?? new Decimal(0)
}

// Two parts of one criterion may ask for the same counter: the larger one covers the smaller.
function largestByCounter(all: readonly Missing[]): Missing[] {
  const largest = new Map<Counter, Missing>()
  for (const one of all) {
    const known = largest.get(one.counter)
    if (!known || one.missing.greaterThan(known.missing)) largest.set(one.counter, one)
  }
  return [...largest.values()]
}

/** `spend 480 of 500 and own 24000 of 25000`: what was counted against what was asked. */
export function tally(criterion: Criterion | null, counts: Counts): string {
  if (criterion === null) return 'nothing needed'
  if (criterion.kind === 'counter') {
    const { counter, within, atLeast } = criterion
    const have = counts(counter, within).toFixed()
    return `${counterName(counter)} ${have} of ${atLeast.toFixed()}${stretchName(within)}`
  }
  const parts = criterion.of.map((part) => {
    const text = tally(part, counts)
    return part.kind === 'counter' ? text : `(${text})`
  })
  if (criterion.kind === 'some') return `${criterion.atLeast} of: ${parts.join(', ')}`
  return parts.join(criterion.kind === 'all' ? ' and ' : ' or ')
}

function stretchName(within: Stretch | undefined): string {
  if (!within) return ''
  return within.kind === 'ever' ? ' ever' : ` in ${within.count} ${within.kind}`
}

/** The counter as the rule files call it: `points:miles` is `miles`. */
function counterName(counter: Counter): string {
  return counter.replace(/^(points|attribute):/, '')
}
