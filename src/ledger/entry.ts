/**
 * An entry is one business fact, immutable; its postings move points between two accounts each, so the
 * legs of an entry sum to zero per currency by construction. A correction is a new entry.
 */
import { invariant } from '../base/errors.ts'
import { MAX_POINTS } from '../base/points.ts'
import type { Draw } from './lot.ts'

/** The member's own accounts. `negative` is what the member owes after a claw-back. */
export const memberAccounts = ['available', 'pending', 'held', 'negative'] as const
/**
 * The program's: their balances are sums over postings, never one row that everybody updates. `carried` is
 * passed through on the way from one lot to another, and is empty after each entry.
 */
export const programAccounts = [
  'issued',
  'redeemed',
  'expired',
  'adjusted',
  'carried',
  'fees',
  'forfeited',
  'transferred',
  'merged',
] as const
/** Through these, one member's entry hands points to another's: over all members they come to zero. */
export const passages = ['transferred', 'merged'] as const

export type MemberAccount = (typeof memberAccounts)[number]
export type Passage = (typeof passages)[number]
export type ProgramAccount = (typeof programAccounts)[number]
export type AccountName = MemberAccount | ProgramAccount

export const entryKinds = [
  'earn',
  'return',
  'revalue',
  'redeem',
  'hold',
  'capture',
  'release',
  'expire_hold',
  'reverse',
  'adjust',
  'expire',
  'release_pending',
  'transfer_out',
  'transfer_in',
  'merge_out',
  'merge_in',
  'unmerge_out',
  'unmerge_in',
  'forfeit',
  'confirm',
  'cancel',
  'reinstate',
  'extend',
] as const
export type EntryKind = (typeof entryKinds)[number]

/** Entries whose points from or to `issued` make up what a member has earned in all. */
export const lifetimeKinds = [
  'earn',
  'return',
  'revalue',
  'confirm',
  'cancel',
] as const satisfies readonly EntryKind[]

export interface Posting {
  readonly currency: string
  readonly from: AccountName
  readonly to: AccountName
  /** always positive */
  readonly points: bigint
  /** the lot that the points enter or leave; null only between accounts that have no lots */
  readonly lotId: string | null
}

export interface Entry {
  readonly entryId: string
  readonly kind: EntryKind
  readonly occurredAt: Date
  readonly postings: readonly Posting[]
  readonly transactionId?: string
  readonly redemptionId?: string
  /** the entry or redemption that this one undoes */
  readonly reverses?: string
  readonly rulesVersion?: string
  /** points ever earned that go over with a merge, by currency; negative where they leave */
  readonly lifetime?: Readonly<Record<string, number>>
  /** of an un-merge, see members/merge: an entry that only remembers, and moves nothing */
  readonly carried?: {
    readonly lots: Readonly<Record<string, number>>
    readonly debts: Readonly<Record<string, number>>
    readonly lifetimes: Readonly<Record<string, number>>
  }
  /** JSON-ready: what a statement and an auditor want to know beside the postings */
  readonly detail?: Readonly<Record<string, unknown>>
}

export function posting(
  from: AccountName,
  to: AccountName,
  what: { currency: string; points: bigint; lotId: string | null },
): Posting {
  invariant(
    what.points > 0n && what.points <= MAX_POINTS,
    'a posting moves at least one point, at most 2^53-1',
  )
  invariant(from !== to, 'a posting moves points between two accounts')
  const { currency, points, lotId } = what
  return { from, to, currency, points, lotId }
}

/** One posting per draw, out of or back into the lots. */
export function postDraws(
  from: AccountName,
  to: AccountName,
  what: { currency: string; draws: readonly Draw[] },
): Posting[] {
  return what.draws.map(({ lotId, points }) => posting(from, to, { currency: what.currency, points, lotId }))
}
