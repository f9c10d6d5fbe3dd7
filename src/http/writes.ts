/**
 * How a write goes through the door: its natural key is found, the command runs in the lane, and the
 * answer goes out as the lane gave it, byte for byte, so that a replay is the same to the last character.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { DomainError } from '../base/errors.ts'
import { readId } from '../base/ids.ts'
import { type Command, newCommand, type Request } from '../engine/command.ts'
import type { Lane } from '../engine/lane.ts'
import type { MemberReference } from '../members/member.ts'
import { callerOf } from './auth.ts'
import { malformed } from './body.ts'

export interface WriteDeps {
  readonly lane: Lane
  readonly now: () => Date
}

/** A client that sends longer ones has mixed up its headers. */
const MOST_KEY = 200

/** The Idempotency-Key header, refused where it cannot be one. */
export function keyHeader(request: FastifyRequest): string | undefined {
  const key = request.headers['idempotency-key']
  if (key === undefined) return undefined
  if (typeof key !== 'string' || key.length > MOST_KEY || !/^[\x21-\x7e]+$/.test(key)) {
    throw new DomainError(
      'malformed_request',
      {},
      `Idempotency-Key is 1 to ${MOST_KEY} visible ASCII characters, given once`,
    )
  }
  return key
}

/** The body with its reference: its own, or the header's. */
export function withRef<Body extends { externalRef?: string | undefined }>(
  body: Body,
  request: FastifyRequest,
): Body & { externalRef: string } {
  const externalRef = body.externalRef ?? keyHeader(request)
  if (externalRef === undefined) {
    throw malformed([{ path: '/externalRef', message: 'is missing, and so is Idempotency-Key' }], 'the body')
  }
  return { ...body, externalRef }
}

/** The body with its member as a UUID, as commands name members. */
export function withMember<Body extends MemberReference>(body: Body): Body {
  if (body.memberId === undefined) return body
  return { ...body, memberId: readId('member', body.memberId, 'member_not_found') }
}

export function commandOf(
  request: FastifyRequest,
  what: { now: () => Date; ref: string | null; ask: Request },
): Command {
  const { program, source } = callerOf(request)
  return newCommand({ program, source, ref: what.ref, at: what.now() }, what.ask)
}

/** Runs a command and sends its answer with the status of the first time. */
export async function write(
  { lane, now }: WriteDeps,
  to: { request: FastifyRequest; reply: FastifyReply; status: 200 | 201 },
  what: { ref: string | null; ask: Request },
): Promise<FastifyReply> {
  const answer = await lane.run(commandOf(to.request, { now, ...what }))
  if (answer.replayed) to.reply.header('idempotent-replayed', 'true')
  return to.reply.code(to.status).type('application/json; charset=utf-8').send(answer.body)
}
