/**
 * Every failure as `application/problem+json` (RFC 9457), and the one place that knows HTTP statuses: a
 * code without a status does not compile. Nothing of a defect of ours goes out but its request id.
 */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { DomainError, type ErrorCode, errorCodes, type Fault } from '../base/errors.ts'
import { isLostConnection, isLostRace } from '../db/retry.ts'
import { dropRest } from './body.ts'
import { detailOf } from './details.ts'

export const problems: Record<ErrorCode, { readonly status: number; readonly title: string }> = {
  malformed_request: { status: 400, title: 'The request is not well formed' },
  payload_too_large: { status: 413, title: 'The request body is too large' },
  unsupported_media_type: { status: 415, title: 'The body is not application/json' },
  route_not_found: { status: 404, title: 'There is no such route' },
  unauthenticated: { status: 401, title: 'No valid API key' },
  forbidden: { status: 403, title: 'The API key may not do this' },
  rate_limited: { status: 429, title: 'Too many requests' },
  member_not_found: { status: 404, title: 'There is no such member' },
  identifier_not_found: { status: 404, title: 'No member has this identifier' },
  transaction_not_found: { status: 404, title: 'There is no such transaction' },
  redemption_not_found: { status: 404, title: 'There is no such redemption' },
  pool_not_found: { status: 404, title: 'There is no such pool' },
  reward_not_found: { status: 404, title: 'There is no such reward' },
  tier_not_found: { status: 422, title: 'The ladder has no such tier or challenge' },
  promotion_not_found: { status: 422, title: 'There is no such promotion to register for now' },
  segment_not_found: { status: 404, title: 'No such segment' },
  experiment_not_found: { status: 404, title: 'No such experiment' },
  arm_not_found: { status: 422, title: 'The campaign has no such arm to roll out' },
  program_not_found: { status: 404, title: 'There is no such program' },
  rules_version_not_found: { status: 404, title: 'There is no such version of the rules' },
  transaction_attached: { status: 409, title: 'The transaction has its member' },
  transaction_not_attached: { status: 409, title: 'The transaction has no member yet' },
  identifier_taken: { status: 409, title: 'Another member has this identifier' },
  member_not_active: { status: 409, title: 'The member is not active' },
  identifier_blocked: { status: 409, title: 'The identifier is blocked' },
  redemption_not_held: { status: 409, title: 'The redemption is not held' },
  hold_expired: { status: 409, title: 'The hold has run out' },
  redemption_not_captured: { status: 409, title: 'The redemption is not captured' },
  points_held: { status: 409, title: 'Points are still held for a redemption' },
  not_merged: { status: 409, title: 'These members are not merged' },
  member_not_closed: { status: 409, title: 'The member is not closed' },
  already_in_pool: { status: 409, title: 'The member is in a pool already' },
  not_in_pool: { status: 409, title: 'The member is not in this pool' },
  transaction_not_pending: { status: 409, title: 'The transaction awaits no confirmation' },
  rules_version_begun: { status: 409, title: 'The version has begun and cannot be withdrawn' },
  simulation_running: { status: 503, title: 'Another simulation is running' },
  retention_not_declared: { status: 409, title: 'The program has no retention section' },
  no_open_complaint: { status: 409, title: 'There is no open complaint to resolve' },
  reward_unavailable: { status: 409, title: 'The member cannot have this reward now' },
  idempotency_conflict: { status: 422, title: 'The same reference was used for another request' },
  insufficient_points: { status: 422, title: 'Not enough points' },
  claim_too_late: { status: 422, title: 'It happened too long ago to be credited' },
  already_claimed: { status: 422, title: 'This was credited before' },
  returned_too_much: { status: 422, title: 'More is returned than was bought' },
  line_not_found: { status: 422, title: 'The transaction has no such line' },
  unknown_transaction_type: { status: 422, title: 'The program has no such transaction type' },
  unknown_fact: { status: 422, title: 'A field is not what the program declares' },
  unknown_currency: { status: 422, title: 'The program has no such currency' },
  same_member: { status: 422, title: 'Two different members are needed' },
  transfer_not_allowed: { status: 422, title: 'The program does not let these points be given away' },
  pools_not_allowed: { status: 422, title: 'The program has no pools' },
  currency_not_redeemable: { status: 422, title: 'The currency cannot be spent' },
  money_currency_mismatch: { status: 422, title: 'The money is not of the program’s currency' },
  points_out_of_range: { status: 422, title: 'More points than can be counted exactly' },
  amount_out_of_range: { status: 422, title: 'The amount is out of range' },
  date_out_of_range: { status: 422, title: 'The date is out of range' },
  below_minimum: { status: 422, title: 'Fewer points than can be redeemed at once' },
  above_maximum: { status: 422, title: 'More points than can be redeemed at once' },
  not_a_step: { status: 422, title: 'Points are redeemed in steps' },
  limit_reached: { status: 422, title: 'A limit is reached' },
  no_rules_in_force: { status: 422, title: 'No rules were in force at that time' },
  rules_invalid: { status: 422, title: 'The rule files have errors' },
  invalid_cursor: { status: 400, title: 'The cursor is not one of this list' },
  queue_full: { status: 503, title: 'The service is busy' },
  database_unavailable: { status: 503, title: 'The database cannot be reached' },
  rules_unreadable: { status: 503, title: 'The published rules no longer load' },
  internal_error: { status: 500, title: 'The service failed' },
}

