/** Segments with their overlap and members, and experiments with what their looks saw. */
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { DomainError } from '../base/errors.ts'
import { readId, showId } from '../base/ids.ts'
import type { Program } from '../program/program.ts'
import { endTest } from '../retention/decide.ts'
import { segmentMembers } from '../retention/queries-segments.ts'
import { showExperiments, showSegments, theExperiment } from '../retention/shown.ts'
import { callerOf, scope } from './auth.ts'
import { type App, type RouteDeps, replies } from './route.ts'
import { id, page, paging, shownInstant, text } from './schemas.ts'

const size = z
  .int()
  .min(0)
  .meta({ examples: [1830] })

const Segments = z
  .strictObject({
    decidedAt: shownInstant.nullable().meta({ description: 'When members were last gone over' }),
    segments: z.array(
      z.strictObject({
        segment: z.string(),
        name: z.string(),
        by: z.enum(['hand', 'conditions', 'cluster']),
        members: size,
      }),
    ),
    overlap: z
      .array(z.strictObject({ a: z.string(), b: z.string(), members: size }))
      .meta({ description: 'Members who are in both; pairs without any are left out' }),
  })
  .meta({
    id: 'Segments',
    examples: [
      {
        decidedAt: '2026-03-03T08:40:00.000Z',
        segments: [
          { segment: 'sleepy', name: 'Gone quiet', by: 'conditions', members: 1830 },
          { segment: 'best', name: 'Best fifth', by: 'conditions', members: 4020 },
        ],
        overlap: [{ a: 'best', b: 'sleepy', members: 96 }],
      },
    ],
  })

const SegmentMember = z
  .strictObject({ memberId: id('mem', 'the member'), since: shownInstant })
  .meta({ id: 'SegmentMember' })

const SegmentMembers = page(SegmentMember).meta({
  id: 'SegmentMembers',
  examples: [
    {
      items: [{ memberId: 'mem_0198f0a2b3c4700080000000000a0001', since: '2026-03-03T08:40:00.000Z' }],
      nextCursor: null,
    },
  ],
})

const money = z.number().meta({ description: "In the program's money", examples: [412.5] })
export const Interval = z
  .strictObject({ difference: z.number(), low: z.number(), high: z.number() })
  .nullable()
  .meta({ description: 'Treated less control', examples: [{ difference: 1.2, low: 0.4, high: 2 }] })

const armExample = {
  arm: 'bonus',
  assigned: 500,
  members: 480,
  buyers: 141,
  spendPerMember: 9.8,
  netPerMember: 2.1,
  buying: { difference: 0.08, low: 0.03, high: 0.13 },
  spendDifference: { difference: 3.1, low: 1.2, high: 5 },
  netDifference: { difference: 0.7, low: 0.2, high: 1.2 },
  planned: { difference: 0.7, low: 0.1, high: 1.3 },
  verdict: 'pays',
}

const Experiment = z
  .strictObject({
    experiment: z.string(),
    name: z.string(),
    state: z.enum(['testing', 'rolled_out', 'stopped', 'undecided']),
    startedAt: shownInstant,
    decidedAt: shownInstant.nullable(),
    winner: z.string().nullable().meta({ description: 'The arm that was rolled out' }),
    decidedBy: z
      .string()
      .nullable()
      .meta({ description: 'The source of the key that ended the test by hand; null where the plan did' }),
    arms: z.array(z.strictObject({ phase: z.enum(['test', 'rollout']), arm: z.string(), members: size })),
    sampleRatio: z
      .strictObject({ p: z.number(), isFair: z.boolean() })
      .meta({ description: 'Chi-square check that chance made the groups; below 0.001 nothing is believed' }),
    treated: size,
    spent: z.strictObject({ cost: money, points: money }),
    suppressed: z
      .array(z.strictObject({ reason: z.string(), members: size }))
      .meta({ description: 'Members whom the campaign meant and left alone, by reason' }),
    looks: z.array(
      z.strictObject({
        look: z.int(),
        lookedAt: shownInstant,
        fraction: z.number().meta({ description: 'Share of the planned members whose days were over' }),
        boundary: z.number().meta({ description: 'Standard errors from zero that decide' }),
        decision: z.enum(['go_on', 'roll_out', 'stop', 'undecided']),
        arms: z.array(
          z.strictObject({
            ...{ arm: z.string(), assigned: size, members: size, buyers: size },
            ...{ spendPerMember: z.number().nullable(), netPerMember: z.number().nullable() },
            buying: Interval.meta({ description: 'Share of buyers, 95 % by Newcombe' }),
            spendDifference: Interval.meta({ description: 'Spend per member, 95 % by Welch' }),
            netDifference: Interval.meta({ description: 'Net value per member, 95 % by Welch' }),
            planned: Interval.meta({ description: 'Net value at the bound of the plan: this one decides' }),
            verdict: z.enum(['control', 'pays', 'costs', 'open']),
          }),
        ),
      }),
    ),
  })
  .meta({
    id: 'Experiment',
    examples: [
      {
        experiment: 'come-back',
        name: 'We miss you',
        state: 'testing',
        startedAt: '2026-03-03T08:50:00.000Z',
        decidedAt: null,
        winner: null,
        decidedBy: null,
        arms: [
          { phase: 'test', arm: 'control', members: 512 },
          { phase: 'test', arm: 'bonus', members: 488 },
        ],
        sampleRatio: { p: 0.45, isFair: true },
        treated: 488,
        spent: { cost: 244, points: 2440 },
        suppressed: [{ reason: 'holdout', members: 31 }],
        looks: [
          {
            ...{ look: 1, lookedAt: '2026-04-01T03:45:00.000Z', fraction: 0.25, boundary: 4.33 },
            ...{ decision: 'go_on', arms: [armExample] },
          },
        ],
      },
    ],
  })

