/**
 * The closed list of refusals, and what a bug looks like. A refusal is an answer ("you have too few
 * points"); an invariant that fails is a defect of ours. HTTP statuses are decided at the door only.
 */

export const errorCodes = [
  // the request itself
  'malformed_request',
  'payload_too_large',
  'unsupported_media_type',
  'route_not_found',
  'unauthenticated',
  'forbidden',
  'rate_limited',
  // things that are not there (or belong to another program, which is the same answer)
  'member_not_found',
  'identifier_not_found',
  'transaction_not_found',
  'redemption_not_found',
  'reward_not_found',
  'pool_not_found',
  'tier_not_found',
  'promotion_not_found',
  'segment_not_found',
  'experiment_not_found',
  'arm_not_found',
  'program_not_found',
  'rules_version_not_found',
  // the state says no
  'identifier_taken',
  'member_not_active',
  'identifier_blocked',
  'redemption_not_held',
  'hold_expired',
  'redemption_not_captured',
  'transaction_not_pending',
  'reward_unavailable',
  'transaction_attached',
  'transaction_not_attached',
  'points_held',
  'not_merged',
  'member_not_closed',
  'already_in_pool',
  'not_in_pool',
  'rules_version_begun',
  'simulation_running',
  'retention_not_declared',
  'no_open_complaint',
  // understood and refused
  'idempotency_conflict',
  'insufficient_points',
  'claim_too_late',
  'already_claimed',
  'returned_too_much',
  'line_not_found',
  'unknown_transaction_type',
  'unknown_fact',
  'unknown_currency',
  'currency_not_redeemable',
  'same_member',
  'transfer_not_allowed',
  'pools_not_allowed',
  'money_currency_mismatch',
  'points_out_of_range',
  'amount_out_of_range',
  'date_out_of_range',
  'below_minimum',
  'above_maximum',
  'not_a_step',
  'limit_reached',
  'no_rules_in_force',
  'rules_invalid',
  'invalid_cursor',
  // the service itself
  'queue_full',
  'database_unavailable',
  'rules_unreadable',
  'internal_error',
] as const

export type ErrorCode = (typeof errorCodes)[number]

/** One fault in the input: where it is (a JSON pointer, or a place in a rule file) and what was expected. */
export interface Fault {
  readonly path: string
  readonly message: string
  readonly file?: string
  readonly line?: number
  readonly column?: number
  /** just past the last character at fault, on the same line */
  readonly endColumn?: number
  readonly hint?: string
}

/** A refusal: nothing was written. `details` names what is at fault and goes to the caller as it is. */
export class DomainError extends Error {
  readonly code: ErrorCode
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, details: Readonly<Record<string, unknown>> = {}, message?: string) {
    super(message ?? code)
    this.name = 'DomainError'
    this.code = code
    this.details = details
  }
}

/** A defect of ours, not the caller's. */
export class InvariantError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'InvariantError'
  }
}

export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message)
}
