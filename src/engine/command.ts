/**
 * The union of all commands: everything that writes to a member is one of these. A command carries the
 * request as it was validated, so that the command log alone can rebuild what was decided.
 */
import { hash } from 'node:crypto'
import { stringify } from 'safe-stable-stringify'
import { newCommandId } from '../base/ids.ts'
import type { AttachBody, ConfirmBody, ReturnBody, TransactionBody } from '../earning/transaction.ts'
import type { FeedbackBody } from '../members/feedback.ts'
import type { EnrolBody, IdentifierBody, LifeBody, MemberPatch } from '../members/member.ts'
import type { MergeBody } from '../members/merge.ts'
import type { JoinBody, PoolBody } from '../members/pool.ts'
import type { AdjustBody, CaptureBody, CloseBody, ExtendBody, RedeemBody } from '../redeeming/redemption.ts'
import type { TransferBody } from '../redeeming/transfer.ts'
import type { SegmentsBody, TreatBody } from './campaign.ts'
import type { ClearFlagBody, RaiseFlagBody } from './flags.ts'
import type { RegistrationBody, SegmentBody, TierBody } from './marks.ts'

/** What is asked. Ids in here are UUIDs (the door reads `txn_…`), bodies are the validated wire bodies. */
export type Request =
  | { readonly kind: 'enrol'; readonly body: EnrolBody }
  | { readonly kind: 'update_member'; readonly memberId: string; readonly body: MemberPatch }
  | { readonly kind: 'add_identifier'; readonly memberId: string; readonly body: IdentifierBody }
  | { readonly kind: 'block_identifier'; readonly memberId: string; readonly body: IdentifierBody }
  | { readonly kind: 'remove_identifier'; readonly memberId: string; readonly body: IdentifierBody }
  | { readonly kind: 'earn'; readonly body: TransactionBody }
  /** a sale that came without a member gets one */
  | { readonly kind: 'attach'; readonly transactionId: string; readonly body: AttachBody }
  | { readonly kind: 'return'; readonly transactionId: string; readonly body: ReturnBody }
  | { readonly kind: 'confirm' | 'cancel'; readonly transactionId: string; readonly body: ConfirmBody }
  | { readonly kind: 'redeem'; readonly body: RedeemBody }
  | { readonly kind: 'capture'; readonly redemptionId: string; readonly body: CaptureBody }
  | { readonly kind: 'release'; readonly redemptionId: string; readonly body: CloseBody }
  | { readonly kind: 'reverse'; readonly redemptionId: string; readonly body: CloseBody }
  | { readonly kind: 'adjust'; readonly body: AdjustBody }
  | { readonly kind: 'transfer'; readonly body: TransferBody }
  | { readonly kind: 'create_pool'; readonly body: PoolBody }
  | { readonly kind: 'join_pool'; readonly poolId: string; readonly body: JoinBody }
  | { readonly kind: 'leave_pool'; readonly poolId: string; readonly memberId: string }
  | { readonly kind: 'merge' | 'unmerge'; readonly memberId: string; readonly body: MergeBody }
  | { readonly kind: 'close' | 'reopen' | 'erase'; readonly memberId: string; readonly body: LifeBody }
  | { readonly kind: 'extend'; readonly body: ExtendBody }
  | { readonly kind: 'register'; readonly memberId: string; readonly body: RegistrationBody }
  | { readonly kind: 'change_segment'; readonly memberId: string; readonly body: SegmentBody }
  /** operations of their own: what resolves a complaint may carry the complaint's reference */
  | {
      readonly kind: 'feedback' | 'resolve_complaint'
      readonly memberId: string
      readonly body: FeedbackBody
    }
  | { readonly kind: 'decide_tier'; readonly memberId: string; readonly body: TierBody }
  | { readonly kind: 'assign_segments'; readonly memberId: string; readonly body: SegmentsBody }
  /** puts the member into arms of experiments, and does what the arm says */
  | { readonly kind: 'treat'; readonly memberId: string; readonly body: TreatBody }
  /** everything of the member's that is due by now: release, lapse of holds, expiry, tier assessment */
  | { readonly kind: 'settle'; readonly memberId: string }
  /** what is kept of the member beside the ledger is made anew from the facts */
  | { readonly kind: 'rebuild'; readonly memberId: string }
  /** the member is found to be declining, or no longer */
  | { readonly kind: 'raise_flag'; readonly memberId: string; readonly body: RaiseFlagBody }
  | { readonly kind: 'clear_flag'; readonly memberId: string; readonly body: ClearFlagBody }

export type CommandKind = Request['kind']

export interface Command {
  readonly commandId: string
  readonly program: string
  /** who asks: the API key's source */
  readonly source: string
  /** the natural key within (program, source, kind); null: not recorded, for what is idempotent by nature */
  readonly ref: string | null
  readonly request: Request
  /** the request as JSON, its keys sorted: what the log keeps */
  readonly text: string
  /** SHA-256 of the text, hex */
  readonly requestHash: string
  /** recording time */
  readonly at: Date
}

/** The answer: JSON text, byte for byte the same for a replay. */
export interface Reply {
  readonly body: string
  readonly replayed: boolean
}

export function newCommand(
  from: { program: string; source: string; ref: string | null; at: Date },
  request: Request,
): Command {
  const text = canonical(request)
  const { program, source, ref, at } = from
  const requestHash = hash('sha256', text, 'hex')
  return { commandId: newCommandId(), program, source, ref, at, request, text, requestHash }
}

/** The same command for the log, with a request that says the same and tells less; its hash stays the first one's. */
export function loggedAs(command: Command, request: Request): Command {
  return { ...command, request, text: canonical(request) }
}

/** The JSON of the request's body. Of the request's keys, `body` is the first. */
export function bodyText({ text }: Command): string {
  return text.slice('{"body":'.length, text.lastIndexOf(',"kind":'))
}

/**
 * JSON with sorted keys: a client that serialises its object in another order asks the same thing. The doors
 * make the commonest bodies with their keys in order, and these are written several times as fast.
 */
function canonical(request: Request): string {
  return isInOrder(request) ? JSON.stringify(request) : stringify(request)
}

function isInOrder(value: unknown): boolean {
  if (typeof value === 'bigint') return false
  if (typeof value !== 'object' || value === null) return true
  if (Array.isArray(value)) return value.every(isInOrder)
  let last = ''
  const fields = value as Record<string, unknown>
  for (const key of Object.keys(fields)) {
    if (key < last || !isInOrder(fields[key])) return false
    last = key
  }
  return true
}
