/** Redemptions: quoting, placing, and the life of a hold. */
import { z } from 'zod'
import { DomainError } from '../base/errors.ts'
import { readId } from '../base/ids.ts'
import { Decimal, wirePoints as toWire, type WireMoney } from '../base/points.ts'
import type { Currency } from '../program/program.ts'
import { isDue } from '../redeeming/hold.ts'
import { spendableCurrency, worth } from '../redeeming/place.ts'
import { wireRedemption } from '../redeeming/redemption.ts'
import { callerOf, scope } from './auth.ts'
import { memberOf, readHoldings } from './holdings.ts'
import { findRedemption } from './queries.ts'
import { type App, keyed, type RouteDeps, replies } from './route.ts'
import {
  Balance,
  currencyId,
  externalRef,
  externalRefOrHeader,
  id,
  instant,
  Money,
  memberReference,
  oneMember,
  points,
  shownInstant,
  text,
  wirePoints,
} from './schemas.ts'
import { keyHeader, withMember, withRef, write } from './writes.ts'

const redemptionId = id('rdm', 'the redemption')
const rewardId = text(64).meta({ description: "One of the program's rewards", examples: ['espresso'] })

const NewRedemption = z
  .strictObject({
    externalRef: externalRefOrHeader,
    ...memberReference,
    rewardId: rewardId.optional(),
    currency: currencyId.optional(),
    points: points.optional(),
    occurredAt: instant.optional(),
    hold: z
      .strictObject({
        seconds: z
          .int()
          .min(1)
          .max(604_800)
          .meta({ examples: [300] }),
      })
      .optional()
      .meta({ description: 'Sets the points aside for so long, instead of spending them' }),
  })
  .superRefine((body, context) => {
    oneMember(body, context)
    const asSum = body.currency !== undefined || body.points !== undefined
    if ((body.rewardId !== undefined) === asSum) {
      context.addIssue({
        code: 'custom',
        path: ['rewardId'],
        message: 'give either rewardId or currency and points, and not both',
      })
    } else if (asSum && (body.currency === undefined || body.points === undefined)) {
      const path = [body.currency === undefined ? 'currency' : 'points']
      context.addIssue({ code: 'custom', path, message: 'is missing: currency and points go together' })
    }
  })
  .meta({
    id: 'NewRedemption',
    examples: [
      {
        externalRef: 'till-7/2026-03-03/r-12',
        identifier: { kind: 'card', value: '2600123456789' },
        rewardId: 'espresso',
        hold: { seconds: 300 },
      },
    ],
  })

const shownRedemption = {
  redemptionId,
  memberId: id('mem', 'the member'),
  status: z.enum(['held', 'captured', 'released', 'expired', 'reversed']),
  currency: z.string(),
  points: wirePoints,
  value: Money.nullable(),
  rewardId: z.string().optional(),
  holdUntil: shownInstant.optional(),
}

const redemptionExample = {
  redemptionId: 'rdm_0198f0a2b3c4700080000000000c0001',
  memberId: 'mem_0198f0a2b3c4700080000000000a0001',
  status: 'captured' as const,
  currency: 'beans',
  points: 40,
  value: { amount: '2.00', currency: 'EUR' },
  rewardId: 'espresso',
}

const Redemption = z.strictObject({ ...shownRedemption, balances: z.array(Balance) }).meta({
  id: 'Redemption',
  examples: [
    {
      ...redemptionExample,
      balances: [{ currency: 'beans', available: 80, pending: 0, held: 0, negative: 0 }],
    },
  ],
})

const RedemptionReport = z
  .strictObject({ ...shownRedemption, externalRef: z.string(), source: z.string(), occurredAt: shownInstant })
  .meta({
    id: 'RedemptionReport',
    examples: [
      {
        ...redemptionExample,
        externalRef: 'till-7/2026-03-03/r-12',
        source: 'till',
        occurredAt: '2026-03-03T08:15:00.000Z',
      },
    ],
  })

const Capture = z
  .strictObject({
    externalRef: externalRef.optional(),
    points: points.optional().meta({ description: 'Fewer than held: the rest goes back', examples: [30] }),
  })
  .meta({ id: 'Capture', examples: [{ points: 30 }] })

const Closing = z
  .strictObject({ externalRef: externalRef.optional(), reason: text(500).optional() })
  .meta({ id: 'Closing', examples: [{ reason: 'the customer changed their mind' }] })

const RedemptionQuoteRequest = z
  .strictObject({ ...memberReference, currency: currencyId, basket: Money.optional() })
  .superRefine(oneMember)
  .meta({
    id: 'RedemptionQuoteRequest',
    examples: [
      {
        identifier: { kind: 'card', value: '2600123456789' },
        currency: 'beans',
        basket: { amount: '12.50', currency: 'EUR' },
      },
    ],
  })

const exactMoney = z.strictObject({ amount: z.string(), currency: z.string() })

const RedemptionQuote = z
  .strictObject({
    currency: z.string(),
    available: wirePoints,
    minimum: wirePoints.meta({ description: 'At least so many at once' }),
    maximum: wirePoints.meta({
      description: 'The most that can be redeemed for this basket; 0 where nothing can',
    }),
    step: wirePoints,
    valuePerPoint: exactMoney
      .nullable()
      .meta({ description: 'Exact; null where points have no money value' }),
    maximumValue: Money.nullable(),
  })
  .meta({
    id: 'RedemptionQuote',
    examples: [
      {
        currency: 'beans',
        available: 120,
        minimum: 1,
        maximum: 120,
        step: 1,
        valuePerPoint: { amount: '0.05', currency: 'EUR' },
        maximumValue: { amount: '6.00', currency: 'EUR' },
      },
    ],
  })

const redemptionParams = z.strictObject({ redemptionId })

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
    ]),
  }
  app.post('/redemptions/quote', { schema, config: scope('redemptions:write') }, async (request) => {
    const { program } = callerOf(request)
    const at = now()
    const body = withMember(request.body)
    const currency = spendableCurrency(programs.at(program, at), body.currency)
    const memberId = await memberOf(sql, program, body)
    const { book } = await readHoldings(sql, { program, memberId }, at)
    return quote(currency, book.accounts.get(currency.id)?.available ?? 0n, body.basket)
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
    const redemption = { ...row, program, draws: [] }
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
