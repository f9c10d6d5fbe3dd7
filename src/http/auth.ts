/**
 * Who asks: the API key of the request names a program, a source and scopes, and everything after this
 * point is limited to that program. A revoked key stops working within KEPT milliseconds.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { DomainError } from '../base/errors.ts'
import type { Sql } from '../db/connection.ts'
import { findKey, type Scope } from '../engine/keys.ts'

export interface Caller {
  readonly keyId: string
  readonly program: string
  readonly source: string
  readonly scopes: ReadonlySet<string>
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** what the key must be allowed to do; a route of the API without one is not registered */
    scope?: Scope
  }
  interface FastifyRequest {
    caller: Caller | null
  }
}

/** How long a key that was found is taken to be good: the longest that a revoked one still works. */
const KEPT = 3_000
const MOST_KEPT = 10_000
/** Look-ups that find no key, per address and minute, before the database is no longer asked. */
const MOST_STRANGERS = 600
const KEY = /^Bearer +(mp_[A-Za-z0-9_-]{43}) *$/i

/** The `config` of a route that asks for a scope. */
export function scope(needed: Scope): { scope: Scope } {
  return { scope: needed }
}

/** The caller of a route that has a scope: never null there. */
export function callerOf(request: FastifyRequest): Caller {
  if (!request.caller) throw new DomainError('unauthenticated')
  return request.caller
}

/** Finds the caller of each request of the routes below; refuses what has no key or not the scope. */
export function authenticate(app: FastifyInstance, sql: Sql): void {
  const known = new Map<string, { caller: Caller; until: number }>()
  const strangers = app.createRateLimit({ max: MOST_STRANGERS, keyGenerator: (request) => request.ip })

  async function find(request: FastifyRequest, key: string): Promise<Caller> {
    const tried = await strangers(request, { increment: false })
    if (!tried.isAllowed && tried.remaining === 0) {
      throw new DomainError('rate_limited', { retryAfterSeconds: tried.ttlInSeconds })
    }
    const found = await findKey(sql, key)
    if (!found) {
      await strangers(request)
      throw new DomainError('unauthenticated', {}, 'the API key is not known, or was revoked')
    }
    const caller = { ...found, scopes: new Set<string>(found.scopes) }
    if (known.size >= MOST_KEPT) known.clear()
    known.set(key, { caller, until: Date.now() + KEPT })
    return caller
  }

  app.addHook('onRequest', async (request) => {
    const { scope: needed } = request.routeOptions.config
    if (needed === undefined) return
    const key = KEY.exec(request.headers.authorization ?? '')?.[1]
    if (key === undefined) {
      throw new DomainError('unauthenticated', {}, 'send the API key as "Authorization: Bearer mp_…"')
    }
    const kept = known.get(key)
    const caller = kept && kept.until > Date.now() ? kept.caller : await find(request, key)
    request.caller = caller
    if (!caller.scopes.has(needed)) {
      throw new DomainError('forbidden', { scope: needed }, `the API key lacks the scope ${needed}`)
    }
  })
}
