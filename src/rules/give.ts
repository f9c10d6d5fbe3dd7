/**
 * One rule against one transaction: whether it is open, what it would give to each line or in all, and
 * taking what it gives, limited, rounded and explained, into the run.
 */
import { Decimal, type Rounding, toPoints } from '../base/points.ts'
import type { Grant } from './award.ts'
import type { Allowed, LimitBook } from './book.ts'
import { seenOf } from './condition.ts'
import type { Fact } from './fact.ts'
import type { Award, Extension, LineFacts, RuleTrace } from './facts.ts'
import type { Test } from './matcher.ts'
import type { Rule } from './rule.ts'
import type { Sight } from './sight.ts'
import { settle } from './value.ts'

/** What happens in one evaluation. */
export interface Run {
  readonly sight: Sight
  readonly book: LimitBook
  readonly explain: boolean
  /** awards say in words what they come from */
  readonly words: boolean
  /** rules whose awards others use */
  readonly builtOn: ReadonlySet<string>
  readonly awards: Award[]
  readonly extensions: (Extension & { rule: string })[]
  readonly trace: RuleTrace[]
}

/** What a rule would give, before limits. */
export interface Proposal {
  readonly rule: Rule
  readonly grant: Grant
  readonly line: LineFacts | null
  /** null: `value` in the unit of the grant says it */
  readonly exact: Decimal | null
  readonly value: number
  /** whole, above zero */
  readonly points: bigint
}

export type Take = (proposal: Proposal) => void

/** Whether a rule is in force and its conditions on the transaction hold. */
export function isOpen(rule: Rule, run: Run): boolean {
  const closed = whyNotInForce(rule, run.sight)
  if (closed === null) return !fails(rule.tests, rule, run)
  skip(rule, run, closed)
  return false
}

function whyNotInForce({ from, until, recurs }: Rule, sight: Sight): string | null {
  const at = sight.transaction.occurredAt
  if (from !== null && at < from) return 'the rule had not begun yet'
  if (until !== null && at >= until) return 'the rule had ended'
  return recurs === null || recurs.holds(sight.day) ? null : `${sight.day} is none of its days`
}

/** What an open rule gives: in all, or line by line. */
export function proposeAll(rule: Rule, run: Run, take: Take): void {
  if (!rule.perLine) {
    proposeHere(rule, run, take)
    return
  }
  const lines = run.sight.basis?.lines ?? []
  if (lines.length === 0) skip(rule, run, 'no line of this transaction may earn')
  for (const line of lines) proposeOn(line, { rule, run }, take)
}

/** Once in a transaction, however many of its lines match. */
export function putOff({ id: rule, extend }: Rule, { extensions, explain, trace }: Run): void {
  if (extend === null || extensions.some((each) => each.rule === rule)) return
  extensions.push({ rule, ...extend })
  if (explain) trace.push({ rule, fired: true, saw: { extend: `${extend.currency} by ${extend.text}` } })
}

/** What an open rule gives to one line. Leaves `sight.line` without a line. */
export function proposeOn(line: LineFacts, { rule, run }: { rule: Rule; run: Run }, take: Take): void {
  run.sight.line = line
  if (!fails(rule.lineTests, rule, run)) proposeHere(rule, run, take)
  run.sight.line = null
}

function proposeHere(rule: Rule, run: Run, take: Take): void {
  for (const grant of rule.grants) proposeExact(grant, { rule, run }, take)
  if (rule.extend !== null) putOff(rule, run)
}

/** The same in decimals. */
export function proposeExact(grant: Grant, { rule, run }: { rule: Rule; run: Run }, take: Take): void {
  const { sight } = run
  const raw = grant.exact(sight)
  if (raw === undefined) {
    skip(rule, run, sight.failure)
    return
  }
  const exact = settle(raw)
  const points = exact.isPositive() ? toPoints(exact, grant.rounding) : 0n
  if (points > 0n) take({ rule, grant, line: sight.line, exact, value: Number.NaN, points })
  else if (run.explain) skip(rule, run, `it comes to ${exact.toDecimalPlaces(6).toFixed()} points`)
}

