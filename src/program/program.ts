/**
 * A program as declared in its folder of rule files, checked and compiled: what earns, which tiers there
 * are, what can be had for points. Immutable; a change is a new version with another hash.
 */
import type { ExpiryPolicy } from '../base/expiry.ts'
import type { PendingPolicy } from '../base/pending.ts'
import type { Decimal, Money, Rounding } from '../base/points.ts'
import type { Length, Unit } from '../base/time.ts'
import type { RuleSet } from '../rules/evaluate.ts'
import type { Field } from '../rules/facts.ts'
import type { Funder } from '../rules/funder.ts'
import type { Test } from '../rules/matcher.ts'
import type { Campaigning } from './campaign.ts'
import type { Exemption } from './exemption.ts'
import type { FeedbackTerms } from './feedback.ts'
import type { ValueTerms } from './value.ts'

export interface Program extends Campaigning {
  readonly id: string
  readonly name: string
  /** content hash of the program's files, hex; names the version */
  readonly version: string
  readonly timeZone: string
  /** ISO 4217: the money of its transactions */
  readonly money: string
  readonly currencies: ReadonlyMap<string, Currency>
  readonly transactionTypes: ReadonlyMap<string, TransactionType>
  readonly memberAttributes: ReadonlyMap<string, Field>
  /** what happens to members beside transactions, by the name that rules are `on` */
  readonly eventTypes: ReadonlyMap<string, TransactionType>
  /** that members can be in, several at once */
  readonly segments: readonly string[]
  /** the member attribute that holds the day of birth; null: birthdays are not known */
  readonly birthday: string | null
  readonly promotions: ReadonlyMap<string, Promotion>
  readonly milestones: readonly Milestone[]
  readonly rules: RuleSet
  /** who may pay for points */
  readonly partners: readonly string[]
  /** who pays for the points of rules; the program for those that are missing */
  readonly funders: ReadonlyMap<string, Funder>
  readonly ladders: readonly Ladder[]
  readonly rewards: ReadonlyMap<string, Reward>
  /** what a return takes back of points already spent */
  readonly returns: ReturnPolicy
  /** by currency: how its points may be given away; a currency that is missing may not be */
  readonly transfers: ReadonlyMap<string, TransferTerms>
  /** null: members cannot pool their points */
  readonly pools: PoolTerms | null
  /** what becomes of the points of a member who leaves */
  readonly closing: ClosingPolicy
  /** null: nothing is kept or foretold of members' purchases */
  readonly retention: Retention | null
  readonly feedback: FeedbackTerms
  readonly value: ValueTerms
}

/** What the retention module goes by. */
export interface Retention {
  /** days ahead that are foretold */
  readonly horizonDays: number
  /** share of flags that may turn out false */
  readonly falseFlags: number
  /** share of spend that is profit */
  readonly margin: number
  /** how often the service looks at all members */
  readonly looks: 'daily' | 'weekly'
  /** how many members a worklist has at most; null: all that are flagged */
  readonly capacity: number | null
  /** types of transactions that are purchases; null: all that have lines */
  readonly purchases: readonly string[] | null
  /** days on which nobody can buy, both ends included, as days since 1 January 1970 */
  readonly closed: readonly { readonly from: number; readonly through: number }[]
}

export type ReturnPolicy = 'pending_only' | 'to_zero' | 'negative'

export type ClosingPolicy = 'forfeit' | 'keep'

export interface PoolTerms {
  /** members of one pool at most */
  readonly members: number
}

export interface TransferLimit {
  readonly points: bigint
  /** null: for ever */
  readonly unit: Unit | null
  /** as written */
  readonly text: string
}

export interface TransferTerms {
  /** of one transfer, in points */
  readonly minimum: bigint
  readonly maximum: bigint | null
  readonly step: bigint
  /** what the giver pays on top: points, or a share of what is given, rounded up */
  readonly fee: { readonly points: bigint } | { readonly percent: Decimal }
  /** given in one period at most, by one member */
  readonly limit: TransferLimit | null
  /** kept: points lapse when they would have; anew: as if they were earned on the day */
  readonly expires: 'kept' | 'anew'
  /** only among members of one pool */
  readonly withinPool: boolean
}

