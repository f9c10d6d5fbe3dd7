/**
 * The model's members: enrolled, closed, opened again, erased; pools that they join and leave; duplicates merged
 * and taken out again with what they brought and is still there.
 */
import {
  type CurrencyName,
  comeIn,
  currencyNames,
  draw,
  heldBy,
  inOrder,
  type Lot,
  type LotKey,
  lotOf,
  type Member,
  MOST_IN_A_POOL,
  newMember,
  type Owned,
  remember,
  sameLot,
  standIn,
  type World,
} from './model-world.ts'

export function enrol(world: World): null {
  world.members.push(newMember())
  return null
}

function poolOf(world: World, who: number): string | undefined {
  return Object.keys(world.pools).find((label) => world.pools[label]!.includes(who))
}

function leaveAnyPool(world: World, who: number): void {
  const label = poolOf(world, who)
  if (label !== undefined) world.pools[label] = world.pools[label]!.filter((one) => one !== who)
}

export function createPool(world: World, label: string, asked: readonly number[]): string | null {
  const members: number[] = []
  for (const one of asked) {
    const who = standIn(world, one)
    if (members.includes(who)) return 'same_member'
    const refusal = mayJoin(world, who)
    if (refusal) return refusal
    if (members.length === MOST_IN_A_POOL) return 'limit_reached'
    members.push(who)
  }
  world.pools[label] = members
  return null
}

function mayJoin(world: World, who: number): string | null {
  if (world.members[who]!.status !== 'active') return 'member_not_active'
  return poolOf(world, who) === undefined ? null : 'already_in_pool'
}

export function joinPool(world: World, label: string | null, asked: number): string | null {
  const who = standIn(world, asked)
  const refusal = mayJoin(world, who)
  if (refusal) return refusal
  const members = label === null ? undefined : world.pools[label]
  if (!members) return 'pool_not_found'
  if (members.length === MOST_IN_A_POOL) return 'limit_reached'
  world.pools[label!] = [...members, who]
  return null
}

export function leavePool(world: World, label: string | null, asked: number): string | null {
  const who = standIn(world, asked)
  const members = label === null ? undefined : world.pools[label]
  if (!members) return 'pool_not_found'
  if (!members.includes(who)) return 'not_in_pool'
  world.pools[label!] = members.filter((one) => one !== who)
  return null
}

export function end(world: World, what: 'close' | 'reopen' | 'erase', asked: number): string | null {
  const who = standIn(world, asked)
  const member = world.members[who]!
  if (what === 'reopen') {
    if (member.status !== 'closed') return 'member_not_closed'
    member.status = 'active'
    return null
  }
  if (member.status === 'erased' || (what === 'close' && member.status !== 'active'))
    return 'member_not_active'
  if (holdsAnything(world, who)) return 'points_held'
  leaveAnyPool(world, who)
  // Points are forfeited; debts stay.
  for (const lot of member.lots) {
    lot.available = 0
    lot.pending = 0
  }
  member.status = what === 'close' ? 'closed' : 'erased'
  return null
}

function holdsAnything(world: World, who: number): boolean {
  return currencyNames.some((currency) => heldBy(world, who, currency) > 0)
}

/** Points on their way from one book to another: lots, debts, and points ever earned. */
interface Bundle {
  readonly lots: { readonly key: LotKey; available: number; pending: number; lapsed: number }[]
  readonly debts: Record<CurrencyName, number>
  readonly lifetime: Record<CurrencyName, number>
}

export function merge(world: World, asked: number, duplicate: number): string | null {
  const who = standIn(world, asked)
  const member = world.members[who]!
  const other = world.members[duplicate]!
  if (member.status !== 'active') return 'member_not_active'
  if (who === duplicate) return 'same_member'
  if (other.status !== 'active') return 'member_not_active'
  if (holdsAnything(world, duplicate)) return 'points_held'
  leaveAnyPool(world, duplicate)
  const brought = everythingOf(other)
  other.status = 'merged'
  other.mergedInto = who
  const arrived = takeOver(member, brought)
  remember(world, { on: who, owner: duplicate, ...arrived })
  return null
}

