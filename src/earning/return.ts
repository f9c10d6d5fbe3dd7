/**
 * A return: the transaction is valued again without what went back, under the rules, tier and limits of
 * the day of the sale, and the difference is taken back by rule and line. It never gives points.
 */
import { DomainError, invariant } from '../base/errors.ts'
import { Decimal, minorDigits, toPoints, wireMoney, wirePoints } from '../base/points.ts'
import { dayOf } from '../base/time.ts'
import { type Book, copyBook, post } from '../ledger/book.ts'
import { clawBack } from '../ledger/claw.ts'
import type { Entry, Posting } from '../ledger/entry.ts'
import { keyOfLot, lotIdOf } from '../ledger/lot.ts'
import type { Program } from '../program/program.ts'
import { evaluate } from '../rules/evaluate.ts'
import type { LimitUse, TransactionFacts, Valuation } from '../rules/facts.ts'
import { type CounterRow, counted } from '../tiers/counters.ts'
import { type Confirmation, isCancelled } from './confirm.ts'
import { countedOn } from './countable.ts'
import { limitCounter, lotKey } from './earn.ts'
import { funderOf, lotName, lotOfCurrency, sumByFunder } from './funder.ts'
import { milestonesMoved } from './milestones.ts'
import { factsLeft, grossOf, type Left, leftAfter, type ReturnedLine, takenBack } from './remaining.ts'
import type { ReturnBody, ReturnReply } from './transaction.ts'
import { countedSpend, type KeptValuation, memberFactsOf, usedBefore } from './valued.ts'

export interface ReversedAward {
  rule: string
  currency: string
  points: number
  lineId?: string
}

/** A return that was recorded. */
export interface PastReturn {
  readonly returnId: string
  readonly lines: readonly ReturnedLine[]
  readonly reversed: readonly ReversedAward[]
}

export interface ReturnInput {
  /** in force at the business time of the sale */
  readonly program: Program
  readonly facts: TransactionFacts
  readonly kept: KeptValuation
  readonly before: readonly PastReturn[]
  /** the member's, as they are */
  readonly counters: readonly CounterRow[]
  readonly body: ReturnBody
  readonly occurredAt: Date
  readonly book: Book
  /** puts points of a lot back that this sale gave and that lapsed by inactivity since, as far as they did */
  readonly putBackLapsed: (lotId: string, points: bigint) => void
  /** how it was decided about points that awaited it; null: they did not, or still do */
  readonly confirmation: Confirmation | null
  /** what the rest was worth until now, where the caller knows; else it is valued again */
  readonly was?: Valuation
  readonly transactionId: string
  readonly returnId: string
  readonly nextId: () => string
}

export interface Returned {
  readonly entry: Entry
  readonly record: PastReturn
  readonly counted: readonly CounterRow[]
  /** what is no longer used of limits over all members: points below zero */
  readonly budgeted: readonly LimitUse[]
  /** what the rest is worth now; null: nothing is left */
  readonly now: Valuation | null
  /** what is paid back is worked out when it is asked for */
  readonly reply: Pick<ReturnReply, 'reversed' | 'payBack' | 'forgiven'>
}

interface Taking {
  readonly postings: Posting[]
  readonly forgiven: ReturnReply['forgiven']
}

/** Takes awards back from the book; by currency, how many points that were. */
function claw(input: ReturnInput, awards: readonly ReversedAward[], to: Taking): Taken {
  const { program, facts, kept } = input
  const taken: Taken = new Map()
  if (awards.length === 0) return taken
  const owed = sumByFunder(program, facts, awards).map((sum) => {
    const lotId = kept.lots[lotName(sum)] ?? anyLotOf(program, { facts, kept, currency: sum.currency })
    return { ...sum, lotId }
  })
  // What has lapsed meanwhile is put back first, in every lot, to be taken from where it belongs.
  if (program.returns !== 'pending_only')
    for (const { lotId, points } of owed) input.putBackLapsed(lotId, points)
  const book = copyBook(input.book)
  post(book, { ...entryOf(input), postings: to.postings })
  for (const { currency, points, lotId } of owed) {
    const clawed = clawBack(book, program.returns, { currency, points, lotId, at: input.occurredAt })
    // The next one is looked for where this one has left the book.
    post(book, { ...entryOf(input), postings: clawed.postings })
    to.postings.push(...clawed.postings)
    const before = taken.get(currency) ?? { points: 0n, pending: 0n }
    const pending = before.pending + pendingOf(clawed.postings)
    taken.set(currency, { points: before.points + points, pending })
    if (clawed.forgiven > 0n) to.forgiven.push({ currency, points: wirePoints(clawed.forgiven) })
  }
  return taken
}

function entryOf({ program, occurredAt, transactionId }: ReturnInput): Entry {
  const rulesVersion = program.version
  return { entryId: '', kind: 'return', occurredAt, transactionId, rulesVersion, postings: [] }
}

