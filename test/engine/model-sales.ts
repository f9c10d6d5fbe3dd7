/**
 * The model's sales: earning, also late; sales without a member; tickets that count once; confirmations; and
 * returns. A refusal is its code, and null is none; what is refused changes nothing.
 */
import {
  CLAIM_WITHIN,
  CONFIRM_WITHIN,
  type CurrencyName,
  cancelAwaiting,
  comeIn,
  inOrder,
  LIFE,
  type Lot,
  type LotKey,
  lotOf,
  type Member,
  remember,
  type Sale,
  sameLot,
  sameUse,
  settle,
  standIn,
  type World,
} from './model-world.ts'

export interface Line {
  readonly cents: number
  readonly quantity: number
}

export interface Bought {
  readonly currency: CurrencyName
  readonly lines: readonly Line[]
  readonly daysAgo: number
  readonly ticket?: string
}

/** One point per whole euro of what is left of all lines together. */
function worth({ lines }: Sale): number {
  // Quantities are 1 to 4, so twelfths of a cent are whole numbers.
  const twelfths = lines.reduce(
    (sum, { cents, quantity, returned }) => sum + cents * (quantity - returned) * (12 / quantity),
    0,
  )
  return Math.floor(twelfths / 1200)
}

function newSale(world: World, { currency, lines, daysAgo }: Bought): Sale {
  const on = world.day - daysAgo
  return { owner: null, currency, on, lines: lines.map((line) => ({ ...line, returned: 0 })), decided: null }
}

/** `who` null: nobody's yet. */
export function buy(world: World, label: string, who: number | null, bought: Bought): string | null {
  if (who === null) {
    world.sales[label] = newSale(world, bought)
    return null
  }
  const on = standIn(world, who)
  if (world.members[on]!.status !== 'active') return 'member_not_active'
  if (bought.ticket !== undefined) {
    if (bought.daysAgo > CLAIM_WITHIN) return 'claim_too_late'
    if (world.tickets.includes(bought.ticket)) return 'already_claimed'
    world.tickets.push(bought.ticket)
  }
  world.sales[label] = newSale(world, bought)
  give(world, label, on)
  return null
}

export function attach(world: World, label: string | null, who: number): string | null {
  const sale = label === null ? undefined : world.sales[label]
  if (!sale) return 'transaction_not_found'
  if (sale.owner !== null) return 'transaction_attached'
  const on = standIn(world, who)
  if (world.members[on]!.status !== 'active') return 'member_not_active'
  give(world, label!, on)
  return null
}

function give(world: World, label: string, on: number): void {
  const sale = world.sales[label]!
  const member = world.members[on]!
  sale.owner = on
  const points = worth(sale)
  if (points === 0) return
  const key = lotOfSale(world, label)
  member.purses[sale.currency].lifetime += points
  if (key.usable === 'at once') comeIn(member, key, points)
  else lotOf(member, key).pending += points
  settle(world, on)
}

function lotOfSale(world: World, label: string): LotKey {
  const { currency, on } = world.sales[label]!
  const { pendingDays } = world.terms
  const gone = on + LIFE + 1
  const awaited = { sale: label, until: on + CONFIRM_WITHIN + 1 }
  const usable = currency === 'gems' ? awaited : pendingDays > 0 ? on + pendingDays : 'at once'
  return { currency, lapses: gone, first: gone, usable }
}

/** The sale that a return or a confirmation names, or why not. */
function named(world: World, label: string | null): { sale: Sale; on: number } | string {
  const sale = label === null ? undefined : world.sales[label]
  if (!sale) return 'transaction_not_found'
  if (sale.owner === null) return 'transaction_not_attached'
  const on = standIn(world, sale.owner)
  return world.members[on]!.status === 'active' ? { sale, on } : 'member_not_active'
}

/** `quantities`: of each line; null: everything that is left. */
export function giveBack(
  world: World,
  label: string | null,
  quantities: readonly number[] | null,
): string | null {
  const found = named(world, label)
  if (typeof found === 'string') return found
  const { sale, on } = found
  const left = sale.lines.map(({ quantity, returned }) => quantity - returned)
  if (quantities === null && left.every((one) => one === 0)) return 'returned_too_much'
  const back = quantities ?? left
  if (back.some((one, index) => one > (left[index] ?? 0))) return 'returned_too_much'

  const before = worth(sale)
  sale.lines.forEach((line, index) => {
    line.returned += back[index] ?? 0
  })
  // What was cancelled is gone already.
  if (sale.decided?.outcome !== 'cancelled')
    takeBack(world, { label: label!, on, points: before - worth(sale) })
  return null
}