export interface Currency {
  readonly id: string
  readonly kind: 'redeemable' | 'qualifying'
  /** what one point is worth; null where it has no money value */
  readonly value: Money | null
  readonly rounding: Rounding
  readonly expiry: ExpiryPolicy
  /** whose points do not lapse by inactivity; null: nobody's */
  readonly exempt: Exemption | null
  readonly pending: PendingPolicy
  /** when points count for tiers: as they are earned, or only once they are usable */
  readonly counts: 'at_once' | 'when_usable'
  /** limits of one redemption, in points */
  readonly redeem: { readonly minimum: bigint; readonly maximum: bigint | null; readonly step: bigint }
}

export interface TransactionType {
  readonly id: string
  /** declared attributes of the transaction and of its lines; undeclared ones are refused */
  readonly fields: ReadonlyMap<string, Field>
  readonly lineFields: ReadonlyMap<string, Field>
  /** how long after the fact it may be posted; null: at any time */
  readonly claimWithin: { readonly count: number; readonly unit: 'day' | 'month' } | null
  /** fields that together can be credited once only */
  readonly unique: readonly string[]
}

export interface Ladder {
  readonly id: string
  /** lowest first; the first one is everybody's and has no criterion */
  readonly tiers: readonly Tier[]
  /** what counts for a criterion: what happened in this stretch of business time */
  readonly period:
    | { readonly kind: 'calendar_year' }
    | { readonly kind: 'membership_year' }
    | { readonly kind: 'rolling'; readonly months: number }
    /** so many months each, the first from the day on which the tier was reached, or from the enrolment */
    | { readonly kind: 'tier_start'; readonly months: number }
  /**
   * How long a tier is kept once reached: to the end of the period and this many further periods, so many
   * months, or the first such day of the year after those periods.
   */
  readonly validity:
    | { readonly kind: 'period_end'; readonly extraPeriods: number }
    | { readonly kind: 'months'; readonly months: number }
    | { readonly kind: 'date'; readonly month: number; readonly day: number; readonly extraPeriods: number }
  readonly downgrade: 'one_step' | 'earned' | 'never'
  /** only who meets it falls one step instead of to what was earned; null: everybody does */
  readonly softLanding: Criterion | null
  /** at once, or with the beginning of the period after the one that reached it */
  readonly upgrade: 'at_once' | 'next_period'
  /** months that a missed tier is kept to make up for it */
  readonly graceMonths: number
  /** whether an upgrade uses up what it took, the rest being kept */
  readonly counting: 'plain' | 'spent'
  /** what of the surplus over a tier's threshold is carried over when the tier's time ends; null: nothing */
  readonly rollover: Rollover | null
  readonly challenges: readonly Challenge[]
}

/** What of a surplus goes on: at most so much, or a share of it; all where both are null. */
export interface Carried {
  readonly most: Decimal | null
  readonly share: Decimal | null
}

/** For all tiers, but for those that `byTier` has. */
export interface Rollover extends Carried {
  readonly byTier: ReadonlyMap<string, Carried>
}

/** A tier given in advance, to be kept by what is done in its phases, one after the other. */
export interface Challenge {
  readonly id: string
  readonly tier: string
  readonly phases: readonly Phase[]
}

export interface Phase {
  readonly length: { readonly count: number; readonly unit: 'day' | 'month' }
  readonly reach: Criterion
}

export interface Tier {
  readonly id: string
  /** 0 for the base tier */
  readonly rank: number
  /** null for the base tier */
  readonly reach: Criterion | null
  /** to stay when the validity ends; the same as `reach` where none is declared */
  readonly keep: Criterion | null
}

export type Criterion =
  | {
      readonly kind: 'counter'
      readonly counter: Counter
      readonly atLeast: Decimal
      /** counted over this stretch instead of the ladder's period */
      readonly within?: Stretch
    }
  | { readonly kind: 'all'; readonly of: readonly Criterion[] }
  | { readonly kind: 'any'; readonly of: readonly Criterion[] }
  /** at least so many of them */
  | { readonly kind: 'some'; readonly atLeast: number; readonly of: readonly Criterion[] }

/** The running period and those before it, joined; the last months; everything that ever happened. */
export type Stretch =
  | { readonly kind: 'periods'; readonly count: number }
  | { readonly kind: 'months'; readonly count: number }
  | { readonly kind: 'ever' }

