/**
 * What rules see, and what they answer. Both are plain data: the same facts under the same rules give
 * the same valuation, whenever it is asked.
 */
import type { Decimal, Rounding } from '../base/points.ts'
import type { Length } from '../base/time.ts'

/** A scalar from outside: a JSON value of a declared field. */
export type FieldValue = string | number | boolean | null

export type FieldType = 'text' | 'number' | 'integer' | 'boolean' | 'date'

/** A declared field of a transaction, a line or a member. */
export interface Field {
  readonly name: string
  readonly type: FieldType
  /** the closed list of a text field, where the program declares one */
  readonly oneOf: readonly string[] | null
  readonly required: boolean
}

export type LineKind = 'item' | 'giftCard' | 'voided'

export interface LineFacts {
  readonly lineId: string
  readonly sku: string | null
  readonly category: string | null
  readonly kind: LineKind
  readonly quantity: Decimal
  /** final paid amount of the whole line without tax, in the program's money */
  readonly net: Decimal
  readonly tax: Decimal
  /** net + tax where the caller sends none */
  readonly gross: Decimal
  readonly attributes: Readonly<Record<string, FieldValue>>
}

export interface Tender {
  /** `points` and `giftCard` do not earn; every other kind (cash, card, …) does */
  readonly kind: string
  readonly amount: Decimal
}

export interface TransactionFacts {
  /** a declared transaction type: `purchase`, `flight` … */
  readonly type: string
  readonly occurredAt: Date
  readonly lines: readonly LineFacts[]
  readonly tenders: readonly Tender[]
  readonly location: string | null
  readonly channel: string | null
  readonly attributes: Readonly<Record<string, FieldValue>>
}

export interface MemberFacts {
  readonly enrolledAt: Date
  readonly attributes: Readonly<Record<string, FieldValue>>
  /** by ladder id: the member's tier at the business time; the base tier has rank 0 */
  readonly tiers: ReadonlyMap<string, { readonly tier: string; readonly rank: number }>
  /** the segments that the member was in, and the promotions registered for, at the business time */
  readonly segments?: readonly string[]
  readonly promotions?: readonly string[]
}

/**
 * How much of a limit is used: `limit` is a LimitUse's name; `budget`, for one of all members together, how
 * large it is, else null. Points not yet used: 0.
 */
export type UsedOf = (limit: string, period: string, budget: bigint | null) => bigint

export interface LimitUse {
  /** the limit's name: the rule's id for the first limit of a rule */
  readonly limit: string
  /** one for all members together: a budget */
  readonly shared: boolean
  /** first day of the limit's period in the program's zone, `0001-01-01` for one without end */
  readonly period: string
  readonly points: bigint
}

/** Points that a rule gives, whole and after its limit. Never negative. */
export interface Award {
  readonly rule: string
  readonly currency: string
  readonly points: bigint
  /** only for rules per line */
  readonly lineId: string | null
  /** of how many lines it is the sum, where lines come in columns */
  readonly lines?: number
  /** one sentence for a person: `1 bean per 1 EUR of 12.50 EUR net, rounded down`; empty where not asked for */
  readonly explanation: string
}

/** Why a rule gave what it gave, or why it gave nothing. JSON-ready: it is kept with the transaction. */
export interface RuleTrace {
  readonly rule: string
  readonly fired: boolean
  readonly lineId?: string
  /** the facts that its condition and formula saw */
  readonly saw?: Readonly<Record<string, string>>
  /** exact, before rounding, as a decimal */
  readonly exact?: string
  readonly rounding?: Rounding
  /** points cut by a limit, and that limit as it is written */
  readonly trimmed?: number
  readonly limit?: string
  /** for a rule that did not fire: the first condition that failed, with the value seen */
  readonly because?: string
}

/** The lapse of points that the member has is put off. */
export interface Extension {
  readonly currency: string
  readonly by: Length
  /** `6 months` */
  readonly text: string
}

export interface Valuation {
  readonly awards: readonly Award[]
  /** of the rules that fired and put off lapses, once each */
  readonly extensions: readonly (Extension & { readonly rule: string })[]
  readonly uses: readonly LimitUse[]
  /** net that may earn, after lines and tenders that never do: what a spend counter counts */
  readonly spend: Decimal
  /** the same in ten-thousandths, where it was summed in columns; NaN: it has finer parts */
  readonly spendParts?: number
  /** filled with `explain` only */
  readonly trace: readonly RuleTrace[]
}
