/**
 * What a simulation looks at of a stretch of members, and no more: their sales and returns packed small, with
 * whatever many of them share written once. Plain data, ready for JSON; the same rows give the same pack.
 */
import type { ReversedAward } from '../earning/return.ts'
import type { ReturnBody, TransactionBody } from '../earning/transaction.ts'
import type { KeptAward, KeptUse, KeptValuation } from '../earning/valued.ts'
import type { Mark } from '../engine/marks.ts'
import type { FieldValue, LineKind } from '../rules/facts.ts'

/** Packs of another form are read anew. */
export const PACK_FORM = 1

/** A line without its id; what is missing at the end is as where a request leaves it out. */
export type PackedLine = readonly [
  sku: string | null,
  quantity: number,
  net: string,
  category?: string | null,
  kind?: LineKind | null,
  tax?: string | null,
  gross?: string | null,
  attributes?: Readonly<Record<string, FieldValue>>,
]

/** What many sales have in common: of what kind they are, and who bought, as rules saw them then. */
export interface Head {
  readonly type: string
  readonly version: string
  readonly location: string | null
  readonly channel: string | null
  readonly attributes: Readonly<Record<string, FieldValue>>
  readonly tenders: readonly { readonly kind: string; readonly amount: string }[]
  readonly member: Omit<KeptValuation['member'], 'tiers'>
  /** what limits had used before */
  readonly used: readonly KeptUse[]
}

/** By threes: the place in `given` of a pack, points, and in how many awards. */
export type Sums = readonly number[]

export interface PackedSale {
  /** of the command */
  readonly id: string
  /** occurred and recorded, in milliseconds */
  readonly at: number
  readonly recorded: number
  /** places in the pack */
  readonly head: number
  readonly lines: readonly number[]
  readonly gave: Sums
  /** decimal text */
  readonly spend: string
  /** by line, where something of the sale is returned later */
  readonly lineIds?: readonly string[]
}

export interface PackedReturn {
  readonly id: string
  readonly recorded: number
  /** which of the member's sales, from 0 */
  readonly of: number
  readonly body: ReturnBody
  readonly took: Sums
}

export type PackedStep = PackedSale | PackedReturn

/** A change of tier as far as a simulation tells of it: ladder, from, to, direction, effective at, until. */
export type PackedChange = readonly [string, string, string, 'up' | 'down' | 'renewed', number, number | null]

/** The member as recorded, with everything due by the time of packing settled. */
export interface PackedMember {
  readonly id: string
  /** another one: the member was written to since */
  readonly token: string
  /** `out`: hangs together with others; `apart`: has a history that is not packed */
  readonly kind: 'packed' | 'apart' | 'out'
  readonly settledAt: number
  /** from then on the member stands otherwise */
  readonly dueAt: number | null
  readonly enrolledAt: number
  readonly attributes: Readonly<Record<string, FieldValue>>
  readonly marks: readonly (readonly [Mark['kind'], string, number, number | null])[]
  /** currency, available, pending, held, negative */
  readonly accounts: readonly (readonly [string, number, number, number, number])[]
  readonly changes: readonly PackedChange[]
  readonly steps: readonly PackedStep[]
}

export interface Pack {
  readonly lines: readonly PackedLine[]
  readonly heads: readonly Head[]
  /** `rule\ncurrency` */
  readonly given: readonly string[]
  readonly members: readonly PackedMember[]
}

/** Writes what many share once, and says where it stands; goes on from an older pack. */
export class Packer {
  readonly lines: Shared<PackedLine>
  readonly heads: Shared<Head>
  readonly given: Shared<string>

  constructor(from: Pick<Pack, 'lines' | 'heads' | 'given'>) {
    this.lines = new Shared(from.lines)
    this.heads = new Shared(from.heads)
    this.given = new Shared(from.given)
  }

  sale(
    row: { rulesVersion: string; request: TransactionBody; valuation: KeptValuation },
    times: Pick<PackedSale, 'id' | 'at' | 'recorded'>,
  ): PackedSale {
    const { request, valuation } = row
    const { tiers: _tiers, ...member } = valuation.member
    const head = this.heads.place({
      type: request.type,
      version: row.rulesVersion,
      location: request.location ?? null,
      channel: request.channel ?? null,
      attributes: request.attributes ?? {},
      tenders: (request.tenders ?? []).map(({ kind, amount }) => ({ kind, amount: amount.amount })),
      member,
      used: valuation.used,
    })
    return {
      ...times,
      head,
      lines: request.lines.map((line) => this.lines.place(packedLine(line))),
      gave: this.sums(valuation.awards),
      spend: valuation.spend,
    }
  }

  sums(of: readonly (Pick<KeptAward, 'rule' | 'currency' | 'points'> | ReversedAward)[]): Sums {
    const sums: number[] = []
    for (const { rule, currency, points } of of) {
      const place = this.given.place(`${rule}\n${currency}`)
      let at = 0
      while (at < sums.length && sums[at] !== place) at += 3
      if (at === sums.length) sums.push(place, 0, 0)
      sums[at + 1]! += points
      sums[at + 2]! += 1
    }
    return sums
  }

  pack(members: readonly PackedMember[]): Pack {
    return { lines: this.lines.all, heads: this.heads.all, given: this.given.all, members }
  }
}

class Shared<T> {
  readonly all: T[]
  readonly #places: Map<string, number>

  constructor(all: readonly T[]) {
    this.all = [...all]
    this.#places = new Map(all.map((one, place) => [JSON.stringify(one), place]))
  }

  place(one: T): number {
    const key = JSON.stringify(one)
    let place = this.#places.get(key)
    if (place === undefined) {
      place = this.all.length
      this.all.push(one)
      this.#places.set(key, place)
    }
    return place
  }
}

function packedLine(line: TransactionBody['lines'][number]): PackedLine {
  const { sku = null, quantity, net, category = null, tax, gross, attributes } = line
  const kind = line.kind === 'item' ? null : (line.kind ?? null)
  if (attributes)
    return [sku, quantity, net.amount, category, kind, tax?.amount ?? null, gross?.amount ?? null, attributes]
  if (tax || gross)
    return [sku, quantity, net.amount, category, kind, tax?.amount ?? null, gross?.amount ?? null]
  if (kind !== null) return [sku, quantity, net.amount, category, kind]
  return category === null ? [sku, quantity, net.amount] : [sku, quantity, net.amount, category]
}
