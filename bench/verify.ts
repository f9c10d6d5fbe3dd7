/**
 * How long `ledger verify` and the reports of finance take on a large ledger, and how much memory: that of
 * this process, and what its session at the server holds for itself.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { nearest } from '../src/base/nearest.ts'
import { Decimal } from '../src/base/points.ts'
import { connect, type Sql } from '../src/db/connection.ts'
import { migrate } from '../src/db/migrate.ts'
import { deferralReport } from '../src/ledger/deferred.ts'
import { estimateBreakage } from '../src/ledger/estimates.ts'
import type { FinanceTerms } from '../src/ledger/finance.ts'
import { liabilityReport } from '../src/ledger/owed.ts'
import { verifyLedger } from '../src/ledger/verify.ts'
import { seedLedger } from './ledger.ts'
import { startBenchServer } from './server.ts'

export const verifyHelp = `Usage: npm run bench -- verify [options]

Starts a PostgreSQL of its own, writes a ledger that adds up, verifies it and makes the reports of finance on it.
Prints seconds and peak memory. Exit code 1 if the ledger does not add up.

  --entries N   entries (1000000), each with a posting and a recorded answer
  --members N   members that they belong to (100000)
  --keep DIR    keep the data folder and use its ledger again next time
  --out FILE    write the results as JSON

Examples:
  npm run bench -- verify
  npm run bench -- verify --entries 5000000 --members 1000000 --keep /var/tmp/milepost-verify
`

const options = {
  entries: { type: 'string', default: '1000000' },
  members: { type: 'string', default: '100000' },
  keep: { type: 'string' },
  out: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const

const PROGRAM = 'bench'
const say = (line: string) => console.error(line)

interface Measured {
  readonly what: string
  readonly seconds: number
  /** megabytes at most: this process, and the server's session beyond shared memory; null: not to be had */
  readonly process: number
  readonly session: number | null
}

/** Runs the benchmark; returns the exit code: 0, 1 if the ledger does not add up, 2 for wrong usage. */
export async function benchVerify(args: string[]): Promise<number> {
  const read = readOptions(args)
  if ('fault' in read) {
    console.error(`${read.fault}\n\n${verifyHelp}`)
    return 2
  }
  if (read.help) {
    console.log(verifyHelp)
    return 0
  }
  const server = await startBenchServer(read.keep)
  const stop = () => void server.stop().finally(() => process.exit(130))
  process.once('SIGINT', stop).once('SIGTERM', stop)
  try {
    say(server.about)
    const database = `milepost_verify_${read.entries}_${read.members}`
    const isNew = await server.make(database)
    const sql = connect(server.urlOf(database), { max: 1, name: 'milepost bench' })
    try {
      if (isNew)
        await fill(sql, read, server).catch((error) => abandon(error, sql, () => server.drop(database)))
      return await measureAll(sql, read)
    } finally {
      await sql.end({ timeout: 2 })
    }
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop)
    await server.stop()
  }
}

/** Half a ledger must not be met by the next run. */
async function abandon(error: unknown, sql: Sql, drop: () => Promise<void>): Promise<never> {
  await sql.end({ timeout: 1 })
  await drop()
  throw error
}

interface Options {
  readonly entries: number
  readonly members: number
  readonly keep: string | null
  readonly out: string | null
  readonly help: boolean
}

function readOptions(args: string[]): Options | { readonly fault: string } {
  try {
    const { values } = parseArgs({ args, options })
    const whole = (name: 'entries' | 'members') => {
      const value = /^\d{1,9}$/.test(values[name]) ? Number(values[name]) : 0
      if (value < 1) throw new Error(`--${name} ${values[name]}: expected a whole number from 1`)
      return value
    }
    const [entries, members] = [whole('entries'), whole('members')]
    if (members > entries) throw new Error(`--members ${members}: expected at most as many as entries`)
    return { entries, members, keep: values.keep ?? null, out: values.out ?? null, help: values.help }
  } catch (error) {
    const unknown = args.map((arg) => /^--([^=]+)/.exec(arg)?.[1]).find((name) => name && !(name in options))
    const near = unknown && nearest(unknown, Object.keys(options))
    return { fault: near ? `unknown option --${unknown}: did you mean --${near}?` : (error as Error).message }
  }
}

