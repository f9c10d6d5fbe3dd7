/** Adjustments: points given or taken by a person, with a reason. */
import { z } from 'zod'
import type { Request } from '../engine/command.ts'
import { scope } from './auth.ts'
import { type App, keyed, type RouteDeps, replies } from './route.ts'
import {
  Balance,
  currencyId,
  externalRefOrHeader,
  id,
  instant,
  memberReference,
  oneMember,
  shownInstant,
  text,
  wirePoints,
} from './schemas.ts'
import { withMember, withRef, write } from './writes.ts'

const NewAdjustment = z
  .strictObject({
    externalRef: externalRefOrHeader,
    ...memberReference,
    currency: currencyId,
    points: wirePoints
      .refine((points) => points !== 0, 'is zero: nothing would change')
      .optional()
      .meta({ description: 'Positive gives, negative takes; never zero', examples: [50] }),
    extend: z
      .strictObject({ count: z.int().min(1).max(3650), unit: z.enum(['day', 'month', 'year']) })
      .refine(
        ({ count, unit }) => unit === 'day' || count <= (unit === 'year' ? 10 : 120),
        'is beyond ten years',
      )
      .optional()
      .meta({
        description: 'Instead of points: puts off the lapse of all that the member has',
        examples: [{ count: 6, unit: 'month' }],
      }),
    reason: text(500).meta({ examples: ['goodwill: the machine was broken'] }),
    actor: text(100)
      .optional()
      .meta({ description: 'Who decided it; the key’s source is kept in any case', examples: ['desk-3/mh'] }),
    occurredAt: instant.optional(),
  })
  .superRefine(oneMember)
  .superRefine(({ points, extend }, context) => {
    if ((points === undefined) === (extend === undefined))
      context.addIssue({
        code: 'custom',
        path: ['points'],
        message: 'give either points or extend, and not both',
      })
  })
  .meta({
    id: 'NewAdjustment',
    examples: [
      {
        externalRef: 'desk/4711',
        memberId: 'mem_0198f0a2b3c4700080000000000a0001',
        currency: 'beans',
        points: 50,
        reason: 'goodwill: the machine was broken',
      },
    ],
  })

const Adjustment = z
  .strictObject({
    adjustmentId: id('adj', 'the adjustment'),
    memberId: id('mem', 'the member'),
    currency: z.string(),
    points: wirePoints,
    reason: z.string(),
    actor: z.string().optional(),
    extended: z
      .array(z.strictObject({ points: wirePoints, from: shownInstant, to: shownInstant }))
      .optional()
      .meta({ description: 'Which points lapse later, where the lapse was put off' }),
    balances: z.array(Balance),
  })
  .meta({
    id: 'Adjustment',
    examples: [
      {
        adjustmentId: 'adj_0198f0a2b3c4700080000000000d0001',
        memberId: 'mem_0198f0a2b3c4700080000000000a0001',
        currency: 'beans',
        points: 50,
        reason: 'goodwill: the machine was broken',
        balances: [{ currency: 'beans', available: 170, pending: 0, held: 0, negative: 0 }],
      },
    ],
  })

export function adjustmentRoutes(app: App, deps: RouteDeps): void {
  const schema = {
    operationId: 'adjust',
    tags: ['adjustments'],
    summary: 'Correct a balance by hand',
    description:
      'Gives or takes points, or puts off the lapse of those that are there. Needs the scope admin. Reason and actor stay in the ledger for good, so let them hold nothing personal. Given points go into the lot of their day; taken ones come out of what lapses first. Qualifying points change the tier. Safe to send again.',
    body: NewAdjustment,
    response: replies({ 201: { description: 'The adjustment', schema: Adjustment } }, [
      'member_not_found',
      'member_not_active',
      'unknown_currency',
      'insufficient_points',
      'date_out_of_range',
      'points_out_of_range',
      'idempotency_conflict',
    ]),
  }
  app.post('/adjustments', { schema, config: { ...scope('admin'), ...keyed } }, (request, reply) => {
    const { points, extend, ...body } = withMember(withRef(request.body, request))
    const ask: Request =
      extend === undefined
        ? { kind: 'adjust', body: { ...body, points: points ?? 0 } }
        : { kind: 'extend', body: { ...body, extend } }
    return write(deps, { request, reply, status: 201 }, { ref: body.externalRef, ask })
  })
}
