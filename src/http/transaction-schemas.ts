/** Transactions on the wire: what a till posts, what it gets back, and what is shown of one later. */
import { z } from 'zod'
import { Problem } from './errors.ts'
import {
  Award,
  atMostOneMember,
  attributes,
  Balance,
  externalRef,
  externalRefOrHeader,
  id,
  instant,
  Money,
  memberReference,
  oneMember,
  quantity,
  shownInstant,
  TierChange,
  TierStanding,
  text,
  wirePoints,
} from './schemas.ts'

const lineId = text(64).meta({ description: 'Unique within the transaction', examples: ['1'] })

// Keys of what tills post stand in order, so that a command's text is written without sorting them.
const Line = z
  .strictObject({
    attributes: attributes.optional(),
    category: text(64).optional(),
    gross: Money.optional(),
    kind: z
      .enum(['item', 'giftCard', 'voided'])
      .optional()
      .meta({ description: '`giftCard` and `voided` lines never earn', examples: ['item'] }),
    lineId,
    net: Money.meta({ description: 'Final paid amount of the whole line without tax' }),
    quantity,
    sku: text(64).optional(),
    tax: Money.optional(),
  })
  .meta({
    id: 'Line',
    examples: [
      {
        lineId: '1',
        sku: 'CAP-L',
        category: 'coffee',
        quantity: 2,
        net: { amount: '7.60', currency: 'EUR' },
      },
    ],
  })

const Tender = z
  .strictObject({
    amount: Money,
    kind: text(32).meta({
      description: 'What is paid with `points` or `giftCard` does not earn; every other kind does',
      examples: ['card'],
    }),
  })
  .meta({ id: 'Tender', examples: [{ kind: 'card', amount: { amount: '7.60', currency: 'EUR' } }] })

function transactionWith<Ref extends z.ZodType>(externalRef: Ref) {
  return z
    .strictObject({
      attributes: attributes.optional(),
      channel: text(64).optional(),
      externalRef,
      identifier: memberReference.identifier,
      lines: z.array(Line).max(500).default([]),
      location: text(64).optional(),
      memberId: memberReference.memberId,
      occurredAt: instant,
      tenders: z.array(Tender).max(50).optional(),
      type: text(64).meta({
        description: 'A transaction type that the program declares',
        examples: ['purchase'],
      }),
    })
    .superRefine(check)
}

const example = {
  externalRef: 'till-7/2026-03-03/000184',
  identifier: { kind: 'card', value: '2600123456789' },
  type: 'purchase',
  occurredAt: '2026-03-03T09:15:00+01:00',
  lines: [{ lineId: '1', category: 'coffee', quantity: 2, net: { amount: '7.60', currency: 'EUR' } }],
}

function check(
  body: { memberId?: unknown; identifier?: unknown; lines: { lineId: string }[] },
  context: z.RefinementCtx,
): void {
  atMostOneMember(body, context)
  const seen = new Set<string>()
  for (const [index, line] of body.lines.entries()) {
    if (seen.has(line.lineId)) {
      context.addIssue({
        code: 'custom',
        path: ['lines', index, 'lineId'],
        message: 'is used by an earlier line',
      })
    }
    seen.add(line.lineId)
  }
}

export const NewTransaction = transactionWith(externalRefOrHeader).meta({
  id: 'NewTransaction',
  examples: [example],
})

export const BatchItem = transactionWith(externalRef).meta({ id: 'BatchItem', examples: [example] })

// Items are validated one by one, so that a bad one is refused alone.
export const Batch = z
  .strictObject({ transactions: z.array(z.unknown()).min(1).max(1000) })
  .meta({ id: 'Batch', examples: [{ transactions: [example] }] })

const memberId = id('mem', 'the member')

const earned = {
  memberId,
  awards: z.array(Award),
  balances: z.array(Balance),
  tier: TierStanding.nullable(),
  tierChange: TierChange.optional(),
}

