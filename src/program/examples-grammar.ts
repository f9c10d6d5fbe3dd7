/**
 * The structure of `*.examples.yaml`: members and transactions, with the awards and tiers they must give.
 * A transaction looks as it does in the API, but for plain amounts in the program's money.
 */
import { z } from 'zod'
import { scalar } from './grammar.ts'

const tierOf = z.union([z.string(), z.record(z.string(), z.string())])
const expected = {
  awards: z
    .record(
      z.string(),
      z
        .union([z.string(), z.array(z.string())])
        .describe('points, such as 3 points, or [3 points, 1 credit]'),
    )
    .optional()
    .describe('what each rule must give, each `rule: 3 points`; no other rule may give anything'),
  totals: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .describe('what all rules together must give, such as 6 points, or a list by currency'),
  tier: tierOf.optional().describe('the tier afterwards'),
  counters: z
    .record(z.string(), z.union([z.string(), z.number()]))
    .optional()
    .describe('what the first ladder counts afterwards, each `counter: number`'),
  balance: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .describe('what can be spent afterwards, such as 40 points, or a list by currency; 0 points for nothing'),
  paidBy: z
    .record(z.string(), z.union([z.string(), z.array(z.string())]).describe('points, such as 3 points'))
    .optional()
    .describe('who pays for what is given, each `partner: 3 points`; "program" where no partner does'),
  refused: z.string().optional().describe('the code of the refusal that must come, such as limit_reached'),
}

const transaction = z
  .strictObject({
    type: z.string().optional().describe('a type of transaction'),
    occurredAt: z.string().describe('a time such as 2026-03-03T09:00'),
    postedAt: z.string().optional().describe('when it comes in, if that is later, such as 2026-09-01'),
    lines: z
      .array(
        z
          .strictObject({
            lineId: scalar.optional(),
            sku: scalar.optional(),
            category: scalar.optional(),
            kind: z.enum(['item', 'giftCard', 'voided']).optional().describe('one of item, giftCard, voided'),
            quantity: scalar.optional(),
            net: scalar.optional(),
            tax: scalar.optional(),
            gross: scalar.optional(),
            attributes: z
              .record(z.string(), scalar.nullable())
              .optional()
              .describe('declared fields of the line'),
          })
          .describe('a line: sku, category, quantity, net …'),
      )
      .optional()
      .describe('a list of lines'),
    tenders: z
      .array(z.strictObject({ kind: z.string(), amount: scalar }).describe('a tender: kind, amount'))
      .optional()
      .describe('a list of tenders'),
    location: scalar.optional(),
    channel: scalar.optional(),
    attributes: z
      .record(z.string(), scalar.nullable())
      .optional()
      .describe('declared fields of the transaction'),
  })
  .describe('a transaction: type, occurredAt, lines …')

/** A file of examples: what members and transactions must come to under the rules beside it. */
export const examplesFile = z.strictObject({
  examples: z
    .array(
      z
        .strictObject({
          name: z.string().describe('a sentence that says what the example shows'),
          member: z
            .strictObject({
              tier: tierOf.optional().describe('the tier before, or one by ladder'),
              until: z.string().optional().describe('when that tier ends, such as 2027-01-01'),
              challenge: z.string().optional().describe('a challenge that begins on the day of enrolling'),
              segments: z.array(z.string()).optional().describe('a list of segments'),
              promotions: z.array(z.string()).optional().describe('a list of promotions registered for'),
              enrolledAt: z.string().optional().describe('a day such as 2026-01-31'),
              attributes: z.record(z.string(), scalar.nullable()).optional().describe('declared attributes'),
            })
            .optional()
            .describe('a member: tier, until, challenge, segments, promotions, enrolledAt, attributes'),
          transaction: transaction.optional(),
          ...expected,
          steps: z
            .array(
              z
                .strictObject({
                  transaction: transaction.optional(),
                  redeem: z.string().optional().describe('points to be spent, such as 40 points'),
                  at: z
                    .string()
                    .optional()
                    .describe('a time such as 2027-01-01, to look at or to redeem at, without a transaction'),
                  by: z
                    .enum(['member', 'housemate'])
                    .optional()
                    .describe('member, or housemate: another one of the household'),
                  ...expected,
                })
                .describe('a step: transaction, redeem or at, awards, totals, tier …'),
            )
            .optional()
            .describe('a list of transactions of the same member, one after the other'),
        })
        .describe('an example: name, member, transaction, awards …'),
    )
    .describe('a list of examples'),
})
