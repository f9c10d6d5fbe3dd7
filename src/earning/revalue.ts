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
import type { LimitUse, MemberFacts, TransactionFacts, Valuation } from '../rules/facts.ts'
import { type CounterRow, counted } from '../tiers/counters.ts'
import { type Confirmation, isCancelled } from './confirm.ts'
import { countedOn } from './countable.ts'
import { type Budgets, limitCounter, lotKey } from './earn.ts'
import { type FundedPoints, funderOf, lotName, lotOfCurrency, type Share, sumByFunder } from './funder.ts'
import { budgetDifference, netPoints, type PastReturn, reversals, valueAfter } from './return.ts'
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
  /** the same of points that count on the day on which they became usable */
  readonly usable: readonly CounterRow[]
  /** differences of what is used of limits over all members */
  readonly budgeted: readonly LimitUse[]
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
    /** limits over all members; where none are given, they are left as they were used */
    budgets?: Budgets
    /** of recording: what was usable by then has counted where points count when they are usable */
    at: Date
  },
): Revalued {
  const { program, facts, confirmation } = valued
  const { kept, returns } = withTiers(valued, to)
  const { entry, usable } = postDifference(valued, { ...to, kept, returns })
  const now = { program, facts, kept, returns, confirmation }
  return {
    kept,
    returns,
    entry,
    counted: [
      ...difference(contributionOf(valued), contributionOf(now)),
      ...difference(usesOf(valued), usesOf(now)),
    ],
    usable,
    budgeted: budgetDifference(valuationOf(valued)?.uses ?? [], valuationOf(now)?.uses ?? []),
  }
}

function withTiers(
  valued: Valued,
  to: {
    tiers: MemberFacts['tiers']
    profile: BornMember['profile']
    transactionId: string
    budgets?: Budgets
  },
): { kept: KeptValuation; returns: PastReturn[] } {
  const { program, facts, kept: before } = valued
  const member = { ...memberFactsOf(before), tiers: to.tiers }
  const { used, ofOthers } = usedByOthers(valued, to.budgets)
  const valuation = evaluate(program.rules, {
    transaction: facts,
    member,
    used: ofOthers,
    short: (limit, period) => to.budgets?.short(limit, period),
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

/**
 * What limits had used without the transaction: limits of the member as on its day, limits over all members as they
 * are by now, so that no sum ever goes over one of those. What was seen of them is kept with the valuation.
 */
function usedByOthers(valued: Valued, budgets: Budgets | undefined) {
  const { kept } = valued
  const own = valuationOf(valued)?.uses ?? []
  const onItsDay = usedBefore(kept)
  const used = [...kept.used]
  const ofOthers = (limit: string, period: string, budget: bigint | null): bigint => {
    if (budget === null || !budgets) return onItsDay(limit, period)
    const mine = own.find((use) => use.limit === limit && use.period === period)?.points ?? 0n
    const taken = budgets.used(limit, period, budget) - mine
    const points = taken > 0n ? taken : 0n
    const index = used.findIndex((use) => use.limit === limit && use.period === period)
    used.splice(index < 0 ? used.length : index, 1, { limit, period, points: Number(points) })
    return points
  }
  return { used, ofOthers }
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
    at: Date
  },
): { entry: Entry | null; usable: CounterRow[] } {
  const { program, facts } = valued
  const usable: CounterRow[] = []
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
    if (points === 0n || isCancelled(valued.confirmation, lotId)) continue
    const legs: Posting[] = []
    if (points > 0n) {
      const key = lotOfSale(valued, share, to)
      lotOf(to.book, key)
      legs.push(...accrue(book, key, { points, source: 'issued' }))
      // What is pending still counts when it becomes usable, like any other points.
      if (key.usableFrom === null && !key.awaits)
        usable.push(...countedUsable(valued, { lotId, at: to.at }, { currency, points }))
    } else {
      const what = { currency, points: -points, lotId: lotId!, at: facts.occurredAt }
      const claw = clawBack(book, program.returns, what)
      legs.push(...claw.postings)
      const pending = claw.postings.reduce(
        (sum, leg) => (leg.from === 'pending' ? sum + leg.points : sum),
        0n,
      )
      usable.push(...countedUsable(valued, { lotId, at: to.at }, { currency, points: points + pending }))
      if (claw.forgiven > 0n) forgiven.push({ currency, points: wirePoints(claw.forgiven) })
    }
    post(book, { ...entryOf(valued, to), postings: legs })
    postings.push(...legs)
  }
  if (postings.length === 0) return { entry: null, usable }
  const entry: Entry = {
    ...entryOf(valued, to),
    entryId: to.nextId(),
    postings,
    detail: { reason: 'a late fact changed the tier of that day', ...(forgiven.length > 0 && { forgiven }) },
  }
  post(to.book, entry)
  return { entry, usable }
}

/** Points more or fewer that count when they are usable, and are. */
function countedUsable(
  { program, facts, confirmation }: Valued,
  { lotId, at }: { lotId: string | undefined; at: Date },
  { currency, points }: { currency: string; points: bigint },
): CounterRow[] {
  if (lotId === undefined || program.currencies.get(currency)?.counts !== 'when_usable') return []
  const key = keyOfLot(lotId)
  if (key.usableFrom === null && !key.awaits) return []
  const day = countedOn(program, key, { occurredAt: facts.occurredAt, at, confirmation })
  if (day === null) return []
  return counted(program, {
    day,
    spend: new Decimal(0),
    transactions: 0n,
    awards: [{ currency, points }],
  })
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
  return !whenUsable && !isCancelled(valued.confirmation, lotId)
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

function valuationOf(valued: Valued): Valuation | null {
  return valueAfter(valued, valued.returns)
}

function usesOf(valued: Valued): CounterRow[] {
  const own = (valuationOf(valued)?.uses ?? []).filter(({ shared }) => !shared)
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
