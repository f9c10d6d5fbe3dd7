/** The service as its users run it: a process of its own, told to stop or killed outright. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { connect } from '../../src/db/connection.ts'
import { createKey, scopes } from '../../src/engine/keys.ts'

// Compiled tests run the compiled program, tests run from source run the source.
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
const MAIN = fileURLToPath(new URL(`../../src/main.${extension}`, import.meta.url))
const LOADER = extension === 'ts' ? ['--import', 'tsx'] : []

export interface Service {
  readonly url: string
  readonly process: ChildProcess
  /** resolves with the exit code, null after a kill */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<number | null>
}

/** Whether a program such as `curl` is to be had on this machine. */
export function has(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : 0
}

/** Starts `milepost serve` and waits until it is ready. */
export async function startService(input: {
  env: Record<string, string>
  port: number
  demo?: boolean
}): Promise<Service> {
  const url = `http://127.0.0.1:${input.port}`
  const child = spawn(process.execPath, [...LOADER, MAIN, 'serve', ...(input.demo ? ['--demo'] : [])], {
    env: {
      PATH: process.env.PATH ?? '',
      HOME: process.env.HOME ?? '',
      LOG_LEVEL: 'error',
      ...input.env,
      PORT: `${input.port}`,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk))
  const exited = once(child, 'exit') as Promise<[number | null]>

  let gone = false
  void exited.then(() => {
    gone = true
  })
  while (!(await answers(`${url}/health/ready`))) {
    if (gone) throw new Error(`the service ended before it was ready:\n${output}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return {
    url,
    process: child,
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      const [code] = await exited
      return code
    },
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok
  } catch {
    return false
  }
}

/** A key for every scope of a program, made past the service. */
export async function keyFor(databaseUrl: string, program: string, source = 'till'): Promise<string> {
  const sql = connect(databaseUrl, { max: 1 })
  try {
    return (await createKey(sql, { program, source, scopes, now: new Date() })).key
  } finally {
    await sql.end()
  }
}

export interface Answer {
  readonly status: number
  readonly text: string
  readonly replayed: boolean
}

/** Posts JSON once; throws when the service does not answer. */
export async function post(url: string, key: string, body: object): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return {
    status: response.status,
    text: await response.text(),
    replayed: response.headers.get('idempotent-replayed') === 'true',
  }
}
