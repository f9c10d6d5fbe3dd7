/** Rewards: the catalogue, and for a member what can be had and what is missing. */
import { z } from 'zod'
import { readId } from '../base/ids.ts'
import { wirePoints as toWire, wireMoney } from '../base/points.ts'
import type { Reward as DeclaredReward, Program } from '../program/program.ts'
import { missingFor, whyNot } from '../rewards/reward.ts'
import { callerOf, scope } from './auth.ts'
import { readHoldings, tiersOf } from './holdings.ts'
import { type App, type RouteDeps, replies } from './route.ts'
import { id, Money, shownInstant, wirePoints } from './schemas.ts'

const example = {
  rewardId: 'espresso',
  name: 'Espresso',
  currency: 'beans',
  costs: 40,
  value: null,
  tier: null,
  from: null,
  until: null,
  available: false,
  missing: 12,
}

export const Reward = z
  .strictObject({
    rewardId: z.string(),
    name: z.string(),
    currency: z.string(),
    costs: wirePoints,
    value: Money.nullable().meta({ description: 'Money off, where it is that' }),
    tier: z
      .strictObject({ ladder: z.string(), tier: z.string() })
      .nullable()
      .meta({ description: 'The lowest tier that may have it; null: everybody' }),
    from: shownInstant.nullable(),
    until: shownInstant.nullable(),
    available: z.boolean().optional().meta({ description: 'Whether this member can have it now' }),
    missing: wirePoints.optional().meta({ description: 'Points that this member lacks' }),
    because: z.string().optional().meta({ description: 'What stands against it, points aside' }),
  })
  .meta({
    id: 'Reward',
    examples: [example],
  })

const Rewards = z.strictObject({ items: z.array(Reward), nextCursor: z.null() }).meta({
  id: 'Rewards',
  description: 'All of them: a catalogue is one page',
  examples: [{ items: [example], nextCursor: null }],
})

export function rewardRoutes(app: App, { sql, programs, now }: RouteDeps): void {
  const schema = {
    operationId: 'listRewards',
    tags: ['rewards'],
    summary: 'What can be had for points',
    description:
      'With `memberId`, whether that member can have each one now and how many points are missing.',
    querystring: z.strictObject({ memberId: id('mem', 'the member').optional() }),
    response: replies({ 200: { description: 'The rewards in force', schema: Rewards } }, [
      'member_not_found',
      'no_rules_in_force',
    ]),
  }
  app.get('/rewards', { schema, config: scope('members:read') }, async (request) => {
    const { program: id } = callerOf(request)
    const at = now()
    const program = programs.at(id, at)
    const rewards = [...program.rewards.values()]
    if (request.query.memberId === undefined) return { items: rewards.map(wireReward), nextCursor: null }

    const memberId = readId('member', request.query.memberId, 'member_not_found')
    const whose = { program: id, memberId }
    const holdings = await readHoldings(sql, whose, at)
    const tiers = await tiersOf(sql, whose, { program, holdings, at })
    const items = rewards.map((reward) => {
      const available = holdings.book.accounts.get(reward.currency)?.available ?? 0n
      return { ...wireReward(reward), ...reach(program, reward, { available, tiers, at }) }
    })
    return { items, nextCursor: null }
  })
}

export function reach(
  program: Program,
  reward: DeclaredReward,
  of: { available: bigint; tiers: Parameters<typeof whyNot>[2]['tiers']; at: Date },
) {
  const missing = missingFor(reward, of.available)
  const because = whyNot(program, reward, of)
  return { available: missing === 0 && because === null, missing, ...(because !== null && { because }) }
}

export function wireReward(reward: DeclaredReward) {
  return {
    rewardId: reward.id,
    name: reward.name,
    currency: reward.currency,
    costs: toWire(reward.costs),
    value: reward.value && wireMoney(reward.value),
    tier: reward.tier,
    from: reward.from?.toISOString() ?? null,
    until: reward.until?.toISOString() ?? null,
  }
}
