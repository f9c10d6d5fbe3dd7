/**
 * Earning: a transaction is valued with the rules and the member's tier of its business time, and what
 * it gives is posted to the book. Pure: the same position and facts give the same entry.
 */
import { Decimal, wirePoints } from '../base/points.ts'
import { addDays, dayOf, lapsesAt, startOfDay } from '../base/time.ts'
import { accrue } from '../ledger/accrue.ts'
import { type Book, post } from '../ledger/book.ts'
import type { Entry, Posting } from '../ledger/entry.ts'
import { type LotKey, lotIdOf } from '../ledger/lot.ts'
import type { Currency, Program } from '../program/program.ts'
import { evaluate } from '../rules/evaluate.ts'
import type { Award, MemberFacts, TransactionFacts, Valuation } from '../rules/facts.ts'
import { type CounterRow, counted } from '../tiers/counters.ts'
import type { WireAward } from './transaction.ts'
import { countedSpend, type KeptUse, type KeptValuation, keepValuation } from './valued.ts'

/** Who pays for points that no partner pays for. */
export const OWN_FUNDER = 'program'

export interface EarnInput {
  readonly program: Program
  readonly facts: TransactionFacts
  /** as of the business time */
  readonly member: MemberFacts
  readonly counters: readonly CounterRow[]
  /** posted to */
  readonly book: Book
  readonly transactionId: string
  readonly nextId: () => string
}

export interface Earned {
  readonly entry: Entry
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

  const lots: Record<string, string> = {}
  const postings: Posting[] = []
  for (const [currency, points] of pointsByCurrency(valuation.awards)) {
    const key = lotKey(program, program.currencies.get(currency)!, facts.occurredAt)
    lots[currency] = lotIdOf(key)
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
    kept: keepValuation(valuation, { member: input.member, used, lots }),
    counted: [...tierRows(program, facts, valuation), ...limitRows(valuation)],
    awards: valuation.awards.map(wireAward),
  }
}

export function pointsByCurrency(awards: readonly Pick<Award, 'currency' | 'points'>[]): Map<string, bigint> {
  const totals = new Map<string, bigint>()
  for (const { currency, points } of awards) totals.set(currency, (totals.get(currency) ?? 0n) + points)
  return totals
}

/** The lot that points earned at an instant go into. */
export function lotKey(program: Program, currency: Currency, occurredAt: Date): LotKey {
  const { timeZone } = program
  return {
    currency: currency.id,
    expiresAt: lapsesAt(currency.expiry, timeZone, occurredAt),
    usableFrom:
      currency.pendingDays === 0
        ? null
        : startOfDay(timeZone, addDays(dayOf(timeZone, occurredAt), currency.pendingDays)),
    funder: OWN_FUNDER,
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

function tierRows(program: Program, facts: TransactionFacts, valuation: Valuation): CounterRow[] {
  return counted(program, {
    day: dayOf(program.timeZone, facts.occurredAt),
    spend: countedSpend(valuation.spend),
    transactions: 1n,
    awards: valuation.awards,
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
