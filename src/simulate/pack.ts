/**
 * What a simulation looks at of a stretch of members, and no more: their sales and lines in columns, with whatever
 * many of them share written once, and the little that only some have as plain data. The same rows give the same.
 */
import type { ReversedAward } from '../earning/return.ts'
import type { ReturnBody } from '../earning/transaction.ts'
import type { KeptAward, KeptUse, KeptValuation } from '../earning/valued.ts'
import type { Mark } from '../engine/marks.ts'
import type { LineColumns } from '../rules/columns.ts'
import type { FieldValue } from '../rules/facts.ts'

/** Packs of another form are read anew. */
export const PACK_FORM = 3

/** What many sales have in common: of what kind they are, and who bought, as rules saw them then. */
export interface Head {
  readonly type: string
  readonly version: string
  readonly location: string | null
  readonly channel: string | null
  readonly attributes: Readonly<Record<string, FieldValue>>
  readonly tenders: readonly { readonly kind: string; readonly amount: string }[]
  /** as of the sale; the day of enrolment is left out where it is the member's */
  readonly member: Omit<KeptValuation['member'], 'tiers' | 'enrolledAt'> & { readonly enrolledAt?: string }
  /** what limits had used before */
  readonly used: readonly KeptUse[]
}

/** By threes: the place in `given` of a pack, points, and in how many awards. */
export type Sums = readonly number[]

export interface PackedReturn {
  readonly id: string
  readonly recorded: number
  /** how many of the member's sales came before it */
  readonly after: number
  /** which of the member's sales, from 0 */
  readonly of: number
  readonly body: ReturnBody
  readonly took: Sums
}

/** A change of tier as far as a simulation tells of it: ladder, to, effective at. */
export type PackedChange = readonly [ladder: string, to: string, at: number]

/** The member as recorded, with everything due by the time of packing settled. */
export interface PackedMember {
  readonly id: string
  /** another one: the member was written to since */
  readonly token: string
  /** `out`: hangs together with others; `apart`: has a history that is not packed */
  readonly kind: 'packed' | 'apart' | 'out'
  readonly settledAt: number
  /** from then on the member stands otherwise; null: never */
  readonly dueAt: number | null
  readonly enrolledAt: number
  readonly attributes?: Readonly<Record<string, FieldValue>>
  readonly marks?: readonly (readonly [Mark['kind'], string, number, number | null])[]
  /** currency, available, pending, held, negative */
  readonly accounts: readonly (readonly [string, number, number, number, number])[]
  readonly changes?: readonly PackedChange[]
  /** the first of the member's sales, and the one after the last */
  readonly from: number
  readonly to: number
  readonly returns?: readonly PackedReturn[]
  /** ids of lines of sales of which something is returned, by which of the member's sales it is */
  readonly lineIds?: Readonly<Record<number, readonly string[]>>
}

export interface SaleColumns {
  /** occurred and recorded, in milliseconds */
  readonly at: Float64Array
  readonly recorded: Float64Array
  /** a place in `heads` */
  readonly head: Uint32Array
  /** where its lines begin; the next one's begin where they end */
  readonly line: Uint32Array
  /** in ten-thousandths; NaN: it stands in `spends` */
  readonly spend: Float64Array
  /** where its sums begin; the next one's begin where they end */
  readonly sum: Uint32Array
  /** of the command: sixteen bytes each */
  readonly id: Uint8Array
}

/** What rules gave to sales, as recorded: one after the other. */
export interface SumColumns {
  /** a place in `given` */
  readonly given: Uint32Array
  readonly points: Float64Array
  /** in how many awards */
  readonly awards: Uint32Array
}

export interface Pack {
  readonly heads: readonly Head[]
  /** `rule\ncurrency` */
  readonly given: readonly string[]
  readonly members: readonly PackedMember[]
  /** decimal text, by place of the sale */
  readonly spends: Readonly<Record<number, string>>
  readonly sales: SaleColumns
  readonly sums: SumColumns
  readonly lines: LineColumns
}

/** What a pack begins with. */
export const EMPTY: Pack = {
  ...{ heads: [], given: [], members: [], spends: {} },
  sales: {
    ...{ at: new Float64Array(), recorded: new Float64Array(), spend: new Float64Array() },
    ...{ head: new Uint32Array(), line: new Uint32Array(1), sum: new Uint32Array(1), id: new Uint8Array() },
  },
  sums: { given: new Uint32Array(), points: new Float64Array(), awards: new Uint32Array() },
  lines: {
    goods: [],
    ...{ place: new Uint32Array(), net: new Float64Array(), quantity: new Float64Array() },
    ...{ tax: new Float64Array(), gross: new Float64Array() },
  },
}

/** The id of a sale's command. */
export function idOf({ id }: SaleColumns, sale: number): string {
  const hex = Buffer.from(id.buffer, id.byteOffset + sale * 16, 16).toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

export type Summed = Pick<KeptAward, 'rule' | 'currency' | 'points'> | ReversedAward
