/** Which products are goods: what `neverEarn` leaves out (postage, fees, vouchers) is nothing to offer. */
import { Decimal } from '../base/points.ts'
import type { Program } from '../program/program.ts'
import { evaluate } from '../rules/evaluate.ts'

const ONE = new Decimal(1)
const NOTHING = new Decimal(0)

/** Asks the program's own condition of a line with this product, at an instant. */
export function isGoods(program: Program, product: string, at: Date): boolean {
  const line = {
    lineId: '1',
    sku: product,
    category: null,
    kind: 'item' as const,
    quantity: ONE,
    net: ONE,
    tax: NOTHING,
    gross: ONE,
    attributes: {},
  }
  const sale = { lines: [line], tenders: [], location: null, channel: null, attributes: {} }
  // No rule is on a type without a name: only what may earn at all is asked.
  const { spend } = evaluate(program.rules, {
    transaction: { type: '', occurredAt: at, ...sale },
    member: { enrolledAt: at, attributes: {}, tiers: new Map() },
    used: () => 0n,
  })
  return spend.greaterThan(0)
}
