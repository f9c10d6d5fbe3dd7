/**
 * Earning: a transaction is valued with the rules and the member's tier of its business time, and what
 * it gives is posted to the book. Pure: the same position and facts give the same entry.
 */
import { type BornMember, birthMonthFor, lapsesAt } from '../base/expiry.ts'
import { OWN_FUNDER } from '../base/funder.ts'
import { cancelsAt, usableFrom } from '../base/pending.ts'
import { Decimal, wirePoints } from '../base/points.ts'
import { dayOf } from '../base/time.ts'
import { accrue } from '../ledger/accrue.ts'
import { type Book, post } from '../ledger/book.ts'
import type { Entry, Posting } from '../ledger/entry.ts'
import { type LotKey, lotIdOf } from '../ledger/lot.ts'
import type { Currency, Program } from '../program/program.ts'
import { evaluate } from '../rules/evaluate.ts'
import type { Award, LimitUse, MemberFacts, TransactionFacts, Valuation } from '../rules/facts.ts'
import { isOfHousehold } from '../rules/limit.ts'
import { type CounterRow, counted } from '../tiers/counters.ts'
import { putOffLapses } from './extension.ts'
import { funderOf, lotName, type Share, sumByFunder } from './funder.ts'
import { milestonesMoved } from './milestones.ts'
import type { WireAward } from './transaction.ts'
import { countedSpend, type KeptUse, type KeptValuation, keepValuation } from './valued.ts'

/** What is used of limits over all members. */
export interface Budgets {
  used(budget: string, period: string, total: bigint): bigint
  /** told where less was left than a rule would have given */
  short(budget: string, period: string): void
}

export interface EarnInput {
  readonly program: Program
  readonly facts: TransactionFacts
  /** as of the business time */
  readonly member: MemberFacts
  readonly profile: BornMember['profile']
  readonly counters: readonly CounterRow[]
  /** those of the other members of the household, where the program has limits per household */
  readonly household?: readonly CounterRow[]
  /** limits over all members; where none are given, they have everything left */
  readonly budgets?: Budgets
  /** false: nobody reads what awards say in words */
  readonly words?: boolean
  /** posted to */
  readonly book: Book
  readonly transactionId: string
  readonly nextId: () => string
}

export interface Earned {
  readonly entry: Entry
  /** points that live on for longer because of it */
  readonly extensions: readonly Entry[]
  readonly kept: KeptValuation
  readonly counted: readonly CounterRow[]
  /** what it uses of limits over all members */
  readonly budgeted: readonly LimitUse[]
  readonly awards: WireAward[]
}

export function earn(input: EarnInput): Earned {
  const { program, facts, book } = input
  const used: KeptUse[] = []
  const valuation = valued(input, used)

  const extensions = valuation.extensions.flatMap(({ currency, by, rule, text }) => {
    const on = { currency: program.currencies.get(currency)!, by, occurredAt: facts.occurredAt }
    const member = { ...input.member, profile: input.profile }
    return putOffLapses({ ...input, member }, on, { rule, by: text })?.entry ?? []
  })
  const lots: Record<string, string> = {}
  const postings: Posting[] = []
  for (const { points, ...share } of sumByFunder(program, facts, valuation.awards)) {
    const key = keyOf(input, share)
    lots[lotName(share)] = lotIdOf(key)
    postings.push(...accrue(book, key, { points, source: 'issued', after: postings }))
  }
  const entry: Entry = {
    entryId: input.nextId(),
    kind: 'earn',
    occurredAt: facts.occurredAt,
    transactionId: input.transactionId,
    rulesVersion: program.version,
    postings,
  }
  post(book, entry)
  return {
    entry,
    extensions,
    kept: keepValuation(valuation, { member: input.member, used, lots }),
    counted: valuation.counted,
    budgeted: valuation.uses.filter(({ shared }) => shared),
    awards: valuation.awards.map((award) => wireAward(award, funderOf(program, facts, award.rule))),
  }
}

/** The lot that points of the transaction go into. */
function keyOf({ program, facts, member, profile, transactionId }: EarnInput, share: Share): LotKey {
  const from = { occurredAt: facts.occurredAt, member: { ...member, profile }, transactionId }
  return { ...lotKey(program, program.currencies.get(share.currency)!, from), funder: share.funder }
}

function isPendingAtFirst(
  { timeZone }: Program,
  { pending }: Currency,
  { occurredAt }: TransactionFacts,
): boolean {
  if (pending.kind === 'none') return false
  return (
    usableFrom(pending, timeZone, occurredAt) !== null || cancelsAt(pending, timeZone, occurredAt) !== null
  )
}

