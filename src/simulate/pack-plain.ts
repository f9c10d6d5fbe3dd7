/**
 * Members and goods of a pack as they are written: there are many of them and most have the same few things to say,
 * which stand in one order without their names. What is read again is what was written.
 */
import type { Goods } from '../rules/columns.ts'
import type { PackedMember } from './pack.ts'

type Rare = 'attributes' | 'marks' | 'changes' | 'returns' | 'lineIds'

/** What every member has, and at last what only some have; 0: nothing of it. */
export type WrittenMember = readonly [
  id: string,
  token: string,
  kind: PackedMember['kind'],
  settledAt: number,
  dueAt: number | null,
  enrolledAt: number,
  accounts: PackedMember['accounts'],
  from: number,
  to: number,
  rare: Pick<PackedMember, Rare> | 0,
]

export function writtenMember(member: PackedMember): WrittenMember {
  const { id, token, kind, settledAt, dueAt, enrolledAt, accounts, from, to, ...rare } = member
  const isRare = Object.keys(rare).length > 0
  return [id, token, kind, settledAt, dueAt, enrolledAt, accounts, from, to, isRare ? rare : 0]
}

export function readMember(written: WrittenMember): PackedMember {
  const [id, token, kind, settledAt, dueAt, enrolledAt, accounts, from, to, rare] = written
  const member = { id, token, kind, settledAt, dueAt, enrolledAt, accounts, from, to }
  return rare === 0 ? member : Object.assign(member, rare)
}

/** Items of which there is no more to say than what they are called, or of which category they are. */
export type WrittenGoods = string | readonly [sku: string, category: string] | Goods

export function writtenGoods(goods: Goods): WrittenGoods {
  const { sku, category, kind, attributes } = goods
  if (sku === null || kind !== 'item' || Object.keys(attributes).length > 0) return goods
  return category === null ? sku : [sku, category]
}

export function readGoods(written: WrittenGoods): Goods {
  if (typeof written === 'string') return item(written, null)
  return isPair(written) ? item(written[0], written[1]) : written
}

function item(sku: string, category: string | null): Goods {
  return { sku, category, kind: 'item', attributes: NONE }
}

function isPair(written: Exclude<WrittenGoods, string>): written is readonly [string, string] {
  return Array.isArray(written)
}

const NONE: Goods['attributes'] = {}
