/**
 * A merge makes one member answer for a duplicate of theirs: the points go over, everything else stays where
 * it is and is found through the duplicate. Un-merging gives back what the duplicate brought and still is there.
 */
import { DomainError } from '../base/errors.ts'
import { showId } from '../base/ids.ts'
import { wirePoints } from '../base/points.ts'
import type { Book } from '../ledger/book.ts'
import { type EntryKind, lifetimeKinds, type Posting } from '../ledger/entry.ts'
import type { Brought } from '../ledger/handover.ts'

/** Members that answer as one at most; each further one is looked into wherever the history is read. */
export const MOST_MERGED = 20

export interface MergeBody {
  externalRef: string
  /** UUID */
  duplicate: string
}

/** A duplicate that another member answers for. */
export interface Merge {
  readonly memberId: string
  /** the entry that brought the points */
  readonly mergeId: string
  readonly duplicateId: string
}

/** An entry on the survivor's book that is about what belongs to a duplicate. */
export interface OwnedEntry {
  readonly owner: string
  readonly kind: EntryKind
  readonly lifetime: Readonly<Record<string, number>> | null
  readonly postings: readonly Posting[]
  /** of an un-merge: what became of this owner's further up */
  readonly carried: CarriedBack | null
}

export interface CarriedBack {
  readonly lots: Readonly<Record<string, number>>
  readonly debts: Readonly<Record<string, number>>
  readonly lifetimes: Readonly<Record<string, number>>
}

/** Refuses a merge of a member with itself, of too many, and while the duplicate's points are held. */
export function checkMerge(
  survivor: { memberId: string; family: readonly string[] },
  duplicate: { memberId: string; family: readonly string[]; book: Book },
): void {
  if (survivor.memberId === duplicate.memberId) {
    throw new DomainError('same_member', { memberId: showId('member', survivor.memberId) })
  }
  if (survivor.family.length + duplicate.family.length + 2 > MOST_MERGED) {
    throw new DomainError('limit_reached', { limit: 'members merged into one', maximum: MOST_MERGED })
  }
  mustHoldNothing(duplicate.memberId, duplicate.book)
}

/** Refuses while a redemption is still open: capture or release it first, or let its time run out. */
export function mustHoldNothing(memberId: string, book: Book): void {
  for (const { currency, held } of book.accounts.values()) {
    if (held === 0n) continue
    const details = { memberId: showId('member', memberId), currency, held: wirePoints(held) }
    throw new DomainError('points_held', details)
  }
}

/** What came with a duplicate, from all entries on the survivor's book that are about the duplicate. */
export function broughtBy(
  entries: readonly OwnedEntry[],
): Brought & { readonly lifetimes: Readonly<Record<string, number>> } {
  const { lots, debts, lifetimes } = sumsOf(entries)
  return {
    lots: new Map([...lots].filter(([, points]) => points > 0n)),
    debts: new Map([...debts].filter(([, points]) => points > 0n)),
    lifetimes: asRecord(lifetimes),
  }
}

/**
 * What happened to a duplicate's duplicate further up, kept with the un-merge, so that it is known when that
 * one is un-merged in turn; null where nothing did.
 */
export function carriedBack(entries: readonly OwnedEntry[]): CarriedBack | null {
  const { lots, debts, lifetimes } = sumsOf(entries)
  if (lots.size + debts.size + lifetimes.size === 0) return null
  return { lots: asRecord(lots), debts: asRecord(debts), lifetimes: asRecord(lifetimes) }
}

interface Sums {
  readonly lots: Map<string, bigint>
  readonly debts: Map<string, bigint>
  readonly lifetimes: Map<string, bigint>
}

const countsForLifetime: ReadonlySet<EntryKind> = new Set(lifetimeKinds)

function sumsOf(entries: readonly OwnedEntry[]): Sums {
  const sums: Sums = { lots: new Map(), debts: new Map(), lifetimes: new Map() }
  for (const { kind, lifetime, postings, carried } of entries) {
    for (const name of ['lots', 'debts', 'lifetimes'] as const) {
      for (const [key, points] of Object.entries(carried?.[name] ?? {})) add(sums[name], key, BigInt(points))
    }
    for (const [currency, points] of Object.entries(lifetime ?? {}))
      add(sums.lifetimes, currency, BigInt(points))
    const counts = countsForLifetime.has(kind)
    for (const leg of postings) addLeg(sums, leg, counts)
  }
  return sums
}

function addLeg(
  sums: Sums,
  { currency, from, to, points, lotId }: Posting,
  countsForLifetime: boolean,
): void {
  if (lotId !== null) add(sums.lots, lotId, (isInHand(to) - isInHand(from)) * points)
  if (from === 'negative') add(sums.debts, currency, points)
  if (countsForLifetime && from === 'issued') add(sums.lifetimes, currency, points)
  if (countsForLifetime && to === 'issued') add(sums.lifetimes, currency, -points)
}

function asRecord(sums: ReadonlyMap<string, bigint>): Record<string, number> {
  return Object.fromEntries([...sums].flatMap(([key, sum]) => (sum === 0n ? [] : [[key, wirePoints(sum)]])))
}

function isInHand(account: string): bigint {
  return account === 'available' || account === 'pending' || account === 'expired' ? 1n : 0n
}

function add(sums: Map<string, bigint>, key: string, points: bigint): void {
  sums.set(key, (sums.get(key) ?? 0n) + points)
}