/**
 * Out of where the points went, wherever they are of it: pending, usable, lapsed; then out of what lapses first;
 * the rest is owed or forgiven, as the terms say.
 */
function takeBack(world: World, what: { label: string; on: number; points: number }): void {
  const { label, on } = what
  const { owner, currency } = world.sales[label]!
  const member = world.members[on]!
  const own = whereTheyWent(member, lotOfSale(world, label))
  const moved: [Lot, number][] = []
  let owed = what.points
  let debt = 0
  const take = (lot: Lot, from: 'pending' | 'available' | 'lapsed') => {
    const points = Math.min(lot[from], owed)
    lot[from] -= points
    owed -= points
    if (points > 0) moved.push([lot, -points])
  }
  for (const lot of own) take(lot, 'pending')
  if (world.terms.returns !== 'pending_only') {
    for (const lot of own) take(lot, 'available')
    for (const lot of own) take(lot, 'lapsed')
    for (const lot of inOrder(member.lots)) if (lot.currency === currency) take(lot, 'available')
    if (world.terms.returns === 'negative') debt = owed
  }
  const purse = member.purses[currency]
  purse.negative += debt
  const taken = debt - moved.reduce((sum, [, points]) => sum + points, 0)
  purse.lifetime -= taken
  remember(world, {
    on,
    owner: owner!,
    lots: moved,
    debts: { [currency]: debt },
    lifetime: { [currency]: -taken },
  })
}

/** The lot that points went into, with those that they were put off into; then, once confirmed, the common ones. */
function whereTheyWent(member: Member, key: LotKey): Lot[] {
  const common: LotKey = { ...key, usable: 'at once' }
  const ways = typeof key.usable === 'object' ? [key, common] : [key]
  return ways.flatMap((way) => {
    const alike = inOrder(member.lots).filter(
      (lot) => lot.currency === way.currency && lot.first === way.first && sameUse(lot, way),
    )
    return [...alike.filter((lot) => sameLot(lot, way)), ...alike.filter((lot) => !sameLot(lot, way))]
  })
}

/** A confirmation that came in time counts also where it is told of after the points were cancelled. */
export function decide(
  world: World,
  what: { sale: string | null; outcome: 'confirmed' | 'cancelled'; daysAgo: number },
): string | null {
  const found = named(world, what.sale)
  if (typeof found === 'string') return found
  const { sale, on } = found
  const day = world.day - what.daysAgo
  if (day < sale.on) return 'date_out_of_range'
  const { decided } = sale
  if (decided !== null) {
    const inTime = decided.automatic && what.outcome === 'confirmed' && day <= sale.on + CONFIRM_WITHIN
    if (!inTime || worth(sale) === 0) return 'transaction_not_pending'
    confirmAfterAll(world, { sale, on, lot: decided.lot })
    return null
  }
  const member = world.members[on]!
  const waiting = member.lots.filter(
    ({ usable, pending }) => typeof usable === 'object' && usable.sale === what.sale && pending > 0,
  )
  if (waiting.length === 0) return 'transaction_not_pending'
  for (const lot of waiting) {
    if (what.outcome === 'cancelled') cancelAwaiting(world, { who: on, lot, automatic: false })
    else confirmLot(world, { sale, on, lot })
  }
  settle(world, on)
  return null
}

function confirmLot(world: World, { sale, on, lot }: { sale: Sale; on: number; lot: Lot }): void {
  const { pending } = lot
  const key: LotKey = { ...lot, usable: 'at once' }
  sale.decided = { outcome: 'confirmed', automatic: false, lot: key }
  lot.pending = 0
  const arrived = comeIn(world.members[on]!, key, pending)
  const lots: [LotKey, number][] = [
    [lot, -pending],
    [key, arrived],
  ]
  remember(world, { on, owner: sale.owner!, lots })
}

/** As many as the sale is worth by now: what was returned meanwhile is not given again. */
function confirmAfterAll(world: World, what: { sale: Sale; on: number; lot: LotKey }): void {
  const { sale, on } = what
  const member = world.members[on]!
  const key: LotKey = { ...what.lot, usable: 'at once' }
  const points = worth(sale)
  sale.decided = { outcome: 'confirmed', automatic: false, lot: key }
  member.purses[sale.currency].lifetime += points
  const arrived = comeIn(member, key, points)
  remember(world, {
    on,
    owner: sale.owner!,
    lots: [[key, arrived]],
    lifetime: { [sale.currency]: points },
  })
  settle(world, on)
}