async function fill(
  sql: Sql,
  { entries, members }: Options,
  server: { checkpoint(): Promise<void> },
): Promise<void> {
  const now = new Date()
  await migrate(sql, { now })
  await sql`insert into programs (program, created_at) values (${PROGRAM}, ${now})`
  await seedLedger(sql, { program: PROGRAM, entries, members, now }, say)
  await server.checkpoint()
}

const terms: FinanceTerms = {
  program: PROGRAM,
  timeZone: 'UTC',
  money: 'EUR',
  qualifying: new Set(),
  ownFunder: 'program',
  valueAt: () => ({ amount: new Decimal('0.01'), currency: 'EUR' }),
}

async function measureAll(sql: Sql, { entries, members, out }: Options): Promise<number> {
  let ok = true
  let owed = 0
  const now = new Date()
  const until = { at: now, knownAt: null }
  const results: Measured[] = []
  const works: [string, () => Promise<unknown>][] = [
    [
      'ledger verify',
      async () => {
        const { ok: good, checked, findings } = await verifyLedger(sql)
        ok = good && checked.entries === entries
        for (const { kind, detail } of findings.slice(0, 5)) say(`${kind}: ${detail}`)
      },
    ],
    [
      'ledger liability',
      async () => {
        const { currencies } = await liabilityReport(sql, terms, until)
        owed = currencies[0]?.points ?? 0
      },
    ],
    ['ledger deferral', () => deferralReport(sql, terms, { ...until, by: 'month' })],
    [
      'ledger breakage estimate',
      () => estimateBreakage(sql, terms, { at: now, madeAt: now, madeBy: 'bench' }),
    ],
  ]
  for (const [what, work] of works) results.push(await measured(sql, what, work))

  const [row] = await sql<
    { points: bigint }[]
  >`select sum(available + pending + held)::bigint as points from accounts`
  const isEqual = BigInt(owed) === (row?.points ?? 0n)
  console.log(`${entries.toLocaleString('en')} entries of ${members.toLocaleString('en')} members`)
  for (const one of results) {
    const session = one.session === null ? '' : `, its database session ${one.session} MB`
    console.log(`${one.what.padEnd(26)}${one.seconds.toFixed(1).padStart(7)} s   ${one.process} MB${session}`)
  }
  console.log(ok ? 'all adds up' : 'it does not add up')
  if (!isEqual) console.log(`owed ${owed}, but the accounts say ${row?.points}`)
  if (out !== null)
    writeFileSync(out, `${JSON.stringify({ entries, members, ok, isEqual, results }, null, 2)}\n`)
  return ok && isEqual ? 0 : 1
}

async function measured(sql: Sql, what: string, work: () => Promise<unknown>): Promise<Measured> {
  const [row] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`
  let process_ = process.memoryUsage.rss()
  let session = privateMemory(row!.pid)
  const timer = setInterval(() => {
    process_ = Math.max(process_, process.memoryUsage.rss())
    const now = privateMemory(row!.pid)
    if (now !== null) session = Math.max(session ?? 0, now)
  }, 50)
  const startedAt = performance.now()
  await work().finally(() => clearInterval(timer))
  const megabytes = (bytes: number) => Math.round(bytes / 1024 / 1024)
  return {
    what,
    seconds: (performance.now() - startedAt) / 1000,
    process: megabytes(process_),
    session: session === null ? null : megabytes(session),
  }
}

/** Memory of a process that it shares with nobody; null where the system does not tell. */
function privateMemory(pid: number): number | null {
  try {
    const kilobytes = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kilobytes === undefined ? null : Number(kilobytes) * 1024
  } catch {
    return null
  }
}
