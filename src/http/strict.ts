/** The stricter half of the contract, for tests: no reply leaves that its documented schema does not allow. */
import type { FastifyInstance } from 'fastify'
import type { z } from 'zod'
import { DomainError, InvariantError } from '../base/errors.ts'
import { Problem, problemOf, problemText } from './errors.ts'

type Documented = Record<string, { content?: Record<string, { schema: z.ZodType }> } | undefined>

export function checkReplies(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply, payload) => {
    const type = String(reply.getHeader('content-type') ?? '').split(';')[0] ?? ''
    if (typeof payload !== 'string' || !type.endsWith('json') || request.routeOptions.schema?.hide)
      return payload
    const documented = (request.routeOptions.schema?.response ?? {}) as Documented
    const known = documented[reply.statusCode]?.content?.[type]
    // Where no route was found there is nothing documented, and a problem it is.
    const schema = known?.schema ?? (request.is404 ? Problem : undefined)
    const fault = schema
      ? schema.safeParse(JSON.parse(payload)).error?.message
      : `${request.method} ${request.routeOptions.url} does not document ${reply.statusCode} ${type}`
    if (fault === undefined) return payload

    request.log.error({ err: new InvariantError(`undocumented reply: ${fault}`) }, 'defect')
    reply.code(500).type('application/problem+json')
    return problemText(problemOf(new DomainError('internal_error', { fault }), request.id))
  })
}
