/**
 * `npm test`: every test file, or those that are named, against one server. The files that take longest go first,
 * so that no core is idle at the end. Each file is a plain process: tap's own runner would load its coverage into
 * each of them and into all that they start, which took a third of the run.
 */
import { existsSync, readdirSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import type { EmbeddedServer } from '../../src/db/embedded.ts'
import { packageRoot } from '../../src/db/package-root.ts'
import { endRun, SERVER, startRun } from './server.ts'
import { killRunning, runTests } from './test-run.ts'

// By their sources: the compiler leaves behind what it made of a source that is gone.
const sources = join(packageRoot, 'test')
const compiled = join(packageRoot, 'build', 'test')

/** By the work that they take; the order of the others matters little. */
const LONGEST = [
  ...['service/crash', 'engine/replay', 'cli/serve', 'readme', 'program/fuzz', 'retention/robust'],
  ...['engine/model', 'simulate/simulate', 'retention/service', 'db/embedded', 'program/understood'],
]

function testFiles(named: readonly string[]): string[] {
  if (named.length > 0) return named.map((name) => resolve(name))
  const names = readdirSync(sources, { recursive: true, encoding: 'utf8' })
  const all = names
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => name.slice(0, -'.test.ts'.length))
  const order = [...LONGEST, ...all.sort().filter((name) => !LONGEST.includes(name))]
  return order.map((name) => join(compiled, `${name}.test.js`))
}

async function main(): Promise<boolean> {
  const files = testFiles(process.argv.slice(2))
  const missing = files.filter((file) => !existsSync(file))
  if (files.length === 0 || missing.length > 0) {
    process.stderr.write(`no such test file: ${missing.join(', ') || compiled}\n`)
    return false
  }
  const starting = startRun(process.pid)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      killRunning()
      void starting.then(end).finally(() => process.exit(1))
    })
  const server = await starting
  try {
    const { passed, failed } = await runTests({
      files,
      nameOf: (file) => relative(packageRoot, file),
      jobs: 2,
      silence: 900_000,
      grace: 10_000,
      // how many seconds a file may take that sets no limit of its own; wide, for busy machines
      env: { ...process.env, TAP_TIMEOUT: '600', [SERVER]: server.url },
      print: (text) => void process.stdout.write(text),
    })
    return passed > 0 && failed === 0
  } finally {
    await end(server)
  }
}

/** Stopped first, or it would see to it that the server comes back. */
async function end(server: EmbeddedServer): Promise<void> {
  await server.stop()
  await endRun(process.pid)
}

process.exit((await main()) ? 0 : 1)
