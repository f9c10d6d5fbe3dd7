/**
 * Whether a criterion is met by what was counted, what is missing, and how either is said. Thresholds are
 * inclusive: exactly at the threshold is reached.
 */
import { Decimal } from '../base/points.ts'
import type { Counter, Criterion } from '../program/program.ts'

/** What a counter gathered in the period in question. */
export type Counts = (counter: Counter) => Decimal

export interface Missing {
  readonly counter: Counter
  /** always above zero */
  readonly missing: Decimal
}

/** The base tier has no criterion, which everybody meets. */
export function isMet(criterion: Criterion | null, counts: Counts): boolean {
  if (criterion === null) return true
  if (criterion.kind === 'counter') {
    return counts(criterion.counter).greaterThanOrEqualTo(criterion.atLeast)
  }
  return criterion.kind === 'all'
    ? criterion.of.every((part) => isMet(part, counts))
    : criterion.of.some((part) => isMet(part, counts))
}

/**
 * What is still missing: of `all` everything that is not there, of `any` the way that is nearest (the
 * largest share done; among equals the one written first). Empty where the criterion is met.
 */
export function missingOf(criterion: Criterion | null, counts: Counts): Missing[] {
  if (criterion === null || isMet(criterion, counts)) return []
  if (criterion.kind === 'counter') {
    return [{ counter: criterion.counter, missing: criterion.atLeast.minus(counts(criterion.counter)) }]
  }
  if (criterion.kind === 'all') {
    return largestByCounter(criterion.of.flatMap((part) => missingOf(part, counts)))
  }
  const nearest = criterion.of
    .map((part) => ({ part, done: shareDone(part, counts) }))
    .reduce((best, next) => (next.done.greaterThan(best.done) ? next : best))
  return missingOf(nearest.part, counts)
}

/** How much of a criterion is done, 0 to 1; of `all` the part that is furthest behind. */
function shareDone(criterion: Criterion, counts: Counts): Decimal {
  if (isMet(criterion, counts)) return new Decimal(1)
  if (criterion.kind === 'counter') {
    return Decimal.max(0, counts(criterion.counter)).dividedBy(criterion.atLeast)
  }
  const shares = criterion.of.map((part) => shareDone(part, counts))
  return criterion.kind === 'all' ? Decimal.min(...shares) : Decimal.max(...shares)
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
    const have = counts(criterion.counter).toFixed()
    return `${counterName(criterion.counter)} ${have} of ${criterion.atLeast.toFixed()}`
  }
  const parts = criterion.of.map((part) => {
    const text = tally(part, counts)
    return part.kind === 'counter' ? text : `(${text})`
  })
  return parts.join(criterion.kind === 'all' ? ' and ' : ' or ')
}

/** The counter as the rule files call it: `points:miles` is `miles`. */
function counterName(counter: Counter): string {
  return counter.startsWith('points:') ? counter.slice('points:'.length) : counter
}
