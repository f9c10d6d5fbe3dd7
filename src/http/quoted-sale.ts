/**
 * A sale that is to be quoted: the body of a transaction, whose reference may be left out because nothing is
 * written, and which names its member, because what it would earn depends on who buys.
 */
import type { z } from 'zod'
import type { TransactionBody } from '../earning/transaction.ts'
import { faultsOf, malformed } from './body.ts'
import { NewTransaction } from './transaction-schemas.ts'
import { withMember } from './writes.ts'

export function quotedSale(sale: z.infer<typeof NewTransaction>): TransactionBody {
  const body = withMember({ ...sale, externalRef: sale.externalRef ?? 'quote' })
  if (body.memberId !== undefined || body.identifier !== undefined) return body
  throw malformed([{ path: '/memberId', message: 'name the member: memberId or identifier' }], 'the body')
}

/** The same of what came another way than over HTTP. Refuses `malformed_request` with all that is wrong. */
export function readQuotedSale(value: unknown): TransactionBody {
  const parsed = NewTransaction.safeParse(value)
  if (!parsed.success) throw malformed(faultsOf(parsed.error), 'the sale')
  return quotedSale(parsed.data)
}
