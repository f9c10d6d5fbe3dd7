/** What the reports look like on the wire. Amounts may have a sign here: a report also tells what was taken back. */
import { z } from 'zod'
import { periodUnits } from '../ledger/deferred.ts'
import { shownInstant, wirePoints } from './schemas.ts'

export const SignedMoney = z
  .strictObject({
    amount: z.string().regex(/^-?\d{1,21}(\.\d{1,4})?$/),
    currency: z.string().regex(/^[A-Z]{3}$/),
  })
  .meta({
    id: 'SignedMoney',
    description: 'An amount as a decimal string, below zero with a minus, and its ISO 4217 currency',
    examples: [{ amount: '-12.50', currency: 'EUR' }],
  })

const euros = (amount: string) => ({ amount, currency: 'EUR' })
const share = z.string().meta({ description: 'A share from 0 to 1, a decimal', examples: ['0.97'] })

const Estimate = z
  .strictObject({
    estimateId: z.uuid(),
    method: z.enum(['survival', 'declared']),
    effectiveFrom: shownInstant,
    madeAt: shownInstant,
    redemptionRate: share.meta({ description: 'Of points given, the share redeemed in the end' }),
    low: share.nullable().meta({ description: '95 % interval; null where it is declared' }),
    high: share.nullable(),
  })
  .meta({
    id: 'BreakageEstimate',
    examples: [
      {
        estimateId: '0198f0a2-b3c4-7000-8000-0000000a0001',
        method: 'survival',
        effectiveFrom: '2026-12-01T00:00:00.000Z',
        madeAt: '2026-12-01T02:00:00.000Z',
        redemptionRate: '0.97',
        low: '0.964',
        high: '0.975',
      },
    ],
  })

const OwedRow = z.strictObject({
  funder: z.string().meta({ description: 'Who pays for them; `program` is the program itself' }),
  expires: z.string().nullable().meta({
    description:
      'Month of the last day on which they can be used; null: never, or by inactivity, which moves with each activity',
  }),
  points: wirePoints,
  value: SignedMoney.nullable().meta({ description: 'Rounded so that the rows sum to the value of all' }),
})

const CurrencyLiability = z.strictObject({
  currency: z.string(),
  points: wirePoints.meta({ description: 'Owed: available, pending and held' }),
  available: wirePoints,
  pending: wirePoints,
  held: wirePoints,
  lapsed: wirePoints.meta({ description: 'Lapsed by then though not yet booked as such; not owed' }),
  negative: wirePoints.meta({ description: 'Owed back by members after returns; not netted' }),
  valuePerPoint: z.string().nullable(),
  value: SignedMoney.nullable(),
  rows: z.array(OwedRow),
  control: z.record(z.string(), wirePoints).meta({
    description: 'The other side of the postings: points + lapsed - negative is the sum of these',
  }),
  expected: z.strictObject({
    points: wirePoints.meta({ description: 'Of those owed, the points that will be redeemed' }),
    value: SignedMoney.nullable(),
    low: wirePoints.nullable(),
    high: wirePoints.nullable(),
    rate: share,
    estimate: Estimate.nullable().meta({ description: 'Null: none is in force, and all count as redeemed' }),
  }),
  deferred: SignedMoney.nullable().meta({ description: 'Revenue still deferred for the points, by months' }),
})

export const Liability = z
  .strictObject({
    program: z.string(),
    at: shownInstant,
    knownAt: shownInstant.nullable(),
    currencies: z.array(CurrencyLiability).meta({
      description: 'Those that can be spent, also ones that newer rules left out',
    }),
  })
  .meta({
    id: 'Liability',
    examples: [
      {
        program: 'corner-coffee',
        at: '2026-12-31T22:59:59.999Z',
        knownAt: null,
        currencies: [
          {
            currency: 'beans',
            points: 5500,
            available: 5400,
            pending: 0,
            held: 100,
            lapsed: 0,
            negative: 0,
            valuePerPoint: '0.05 EUR',
            value: euros('275.00'),
            rows: [{ funder: 'program', expires: '2027-12', points: 5500, value: euros('275.00') }],
            control: { issued: 10_000, redeemed: -4500, expired: 0, adjusted: 0 },
            expected: {
              points: 5200,
              value: euros('260.00'),
              low: null,
              high: null,
              rate: '0.945455',
              estimate: null,
            },
            deferred: euros('236.98'),
          },
        ],
      },
    ],
  })

