/**
 * Valuing a transaction again because a late fact changed the tier that held on its day. Rules, limits used
 * and what was returned stay those of its day; what the other tier makes of it is posted as a difference.
 */
import type { BornMember } from '../base/expiry.ts'
import { Decimal, wirePoints } from '../base/points.ts'
import { dayOf } from '../base/time.ts'
import { accrue } from '../ledger/accrue.ts'
import { type Book, copyBook, lotOf, post } from '../ledger/book.ts'
import { clawBack } from '../ledger/claw.ts'
import type { Entry, Posting } from '../ledger/entry.ts'
import { keyOfLot, type LotKey, lotIdOf, usableKey } from '../ledger/lot.ts'
import type { Program } from '../program/program.ts'
import { evaluate } from '../rules/evaluate.ts'
import type { MemberFacts, TransactionFacts, Valuation } from '../rules/facts.ts'
import { type CounterRow, counted } from '../tiers/counters.ts'
import type { Confirmation } from './confirm.ts'
import { limitCounter, lotKey } from './earn.ts'
import { type FundedPoints, funderOf, lotName, lotOfCurrency, type Share, sumByFunder } from './funder.ts'
import { type PastReturn, reversals, valueAfter } from './return.ts'
import { countedSpend, type KeptValuation, keepValuation, memberFactsOf, usedBefore } from './valued.ts'

/** A transaction as it was recorded and, perhaps, taken back in part. */
export interface Valued {
  /** in force at its business time */
  readonly program: Program
  readonly facts: TransactionFacts
  readonly kept: KeptValuation
  readonly returns: readonly PastReturn[]
  /** how it was decided about points that awaited it; null: they did not, or still do */
  readonly confirmation: Confirmation | null
}

export interface Revalued {
  readonly kept: KeptValuation
  readonly returns: readonly PastReturn[]
  /** null where only the tier differs and no points do */
  readonly entry: Entry | null
  /** differences of what tiers and limits count */
  readonly counted: readonly CounterRow[]
}

/** What a transaction, less its returns, adds to the counters of tiers. */
export function contributionOf(valued: Valued): CounterRow[] {
  const { program, facts, kept, returns } = valued
  // Most transactions are never returned, and what was kept of them says it all.
  const left = returns.length === 0 ? { spend: new Decimal(kept.spend) } : valueAfter(valued, returns)
  return counted(program, {
    day: dayOf(program.timeZone, facts.occurredAt),
    spend: left === null ? new Decimal(0) : countedSpend(left.spend),
    transactions: left === null ? 0n : 1n,
    awards: [...netPoints(kept, returns)]
      .filter(([currency]) => countsOnItsDay(valued, lotOfCurrency(kept, currency)))
      .map(([currency, points]) => ({ currency, points })),
  })
}

/** Values with other tiers and posts the difference to the book. */
export function revalue(
  valued: Valued,
  to: {
    tiers: MemberFacts['tiers']
    book: Book
    profile: BornMember['profile']
    transactionId: string
    nextId: () => string
  },
): Revalued {
  const { program, facts, confirmation } = valued
  const { kept, returns } = withTiers(valued, to)
  const entry = postDifference(valued, { ...to, kept, returns })
  const now = { program, facts, kept, returns, confirmation }
  return {
    kept,
    returns,
    entry,
    counted: [
      ...difference(contributionOf(valued), contributionOf(now)),
      ...difference(usesOf(valued), usesOf(now)),
    ],
  }
}

function withTiers(
  valued: Valued,
  to: { tiers: MemberFacts['tiers']; profile: BornMember['profile']; transactionId: string },
): { kept: KeptValuation; returns: PastReturn[] } {
  const { program, facts, kept: before } = valued
  const member = { ...memberFactsOf(before), tiers: to.tiers }
  const { used } = before
  const valuation = evaluate(program.rules, {
    transaction: facts,
    member,
    used: usedBefore(before),
  })
  const lots = { ...before.lots }
  for (const { currency, rule } of valuation.awards) {
    const share = { currency, funder: funderOf(program, facts, rule) }
    lots[lotName(share)] ??= lotIdOf(lotOfSale(valued, share, to))
  }
  // Milestones go by counters, not by the tier that was met: what was given or taken of them stays.
  const milestones = new Set(program.milestones.map(({ id }) => id))
  const ofMilestones = <One extends { rule: string }>(all: readonly One[]) =>
    all.filter(({ rule }) => milestones.has(rule))
  const again = keepValuation(valuation, { member, used, lots })
  const kept = { ...again, awards: [...again.awards, ...ofMilestones(before.awards)] }
  // The returns in their order, as they would have been with this valuation.
  const returns: PastReturn[] = []
  for (const past of valued.returns) {
    const now = valueAfter({ program, facts, kept }, [...returns, past])
    const ofRules = reversals(program, { kept, before: returns, now })
    returns.push({ ...past, reversed: [...ofRules, ...ofMilestones(past.reversed)] })
  }
  return { kept, returns }
}