const earnedExample = {
  memberId: 'mem_0198f0a2b3c4700080000000000a0001',
  awards: [
    {
      rule: 'base',
      currency: 'beans',
      points: 7,
      explanation: '1 bean per 1 EUR of 7.60 EUR net, rounded down',
    },
  ],
  balances: [{ currency: 'beans', available: 127, pending: 0, held: 0, negative: 0 }],
  tier: null,
}

export const EarnedTransaction = z
  .strictObject({
    transactionId: id('txn', 'the transaction'),
    ...earned,
    memberId: memberId.nullable().meta({ description: 'Null for a sale that came without a member' }),
  })
  .meta({
    id: 'EarnedTransaction',
    examples: [{ transactionId: 'txn_0198f0a2b3c4700080000000000a0001', ...earnedExample }],
  })

const RuleTrace = z
  .strictObject({
    rule: z.string(),
    name: z.string().optional(),
    fired: z.boolean(),
    lineId: z.string().optional(),
    text: z.string().meta({ description: 'The same in a sentence' }),
    saw: z
      .record(z.string(), z.string())
      .optional()
      .meta({ description: 'The facts that its condition and formula saw' }),
    exact: z.string().optional().meta({ description: 'Before rounding' }),
    rounding: z.string().optional(),
    trimmed: z.number().optional().meta({ description: 'Points that a limit took off' }),
    limit: z.string().optional(),
    currency: z.string().optional(),
    points: wirePoints.optional().meta({ description: 'Given in the end' }),
    because: z.string().optional().meta({ description: 'The first condition that failed, with what it saw' }),
  })
  .meta({
    id: 'RuleTrace',
    description: 'Why a rule gave what it gave, or why it gave nothing',
    examples: [
      {
        rule: 'base',
        fired: true,
        text: 'base gave 7 beans: 1 bean per 1 EUR of 7.60 EUR net, rounded down from 7.6',
        saw: { net: '7.60 EUR' },
        exact: '7.6',
        rounding: 'floor',
        currency: 'beans',
        points: 7,
      },
      {
        rule: 'double-tuesday',
        fired: false,
        text: 'double-tuesday gave nothing: weekday is wednesday, not tuesday',
        because: 'weekday is wednesday, not tuesday',
      },
    ],
  })

export const EarnQuote = z
  .strictObject({
    ...earned,
    redeemable: z
      .array(z.strictObject({ currency: z.string(), points: wirePoints, value: Money.nullable() }))
      .meta({ description: 'What the member could spend now, before this transaction' }),
    trace: z
      .array(RuleTrace)
      .optional()
      .meta({ description: 'With `explain=true`: every rule of this type' }),
  })
  .meta({
    id: 'EarnQuote',
    description: 'As the transaction would be answered; nothing is written',
    examples: [
      {
        ...earnedExample,
        redeemable: [{ currency: 'beans', points: 120, value: { amount: '6.00', currency: 'EUR' } }],
      },
    ],
  })

export const BatchResult = z
  .strictObject({
    results: z.array(
      z.strictObject({
        status: z.int(),
        replayed: z.boolean().meta({ description: 'Whether it had been posted before' }),
        body: z.union([EarnedTransaction, Problem]),
      }),
    ),
  })
  .meta({
    id: 'BatchResult',
    examples: [
      {
        results: [
          {
            status: 201,
            replayed: false,
            body: { transactionId: 'txn_0198f0a2b3c4700080000000000a0001', ...earnedExample },
          },
        ],
      },
    ],
  })

export const NewAttachment = z
  .strictObject({ externalRef: externalRefOrHeader, ...memberReference })
  .superRefine(oneMember)
  .meta({
    id: 'NewAttachment',
    examples: [{ externalRef: 'receipt-184', identifier: { kind: 'card', value: '2600123456789' } }],
  })

export const NewReturn = z
  .strictObject({
    externalRef: externalRefOrHeader,
    occurredAt: instant,
    all: z.literal(true).optional().meta({ description: 'Everything that is left' }),
    lines: z.array(z.strictObject({ lineId, quantity })).min(1).max(500).optional(),
  })
  .superRefine((body, context) => {
    if ((body.all === undefined) === (body.lines === undefined)) {
      context.addIssue({
        code: 'custom',
        path: ['lines'],
        message: 'give either lines or all: true, and not both',
      })
    }
  })
  .meta({
    id: 'NewReturn',
    examples: [
      {
        externalRef: 'till-7/2026-03-04/000021',
        occurredAt: '2026-03-04T10:00:00+01:00',
        lines: [{ lineId: '1', quantity: 1 }],
      },
    ],
  })

