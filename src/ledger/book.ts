/**
 * A member's book: accounts and lots as they stand, and the only way to change them, which is to post
 * an entry. Where lots were not read, a lot in the book holds just what this group adds to it.
 */
import { DomainError, invariant } from '../base/errors.ts'
import { MAX_POINTS, wirePoints } from '../base/points.ts'
import { type Account, emptyAccount } from './account.ts'
import { type Entry, lifetimeKinds, memberAccounts, type Posting } from './entry.ts'
import { emptyLot, type Lot, type LotKey, lotIdOf } from './lot.ts'

export interface Book {
  readonly accounts: Map<string, Account>
  readonly lots: Map<string, Lot>
  /** all open lots were read; else only additions are known */
  readonly lotsKnown: boolean
  readonly touchedAccounts: Set<string>
  readonly touchedLots: Set<string>
  /** what lapsed by inactivity and was not put back, as far as it was read or has happened here */
  readonly lapsed: Lapsed[]
}

/** Points of a lot that lapsed by inactivity at an instant. */
export interface Lapsed {
  readonly lotId: string
  readonly at: Date
  readonly from: 'available' | 'pending'
  readonly points: bigint
}

export function openBook(accounts: Iterable<Account>, lots: Iterable<Lot>, lotsKnown: boolean): Book {
  return {
    accounts: new Map([...accounts].map((account) => [account.currency, account])),
    lots: new Map([...lots].map((lot) => [lot.lotId, lot])),
    lotsKnown,
    touchedAccounts: new Set(),
    touchedLots: new Set(),
    lapsed: [],
  }
}

/** A copy to decide on: what is posted to it leaves the original as it was. */
export function copyBook(book: Book): Book {
  return {
    accounts: new Map([...book.accounts].map(([id, account]) => [id, { ...account }])),
    lots: new Map([...book.lots].map(([id, lot]) => [id, { ...lot }])),
    lotsKnown: book.lotsKnown,
    touchedAccounts: new Set(book.touchedAccounts),
    touchedLots: new Set(book.touchedLots),
    lapsed: [...book.lapsed],
  }
}

export function accountOf(book: Book, currency: string): Account {
  let account = book.accounts.get(currency)
  if (!account) {
    account = emptyAccount(currency)
    book.accounts.set(currency, account)
  }
  return account
}

/** The lot of a key, opened empty where there is none yet. */
export function lotOf(book: Book, key: LotKey): Lot {
  const lotId = lotIdOf(key)
  let lot = book.lots.get(lotId)
  if (!lot) {
    lot = emptyLot(key)
    book.lots.set(lotId, lot)
  }
  return lot
}

export function post(book: Book, entry: Entry): void {
  for (const leg of entry.postings) {
    move(book, leg, entry)
    if (entry.kind === 'expire' || entry.kind === 'reinstate') noteLapse(book, leg, entry)
  }
  for (const [currency, points] of Object.entries(entry.lifetime ?? {})) {
    accountOf(book, currency).lifetime += BigInt(points)
    book.touchedAccounts.add(currency)
  }
}

/** Points that lapsed by inactivity can be put back, once: the book keeps what there is to put back. */
function noteLapse(book: Book, leg: Posting, { kind, occurredAt: at }: Entry): void {
  if (leg.lotId === null || !book.lots.get(leg.lotId)?.idle) return
  const from = kind === 'expire' ? leg.from : leg.to
  if (from !== 'available' && from !== 'pending') return
  if (kind === 'expire') {
    book.lapsed.push({ lotId: leg.lotId, at, from, points: leg.points })
    return
  }
  const index = book.lapsed.findIndex(
    (known) =>
      known.lotId === leg.lotId &&
      known.from === from &&
      known.points === leg.points &&
      known.at.getTime() === at.getTime(),
  )
  invariant(index >= 0, `what is put back into ${leg.lotId} had lapsed`)
  book.lapsed.splice(index, 1)
}

const countsForLifetime: ReadonlySet<Entry['kind']> = new Set(lifetimeKinds)

function move(book: Book, leg: Posting, entry: Entry): void {
  const account = accountOf(book, leg.currency)
  book.touchedAccounts.add(leg.currency)
  shift(account, leg.from, -leg.points)
  shift(account, leg.to, leg.points)
  if (countsForLifetime.has(entry.kind)) {
    if (leg.from === 'issued') account.lifetime += leg.points
    if (leg.to === 'issued') account.lifetime -= leg.points
  }
  for (const purpose of memberAccounts) {
    invariant(account[purpose] >= 0n, `${purpose} of ${leg.currency} fell below zero`)
    if (account[purpose] > MAX_POINTS) {
      throw new DomainError('points_out_of_range', {
        currency: leg.currency,
        maximum: wirePoints(MAX_POINTS),
      })
    }
  }
  if (leg.lotId !== null) {
    const lot = book.lots.get(leg.lotId)
    invariant(lot, `lot ${leg.lotId} is in the book`)
    book.touchedLots.add(leg.lotId)
    shift(lot, leg.from, -leg.points)
    shift(lot, leg.to, leg.points)
    invariant(lot.available >= 0n && lot.pending >= 0n && lot.held >= 0n, `lot ${leg.lotId} fell below zero`)
  }
}

type Purposes = Pick<Account, 'available' | 'pending' | 'held'> &
  Partial<Pick<Account, 'negative'>> &
  Partial<Lapsing>
type Lapsing = Pick<Lot, 'expired' | 'expiredSince'>

function shift(holder: Purposes, name: Posting['from'], points: bigint): void {
  if (name === 'available') holder.available += points
  else if (name === 'pending') holder.pending += points
  else if (name === 'held') holder.held += points
  else if (name === 'expired' && holder.expired !== undefined && holder.expiredSince !== undefined) {
    holder.expired += points
    holder.expiredSince += points
  }
  // A debt grows when points leave it and shrinks when points are paid in.
  else if (name === 'negative' && holder.negative !== undefined) holder.negative -= points
}
