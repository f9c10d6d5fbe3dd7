/**
 * A lot is points of one member that lapse together and become usable together, with who pays for them.
 * Its id is its key spelt out, so an accrual knows its lot without reading any. Points that lapse by inactivity
 * stand in lots without an expiry of their own: their account says when all of them lapse.
 */
import { DomainError, invariant } from '../base/errors.ts'
import { wirePoints } from '../base/points.ts'
import { type Day, showInstant } from '../base/time.ts'

export interface LotKey {
  readonly currency: string
  /** usable strictly before this; null: never lapses, or by inactivity */
  readonly expiresAt: Date | null
  /** pending until this; null: usable at once, or awaiting a confirmation */
  readonly usableFrom: Date | null
  readonly funder: string
  /** lapsed at this instant before it was put off; such points stand in lots of their own */
  readonly was?: Date
  /** lapses by inactivity */
  readonly idle?: true
  /** pending until its transaction is confirmed: such a lot is that transaction's alone */
  readonly awaits?: Awaited
}

export interface Awaited {
  readonly transactionId: string
  /** the business day of the transaction */
  readonly day: Day
  /** cancelled at this instant unless confirmed before */
  readonly until: Date
}

export interface Lot extends LotKey {
  readonly lotId: string
  available: bigint
  pending: bigint
  held: bigint
  /** lapsed so far, where that was read; a return takes its points from here once they have lapsed */
  expired: bigint
  /** what this group adds to it */
  expiredSince: bigint
}

/** A bite out of a lot. */
export interface Draw {
  readonly lotId: string
  readonly points: bigint
}

export function lotIdOf(key: LotKey): string {
  const lapse = key.expiresAt === null ? 'never' : showInstant(key.expiresAt)
  const expires = key.idle ? 'idle' : key.was ? `${lapse}~${showInstant(key.was)}` : lapse
  const usable = key.awaits
    ? awaitedText(key.awaits)
    : key.usableFrom === null
      ? 'at-once'
      : showInstant(key.usableFrom)
  return `${key.currency}/${expires}/${usable}/${key.funder}`
}

/** The key that a lot id spells out: a lot that was emptied and forgotten can be opened again. */
export function keyOfLot(lotId: string): LotKey {
  const [currency, expires, usable, funder] = lotId.split('/')
  invariant(currency && expires && usable && funder, `lot id ${lotId} has four parts`)
  return {
    currency,
    expiresAt: expires === 'never' || expires === 'idle' ? null : new Date(expires.split('~')[0]!),
    usableFrom: usable === 'at-once' || isAwaited(usable) ? null : new Date(usable),
    funder,
    ...ofSpecialKind(expires, usable),
  }
}

/** What a lot's id says beyond the instants that its row has columns for. */
export function specialKind(lotId: string): SpecialKind {
  if (!lotId.includes('/idle/') && !lotId.includes('~')) return {}
  const [, expires = '', usable = ''] = lotId.split('/')
  return ofSpecialKind(expires, usable)
}

/** The lot that points go into once they are usable: for what awaited a confirmation, the common one. */
export function usableKey({ awaits: _awaits, ...key }: LotKey): LotKey {
  return key
}

/** The id of the lot that points were earned into, whatever lot they were put off into since. */
export function earnedInto(lotId: string): string {
  const { was, ...key } = keyOfLot(lotId)
  return was === undefined ? lotId : lotIdOf({ ...key, expiresAt: was })
}

const AWAITED = 'confirm'

type SpecialKind = Pick<LotKey, 'was' | 'idle' | 'awaits'>

function ofSpecialKind(expires: string, usable: string): SpecialKind {
  const was = expires.split('~')[1]
  return {
    ...(was !== undefined && { was: new Date(was) }),
    ...(expires === 'idle' && { idle: true as const }),
    ...(isAwaited(usable) && { awaits: awaitedOf(usable) }),
  }
}

function isAwaited(usable: string): boolean {
  return usable.startsWith(`${AWAITED}~`)
}

function awaitedText({ until, day, transactionId }: Awaited): string {
  return [AWAITED, showInstant(until), day, transactionId].join('~')
}

function awaitedOf(text: string): Awaited {
  const [, until, day, transactionId] = text.split('~')
  invariant(until && day && transactionId, `${text} names a transaction, its day and an instant`)
  return { transactionId, day, until: new Date(until) }
}

export function emptyLot(key: LotKey): Lot {
  const { currency, expiresAt, usableFrom, funder } = key
  const lotId = lotIdOf(key)
  const points = { available: 0n, pending: 0n, held: 0n, expired: 0n, expiredSince: 0n }
  const lot: Lot = { lotId, currency, expiresAt, usableFrom, funder, ...points }
  if (!key.was && !key.idle && !key.awaits) return lot
  return {
    ...lot,
    ...(key.was && { was: key.was }),
    ...(key.idle && { idle: key.idle }),
    ...(key.awaits && { awaits: key.awaits }),
  }
}

/** Draws on the lot that lapses first; equal expiries fall to the lower id, so draws are always the same. */
export function drawFromLots(
  lots: Iterable<Lot>,
  input: { currency: string; points: bigint; at: Date },
): Draw[] {
  invariant(input.points > 0n, 'a draw is of at least one point')

  const draws: Draw[] = []
  let owed = input.points
  for (const lot of spendable(lots, input.currency, input.at).sort(bySoonestExpiry)) {
    if (owed === 0n) break
    const taken = lot.available < owed ? lot.available : owed
    draws.push({ lotId: lot.lotId, points: taken })
    owed -= taken
  }

  if (owed > 0n) {
    const available = wirePoints(input.points - owed)
    throw new DomainError('insufficient_points', {
      currency: input.currency,
      requested: wirePoints(input.points),
      available,
    })
  }
  return draws
}

/** The first `points` of a list of draws, and what is left of it. */
export function splitDraws(draws: readonly Draw[], points: bigint): { first: Draw[]; rest: Draw[] } {
  const first: Draw[] = []
  const rest: Draw[] = []
  let wanted = points
  for (const { lotId, points: size } of draws) {
    const taken = size < wanted ? size : wanted
    if (taken > 0n) first.push({ lotId, points: taken })
    if (size > taken) rest.push({ lotId, points: size - taken })
    wanted -= taken
  }
  invariant(wanted === 0n, 'draws hold at least what is split off')
  return { first, rest }
}

// The expiry instant itself is already too late: a lot is spendable strictly before it.
function spendable(lots: Iterable<Lot>, currency: string, at: Date): Lot[] {
  return [...lots].filter((lot) => lot.currency === currency && lot.available > 0n && !lapsed(lot, at))
}

export function lapsed(lot: LotKey, at: Date): boolean {
  return lot.expiresAt !== null && lot.expiresAt <= at
}

function bySoonestExpiry(a: Lot, b: Lot): number {
  const left = a.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY
  const right = b.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY
  if (left !== right) return left < right ? -1 : 1
  return a.lotId < b.lotId ? -1 : a.lotId > b.lotId ? 1 : 0
}
