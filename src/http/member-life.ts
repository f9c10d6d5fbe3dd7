/** What becomes of members: merged and un-merged, closed and opened again, erased; and all that is known of one. */
import { Readable } from 'node:stream'
import { z } from 'zod'
import { readId } from '../base/ids.ts'
import { exportMember } from '../engine/export.ts'
import { wholeMember } from '../engine/queries-kin.ts'
import { dropPacks } from '../simulate/packs.ts'
import { callerOf, scope } from './auth.ts'
import { Member, memberIdIn, memberParams } from './members.ts'
import { type App, keyed, type RouteDeps, replies } from './route.ts'
import { Balance, externalRefOrHeader, id, TierStanding, text } from './schemas.ts'
import { withRef, write } from './writes.ts'

const Merging = z
  .strictObject({ externalRef: externalRefOrHeader, duplicate: id('mem', 'the duplicate') })
  .meta({
    id: 'Merging',
    examples: [{ externalRef: 'crm/merge-12', duplicate: 'mem_0198f0a2b3c4700080000000000a0009' }],
  })

const balances = [{ currency: 'beans', available: 170, pending: 0, held: 0, negative: 0 }]

const Merged = z
  .strictObject({
    mergeId: id('mrg', 'the merge'),
    memberId: id('mem', 'who answers for both'),
    balances: z.array(Balance),
    tier: TierStanding.nullable(),
    duplicate: z.strictObject({
      memberId: id('mem', 'the duplicate'),
      status: z.string(),
      balances: z.array(Balance),
    }),
  })
  .meta({
    id: 'Merged',
    examples: [
      {
        mergeId: 'mrg_0198f0a2b3c470008000000000110003',
        memberId: 'mem_0198f0a2b3c4700080000000000a0001',
        balances,
        tier: null,
        duplicate: {
          memberId: 'mem_0198f0a2b3c4700080000000000a0009',
          status: 'merged',
          balances: [{ currency: 'beans', available: 0, pending: 0, held: 0, negative: 0 }],
        },
      },
    ],
  })

const Ending = z
  .strictObject({
    externalRef: externalRefOrHeader,
    reason: text(500)
      .optional()
      .meta({ examples: ['asked at the desk'] }),
  })
  .meta({ id: 'Ending', examples: [{ externalRef: 'desk/close-7', reason: 'asked at the desk' }] })

const MemberExport = z.looseObject({ format: z.literal('milepost-member-export-1') }).meta({
  id: 'MemberExport',
  description: 'Everything that is known of one member, by kind',
  examples: [
    {
      format: 'milepost-member-export-1',
      exportedAt: '2026-03-03T08:15:00.000Z',
      member: { memberId: 'mem_0198f0a2b3c4700080000000000a0001', status: 'active' },
      identifiers: [{ kind: 'card', value: '2600123456789', status: 'active' }],
      transactions: [],
      entries: [],
    },
  ],
})

export function memberLifeRoutes(app: App, deps: RouteDeps): void {
  mergeRoutes(app, deps)
  endingRoutes(app, deps)
  exportRoute(app, deps)
}

function mergeRoutes(app: App, deps: RouteDeps): void {
  const config = { ...scope('members:write'), ...keyed }
  const common = { tags: ['members'], params: memberParams, body: Merging }
  const done = { 200: { description: 'Both as they are now', schema: Merged } }
  const rows = [
    [
      'merge',
      'Merge a duplicate into a member',
      'Points, tier counters and history come together, and every identifier of the duplicate opens the member. Sales and redemptions of the duplicate are returned and reversed on the member from now on. Safe to send again.',
      ['member_not_found', 'member_not_active', 'same_member', 'points_held', 'limit_reached'],
    ],
    [
      'unmerge',
      'Take a merge back',
      'The duplicate gets back its identifiers, its history, and of each lot what it brought, as far as that is still there: what was spent or has lapsed in between stays spent, and what was earned in between stays with the member. Safe to send again.',
      ['member_not_found', 'member_not_active', 'not_merged'],
    ],
  ] as const
  for (const [kind, summary, description, codes] of rows) {
    const schema = {
      operationId: kind === 'merge' ? 'mergeMembers' : 'unmergeMembers',
      ...common,
      summary,
      description,
      response: replies(done, [...codes, 'idempotency_conflict']),
    }
    app.post(`/members/:memberId/${kind}`, { schema, config }, (request, reply) => {
      const { externalRef, duplicate } = withRef(request.body, request)
      const memberId = memberIdIn(request.params)
      const body = { externalRef, duplicate: readId('member', duplicate, 'member_not_found') }
      return write(deps, { request, reply, status: 200 }, { ref: externalRef, ask: { kind, memberId, body } })
    })
  }
}

function endingRoutes(app: App, deps: RouteDeps): void {
  const rows = [
    [
      'close',
      'Close a membership',
      'The member earns and redeems no more; points are forfeited or kept, as the program says under `closing`.',
      'members:write',
      ['member_not_active', 'points_held'],
    ],
    [
      'reopen',
      'Open a closed membership again',
      'With the points that the program let the member keep; forfeited ones do not come back.',
      'members:write',
      ['member_not_closed'],
    ],
    [
      'erase',
      'Erase what is personal of a member',
      'Profile, attributes, consents and identifiers are gone for good, everywhere, also those of merged duplicates; points are forfeited; the ledger stays whole. Cannot be undone.',
      'admin',
      ['member_not_active', 'points_held'],
    ],
  ] as const
  for (const [kind, summary, description, needed, codes] of rows) {
    const schema = {
      operationId: `${kind}Member`,
      tags: ['members'],
      summary,
      description: `${description} Safe to send again.`,
      params: memberParams,
      body: Ending,
      response: replies({ 200: { description: 'The member as it is now', schema: Member } }, [
        'member_not_found',
        ...codes,
        'idempotency_conflict',
      ]),
    }
    const config = { ...scope(needed), ...keyed }
    app.post(`/members/:memberId/${kind}`, { schema, config }, async (request, reply) => {
      const body = withRef(request.body, request)
      const ask = { kind, memberId: memberIdIn(request.params), body } as const
      const forget = async () => {
        if (kind === 'erase' && deps.dataFolder !== undefined) await dropPacks(deps.dataFolder)
      }
      // Before, so that the answer is true when it goes out; after, for a simulation that began in between.
      await forget()
      const answer = await write(deps, { request, reply, status: 200 }, { ref: body.externalRef, ask })
      await forget()
      return answer
    })
  }
}

function exportRoute(app: App, { sql, now }: RouteDeps): void {
  const schema = {
    operationId: 'exportMember',
    tags: ['members'],
    summary: 'Export all that is known of a member',
    description:
      'One JSON document, sent as it is read, with merged duplicates’ rows beside the member’s own.',
    params: memberParams,
    response: replies({ 200: { description: 'The export', schema: MemberExport } }, ['member_not_found']),
  }
  app.get('/members/:memberId/export', { schema, config: scope('admin') }, async (request, reply) => {
    const { program } = callerOf(request)
    const whole = await wholeMember(sql, { program, memberId: memberIdIn(request.params) })
    const text = await exportMember(sql, { ...whole, at: now() })
    return reply
      .type('application/json; charset=utf-8')
      .header('content-disposition', `attachment; filename="${request.params.memberId}.json"`)
      .send(Readable.from(text))
  })
}
