/** Load on the service: k6 with the script of the benchmark, or wrk with the same sales where k6 is not to be had. */
import { join } from 'node:path'
import { packageRoot } from '../src/db/package-root.ts'
import { findProgram, run } from './child.ts'

export interface Sales {
  /** answered 201, the warm-up and the stragglers included */
  readonly answered: number
  readonly refused: number
  /** answered 201 within the measured seconds, per second */
  readonly perSecond: number
  /** milliseconds, as the tills saw them */
  readonly p50: number
  readonly p99: number
  readonly slowest: number
  /** sales at most that were cut off at the end: stored perhaps, answered not */
  readonly cutOff: number
}

export interface Generator {
  readonly name: 'k6' | 'wrk'
  readonly program: string
}

export function findGenerator(wanted: 'k6' | 'wrk' | null): Generator {
  for (const name of wanted === null ? (['k6', 'wrk'] as const) : [wanted]) {
    const program = findProgram(name)
    if (program !== null) return { name, program }
  }
  throw new Error(
    'k6 is neither on PATH nor in ~/go/bin. It is a Go program:\n  go install go.k6.io/k6@latest\n' +
      'or take wrk, which most systems have as a package of that name.',
  )
}

interface Load {
  readonly generator: Generator
  readonly url: string
  readonly key: string
  readonly run: string
  readonly members: number
  readonly connections: number
  readonly warmup: number
  readonly seconds: number
}

export async function postSales(load: Load): Promise<Sales> {
  return load.generator.name === 'k6' ? withK6(load) : withWrk(load)
}

async function withK6(load: Load): Promise<Sales> {
  const env = {
    URL: load.url,
    KEY: load.key,
    RUN: load.run,
    MEMBERS: String(load.members),
    CONNECTIONS: String(load.connections),
    WARMUP: String(load.warmup),
    SECONDS: String(load.seconds),
  }
  const printed = await run({
    program: load.generator.program,
    // Collecting its garbage would cost k6 more than the requests do, on the cores that it shares with the
    // service.
    env: { K6_NO_USAGE_REPORT: 'true', GOGC: 'off', GOMEMLIMIT: '2GiB' },
    args: [
      'run',
      '--quiet',
      '--no-color',
      ...Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`]),
      join(packageRoot, 'bench/k6/earn.ts'),
    ],
  })
  return { ...lastLine(printed), cutOff: 0 }
}

async function withWrk(load: Load): Promise<Sales> {
  const once = async (name: string, seconds: number) =>
    lastLine(
      await run({
        program: load.generator.program,
        args: [
          ...['-t', '1', '-c', String(load.connections), '-d', `${seconds}s`, '--timeout', '60s'],
          ...['-s', join(packageRoot, 'bench/wrk/earn.lua'), load.url],
          ...['--', load.key, `${load.run}${name}`, String(load.members)],
        ],
      }),
    )
  const warm = load.warmup > 0 ? await once('w', load.warmup) : null
  const measured = await once('m', load.seconds)
  return {
    ...measured,
    answered: measured.answered + (warm?.answered ?? 0),
    refused: measured.refused + (warm?.refused ?? 0),
    cutOff: load.connections * (warm ? 2 : 1),
  }
}

function lastLine(printed: string): Omit<Sales, 'cutOff'> {
  return JSON.parse(printed.trim().split('\n').at(-1)!)
}
