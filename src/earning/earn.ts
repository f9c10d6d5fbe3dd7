/**
 * Earning: a transaction is valued with the rules and the member's tier of its business time, and what
 * it gives is posted to the book. Pure: the same position and facts give the same entry.
 */
import { type BornMember, birthMonthFor, lapsesAt } from '../base/expiry.ts'
import { cancelsAt, usableFrom } from '../base/pending.ts'
import { Decimal, wirePoints } from '../base/points.ts'
import { dayOf } from '../base/time.ts'
import { accrue } from '../ledger/accrue.ts'
import { type Book, post } from '../ledger/book.ts'
import type { Entry, Posting } from '../ledger/entry.ts'
import { type LotKey, lotIdOf } from '../ledger/lot.ts'
import type { Currency, Program } from '../program/program.ts'
import { evaluate } from '../rules/evaluate.ts'
import type { Award, MemberFacts, TransactionFacts, Valuation } from '../rules/facts.ts'
import { type CounterRow, counted } from '../tiers/counters.ts'
import { putOffLapses } from './extension.ts'
import type { WireAward } from './transaction.ts'
import { countedSpend, type KeptUse, type KeptValuation, keepValuation } from './valued.ts'

/** Who pays for points that no partner pays for. */
export const OWN_FUNDER = 'program'

export interface EarnInput {
  readonly program: Program
  readonly facts: TransactionFacts
  /** as of the business time */
  readonly member: MemberFacts
  readonly profile: BornMember['profile']
  readonly counters: readonly CounterRow[]
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
  readonly awards: WireAward[]
}

export function earn(input: EarnInput): Earned {
  const { program, facts, book } = input
  const used: KeptUse[] = []
  const valuation = evaluate(program.rules, {
    transaction: facts,
    member: input.member,
    used: (limit, period) => {
      const points = usedOf(input.counters, limit, period)
      if (points > 0n) used.push({ limit, period, points: Number(points) })
      return points
    },
  })

  const extensions = valuation.extensions.flatMap(({ currency, by, rule, text }) => {
    const on = { currency: program.currencies.get(currency)!, by, occurredAt: facts.occurredAt }
    const member = { ...input.member, profile: input.profile }
    return putOffLapses({ ...input, member }, on, { rule, by: text })?.entry ?? []
  })
  const lots: Record<string, string> = {}
  const waiting = new Set<string>()
  const postings: Posting[] = []
  for (const [currency, points] of pointsByCurrency(valuation.awards)) {
    const { transactionId, profile } = input
    const from = { occurredAt: facts.occurredAt, member: { ...input.member, profile }, transactionId }
    const key = lotKey(program, program.currencies.get(currency)!, from)
    lots[currency] = lotIdOf(key)
    if (key.usableFrom || key.awaits) waiting.add(currency)
    postings.push(...accrue(book, key, { points, source: 'issued' }))
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
    counted: [...tierRows(program, facts, { valuation, waiting }), ...limitRows(valuation)],
    awards: valuation.awards.map(wireAward),
  }
}

export function pointsByCurrency(awards: readonly Pick<Award, 'currency' | 'points'>[]): Map<string, bigint> {
  const totals = new Map<string, bigint>()
  for (const { currency, points } of awards) totals.set(currency, (totals.get(currency) ?? 0n) + points)
  return totals
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

function usedOf(counters: readonly CounterRow[], limit: string, period: string): bigint {
  const name = limitCounter(limit)
  const row = counters.find(({ counter, day }) => counter === name && day === period)
  return row ? BigInt(row.value.toFixed(0)) : 0n
}

function limitRows(valuation: Valuation): CounterRow[] {
  return valuation.uses.map(({ limit, period, points }) => ({
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

function wireAward(award: Award): WireAward {
  return {
    rule: award.rule,
    currency: award.currency,
    points: wirePoints(award.points),
    ...(award.lineId !== null && { lineId: award.lineId }),
    explanation: award.explanation,
  }
}
