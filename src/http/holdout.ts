/** All campaigns together against the standing holdout. It reads every member of both groups, few at a time. */
import { z } from 'zod'
import { DEFAULT_DAYS, LONGEST_DAYS, sharesOf, showHoldout } from '../retention/holdout.ts'
import { callerOf, scope } from './auth.ts'
import { Interval } from './experiments.ts'
import { limited } from './reports.ts'
import { type App, type RouteDeps, replies } from './route.ts'
import { askedInstant } from './schemas.ts'

const MOST_AT_ONCE = 2
const size = z.int().min(0)

const Holdout = z
  .strictObject({
    asOf: z.iso.date(),
    days: z.int().meta({ description: 'Days after the assignment whose purchases are measured' }),
    share: z.number().meta({ description: 'Of members that are left alone, as the rules in force say' }),
    margin: z.number(),
    groups: z.array(
      z.strictObject({
        arm: z.enum(['open', 'holdout']),
        assigned: size,
        members: size.meta({ description: 'Members whose days are over' }),
        buyers: size,
        spendPerMember: z.number().nullable(),
        netPerMember: z.number().nullable(),
      }),
    ),
    treated: size.meta({ description: 'Members of the open group whom any campaign treated' }),
    sampleRatio: z.strictObject({ p: z.number(), isFair: z.boolean() }),
    buying: Interval.meta({ description: 'Share of buyers, 95 % by Newcombe' }),
    spendDifference: Interval.meta({ description: 'Spend per member, 95 % by Welch' }),
    netDifference: Interval.meta({ description: 'Net value per member, 95 % by Welch' }),
    total: Interval.meta({ description: 'Net value of all measured members of the open group' }),
    verdict: z.enum(['pays', 'costs', 'open']),
  })
  .meta({
    id: 'Holdout',
    examples: [
      {
        ...{ asOf: '2026-09-30', days: 91, share: 0.05, margin: 0.3 },
        groups: [
          {
            ...{ arm: 'open', assigned: 5700, members: 5210, buyers: 2032 },
            ...{ spendPerMember: 21.4, netPerMember: 5.1 },
          },
          {
            ...{ arm: 'holdout', assigned: 300, members: 274, buyers: 88 },
            ...{ spendPerMember: 15.2, netPerMember: 4.4 },
          },
        ],
        treated: 3120,
        sampleRatio: { p: 0.81, isFair: true },
        buying: { difference: 0.07, low: 0.01, high: 0.12 },
        spendDifference: { difference: 6.2, low: 1.9, high: 10.5 },
        netDifference: { difference: 0.7, low: -0.2, high: 1.6 },
        total: { difference: 3647, low: -1042, high: 8336 },
        verdict: 'open',
      },
    ],
  })

const query = z.strictObject({
  days: z.coerce
    .number()
    .int()
    .min(7)
    .max(LONGEST_DAYS)
    .default(DEFAULT_DAYS)
    .meta({ description: 'Days after the assignment that are measured', examples: [91] }),
  at: askedInstant,
})

export function holdoutRoutes(app: App, { sql, programs, now }: RouteDeps): void {
  const inTurn = limited(MOST_AT_ONCE)
  const schema = {
    operationId: 'getHoldout',
    tags: ['retention'],
    summary: 'All campaigns together against the standing holdout',
    description:
      'By intention to treat: everybody whom any campaign would have reached, those whom campaigns may treat against ' +
      'those whom none ever touches. Net value is margin x spend of the measured days, less the cost of all ' +
      'treatments, less all points at their value. It can be read at any time, and decides nothing.',
    querystring: query,
    response: replies({ 200: { description: 'Both groups and what is between them', schema: Holdout } }, [
      ...(['no_rules_in_force', 'queue_full'] as const),
    ]),
  }
  app.get('/retention/holdout', { schema, config: scope('retention:read') }, async (request) => {
    const { days } = request.query
    const at = request.query.at === undefined ? now() : new Date(request.query.at)
    const program = programs.at(callerOf(request).program, at)
    return inTurn(() => showHoldout(sql, { program, at, days, shareAt: sharesOf(programs, program) }))
  })
}
