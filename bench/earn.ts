/**
 * How many sales the service takes, beside what the same database server does of pgbench's TPC-B. Both are
 * measured in turn, in several rounds, so that a machine's good and bad minutes fall on both alike.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type Sql } from '../src/db/connection.ts'
import { migrate } from '../src/db/migrate.ts'
import { packageRoot } from '../src/db/package-root.ts'
import { createKey } from '../src/engine/keys.ts'
import { publish } from '../src/engine/publish.ts'
import { verifyLedger } from '../src/ledger/verify.ts'
import { readProgramFiles } from '../src/program/files.ts'
import { endChildren } from './child.ts'
import { type EarnOptions, earnHelp, readEarnOptions, UsageError } from './earn-options.ts'
import { findGenerator, type Generator, postSales, type Sales } from './load.ts'
import { seedMembers } from './members.ts'
import { type Pgbench, preparePgbench } from './pgbench.ts'
import { groupsOf, hottest, type Share, sampleWaits } from './profile.ts'
import { type Round, rowsOf, type Spread, spreadOf, tableOf } from './report.ts'
import { type Service, startService } from './serve.ts'
import { type BenchServer, startBenchServer } from './server.ts'

const DATABASE = 'milepost_bench'
const PROGRAM = 'till'

const say = (line: string) => console.error(line)

interface Bench {
  readonly options: EarnOptions
  readonly server: BenchServer
  readonly sql: Sql
  /** a folder for what services leave */
  readonly folder: string
  readonly service: Service
  readonly key: string
  readonly generator: Generator
  readonly pgbench: Pgbench | null
}

/** Runs the benchmark; returns the exit code: 0, 1 if the ledger does not add up, 2 for wrong usage. */
export async function benchEarn(args: string[]): Promise<number> {
  try {
    const options = readEarnOptions(args)
    if (options === null) {
      console.log(earnHelp)
      return 0
    }
    return await prepared(options)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(`${error.message}\n\n${earnHelp}`)
    return 2
  }
}

/** Sets everything up, measures, and takes it all down again, also on an interrupt. */
async function prepared(options: EarnOptions): Promise<number> {
  const generator = findGenerator(options.generator)
  say(`load by ${generator.name}`)
  const undo: (() => Promise<void> | void)[] = []
  const takeDown = async () => {
    endChildren()
    for (const step of undo.splice(0).reverse()) await step()
  }
  let stopped = false
  const interrupted = () => {
    stopped = true
    say('interrupted: stopping the service and the server')
    takeDown().finally(() => process.exit(130))
  }
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted)

  try {
    const folder = mkdtempSync(join(tmpdir(), 'milepost-bench-run-'))
    undo.push(() => rmSync(folder, { recursive: true, force: true }))
    const server = await startBenchServer(options.keep)
    undo.push(() => server.stop())
    say(server.about)
    const pgbench = options.scale === 0 ? null : await preparePgbench(server, options.scale, say)

    const { sql, key } = await prepareMilepost(server, options)
    undo.push(() => sql.end({ timeout: 2 }))
    const service = await startService({ databaseUrl: server.urlOf(DATABASE), folder, profileTo: null })
    undo.push(() => service.stop())
    return await measure({ options, server, sql, folder, service, key, generator, pgbench })
  } catch (error) {
    // what fails because it was stopped is no failure
    if (stopped) return 130
    throw error
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
    await takeDown()
  }
}

async function prepareMilepost(
  server: BenchServer,
  options: EarnOptions,
): Promise<{ sql: Sql; key: string }> {
  await server.drop(DATABASE)
  await server.make(DATABASE)
  const sql = connect(server.urlOf(DATABASE), { max: 4, name: 'bench' })
  await migrate(sql)
  const now = new Date()
  const files = await readProgramFiles(join(packageRoot, 'bench/programs', PROGRAM))
  await publish(sql, { files, by: 'bench', now })
  const { key } = await createKey(sql, {
    program: PROGRAM,
    source: 'bench',
    scopes: ['transactions:write'],
    now,
  })
  say(`milepost: enrolling ${options.members} members`)
  await seedMembers(sql, { program: PROGRAM, count: options.members, now })
  return { sql, key }
}

async function measure(bench: Bench): Promise<number> {
  const { options, pgbench, sql, service } = bench
  const answers = [await warmUp(bench, 'warm')]
  const rounds: Round[] = []
  for (let number = 1; number <= options.rounds; number += 1) rounds.push(await oneRound(bench, number))
  answers.push(...rounds.flatMap(({ sales }) => [...sales.values()]))

  const rows = rowsOf(rounds, options.connections)
  const tpcb = pgbench === null ? new Map<number, Spread>() : tpcbSpreads(rounds, options.clients)
  console.log(tableOf(rows, tpcb))
  await service.stop()
  const profile = options.profile ? await lookInside(bench) : null
  if (profile !== null) {
    showProfile(profile)
    answers.push(...profile.sales)
  }

  const answered = answers.reduce((sum, one) => sum + one.answered, 0)
  const cutOff = answers.reduce((sum, one) => sum + one.cutOff, 0)
  const proof = await prove(sql, answered, cutOff)
  if (options.out !== null) {
    const results = {
      at: new Date().toISOString(),
      options,
      machine: {
        processor: cpus()[0]?.model,
        cores: cpus().length,
        node: process.version,
        pgbench: pgbench?.version,
      },
      rows,
      tpcb: Object.fromEntries(tpcb),
      rounds: rounds.map((round) => ({
        sales: Object.fromEntries(round.sales),
        tpcb: Object.fromEntries(round.tpcb),
      })),
      ...(profile !== null && { profile }),
      proof,
    }
    writeFileSync(options.out, `${JSON.stringify(results, null, 2)}\n`)
  }
  return proof.ok ? 0 : 1
}

