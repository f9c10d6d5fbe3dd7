/** Redemptions on the wire: what a till asks for, and what it is answered. */
import { z } from 'zod'
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

const redemptionId = id('rdm', 'the redemption')
const rewardId = text(64).meta({ description: "One of the program's rewards", examples: ['espresso'] })

export const NewRedemption = z
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
    usePool: z
      .boolean()
      .optional()
      .meta({
        description: 'Paid by everybody in the member’s pool, in proportion to what they have',
        examples: [true],
      }),
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
  pool: z
    .strictObject({
      poolId: id('pol', 'the pool'),
      shares: z.array(z.strictObject({ memberId: id('mem', 'who pays'), points: wirePoints })),
    })
    .optional()
    .meta({
      description: 'Where a pool pays: who pays how much; whatever goes back goes back in this proportion',
    }),
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

export const Redemption = z.strictObject({ ...shownRedemption, balances: z.array(Balance) }).meta({
  id: 'Redemption',
  examples: [
    {
      ...redemptionExample,
      balances: [{ currency: 'beans', available: 80, pending: 0, held: 0, negative: 0 }],
    },
  ],
})

export const RedemptionReport = z
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

export const Capture = z
  .strictObject({
    externalRef: externalRef.optional(),
    points: points.optional().meta({ description: 'Fewer than held: the rest goes back', examples: [30] }),
  })
  .meta({ id: 'Capture', examples: [{ points: 30 }] })

export const Closing = z
  .strictObject({ externalRef: externalRef.optional(), reason: text(500).optional() })
  .meta({ id: 'Closing', examples: [{ reason: 'the customer changed their mind' }] })

export const RedemptionQuoteRequest = z
  .strictObject({
    ...memberReference,
    currency: currencyId,
    basket: Money.optional(),
    usePool: z.boolean().optional().meta({ description: 'What the member’s whole pool could pay' }),
  })
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

export const RedemptionQuote = z
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

export const redemptionParams = z.strictObject({ redemptionId })