/** Points of a milestone may have been given by another transaction: then a lot of this one's day will do. */
function anyLotOf(
  program: Program,
  { facts, kept, currency }: { facts: TransactionFacts; kept: KeptValuation; currency: string },
): string {
  const member = { attributes: kept.member.attributes, profile: {} }
  return lotIdOf(lotKey(program, program.currencies.get(currency)!, { occurredAt: facts.occurredAt, member }))
}

export function takeBack(input: ReturnInput): Returned {
  const { program, facts, kept, before, book } = input
  if (facts.lines.length === 0 && before.length > 0) {
    throw new DomainError('returned_too_much', { problem: 'everything was returned before' })
  }
  const returnedBefore = before.flatMap(({ lines }) => lines)
  const leftBefore = leftAfter(facts.lines, returnedBefore)
  const lines = takenBack(leftBefore, input.body)
  const leftNow = leftAfter(facts.lines, [...returnedBefore, ...lines])

  const was = input.was ?? valueAfter(input, before)
  invariant(was, 'something was left to take back')
  const now = valueAfter(input, [...before, { lines }])
  // Points that were cancelled are gone already; if they are confirmed after all, it is told what is left of them.
  const ofSale = reversals(program, { kept, before, now })
  const ofRules = ofSale.filter(({ currency, rule }) => {
    const name = lotName({ currency, funder: funderOf(program, facts, rule) })
    return !isCancelled(input.confirmation, kept.lots[name])
  })

  const taking: Taking = { postings: [], forgiven: [] }
  const taken = claw(input, ofRules, taking)
  const gone = counterDifference(input, { was, now, taken })
  const milestones = milestonesGone(input, gone)
  claw(input, milestones.reversed, taking)
  const { postings, forgiven } = taking
  const reversed = [...ofRules, ...milestones.reversed]
  const entry: Entry = {
    ...entryOf(input),
    entryId: input.nextId(),
    postings,
    detail: { returnId: input.returnId, reversed },
  }
  post(book, entry)
  return {
    entry,
    record: { returnId: input.returnId, lines, reversed: [...ofSale, ...milestones.reversed] },
    counted: [...gone, ...milestones.counted],
    budgeted: budgetDifference(was.uses, now?.uses ?? []),
    now,
    reply: {
      ...{ reversed, forgiven },
      get payBack() {
        return payBack(program, facts, { leftBefore, leftNow })
      },
    },
  }
}

/**
 * What is left of a transaction after returns, valued as on its day. Null where nothing is left: rules for
 * a fixed sum must not go on paying for an empty basket.
 */
export function valueAfter(
  input: Pick<ReturnInput, 'program' | 'facts' | 'kept'>,
  returns: readonly Pick<PastReturn, 'lines'>[],
): Valuation | null {
  const { lines } = input.facts
  if (returns.length === 0) return valuedAgain(input, input.facts)
  const left = leftAfter(
    lines,
    returns.flatMap((one) => one.lines),
  )
  const isGone =
    lines.length === 0 ? returns.length > 0 : ![...left.values()].some((rest) => rest.greaterThan(0))
  if (isGone) return null
  return valuedAgain(input, factsLeft(input.facts, left))
}

function valuedAgain(
  { program, kept }: Pick<ReturnInput, 'program' | 'kept'>,
  transaction: TransactionFacts,
): Valuation {
  const member = memberFactsOf(kept)
  return evaluate(program.rules, { transaction, member, used: usedBefore(kept), words: false })
}

/** What each rule gave, less what was taken back before, less what it gives for the rest; never below zero. */
export function reversals(
  program: Program,
  of: { kept: KeptValuation; before: readonly Pick<PastReturn, 'reversed'>[]; now: Valuation | null },
): ReversedAward[] {
  const outstanding = new Map<string, ReversedAward>()
  const milestones = milestonesOf(program)
  const add = (award: Keyed, points: number) => {
    const { rule, currency, lineId } = award
    // Milestones go by counters, not by transactions.
    if (milestones.has(rule)) return
    const key = keyOf(award)
    const sum = outstanding.get(key)
    if (sum) sum.points += points
    else outstanding.set(key, { rule, currency, points, ...(lineId && { lineId }) })
  }
  for (const award of of.kept.awards) add(award, award.points)
  for (const award of of.before.flatMap(({ reversed }) => reversed)) add(award, -award.points)
  for (const award of of.now?.awards ?? []) add(award, -Number(award.points))
  return [...outstanding.values()].filter(({ points }) => points > 0)
}

function milestonesOf(program: Program): Set<string> {
  return new Set(program.milestones.map(({ id }) => id))
}

/** Milestones that are no longer reached once the counters have gone down. */
function milestonesGone(
  { program, facts, kept, counters }: ReturnInput,
  gone: readonly CounterRow[],
): { reversed: ReversedAward[]; counted: CounterRow[] } {
  if (program.milestones.length === 0) return { reversed: [], counted: [] }
  const moved = milestonesMoved({
    program,
    member: memberFactsOf(kept),
    at: facts.occurredAt,
    counters: [...counters, ...gone],
  })
  const reversed = moved.awards.filter(({ points }) => points < 0n)
  return {
    reversed: reversed.map(({ rule, currency, points }) => ({ rule, currency, points: Number(-points) })),
    counted: moved.counted.filter(({ value }) => value.isNegative()),
  }
}

