/**
 * What is known of each request: its id, the caller's trace, how long it took. Logs say which route was
 * asked and how it ended; never a body, a key, an identifier or a path with one in it.
 */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { Metrics } from './metrics.ts'

const REQUEST_ID = /^[\w.-]{1,64}$/
/** No answer is a page, or a part of one, unless it says otherwise. */
const SAFE = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
}
const VERBOSE = new Set(['debug', 'trace'])
const TRACE_PARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/

/** The caller's own id where it is one, else a new one. */
export function requestIdOf(request: IncomingMessage): string {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID()
}

export function watchRequests(app: FastifyInstance, metrics: Metrics): void {
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(SAFE).header('x-request-id', request.id)
    const trace = request.headers.traceparent
    if (typeof trace === 'string' && TRACE_PARENT.test(trace)) reply.header('traceparent', trace)
    done()
  })

  let closing = false
  app.addHook('preClose', (done) => {
    closing = true
    done()
  })
  // A connection that is kept open after its last answer would keep the service from ending.
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (closing) reply.header('connection', 'close')
    done(null, payload)
  })

  app.addHook('onResponse', (request, reply, done) => {
    const { method } = request
    const { statusCode: status, elapsedTime } = reply
    const route = request.routeOptions.url ?? 'unknown'
    metrics.onRequest({ method, route, status, seconds: elapsedTime / 1000 })
    // 503 comes in floods, and the metrics count them.
    const failed = status >= 500 && status !== 503
    if (failed || VERBOSE.has(request.log.level)) {
      const line = { method, route, status, ms: elapsedTime, trace: reply.getHeader('traceparent') }
      if (failed) request.log.warn(line, 'failed')
      else request.log.debug(line, 'answered')
    }
    done()
  })
}
