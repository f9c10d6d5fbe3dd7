/** The service under load: a process of its own, as in production, on the benchmark's database. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { packageRoot } from '../src/db/package-root.ts'
import { freePort } from './server.ts'

export interface Service {
  readonly url: string
  stop(): Promise<void>
}

const START_LIMIT = 30_000
const STOP_LIMIT = 30_000

/** `profileTo`: the folder that a CPU profile is written to when the service stops. */
export async function startService(options: {
  databaseUrl: string
  folder: string
  profileTo: string | null
}): Promise<Service> {
  const port = await freePort()
  const data = join(options.folder, 'service')
  mkdirSync(data, { recursive: true })
  const profile = options.profileTo === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${options.profileTo}`]
  // as `npm start` runs it
  const young = ['--max-semi-space-size=64', '--no-parallel-scavenge']
  const child = spawn(
    process.execPath,
    [...young, ...profile, join(packageRoot, 'build/src/main.js'), 'serve'],
    {
      env: {
        ...process.env,
        PORT: String(port),
        HOST: '127.0.0.1',
        DATABASE_URL: options.databaseUrl,
        MILEPOST_DATA: data,
        MILEPOST_RATE_LIMIT: '100000000',
        LOG_LEVEL: 'warn',
        NODE_ENV: 'production',
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )
  const url = `http://127.0.0.1:${port}`
  await untilReady(child, url)
  return { url, stop: () => stop(child) }
}

async function untilReady(child: ChildProcess, url: string): Promise<void> {
  for (const since = Date.now(); Date.now() - since < START_LIMIT; await sleep(50)) {
    if (child.exitCode !== null)
      throw new Error(`the service ended with ${child.exitCode} before it was ready`)
    const ready = await fetch(`${url}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (ready) return
  }
  child.kill('SIGKILL')
  throw new Error(`the service was not ready after ${START_LIMIT / 1000} s`)
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const limit = sleep(STOP_LIMIT, 'late', { ref: false })
  if ((await Promise.race([ended, limit])) === 'late') child.kill('SIGKILL')
  await ended
}
