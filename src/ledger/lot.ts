/**
 * A lot is points of one member that lapse together and become usable together, with who pays for them.
 * Its id is its key spelt out, so an accrual knows its lot without reading any.
 */
import { DomainError, invariant } from '../base/errors.ts'
import { wirePoints } from '../base/points.ts'
import { showInstant } from '../base/time.ts'

export interface LotKey {
  readonly currency: string
  /** usable strictly before this; null: never lapses */
  readonly expiresAt: Date | null
  /** pending until this; null: usable at once */
  readonly usableFrom: Date | null
  readonly funder: string
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
  const expires = key.expiresAt === null ? 'never' : showInstant(key.expiresAt)
  const usable = key.usableFrom === null ? 'at-once' : showInstant(key.usableFrom)
  return `${key.currency}/${expires}/${usable}/${key.funder}`
}

/** The key that a lot id spells out: a lot that was emptied and forgotten can be opened again. */
export function keyOfLot(lotId: string): LotKey {
  const [currency, expires, usable, funder] = lotId.split('/')
  invariant(currency && expires && usable && funder, `lot id ${lotId} has four parts`)
  return {
    currency,
    expiresAt: expires === 'never' ? null : new Date(expires),
    usableFrom: usable === 'at-once' ? null : new Date(usable),
    funder,
  }
}

export function emptyLot(key: LotKey): Lot {
  const { currency, expiresAt, usableFrom, funder } = key
  const lotId = lotIdOf(key)
  return {
    lotId,
    currency,
    expiresAt,
    usableFrom,
    funder,
    available: 0n,
    pending: 0n,
    held: 0n,
    expired: 0n,
    expiredSince: 0n,
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
