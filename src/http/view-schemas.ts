/** The whole picture of a member, as it goes out. */
import { z } from 'zod'
import { grades } from '../program/value.ts'
import { reasonCodes } from '../retention/reason.ts'
import { CurrencyBalance } from './balances.ts'
import { Member, memberExample } from './members.ts'
import { SignedMoney } from './report-schemas.ts'
import { Reward } from './rewards.ts'
import { id, shownInstant, wirePoints } from './schemas.ts'
import { NO_LADDER, TierReport } from './tiers.ts'

const share = z.number().min(0).max(1)
const grade = z.enum(grades).nullable()

const Offers = z
  .strictObject({
    withheld: z.enum(['no_consent']).nullable().meta({
      description: 'Why there are none: the member does not consent to `marketing`',
    }),
    nextProducts: z
      .array(
        z.strictObject({
          product: z.string(),
          score: share,
          because: z.string().nullable().meta({
            description: 'The product bought that says most for it; null: most members buy it',
          }),
        }),
      )
      .meta({
        description: 'Never bought; none without consent to `profiling`, where the member refused it',
      }),
    again: z
      .array(z.strictObject({ product: z.string(), times: z.int(), lastDay: z.iso.date() }))
      .meta({ description: 'Bought again and again' }),
    rewards: z.array(z.string()).meta({ description: 'That the member can have now' }),
    promotions: z.array(
      z.strictObject({
        promotion: z.string(),
        name: z.string(),
        registered: z.boolean(),
        until: shownInstant.nullable(),
      }),
    ),
    campaigns: z.array(
      z.strictObject({
        campaign: z.string(),
        name: z.string(),
        arm: z.string(),
        message: z.string().nullable(),
        since: shownInstant,
      }),
    ),
  })
  .meta({ id: 'Offers', description: 'What may be offered, as far as the member consents' })

const ViewRetention = z
  .strictObject({
    asOf: z.iso.date(),
    state: z.string(),
    since: z.iso.date(),
    flag: z.string().nullable(),
    flaggedSince: z.iso.date().nullable(),
    silentChance: share,
    declineChance: share,
    expectedPurchases: z.number(),
    expectedValue: SignedMoney.nullable(),
    lifetimeValue: SignedMoney.nullable(),
  })
  .meta({ id: 'ViewRetention' })

const ViewReason = z.strictObject({
  code: z.enum(reasonCodes),
  text: z.string(),
  clears: z.string().nullable(),
  suppressed: z.boolean(),
})

const ViewValue = z
  .strictObject({
    days: z
      .int()
      .meta({ description: 'Of the stretch up to now that delivered and brought are reckoned over' }),
    delivered: z.strictObject({
      redeemed: SignedMoney,
      benefits: SignedMoney,
      fees: SignedMoney,
      usualSpend: SignedMoney.nullable().meta({ description: 'Null: not known for 90 days yet' }),
      beyondUsual: SignedMoney,
      costOfBeyond: SignedMoney,
      total: SignedMoney.meta({ description: 'redeemed + benefits − fees − costOfBeyond, never below zero' }),
    }),
    brought: z.strictObject({
      netSpend: SignedMoney,
      margin: z.string().meta({ description: 'Share of net spend', examples: ['0.3'] }),
      fees: SignedMoney,
      pointsCost: SignedMoney,
      profit: SignedMoney.meta({ description: 'margin × netSpend + fees − pointsCost' }),
    }),
    toDate: z.strictObject({ netSpend: SignedMoney, purchases: z.int() }),
    rating: grade.meta({
      description: 'By profit among all members, A the best; null before the job `values` ran',
    }),
    risk: grade.meta({
      description: 'By the chance of decline, A the lowest; null before the job `score` ran',
    }),
  })
  .meta({ id: 'ViewValue' })

const money = (amount: string) => ({ amount, currency: 'EUR' })

export const MemberView = z
  .strictObject({
    memberId: id('mem', 'the member'),
    asOf: shownInstant,
    member: Member,
    balances: z.array(CurrencyBalance),
    tier: TierReport.omit({ memberId: true, asOf: true }),
    rewards: z.array(Reward).meta({ description: 'Those that can be had first, then the ones nearest' }),
    offers: Offers,
    activity: z.array(
      z.strictObject({
        kind: z.enum(['transaction', 'redemption']),
        id: z.string(),
        what: z.string(),
        occurredAt: shownInstant,
        net: SignedMoney.nullable(),
        points: z.array(z.strictObject({ currency: z.string(), points: wirePoints })),
      }),
    ),
    retention: ViewRetention.nullable().meta({ description: 'Null where the member was not scored yet' }),
    reasons: z.array(ViewReason).meta({ description: 'Of the scores, and of what the member says' }),
    voice: z.strictObject({
      openComplaints: z.int(),
      satisfaction: share.nullable().meta({ description: 'The latest score as a share of the scale' }),
      before: share.nullable().meta({ description: 'Mean of the scores before it' }),
    }),
    value: ViewValue,
  })
  .meta({
    id: 'MemberView',
    examples: [
      {
        memberId: memberExample.memberId,
        asOf: '2026-03-03T08:15:00.000Z',
        member: memberExample,
        balances: [
          {
            currency: 'beans',
            available: 120,
            pending: 0,
            held: 0,
            negative: 0,
            lifetime: 160,
            expiring: [],
          },
        ],
        tier: NO_LADDER,
        rewards: [],
        offers: {
          withheld: null,
          nextProducts: [{ product: 'ESPRESSO-1KG', score: 1, because: 'FILTERS' }],
          again: [{ product: 'FILTERS', times: 3, lastDay: '2026-02-27' }],
          rewards: ['espresso'],
          promotions: [],
          campaigns: [],
        },
        activity: [
          {
            kind: 'transaction' as const,
            id: 'txn_0198f0a2b3c4700080000000000a0001',
            what: 'purchase',
            occurredAt: '2026-03-03T08:15:00.000Z',
            net: money('12.50'),
            points: [{ currency: 'beans', points: 12 }],
          },
        ],
        retention: {
          asOf: '2026-03-02',
          state: 'active',
          since: '2026-01-20',
          flag: null,
          flaggedSince: null,
          silentChance: 0.12,
          declineChance: 0.2,
          expectedPurchases: 11.4,
          expectedValue: money('140.20'),
          lifetimeValue: money('210.00'),
        },
        reasons: [],
        voice: { openComplaints: 0, satisfaction: 0.75, before: null },
        value: {
          days: 365,
          delivered: {
            redeemed: money('4.00'),
            benefits: money('0.00'),
            fees: money('0.00'),
            usualSpend: null,
            beyondUsual: money('0.00'),
            costOfBeyond: money('0.00'),
            total: money('4.00'),
          },
          brought: {
            netSpend: money('160.00'),
            margin: '0.3',
            fees: money('0.00'),
            pointsCost: money('8.00'),
            profit: money('40.00'),
          },
          toDate: { netSpend: money('160.00'), purchases: 14 },
          rating: 'B' as const,
          risk: 'B' as const,
        },
      },
    ],
  })
