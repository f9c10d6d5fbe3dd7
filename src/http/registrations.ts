/** What members register for, which segments they are in, and what people decide about their tiers. */
import { z } from 'zod'
import { scope } from './auth.ts'
import { memberIdIn, memberParams } from './members.ts'
import { type App, keyed, type RouteDeps, replies } from './route.ts'
import { externalRefOrHeader, instant, TierStanding, text } from './schemas.ts'
import { withRef, write } from './writes.ts'

const NewRegistration = z
  .strictObject({
    externalRef: externalRefOrHeader,
    promotion: text(64).meta({ description: 'Id of a promotion', examples: ['spring'] }),
    occurredAt: instant.optional().meta({ description: 'Now, where it is not given' }),
  })
  .meta({ id: 'NewRegistration', examples: [{ externalRef: 'app/8812', promotion: 'spring' }] })

const SegmentMembership = z
  .strictObject({
    externalRef: externalRefOrHeader,
    segment: text(64).meta({ description: 'A segment that the program declares', examples: ['families'] }),
    member: z.boolean().default(true).meta({ description: 'False: no longer in it' }),
    occurredAt: instant.optional().meta({ description: 'Now, where it is not given' }),
  })
  .meta({ id: 'SegmentMembership', examples: [{ externalRef: 'crm/17', segment: 'families', member: true }] })

const Marks = z.strictObject({ segments: z.array(z.string()), promotions: z.array(z.string()) }).meta({
  id: 'Marks',
  description: 'The segments that the member is in and the promotions registered for',
  examples: [{ segments: ['families'], promotions: ['spring'] }],
})

const TierDecision = z
  .strictObject({
    externalRef: externalRefOrHeader,
    ladder: text(64).optional().meta({ description: 'The first one, where it is not given' }),
    tier: text(64).optional().meta({ description: 'A tier by hand: automation leaves it alone' }),
    until: instant.optional().meta({ description: 'With a tier: when it ends; never, where not given' }),
    challenge: text(64).optional().meta({ description: 'A tier in advance, such as a status match' }),
    release: z.literal(true).optional().meta({ description: 'Automation decides again, at once' }),
    reason: text(500),
  })
  .refine(
    ({ tier, challenge, release }) =>
      [tier, challenge, release].filter((one) => one !== undefined).length === 1,
    'give one of tier, challenge and release',
  )
  .meta({
    id: 'TierDecision',
    examples: [{ externalRef: 'desk/3', challenge: 'match-elite', reason: 'gold with a competitor' }],
  })

const shared = ['member_not_found', 'member_not_active', 'idempotency_conflict', 'date_out_of_range'] as const

export function registrationRoutes(app: App, deps: RouteDeps): void {
  const tags = ['members']
  const marks = { 200: { description: 'What the member is in now', schema: Marks } }
  const register = {
    operationId: 'registerForPromotion',
    tags,
    summary: 'Register a member for a promotion',
    description: 'Rules that ask for the promotion apply from then on. Registering again changes nothing.',
    params: memberParams,
    body: NewRegistration,
    response: replies(marks, [...shared, 'promotion_not_found', 'no_rules_in_force']),
  }
  const config = { ...scope('members:write'), ...keyed }
  app.post('/members/:memberId/registrations', { schema: register, config }, (request, reply) => {
    const body = withRef(request.body, request)
    const memberId = memberIdIn(request.params)
    const ask = { kind: 'register' as const, memberId, body }
    return write(deps, { request, reply, status: 200 }, { ref: body.externalRef, ask })
  })

  const segment = {
    operationId: 'changeSegment',
    tags,
    summary: 'Enter a member into a segment, or take them out',
    description: 'A member can be in several segments at once; rules see those of their business time.',
    params: memberParams,
    body: SegmentMembership,
    response: replies(marks, [...shared, 'unknown_fact', 'no_rules_in_force']),
  }
  app.post('/members/:memberId/segments', { schema: segment, config }, (request, reply) => {
    const body = withRef(request.body, request)
    const ask = { kind: 'change_segment' as const, memberId: memberIdIn(request.params), body }
    return write(deps, { request, reply, status: 200 }, { ref: body.externalRef, ask })
  })

  const tier = {
    operationId: 'decideTier',
    tags: ['balances'],
    summary: 'Decide a tier by hand',
    description:
      'Gives a tier that automation leaves alone, begins a challenge, or releases the member again.',
    params: memberParams,
    body: TierDecision,
    response: replies({ 200: { description: 'Where the member stands now', schema: TierStanding } }, [
      ...shared,
      'tier_not_found',
      'no_rules_in_force',
    ]),
  }
  const admin = { ...scope('admin'), ...keyed }
  app.post('/members/:memberId/tier', { schema: tier, config: admin }, (request, reply) => {
    const body = withRef(request.body, request)
    const ask = { kind: 'decide_tier' as const, memberId: memberIdIn(request.params), body }
    return write(deps, { request, reply, status: 200 }, { ref: body.externalRef, ask })
  })
}
