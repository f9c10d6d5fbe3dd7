/** What `npm run bench -- earn` can be told, read and checked before anything is started. */
import { parseArgs } from 'node:util'
import { nearest } from '../src/base/nearest.ts'

export interface EarnOptions {
  readonly seconds: number
  readonly warmup: number
  /** seconds that the service is under load before the first round */
  readonly warm: number
  readonly rounds: number
  readonly members: number
  readonly scale: number
  /** where k6 posts from, and pgbench at the same number */
  readonly connections: readonly number[]
  readonly clients: readonly number[]
  /** the data folder, kept for the next time; null: a temporary one */
  readonly keep: string | null
  readonly out: string | null
  readonly profile: boolean
  /** null: k6, or wrk where k6 is not to be had */
  readonly generator: 'k6' | 'wrk' | null
}

export const earnHelp = `Usage: npm run bench -- earn [options]

Starts a PostgreSQL of its own with fsync on and a service on it, posts sales over HTTP with k6, and runs
pgbench's TPC-B script in turn on the same server. Prints sales per second, their ratio to TPC-B, errors,
p50 and p99; verifies the ledger afterwards. Exit code 1 if it does not add up.

  --seconds N        measured seconds of each run (15)
  --warmup N         seconds before them (5)
  --warm N           seconds of load on the service before the first round (60)
  --rounds N         rounds (3); shown are the median and the spread
  --members N        members that sales are drawn from (100000)
  --scale N          pgbench's scale (256: 25.6 million rows, about 4 GB); 0 leaves pgbench out
  --connections A,B  connections that post sales (32,64,256)
  --clients A,B      pgbench's clients (8,32,64,256)
  --keep DIR         keep the data folder and use it again next time: spares pgbench's setting up
  --out FILE         write the results as JSON
  --generator NAME   k6 or wrk; by default k6, and wrk where k6 is not to be had
  --profile          after the rounds, on a service of its own: where it spends its time, what it waits for,
                     how large its groups are

Needs k6 on PATH or in ~/go/bin (go install go.k6.io/k6@latest), or wrk, and, for the ratio, pgbench on PATH (part of
PostgreSQL: apt-get install postgresql-contrib, brew install libpq).

Examples:
  npm run bench -- earn
  npm run bench -- earn --rounds 1 --seconds 10 --scale 0
  npm run bench -- earn --keep /var/tmp/milepost-bench --out results.json
`

const options = {
  seconds: { type: 'string', default: '15' },
  warmup: { type: 'string', default: '5' },
  warm: { type: 'string', default: '60' },
  rounds: { type: 'string', default: '3' },
  members: { type: 'string', default: '100000' },
  scale: { type: 'string', default: '256' },
  connections: { type: 'string', default: '32,64,256' },
  clients: { type: 'string', default: '8,32,64,256' },
  keep: { type: 'string' },
  out: { type: 'string' },
  profile: { type: 'boolean', default: false },
  generator: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const

function generatorOf(name: string | undefined): EarnOptions['generator'] {
  if (name === undefined || name === 'k6' || name === 'wrk') return name ?? null
  throw new UsageError(`--generator is k6 or wrk, not ${name}`)
}

/** Wrong usage: a message for a person. */
export class UsageError extends Error {}

/** Null: help was asked for. */
export function readEarnOptions(args: string[]): EarnOptions | null {
  for (const arg of args) {
    const name = /^--([^=]+)/.exec(arg)?.[1]
    if (name === undefined || name in options) continue
    const near = nearest(name, Object.keys(options))
    throw new UsageError(`unknown option --${name}${near ? `: did you mean --${near}?` : ''}`)
  }
  const { values } = parse(args)
  if (values.help) return null
  return {
    seconds: whole('seconds', values.seconds, 1),
    warmup: whole('warmup', values.warmup, 1),
    warm: whole('warm', values.warm, 1),
    rounds: whole('rounds', values.rounds, 1),
    members: whole('members', values.members, 1),
    scale: whole('scale', values.scale, 0),
    connections: wholes('connections', values.connections),
    clients: wholes('clients', values.clients),
    keep: values.keep ?? null,
    out: values.out ?? null,
    profile: values.profile,
    generator: generatorOf(values.generator),
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function whole(name: string, text: string, least: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : -1
  if (value < least) throw new UsageError(`--${name} ${text}: expected a whole number from ${least}`)
  return value
}

function wholes(name: string, text: string): number[] {
  return text.split(',').map((part) => whole(name, part.trim(), 1))
}
