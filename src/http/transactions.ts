/** Transactions: posting, quoting, batches, returns, and why a transaction gave what it gave. */
import { z } from 'zod'
import { DomainError } from '../base/errors.ts'
import { readId, showId } from '../base/ids.ts'
import { wirePoints } from '../base/points.ts'
import { explain } from '../earning/explain.ts'
import type { EarnReply, TransactionBody } from '../earning/transaction.ts'
import { worth } from '../redeeming/place.ts'
import { callerOf, scope } from './auth.ts'
import { faultsOf, malformed } from './body.ts'
import { problemOf, problemText, refusalOf } from './errors.ts'
import { readHoldings } from './holdings.ts'
import { survivorOf } from './kin.ts'
import { findLooseSale, findTransaction, type LooseSaleRow, type TransactionRow } from './queries.ts'
import { quotedSale } from './quoted-sale.ts'
import { type App, keyed, type RouteDeps, replies } from './route.ts'
import { id } from './schemas.ts'
import {
  Batch,
  BatchItem,
  BatchResult,
  EarnedTransaction,
  EarnQuote,
  NewAttachment,
  NewReturn,
  NewTransaction,
  Return,
  TransactionReport,
} from './transaction-schemas.ts'
import { commandOf, withMember, withRef, write } from './writes.ts'

/** A thousand baskets are larger than one. */
const BATCH_BODY_LIMIT = 5 * 1024 * 1024

const transactionParams = z.strictObject({ transactionId: id('txn', 'the transaction') })

const explaining = z.strictObject({
  explain: z
    .enum(['true', 'false'])
    .default('false')
    .meta({ description: 'Also why each rule did what it did', examples: ['true'] }),
})

const earning = [
  'member_not_found',
  'member_not_active',
  'identifier_blocked',
  'idempotency_conflict',
  'unknown_transaction_type',
  'unknown_fact',
  'money_currency_mismatch',
  'amount_out_of_range',
  'date_out_of_range',
  'points_out_of_range',
  'limit_reached',
  'claim_too_late',
  'already_claimed',
  'no_rules_in_force',
  'unsupported_media_type',
  'payload_too_large',
] as const

export function transactionRoutes(app: App, deps: RouteDeps): void {
  const tags = ['transactions']
  const config = { ...scope('transactions:write'), ...keyed }

  const post = {
    operationId: 'postTransaction',
    tags,
    summary: 'Post a transaction',
    description:
      'Valued with the rules in force at `occurredAt`. Safe to send again: the same externalRef gets the same answer.',
    body: NewTransaction,
    response: replies({ 201: { description: 'What it earned', schema: EarnedTransaction } }, earning),
  }
  app.post('/transactions', { schema: post, config }, (request, reply) => {
    const body = withMember(withRef(request.body, request))
    return write(
      deps,
      { request, reply, status: 201 },
      { ref: body.externalRef, ask: { body, kind: 'earn' } },
    )
  })

  attachRoute(app, deps)
  quoteRoute(app, deps)
  batchRoute(app, deps)

  const takeBack = {
    operationId: 'returnTransaction',
    tags,
    summary: 'Return a transaction, or lines of it',
    description:
      'Takes back what the transaction would not have earned without the returned lines, under the rules of its day.',
    params: transactionParams,
    body: NewReturn,
    response: replies({ 201: { description: 'What is taken back and paid back', schema: Return } }, [
      'transaction_not_found',
      'transaction_not_attached',
      'member_not_active',
      'line_not_found',
      'returned_too_much',
      'idempotency_conflict',
      'date_out_of_range',
    ]),
  }
  app.post('/transactions/:transactionId/returns', { schema: takeBack, config }, (request, reply) => {
    const body = withRef(request.body, request)
    const transactionId = transactionIdIn(request.params)
    const ask = { kind: 'return', transactionId, body } as const
    return write(deps, { request, reply, status: 201 }, { ref: body.externalRef, ask })
  })

  readRoute(app, deps)
}

function attachRoute(app: App, deps: RouteDeps): void {
  const schema = {
    operationId: 'attachTransaction',
    tags: ['transactions'],
    summary: 'Attach a sale that came without a member',
    description: 'It earns for the member as of its own day, and keeps its id.',
    params: transactionParams,
    body: NewAttachment,
    response: replies({ 201: { description: 'What it earned', schema: EarnedTransaction } }, [
      ...earning,
      'transaction_not_found',
      'transaction_attached',
    ]),
  }
  const config = { ...scope('transactions:write'), ...keyed }
  app.post('/transactions/:transactionId/member', { schema, config }, (request, reply) => {
    const body = withMember(withRef(request.body, request))
    const transactionId = transactionIdIn(request.params)
    const ask = { kind: 'attach', transactionId, body } as const
    return write(deps, { request, reply, status: 201 }, { ref: body.externalRef, ask })
  })
}

