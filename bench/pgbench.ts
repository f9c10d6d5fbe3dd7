/** The yardstick: pgbench's TPC-B script, prepared statements, on the same server as the service. */
import { availableParallelism } from 'node:os'
import { findProgram, run } from './child.ts'
import type { BenchServer } from './server.ts'

const DATABASE = 'tpcb'

export interface Pgbench {
  readonly version: string
  /** transactions per second */
  measure(input: { clients: number; warmup: number; seconds: number }): Promise<number>
}

/** Null where pgbench is not installed: then there is no ratio. Tables that are there are used again. */
export async function preparePgbench(
  server: BenchServer,
  scale: number,
  say: (line: string) => void,
): Promise<Pgbench | null> {
  const program = findProgram('pgbench')
  if (program === null) {
    say('pgbench is not on PATH, so there is no ratio. It is part of PostgreSQL:')
    say('  apt-get install postgresql-contrib   or   brew install libpq')
    return null
  }
  const database = `${DATABASE}_${scale}`
  const { env, args } = connection(server.urlOf(database))
  if (await server.make(database)) {
    say(`pgbench: setting up scale ${scale}, ${(scale * 0.1).toFixed(1)} million rows`)
    let said = Date.now()
    await run({
      program,
      env,
      args: ['-i', '-q', '-s', String(scale), ...args],
      onLine: (line) => {
        if (!line.includes('%') || Date.now() - said < 5_000) return
        said = Date.now()
        say(`  ${line.trim()}`)
      },
    }).catch(async (error: unknown) => {
      // A half-made yardstick would be taken for a whole one the next time.
      await server.drop(database)
      throw error
    })
  }
  const version = (await run({ program, args: ['--version'] })).trim()
  return {
    version,
    async measure({ clients, warmup, seconds }) {
      const threads = Math.min(clients, availableParallelism())
      const shared = ['-M', 'prepared', '-c', String(clients), '-j', String(threads)]
      await run({ program, env, args: [...shared, '-T', String(warmup), ...args] })
      return tpsOf(await run({ program, env, args: [...shared, '-T', String(seconds), ...args] }))
    },
  }
}

function connection(url: string): { env: Record<string, string>; args: string[] } {
  const { hostname, port, username, password, pathname } = new URL(url)
  return {
    env: { PGPASSWORD: decodeURIComponent(password) },
    args: ['-h', hostname, '-p', port, '-U', decodeURIComponent(username), pathname.slice(1)],
  }
}

function tpsOf(report: string): number {
  const tps = /^tps = ([\d.]+) \(without initial connection time\)/m.exec(report)?.[1]
  if (tps === undefined) throw new Error(`pgbench printed no tps:\n${report}`)
  return Number(tps)
}
