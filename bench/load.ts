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

/** One connection's sales, as bench/k6/earn.ts prints them. */
interface Till {
  readonly answered: number
  readonly refused: number
  /** milliseconds of each sale that was answered within the measured seconds */
  readonly timed: readonly number[]
}

/** As variables: the flags of the same names differ from version to version. */
const QUIET_K6 = { K6_NO_USAGE_REPORT: 'true', K6_NO_SUMMARY: 'true', K6_NO_THRESHOLDS: 'true' }

/** Lines of k6's that are shown at most. */
const MOST_SAID = 20

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
    env: { ...QUIET_K6, GOGC: 'off', GOMEMLIMIT: '2GiB' },
    args: [
      'run',
      '--quiet',
      ...['--log-output=stdout', '--log-format=raw'],
      ...Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`]),
      join(packageRoot, 'bench/k6/earn.ts'),
    ],
  })
  return { ...summed(printed, load.seconds), cutOff: 0 }
}

/** What every till told of itself, in one; whatever else k6 says is passed on. */
function summed(printed: string, seconds: number): Omit<Sales, 'cutOff'> {
  const lines = printed.split('\n').filter((line) => line !== '')
  const tills = lines.flatMap((line): Till[] => (line.startsWith('{') ? [JSON.parse(line)] : []))
  for (const line of lines.filter((one) => !one.startsWith('{')).slice(0, MOST_SAID)) console.error(line)
  const timed = tills.flatMap((till) => till.timed).sort((a, b) => a - b)
  const ranked = (share: number) => timed[Math.max(0, Math.ceil(share * timed.length) - 1)] ?? 0
  return {
    answered: tills.reduce((sum, { answered }) => sum + answered, 0),
    refused: tills.reduce((sum, { refused }) => sum + refused, 0),
    perSecond: timed.length / seconds,
    p50: ranked(0.5),
    p99: ranked(0.99),
    slowest: timed.at(-1) ?? 0,
  }
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