/** What the rules give, and the milestones that it reaches. */
function valued(input: EarnInput, used: KeptUse[]): Valuation & { counted: CounterRow[] } {
  const { program, facts, member, budgets, words = true } = input
  const valuation = evaluate(program.rules, {
    transaction: facts,
    member,
    used: (limit, period, budget) => {
      const points =
        budget === null ? usedOf(input, limit, period) : (budgets?.used(limit, period, budget) ?? 0n)
      if (points > 0n) used.push({ limit, period, points: Number(points) })
      return points
    },
    short: (limit, period) => budgets?.short(limit, period),
    words,
  })
  const waits = (currency: string) => isPendingAtFirst(program, program.currencies.get(currency)!, facts)
  return withMilestones({ ...input, waits }, valuation)
}

type Counting = Pick<EarnInput, 'program' | 'facts' | 'member' | 'counters'> & {
  /** whether points of a currency are pending at first */
  readonly waits?: (currency: string) => boolean
}

/** A valuation with the milestones that it reaches, and everything that it counts. */
export function withMilestones(
  { program, facts, member, counters, waits = () => false }: Counting,
  valuation: Valuation,
): Valuation & { counted: CounterRow[] } {
  const rows = (of: Valuation) => {
    const waiting = new Set(of.awards.map(({ currency }) => currency).filter(waits))
    return [...tierRows(program, facts, { valuation: of, waiting }), ...limitRows(valuation)]
  }
  const counted = rows(valuation)
  if (program.milestones.length === 0) return { ...valuation, counted }
  const moved = milestonesMoved({
    program,
    member,
    at: facts.occurredAt,
    counters: [...counters, ...counted],
  })
  const given = moved.awards.filter(({ points }) => points > 0n)
  const awards = [...valuation.awards, ...given]
  const all = { ...valuation, awards }
  const reached = moved.counted.filter(({ value }) => value.greaterThan(0))
  return { ...all, counted: [...rows(all), ...reached] }
}

/** The lot that points earned at an instant go into; without a transaction, there is none to confirm. */
export function lotKey(
  program: Program,
  currency: Currency,
  from: { occurredAt: Date; member: BornMember; transactionId?: string },
): LotKey {
  const { timeZone } = program
  const { occurredAt: at, member, transactionId } = from
  const { expiry, pending } = currency
  const until = cancelsAt(pending, timeZone, at)
  return {
    currency: currency.id,
    expiresAt: lapsesAt(expiry, timeZone, { at, birthMonth: birthMonthFor(expiry, member) }),
    usableFrom: usableFrom(pending, timeZone, at),
    funder: OWN_FUNDER,
    ...(expiry.kind === 'idle' && { idle: true as const }),
    ...(until && transactionId && { awaits: { transactionId, day: dayOf(timeZone, at), until } }),
  }
}

export function limitCounter(limit: string): string {
  return `limit:${limit}`
}

function usedOf(
  { counters, household = [] }: Pick<EarnInput, 'counters' | 'household'>,
  limit: string,
  period: string,
): bigint {
  const name = limitCounter(limit)
  const own = counters.find(({ counter, day }) => counter === name && day === period)
  const used = own ? BigInt(own.value.toFixed(0)) : 0n
  if (!isOfHousehold(limit)) return used
  const others = household.filter(({ counter, day }) => counter === name && day === period)
  return others.reduce((sum, { value }) => sum + BigInt(value.toFixed(0)), used)
}

function limitRows(valuation: Valuation): CounterRow[] {
  const own = valuation.uses.filter(({ shared }) => !shared)
  return own.map(({ limit, period, points }) => ({
    counter: limitCounter(limit),
    day: period,
    value: new Decimal(points.toString()),
  }))
}

// Points of a currency that counts when usable are counted when they become so.
function tierRows(
  program: Program,
  facts: TransactionFacts,
  { valuation, waiting }: { valuation: Valuation; waiting: ReadonlySet<string> },
): CounterRow[] {
  const countsNow = ({ currency }: Award) =>
    !waiting.has(currency) || program.currencies.get(currency)?.counts !== 'when_usable'
  return counted(program, {
    day: dayOf(program.timeZone, facts.occurredAt),
    spend: countedSpend(valuation.spend),
    transactions: 1n,
    awards: valuation.awards.filter(countsNow),
  })
}

function wireAward(award: Award, funder: string): WireAward {
  return {
    rule: award.rule,
    currency: award.currency,
    points: wirePoints(award.points),
    ...(award.lineId !== null && { lineId: award.lineId }),
    ...(funder !== OWN_FUNDER && { funder }),
    explanation: award.explanation,
  }
}