/** What the awards come to after returns, by currency. */
export function netPoints(kept: KeptValuation, returns: readonly PastReturn[]): Map<string, bigint> {
  const net = new Map<string, bigint>()
  const add = (currency: string, points: number) =>
    net.set(currency, (net.get(currency) ?? 0n) + BigInt(points))
  for (const { currency, points } of kept.awards) add(currency, points)
  for (const { currency, points } of returns.flatMap(({ reversed }) => reversed)) add(currency, -points)
  return net
}

export interface Keyed {
  rule: string
  currency: string
  lineId?: string | null | undefined
}

function keyOf(award: Keyed): string {
  return `${award.rule}\n${award.currency}\n${award.lineId ?? ''}`
}

/** By currency: how many points a return takes back, and how many of them were pending. */
type Taken = Map<string, { points: bigint; pending: bigint }>

function pendingOf(postings: readonly Posting[]): bigint {
  return postings.reduce((sum, { from, points }) => (from === 'pending' ? sum + points : sum), 0n)
}

function counterDifference(
  input: ReturnInput,
  { was, now, taken }: { was: Valuation; now: Valuation | null; taken: Taken },
): CounterRow[] {
  const { program, facts, kept } = input
  const ofSale = counted(program, {
    day: dayOf(program.timeZone, facts.occurredAt),
    spend: countedSpend(was.spend).minus(now ? countedSpend(now.spend) : 0),
    transactions: now ? 0n : 1n,
    awards: [],
  })
  const { occurredAt } = facts
  const ofPoints = [...taken].flatMap(([currency, { points, pending }]) => {
    const key = keyOfLot(lotOfCurrency(kept, currency)!)
    const day = countedOn(program, key, {
      occurredAt,
      at: input.occurredAt,
      confirmation: input.confirmation,
    })
    const whenUsable = program.currencies.get(currency)?.counts === 'when_usable'
    const awards = [{ currency, points: whenUsable ? points - pending : points }]
    return day === null ? [] : counted(program, { day, spend: new Decimal(0), transactions: 0n, awards })
  })
  const less = [...ofSale, ...ofPoints].map((row) => ({ ...row, value: row.value.negated() }))

  const own = was.uses.filter(({ shared }) => !shared)
  const limits = own.map(({ limit, period, points }) => {
    const still = now?.uses.find((use) => use.limit === limit && use.period === period)?.points ?? 0n
    return { counter: limitCounter(limit), day: period, value: new Decimal((still - points).toString()) }
  })
  return [...less, ...limits].filter(({ value }) => !value.isZero())
}

/** What has to be added to the first uses of limits over all members to have the second. */
export function budgetDifference(was: readonly LimitUse[], now: readonly LimitUse[]): LimitUse[] {
  const same = (a: LimitUse, b: LimitUse) => a.limit === b.limit && a.period === b.period
  const before = was.filter(({ shared }) => shared)
  const after = now.filter(({ shared }) => shared)
  const changed = before.map((use) => {
    const still = after.find((one) => same(one, use))?.points ?? 0n
    return { ...use, points: still - use.points }
  })
  const added = after.filter((use) => !before.some((one) => same(one, use)))
  return [...changed, ...added].filter(({ points }) => points !== 0n)
}

/**
 * Money and points to pay back, in the proportion in which they were paid. Each is the difference of two
 * rounded totals, so that several returns pay back exactly what one would.
 */
function payBack(
  program: Program,
  facts: TransactionFacts,
  left: { leftBefore: Left; leftNow: Left },
): ReturnReply['payBack'] {
  const was = paidFor(program, factsLeft(facts, left.leftBefore))
  const now = paidFor(program, factsLeft(facts, left.leftNow))
  const points = was.points - now.points
  return {
    money: wireMoney({ amount: was.money.minus(now.money), currency: program.money }),
    points: points > 0n && was.currency ? [{ currency: was.currency, points: wirePoints(points) }] : [],
  }
}

function paidFor(
  program: Program,
  facts: TransactionFacts,
): { money: Decimal; points: bigint; currency: string | null } {
  const gross = grossOf(facts.lines)
  const inPoints = facts.tenders
    .filter(({ kind }) => kind === 'points')
    .reduce((sum, { amount }) => sum.plus(amount), new Decimal(0))
  const paidByPoints = Decimal.min(inPoints, gross)
  const currency = [...program.currencies.values()].find(({ kind, value }) => kind === 'redeemable' && value)
  if (paidByPoints.isZero() || !currency?.value)
    return { money: round(program, gross), points: 0n, currency: null }
  return {
    money: round(program, gross.minus(paidByPoints)),
    points: toPoints(paidByPoints.dividedBy(currency.value.amount), 'half_even'),
    currency: currency.id,
  }
}

/** To what can be paid: were finer totals subtracted, three thirds of 10.00 would come to 9.99. */
function round(program: Program, amount: Decimal): Decimal {
  return amount.toDecimalPlaces(minorDigits(program.money), Decimal.ROUND_HALF_EVEN)
}