const Experiments = z
  .strictObject({ items: z.array(Experiment) })
  .meta({ id: 'Experiments', examples: [{ items: [] }] })

const NewDecision = z
  .strictObject({
    decision: z.enum(['roll_out', 'stop']),
    arm: text(64)
      .optional()
      .meta({ description: 'Of `roll_out`: the arm that all others get', examples: ['bonus'] }),
  })
  .refine(({ decision, arm }) => (decision === 'roll_out') === (arm !== undefined), {
    path: ['arm'],
    message: 'is needed to roll out, and belongs to that only',
  })
  .meta({ id: 'NewDecision', examples: [{ decision: 'roll_out', arm: 'bonus' }] })

export function experimentRoutes(app: App, deps: RouteDeps): void {
  segmentRoutes(app, deps)
  const { sql } = deps
  const tags = ['retention']
  const config = scope('retention:read')

  const experiments = {
    operationId: 'listExperiments',
    tags,
    summary: 'Campaigns and whether they help',
    description:
      'By intention to treat: everybody who was put into an arm counts, whatever was done. Net value is margin x spend, ' +
      'less cost, less all points of the measured days at their value. The interval at the bound of the plan decides.',
    response: replies({ 200: { description: 'All experiments', schema: Experiments } }, [
      'no_rules_in_force',
    ]),
  }
  app.get('/retention/experiments', { schema: experiments, config }, async (request) => ({
    items: await showExperiments(sql, rulesOf(deps, request)),
  }))

  const one = {
    operationId: 'getExperiment',
    tags,
    summary: 'One campaign’s experiment',
    description: 'With every look that was taken, arm by arm; the terms are those with which it began.',
    params: z.strictObject({ experiment: text(64).meta({ examples: ['come-back'] }) }),
    response: replies({ 200: { description: 'The experiment', schema: Experiment } }, [
      ...(['experiment_not_found', 'no_rules_in_force'] as const),
    ]),
  }
  app.get('/retention/experiments/:experiment', { schema: one, config }, (request) =>
    theExperiment(sql, rulesOf(deps, request), request.params.experiment),
  )

  const decide = {
    operationId: 'decideExperiment',
    tags,
    summary: 'End a test by hand: roll a campaign out, or stop it',
    description:
      'Rolled out, the next runs of the job `campaigns` treat everybody whom the campaign means and who has no arm yet, but ' +
      'for its `control`; stopped, they treat nobody. Nothing is looked at any more by plan: what the looks saw so far stays. ' +
      'Arms never change, and the other decision may follow later. The same again changes nothing.',
    params: one.params,
    body: NewDecision,
    response: replies({ 200: { description: 'The experiment as decided', schema: Experiment } }, [
      ...(['experiment_not_found', 'arm_not_found', 'no_rules_in_force'] as const),
    ]),
  }
  app.post(
    '/retention/experiments/:experiment/decision',
    { schema: decide, config: scope('rules:write') },
    async (request) => {
      const rules = rulesOf(deps, request)
      const { experiment } = request.params
      const rollOut = request.body.decision === 'stop' ? null : request.body.arm!
      await endTest(sql, rules, { experiment, rollOut, by: callerOf(request).source, at: deps.now() })
      return theExperiment(sql, rules, experiment)
    },
  )
}

function segmentRoutes(app: App, deps: RouteDeps): void {
  const { sql } = deps
  const tags = ['retention']
  const config = scope('retention:read')

  const segments = {
    operationId: 'listSegments',
    tags,
    summary: 'Segments, their sizes, and who is in two',
    description:
      'A member can be in several at once. Segments by conditions are gone over by the job `segments`.',
    response: replies({ 200: { description: 'All segments of the program', schema: Segments } }, [
      'no_rules_in_force',
    ]),
  }
  app.get('/retention/segments', { schema: segments, config }, (request) =>
    showSegments(sql, rulesOf(deps, request)),
  )

  const members = {
    operationId: 'listSegmentMembers',
    tags,
    summary: 'Who is in a segment, and since when',
    description: 'Active members, in order of their ids; whoever was merged or closed is left out.',
    params: z.strictObject({ segment: text(64).meta({ examples: ['sleepy'] }) }),
    querystring: z.strictObject(paging),
    response: replies({ 200: { description: 'A page of members, by id', schema: SegmentMembers } }, [
      ...(['segment_not_found', 'invalid_cursor', 'no_rules_in_force'] as const),
    ]),
  }
  app.get('/retention/segments/:segment/members', { schema: members, config }, async (request) => {
    const { segment } = request.params
    const { limit, cursor } = request.query
    const program = rulesOf(deps, request)
    if (!program.segments.includes(segment)) throw new DomainError('segment_not_found', { segment })
    const after = cursor === undefined ? null : readId('member', cursor, 'invalid_cursor')
    const rows = await segmentMembers(sql, { program: program.id, segment, after, limit: limit + 1 })
    const items = rows.slice(0, limit).map(({ memberId, since }) => ({
      memberId: showId('member', memberId),
      since: since.toISOString(),
    }))
    return { items, nextCursor: rows.length > limit ? (items.at(-1)?.memberId ?? null) : null }
  })
}

function rulesOf({ programs, now }: RouteDeps, request: FastifyRequest): Program {
  return programs.at(callerOf(request).program, now())
}
