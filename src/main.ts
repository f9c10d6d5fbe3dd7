#!/usr/bin/env node
/**
 * The composition root: the one place that knows both the command line and the HTTP application, and hands
 * the one to the other.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Doors } from './cli/doors.ts'
import { runCommandLine } from './cli/run.ts'
import { packageRoot } from './db/package-root.ts'

// Loaded when asked for: the HTTP side takes longer to load than most commands take to run.
const doors: Doors = {
  async createFront() {
    const [{ buildApp }, { createMetrics }] = await Promise.all([
      import('./http/app.ts'),
      import('./http/metrics.ts'),
    ])
    const metrics = createMetrics()
    return { onGroup: metrics.onGroup, build: (deps) => buildApp({ ...deps, metrics }) }
  },
  openapiDocument: async () => (await import('./http/openapi.ts')).openapiDocument(),
  readQuotedSale: async (value) => (await import('./http/quoted-sale.ts')).readQuotedSale(value),
  wordsOf: async (refusal) => (await import('./http/errors.ts')).wordsOf(refusal),
}

// A reader that has seen enough (`| head`) closes the pipe: that is no failure.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}

const { version } = JSON.parse(await readFile(join(packageRoot, 'package.json'), 'utf8')) as {
  version: string
}
process.exitCode = await runCommandLine(process.argv.slice(2), {
  streams: { out: process.stdout, err: process.stderr, env: process.env },
  doors,
  version,
  now: () => new Date(),
})