/** A service runs for weeks; what it does in its first minute, while its code is still being compiled, is left out. */
function warmUp(bench: Bench, run: string): Promise<Sales> {
  say(`warming the service up for ${bench.options.warm} s`)
  return post(bench, { run, connections: most(bench), warmup: 1, seconds: bench.options.warm })
}

function post(
  { generator, service, key, options }: Bench,
  how: { run: string; connections: number; warmup: number; seconds: number },
): Promise<Sales> {
  return postSales({ generator, url: service.url, key, members: options.members, ...how })
}

function most({ options }: Bench): number {
  return Math.max(...options.connections)
}

/** The yardstick and the service in turn, from few connections to many. */
async function oneRound(bench: Bench, number: number): Promise<Round> {
  const { options, server, pgbench } = bench
  const { warmup, seconds } = options
  const sales = new Map<number, Sales>()
  const tpcb = new Map<number, number>()
  const counts = [...new Set([...(pgbench ? options.clients : []), ...options.connections])].sort(
    (a, b) => a - b,
  )
  for (const count of counts) {
    if (pgbench !== null && options.clients.includes(count)) {
      await server.checkpoint()
      const tps = await pgbench.measure({ clients: count, warmup, seconds })
      tpcb.set(count, tps)
      say(`round ${number}: ${count} clients, TPC-B ${tps.toFixed(0)}/s`)
    }
    if (options.connections.includes(count)) {
      await server.checkpoint()
      const measured = await post(bench, { run: `r${number}c${count}`, connections: count, warmup, seconds })
      sales.set(count, measured)
      const { perSecond, p50, p99, refused } = measured
      const times = `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`
      say(
        `round ${number}: ${count} connections, ${perSecond.toFixed(0)} sales/s, ${times}, ${refused} errors`,
      )
    }
  }
  return { sales, tpcb }
}

function tpcbSpreads(rounds: readonly Round[], clients: readonly number[]): Map<number, Spread> {
  return new Map(
    clients.flatMap((count) => {
      const spread = spreadOf(rounds.flatMap(({ tpcb }) => tpcb.get(count) ?? []))
      return spread === null ? [] : [[count, spread] as const]
    }),
  )
}

/** A fast ledger that does not add up is worth nothing: everything answered is there, and it all agrees. */
async function prove(sql: Sql, answered: number, cutOff: number) {
  const [row] = await sql<{ count: bigint }[]>`select count(*) as count from transactions`
  const stored = Number(row!.count)
  const started = Date.now()
  const { ok, checked, findings } = await verifyLedger(sql)
  const seconds = (Date.now() - started) / 1000
  console.log(`\n${answered} sales were answered, ${stored} are stored`)
  console.log(
    `ledger verify: ${checked.entries} entries in ${seconds.toFixed(1)} s, ${findings.length} findings`,
  )
  for (const { kind, memberId, detail } of findings.slice(0, 10))
    console.log(`  ${kind} ${memberId ?? ''} ${detail}`)
  return {
    ok: ok && stored >= answered && stored <= answered + cutOff,
    answered,
    stored,
    checked,
    findings: findings.length,
    seconds,
  }
}

/**
 * Where the time goes, seen on a service of its own at the most connections: being watched makes it slower by a
 * sixth, so that nothing of this is part of what was measured.
 */
async function lookInside(bench: Bench) {
  const { options, server, sql, folder } = bench
  const profileTo = join(folder, 'profile')
  const service = await startService({ databaseUrl: server.urlOf(DATABASE), folder, profileTo })
  try {
    const watched = { ...bench, service }
    const warm = await warmUp(watched, 'profile-warm')
    const before = await groupsOf(service.url)
    const waits = sampleWaits(sql, DATABASE)
    const { warmup, seconds } = options
    const sales = await post(watched, { run: 'profile', connections: most(bench), warmup, seconds })
    const after = await groupsOf(service.url)
    const found = { waits: await waits.stop() }
    await service.stop()
    return {
      ...found,
      functions: hottest(profileTo, 10),
      groups: after.groups - before.groups,
      commands: after.commands - before.commands,
      sales: [warm, sales],
    }
  } finally {
    await service.stop()
  }
}

function showProfile(profile: {
  waits: readonly Share[]
  functions: readonly Share[]
  groups: number
  commands: number
}): void {
  const percent = ({ name, share }: Share) => `  ${(share * 100).toFixed(1).padStart(5)} %  ${name}`
  console.log('\nThe service, by functions’ own time:')
  for (const one of profile.functions) console.log(percent(one))
  console.log('\nIts database sessions, when not idle:')
  for (const one of profile.waits) console.log(percent(one))
  const mean = profile.groups === 0 ? 0 : profile.commands / profile.groups
  console.log(`\nGroups: ${profile.groups}, with ${mean.toFixed(1)} commands each`)
}
