/** Where the outcome of an example differs from what it says, and why it came out so, in words. */
import { sumByFunder } from '../earning/funder.ts'
import type { Counter, Program } from '../program/program.ts'
import type { Valuation } from '../rules/facts.ts'
import type { Course } from './course.ts'
import type { Step } from './example.ts'
import type { Purse } from './purse.ts'

/** What is otherwise than the step says, one sentence each. */
export function compare(
  step: Step,
  { program, outcome, course }: { program: Program; outcome: Valuation; course: Course },
): string[] {
  const differences: string[] = []
  if (step.refused !== null) differences.push(`expected ${step.refused}, but the transaction was taken`)
  if (step.awards) {
    differences.push(
      ...differing(
        step.awards,
        sums(outcome, ({ rule, currency }) => `${rule} ${currency}`),
      ),
    )
  }
  if (step.totals) {
    differences.push(
      ...differing(
        step.totals,
        sums(outcome, ({ currency }) => `in all ${currency}`),
        'in all ',
      ),
    )
  }
  if (step.paidBy && step.sale) {
    const paid = sumByFunder(program, step.sale.facts, outcome.awards)
    const got = new Map(paid.map(({ funder, currency, points }) => [`paid by ${funder} ${currency}`, points]))
    differences.push(...differing(step.paidBy, got, 'paid by '))
  }
  for (const [ladder, tier] of step.tiers) {
    const got = course.standings.get(ladder)?.tier
    if (got !== tier) differences.push(`tier: expected ${tier}, got ${got ?? 'none'}`)
  }
  for (const [name, expected] of step.counters) {
    const counter =
      ['spend', 'transactions'].includes(name) || name.startsWith('attribute:') ? name : `points:${name}`
    const got = course.counted(counter as Counter, step.time)
    if (!got.equals(expected)) differences.push(`counter ${name}: expected ${expected}, got ${got.toFixed()}`)
  }
  return differences
}

/** Where what can be spent is not what the step says. */
export function comparePoints({ by, time, balances }: Step, purse: Purse | null): string[] {
  return [...balances].flatMap(([currency, expected]) => {
    const got = purse?.balance(by, currency, time) ?? 0n
    return got === expected ? [] : [`balance: expected ${expected} ${currency}, got ${got} ${currency}`]
  })
}

function sums(
  outcome: Valuation,
  keyOf: (award: Valuation['awards'][number]) => string,
): Map<string, bigint> {
  const totals = new Map<string, bigint>()
  for (const award of outcome.awards)
    totals.set(keyOf(award), (totals.get(keyOf(award)) ?? 0n) + award.points)
  return totals
}

/** Keys end in the currency: `base beans`. What is expected of a key that is not there is nothing. */
function differing(
  expected: ReadonlyMap<string, bigint>,
  got: ReadonlyMap<string, bigint>,
  prefix = '',
): string[] {
  const wanted = new Map([...expected].map(([key, points]) => [prefix + key, points]))
  return [...new Set([...wanted.keys(), ...got.keys()])].flatMap((key) => {
    const [a, b] = [wanted.get(key) ?? 0n, got.get(key) ?? 0n]
    if (a === b) return []
    const space = key.lastIndexOf(' ')
    const show = (points: bigint) => (points === 0n ? 'nothing' : `${points} ${key.slice(space + 1)}`)
    return [`${key.slice(0, space)}: expected ${show(a)}, got ${show(b)}`]
  })
}

/** Rule by rule, in words, what was given and why. */
export function traceOf({ awards, trace }: Valuation): string[] {
  const given = awards.map(({ rule, currency, points, lineId, explanation }) => {
    const line = lineId === null ? '' : ` for line ${lineId}`
    // A plain sum that nothing cut says no more than what it is.
    const how = /^\d+ [^\s,]+$/.test(explanation) ? '' : `, ${explanation}`
    return `${rule}: ${points} ${currency}${line}${how}`
  })
  const rest = trace
    .filter(({ fired }) => !fired)
    .map(({ rule, lineId, because }) => {
      const line = lineId === undefined ? '' : ` for line ${lineId}`
      return `${rule}: nothing${line}, because ${because ?? 'it does not apply'}`
    })
  return [...given, ...rest]
}
