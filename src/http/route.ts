/**
 * What every route file is given, and how a route says what it answers: its own replies beside the
 * problems that it and every other route can give.
 */
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { z } from 'zod'
import type { ErrorCode } from '../base/errors.ts'
import type { Sql } from '../db/connection.ts'
import type { Lane } from '../engine/lane.ts'
import type { Programs } from '../engine/programs.ts'
import { refusals } from './errors.ts'

/** Fastify with requests typed by their zod schemas. */
export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>

export interface RouteDeps {
  readonly sql: Sql
  readonly lane: Lane
  readonly programs: Programs
  readonly now: () => Date
  /** where a simulation keeps what it has read; nowhere where it is left out */
  readonly dataFolder?: string
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** takes an Idempotency-Key header */
    keyed?: boolean
    /** answered even when the service is too busy for anything else */
    always?: boolean
  }
}

/** `config` of a write that takes an Idempotency-Key header. */
export const keyed = { keyed: true } as const

/** The `response` of a route's schema. */
export function replies(
  own: Readonly<Record<number, { readonly description: string; readonly schema: z.ZodType }>>,
  codes: readonly ErrorCode[] = [],
): Record<string, unknown> {
  const good = Object.entries(own).map(([status, { description, schema }]) => [
    status,
    { description, content: { 'application/json': { schema } } },
  ])
  return { ...refusals(...codes), ...Object.fromEntries(good) }
}
