/** Events and places in the outbox as others see them: the same text over HTTP and on the command line. */
import { DomainError } from '../base/errors.ts'
import { readId, showId } from '../base/ids.ts'
import type { Executor } from '../db/connection.ts'
import { type EventRow, type Place, placeOf } from './queries.ts'

export interface WireEvent {
  eventId: string
  sequence: number
  type: string
  at: string
  memberId: string | null
  data: Record<string, unknown>
}

export function wireEvent({ eventId, sequence, type, at, payload }: EventRow): WireEvent {
  // Everything about a member says so in the payload; a sale that came without one has nobody to name.
  const { memberId = null, ...data } = payload as { memberId?: string | null }
  const shown = showId('event', eventId)
  return { eventId: shown, sequence: Number(sequence), type, at: at.toISOString(), memberId, data }
}

/**
 * The place that an `eventId` or a shown place names. The event is looked up: should its place have changed (a
 * restored database), it is followed there. Refuses `invalid_cursor`.
 */
export async function placeAfter(sql: Executor, program: string, after: string): Promise<Place> {
  const place = after.startsWith('evt_') ? null : readPlace(after)
  const eventId = place?.eventId ?? readId('event', after, 'invalid_cursor')
  const now = await placeOf(sql, { program, eventId })
  const found = now ?? place
  if (found) return found
  const told = 'that event is not there; it may be older than events are kept: read from the beginning'
  throw new DomainError('invalid_cursor', { after }, told)
}

/** 8 bytes of the database transaction, 16 of the event. */
export function showPlace({ xact, eventId }: Place): string {
  const bytes = Buffer.alloc(24)
  bytes.writeBigUInt64BE(BigInt(xact))
  bytes.write(eventId.replaceAll('-', ''), 8, 'hex')
  return bytes.toString('base64url')
}

function readPlace(text: string): Place {
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.length !== 24 || bytes.toString('base64url') !== text) throw new DomainError('invalid_cursor')
  const xact = bytes.readBigUInt64BE().toString()
  return { xact, eventId: readId('event', `evt_${bytes.subarray(8).toString('hex')}`, 'invalid_cursor') }
}