function exactOf({ exact, value, grant }: Proposal): Decimal {
  return exact ?? new Decimal(value).dividedBy(grant.quick!.unit)
}

function isWhole({ exact, value, grant }: Proposal): boolean {
  return exact === null ? value % grant.quick!.unit === 0 : exact.isInteger()
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

export function skip(rule: Rule, { sight, explain, trace }: Run, because: string): void {
  if (explain) trace.push({ rule: rule.id, fired: false, ...lineOf(sight), because })
}

function lineOf({ line }: Sight): { lineId?: string } {
  return line === null ? {} : { lineId: line.lineId }
}

/** What limits would leave of proposals of one rule, in points of all currencies together. */
export function worth(proposals: readonly Proposal[], { book, sight }: Run): bigint {
  const sums = new Map<string, Proposal & { sum: bigint }>()
  for (const proposal of proposals) {
    const { currency } = proposal.grant
    sums.set(currency, { ...proposal, sum: (sums.get(currency)?.sum ?? 0n) + proposal.points })
  }
  let total = 0n
  for (const [currency, { rule, sum }] of sums)
    total += book.wouldAllow({ rule: rule.id, limits: rule.limits, currency, points: sum }, sight)
  return total
}

/** Takes a proposal: what its limits leave of it becomes an award. Throws `limit_reached`. */
export function commit(proposal: Proposal, run: Run): void {
  const { sight } = run
  const before = sight.line
  sight.line = proposal.line
  takeLimited(proposal, run)
  sight.line = before
}

/** The same of a proposal whose line is in hand already. */
export function takeLimited(proposal: Proposal, run: Run): void {
  const allowed = proposal.rule.limits.length === 0 ? null : allow(proposal, run)
  if (run.explain) traceOf(proposal, allowed, run)
  award(proposal, allowed, run)
}

/** What was allowed of a proposal becomes an award; null: all of it. */
function award(proposal: Proposal, allowed: Allowed | null, run: Run): void {
  const { rule, grant, line } = proposal
  const points = allowed === null ? proposal.points : allowed.points
  if (points <= 0n) return
  if (run.builtOn.size > 0 && run.builtOn.has(rule.id)) run.sight.give(rule.id, grant.currency, points)
  run.awards.push({
    rule: rule.id,
    currency: grant.currency,
    points,
    lineId: line === null ? null : line.lineId,
    explanation: run.words ? inWords(proposal, allowed, run.sight) : '',
  })
}

function allow({ rule, grant, points }: Proposal, { book, sight }: Run): Allowed {
  return book.allow({ rule: rule.id, limits: rule.limits, currency: grant.currency, points }, sight)
}

function inWords(proposal: Proposal, allowed: Allowed | null, sight: Sight): string {
  const { grant } = proposal
  const how = isWhole(proposal) ? '' : roundedHow[grant.rounding]
  const cut = allowed?.by ? `, cut to ${allowed.points} by the limit of ${allowed.by.text}` : ''
  return `${grant.explain({ sight, exact: () => exactOf(proposal) })}${how}${cut}`
}

function traceOf(proposal: Proposal, allowed: Allowed | null, { sight, trace }: Run): void {
  const { rule, grant, points } = proposal
  trace.push({
    rule: rule.id,
    fired: true,
    ...lineOf(sight),
    saw: whatIsSeen([...rule.facts, ...grant.facts], sight),
    exact: exactOf(proposal).toFixed(),
    rounding: grant.rounding,
    ...(allowed?.by ? { trimmed: Number(points - allowed.points), limit: allowed.by.text } : {}),
  })
}

const roundedHow: Record<Rounding, string> = {
  floor: ', rounded down',
  ceil: ', rounded up',
  half_up: ', rounded to the nearest',
  half_even: ', rounded to the nearest',
}

function whatIsSeen(facts: readonly Fact[], sight: Sight): Record<string, string> {
  const saw: Record<string, string> = {}
  for (const fact of facts) saw[fact.name] ??= seenOf(fact, sight)
  return saw
}
