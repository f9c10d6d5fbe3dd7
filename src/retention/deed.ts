/**
 * What a transaction says of its member's rhythm: a purchase with its day, spend and categories, or a sign of
 * interest without one. Always that of the transaction as it stands after its returns.
 */
import { Decimal } from '../base/points.ts'
import { dayNumberOf } from '../base/time.ts'
import { isEvent } from '../program/events.ts'
import type { Program } from '../program/program.ts'

export interface Bought {
  readonly kind: 'purchase'
  /** days since 1 January 1970 in the program's zone */
  readonly day: number
  readonly cents: number
  readonly channel: string | null
  /** each once, in the order of the lines */
  readonly categories: readonly string[]
}

export interface Engaged {
  readonly kind: 'engagement'
  readonly day: number
}

export type Deed = Bought | Engaged

/** By what transactions become deeds; where it changes, all rows of the program are made anew. */
export interface Basis {
  readonly timeZone: string
  readonly purchases: readonly string[] | null
}

/** As much of a transaction as is looked at. */
export interface Told {
  readonly type: string
  readonly occurredAt: Date
  readonly channel?: string | undefined
  readonly lines: readonly {
    readonly lineId: string
    readonly category?: string | undefined
    readonly kind?: string | undefined
    readonly quantity: number
    readonly net: { readonly amount: string }
  }[]
}

export type ReturnedLines = readonly { readonly lineId: string; readonly quantity: string }[]

export function basisOf({ timeZone, retention }: Pick<Program, 'timeZone' | 'retention'>): Basis {
  return { timeZone, purchases: retention?.purchases ?? null }
}

/** Null for what says nothing: an event that the engine itself tells of, a sale that went back whole. */
export function deedOf(told: Told, returns: readonly ReturnedLines[], basis: Basis): Deed | null {
  if (isEvent(told.type)) return null
  const left = leftOf(told, returns)
  if (left === null) return null
  const day = dayNumberOf(basis.timeZone, told.occurredAt)
  const isPurchase = basis.purchases === null ? told.lines.length > 0 : basis.purchases.includes(told.type)
  if (!isPurchase) return { kind: 'engagement', day }
  let net = new Decimal(0)
  const categories = new Set<string>()
  for (const [index, line] of told.lines.entries()) {
    const share = left[index]!
    if (share.isZero() || line.kind === 'voided') continue
    if (line.category !== undefined) categories.add(line.category)
    // What is on a gift card is spent when it is used.
    if (line.kind !== 'giftCard')
      net = net.plus(share.equals(1) ? line.net.amount : share.times(line.net.amount))
  }
  const cents = net.times(100).toDecimalPlaces(0, Decimal.ROUND_HALF_EVEN).toNumber()
  return { kind: 'purchase', day, cents, channel: told.channel ?? null, categories: [...categories] }
}

const WHOLE = new Decimal(1)
const NONE = new Decimal(0)

/** What share of each line is left; null where nothing is. */
function leftOf({ lines }: Told, returns: readonly ReturnedLines[]): Decimal[] | null {
  if (returns.length === 0) return lines.map(() => WHOLE)
  const gone = new Map<string, Decimal>()
  for (const { lineId, quantity } of returns.flat())
    gone.set(lineId, (gone.get(lineId) ?? NONE).plus(quantity))
  const left = lines.map(({ lineId, quantity }) => {
    const rest = new Decimal(quantity).minus(gone.get(lineId) ?? NONE)
    return rest.greaterThan(0) ? rest.dividedBy(quantity) : NONE
  })
  return left.some((share) => share.greaterThan(0)) ? left : null
}
