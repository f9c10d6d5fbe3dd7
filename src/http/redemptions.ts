/** Redemptions: quoting, placing, and the life of a hold. */
import { DomainError } from '../base/errors.ts'
import { readId } from '../base/ids.ts'
import { Decimal, wirePoints as toWire, type WireMoney } from '../base/points.ts'
import type { Currency } from '../program/program.ts'
import { isDue } from '../redeeming/hold.ts'
import { spendableCurrency, worth } from '../redeeming/place.ts'
import { readPooled, wireRedemption } from '../redeeming/redemption.ts'
import { callerOf, scope } from './auth.ts'
import { memberOf, readHoldings } from './holdings.ts'
import { poolHoldings, survivorOf } from './kin.ts'
import { findRedemption } from './queries.ts'
import {
  Capture,
  Closing,
  NewRedemption,
  Redemption,
  RedemptionQuote,
  RedemptionQuoteRequest,
  RedemptionReport,
  redemptionParams,
} from './redemption-schemas.ts'
import { type App, keyed, type RouteDeps, replies } from './route.ts'
import { keyHeader, withMember, withRef, write } from './writes.ts'

export function redemptionRoutes(app: App, deps: RouteDeps): void {
  const schema = {
    operationId: 'redeem',
    tags: ['redemptions'],
    summary: 'Spend points',
    description: 'For a reward or as a sum; with `hold` set aside first. Safe to send again.',
    body: NewRedemption,
    response: replies({ 201: { description: 'The redemption', schema: Redemption } }, [
      'member_not_found',
      'member_not_active',
      'identifier_blocked',
      'reward_not_found',
      'reward_unavailable',
      'insufficient_points',
      'unknown_currency',
      'currency_not_redeemable',
      'below_minimum',
      'above_maximum',
      'not_a_step',
      'not_in_pool',
      'pools_not_allowed',
      'idempotency_conflict',
    ]),
  }
  app.post(
    '/redemptions',
    { schema, config: { ...scope('redemptions:write'), ...keyed } },
    (request, reply) => {
      const body = withMember(withRef(request.body, request))
      return write(
        deps,
        { request, reply, status: 201 },
        { ref: body.externalRef, ask: { kind: 'redeem', body } },
      )
    },
  )

  quoteRoute(app, deps)
  closingRoutes(app, deps)
  readRoute(app, deps)
}

function quoteRoute(app: App, { sql, programs, now }: RouteDeps): void {
  const schema = {
    operationId: 'quoteRedemption',
    tags: ['redemptions'],
    summary: 'What could be spent',
    description: 'Minimum, maximum, step and money value for a member and, where one is given, a basket.',
    body: RedemptionQuoteRequest,
    response: replies({ 200: { description: 'The quote', schema: RedemptionQuote } }, [
      'member_not_found',
      'identifier_blocked',
      'unknown_currency',
      'currency_not_redeemable',
      'money_currency_mismatch',
      'not_in_pool',
    ]),
  }
  app.post('/redemptions/quote', { schema, config: scope('redemptions:write') }, async (request) => {
    const { program } = callerOf(request)
    const at = now()
    const body = withMember(request.body)
    const currency = spendableCurrency(programs.at(program, at), body.currency)
    const memberId = await memberOf(sql, program, body)
    const purses = body.usePool
      ? await poolHoldings(sql, { program, memberId }, at)
      : [await readHoldings(sql, { program, memberId }, at)]
    const available = purses.reduce(
      (sum, { book }) => sum + (book.accounts.get(currency.id)?.available ?? 0n),
      0n,
    )
    return quote(currency, available, body.basket)
  })
}

