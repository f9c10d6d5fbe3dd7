/**
 * A member's account in one currency: how many points stand in each purpose. A cache of postings; the
 * points of `available`, `pending` and `held` are exactly those of the member's lots.
 */
import { wirePoints } from '../base/points.ts'
import type { Day } from '../base/time.ts'

export interface Account {
  readonly currency: string
  available: bigint
  pending: bigint
  held: bigint
  /** owed after a claw-back, as a positive number; the next accrual pays it off first */
  negative: bigint
  /** earned in all, less what returns took back */
  lifetime: bigint
  /** the business day of the last activity; null where there was none, or it does not matter */
  activeOn: Day | null
  /** when the points that lapse by inactivity lapse; null: nobody is waiting for it (exempt, or no such points) */
  lapsesAt: Date | null
}

export interface WireBalance {
  currency: string
  available: number
  pending: number
  held: number
  negative: number
}

export function emptyAccount(currency: string): Account {
  return {
    currency,
    available: 0n,
    pending: 0n,
    held: 0n,
    negative: 0n,
    lifetime: 0n,
    activeOn: null,
    lapsesAt: null,
  }
}

export function wireBalance(account: Pick<Account, keyof WireBalance>): WireBalance {
  return {
    currency: account.currency,
    available: wirePoints(account.available),
    pending: wirePoints(account.pending),
    held: wirePoints(account.held),
    negative: wirePoints(account.negative),
  }
}
