/** Scores, flags and their reasons on the wire. */
import { z } from 'zod'
import { flags } from '../retention/flag.ts'
import { phases } from '../retention/phase.ts'
import { dispersions } from '../retention/profile.ts'
import { reasonCodes } from '../retention/reason.ts'
import { id, Money } from './schemas.ts'

const probability = z.number().min(0).max(1)
const day = z.string().meta({ description: 'A calendar day of the program’s zone', examples: ['2026-11-01'] })
const fifth = z.int().min(1).max(5)
const counted = z.int().min(0)

const reason = {
  code: 'overdue',
  text: 'buys every 8.4 days, silent for 41 days, longest pause before 17 days',
  facts: { everyDays: 8.4, silentDays: 41, longestDays: 17 },
  clears: 'a purchase',
  suppressed: false,
}

const Reason = z
  .strictObject({
    code: z.enum(reasonCodes),
    text: z.string(),
    facts: z
      .record(z.string(), z.union([z.number(), z.string()]))
      .meta({ description: 'The numbers of the sentence' }),
    clears: z.string().nullable().meta({ description: 'What would clear it' }),
    suppressed: z.boolean().meta({ description: 'Looked at, and the reason why there is no flag' }),
  })
  .meta({ id: 'RetentionReason', examples: [reason] })

const score = {
  state: 'gone quiet',
  since: '2026-10-07',
  flag: 'gone_quiet',
  flaggedSince: '2026-10-20',
  pSilent: 0.93,
  pDecline: 0.97,
  pAlive: 0.11,
  expectedPurchases: 0.6,
  expectedValue: { amount: '14.20', currency: 'EUR' },
  lifetimeValue: { amount: '31.05', currency: 'EUR' },
  atStake: { amount: '129.60', currency: 'EUR' },
  uplift: 1.12,
  priority: 140.8,
  dispersion: 'steady',
  rfm: { recency: 2, frequency: 5, monetary: 4 },
  reasons: [reason],
}

const scoreShape = {
  state: z.enum(phases),
  since: day,
  flag: z
    .enum(flags)
    .nullable()
    .meta({
      description:
        'What is foretold of the horizon, set so that few flags are false: gone_quiet no purchase at all, buying_less ' +
        'fewer than half of the usual ones. `state` is where the member stands today',
    }),
  flaggedSince: day.nullable(),
  pSilent: probability.meta({ description: 'P(no purchase in the horizon)' }),
  pDecline: probability.meta({ description: 'P(fewer than half of the usual purchases in the horizon)' }),
  pAlive: probability.nullable().meta({ description: 'Null where leaving cannot be told from silence' }),
  expectedPurchases: z.number().min(0),
  expectedValue: Money.nullable().meta({ description: 'Spend in the horizon; null without amounts' }),
  lifetimeValue: Money.nullable().meta({ description: 'Profit of all purchases to come, discounted' }),
  atStake: Money.nullable().meta({ description: 'Profit of the usual purchases in the horizon' }),
  uplift: z.number().meta({
    description:
      'What acting is expected to change: spend of treated members to that of their control in past experiments ' +
      'on this flag, shrunk towards 1; 1 without a flag or an experiment',
  }),
  priority: z.number().meta({ description: 'pDecline × value at stake × uplift' }),
  dispersion: z.enum(dispersions).nullable(),
  rfm: z
    .strictObject({ recency: fifth, frequency: fifth, monetary: fifth })
    .meta({ description: 'Fifths of the program, 5 the best' }),
  reasons: z.array(Reason).meta({ description: 'The weightiest first' }),
}

const falseShare = {
  from: '2026-02-02',
  through: '2026-05-03',
  flags: 212,
  decided: 209,
  false: 17,
  share: 0.081,
}

const FalseShare = z
  .strictObject({
    from: day,
    through: day,
    flags: counted,
    decided: counted,
    false: counted,
    share: probability.nullable().meta({ description: 'Null: of no flag it is known yet' }),
  })
  .meta({
    id: 'FalseShare',
    description: 'Flags of the newest quarter whose horizon is over, and how many were false',
    examples: [falseShare],
  })

const uplift = { uplift: 1.12, low: 0.94, high: 1.33, trials: 2, treated: 1240, control: 610 }

const ExpectedUplift = z
  .strictObject({
    uplift: z.number(),
    low: z.number().meta({ description: '95 %, what is assumed before any experiment included' }),
    high: z.number(),
    trials: counted.meta({ description: 'Experiments that said something' }),
    treated: counted.meta({ description: 'Their members, treated and left alone' }),
    control: counted,
  })
  .meta({
    id: 'ExpectedUplift',
    description:
      'How much more members spend for being treated, as a ratio, from experiments that the flag began',
    examples: [uplift],
  })