function quoteRoute(app: App, deps: RouteDeps): void {
  const schema = {
    operationId: 'quoteTransaction',
    tags: ['transactions'],
    summary: 'What a transaction would earn',
    description:
      'The body of a transaction; nothing is written. Says too what the member could spend now, and with ' +
      '`explain=true` why each rule would give what it gives, or nothing.',
    querystring: explaining,
    body: NewTransaction,
    response: replies({ 200: { description: 'What it would earn', schema: EarnQuote } }, earning),
  }
  app.post('/transactions/quote', { schema, config: scope('transactions:write') }, async (request) => {
    const { now, sql, lane, programs } = deps
    const body = quotedSale(request.body)
    const command = commandOf(request, { now, ref: null, ask: { body, kind: 'earn' } })
    const { body: reply, writes } = await lane.preview(command)
    const { transactionId: _unused, ...quoted } = JSON.parse(reply) as EarnReply
    const memberId = readId('member', quoted.memberId, 'member_not_found')
    const { book } = await readHoldings(sql, { program: command.program, memberId }, command.at)
    const redeemable = [...programs.at(command.program, command.at).currencies.values()]
      .filter((currency) => currency.kind === 'redeemable')
      .map((currency) => {
        const points = book.accounts.get(currency.id)?.available ?? 0n
        return { currency: currency.id, points: wirePoints(points), value: worth(currency, points) }
      })
    const [written] = writes.transactions
    const trace =
      request.query.explain === 'true' && written
        ? explain(programs.version(command.program, written.stored.rulesVersion), written.stored)
        : null
    return { ...quoted, redeemable, ...(trace && { trace }) }
  })
}

function batchRoute(app: App, deps: RouteDeps): void {
  const schema = {
    operationId: 'postTransactions',
    tags: ['transactions'],
    summary: 'Post up to 1,000 transactions',
    description: 'For tills that were offline. One result per item, in order; a bad item is refused alone.',
    body: Batch,
    response: replies({ 200: { description: 'One result per item', schema: BatchResult } }, [
      'payload_too_large',
      'unsupported_media_type',
    ]),
  }
  const config = scope('transactions:write')
  app.post('/transactions/batch', { schema, config, bodyLimit: BATCH_BODY_LIMIT }, async (request, reply) => {
    const result = async (item: unknown, index: number): Promise<string> => {
      try {
        const parsed = BatchItem.safeParse(item)
        if (!parsed.success) throw malformed(faultsOf(parsed.error), `transaction ${index + 1}`)
        const body: TransactionBody = withMember(parsed.data)
        const ask = { body, kind: 'earn' } as const
        const answer = await deps.lane.run(commandOf(request, { now: deps.now, ref: body.externalRef, ask }))
        return `{"status":201,"replayed":${answer.replayed},"body":${answer.body}}`
      } catch (error) {
        const refusal = refusalOf(error)
        if (refusal.code === 'internal_error') request.log.error({ err: error }, 'defect')
        const problem = problemOf(refusal, request.id)
        return `{"status":${problem.status},"replayed":false,"body":${problemText(problem)}}`
      }
    }
    // All at once: the lane keeps the order of arrival, and makes large groups of them.
    const results = await Promise.all(request.body.transactions.map(result))
    return reply.type('application/json; charset=utf-8').send(`{"results":[${results.join(',')}]}`)
  })
}

function readRoute(app: App, { sql, programs }: RouteDeps): void {
  const schema = {
    operationId: 'readTransaction',
    tags: ['transactions'],
    summary: 'Read a transaction',
    description: 'With `explain=true` also why each rule gave what it gave, or why it gave nothing.',
    params: transactionParams,
    querystring: explaining,
    response: replies({ 200: { description: 'The transaction', schema: TransactionReport } }, [
      'transaction_not_found',
    ]),
  }
  app.get('/transactions/:transactionId', { schema, config: scope('members:read') }, async (request) => {
    const { program } = callerOf(request)
    const which = { program, transactionId: transactionIdIn(request.params) }
    const row = await findTransaction(sql, which)
    if (!row) {
      const loose = await findLooseSale(sql, which)
      if (!loose) throw new DomainError('transaction_not_found', { id: request.params.transactionId })
      return wireLoose(loose)
    }
    const trace =
      request.query.explain === 'true' &&
      explain(programs.version(program, row.rulesVersion), { ...row, kept: row.valuation })
    const memberId = await survivorOf(sql, program, row)
    return { ...wireTransaction({ ...row, memberId }), ...(trace && { trace }) }
  })
}

/** What a transaction and a sale without a member have in common. */
function wireFacts(row: LooseSaleRow) {
  const { request } = row
  return {
    transactionId: showId('transaction', row.transactionId),
    externalRef: row.externalRef,
    source: row.source,
    type: request.type,
    occurredAt: row.occurredAt.toISOString(),
    recordedAt: row.recordedAt.toISOString(),
    lines: request.lines,
    tenders: request.tenders ?? [],
    location: request.location ?? null,
    channel: request.channel ?? null,
    attributes: request.attributes ?? {},
  }
}

function wireLoose(row: LooseSaleRow) {
  return { ...wireFacts(row), memberId: null, rulesVersion: null, awards: [], returns: [] }
}

function wireTransaction(row: TransactionRow) {
  return {
    ...wireFacts(row),
    memberId: showId('member', row.memberId),
    rulesVersion: row.rulesVersion,
    awards: row.valuation.awards,
    ...(row.revaluedAt && { revaluedAt: row.revaluedAt.toISOString() }),
    returns: row.returns.map(({ returnId, occurredAt, lines, reversed }) => ({
      returnId: showId('return', returnId),
      occurredAt: new Date(occurredAt).toISOString(),
      lines,
      reversed,
    })),
  }
}

function transactionIdIn(params: { transactionId: string }): string {
  return readId('transaction', params.transactionId, 'transaction_not_found')
}
