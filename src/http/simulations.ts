/** Simulating rules over HTTP: one at a time, because it takes every processor that there is. */
import { z } from 'zod'
import { DomainError, type Fault } from '../base/errors.ts'
import { runSimulation } from '../simulate/candidate.ts'
import type { Checker } from '../simulate/checker.ts'
import { callerOf, scope } from './auth.ts'
import { type App, type RouteDeps, replies } from './route.ts'
import { ruleFiles } from './rules.ts'
import { instant, shownInstant, text, wirePoints } from './schemas.ts'

const Asked = z
  .strictObject({
    files: ruleFiles
      .optional()
      .meta({ description: 'The candidate’s; without them the rules as recorded are replayed' }),
    since: instant.optional().meta({ description: 'As if they had been published for then' }),
    until: instant.optional().meta({ description: 'Transactions before this are counted' }),
    sample: z
      .number()
      .gt(0)
      .max(100)
      .default(100)
      .meta({ description: 'Percent of the members, always the same ones', examples: [10] }),
    by: text(64)
      .optional()
      .meta({
        description: 'A member attribute, or `segment`, to group by instead of the tier',
        examples: ['city'],
      }),
  })
  .refine(({ since, until }) => !since || !until || Date.parse(since) < Date.parse(until), {
    path: ['until'],
    message: 'is not after since',
  })
  .meta({
    id: 'NewSimulation',
    examples: [
      {
        files: { 'program.yaml': 'program: corner-coffee\n' },
        since: '2026-01-01T00:00:00+01:00',
        sample: 10,
      },
    ],
  })

const decimal = z.string().meta({ description: 'A decimal in the program’s money', examples: ['12.50'] })
const shown = { points: wirePoints, value: decimal.nullable() }
const difference = z.strictObject(shown)
const ruleSide = z.strictObject({ ...shown, awards: z.int() })
const owedSide = z.strictObject({
  ...shown,
  available: wirePoints,
  pending: wirePoints,
  held: wirePoints,
  negative: wirePoints,
})
const compared = z.strictObject({ currency: z.string(), before: wirePoints, after: wirePoints })
const mover = z.strictObject({ memberId: z.string(), points: z.array(compared), worth: decimal })

