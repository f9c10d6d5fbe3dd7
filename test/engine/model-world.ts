/**
 * The ledger once more, written from its description in plain numbers and lists, sharing no code with the
 * engine: what there is, how lots are told apart, and what time does to them. Time is a whole day number;
 * everything happens at noon, whatever lapses or becomes usable does so at midnight.
 */
export type CurrencyName = 'points' | 'gems'
export const currencyNames: readonly CurrencyName[] = ['points', 'gems']

/** What the rules of the model say, in days. */
export const LIFE = 10
export const HOLD = 2
export const CONFIRM_WITHIN = 5
export const CLAIM_WITHIN = 8
export const MOST_IN_A_POOL = 3
export const FEE_PERCENT = 10

export interface Terms {
  /** points of a purchase are usable after so many days; gems always await a confirmation */
  readonly pendingDays: number
  readonly returns: 'negative' | 'to_zero' | 'pending_only'
}

/** Points of one member that lapse and become usable together; put off, they remember when they would have lapsed. */
export interface Lot {
  readonly currency: CurrencyName
  /** the first day on which they are gone */
  readonly lapses: number
  readonly first: number
  /** from which day on; of points that await a confirmation: of which sale, and the day they are cancelled on */
  readonly usable: 'at once' | number | { readonly sale: string; readonly until: number }
  available: number
  pending: number
  lapsed: number
}

export type LotKey = Pick<Lot, 'currency' | 'lapses' | 'first' | 'usable'>

export interface Purse {
  negative: number
  lifetime: number
}

/** Something on a member's book that is about what a merged duplicate brought or did before. */
export interface Owned {
  readonly owner: number
  readonly lots: readonly (readonly [LotKey, number])[]
  readonly debts: Record<CurrencyName, number>
  readonly lifetime: Record<CurrencyName, number>
}

export interface Member {
  status: 'active' | 'closed' | 'merged' | 'erased'
  mergedInto: number | null
  readonly purses: Record<CurrencyName, Purse>
  lots: Lot[]
  owned: Owned[]
}

export interface Sale {
  /** null: nobody’s yet */
  owner: number | null
  readonly currency: CurrencyName
  readonly on: number
  readonly lines: { readonly cents: number; readonly quantity: number; returned: number }[]
  /** of a sale whose points await it */
  decided: { outcome: 'confirmed' | 'cancelled'; automatic: boolean; lot: LotKey } | null
}

export type Draw = [lot: LotKey, points: number]

/** A part of a redemption that one member pays. */
export interface Share {
  readonly owner: number
  points: number
  draws: Draw[]
}

export interface Redemption {
  readonly currency: CurrencyName
  readonly pooled: boolean
  readonly until: number | null
  status: 'held' | 'captured' | 'released' | 'expired' | 'reversed'
  /** who asked first, then in order of enrolment */
  shares: Share[]
}

export interface World {
  readonly terms: Terms
  day: number
  readonly members: Member[]
  readonly sales: Record<string, Sale>
  readonly redemptions: Record<string, Redemption>
  /** members, in no order */
  readonly pools: Record<string, number[]>
  readonly tickets: string[]
}

export function newWorld(terms: Terms): World {
  return { terms, day: 0, members: [], sales: {}, redemptions: {}, pools: {}, tickets: [] }
}

export function newMember(): Member {
  const purses = { points: { negative: 0, lifetime: 0 }, gems: { negative: 0, lifetime: 0 } }
  return { status: 'active', mergedInto: null, purses, lots: [], owned: [] }
}

/** Who answers for a member: itself, or whoever it was merged into. */
export function standIn(world: World, who: number): number {
  const into = world.members[who]!.mergedInto
  return into === null ? who : standIn(world, into)
}

export function sameLot(a: LotKey, b: LotKey): boolean {
  return a.currency === b.currency && a.lapses === b.lapses && a.first === b.first && sameUse(a, b)
}

export function sameUse(a: LotKey, b: LotKey): boolean {
  if (typeof a.usable !== 'object' || typeof b.usable !== 'object') return a.usable === b.usable
  return a.usable.sale === b.usable.sale
}

export function lotOf(member: Member, key: LotKey): Lot {
  let lot = member.lots.find((known) => sameLot(known, key))
  if (!lot) {
    const { currency, lapses, first, usable } = key
    lot = { currency, lapses, first, usable, available: 0, pending: 0, lapsed: 0 }
    member.lots.push(lot)
  }
  return lot
}

/** What lapses first comes first; of equals what was not put off, then what became usable earlier. */
export function inOrder(lots: readonly Lot[]): Lot[] {
  const use = ({ usable }: Lot) => (typeof usable === 'number' ? usable : usable === 'at once' ? 1e6 : 2e6)
  const put = (lot: Lot) => (lot.first === lot.lapses ? -1e6 : lot.first)
  return [...lots].sort((a, b) => a.lapses - b.lapses || put(a) - put(b) || use(a) - use(b))
}

export function sumOf(
  member: Member,
  currency: CurrencyName,
  what: 'available' | 'pending' | 'lapsed',
): number {
  return member.lots.reduce((sum, lot) => (lot.currency === currency ? sum + lot[what] : sum), 0)
}

