/** Whether the service is there (live), and whether it can do its work (ready). */
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { problemReplies } from './errors.ts'
import { ping } from './queries.ts'
import type { App, RouteDeps } from './route.ts'

/** A database that does not answer within so long is taken to be away. */
const PATIENCE = 2_000

const Live = z
  .strictObject({ status: z.literal('live') })
  .meta({ id: 'Live', examples: [{ status: 'live' }] })

const Ready = z
  .strictObject({
    status: z.enum(['ready', 'not_ready']),
    checks: z.strictObject({
      database: z.enum(['ok', 'unavailable']),
      rules: z.enum(['ok', 'none published']),
      queue: z.int().meta({ description: 'Commands waiting or being written' }),
    }),
  })
  .meta({
    id: 'Ready',
    examples: [{ status: 'ready', checks: { database: 'ok', rules: 'ok', queue: 0 } }],
  })

function answer(description: string, schema: z.ZodType) {
  return { description, content: { 'application/json': { schema } } }
}

export function healthRoutes(app: App, { sql, lane, programs }: RouteDeps): void {
  const tags = ['operations']
  // A probe must get through when the service is busy: that is what it asks about.
  const config = { rateLimit: false as const, always: true }

  const live = {
    operationId: 'isLive',
    tags,
    summary: 'The process answers',
    description: 'Asks nothing of the database.',
    security: [],
    response: { 200: answer('It does', Live), ...problemReplies(['malformed_request']) },
  }
  app.get('/health/live', { schema: live, config }, async () => ({ status: 'live' }))

  const ready = {
    operationId: 'isReady',
    tags,
    summary: 'The service can do its work',
    description: 'The database answers and rules are published; the queue’s length beside them.',
    security: [],
    response: {
      200: answer('It can', Ready),
      503: answer('It cannot now', Ready),
      ...problemReplies(['malformed_request']),
    },
  }
  app.get('/health/ready', { schema: ready, config }, async (_request, reply) => {
    const database = await answers()
    const rules = programs.ids().length > 0
    const good = database && rules
    reply.code(good ? 200 : 503)
    return {
      status: good ? 'ready' : 'not_ready',
      checks: {
        database: database ? 'ok' : 'unavailable',
        rules: rules ? 'ok' : 'none published',
        queue: lane.depth,
      },
    }
  })

  async function answers(): Promise<boolean> {
    const tooLate = sleep(PATIENCE, false, { ref: false })
    const found = ping(sql).then(
      () => true,
      () => false,
    )
    return Promise.race([found, tooLate])
  }
}
