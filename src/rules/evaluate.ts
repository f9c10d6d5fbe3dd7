/**
 * Values a transaction: which rules fire, what they give, and why. Pure: the same facts, member and limits
 * used give the same valuation. The only refusals are a limit that says so and points out of range.
 */
import { basisOf } from './basis.ts'
import { LimitBook } from './book.ts'
import { type Candidates, candidatesFor, indexRules } from './candidates.ts'
import type { LineCondition } from './condition.ts'
import type { MemberFacts, TransactionFacts, UsedOf, Valuation } from './facts.ts'
import { commit, isOpen, type Proposal, proposeAll, type Run, skip } from './give.ts'
import { pick } from './pick.ts'
import type { Rule } from './rule.ts'
import { Sight } from './sight.ts'

/** A program's rules, ready to evaluate. */
export interface RuleSet {
  /** in the order of evaluation: see order.ts */
  readonly rules: readonly Rule[]
  readonly neverEarn: LineCondition | null
  readonly timeZone: string
  /** ISO 4217 */
  readonly money: string
  readonly byType: ReadonlyMap<string, Candidates>
  /** some rule puts off lapses, so a transaction may change points that the member has */
  readonly extends: boolean
  /** rules whose awards others use */
  readonly builtOn: ReadonlySet<string>
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
  const builtOn = new Set(input.rules.flatMap(({ builds }) => builds))
  const puttingOff = input.rules.some(({ extend }) => extend !== null)
  return { ...input, byType: indexRules(input.rules), extends: puttingOff, givers, builtOn }
}

export interface Question {
  readonly transaction: TransactionFacts
  readonly member: MemberFacts
  readonly used: UsedOf
  /** told of limits over all members that had less left than a rule would have given */
  readonly short?: (limit: string, period: string) => void
  /** trace every rule that may apply, the ones that fired and the ones that did not */
  readonly explain?: boolean
}

/** Throws DomainError `limit_reached` (a limit that refuses) and `points_out_of_range`. */
export function evaluate(set: RuleSet, question: Question): Valuation {
  const { transaction, member, used, short, explain = false } = question
  const sight = new Sight({ transaction, member, timeZone: set.timeZone, givers: set.givers })
  const { neverEarn } = set
  const basis = basisOf(transaction, (line) => {
    sight.line = line
    return neverEarn?.holds(sight) ?? false
  })
  sight.line = null
  sight.basis = basis

  const run: Run = {
    sight,
    book: new LimitBook(used, short),
    explain,
    builtOn: set.builtOn,
    awards: [],
    extensions: [],
    trace: [],
  }
  const candidates = set.byType.get(transaction.type)
  if (candidates) applyAll(set, explain ? candidates.all : candidatesFor(candidates, sight), run)
  const { awards, extensions, trace } = run
  return { awards, extensions, uses: run.book.uses(), spend: basis.sum('net'), trace }
}

function applyAll(set: RuleSet, places: readonly number[], run: Run): void {
  const take = (proposal: Proposal) => commit(proposal, run)
  for (let index = 0; index < places.length; index += 1) {
    const rule = set.rules[places[index]!]!
    const { group } = rule
    if (group === null || group.pick === 'all') {
      if (isOpen(rule, run)) proposeAll(rule, run, take)
      continue
    }
    // Rules of a group follow one another.
    const rivals = [rule]
    while (set.rules[places[index + 1] ?? -1]?.group?.id === group.id) {
      index += 1
      rivals.push(set.rules[places[index]!]!)
    }
    const closed = pick(group, rivals, run)
    if (group.pick !== 'exclusive' || closed.by === null) continue
    if (closed.lines === null) {
      for (const place of places.slice(index + 1))
        skip(set.rules[place]!, run, `${closed.by.id} excludes all other rules`)
      return
    }
    run.sight.basis = run.sight.basis?.without(closed.lines) ?? null
  }
}