/**
 * `spend` (money), `transactions` (a count), `points:<currency id>` (points earned), or whether a member's
 * attribute has a value: `attribute:<name>=<value>`, 1 or 0.
 */
export type Counter = 'spend' | 'transactions' | `points:${string}` | `attribute:${string}`

/** Members register for it, and rules ask whether they have. */
export interface Promotion {
  readonly id: string
  readonly name: string
  /** when one can register: half-open, business time */
  readonly from: Date | null
  readonly until: Date | null
}

export interface Milestone {
  readonly id: string
  readonly name: string
  readonly counter: Counter
  readonly every: Decimal
  readonly per: 'calendar_year' | 'membership_year' | 'ever'
  /** times at most in one period; null: as often as it is reached */
  readonly most: number | null
  readonly currency: string
  /** each time */
  readonly points: bigint
  /** it is given only while these hold */
  readonly tests: readonly Test[]
}

export interface Reward {
  readonly id: string
  readonly name: string
  readonly currency: string
  /** points */
  readonly costs: bigint
  /** what it is worth to the member, where that is money off */
  readonly value: Money | null
  /** lowest tier that may have it: ladder and tier id; null: everybody */
  readonly tier: { readonly ladder: string; readonly tier: string } | null
  /** half-open, business time */
  readonly from: Date | null
  readonly until: Date | null
}

const monthsOfHistory = new WeakMap<Program, number>()

/** How far back a program's counters must reach, in months; 0 where nothing looks back. Asked at each sale. */
export function historyMonths(program: Program): number {
  const known = monthsOfHistory.get(program)
  if (known !== undefined) return known
  const months = countHistory(program)
  monthsOfHistory.set(program, months)
  return months
}

function countHistory(program: Program): number {
  const ladders = program.ladders.map((ladder) => {
    const length = 'months' in ladder.period ? ladder.period.months : 12
    // The period that is judged began before the running one, but for a rolling one, which ends every day.
    const plain = ladder.period.kind === 'rolling' ? length : 2 * length
    const longest = longestStretch(ladder)
    const challenges = ladder.challenges.flatMap(({ phases }) => phases.map(({ length: of }) => of))
    const phases = challenges.map(({ count, unit }) => (unit === 'month' ? count : Math.ceil(count / 28)))
    return Math.max(plain + longest + ladder.graceMonths, ...phases)
  })
  const limits = program.rules.rules.flatMap((rule) => rule.limits)
  const yearly =
    limits.some(({ unit }) => unit === 'membership_year') ||
    program.milestones.some(({ per }) => per !== 'ever')
  return Math.max(0, ...ladders, yearly ? 12 : 0)
}

/** Months of the longest stretch that a criterion of its own looks back over. */
export function longestStretch(ladder: Ladder): number {
  const length = 'months' in ladder.period ? ladder.period.months : 12
  const criteria = ladder.tiers.flatMap(({ reach, keep }) => [reach, keep])
  const stretches = [...criteria, ladder.softLanding].flatMap((one) => (one ? stretchesOf(one) : []))
  return Math.max(0, ...stretches.map((stretch) => monthsIn(stretch, length)))
}

function stretchesOf(criterion: Criterion): Stretch[] {
  if (criterion.kind === 'counter') return criterion.within ? [criterion.within] : []
  return criterion.of.flatMap(stretchesOf)
}

function monthsIn(stretch: Stretch, period: number): number {
  if (stretch.kind === 'ever') return 0
  return stretch.kind === 'months' ? stretch.count : stretch.count * period
}

/** How many months of activity tell whether points had lapsed by an instant; 0 where none lapse by inactivity. */
export function idleMonths(program: Program): number {
  const of = ({ expiry }: Currency) => (expiry.kind === 'idle' ? monthsOf(expiry) + 12 : 0)
  return Math.max(0, ...[...program.currencies.values()].map(of))
}

/** How many months points may await a confirmation at most; 0 where none do. */
export function awaitingMonths(program: Program): number {
  const of = ({ pending }: Currency) => (pending.kind === 'confirmed' ? monthsOf(pending) : 0)
  return Math.max(0, ...[...program.currencies.values()].map(of))
}

/** Whole months that cover a length of time. */
function monthsOf({ count, unit }: Length): number {
  if (unit === 'day') return Math.ceil(count / 28)
  return unit === 'year' ? count * 12 : count
}
