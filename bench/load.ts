/** Load on the service: k6 with the script of the benchmark. */
import { join } from 'node:path'
import { packageRoot } from '../src/db/package-root.ts'
import { findProgram, run } from './child.ts'

export interface Sales {
  /** answered 201, the warm-up and the stragglers included */
  readonly answered: number
  readonly refused: number
  /** answered 201 within the measured seconds, per second */
  readonly perSecond: number
  /** milliseconds, as k6 saw them */
  readonly p50: number
  readonly p99: number
  readonly slowest: number
}

export function findK6(): string {
  const program = findProgram('k6')
  if (program !== null) return program
  throw new Error(
    'k6 is neither on PATH nor in ~/go/bin. It is a Go program:\n  go install go.k6.io/k6@latest',
  )
}

export async function postSales(input: {
  k6: string
  url: string
  key: string
  run: string
  members: number
  connections: number
  warmup: number
  seconds: number
}): Promise<Sales> {
  const env = {
    URL: input.url,
    KEY: input.key,
    RUN: input.run,
    MEMBERS: String(input.members),
    CONNECTIONS: String(input.connections),
    WARMUP: String(input.warmup),
    SECONDS: String(input.seconds),
  }
  const printed = await run({
    program: input.k6,
    // Collecting its garbage would cost k6 more than the requests do, on the cores that it shares with the service.
    env: { K6_NO_USAGE_REPORT: 'true', GOGC: 'off', GOMEMLIMIT: '2GiB' },
    args: [
      'run',
      '--quiet',
      '--no-color',
      ...Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`]),
      join(packageRoot, 'bench/k6/earn.ts'),
    ],
  })
  return JSON.parse(printed.trim().split('\n').at(-1)!) as Sales
}