function closingRoutes(app: App, deps: RouteDeps): void {
  const config = { ...scope('redemptions:write'), ...keyed }
  const response = replies({ 200: { description: 'The redemption as it is now', schema: Redemption } }, [
    'redemption_not_found',
    'redemption_not_held',
    'redemption_not_captured',
    'hold_expired',
    'above_maximum',
    'idempotency_conflict',
  ])
  const tags = ['redemptions']

  const capture = {
    operationId: 'captureRedemption',
    tags,
    summary: 'Spend what is held',
    description: 'All of it, or fewer points: the rest goes back. Safe to send again.',
    params: redemptionParams,
    body: Capture.optional(),
    response,
  }
  app.post('/redemptions/:redemptionId/capture', { schema: capture, config }, (request, reply) => {
    const body = request.body ?? {}
    const ref = body.externalRef ?? keyHeader(request) ?? request.params.redemptionId
    const ask = { kind: 'capture', redemptionId: redemptionIdIn(request.params), body } as const
    return write(deps, { request, reply, status: 200 }, { ref, ask })
  })

  for (const [kind, summary, description] of [
    [
      'release',
      'Give back what is held',
      'The points return to the lots they came from. Safe to send again.',
    ],
    ['reverse', 'Undo a redemption', 'The points return to the lots they came from, with their old expiry.'],
  ] as const) {
    const schema = {
      operationId: `${kind}Redemption`,
      tags,
      summary,
      description,
      params: redemptionParams,
      body: Closing.optional(),
      response,
    }
    app.post(`/redemptions/:redemptionId/${kind}`, { schema, config }, (request, reply) => {
      const body = request.body ?? {}
      const ref = body.externalRef ?? keyHeader(request) ?? request.params.redemptionId
      const ask = { kind, redemptionId: redemptionIdIn(request.params), body } as const
      return write(deps, { request, reply, status: 200 }, { ref, ask })
    })
  }
}

function readRoute(app: App, { sql, now }: RouteDeps): void {
  const schema = {
    operationId: 'readRedemption',
    tags: ['redemptions'],
    summary: 'Read a redemption',
    description: 'Its status at this moment: a hold whose time is up has let go.',
    params: redemptionParams,
    response: replies({ 200: { description: 'The redemption', schema: RedemptionReport } }, [
      'redemption_not_found',
    ]),
  }
  app.get('/redemptions/:redemptionId', { schema, config: scope('members:read') }, async (request) => {
    const { program } = callerOf(request)
    const row = await findRedemption(sql, { program, redemptionId: redemptionIdIn(request.params) })
    if (!row) throw new DomainError('redemption_not_found', { id: request.params.redemptionId })
    // Of what a pool pays, who asked; of any other, whose points it were, or who answers for them now.
    const memberId = await survivorOf(sql, program, row)
    const redemption = {
      ...row,
      memberId,
      program,
      draws: [],
      pool: row.pool && readPooled(row.pool),
      partOf: null,
    }
    const { externalRef: ref, source, occurredAt } = row
    const now_ = isDue(redemption, now()) ? { ...redemption, status: 'expired' as const } : redemption
    return { ...wireRedemption(now_), externalRef: ref, source, occurredAt: occurredAt.toISOString() }
  })
}

/** What a member with `available` points can redeem of a currency, for a basket where one is given. */
function quote(currency: Currency, available: bigint, basket: WireMoney | undefined) {
  const { minimum, maximum, step } = currency.redeem
  let most = maximum !== null && maximum < available ? maximum : available
  if (basket && currency.value) {
    if (basket.currency !== currency.value.currency) {
      const expected = currency.value.currency
      throw new DomainError('money_currency_mismatch', { path: '/basket', expected, got: basket.currency })
    }
    const covers = BigInt(new Decimal(basket.amount).dividedBy(currency.value.amount).floor().toFixed(0))
    if (covers < most) most = covers
  }
  most -= most % step
  if (most < minimum) most = 0n
  return {
    currency: currency.id,
    available: toWire(available),
    minimum: toWire(minimum),
    maximum: toWire(most),
    step: toWire(step),
    valuePerPoint: currency.value && {
      amount: currency.value.amount.toFixed(),
      currency: currency.value.currency,
    },
    maximumValue: worth(currency, most),
  }
}

function redemptionIdIn(params: { redemptionId: string }): string {
  return readId('redemption', params.redemptionId, 'redemption_not_found')
}