function everythingOf(member: Member): Bundle {
  const lots = inOrder(member.lots).map(
    ({ currency, lapses, first, usable, available, pending, lapsed }) => ({
      key: { currency, lapses, first, usable },
      ...{ available, pending, lapsed },
    }),
  )
  const { points, gems } = member.purses
  const bundle: Bundle = {
    lots,
    debts: { points: points.negative, gems: gems.negative },
    lifetime: { points: points.lifetime, gems: gems.lifetime },
  }
  member.lots = []
  member.purses.points = { negative: 0, lifetime: 0 }
  member.purses.gems = { negative: 0, lifetime: 0 }
  return bundle
}

/** Usable points pay off a debt first; then debts come over, and what is there pays them. */
function takeOver(
  member: Member,
  { lots, debts, lifetime }: Bundle,
): Pick<Owned, 'lots' | 'debts' | 'lifetime'> {
  const moved: [LotKey, number][] = []
  const owed = { points: 0, gems: 0 }
  for (const { key, available, pending, lapsed } of lots) {
    const arrived = available > 0 ? comeIn(member, key, available) : 0
    const lot = lotOf(member, key)
    lot.pending += pending
    lot.lapsed += lapsed
    moved.push([key, arrived + pending + lapsed])
  }
  for (const currency of currencyNames) {
    const purse = member.purses[currency]
    purse.lifetime += lifetime[currency]
    const debt = debts[currency]
    const usable = member.lots.reduce(
      (sum, lot) => (lot.currency === currency ? sum + lot.available : sum),
      0,
    )
    const paid = Math.min(debt, usable)
    for (const [key, points] of draw(member, currency, paid) ?? []) moved.push([key, -points])
    purse.negative += debt - paid
    owed[currency] = debt - paid
  }
  return { lots: moved, debts: owed, lifetime }
}

export function unmerge(world: World, asked: number, duplicate: number): string | null {
  const who = standIn(world, asked)
  const member = world.members[who]!
  const other = world.members[duplicate]!
  if (member.status !== 'active') return 'member_not_active'
  if (other.mergedInto !== who) return 'not_merged'
  // The duplicate's own duplicates go with it.
  const isTheirs = ({ owner }: Owned) => owner === duplicate || leadsTo(world, owner, duplicate)
  const theirs = member.owned.filter(isTheirs)
  member.owned = member.owned.filter((one) => !isTheirs(one))
  takeOver(other, leave(member, theirs))
  other.status = 'active'
  other.mergedInto = null
  other.owned.push(...theirs.filter(({ owner }) => owner !== duplicate))
  return null
}

function leadsTo(world: World, from: number, to: number): boolean {
  const into = world.members[from]!.mergedInto
  return into !== null && (into === to || leadsTo(world, into, to))
}

/** Of each lot what was brought, as far as it is there: pending points first, then usable ones, then lapsed. */
function leave(member: Member, owned: readonly Owned[]): Bundle {
  const bundle: Bundle = { lots: [], debts: { points: 0, gems: 0 }, lifetime: { points: 0, gems: 0 } }
  for (const lot of inOrder(member.lots)) {
    let most = Math.max(0, broughtInto(lot, owned))
    const take = (what: 'pending' | 'available' | 'lapsed') => {
      const points = Math.min(most, lot[what])
      lot[what] -= points
      most -= points
      return points
    }
    const [pending, available, lapsed] = [take('pending'), take('available'), take('lapsed')]
    const { currency, lapses, first, usable } = lot
    bundle.lots.push({ key: { currency, lapses, first, usable }, available, pending, lapsed })
  }
  for (const currency of currencyNames) {
    const purse = member.purses[currency]
    const debt = Math.max(
      0,
      owned.reduce((sum, one) => sum + one.debts[currency], 0),
    )
    bundle.debts[currency] = Math.min(debt, purse.negative)
    purse.negative -= bundle.debts[currency]
    bundle.lifetime[currency] = owned.reduce((sum, one) => sum + one.lifetime[currency], 0)
    purse.lifetime -= bundle.lifetime[currency]
  }
  return bundle
}

function broughtInto(lot: Lot, owned: readonly Owned[]): number {
  return owned
    .flatMap(({ lots }) => lots.filter(([key]) => sameLot(key, lot)))
    .reduce((sum, [, points]) => sum + points, 0)
}
