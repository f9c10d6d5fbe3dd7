/** Confirming transactions whose points await it, and cancelling them. */
import { z } from 'zod'
import { readId } from '../base/ids.ts'
import { scope } from './auth.ts'
import { type App, keyed, type RouteDeps, replies } from './route.ts'
import { Balance, externalRefOrHeader, id, instant, points, TierChange, TierStanding } from './schemas.ts'
import { withRef, write } from './writes.ts'

const params = z.strictObject({ transactionId: id('txn', 'the transaction') })

const NewConfirmation = z
  .strictObject({
    externalRef: externalRefOrHeader,
    occurredAt: instant.meta({ description: 'When it was confirmed, or known that it never will be' }),
  })
  .meta({
    id: 'NewConfirmation',
    examples: [{ externalRef: 'stay-4711/checked-out', occurredAt: '2026-03-05T11:00:00+01:00' }],
  })

const Confirmation = z
  .strictObject({
    transactionId: id('txn', 'the transaction'),
    memberId: id('mem', 'the member'),
    status: z.enum(['confirmed', 'cancelled']),
    points: z
      .array(z.strictObject({ currency: z.string(), points }))
      .meta({ description: 'What became usable, or is gone' }),
    balances: z.array(Balance),
    tier: TierStanding.nullable(),
    tierChange: TierChange.optional(),
  })
  .meta({
    id: 'Confirmation',
    examples: [
      {
        transactionId: 'txn_0198f0a2b3c4700080000000000a0001',
        memberId: 'mem_0198f0a2b3c4700080000000000a0001',
        status: 'confirmed',
        points: [{ currency: 'beans', points: 12 }],
        balances: [{ currency: 'beans', available: 132, pending: 0, held: 0, negative: 0 }],
        tier: null,
      },
    ],
  })

const refused = [
  'transaction_not_found',
  'transaction_not_pending',
  'member_not_active',
  'idempotency_conflict',
  'date_out_of_range',
] as const

export function confirmationRoutes(app: App, deps: RouteDeps): void {
  const config = { ...scope('transactions:write'), ...keyed }
  const common = {
    tags: ['transactions'],
    params,
    body: NewConfirmation,
    response: replies({ 200: { description: 'What it came to', schema: Confirmation } }, refused),
  }

  const confirm = {
    ...common,
    operationId: 'confirmTransaction',
    summary: 'Confirm a transaction whose points await it',
    description:
      'Its pending points become usable. A confirmation that occurred in time counts even if it is sent after the points were cancelled by themselves.',
  }
  const cancel = {
    ...common,
    operationId: 'cancelTransaction',
    summary: 'Cancel points that await a confirmation',
    description: 'For what will never be confirmed. The transaction stays; to take it back, return it.',
  }
  for (const [kind, schema] of [['confirm', confirm] as const, ['cancel', cancel] as const]) {
    app.post(`/transactions/:transactionId/${kind}`, { schema, config }, (request, reply) => {
      const body = withRef(request.body, request)
      const transactionId = readId('transaction', request.params.transactionId, 'transaction_not_found')
      const ask = { kind, transactionId, body }
      return write(deps, { request, reply, status: 200 }, { ref: body.externalRef, ask })
    })
  }
}
