/**
 * The structure of rule files: which keys there are and what kind of value each takes. Conditions, awards,
 * amounts and lengths of time are texts here; their own grammars check them. The descriptions complete the
 * sentence "expected …" and show up in editors, through the JSON Schema.
 */
import { z } from 'zod'
import { roundings } from '../base/points.ts'
import { campaignSections } from './campaign-grammar.ts'
import { voiceSections } from './voice-grammar.ts'

/** Ids: a letter, then letters, digits, `_` and `-`. */
export const ID = /^[A-Za-z][A-Za-z0-9_-]{0,59}$/

const id = (what: string) =>
  z.string().regex(ID).describe(`${what}: a letter, then letters, digits, "_" or "-"`)
export const scalar = z.union([z.string(), z.number(), z.boolean()]).describe('a plain value')
const scalars = z.array(scalar).describe('a list of plain values')
const day = (what: string) => z.string().describe(`${what}, such as 2026-03-01 or 2026-03-01T09:00:00Z`)
const points = z.union([z.string(), z.number()]).describe('points, such as 500')
const map = <T extends z.ZodType>(value: T, what: string) =>
  z.record(z.string().regex(ID), value).describe(what)

const fieldTypes = ['text', 'number', 'integer', 'boolean', 'date'] as const

const field = z
  .union([
    z.enum(fieldTypes),
    scalars,
    z.strictObject({
      type: z.enum(fieldTypes).optional().describe('one of text, number, integer, boolean, date'),
      oneOf: scalars.optional(),
      required: z.boolean().optional().describe('true or false'),
    }),
  ])
  .describe('one of text, number, integer, boolean, date, or a list of the values it can have')

const fields = z
  .record(z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,59}\??$/), field)
  .describe('fields, each `name: type`, with a "?" after the name of one that may be missing')

const conditions = z.record(z.string(), z.unknown())

const currency = z
  .strictObject({
    kind: z.enum(['redeemable', 'qualifying']).optional().describe('redeemable or qualifying'),
    value: z.string().optional().describe('what one point is worth, such as 0.05 EUR'),
    expires: z
      .union([
        z.string(),
        z.strictObject({
          after: z.string().optional().describe('a length of time such as 24 months without activity'),
          activity: z
            .union([z.string(), z.array(z.string())])
            .optional()
            .describe('earn, redeem, adjustment or types of transactions'),
          exempt: conditions.optional().describe('conditions on the member, such as `tier: gold`'),
        }),
      ])
      .optional()
      .describe('never, a length of time such as 12 months, end of month, or `{ after, activity, exempt }`'),
    pending: z
      .string()
      .optional()
      .describe(
        'a length of time such as 14 days, until 2026-12-01, or until confirmed, cancel after 30 days',
      ),
    counts: z.enum(['at once', 'when usable']).optional().describe('one of at once, when usable'),
    round: z.enum(roundings).optional().describe('one of floor, half_up, half_even, ceil'),
    redeem: z
      .strictObject({ minimum: points.optional(), maximum: points.optional(), step: points.optional() })
      .optional()
      .describe('limits of one redemption: minimum, maximum, step'),
  })
  .describe('a currency: kind, value, expires, pending, counts, round, redeem')

const transactionType = z
  .strictObject({
    fields: fields.optional(),
    lineFields: fields.optional(),
    claimWithin: z
      .string()
      .optional()
      .describe('how long after the fact it may be posted, such as 6 months or 30 days'),
    unique: z
      .array(z.string())
      .optional()
      .describe('fields that together are credited once only, such as [ticket, coupon]'),
  })
  .describe('a type of transaction: fields, lineFields, claimWithin, unique')

const limit = z
  .union([
    z.string(),
    z.strictObject({
      of: z.string().describe('a limit such as 50 points per member per month'),
      over: z.enum(['trim', 'refuse']).optional().describe('trim or refuse'),
    }),
  ])
  .describe('a limit such as 50 points per member per month')

const sharedLimit = z
  .strictObject({
    id: id('the id of a limit'),
    of: z.string().describe('a limit such as 5000 points per member per month, or 1000000 points in all'),
    over: z.enum(['trim', 'refuse']).optional().describe('trim or refuse'),
    rules: z
      .union([z.string(), z.array(z.string())])
      .optional()
      .describe('a rule, or a list of rules'),
    when: conditions.optional().describe('conditions, each `fact: what it must be`'),
    by: z.string().optional().describe('a fact for each value of which it is counted apart'),
  })
  .describe('a limit over several rules: id, of, rules …')

