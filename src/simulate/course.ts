/**
 * The course of one member in memory, step by step: what is counted, which tiers follow, what is used of
 * limits. It asks the functions that decide in earnest, so an example and the engine cannot differ.
 */
import { Decimal } from '../base/points.ts'
import { dayOf } from '../base/time.ts'
import { withMilestones } from '../earning/earn.ts'
import { tierReached } from '../earning/reached.ts'
import type { Counter, Ladder, Program } from '../program/program.ts'
import { evaluate } from '../rules/evaluate.ts'
import type { MemberFacts, TransactionFacts, Valuation } from '../rules/facts.ts'
import { isOfHousehold } from '../rules/limit.ts'
import { assess, baseStanding } from '../tiers/assess.ts'
import { decideByHand } from '../tiers/challenge.ts'
import { type CounterRow, countersAsOf } from '../tiers/counters.ts'
import { type Assessed, countsIn } from '../tiers/counting.ts'
import { periodAt } from '../tiers/period.ts'
import type { Standing, TierChange } from '../tiers/standing.ts'
import type { ExampleMember } from './example.ts'

/** The tier that a challenge of the example gives in advance; null where it has none of this ladder. */
export function inAdvance(program: Program, ladder: Ladder, member: ExampleMember): TierChange | null {
  const { challenge, enrolledAt: at } = member
  if (challenge === null || !ladder.challenges.some(({ id }) => id === challenge)) return null
  const standing = baseStanding(ladder, at)
  const wanted = { challenge, reason: 'as the example says' }
  return decideByHand(ladder, { standing, wanted, timeZone: program.timeZone, at })
}

export class Course {
  readonly #program: Program
  readonly #member: ExampleMember
  readonly #explain: boolean
  readonly #counters: CounterRow[] = []
  readonly #used = new Map<string, bigint>()
  /** what is used of limits that go over several members */
  readonly #shared: Map<string, bigint>
  readonly standings: Map<string, Standing>

  /** `housemate`: whose limits per household and whose budgets are the same. Only explained awards have words. */
  constructor(
    program: Program,
    member: ExampleMember,
    { housemate, explain }: { housemate?: Course; explain: boolean },
  ) {
    this.#program = program
    this.#explain = explain
    this.#shared = housemate ? housemate.#shared : new Map()
    this.#member = member
    this.standings = new Map(
      program.ladders.map((ladder) => {
        const base = baseStanding(ladder, member.enrolledAt)
        const advance = inAdvance(program, ladder, member)
        if (advance) return [ladder.id, { ...advance, since: advance.effectiveAt, tier: advance.to }]
        const tier = member.tiers.get(ladder.id)
        const given = tier === undefined || tier === base.tier ? null : { tier, until: member.until }
        return [ladder.id, { ...base, ...given }]
      }),
    )
  }

  /** Lets time go by; what rules give on tiers reached meanwhile. */
  goTo(at: Date): Valuation['awards'] {
    const awards: Valuation['awards'][number][] = []
    for (const change of this.#assess(at)) awards.push(...this.#onTier(change))
    return awards
  }

  /** Values a transaction and everything that follows of it at once. Throws the refusal of a limit. */
  take(facts: TransactionFacts): Valuation {
    const outcome = this.#value(facts)
    const later = this.goTo(facts.occurredAt)
    return { ...outcome, awards: [...outcome.awards, ...later] }
  }

  /** What the first ladder counts in its running period. */
  counted(counter: Counter, at: Date): Decimal {
    const [ladder] = this.#program.ladders
    if (!ladder) return new Decimal(0)
    const input = this.#assessed(ladder, at)
    const period = periodAt(ladder, { ...input, startedAt: input.standing.since })
    return countsIn(ladder, input, period)(counter)
  }

  #value(facts: TransactionFacts): Valuation {
    const program = this.#program
    const member = this.#facts()
    const valuation = evaluate(program.rules, {
      transaction: facts,
      member,
      used: (limit, period, budget) => this.#usedOf(limit, budget !== null).get(`${limit} ${period}`) ?? 0n,
      explain: this.#explain,
      words: this.#explain,
    })
    for (const { limit, shared, period, points } of valuation.uses) {
      const key = `${limit} ${period}`
      const used = this.#usedOf(limit, shared)
      used.set(key, (used.get(key) ?? 0n) + points)
    }
    const whole = withMilestones({ program, facts, member, counters: this.#counters }, valuation)
    this.#counters.push(...whole.counted)
    return whole
  }

  #usedOf(limit: string, isBudget: boolean): Map<string, bigint> {
    return isBudget || isOfHousehold(limit) ? this.#shared : this.#used
  }

  #onTier(change: TierChange): Valuation['awards'] {
    const { enrolledAt } = this.#member
    const event = tierReached(this.#program, { change, enrolledAt, counters: this.#counters })
    if (event === null) return []
    this.#counters.push(event.counted)
    return this.take(event.facts).awards
  }

  #assess(at: Date): TierChange[] {
    return this.#program.ladders.flatMap((ladder) => {
      const { standing, changes } = assess(ladder, this.#assessed(ladder, at))
      this.standings.set(ladder.id, standing)
      return changes
    })
  }

  #assessed(ladder: Ladder, at: Date): Assessed {
    const { timeZone } = this.#program
    const { enrolledAt, attributes } = this.#member
    const standing = this.standings.get(ladder.id) ?? baseStanding(ladder, enrolledAt)
    const counters = countersAsOf(this.#counters, dayOf(timeZone, at))
    return { timeZone, enrolledAt, attributes, standing, counters, at }
  }

  #facts(): MemberFacts {
    const { enrolledAt, attributes, segments, promotions } = this.#member
    const tiers = this.#program.ladders.map((ladder) => {
      const tier = this.standings.get(ladder.id)?.tier ?? ''
      return [
        ladder.id,
        {
          tier,
          rank: Math.max(
            0,
            ladder.tiers.findIndex(({ id }) => id === tier),
          ),
        },
      ] as const
    })
    return { enrolledAt, attributes, tiers: new Map(tiers), segments, promotions }
  }
}
