/**
 * Values a transaction: which rules fire, what they give, and why. Pure: the same facts, member and limits
 * used give the same valuation. The only refusals are a limit that says so and points out of range.
 */
import { type Basis, basisOf } from './basis.ts'
import { LimitBook } from './book.ts'
import { type Candidates, candidatesFor, indexRules, type Key, lineOf, placeOf } from './candidates.ts'
import { ColumnBasis, type LineCondition, type Lines } from './columns.ts'
import type { LineFacts, MemberFacts, TransactionFacts, UsedOf, Valuation } from './facts.ts'
import { commit, isOpen, type Proposal, proposeAll, type Run, skip } from './give.ts'
import { pick } from './pick.ts'
import { Ready } from './ready.ts'
import type { Rule } from './rule.ts'
import type { Group } from './scope.ts'
import { Sight } from './sight.ts'

/** A program's rules, ready to evaluate. */
export interface RuleSet {
  /** in the order of evaluation: see order.ts */
  readonly rules: readonly Rule[]
  /** the same, as they are run */
  readonly ready: readonly Ready[]
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
  const ready = input.rules.map((rule) => new Ready(rule))
  return { ...input, ready, byType: indexRules(ready), extends: puttingOff, givers, builtOn }
}

export interface Question {
  readonly transaction: TransactionFacts
  readonly member: MemberFacts
  readonly used: UsedOf
  /** told of limits over all members that had less left than a rule would have given */
  readonly short?: (limit: string, period: string) => void
  /** trace every rule that may apply, the ones that fired and the ones that did not */
  readonly explain?: boolean
  /** false: awards come without their explanation */
  readonly words?: boolean
  /**
   * The transaction's lines, where they are in columns and it was paid with money alone: then those of the
   * transaction are not looked at, and what a rule gives to several lines can be one award.
   */
  readonly lines?: Lines | null
}

/** Throws DomainError `limit_reached` (a limit that refuses) and `points_out_of_range`. */
export function evaluate(set: RuleSet, question: Question): Valuation {
  const { transaction, member, used, short, explain = false, words = true, lines } = question
  const sight = new Sight({ transaction, member, timeZone: set.timeZone, givers: set.givers })
  const basis = earning(set, question, sight)
  sight.basis = basis

  const run: Run = {
    sight,
    book: new LimitBook(used, short),
    explain,
    words: words || explain,
    builtOn: set.builtOn,
    awards: [],
    extensions: [],
    trace: [],
  }
  const candidates = set.byType.get(transaction.type)
  if (candidates && explain) applyAll(set, candidates.all, run)
  else if (candidates) applyReady(set, candidatesFor(candidates, sight), run)
  const { awards, extensions, trace } = run
  const uses = run.book.uses()
  if (!lines) return { awards, extensions, uses, spend: basis.sum('net'), trace }
  return new InParts({ awards, extensions, uses, trace }, basis)
}

/** What was spent stands in parts; in decimals it is worked out when asked for. */
class InParts implements Valuation {
  readonly awards: Valuation['awards']
  readonly extensions: Valuation['extensions']
  readonly uses: Valuation['uses']
  readonly trace: Valuation['trace']
  readonly spendParts: number
  readonly #basis: Basis

  constructor({ awards, extensions, uses, trace }: Omit<Valuation, 'spend'>, basis: Basis) {
    this.awards = awards
    this.extensions = extensions
    this.uses = uses
    this.trace = trace
    this.spendParts = basis.parts('net')
    this.#basis = basis
  }

  get spend(): Valuation['spend'] {
    return this.#basis.sum('net')
  }
}

/** What of the transaction may earn. Leaves the sight without a line. */
function earning({ neverEarn }: RuleSet, { transaction, lines }: Question, sight: Sight): Basis {
  if (lines) return new ColumnBasis(lines, neverEarn, sight)
  const basis = basisOf(transaction, (line) => {
    sight.line = line
    return neverEarn?.holds(sight) ?? false
  })
  sight.line = null
  return basis
}

/** As the rules are written, one after the other, each of them traced. */
function applyAll(set: RuleSet, keys: readonly Key[], run: Run): void {
  const take = (proposal: Proposal) => commit(proposal, run)
  for (let index = 0; index < keys.length; index += 1) {
    const { rule, group } = set.ready[placeOf(keys[index]!)]!
    if (group === null) {
      if (isOpen(rule, run)) proposeAll(rule, run, take)
      continue
    }
    const rivals = rivalsFrom(set, keys, index)
    index += rivals.length - 1
    const closed = pick(group, rivals, run)
    if (group.pick !== 'exclusive' || closed.by === null) continue
    if (closed.lines === null) {
      for (const key of keys.slice(index + 1))
        skip(set.ready[placeOf(key)]!.rule, run, `${closed.by.id} excludes all other rules`)
      return
    }
    run.sight.basis = run.sight.basis?.without(closed.lines) ?? null
  }
}

/** The rules of a group, which follow one another. */
function rivalsFrom(set: RuleSet, keys: readonly Key[], from: number): Rule[] {
  const { group } = set.ready[placeOf(keys[from]!)]!
  const rivals: Rule[] = []
  for (let index = from; index < keys.length; index += 1) {
    const next = set.ready[placeOf(keys[index]!)]!
    if (next.group === null || next.group.id !== group?.id) break
    rivals.push(next.rule)
  }
  return rivals
}

/** The same points with nothing traced, and each rule only where the index has found it. */
function applyReady(set: RuleSet, keys: readonly Key[], run: Run): void {
  const { basis } = run.sight
  let closed: Set<string> | null = null
  for (let index = 0; index < keys.length; ) {
    const ready = set.ready[placeOf(keys[index]!)]!
    if (ready.group !== null) {
      closed ??= new Set()
      const rivals = rivalsFrom(set, keys, index)
      if (isClosedBy(ready.group, rivals, { run, closed })) return
      index += rivals.length
    } else if (ready.byLine) {
      index = giveByLine(ready, { keys, from: index, lines: basis?.lines ?? [], closed }, run)
    } else {
      if (ready.isOpen(run)) ready.giveAll(run)
      index += 1
    }
  }
}

/** Picks in a group; whether that closes the transaction to all other rules. Lines may be closed to them. */
function isClosedBy(
  group: Group,
  rivals: readonly Rule[],
  { run, closed }: { run: Run; closed: Set<string> },
): boolean {
  const { by, lines } = pick(group, rivals, run)
  if (group.pick !== 'exclusive' || by === null) return false
  if (lines === null) return true
  for (const lineId of lines) closed.add(lineId)
  run.sight.basis = run.sight.basis?.without(lines) ?? null
  return false
}

interface Found {
  readonly keys: readonly Key[]
  readonly from: number
  readonly lines: readonly LineFacts[]
  /** null: none was closed */
  readonly closed: ReadonlySet<string> | null
}

/** Gives to the lines that a rule was found for, whose keys follow one another; the index of the next key. */
function giveByLine(ready: Ready, { keys, from, lines, closed }: Found, run: Run): number {
  const place = placeOf(keys[from]!)
  const isOpen = ready.isOpen(run)
  let index = from
  for (; index < keys.length && placeOf(keys[index]!) === place; index += 1) {
    const line = lines[lineOf(keys[index]!)]!
    if (isOpen && !closed?.has(line.lineId)) ready.giveTo(line, run)
  }
  return index
}