const pick = z.enum(['best', 'first', 'all', 'exclusive'])
const group = z
  .union([
    pick,
    z.strictObject({
      pick: pick.describe('one of best, first, all, exclusive'),
      per: z.enum(['transaction', 'line']).optional().describe('transaction or line'),
    }),
  ])
  .describe('one of best, first, all, exclusive, or { pick: best, per: line }')

const promotion = z
  .strictObject({
    id: id('the id of a promotion'),
    name: z.string().optional().describe('a name'),
    from: day('the first day to register').optional(),
    until: day('the day or instant before which one must register').optional(),
    through: day('the last day to register').optional(),
  })
  .describe('a promotion to register for: id, from, through …')

const milestone = z
  .strictObject({
    id: id('the id of a milestone'),
    name: z.string().optional().describe('a name'),
    every: z.string().describe('a step such as 500 credits, 1000 EUR or 10 transactions'),
    per: z
      .enum(['calendar year', 'membership year', 'ever'])
      .optional()
      .describe('one of calendar year, membership year, ever'),
    most: z.number().optional().describe('how many times at most'),
    award: z.string().describe('points such as 8000 points'),
    when: conditions.optional().describe('conditions on the member'),
  })
  .describe('a milestone: id, every, award …')

const rule = z
  .strictObject({
    id: id('the id of a rule'),
    name: z.string().optional().describe('a name'),
    on: z.union([z.string(), z.array(z.string())]).describe('a type of transaction, or a list of them'),
    forEach: z.literal('line').optional().describe('line'),
    lines: conditions
      .optional()
      .describe('conditions on the lines that it is about, such as `category: wine`'),
    when: conditions.optional().describe('conditions, each `fact: what it must be`'),
    award: z
      .union([z.string(), z.array(z.string())])
      .optional()
      .describe('an award such as 1 point per 1 EUR of net, or a list of them'),
    extend: z.string().optional().describe('by how much points live on, such as points by 6 months'),
    round: z.enum(roundings).optional().describe('one of floor, half_up, half_even, ceil'),
    funder: z.string().optional().describe('the partner who pays, or the field that names it'),
    group: z.string().optional().describe('the group of rules of which one applies'),
    limit: z
      .union([limit, z.array(limit)])
      .optional()
      .describe('a limit such as 50 points per member per month'),
    recurs: z.string().optional().describe('recurring days such as FREQ=WEEKLY;BYDAY=SA,SU'),
    from: day('the first day').optional(),
    until: day('the day or instant before which it ends').optional(),
    through: day('the last day').optional(),
  })
  .describe('a rule: id, on, when, award …')

const criterion: z.ZodType = z
  .object({
    get any(): z.ZodOptional<z.ZodArray<z.ZodType>> {
      return z.array(criterion).describe('a list of criteria').optional()
    },
    get all(): z.ZodOptional<z.ZodArray<z.ZodType>> {
      return z.array(criterion).describe('a list of criteria').optional()
    },
    get some(): z.ZodOptional<z.ZodArray<z.ZodType>> {
      return z.array(criterion).describe('a list of criteria').optional()
    },
  })
  .catchall(scalar.describe('an amount such as 500 EUR, or a number'))
  .describe('a criterion such as `spend: 500 EUR`')

const ladder = z
  .strictObject({
    period: z
      .string()
      .describe('calendar year, membership year, rolling 12 months, or 12 months from tier start'),
    validity: z
      .string()
      .optional()
      .describe('end of period, end of next period, 31 March after period, or a length such as 12 months'),
    downgrade: z.enum(['one step', 'earned', 'never']).optional().describe('one of one step, earned, never'),
    softLanding: criterion.optional().describe('a criterion for falling one step only'),
    upgrade: z.enum(['at once', 'next period']).optional().describe('at once or next period'),
    grace: z.string().optional().describe('a length of time such as 2 months'),
    counting: z.enum(['plain', 'spent on upgrade']).optional().describe('plain or spent on upgrade'),
    rollover: z
      .union([z.string(), z.number(), z.record(z.string(), z.union([z.string(), z.number()]))])
      .optional()
      .describe('all, a number such as 300, a share such as 50 %, or one of these by tier'),
    challenges: z
      .array(
        z
          .strictObject({
            id: id('the id of a challenge'),
            tier: z.string().describe('the tier that is given in advance'),
            phases: z
              .array(
                z
                  .strictObject({ for: z.string().describe('a length such as 90 days'), reach: criterion })
                  .describe('a phase: for, reach'),
              )
              .describe('a list of phases'),
          })
          .describe('a challenge: id, tier, phases'),
      )
      .optional()
      .describe('a list of challenges'),
    ladder: z
      .array(
        z
          .strictObject({
            id: id('the id of a tier'),
            reach: criterion.optional(),
            keep: criterion.optional(),
          })
          .describe('a tier: id, reach, keep'),
      )
      .describe('a list of tiers, lowest first'),
  })
  .describe('a ladder: period, validity, downgrade, ladder')