const day = z.iso.date().meta({ examples: ['2026-11-30'] })

const PeriodDeferral = z.strictObject({
  period: z.string().meta({ description: '`2026-03`, `2026-Q1` or `2026`' }),
  from: day,
  to: day.meta({ description: 'Included; the last period ends with the report' }),
  sales: SignedMoney.meta({ description: 'Net price of the sales that gave points' }),
  points: z.strictObject({ given: wirePoints, redeemed: wirePoints, expired: wirePoints }),
  redemptionRate: share,
  estimateId: z.uuid().nullable(),
  opening: SignedMoney,
  deferred: SignedMoney.meta({ description: 'Of the sales, the part that falls to the points' }),
  cancelled: SignedMoney.meta({ description: 'Taken back with the points of returned sales' }),
  byRedemption: SignedMoney.meta({ description: 'Recognised as revenue because points were redeemed' }),
  byBreakage: SignedMoney.meta({ description: 'Recognised because points were not, and will not be' }),
  reestimate: SignedMoney.meta({
    description: 'Of what was recognised, the part that only came of a changed estimate',
  }),
  closing: SignedMoney.meta({
    description: 'opening + deferred - cancelled - byRedemption - byBreakage',
  }),
})

export const Deferral = z
  .strictObject({
    program: z.string(),
    by: z.enum(periodUnits),
    at: shownInstant,
    knownAt: shownInstant.nullable(),
    currencies: z.array(
      z.strictObject({
        currency: z.string(),
        periods: z.array(PeriodDeferral),
        exceeded: z.array(z.string()).meta({
          description: 'Periods whose points were redeemed more than expected: a new estimate is due',
        }),
      }),
    ),
  })
  .meta({
    id: 'DeferredRevenue',
    examples: [
      {
        program: 'corner-coffee',
        by: 'month',
        at: '2026-12-31T22:59:59.999Z',
        knownAt: null,
        currencies: [
          {
            currency: 'beans',
            periods: [
              {
                period: '2026-12',
                from: '2026-12-01',
                to: '2026-12-31',
                sales: euros('10000.00'),
                points: { given: 10_000, redeemed: 4500, expired: 0 },
                redemptionRate: '0.97',
                estimateId: null,
                opening: euros('0.00'),
                deferred: euros('462.58'),
                cancelled: euros('0.00'),
                byRedemption: euros('208.16'),
                byBreakage: euros('6.44'),
                reestimate: euros('0.00'),
                closing: euros('247.98'),
              },
            ],
            exceeded: [],
          },
        ],
      },
    ],
  })

const PointsOfDay = z.strictObject({
  currency: z.string(),
  issued: wirePoints,
  returned: wirePoints.meta({ description: 'Taken back with returned sales' }),
  redeemed: wirePoints.meta({ description: 'Less what was reversed on that day' }),
  expired: wirePoints,
  adjusted: wirePoints.meta({ description: 'By hand; below zero where more was taken than given' }),
  moved: wirePoints.meta({ description: 'From or to elsewhere, such as other members' }),
})

export const ProgramTotals = z
  .strictObject({
    program: z.string(),
    timeZone: z.string(),
    from: day,
    to: day,
    days: z.array(
      z.strictObject({
        day,
        transactions: z.int(),
        returns: z.int(),
        redemptions: z.int(),
        members: z.int().meta({ description: 'With a transaction on that day' }),
        enrolled: z.int(),
        currencies: z.array(PointsOfDay),
      }),
    ),
  })
  .meta({
    id: 'ProgramTotals',
    examples: [
      {
        program: 'corner-coffee',
        timeZone: 'Europe/Berlin',
        from: '2026-11-30',
        to: '2026-11-30',
        days: [
          {
            day: '2026-11-30',
            transactions: 3,
            returns: 1,
            redemptions: 1,
            members: 2,
            enrolled: 1,
            currencies: [
              { currency: 'beans', issued: 42, returned: 7, redeemed: 40, expired: 0, adjusted: 0, moved: 0 },
            ],
          },
        ],
      },
    ],
  })
