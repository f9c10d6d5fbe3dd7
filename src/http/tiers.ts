/** Where a member stands on a ladder, and what it takes to rise or to stay. */
import { z } from 'zod'
import { showId } from '../base/ids.ts'
import { didYouMean } from '../base/nearest.ts'
import type { Ladder, Program } from '../program/program.ts'
import { assess } from '../tiers/assess.ts'
import { type Goal, type Progress, progress } from '../tiers/progress.ts'
import { wireTier } from '../tiers/standing.ts'
import { callerOf, scope } from './auth.ts'
import { malformed } from './body.ts'
import { assessedAt, assessedInThePast, readHoldings, standingOn } from './holdings.ts'
import { memberIdIn, memberParams } from './members.ts'
import { type App, type RouteDeps, replies } from './route.ts'
import { askedInstant, id, shownInstant, text } from './schemas.ts'

const decimal = z.string().meta({ description: 'A decimal', examples: ['320.50'] })

const TierGoal = z
  .strictObject({
    tier: z.string(),
    missing: z.array(z.strictObject({ counter: z.string(), missing: decimal })),
    by: shownInstant,
  })
  .meta({
    id: 'TierGoal',
    description: 'A tier to be had, what it still takes, and the instant before which it has to be there',
    examples: [
      { tier: 'gold', missing: [{ counter: 'spend', missing: '180' }], by: '2027-01-01T00:00:00.000Z' },
    ],
  })

export const TierReport = z
  .strictObject({
    memberId: id('mem', 'the member'),
    asOf: shownInstant,
    ladder: z
      .string()
      .nullable()
      .meta({ description: 'Null, like all that follows, where the program has no ladder' }),
    tier: z.string().nullable(),
    since: shownInstant.nullable(),
    until: shownInstant.nullable(),
    period: z
      .strictObject({ from: z.iso.date(), to: z.iso.date() })
      .nullable()
      .meta({ description: 'The days that count now, both included' }),
    counters: z.array(z.strictObject({ counter: z.string(), value: decimal })),
    toReach: TierGoal.nullable().meta({ description: 'Null on the highest tier' }),
    toKeep: TierGoal.nullable().meta({ description: 'Null where the tier cannot be lost' }),
    landing: z
      .strictObject({ tier: z.string(), at: shownInstant.nullable() })
      .nullable()
      .meta({ description: 'The tier after the present one ends, if nothing more happens' }),
  })
  .meta({
    id: 'TierReport',
    examples: [
      {
        memberId: 'mem_0198f0a2b3c4700080000000000a0001',
        asOf: '2026-03-03T08:15:00.000Z',
        ladder: 'main',
        tier: 'silver',
        since: '2026-02-01T10:00:00.000Z',
        until: '2027-12-31T23:00:00.000Z',
        period: { from: '2026-01-01', to: '2026-12-31' },
        counters: [{ counter: 'spend', value: '620' }],
        toReach: {
          tier: 'gold',
          missing: [{ counter: 'spend', missing: '380' }],
          by: '2026-12-31T23:00:00.000Z',
        },
        toKeep: { tier: 'silver', missing: [], by: '2027-12-31T23:00:00.000Z' },
        landing: { tier: 'silver', at: '2027-12-31T23:00:00.000Z' },
      },
    ],
  })

export const NO_LADDER = {
  ladder: null,
  tier: null,
  since: null,
  until: null,
  period: null,
  counters: [],
  toReach: null,
  toKeep: null,
  landing: null,
}

export function tierRoutes(app: App, { sql, programs, now }: RouteDeps): void {
  const schema = {
    operationId: 'readTier',
    tags: ['balances'],
    summary: 'Where a member stands, and what is missing',
    description:
      'On the program’s first ladder, or on the one that `ladder` names. With `at`, how it stood at that instant of ' +
      'business time by all that is known now.',
    params: memberParams,
    querystring: z.strictObject({
      at: askedInstant,
      ladder: text(64)
        .optional()
        .meta({ description: 'Id of a ladder', examples: ['main'] }),
    }),
    response: replies({ 200: { description: 'The standing', schema: TierReport } }, ['member_not_found']),
  }
  app.get('/members/:memberId/tier', { schema, config: scope('members:read') }, async (request) => {
    const present = now()
    const at = request.query.at === undefined ? present : new Date(request.query.at)
    const whose = { program: callerOf(request).program, memberId: memberIdIn(request.params) }
    const holdings = await readHoldings(sql, whose, at, present)
    const program = programs.at(whose.program, at)
    const ladder = ladderOf(program, request.query.ladder)
    const head = { memberId: showId('member', holdings.memberId), asOf: at.toISOString() }
    if (!ladder) return { ...head, ...NO_LADDER }
    const on = { program, ladder, holdings, at }
    const input = await (at < present
      ? assessedInThePast({ sql, programs }, whose, on)
      : assessedAt(sql, whose, on))
    const standing = at < present ? await standingOn(sql, whose, on) : assess(ladder, input).standing
    return { ...head, ...wireTier(standing), ...wireProgress(progress(ladder, input)) }
  })
}

function ladderOf(program: Program, wanted: string | undefined): Ladder | undefined {
  if (wanted === undefined) return program.ladders[0]
  const ladder = program.ladders.find(({ id: known }) => known === wanted)
  if (ladder) return ladder
  const hint = didYouMean(
    wanted,
    program.ladders.map((known) => known.id),
  )
  throw malformed(
    [{ path: '/ladder', message: 'is no ladder of the program', ...(hint && { hint }) }],
    'the query',
  )
}

export function wireProgress(of: Progress) {
  return {
    period: { from: of.period.from, to: of.period.to },
    counters: of.counters.map(({ counter, value }) => ({ counter, value: value.toFixed() })),
    toReach: of.toReach && wireGoal(of.toReach),
    toKeep: of.toKeep && wireGoal(of.toKeep),
    landing: { tier: of.landing.tier, at: of.landing.at?.toISOString() ?? null },
  }
}

function wireGoal(goal: Goal) {
  return {
    tier: goal.tier,
    missing: goal.missing.map(({ counter, missing }) => ({ counter, missing: missing.toFixed() })),
    by: goal.by.toISOString(),
  }
}