const uplifts = {
  gone_quiet: uplift,
  buying_less: { uplift: 1, low: 0.676, high: 1.48, trials: 0, treated: 0, control: 0 },
}

const ExpectedUplifts = z
  .strictObject({ gone_quiet: ExpectedUplift, buying_less: ExpectedUplift })
  .nullable()
  .meta({ description: 'By flag, as they made the order of the list; null before the first run' })

const item = { memberId: 'mem_0198f0a2b3c4700080000000000a0001', ...score }

export const Worklist = z
  .strictObject({
    asOf: day.nullable().meta({ description: 'The last day that was looked at; null: not scored yet' }),
    horizonDays: counted.nullable(),
    items: z.array(z.strictObject({ memberId: id('mem', 'the member'), ...scoreShape })),
    nextCursor: z.string().nullable(),
    capacity: counted.nullable().meta({ description: 'So many members in all pages at most; null: all' }),
    flagged: counted.meta({ description: 'Members flagged, whatever the capacity' }),
    uplifts: ExpectedUplifts,
    falseShare: FalseShare.nullable(),
  })
  .meta({
    id: 'Worklist',
    examples: [
      {
        asOf: '2026-11-01',
        horizonDays: 182,
        items: [item],
        nextCursor: null,
        capacity: 200,
        flagged: 1,
        uplifts,
        falseShare,
      },
    ],
  })

const kept = {
  purchaseDays: 23,
  firstDay: '2026-02-14',
  lastDay: '2026-09-21',
  longestGapDays: 17,
  spend: { amount: '412.30', currency: 'EUR' },
  rebuild: false,
}

export const MemberRetention = z
  .strictObject({
    memberId: id('mem', 'the member'),
    asOf: day.nullable().meta({ description: 'The last day that was looked at; null: not scored yet' }),
    because: z
      .string()
      .nullable()
      .meta({ description: 'Why there is no score', examples: ['no purchase yet'] }),
    kept: z
      .strictObject({
        purchaseDays: counted,
        firstDay: day.nullable(),
        lastDay: day.nullable(),
        longestGapDays: counted,
        spend: Money,
        rebuild: z.boolean().meta({ description: 'Facts came that the figures do not yet show' }),
      })
      .nullable()
      .meta({ description: 'As of now, with what was posted since the score' }),
    score: z.strictObject(scoreShape).nullable(),
    uplift: ExpectedUplift.nullable().meta({ description: 'Of acting on the flag; null without one' }),
    flags: z
      .array(
        z.strictObject({
          flagId: z.string(),
          kind: z.enum(flags),
          raisedOn: day,
          clearedOn: day.nullable(),
          outcome: z.enum(['true', 'false']).nullable().meta({ description: 'Null: not known yet' }),
        }),
      )
      .meta({ description: 'The newest first, at most twenty' }),
  })
  .meta({
    id: 'MemberRetention',
    examples: [
      {
        memberId: item.memberId,
        asOf: '2026-11-01',
        because: null,
        kept,
        score,
        uplift,
        flags: [
          {
            flagId: 'flg_0198f0a2b3c4700080000000000a0002',
            kind: 'gone_quiet',
            raisedOn: '2026-10-20',
            clearedOn: null,
            outcome: null,
          },
        ],
      },
    ],
  })

export const RetentionSummary = z
  .strictObject({
    program: z.string(),
    asOf: day.nullable().meta({ description: 'Null: not scored yet' }),
    horizonDays: counted,
    members: counted.meta({ description: 'Members with a purchase' }),
    states: z.record(z.string(), counted).meta({ description: 'Members by state' }),
    flags: z.strictObject({ gone_quiet: counted, buying_less: counted }),
    atStake: Money.nullable().meta({ description: 'Of flagged members' }),
    uplifts: ExpectedUplifts,
    raised: counted.meta({ description: 'Flags that the last run raised' }),
    cleared: counted,
    falseShare: FalseShare.nullable(),
    acceptedFalseShare: probability,
    model: z.string().nullable(),
    finishedAt: z.string().nullable(),
    rebuild: counted.meta({ description: 'Members whose figures wait to be made anew' }),
  })
  .meta({
    id: 'RetentionSummary',
    examples: [
      {
        program: 'corner-coffee',
        asOf: '2026-11-01',
        horizonDays: 182,
        members: 8123,
        states: { active: 5120, 'gone quiet': 211, lapsed: 1402, new: 1390 },
        flags: { gone_quiet: 190, buying_less: 21 },
        atStake: { amount: '20412.00', currency: 'EUR' },
        uplifts,
        raised: 9,
        cleared: 4,
        falseShare,
        acceptedFalseShare: 0.1,
        model: 'pareto_nbd',
        finishedAt: '2026-11-02T02:17:41.000Z',
        rebuild: 0,
      },
    ],
  })
