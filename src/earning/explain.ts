/**
 * Why a transaction gave what it gave, rule by rule: valued once more with the rules, the member's facts and
 * the limits of its day, all of which were kept. Months later, under other rules, it says the same.
 */
import { DomainError, invariant } from '../base/errors.ts'
import { Decimal, toPoints, wirePoints } from '../base/points.ts'
import type { Program } from '../program/program.ts'
import { evaluate } from '../rules/evaluate.ts'
import type { Award, RuleTrace } from '../rules/facts.ts'
import { readTransaction } from './facts.ts'
import type { TransactionBody } from './transaction.ts'
import { type KeptValuation, memberFactsOf, usedBefore } from './valued.ts'

/** A transaction as it was recorded, or as it would be. */
export interface Valued {
  /** the version that it was valued with */
  readonly rulesVersion: string
  readonly request: TransactionBody
  readonly recordedAt: Date
  readonly kept: KeptValuation
}

/** One rule on a transaction, or on one line of it. */
export interface ExplainedRule extends RuleTrace {
  readonly name?: string
  /** of a rule that fired: what it gave in the end, after rounding and limits */
  readonly currency?: string
  readonly points?: number
  /** one sentence: `base gave 11 points for line 1: 2 points per 1 GBP of 5.90 GBP line.net, rounded down` */
  readonly text: string
}

/**
 * `program` is the version that the transaction was valued with, or the one that was published to stand in for
 * it; refuses `rules_unreadable` where that one gives something else.
 */
export function explain(program: Program, valued: Valued): ExplainedRule[] {
  const { request, recordedAt, kept, rulesVersion } = valued
  const { awards, trace } = evaluate(program.rules, {
    transaction: readTransaction(program, request, recordedAt),
    member: memberFactsOf(kept),
    used: usedBefore(kept),
    explain: true,
  })
  const summary = (all: readonly { rule: string; currency: string; points: bigint | number }[]) =>
    all.map(({ rule, currency, points }) => `${rule} ${currency} ${points}`).join('\n')
  // Milestones go by counters, which have moved on since.
  const ofRules = kept.awards.filter(({ rule }) => program.rules.givers.has(rule))
  const isSame = summary(awards) === summary(ofRules)
  if (!isSame && program.version !== rulesVersion) {
    const message = `the rules published in place of version ${rulesVersion.slice(0, 12)} give other points`
    throw new DomainError('rules_unreadable', { program: program.id, version: rulesVersion }, message)
  }
  invariant(isSame, 'the same facts under the same rules give the same awards')

  const names = new Map(program.rules.rules.map(({ id, name }) => [id, name]))
  const left = [...awards]
  return trace.map((one) => {
    const name = names.get(one.rule)
    const award = given(one) > 0n ? takeAward(left, one) : null
    return {
      ...one,
      ...(name != null && { name }),
      ...(award && { currency: award.currency, points: wirePoints(award.points) }),
      text: inWords(one, award),
    }
  })
}

/** What is left of a rule's points after rounding and limits. */
function given({ fired, exact, rounding, trimmed = 0 }: RuleTrace): bigint {
  if (!fired || exact === undefined || rounding === undefined) return 0n
  return toPoints(new Decimal(exact), rounding) - BigInt(trimmed)
}

/** Awards and the trace of rules that fired come in the same order. */
function takeAward(left: Award[], { rule, lineId }: RuleTrace): Award {
  const place = left.findIndex((award) => award.rule === rule && (award.lineId ?? undefined) === lineId)
  const [award] = left.splice(place, 1)
  invariant(place >= 0 && award, 'every rule that fired has its award')
  return award
}

function inWords(trace: RuleTrace, award: Award | null): string {
  const on = trace.lineId === undefined ? '' : ` for line ${trace.lineId}`
  if (award) {
    const isFormula = award.explanation.includes(' = ')
    // A formula ends with what it came to.
    const exact =
      trace.exact !== undefined && !new Decimal(trace.exact).isInteger() && !isFormula
        ? ` from ${shown(trace.exact)}`
        : ''
    const rounded = award.explanation.replace(/, rounded (down|up|to the nearest)/, `$&${exact}`)
    const words = isFormula ? `${rounded}${valuesSeen(trace, award.explanation)}` : rounded
    // A plain sum says no more than what it is; beside the points given, it would read as if told twice.
    const fixed = /^\d[\d.]* [^\s,]+(,|$)/.test(words) ? 'a fixed ' : ''
    return `${trace.rule} gave ${award.points} ${award.currency}${on}: ${fixed}${words}`
  }
  if (trace.fired) {
    const limit = `the limit${trace.limit === undefined ? '' : ` of ${trace.limit}`} had nothing left of it`
    return `${trace.rule} gave nothing${on}: it came to ${shown(trace.exact ?? '0')}, and ${limit}`
  }
  return `${trace.rule} gave nothing${on}: ${trace.because ?? 'it came to 0'}`
}

/** What a formula's names stood for; of one that is a name alone, its result has said it. */
function valuesSeen({ saw }: RuleTrace, explanation: string): string {
  const [, formula = ''] = explanation.split(' = ')
  const names = new Set(formula.replaceAll(/'[^']*'/g, '').match(/[A-Za-z_][\w.]*/g))
  const seen = Object.entries(saw ?? {}).filter(
    ([name, value]) => names.has(name) && name !== formula && value !== 'missing',
  )
  return seen.length === 0 ? '' : `, where ${seen.map(([name, value]) => `${name} is ${value}`).join(', ')}`
}

function shown(exact: string): string {
  return new Decimal(exact).toDecimalPlaces(6).toFixed()
}