function postDifference(
  valued: Valued,
  to: {
    kept: KeptValuation
    returns: readonly PastReturn[]
    book: Book
    profile: BornMember['profile']
    transactionId: string
    nextId: () => string
  },
): Entry | null {
  const { program, facts } = valued
  const before = netByFunder(valued, valued)
  const after = netByFunder(valued, to)
  // What goes out is looked for where the legs before it have left it.
  const book = copyBook(to.book)
  const postings: Posting[] = []
  const forgiven: { currency: string; points: number }[] = []
  for (const name of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const points = (after.get(name)?.points ?? 0n) - (before.get(name)?.points ?? 0n)
    const share = (after.get(name) ?? before.get(name))!
    const { currency } = share
    const lotId = to.kept.lots[name]
    // Points that were cancelled are gone, however many there would have been.
    if (points === 0n || wasCancelled(valued, lotId)) continue
    const legs: Posting[] = []
    if (points > 0n) {
      const key = lotOfSale(valued, share, to)
      lotOf(to.book, key)
      legs.push(...accrue(book, key, { points, source: 'issued' }))
    } else {
      const what = { currency, points: -points, lotId: lotId!, at: facts.occurredAt }
      const claw = clawBack(book, program.returns, what)
      legs.push(...claw.postings)
      if (claw.forgiven > 0n) forgiven.push({ currency, points: wirePoints(claw.forgiven) })
    }
    post(book, { ...entryOf(valued, to), postings: legs })
    postings.push(...legs)
  }
  if (postings.length === 0) return null
  const entry: Entry = {
    ...entryOf(valued, to),
    entryId: to.nextId(),
    postings,
    detail: { reason: 'a late fact changed the tier of that day', ...(forgiven.length > 0 && { forgiven }) },
  }
  post(to.book, entry)
  return entry
}

function entryOf({ facts, program }: Valued, { transactionId }: { transactionId: string }): Entry {
  const { occurredAt } = facts
  const rulesVersion = program.version
  return { entryId: '', kind: 'revalue', occurredAt, transactionId, rulesVersion, postings: [] }
}

/** The lot that points of the sale go into now: once it is confirmed, the common one. */
function lotOfSale(
  { program, facts, kept, confirmation }: Valued,
  { currency, funder }: Share,
  { profile, transactionId }: { profile: BornMember['profile']; transactionId: string },
): LotKey {
  const member = { attributes: kept.member.attributes, profile }
  const from = { occurredAt: facts.occurredAt, member, transactionId }
  const key = { ...lotKey(program, program.currencies.get(currency)!, from), funder }
  return confirmation?.outcome === 'confirmed' ? usableKey(key) : key
}

// Points that count when usable stand among the counters of the day on which they became so.
function countsOnItsDay(valued: Valued, lotId: string | undefined): boolean {
  if (lotId === undefined) return true
  const { currency, usableFrom, awaits } = keyOfLot(lotId)
  const waits = usableFrom !== null || awaits !== undefined
  const whenUsable = waits && valued.program.currencies.get(currency)?.counts === 'when_usable'
  return !whenUsable && !wasCancelled(valued, lotId)
}

function wasCancelled({ confirmation }: Valued, lotId: string | undefined): boolean {
  return confirmation?.outcome === 'cancelled' && confirmation.decided.some((one) => one.lotId === lotId)
}

/** What the awards come to after returns, by the lots that they are in. */
function netByFunder(
  { program, facts }: Valued,
  { kept, returns }: Pick<Valued, 'kept' | 'returns'>,
): Map<string, FundedPoints> {
  const back = returns.flatMap(({ reversed }) => reversed.map((one) => ({ ...one, points: -one.points })))
  const sums = sumByFunder(program, facts, [...kept.awards, ...back])
  return new Map(sums.map((sum) => [lotName(sum), sum]))
}

/** What the awards come to after returns, by currency. */
function netPoints(kept: KeptValuation, returns: readonly PastReturn[]): Map<string, bigint> {
  const net = new Map<string, bigint>()
  const add = (currency: string, points: number) =>
    net.set(currency, (net.get(currency) ?? 0n) + BigInt(points))
  for (const { currency, points } of kept.awards) add(currency, points)
  for (const { currency, points } of returns.flatMap(({ reversed }) => reversed)) add(currency, -points)
  return net
}

function usesOf(valued: Valued): CounterRow[] {
  const left: Pick<Valuation, 'uses'> | null = valueAfter(valued, valued.returns)
  const own = (left?.uses ?? []).filter(({ shared }) => !shared)
  return own.map(({ limit, period, points }) => ({
    counter: limitCounter(limit),
    day: period,
    value: new Decimal(points.toString()),
  }))
}

/** What has to be added to the first to have the second. */
function difference(before: readonly CounterRow[], after: readonly CounterRow[]): CounterRow[] {
  const sums = new Map<string, CounterRow>()
  const add = (row: CounterRow, value: Decimal) => {
    const key = `${row.day} ${row.counter}`
    const known = sums.get(key)
    sums.set(key, { ...row, value: known ? known.value.plus(value) : value })
  }
  for (const row of before) add(row, row.value.negated())
  for (const row of after) add(row, row.value)
  return [...sums.values()].filter(({ value }) => !value.isZero())
}
