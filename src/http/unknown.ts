/** Requests that no route answers: unknown paths, wrong methods, and what is not even HTTP. */
import type { Socket } from 'node:net'
import type { FastifyInstance, HTTPMethods } from 'fastify'
import { DomainError } from '../base/errors.ts'
import { problemOf, problemText, sendProblem } from './errors.ts'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const satisfies HTTPMethods[]

/**
 * Notes the methods of every path that is registered from here on; `answerTheRest` then answers the other
 * methods of those paths with 405 and `Allow`, and every other path with 404.
 */
export function methodsOfPaths(app: FastifyInstance): { answerTheRest(): void } {
  const known = new Map<string, Set<string>>()
  let complete = false
  app.addHook('onRoute', ({ url, method }) => {
    if (complete) return
    const methods = known.get(url) ?? new Set()
    known.set(url, methods)
    for (const one of [method].flat()) methods.add(one)
  })

  return {
    answerTheRest() {
      complete = true
      for (const [url, methods] of known) {
        const others = METHODS.filter((method) => !methods.has(method))
        if (others.length === 0) continue
        const allow = METHODS.filter((method) => methods.has(method)).join(', ')
        app.route({
          url,
          method: others,
          schema: { hide: true },
          // Before the body is read: nothing will come of it.
          onRequest: async (request, reply) => {
            const refusal = new DomainError(
              'route_not_found',
              { allow },
              `${request.method} is not offered here`,
            )
            return sendProblem(reply.header('allow', allow), refusal, 405)
          },
          handler: () => {},
        })
      }
      app.setNotFoundHandler((_request, reply) => sendProblem(reply, new DomainError('route_not_found')))
    },
  }
}

/** A connection that does not speak HTTP gets the same kind of answer, and is closed. */
export function answerBrokenRequests(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy()
    return
  }
  const refusal = new DomainError('malformed_request', {}, 'this is not a complete HTTP request')
  const body = problemText(problemOf(refusal, 'none'))
  socket.end(
    [
      'HTTP/1.1 400 Bad Request',
      'Content-Type: application/problem+json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  )
}