const reward = z
  .strictObject({
    id: id('the id of a reward'),
    name: z.string().optional().describe('a name'),
    costs: z.string().describe('a price such as 40 points'),
    value: z.string().optional().describe('an amount of money such as 2.00 EUR'),
    tier: z.string().optional().describe('the lowest tier that may have it'),
    from: day('the first day').optional(),
    until: day('the day or instant before which it ends').optional(),
    through: day('the last day').optional(),
  })
  .describe('a reward: id, costs …')

const transfer = z
  .strictObject({
    minimum: points.optional(),
    maximum: points.optional(),
    step: points.optional(),
    fee: points.optional().describe('points or a share, such as 10 %'),
    limit: z.string().optional().describe('a limit such as 1000 points per member per month'),
    expires: z.enum(['kept', 'anew']).optional().describe('kept or anew'),
    within: z.enum(['program', 'pool']).optional().describe('program or pool'),
  })
  .describe('how points may be given away: minimum, maximum, step, fee, limit, expires, within')

const share = (what: string) => z.union([z.string(), z.number()]).describe(`${what}, such as 10 %`)

const retention = z
  .strictObject({
    horizon: z.string().optional().describe('a length of time such as 26 weeks'),
    falseFlags: share('the share of flags that may turn out false').optional(),
    margin: share('the share of spend that is profit').optional(),
    looks: z.enum(['daily', 'weekly']).optional().describe('daily or weekly'),
    capacity: z.number().optional().describe('how many members a worklist has, such as 200'),
    purchases: z
      .union([z.string(), z.array(z.string())])
      .optional()
      .describe('types of transactions that are purchases'),
    closed: z
      .array(z.string())
      .optional()
      .describe('a list of days such as 2026-12-24, or 2026-12-24 through 2027-01-02'),
  })
  .nullable()
  .describe('horizon, falseFlags, margin, looks, capacity, purchases, closed; nothing for the defaults')
/** Every key that a program can have. All are optional here: they may stand in any of its files. */
export const programFile = z
  .strictObject({
    program: z
      .string()
      .regex(/^[a-z0-9-]{1,60}$/)
      .describe('the id of the program: small letters, digits and "-"'),
    name: z.string().describe('a name'),
    timeZone: z.string().describe('a time zone such as Europe/Berlin'),
    money: z.string().describe('a currency of ISO 4217 such as EUR'),
    currencies: map(currency, 'currencies, each `id: { kind, value, expires … }`'),
    transactions: map(
      transactionType.nullable(),
      'types of transactions, each `id: { fields, lineFields … }`',
    ),
    members: z
      .strictObject({
        attributes: fields.optional(),
        segments: scalars.optional(),
        birthday: z.string().optional().describe('the attribute that holds the day of birth'),
      })
      .describe('what is known of members: attributes, segments, birthday'),
    partners: scalars.describe('a list of partners who pay for points'),
    tables: map(conditions.describe('rows, each `key: value`'), 'tables, each `id: { row: value }`'),
    neverEarn: z
      .union([conditions, z.array(conditions.describe('conditions on lines, such as `category: tobacco`'))])
      .describe('conditions on lines, such as `line.sku: [POST, DOT]`'),
    earn: z.array(rule).describe('a list of rules'),
    groups: map(group, 'groups, each `id: best`'),
    limits: z.array(sharedLimit).describe('a list of limits over several rules'),
    promotions: z.array(promotion).describe('a list of promotions'),
    milestones: z.array(milestone).describe('a list of milestones'),
    tiers: ladder,
    ladders: map(ladder, 'ladders, each `id: { period, ladder … }`'),
    rewards: z.array(reward).describe('a list of rewards'),
    returns: z
      .enum(['pending_only', 'to_zero', 'negative'])
      .describe('one of pending_only, to_zero, negative'),
    transfers: map(transfer.nullable(), 'currencies that may be given away, each `id: { minimum, fee … }`'),
    pools: z
      .strictObject({ members: z.number().describe('how many at most, such as 8') })
      .describe('members'),
    closing: z.enum(['forfeit', 'keep']).describe('forfeit or keep'),
    // Sections about who slips away and what is done about it are added here, each read by a file of its own.
    retention,
    ...campaignSections(id, conditions, map),
    ...voiceSections(map),
  })
  .partial()
