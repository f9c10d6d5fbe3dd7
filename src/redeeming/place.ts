/** Spending points: for a reward or as a sum, at once or held first. */

import { DomainError } from '../base/errors.ts'
import { wireMoney, wirePoints } from '../base/points.ts'
import { type Book, post } from '../ledger/book.ts'
import { type Entry, postDraws } from '../ledger/entry.ts'
import { drawFromLots } from '../ledger/lot.ts'
import { currencyNamed } from '../program/currency.ts'
import type { Currency, Program } from '../program/program.ts'
import { findReward, mustBeAvailable } from '../rewards/reward.ts'
import type { MemberFacts } from '../rules/facts.ts'
import type { RedeemBody, Redemption } from './redemption.ts'

export interface PlaceInput {
  readonly program: Program
  readonly source: string
  readonly memberId: string
  readonly body: RedeemBody
  readonly occurredAt: Date
  readonly tiers: MemberFacts['tiers']
  readonly book: Book
  readonly nextId: () => string
  /** recording time, from which a hold runs */
  readonly at: Date
}

export interface Placed {
  readonly redemption: Redemption
  readonly entry: Entry
}

export interface Price {
  readonly currency: Currency
  readonly points: bigint
  readonly value: Redemption['value']
}

export function place(input: PlaceInput): Placed {
  return placeFor(input, priceOf(input))
}

/** The same at a price that is known. */
export function placeFor(input: PlaceInput, { currency, points, value }: Price): Placed {
  const { body, book } = input
  const draws = drawFromLots(book.lots.values(), { currency: currency.id, points, at: input.at })
  const held = body.hold !== undefined
  const redemptionId = input.nextId()
  const entry: Entry = {
    entryId: input.nextId(),
    kind: held ? 'hold' : 'redeem',
    occurredAt: input.occurredAt,
    redemptionId,
    rulesVersion: input.program.version,
    postings: postDraws('available', held ? 'held' : 'redeemed', { currency: currency.id, draws }),
    ...(body.rewardId !== undefined && { detail: { rewardId: body.rewardId } }),
  }
  post(book, entry)
  const redemption: Redemption = {
    redemptionId,
    memberId: input.memberId,
    program: input.program.id,
    source: input.source,
    externalRef: body.externalRef,
    status: held ? 'held' : 'captured',
    currency: currency.id,
    points,
    captured: held ? 0n : points,
    rewardId: body.rewardId ?? null,
    value,
    draws,
    occurredAt: input.occurredAt,
    holdUntil: body.hold ? new Date(input.at.getTime() + body.hold.seconds * 1000) : null,
    pool: null,
    partOf: null,
  }
  return { redemption, entry }
}

export function priceOf(input: Omit<PlaceInput, 'book'>): Price {
  const { program, body } = input
  if (body.rewardId !== undefined) {
    const reward = findReward(program, body.rewardId)
    mustBeAvailable(program, reward, { tiers: input.tiers, at: input.occurredAt })
    const currency = program.currencies.get(reward.currency)!
    return { currency, points: reward.costs, value: reward.value ? wireMoney(reward.value) : null }
  }
  const currency = spendableCurrency(program, body.currency ?? '')
  const points = BigInt(body.points ?? 0)
  checkAmount(currency, points)
  return { currency, points, value: worth(currency, points) }
}

/** The currency of an id, refused where it is not there or is not for spending. */
export function spendableCurrency(program: Program, id: string): Currency {
  const currency = currencyNamed(program, id)
  if (currency.kind !== 'redeemable') throw new DomainError('currency_not_redeemable', { currency: id })
  return currency
}

/** What points are worth in money, where the currency has a value. */
export function worth(currency: Currency, points: bigint): Redemption['value'] {
  if (currency.value === null) return null
  return wireMoney({
    amount: currency.value.amount.times(points.toString()),
    currency: currency.value.currency,
  })
}

function checkAmount(currency: Currency, points: bigint): void {
  const { minimum, maximum, step } = currency.redeem
  const details = { currency: currency.id, requested: wirePoints(points) }
  if (points < minimum) throw new DomainError('below_minimum', { ...details, minimum: wirePoints(minimum) })
  if (maximum !== null && points > maximum) {
    throw new DomainError('above_maximum', { ...details, maximum: wirePoints(maximum) })
  }
  if (points % step !== 0n) throw new DomainError('not_a_step', { ...details, step: wirePoints(step) })
}
