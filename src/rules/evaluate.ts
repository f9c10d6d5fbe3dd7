/**
 * Values a transaction: which rules fire, what they give, and why. Pure: the same facts, member and limits
 * used give the same valuation. The only refusals are a limit that says so and points out of range.
 */
import { type Rounding, toPoints } from '../base/points.ts'
import type { Grant } from './award.ts'
import { Basis } from './basis.ts'
import { LimitBook } from './book.ts'
import { type Candidates, candidatesFor, indexRules } from './candidates.ts'
import { type LineCondition, seenOf } from './condition.ts'
import type {
  Award,
  Extension,
  MemberFacts,
  RuleTrace,
  TransactionFacts,
  UsedOf,
  Valuation,
} from './facts.ts'
import type { Test } from './matcher.ts'
import type { Rule } from './rule.ts'
import { Sight } from './sight.ts'
import { settle } from './value.ts'

/** A program's rules, ready to evaluate. */
export interface RuleSet {
  /** in file order, which is the order of evaluation */
  readonly rules: readonly Rule[]
  readonly neverEarn: LineCondition | null
  readonly timeZone: string
  /** ISO 4217 */
  readonly money: string
  readonly byType: ReadonlyMap<string, Candidates>
  /** some rule puts off lapses, so a transaction may change points that the member has */
  readonly extends: boolean
  /** currencies that each rule can give */
  readonly givers: ReadonlyMap<string, readonly string[]>
}

export function buildRuleSet(input: {
  rules: readonly Rule[]
  neverEarn: LineCondition | null
  timeZone: string
  money: string
}): RuleSet {
  const givers = new Map(
    input.rules.map(({ id, grants }) => [id, [...new Set(grants.map(({ currency }) => currency))]]),
  )
  const puttingOff = input.rules.some(({ extend }) => extend !== null)
  return { ...input, byType: indexRules(input.rules), extends: puttingOff, givers }
}

interface Question {
  readonly transaction: TransactionFacts
  readonly member: MemberFacts
  readonly used: UsedOf
  /** trace every rule that may apply, the ones that fired and the ones that did not */
  readonly explain?: boolean
}

/** What happens in one evaluation. */
interface Run {
  readonly sight: Sight
  readonly book: LimitBook
  readonly explain: boolean
  readonly awards: Award[]
  readonly extensions: (Extension & { rule: string })[]
  readonly trace: RuleTrace[]
}

/** Throws DomainError `limit_reached` (a limit that refuses) and `points_out_of_range`. */
export function evaluate(set: RuleSet, { transaction, member, used, explain = false }: Question): Valuation {
  const sight = new Sight({ transaction, member, timeZone: set.timeZone, givers: set.givers })
  const { neverEarn } = set
  const basis = new Basis(transaction, (line) => {
    sight.line = line
    return neverEarn?.holds(sight) ?? false
  })
  sight.line = null
  sight.basis = basis

  const run: Run = { sight, book: new LimitBook(used), explain, awards: [], extensions: [], trace: [] }
  const candidates = set.byType.get(transaction.type)
  if (candidates) {
    const places = explain ? candidates.all : candidatesFor(candidates, sight)
    for (const place of places) apply(set.rules[place]!, run)
  }
  return {
    awards: run.awards,
    extensions: run.extensions,
    uses: run.book.uses(),
    spend: basis.sum('net'),
    trace: run.trace,
  }
}

function apply(rule: Rule, run: Run): void {
  const { sight } = run
  const closed = whyNotInForce(rule, sight.transaction.occurredAt)
  if (closed !== null) {
    skip(rule, run, closed)
    return
  }
  if (fails(rule.tests, rule, run)) return
  if (!rule.perLine) {
    for (const grant of rule.grants) give(rule, grant, run)
    putOff(rule, run)
    return
  }

  const lines = sight.basis?.lines ?? []
  if (lines.length === 0) skip(rule, run, 'no line of this transaction may earn')
  for (const line of lines) {
    sight.line = line
    if (fails(rule.lineTests, rule, run)) continue
    for (const grant of rule.grants) give(rule, grant, run)
    putOff(rule, run)
  }
  sight.line = null
}

/** Once in a transaction, however many of its lines match. */
function putOff({ id: rule, extend }: Rule, { extensions, explain, trace }: Run): void {
  if (extend === null || extensions.some((each) => each.rule === rule)) return
  extensions.push({ rule, ...extend })
  if (explain) trace.push({ rule, fired: true, saw: { extend: `${extend.currency} by ${extend.text}` } })
}

function whyNotInForce({ from, until }: Rule, at: Date): string | null {
  if (from !== null && at < from) return 'the rule had not begun yet'
  return until !== null && at >= until ? 'the rule had ended' : null
}

/** Whether a test fails; the first that does is what the trace tells of. */
function fails(tests: readonly Test[], rule: Rule, run: Run): boolean {
  for (const test of tests) {
    if (test.holds(run.sight)) continue
    if (run.explain) skip(rule, run, test.because(run.sight))
    return true
  }
  return false
}

function skip(rule: Rule, { sight, explain, trace }: Run, because: string): void {
  if (explain) trace.push({ rule: rule.id, fired: false, ...lineOf(sight), because })
}

function lineOf({ line }: Sight): { lineId?: string } {
  return line === null ? {} : { lineId: line.lineId }
}

function give(rule: Rule, grant: Grant, run: Run): void {
  const { sight } = run
  const raw = grant.exact(sight)
  if (raw === undefined) {
    skip(rule, run, sight.failure)
    return
  }
  const exact = settle(raw)
  const rounded = exact.isPositive() ? toPoints(exact, grant.rounding) : 0n
  if (rounded === 0n) {
    skip(rule, run, `it comes to ${exact.toDecimalPlaces(6).toFixed()} points`)
    return
  }

  const wish = { rule: rule.id, limit: rule.limit, currency: grant.currency, points: rounded }
  const points = run.book.allow(wish, sight)
  const saw = whatIsSeen(rule, grant, sight)
  if (run.explain) {
    run.trace.push({
      rule: rule.id,
      fired: true,
      ...lineOf(sight),
      saw,
      exact: exact.toFixed(),
      rounding: grant.rounding,
      ...(points === rounded ? {} : { trimmed: Number(rounded - points) }),
    })
  }
  if (points === 0n) return
  sight.give(rule.id, grant.currency, points)
  const how = exact.isInteger() ? '' : roundedHow[grant.rounding]
  const cut = points === rounded ? '' : `, cut to ${points} by the limit of ${rule.limit?.text}`
  run.awards.push({
    rule: rule.id,
    currency: grant.currency,
    points,
    lineId: sight.line?.lineId ?? null,
    explanation: `${grant.explain({ sight, exact, saw })}${how}${cut}`,
  })
}

const roundedHow: Record<Rounding, string> = {
  floor: ', rounded down',
  ceil: ', rounded up',
  half_up: ', rounded to the nearest',
  half_even: ', rounded to the nearest',
}

function whatIsSeen(rule: Rule, grant: Grant, sight: Sight): Record<string, string> {
  const saw: Record<string, string> = {}
  for (const fact of rule.facts) saw[fact.name] = seenOf(fact, sight)
  for (const fact of grant.facts) saw[fact.name] ??= seenOf(fact, sight)
  return saw
}
