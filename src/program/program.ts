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
import type { Exemption } from './exemption.ts'

export interface Program {
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
  readonly rules: RuleSet
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
  /** how long a tier is kept once reached: to the end of the period and this many further periods, or months */
  readonly validity:
    | { readonly kind: 'period_end'; readonly extraPeriods: number }
    | { readonly kind: 'months'; readonly months: number }
  readonly downgrade: 'one_step' | 'earned' | 'never'
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
  | { readonly kind: 'counter'; readonly counter: Counter; readonly atLeast: Decimal }
  | { readonly kind: 'all'; readonly of: readonly Criterion[] }
  | { readonly kind: 'any'; readonly of: readonly Criterion[] }

/** `spend` (money), `transactions` (a count), or `points:<currency id>` (points earned). */
export type Counter = 'spend' | 'transactions' | `points:${string}`

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

/** How many periods of history a program's counters must reach back, in months; 0 with no ladder. */
export function historyMonths(program: Program): number {
  return Math.max(
    0,
    ...program.ladders.map((ladder) => (ladder.period.kind === 'rolling' ? ladder.period.months : 24)),
  )
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
