/** The OpenAPI document without a service: the app is built, never asked, and closed again. */
import { invariant } from '../base/errors.ts'
import { connect } from '../db/connection.ts'
import { buildApp } from './app.ts'

export async function openapiDocument(): Promise<object> {
  // Connects when it is first asked for something, and nothing is asked here.
  const sql = connect('postgres://127.0.0.1:1/none', { max: 1 })
  const app = await buildApp({
    sql,
    lane: { run: unasked, preview: unasked, depth: 0, close: async () => {} },
    programs: {
      refresh: async () => false,
      ids: () => [],
      versions: () => [],
      find: () => null,
      loads: () => true,
      unloadable: () => [],
      at: unasked,
      version: unasked,
      files: unasked,
    },
    now: () => new Date(0),
    logLevel: 'silent',
    rateLimitPerMinute: 1,
  })
  try {
    await app.ready()
    return app.swagger()
  } finally {
    await app.close()
    await sql.end()
  }
}

function unasked(): never {
  invariant(false, 'a document is made without asking anything')
}
