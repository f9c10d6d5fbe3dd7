/**
 * Estimates of breakage and which of them is in force: made from history or declared by hand, kept for good,
 * never changed. Where history says too little, nothing is assumed to be lost, the most that can be owed.
 */
import { DomainError } from '../base/errors.ts'
import { newId } from '../base/ids.ts'
import { Decimal } from '../base/points.ts'
import { dayNumberOf } from '../base/time.ts'
import type { Executor, Sql } from '../db/connection.ts'
import { Survival, type SurvivalEstimate } from './breakage.ts'
import { type FinanceTerms, inSnapshot, type OnProgress } from './finance.ts'
import { readHistory } from './history.ts'
import { type EstimateRow, insertEstimate, readEstimates } from './queries-finance.ts'

export interface EstimateInput {
  /** the history up to this instant of business time; in force from it on */
  readonly at: Date
  readonly madeAt: Date
  readonly madeBy: string
  readonly note?: string | undefined
  readonly onProgress?: OnProgress
}

/** What is stored beside the rates of an estimate from history. */
export type SurvivalDetail = Pick<
  SurvivalEstimate,
  'tooLittle' | 'members' | 'points' | 'openRate' | 'unresolved' | 'curve'
> & { readonly interval: string }

const DIGITS = 6
const MOST_ESTIMATES = 10_000

/** Estimates each redeemable currency that history knows, and keeps the estimates. */
export async function estimateBreakage(
  sql: Sql,
  terms: FinanceTerms,
  input: EstimateInput,
): Promise<EstimateRow[]> {
  const found = await inSnapshot(sql, (tx) => survivals(tx, terms, input))
  const rows = [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([currency, survival]) =>
      estimateRow(terms.program, currency, { ...input, found: survival.estimate() }),
    )
  await sql.begin(async (tx) => {
    for (const row of rows) await insertEstimate(tx, row)
  })
  return rows
}

async function survivals(
  sql: Executor,
  terms: FinanceTerms,
  input: EstimateInput,
): Promise<ReadonlyMap<string, Survival>> {
  const { program, timeZone, qualifying } = terms
  const found = new Map<string, { survival: Survival; memberId: string }>()
  const of = (currency: string, memberId: string): Survival => {
    let one = found.get(currency)
    if (!one) {
      one = { survival: new Survival(), memberId: '' }
      found.set(currency, one)
    }
    if (one.memberId !== memberId) {
      one.memberId = memberId
      one.survival.member(memberId)
    }
    return one.survival
  }
  const today = dayNumberOf(timeZone, input.at)
  await readHistory(sql, {
    program,
    timeZone,
    at: input.at,
    knownAt: null,
    onProgress: input.onProgress,
    event(memberId, { currency }, event) {
      if (!qualifying.has(currency)) of(currency, memberId).event(event)
    },
    open(memberId, { currency }, cohort) {
      if (!qualifying.has(currency)) of(currency, memberId).open(cohort, today)
    },
  })
  return new Map([...found].map(([currency, { survival }]) => [currency, survival]))
}

function estimateRow(
  program: string,
  currency: string,
  { at, madeAt, madeBy, note, found }: EstimateInput & { found: SurvivalEstimate },
): EstimateRow {
  const { tooLittle, members, points, openRate, unresolved, curve } = found
  const { estimate, low, high } = found.redemptionRate
  const detail: SurvivalDetail = {
    tooLittle,
    members,
    points,
    openRate,
    unresolved,
    curve,
    interval: '95 %, bootstrap of members, 200 replicates',
  }
  return {
    program,
    estimateId: newId(),
    currency,
    method: 'survival',
    effectiveFrom: at,
    madeAt,
    madeBy,
    redemptionRate: shareText(estimate),
    low: low === null ? null : shareText(low),
    high: high === null ? null : shareText(high),
    detail: { ...detail },
    note: note ?? null,
  }
}

function shareText(share: number): string {
  return new Decimal(share).toDecimalPlaces(DIGITS).toFixed()
}

/** Keeps a rate that people decided on: an actuary's, or a prudent one while there is no history. */
export async function declareBreakage(
  sql: Sql,
  terms: FinanceTerms,
  input: EstimateInput & { readonly currency: string; readonly breakage: Decimal },
): Promise<EstimateRow> {
  const { currency, breakage } = input
  if (terms.qualifying.has(currency)) throw new DomainError('currency_not_redeemable', { currency })
  if (terms.valueAt(currency, input.at) === null) throw new DomainError('unknown_currency', { currency })
  const row: EstimateRow = {
    program: terms.program,
    estimateId: newId(),
    currency,
    method: 'declared',
    effectiveFrom: input.at,
    madeAt: input.madeAt,
    madeBy: input.madeBy,
    redemptionRate: new Decimal(1).minus(breakage).toFixed(),
    low: null,
    high: null,
    detail: {},
    note: input.note ?? null,
  }
  await insertEstimate(sql, row)
  return row
}

/** All that is kept of a program, in the order in which it comes into force; the latest where there are many. */
export async function listEstimates(
  sql: Executor,
  asked: { program: string; knownAt?: Date | null },
): Promise<EstimateRow[]> {
  return readEstimates(sql, { program: asked.program, knownAt: asked.knownAt ?? null, limit: MOST_ESTIMATES })
}

/** The one in force at an instant; null: none says anything, and every point is taken to be redeemed. */
export function inForce(estimates: readonly EstimateRow[], currency: string, at: Date): EstimateRow | null {
  return (
    estimates.findLast((one) => one.currency === currency && one.effectiveFrom <= at && !tooLittleIn(one)) ??
    null
  )
}

/** Why an estimate says nothing; null where it does. */
export function tooLittleIn({ detail }: EstimateRow): string | null {
  return (detail as Partial<SurvivalDetail>).tooLittle ?? null
}