/** One fault of a body or of rule files. */
export const WireFault = z.strictObject({
  path: z.string(),
  message: z.string(),
  file: z.string().optional(),
  line: z.int().optional(),
  column: z.int().optional(),
  endColumn: z.int().optional(),
  hint: z.string().optional(),
})

export const Problem = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(errorCodes),
    requestId: z.string(),
    details: z.record(z.string(), z.unknown()).optional(),
    errors: z.array(WireFault).optional(),
  })
  .meta({
    id: 'Problem',
    description:
      'RFC 9457. `code` is of a closed list and never changes its meaning; `detail` is a sentence.',
    examples: [
      {
        type: 'about:blank',
        title: 'Not enough points',
        status: 422,
        detail: '1,200 points asked for, 1,000 available',
        code: 'insufficient_points',
        requestId: '5f0c1a52-6a1d-4d1c-9a43-2f1f7e7b9d10',
        details: { currency: 'beans', requested: 1200, available: 1000 },
      },
    ],
  })

export type ProblemBody = z.infer<typeof Problem>

/** Seconds after which it is worth trying again, for what passes by itself. */
const RETRY_AFTER = 1

/** The refusal that an error amounts to; `internal_error` for a defect. */
export function refusalOf(error: unknown): DomainError {
  if (error instanceof DomainError) return error
  if (isLostConnection(error) || isLostRace(error) || isOverwhelmed(error)) {
    return new DomainError('database_unavailable')
  }
  const { code, statusCode } = error as Partial<FastifyError>
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new DomainError('payload_too_large')
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE' || code === 'FST_ERR_CTP_INVALID_TYPE') {
    return new DomainError('unsupported_media_type')
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500 && error instanceof Error) {
    return new DomainError('malformed_request', {}, error.message)
  }
  return new DomainError('internal_error')
}

/** A refusal in one sentence. */
export function wordsOf(refusal: DomainError): string {
  return detailOf(refusal, problems[refusal.code].title)
}

export function problemOf(refusal: DomainError, requestId: string): ProblemBody {
  const { status, title } = problems[refusal.code]
  const detail = detailOf(refusal, title)
  const { errors, path, ...details } = refusal.details
  const faults = faultsOf(errors, path, detail)
  return {
    type: 'about:blank',
    title,
    status,
    detail,
    code: refusal.code,
    requestId,
    ...(Object.keys(details).length > 0 && { details }),
    ...(faults && { errors: faults }),
  }
}

/** JSON text of a problem; points in its details may be bigint. */
export function problemText(body: ProblemBody): string {
  return JSON.stringify(body, (_key, value) => (typeof value === 'bigint' ? wireInteger(value) : value))
}

/** The app's error handler. */
export function replyWithProblem(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply | Promise<FastifyReply> {
  const refusal = refusalOf(error)
  if (refusal.code === 'payload_too_large') return dropRest(request).then(() => sendProblem(reply, refusal))
  if (refusal.code === 'internal_error') request.log.error({ err: error }, 'defect')
  if (refusal.code === 'database_unavailable')
    request.log.warn({ code: codeOf(error) }, 'database unavailable')
  return sendProblem(reply, refusal)
}

export function sendProblem(reply: FastifyReply, refusal: DomainError, status?: number): FastifyReply {
  const body = problemOf(refusal, reply.request.id)
  if (status !== undefined) body.status = status
  if (body.status === 503) reply.header('retry-after', RETRY_AFTER)
  if (body.status === 401) reply.header('www-authenticate', 'Bearer realm="milepost"')
  return reply.code(body.status).type('application/problem+json').send(problemText(body))
}

/** The problem replies of a route's schema: its own refusals, and those that any route can give. */
export function refusals(...codes: ErrorCode[]): Record<number, unknown> {
  return problemReplies([
    ...(['malformed_request', 'unauthenticated', 'forbidden', 'rate_limited'] as const),
    ...codes,
    ...(['internal_error', 'queue_full', 'database_unavailable', 'rules_unreadable'] as const),
  ])
}

/** These codes, by status. */
export function problemReplies(codes: readonly ErrorCode[]): Record<number, unknown> {
  const byStatus = new Map<number, string[]>()
  for (const code of codes) {
    const { status } = problems[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return Object.fromEntries(
    [...byStatus].map(([status, named]) => [
      status,
      { description: named.join(', '), content: { 'application/problem+json': { schema: Problem } } },
    ]),
  )
}

function faultsOf(errors: unknown, path: unknown, message: string): Fault[] | undefined {
  if (Array.isArray(errors)) return errors as Fault[]
  return typeof path === 'string' ? [{ path, message }] : undefined
}

function wireInteger(value: bigint): number | string {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString()
}

// too_many_connections and what else means "not now": 53xxx insufficient resources, 57014 cancelled by a
// timeout, 55P03 a lock not to be had
function isOverwhelmed(error: unknown): boolean {
  return /^53|^57014$|^55P03$/.test(codeOf(error))
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
