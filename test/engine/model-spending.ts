/**
 * The model's spending: redemptions at once or held first, by one member or by a pool in proportion to balances;
 * corrections by hand; lapses put off; gifts between members.
 */
import {
  type CurrencyName,
  comeIn,
  currencyNames,
  draw,
  FEE_PERCENT,
  HOLD,
  LIFE,
  lotOf,
  type Redemption,
  remember,
  type Share,
  settle,
  standIn,
  sumOf,
  type World,
} from './model-world.ts'

export interface Spend {
  readonly who: number
  readonly currency: CurrencyName
  readonly points: number
  readonly hold: boolean
  readonly usePool: boolean
}

export function redeem(world: World, label: string, spend: Spend): string | null {
  const { currency, points, hold, usePool } = spend
  const who = standIn(world, spend.who)
  if (world.members[who]!.status !== 'active') return 'member_not_active'
  const pool = Object.values(world.pools).find((members) => members.includes(who))
  if (usePool && !pool) return 'not_in_pool'
  const payers = usePool ? [who, ...pool!.filter((one) => one !== who).sort((a, b) => a - b)] : [who]
  const balances = payers.map((one) => sumOf(world.members[one]!, currency, 'available'))
  if (balances.reduce((sum, one) => sum + one, 0) < points) return 'insufficient_points'

  const parts = inProportion(points, balances)
  const shares = payers.flatMap((owner, index): Share[] => {
    const part = parts[index]!
    return part === 0 ? [] : [{ owner, points: part, draws: draw(world.members[owner]!, currency, part)! }]
  })
  const until = hold ? world.day + HOLD : null
  world.redemptions[label] = { currency, pooled: usePool, until, status: hold ? 'held' : 'captured', shares }
  return null
}

/** Whole parts first; what is left over falls to the largest remainders, the first among equals. */
function inProportion(points: number, balances: readonly number[]): number[] {
  const total = balances.reduce((sum, one) => sum + one, 0)
  const parts = balances.map((one) => Math.floor((points * one) / total))
  const ranked = balances
    .map((one, index) => ({ index, rest: (points * one) % total }))
    .sort((a, b) => b.rest - a.rest || a.index - b.index)
  for (let left = points - parts.reduce((sum, one) => sum + one, 0); left > 0; left -= 1)
    parts[ranked.shift()!.index]! += 1
  return parts
}

export interface Closing {
  readonly what: 'capture' | 'release' | 'reverse'
  readonly redemption: string | null
  /** of a capture: fewer than held; null: all */
  readonly points: number | null
}

export function close(world: World, { what, redemption: label, points }: Closing): string | null {
  const redemption = label === null ? undefined : world.redemptions[label]
  if (!redemption) return 'redemption_not_found'
  const { status } = redemption
  if (what === 'reverse') {
    if (status !== 'captured') return 'redemption_not_captured'
    redemption.status = 'reversed'
    giveBackAll(world, redemption)
    return null
  }
  if (status !== 'held') return status === 'expired' ? 'hold_expired' : 'redemption_not_held'
  if (what === 'release') {
    redemption.status = 'released'
    giveBackAll(world, redemption)
    return null
  }
  const held = redemption.shares.map((share) => share.points)
  const wanted = points ?? held.reduce((sum, one) => sum + one, 0)
  if (wanted > held.reduce((sum, one) => sum + one, 0)) return 'above_maximum'
  redemption.status = 'captured'
  const parts = inProportion(wanted, held)
  redemption.shares.forEach((share, index) => {
    captureShare(world, share, parts[index]!)
  })
  return null
}

/** Keeps the first of what was drawn and puts the rest back. */
function captureShare(world: World, share: Share, points: number): void {
  const on = standIn(world, share.owner)
  let wanted = points
  share.points = points
  share.draws = share.draws.flatMap(([key, size]): Share['draws'] => {
    const kept = Math.min(size, wanted)
    wanted -= kept
    lotOf(world.members[on]!, key).available += size - kept
    return kept > 0 ? [[key, kept]] : []
  })
  settle(world, on)
}

function giveBackAll(world: World, redemption: Redemption): void {
  for (const { owner, draws } of redemption.shares) {
    const on = standIn(world, owner)
    for (const [key, points] of draws) lotOf(world.members[on]!, key).available += points
    remember(world, { on, owner, lots: draws })
    settle(world, on)
  }
}

export function adjust(
  world: World,
  what: { who: number; currency: CurrencyName; points: number },
): string | null {
  const { currency, points } = what
  const who = standIn(world, what.who)
  const member = world.members[who]!
  if (member.status !== 'active') return 'member_not_active'
  if (points < 0) return draw(member, currency, -points) === null ? 'insufficient_points' : null
  const gone = world.day + LIFE + 1
  // Points given by hand are usable at once.
  comeIn(member, { currency, lapses: gone, first: gone, usable: 'at once' }, points)
  return null
}

/** All that lapses, but for what is held, lives on for some days. */
export function extend(
  world: World,
  what: { who: number; currency: CurrencyName; days: number },
): string | null {
  const member = world.members[standIn(world, what.who)]!
  if (member.status !== 'active') return 'member_not_active'
  const living = member.lots.filter(
    (lot) => lot.currency === what.currency && lot.available + lot.pending > 0,
  )
  if (living.length === 0) return 'insufficient_points'
  const moves = living.map((lot) => ({ lot, available: lot.available, pending: lot.pending }))
  for (const { lot } of moves) {
    lot.available = 0
    lot.pending = 0
  }
  for (const { lot, available, pending } of moves) {
    const later = lotOf(member, { ...lot, lapses: lot.lapses + what.days })
    later.available += available
    later.pending += pending
  }
  return null
}

/** The giver pays a fee on top; the points lapse when they would have. */
export function transfer(
  world: World,
  what: { from: number; to: number; currency: CurrencyName; points: number },
): string | null {
  const { currency, points } = what
  const [from, to] = [standIn(world, what.from), standIn(world, what.to)]
  if (world.members[from]!.status !== 'active') return 'member_not_active'
  if (from === to) return 'same_member'
  if (world.members[to]!.status !== 'active') return 'member_not_active'
  if (currency !== 'points') return 'transfer_not_allowed'
  const fee = Math.ceil((points * FEE_PERCENT) / 100)
  const draws = draw(world.members[from]!, currency, points + fee)
  if (draws === null) return 'insufficient_points'
  let wanted = points
  for (const [key, size] of draws) {
    const given = Math.min(size, wanted)
    wanted -= given
    if (given > 0) comeIn(world.members[to]!, key, given)
  }
  return null
}

/** What must hold of every world, whatever has happened. */
export function broken(world: World): string[] {
  const found: string[] = []
  for (const [who, member] of world.members.entries()) {
    for (const lot of member.lots) {
      if (Math.min(lot.available, lot.pending, lot.lapsed) < 0) found.push(`a lot of ${who} is below zero`)
      if (lot.available + lot.pending > 0 && lot.lapses <= world.day)
        found.push(`${who} has points that lapsed`)
    }
    for (const currency of currencyNames)
      if (member.purses[currency].negative < 0) found.push(`the debt of ${who} is below zero`)
    if (member.status === 'merged' && member.lots.some((lot) => lot.available + lot.pending + lot.lapsed > 0))
      found.push(`${who} is merged and still has points`)
  }
  return found
}