const Simulation = z
  .strictObject({
    program: z.string(),
    version: z.string().nullable().meta({ description: 'The candidate’s; null: as recorded' }),
    since: shownInstant.nullable(),
    until: shownInstant.nullable(),
    asOf: shownInstant,
    sample: z.number(),
    groupedBy: z.string(),
    money: z.string(),
    members: z.int(),
    leftOut: z.int().meta({
      description: 'Members who share points with others by transfers, merges or pools: not simulated',
    }),
    unrecordedEvents: z.array(z.string()).meta({
      description:
        'Events that the candidate has rules on and nobody recorded before: their points are left out',
    }),
    budgetsExact: z.boolean().meta({
      description: 'False: what limits over all members let through is near, not exact',
    }),
    transactions: z.int(),
    returns: z.int(),
    spend: decimal,
    better: z.int(),
    worse: z.int(),
    rules: z.array(
      z.strictObject({
        rule: z.string(),
        currency: z.string(),
        before: ruleSide,
        after: ruleSide,
        difference,
      }),
    ),
    currencies: z.array(
      z.strictObject({ currency: z.string(), before: owedSide, after: owedSide, difference }),
    ),
    liability: z.strictObject({ before: decimal, after: decimal, difference: decimal }),
    tiers: z.array(z.strictObject({ ladder: z.string(), tier: z.string(), before: z.int(), after: z.int() })),
    moves: z.array(
      z.strictObject({ ladder: z.string(), from: z.string(), to: z.string(), members: z.int() }),
    ),
    groups: z.array(
      z.strictObject({
        group: z.string(),
        members: z.int(),
        better: z.int(),
        worse: z.int(),
        points: z.array(compared),
      }),
    ),
    winners: z.array(mover),
    losers: z.array(mover),
    refused: z.array(z.strictObject({ command: z.string(), code: z.string(), count: z.int() })),
  })
  .meta({
    id: 'Simulation',
    description: 'Before is as recorded, after is as simulated; winners and losers are the 20 of each side',
    examples: [
      {
        program: 'corner-coffee',
        version: '9f2c…',
        since: '2026-01-01T00:00:00.000Z',
        until: null,
        asOf: '2026-03-03T08:15:00.000Z',
        sample: 100,
        groupedBy: 'tier',
        money: 'EUR',
        members: 2,
        leftOut: 0,
        unrecordedEvents: [],
        budgetsExact: true,
        transactions: 3,
        returns: 0,
        spend: '30.00',
        better: 1,
        worse: 0,
        rules: [
          {
            rule: 'base',
            currency: 'beans',
            before: { points: 30, value: '1.50', awards: 3 },
            after: { points: 40, value: '2.00', awards: 3 },
            difference: { points: 10, value: '0.50' },
          },
        ],
        currencies: [
          {
            currency: 'beans',
            before: { points: 30, value: '1.50', available: 30, pending: 0, held: 0, negative: 0 },
            after: { points: 40, value: '2.00', available: 40, pending: 0, held: 0, negative: 0 },
            difference: { points: 10, value: '0.50' },
          },
        ],
        liability: { before: '1.50', after: '2.00', difference: '0.50' },
        tiers: [{ ladder: 'main', tier: 'base', before: 2, after: 2 }],
        moves: [],
        groups: [
          {
            group: 'base',
            members: 2,
            better: 1,
            worse: 0,
            points: [{ currency: 'beans', before: 30, after: 40 }],
          },
        ],
        winners: [
          {
            memberId: 'mem_0198f0a2b3c4700080000000000a0001',
            points: [{ currency: 'beans', before: 10, after: 20 }],
            worth: '0.50',
          },
        ],
        losers: [],
        refused: [],
      },
    ],
  })

export function simulationRoutes(
  app: App,
  { sql, programs, now, dataFolder }: RouteDeps,
  checker: Checker,
): void {
  let running = false
  const schema = {
    operationId: 'simulateRules',
    tags: ['rules'],
    summary: 'What recorded transactions would have given under other rules',
    description:
      'Replays everything that the members did, in memory; nothing is written. One runs at a time; closing ' +
      'the connection ends it. For a large program ask for a sample, or use the command line.',
    body: Asked,
    response: replies({ 200: { description: 'Before and after', schema: Simulation } }, [
      'rules_invalid',
      'no_rules_in_force',
      'unknown_fact',
      'simulation_running',
      'payload_too_large',
    ]),
  }
  app.post('/rules/simulate', { schema, config: scope('rules:read') }, async (request, reply) => {
    if (running) throw new DomainError('simulation_running')
    running = true
    const gone = new AbortController()
    const leave = () => reply.raw.writableEnded || gone.abort()
    reply.raw.on('close', leave)
    const { files, since, until, sample, by } = request.body
    try {
      const candidate = files ? new Map(Object.entries(files)) : null
      if (candidate) mustBeSound((await checker.check(candidate)).errors)
      return await runSimulation(sql, programs, {
        program: callerOf(request).program,
        files: candidate,
        since: since === undefined ? null : new Date(since),
        until: until === undefined ? null : new Date(until),
        percent: sample,
        by: by ?? null,
        now: now(),
        keptIn: dataFolder ?? null,
        signal: gone.signal,
      })
    } finally {
      running = false
      reply.raw.off('close', leave)
    }
  })
}

/** Examples may fail: a draft is simulated to see what it does, before anybody writes down what it should. */
function mustBeSound(errors: readonly Fault[]): void {
  if (errors.length > 0) throw new DomainError('rules_invalid', { errors }, errors[0]?.message)
}
