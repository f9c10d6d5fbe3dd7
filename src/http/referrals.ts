/**
 * Referrals: one member brings another, and rules give to either side. Each side is a command of its own, keyed
 * by the friend, so a friend counts once however often and by whomever a referral is sent.
 */
import { z } from 'zod'
import { DomainError } from '../base/errors.ts'
import type { EarnReply } from '../earning/transaction.ts'
import { newCommand } from '../engine/command.ts'
import { ENGINE_SOURCE } from '../program/events.ts'
import { callerOf, scope } from './auth.ts'
import { memberOf } from './holdings.ts'
import { type App, keyed, type RouteDeps, replies } from './route.ts'
import { Award, externalRefOrHeader, id, instant, memberReference, oneMember } from './schemas.ts'
import { withMember, withRef } from './writes.ts'

const Side = z.strictObject(memberReference).superRefine(oneMember)

const NewReferral = z
  .strictObject({
    externalRef: externalRefOrHeader,
    referrer: Side.meta({ description: 'Who brought the friend' }),
    friend: Side.meta({ description: 'Who was brought; counts once' }),
    occurredAt: instant
      .optional()
      .meta({ description: 'Now, where it is not given; say it where it may be sent again' }),
  })
  .meta({
    id: 'NewReferral',
    examples: [
      {
        externalRef: 'app/ref/77',
        referrer: { memberId: 'mem_0198f0a2b3c4700080000000000a0001' },
        friend: { identifier: { kind: 'card', value: '2600123456789' } },
        occurredAt: '2026-03-03T09:15:00+01:00',
      },
    ],
  })

const ReferralSide = z.strictObject({ memberId: id('mem', 'the member'), awards: z.array(Award) })
const Referral = z.strictObject({ referrer: ReferralSide, friend: ReferralSide }).meta({
  id: 'Referral',
  examples: [
    {
      referrer: { memberId: 'mem_0198f0a2b3c4700080000000000a0001', awards: [] },
      friend: { memberId: 'mem_0198f0a2b3c4700080000000000a0002', awards: [] },
    },
  ],
})

export function referralRoutes(app: App, deps: RouteDeps): void {
  const { sql, lane, now } = deps
  const schema = {
    operationId: 'refer',
    tags: ['transactions'],
    summary: 'Tell that one member brought another',
    description: 'Rules on `referral` give to either side. Safe to send again; a friend counts once.',
    body: NewReferral,
    response: replies({ 201: { description: 'What either side got', schema: Referral } }, [
      'member_not_found',
      'member_not_active',
      'identifier_blocked',
      'idempotency_conflict',
      'date_out_of_range',
      'no_rules_in_force',
    ]),
  }
  const config = { ...scope('transactions:write'), ...keyed }
  app.post('/referrals', { schema, config }, async (request, reply) => {
    const body = withRef(request.body, request)
    const { program } = callerOf(request)
    const at = now()
    const [referrer, friend] = [
      await memberOf(sql, program, withMember(body.referrer)),
      await memberOf(sql, program, withMember(body.friend)),
    ]
    if (referrer === friend)
      throw new DomainError('malformed_request', { path: '/friend' }, 'nobody brings themselves')
    const occurredAt = body.occurredAt ?? at.toISOString()
    const tell = async (side: 'friend' | 'referrer', memberId: string) => {
      const ref = `referral/${friend}/${side}`
      const event = {
        ...{ externalRef: body.externalRef, type: 'referral', memberId, occurredAt, lines: [] },
        attributes: { side },
      }
      const command = newCommand({ program, source: ENGINE_SOURCE, ref, at }, { kind: 'earn', body: event })
      const answer = JSON.parse((await lane.run(command)).body) as EarnReply
      return { memberId: answer.memberId, awards: answer.awards }
    }
    // The friend's first: who was referred by somebody else before is refused before anything is given.
    const ofFriend = await tell('friend', friend)
    return reply.code(201).send({ referrer: await tell('referrer', referrer), friend: ofFriend })
  })
}
