/**
 * The structure of the sections about what members say, and how values are reckoned. Both may stand empty:
 * nothing said is the usual.
 */
import { z } from 'zod'
import { holdingWords } from './feedback.ts'

const share = z.string().describe('a share such as 30 %')
const ends = { A: share.optional(), B: share.optional(), C: share.optional(), D: share.optional() }

const feedback = z
  .strictObject({
    scale: z.string().optional().describe('a scale such as 1 to 5, the worst first'),
    holdMessages: z.enum(holdingWords).optional().describe('one of any complaint, about transactions, never'),
  })
  .nullable()
  .describe('how feedback is taken: scale, holdMessages')

/** `map`: how the grammar writes keyed maps. */
export function voiceSections(map: <T extends z.ZodType>(value: T, what: string) => z.ZodType) {
  const worth = z.string().describe('an amount such as 25.00 EUR')
  const value = z
    .strictObject({
      margin: share.optional(),
      over: z.string().optional().describe('a length of time such as 12 months'),
      fees: z.array(z.string()).optional().describe('types of transactions that are fees of membership'),
      benefits: map(worth, 'benefits, each `type: 25.00 EUR`').optional(),
      extraSpend: share.optional(),
      rating: z
        .strictObject(ends)
        .optional()
        .describe('the first so many by profit, such as { A: 20 %, B: 40 % }'),
      risk: z.strictObject(ends).optional().describe('chances of decline, such as { A: 10 %, B: 25 % }'),
    })
    .nullable()
    .describe('how values are reckoned: margin, over, fees, benefits, extraSpend, rating, risk')
  return { feedback, value }
}
