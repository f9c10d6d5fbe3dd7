/** The structure of segments, campaigns and experiments in rule files; the grammar puts it beside the rest. */
import { z } from 'zod'

/** `id` and `conditions` are the grammar's own, handed in because it is the grammar that imports this. */
export function campaignSections(
  id: (what: string) => z.ZodType,
  conditions: z.ZodType,
  map: (value: z.ZodType, what: string) => z.ZodType,
) {
  const share = (what: string) => z.union([z.string(), z.number()]).describe(`${what}, such as 10 %`)
  const money = (what: string) => z.union([z.string(), z.number()]).describe(`${what}, such as 0.80 EUR`)
  const names = (what: string) => z.union([z.string(), z.array(z.string())]).describe(what)
  const length = (what: string) => z.string().describe(`${what}, such as 4 weeks`)
  const whole = (what: string) => z.union([z.number(), z.string()]).describe(`${what}, such as 1000`)
  const numbers = z.array(z.number()).describe('a list of numbers')

  const segment = z
    .strictObject({
      id: id('the id of a segment'),
      name: z.string().optional().describe('a name'),
      when: conditions.optional().describe('conditions on the member, such as `state: gone quiet`'),
      top: z.string().optional().describe('a share of the best, such as 20 % by value'),
    })
    .describe('a segment: id, when, top')

  const clusters = z
    .strictObject({
      features: map(numbers, 'facts of a member, each `name: [mean, spread]` of ln(1 + x)'),
      centres: map(numbers, 'segments, each `id: [a number for each feature]`'),
    })
    .describe('features and centres, as milepost retention cluster prints them')

  const arm = z
    .strictObject({
      id: id('the id of an arm'),
      message: z.string().optional().describe('the name of a template'),
      award: z
        .union([z.string(), z.array(z.string())])
        .optional()
        .describe('an award such as 500 points'),
      limit: z.unknown().optional().describe('a limit of the award such as 100000 points in all'),
      promotion: z.string().optional().describe('a promotion that the member is registered for'),
      cost: money('what one treatment costs').optional(),
    })
    .describe('an arm: id, message, award, promotion, cost')

  const campaign = z
    .strictObject({
      id: id('the id of a campaign'),
      name: z.string().optional().describe('a name'),
      start: z
        .strictObject({
          flag: names('gone_quiet, buying_less or any').optional(),
          segment: names('a segment, or a list of segments').optional(),
          event: names('a type of event such as tier.changed').optional(),
        })
        .describe('one of flag, segment, event'),
      when: conditions.optional().describe('conditions on the member, such as `atStake: { atLeast: 20 }`'),
      arms: z.array(arm).describe('a list of arms'),
      control: share('the share that is left alone').optional(),
      test: z
        .strictObject({
          members: whole('how many members the test takes').optional(),
          control: share('the share of them that is left alone').optional(),
          looks: whole('how many looks there are').optional(),
          measure: length('how long purchases are measured').optional(),
          error: share('the chance of a wrong decision').optional(),
          within: length('after which the last look is due').optional(),
        })
        .optional()
        .describe('members, control, looks, measure, error, within'),
      capacity: whole('how many members one run treats').optional(),
      budget: money('what all treatments may cost').optional(),
      margin: share('the share of spend that is profit').optional(),
      quiet: z
        .string()
        .describe('how long after a treatment there is no other, such as 4 weeks, or 0 days')
        .optional(),
      consents: names('consents that are needed').optional(),
      from: z.string().optional().describe('the first day, such as 2026-03-01'),
      until: z.string().optional().describe('the day or instant before which it ends'),
      through: z.string().optional().describe('the last day, such as 2026-05-31'),
    })
    .describe('a campaign: id, start, arms …')

  return {
    segments: z.array(segment).describe('a list of segments'),
    clusters,
    campaigns: z.array(campaign).describe('a list of campaigns'),
    experiments: z
      .strictObject({ holdout: share('the share of members that no campaign touches').optional() })
      .describe('holdout'),
  }
}