const ReversedAward = z
  .strictObject({ rule: z.string(), currency: z.string(), points: wirePoints, lineId: z.string().optional() })
  .meta({ id: 'ReversedAward', examples: [{ rule: 'base', currency: 'beans', points: 4 }] })

const CurrencyPoints = z
  .strictObject({ currency: z.string(), points: wirePoints })
  .meta({ id: 'CurrencyPoints', examples: [{ currency: 'beans', points: 4 }] })

export const Return = z
  .strictObject({
    returnId: id('ret', 'the return'),
    transactionId: id('txn', 'the transaction'),
    memberId: id('mem', 'the member'),
    reversed: z.array(ReversedAward).meta({ description: 'What is taken back, by rule and line' }),
    payBack: z
      .strictObject({ money: Money.nullable(), points: z.array(CurrencyPoints) })
      .meta({ description: 'What the till pays back' }),
    forgiven: z
      .array(CurrencyPoints)
      .meta({ description: 'What could not be taken back because it was spent, and the program forgives' }),
    balances: z.array(Balance),
    tier: TierStanding.nullable(),
    tierChange: TierChange.optional(),
  })
  .meta({
    id: 'Return',
    examples: [
      {
        returnId: 'ret_0198f0a2b3c4700080000000000b0001',
        transactionId: 'txn_0198f0a2b3c4700080000000000a0001',
        memberId: 'mem_0198f0a2b3c4700080000000000a0001',
        reversed: [{ rule: 'base', currency: 'beans', points: 4 }],
        payBack: { money: { amount: '3.80', currency: 'EUR' }, points: [] },
        forgiven: [],
        balances: [{ currency: 'beans', available: 123, pending: 0, held: 0, negative: 0 }],
        tier: null,
      },
    ],
  })

export const TransactionReport = z
  .strictObject({
    transactionId: id('txn', 'the transaction'),
    memberId: memberId.nullable().meta({ description: 'Null while the sale has no member' }),
    externalRef: z.string(),
    source: z.string(),
    type: z.string(),
    occurredAt: shownInstant,
    recordedAt: shownInstant,
    rulesVersion: z.string().nullable().meta({ description: 'The version that it was valued with' }),
    lines: z.array(Line),
    tenders: z.array(Tender),
    location: z.string().nullable(),
    channel: z.string().nullable(),
    attributes,
    awards: z.array(Award),
    revaluedAt: shownInstant
      .optional()
      .meta({ description: 'When a late fact last changed the tier of its day, and so its awards' }),
    returns: z.array(
      z.strictObject({
        returnId: id('ret', 'the return'),
        occurredAt: shownInstant,
        lines: z.array(z.strictObject({ lineId: z.string(), quantity: z.string() })),
        reversed: z.array(ReversedAward),
      }),
    ),
    trace: z
      .array(RuleTrace)
      .optional()
      .meta({ description: 'With `explain=true`: every rule of this type' }),
  })
  .meta({
    id: 'TransactionReport',
    examples: [
      {
        transactionId: 'txn_0198f0a2b3c4700080000000000a0001',
        memberId: 'mem_0198f0a2b3c4700080000000000a0001',
        externalRef: example.externalRef,
        source: 'till',
        type: 'purchase',
        occurredAt: '2026-03-03T08:15:00.000Z',
        recordedAt: '2026-03-03T08:15:01.000Z',
        rulesVersion: '9f2c…',
        lines: [{ lineId: '1', category: 'coffee', quantity: 2, net: { amount: '7.60', currency: 'EUR' } }],
        tenders: [],
        location: null,
        channel: null,
        attributes: {},
        awards: earnedExample.awards,
        returns: [],
      },
    ],
  })
