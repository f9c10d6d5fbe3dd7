/**
 * The report on what is owed at an instant: points by currency, funder and month of lapse, their value, and
 * how much of it is expected to be redeemed. Figures equal the ledger to the point.
 */
import { Decimal, type Money, toPoints, type WireMoney, wireMoney, wirePoints } from '../base/points.ts'
import type { Executor, Sql } from '../db/connection.ts'
import { readDeferral } from './deferred.ts'
import { inForce, listEstimates, type SurvivalDetail } from './estimates.ts'
import { type FinanceTerms, inSnapshot, type OnProgress } from './finance.ts'
import { type Owed, OwedSums, valuesOf } from './liability.ts'
import { type EstimateRow, sumsOfMoves, type Until } from './queries-finance.ts'
import { slicesOf } from './slices.ts'

export interface LiabilityReport {
  readonly program: string
  readonly at: string
  readonly knownAt: string | null
  readonly currencies: readonly CurrencyLiability[]
}

export interface CurrencyLiability {
  readonly currency: string
  readonly points: number
  readonly available: number
  readonly pending: number
  readonly held: number
  readonly lapsed: number
  readonly negative: number
  readonly valuePerPoint: string | null
  readonly value: WireMoney | null
  readonly rows: readonly {
    readonly funder: string
    readonly expires: string | null
    readonly points: number
    readonly value: WireMoney | null
  }[]
  readonly control: { readonly [account: string]: number }
  readonly expected: ExpectedRedemption
  /** revenue still deferred for the points, by months; null where sales are in other money or there is no value */
  readonly deferred: WireMoney | null
}

/** Of the points owed, those that will be redeemed by the estimate in force. */
export interface ExpectedRedemption {
  readonly points: number
  readonly value: WireMoney | null
  /** 95 % interval of the points */
  readonly low: number | null
  readonly high: number | null
  readonly rate: string
  readonly estimate: WireEstimate | null
}

export interface WireEstimate {
  readonly estimateId: string
  readonly method: 'survival' | 'declared'
  readonly effectiveFrom: string
  readonly madeAt: string
  readonly redemptionRate: string
  readonly low: string | null
  readonly high: string | null
}

export interface LiabilityInput extends Until {
  readonly onProgress?: OnProgress
}

export function liabilityReport(
  sql: Sql,
  terms: FinanceTerms,
  input: LiabilityInput,
): Promise<LiabilityReport> {
  const { onProgress } = input
  const passes = (first: number): OnProgress =>
    onProgress && ((done, total) => onProgress(first * total + done, 2 * total))
  return inSnapshot(sql, async (tx) => {
    const owed = await readOwed(tx, terms, { ...input, onProgress: passes(0) })
    const deferrals = await readDeferral(tx, terms, { ...input, by: 'month', onProgress: passes(1) })
    const estimates = await listEstimates(tx, { program: terms.program, knownAt: input.knownAt })
    return {
      program: terms.program,
      at: input.at.toISOString(),
      knownAt: input.knownAt?.toISOString() ?? null,
      currencies: owed.map((one) => ({
        ...wireOwed(one, {
          value: terms.valueAt(one.currency, input.at),
          estimate: inForce(estimates, one.currency, input.at),
        }),
        deferred:
          deferrals.find(({ currency }) => currency === one.currency)?.periods.at(-1)?.closing ?? null,
      })),
    }
  })
}

/** Points owed by currency, without those that only count for tiers. */
async function readOwed(sql: Executor, terms: FinanceTerms, input: LiabilityInput): Promise<Owed[]> {
  const sums = new OwedSums({ timeZone: terms.timeZone, at: input.at })
  const slices = await slicesOf(sql, terms.program)
  for (const [index, range] of slices.entries()) {
    for (const row of await sumsOfMoves(sql, range, input)) {
      if (!terms.qualifying.has(row.currency)) sums.add(row)
    }
    input.onProgress?.(index + 1, slices.length)
  }
  return sums.list()
}

function wireOwed(
  owed: Owed,
  { value, estimate }: { value: Money | null; estimate: EstimateRow | null },
): Omit<CurrencyLiability, 'deferred'> {
  const { available, pending, held } = owed.byAccount
  const values =
    value &&
    valuesOf(
      owed.rows.map(({ points }) => points),
      value,
    )
  return {
    currency: owed.currency,
    points: wirePoints(owed.points),
    available: wirePoints(available),
    pending: wirePoints(pending),
    held: wirePoints(held),
    lapsed: wirePoints(owed.lapsed),
    negative: wirePoints(owed.negative),
    valuePerPoint: value && `${value.amount.toFixed()} ${value.currency}`,
    value: worthOf(owed.points, value),
    rows: owed.rows.map(({ funder, expires, points }, index) => ({
      funder,
      expires,
      points: wirePoints(points),
      value: values?.[index] ?? null,
    })),
    control: Object.fromEntries(
      Object.entries(owed.control).map(([name, points]) => [name, wirePoints(points)]),
    ),
    expected: expectedOf(owed, { value, estimate }),
  }
}

function worthOf(points: bigint, value: Money | null): WireMoney | null {
  return value && wireMoney({ amount: value.amount.times(points.toString()), currency: value.currency })
}

function expectedOf(
  owed: Owed,
  { value, estimate }: { value: Money | null; estimate: EstimateRow | null },
): ExpectedRedemption {
  const { estimate: share, low, high } = openRates(owed, estimate)
  const of = (rate: Decimal) => toPoints(rate.times(owed.points.toString()), 'half_even')
  const points = of(share)
  return {
    points: wirePoints(points),
    value: worthOf(points, value),
    low: low && wirePoints(of(low)),
    high: high && wirePoints(of(high)),
    rate: share.toDecimalPlaces(6).toFixed(),
    estimate: estimate && wireEstimate(estimate),
  }
}

interface OpenRates {
  readonly estimate: Decimal
  readonly low: Decimal | null
  readonly high: Decimal | null
}

/**
 * The share of the points owed that will be redeemed. An estimate from history knows it by the ages of what
 * was open. A declared rate speaks of all points ever given: what it expects in all, less what was redeemed.
 */
function openRates(owed: Owed, estimate: EstimateRow | null): OpenRates {
  const all = { estimate: new Decimal(1), low: null, high: null }
  if (estimate === null || owed.points <= 0n) return all
  if (estimate.method === 'survival') {
    const { openRate } = estimate.detail as unknown as SurvivalDetail
    const decimal = (share: number | null) => (share === null ? null : new Decimal(share))
    return {
      estimate: new Decimal(openRate.estimate),
      low: decimal(openRate.low),
      high: decimal(openRate.high),
    }
  }
  const { redeemed = 0n, expired = 0n } = owed.control
  const ended = { redeemed: -redeemed, expired: -expired + owed.lapsed }
  const given = owed.points + ended.redeemed + ended.expired
  const toCome = new Decimal(estimate.redemptionRate).times(given.toString()).minus(ended.redeemed.toString())
  const share = toCome.dividedBy(owed.points.toString())
  return { ...all, estimate: Decimal.max(0, Decimal.min(1, share)) }
}

function wireEstimate(row: EstimateRow): WireEstimate {
  return {
    estimateId: row.estimateId,
    method: row.method,
    effectiveFrom: row.effectiveFrom.toISOString(),
    madeAt: row.madeAt.toISOString(),
    redemptionRate: row.redemptionRate,
    low: row.low,
    high: row.high,
  }
}
