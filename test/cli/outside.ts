/**
 * The command line as its tests call it: in this process with streams that are read back, or as a process
 * of its own. Either way through the words that a person would type.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Doors } from '../../src/cli/doors.ts'
import { runCommandLine } from '../../src/cli/run.ts'
import { packageRoot } from '../../src/db/package-root.ts'
import { buildApp } from '../../src/http/app.ts'
import { wordsOf } from '../../src/http/errors.ts'
import { createMetrics } from '../../src/http/metrics.ts'
import { openapiDocument } from '../../src/http/openapi.ts'
import { readQuotedSale } from '../../src/http/quoted-sale.ts'

export type Env = Readonly<Record<string, string | undefined>>

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

interface Teardown {
  teardown(work: () => unknown): unknown
}

const doors: Doors = {
  async createFront() {
    const metrics = createMetrics()
    return { onGroup: metrics.onGroup, build: (deps) => buildApp({ ...deps, metrics }) }
  },
  openapiDocument,
  readQuotedSale: async (value) => readQuotedSale(value),
  wordsOf: async (refusal) => wordsOf(refusal),
}

/** Runs a command in this process; the environment is what is given and nothing else. */
export async function milepost(
  argv: readonly string[],
  env: Env = {},
  now = () => new Date(),
): Promise<Ended> {
  const [out, err] = [new PassThrough(), new PassThrough()]
  const [outText, errText] = [collect(out), collect(err)]
  const streams = { out: asTerminal(out), err: asTerminal(err), env }
  const code = await runCommandLine(argv, { streams, doors, version: '0.0.0-test', now })
  return { code, out: outText(), err: errText() }
}

// A PassThrough has what the command line uses of a terminal: write, and no isTTY.
function asTerminal(stream: PassThrough): NodeJS.WriteStream {
  return stream as unknown as NodeJS.WriteStream
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = ''
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  return () => text
}

const compiled = import.meta.url.endsWith('.js')
const main = fileURLToPath(new URL(`../../src/main.${compiled ? 'js' : 'ts'}`, import.meta.url))
const node = compiled ? [main] : ['--import', import.meta.resolve('tsx'), main]

export interface Running {
  readonly child: ChildProcess
  out(): string
  err(): string
  readonly ended: Promise<Ended>
}

/** Starts a process of its own in the package's folder; killed at the end of the test if it still runs. */
export function start(t: Teardown, argv: readonly string[], env: Env = {}): Running {
  const { PATH, HOME } = process.env
  const child = spawn(process.execPath, [...node, ...argv], {
    cwd: packageRoot,
    env: { PATH, HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [out, err] = [collect(child.stdout), collect(child.stderr)]
  const ended = once(child, 'close').then(([code]) => ({
    code: code as number | null,
    out: out(),
    err: err(),
  }))
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await ended
  })
  return { child, out, err, ended }
}
