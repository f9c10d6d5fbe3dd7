/** Transfers: points from one member to another, on the program's terms. */
import { z } from 'zod'
import type { MemberReference } from '../members/member.ts'
import { scope } from './auth.ts'
import { type App, keyed, type RouteDeps, replies } from './route.ts'
import {
  Balance,
  currencyId,
  externalRefOrHeader,
  id,
  memberReference,
  oneMember,
  points,
  text,
  wirePoints,
} from './schemas.ts'
import { withMember, withRef, write } from './writes.ts'

const party = z
  .union([id('mem', 'the member'), z.strictObject(memberReference).superRefine(oneMember)])
  .meta({
    description: 'A member: an id, or `{memberId}`, or `{identifier: {kind, value}}`',
    examples: [
      'mem_0198f0a2b3c4700080000000000a0001',
      { identifier: { kind: 'card', value: '2600123456789' } },
    ],
  })

const example = {
  from: 'mem_0198f0a2b3c4700080000000000a0001',
  to: 'mem_0198f0a2b3c4700080000000000a0009',
  currency: 'beans',
  points: 50,
  reason: 'for your birthday',
}

const NewTransfer = z
  .strictObject({
    externalRef: externalRefOrHeader,
    from: party,
    to: party,
    currency: currencyId,
    points,
    reason: text(500)
      .optional()
      .meta({
        description: 'Stays in the ledger for good, so let it hold nothing personal',
        examples: ['for your birthday'],
      }),
  })
  .meta({ id: 'NewTransfer', examples: [{ externalRef: 'app/gift-12', ...example }] })

const Transfer = z
  .strictObject({
    transferId: id('trf', 'the transfer'),
    from: id('mem', 'the giver'),
    to: id('mem', 'the receiver'),
    currency: z.string(),
    points: wirePoints,
    fee: wirePoints.meta({ description: 'Paid by the giver on top', examples: [0] }),
    reason: z.string().optional(),
    balances: z.array(Balance).meta({ description: 'The giver’s, afterwards' }),
  })
  .meta({
    id: 'Transfer',
    examples: [
      {
        transferId: 'trf_0198f0a2b3c4700080000000000e0001',
        ...example,
        fee: 5,
        balances: [{ currency: 'beans', available: 65, pending: 0, held: 0, negative: 0 }],
      },
    ],
  })

export function transferRoutes(app: App, deps: RouteDeps): void {
  const schema = {
    operationId: 'transferPoints',
    tags: ['transfers'],
    summary: 'Give points to another member',
    description:
      'As the program allows it under `transfers`: minimum, maximum, fee, limit. The points keep their expiry unless the program counts them anew. Safe to send again.',
    body: NewTransfer,
    response: replies({ 201: { description: 'The transfer', schema: Transfer } }, [
      'member_not_found',
      'member_not_active',
      'identifier_blocked',
      'same_member',
      'unknown_currency',
      'transfer_not_allowed',
      'not_in_pool',
      'insufficient_points',
      'below_minimum',
      'above_maximum',
      'not_a_step',
      'limit_reached',
      'points_out_of_range',
      'idempotency_conflict',
    ]),
  }
  const config = { ...scope('redemptions:write'), ...keyed }
  app.post('/transfers', { schema, config }, (request, reply) => {
    const { from, to, ...rest } = withRef(request.body, request)
    const body = { ...rest, from: reference(from), to: reference(to) }
    return write(
      deps,
      { request, reply, status: 201 },
      { ref: body.externalRef, ask: { kind: 'transfer', body } },
    )
  })
}

function reference(party: string | MemberReference): MemberReference {
  return withMember(typeof party === 'string' ? { memberId: party } : party)
}