/** Points set aside on one member’s book, its own and those of duplicates. */
export function heldBy(world: World, who: number, currency: CurrencyName): number {
  let sum = 0
  for (const { status, shares, currency: of } of Object.values(world.redemptions)) {
    if (status !== 'held' || of !== currency) continue
    for (const { owner, points } of shares) if (standIn(world, owner) === who) sum += points
  }
  return sum
}

/** A debt is paid off first, the rest is usable. Returns what reached the lot. */
export function comeIn(member: Member, key: LotKey, points: number): number {
  const purse = member.purses[key.currency]
  const paid = Math.min(purse.negative, points)
  purse.negative -= paid
  lotOf(member, key).available += points - paid
  return points - paid
}

/** Draws on what lapses first; null where there is too little. */
export function draw(member: Member, currency: CurrencyName, points: number): Draw[] | null {
  if (sumOf(member, currency, 'available') < points) return null
  let owed = points
  const draws: Draw[] = []
  for (const lot of inOrder(member.lots)) {
    if (lot.currency !== currency) continue
    const taken = Math.min(lot.available, owed)
    lot.available -= taken
    owed -= taken
    if (taken > 0) draws.push([keyOf(lot), taken])
  }
  return draws
}

/** Points return to where they came from. What has lapsed there since is gone at once, see `settle`. */
function putBack(member: Member, draws: readonly Draw[]): void {
  for (const [key, points] of draws) lotOf(member, key).available += points
}

const order = ['release', 'cancel', 'lapse'] as const

/** Everything of a member’s lots that is due by now, as of its own midnight and in the order of those. */
export function settle(world: World, who: number): void {
  const member = world.members[who]!
  const due: { lot: Lot; day: number; what: (typeof order)[number] }[] = []
  for (const lot of inOrder(member.lots)) {
    const { usable, pending, available, lapses } = lot
    if (pending > 0 && typeof usable === 'number') due.push({ lot, day: usable, what: 'release' })
    if (pending > 0 && typeof usable === 'object') due.push({ lot, day: usable.until, what: 'cancel' })
    if (pending + available > 0) due.push({ lot, day: lapses, what: 'lapse' })
  }
  due.sort((a, b) => a.day - b.day || order.indexOf(a.what) - order.indexOf(b.what))
  for (const { lot, what, day } of due) if (day <= world.day) happen(world, { who, lot, what })
}

function happen(world: World, due: { who: number; lot: Lot; what: (typeof order)[number] }): void {
  const { who, lot, what } = due
  const member = world.members[who]!
  const { pending } = lot
  if (what === 'release') {
    lot.pending = 0
    comeIn(member, lot, pending)
  }
  if (what === 'cancel' && pending > 0) cancelAwaiting(world, { who, lot, automatic: true })
  if (what === 'lapse') {
    lot.lapsed += lot.available + lot.pending
    lot.available = 0
    lot.pending = 0
  }
}

/** Points that nobody will confirm any more have never been earned. */
export function cancelAwaiting(world: World, gone: { who: number; lot: Lot; automatic: boolean }): void {
  const { who, lot, automatic } = gone
  const { usable, currency, pending } = lot
  if (typeof usable !== 'object') return
  const member = world.members[who]!
  const sale = world.sales[usable.sale]!
  sale.decided = { outcome: 'cancelled', automatic, lot: keyOf(lot) }
  member.purses[currency].lifetime -= pending
  remember(world, {
    on: who,
    owner: sale.owner!,
    lots: [[lot, -pending]],
    lifetime: { [currency]: -pending },
  })
  lot.pending = 0
}

/** Notes on a book what became of a merged duplicate’s. */
export function remember(
  world: World,
  what: {
    on: number
    owner: number
    lots?: readonly (readonly [LotKey, number])[]
    debts?: Partial<Record<CurrencyName, number>>
    lifetime?: Partial<Record<CurrencyName, number>>
  },
): void {
  if (what.on === what.owner) return
  const { owner, lots = [] } = what
  const nothing = { points: 0, gems: 0 }
  const [debts, lifetime] = [
    { ...nothing, ...what.debts },
    { ...nothing, ...what.lifetime },
  ]
  world.members[what.on]!.owned.push({
    owner,
    lots: lots.map(([key, sum]) => [keyOf(key), sum]),
    debts,
    lifetime,
  })
}

function keyOf({ currency, lapses, first, usable }: LotKey): LotKey {
  return { currency, lapses, first, usable }
}

/** Days pass: lots change at midnight, holds let go at noon. */
export function advance(world: World, days: number): void {
  for (let step = 0; step < days; step += 1) {
    world.day += 1
    for (const who of world.members.keys()) settle(world, who)
    for (const redemption of Object.values(world.redemptions)) {
      if (redemption.status !== 'held' || redemption.until! > world.day) continue
      redemption.status = 'expired'
      letGo(world, redemption)
    }
  }
}

/** What a redemption drew goes back to whoever answers for those that paid it. */
function letGo(world: World, redemption: Redemption): number[] {
  return redemption.shares.map(({ owner, draws }) => {
    const on = standIn(world, owner)
    putBack(world.members[on]!, draws)
    settle(world, on)
    return on
  })
}
