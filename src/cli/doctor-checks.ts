/**
 * What the doctor looks at, each check by itself: ok, a warning, or a problem with what to do about it.
 * A check only reads; nothing here heals.
 */
import type { Config } from '../config.ts'
import type { Sql } from '../db/connection.ts'
import { migrationState } from '../db/migrate.ts'
import { partitionsAhead } from '../db/partitions.ts'
import { dumpSchema, expectedSchema, schemaDifferences } from '../db/schema.ts'
import { listKeys } from '../engine/keys.ts'
import { createPrograms, faultLine, stateOf, type Unloadable } from '../engine/programs.ts'
import { jobs } from '../jobs/job.ts'
import { lastRuns } from '../jobs/queries.ts'
import { outboxBacklog, overdueMembers, serverFacts } from './queries.ts'
import { count } from './terminal.ts'

export interface Finding {
  readonly check: string
  readonly state: 'ok' | 'warning' | 'problem'
  readonly detail: string
  /** what to do; absent where there is nothing to do */
  readonly advice?: string
}

export interface Patient {
  readonly config: Config
  readonly sql: Sql
  readonly now: Date
}

const HOUR = 3_600_000
const LEAST_NODE = [20, 12] as const

export function checkNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const old = major < LEAST_NODE[0] || (major === LEAST_NODE[0] && minor < LEAST_NODE[1])
  if (!old) return ok('node', process.version)
  return problem('node', `${process.version} is too old`, `install Node ${LEAST_NODE.join('.')} or newer`)
}

export async function checkServer({ sql, config }: Patient): Promise<Finding[]> {
  const { version, settings, connections } = await serverFacts(sql)
  const which = config.databaseUrl === null ? 'its own' : 'of DATABASE_URL'
  const most = Number(settings.get('max_connections') ?? 0)
  const full = connections > most * 0.8
  const use = `PostgreSQL ${version} (${which}), ${connections} of ${most} connections`
  const server = full
    ? warning('database', use, 'raise max_connections, or close what holds them')
    : ok('database', use)
  const unsafe = ['fsync', 'full_page_writes', 'synchronous_commit'].filter(
    (name) => settings.get(name) === 'off',
  )
  if (unsafe.length === 0) return [server, ok('durability', 'what is answered is on disk')]
  const advice = `set ${unsafe.map((name) => `${name} = on`).join(', ')} in postgresql.conf`
  return [
    server,
    problem('durability', `${unsafe.join(', ')} off: a crash can lose what was answered`, advice),
  ]
}

export async function checkMigrations({ sql }: Patient): Promise<Finding> {
  const { version, newest } = await migrationState(sql)
  if (version === newest) return ok('migrations', `at ${version}, the newest`)
  if (version > newest) {
    return problem(
      'migrations',
      `the database is at ${version}, this Milepost knows ${newest}`,
      'use the newer Milepost',
    )
  }
  return problem('migrations', `at ${version} of ${newest}`, 'milepost migrate')
}

export async function checkSchema({ sql }: Patient): Promise<Finding> {
  const differences = schemaDifferences(await dumpSchema(sql), await expectedSchema())
  if (differences.length === 0) return ok('schema', 'as the migrations make it')
  const shown = differences.slice(0, 5).join('; ')
  const more = differences.length > 5 ? ` and ${differences.length - 5} more` : ''
  return problem('schema', `${shown}${more}`, 'somebody changed it by hand: change it back')
}

export async function checkPartitions({ sql, now }: Patient): Promise<Finding> {
  const ahead = await partitionsAhead(sql, now)
  const detail = ahead < 0 ? 'the present month has none' : `${count(ahead, 'month')} ahead`
  const advice = 'milepost jobs run partitions'
  if (ahead < 1) return problem('partitions', detail, advice)
  return ahead < 3 ? warning('partitions', detail, advice) : ok('partitions', detail)
}

export async function checkPrograms({ sql, now }: Patient): Promise<Finding[]> {
  const programs = await createPrograms(sql)
  const ids = programs.ids()
  if (ids.length === 0) {
    return [
      warning('programs', 'none is published', 'milepost rules publish <folder>, or milepost serve --demo'),
    ]
  }
  const keys = (await listKeys(sql)).filter(({ revokedAt }) => revokedAt === null)
  const lost = programs.unloadable().map((one) => unloadableFinding(one, now))
  const sound = ids.map((id) => {
    const inForce = programs.versions(id).findLast((one) => stateOf(one, now) === 'in_force')
    const own = keys.filter(({ program }) => program === id).length
    if (!inForce) return warning(`program ${id}`, 'no version is in force yet', 'milepost rules versions')
    const detail = `version ${inForce.version.slice(0, 12)} since ${inForce.effectiveFrom.toISOString()}, ${count(own, 'key')}`
    const advice = `milepost keys create --program ${id} --source till --scopes all`
    return own === 0 ? warning(`program ${id}`, detail, advice) : ok(`program ${id}`, detail)
  })
  return [...sound, ...lost]
}

/** Rules that an earlier Milepost took and this one does not: whatever needs them is refused until then. */
function unloadableFinding(one: Unloadable, now: Date): Finding {
  const from = one.effectiveFrom.toISOString()
  const state = stateOf(one, now)
  const until = state === 'replaced' && one.until ? ` to ${one.until.toISOString()}` : ''
  const detail = `version ${one.version.slice(0, 12)}, in force from ${from}${until}, no longer loads: ${faultLine(one.errors)}`
  const correct = `publish its files with the errors corrected, from the same instant: milepost rules publish <folder> --at ${from}`
  const withdraw = `milepost rules withdraw ${one.version.slice(0, 12)} --program ${one.program}, or ${correct}`
  return problem(`program ${one.program}`, detail, state === 'scheduled' ? withdraw : correct)
}

/** The service, by its health check and its metrics; that it does not run is no fault of the installation. */
export async function checkService({ config }: Patient): Promise<Finding> {
  const host = config.host === '0.0.0.0' ? '127.0.0.1' : config.host
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${config.port}`
  try {
    const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(3_000) })
    const { status, checks } = (await response.json()) as { status?: string; checks?: { queue?: number } }
    const depth = checks?.queue
    if (depth === undefined)
      return warning('service', `${url} is something else than Milepost`, 'set HOST and PORT')
    const detail = `${url} is ${status === 'ready' ? 'ready' : 'not ready'}, ${count(depth, 'command')} in the queue`
    if (status !== 'ready') return problem('service', detail, `see ${url}/health/ready and its log`)
    const busy = depth > config.queue / 2
    return busy
      ? warning('service', detail, 'it is more than it can write: see /metrics')
      : ok('service', detail)
  } catch {
    return ok('service', `does not run at ${url}`)
  }
}

export async function checkOutbox({ sql, now }: Patient): Promise<Finding> {
  const { events, oldest } = await outboxBacklog(sql)
  const age = oldest === null ? '' : `, the oldest of ${oldest.toISOString()}`
  const late = oldest !== null && oldest > now
  const detail = `${count(events, 'event')}${age}`
  return late ? warning('outbox', detail, 'the clock of this machine is behind') : ok('outbox', detail)
}

export async function checkJobs({ sql, now }: Patient): Promise<Finding[]> {
  const runs = new Map((await lastRuns(sql)).map((run) => [run.job, run]))
  const overdue = await overdueMembers(sql, new Date(now.getTime() - HOUR))
  const late =
    overdue === 0n
      ? []
      : [
          warning(
            'jobs',
            `${count(overdue, 'member')} with something due for over an hour`,
            'milepost jobs run expire, or start the service',
          ),
        ]
  const each = jobs.map(({ name }): Finding => {
    const run = runs.get(name)
    const again = `milepost jobs run ${name}`
    if (!run) return ok(`job ${name}`, 'has not run yet')
    const began = run.startedAt.toISOString()
    if (run.outcome === null) {
      const stuck = now.getTime() - run.startedAt.getTime() > HOUR
      return stuck
        ? warning(`job ${name}`, `began ${began} and did not finish`, again)
        : ok(`job ${name}`, `runs since ${began}`)
    }
    if (run.outcome.ok !== true)
      return problem(`job ${name}`, `failed ${began}: ${String(run.outcome.error)}`, again)
    const failed = Number(run.outcome.failed ?? 0)
    if (failed > 0)
      return problem(
        `job ${name}`,
        `${began}: ${count(failed, 'member')} could not be settled`,
        `see the log; ${again}`,
      )
    if (typeof run.outcome.unkept === 'string')
      return warning(`job ${name}`, `${began}: nothing can be kept in the data folder`, again)
    return ok(`job ${name}`, `${began}: done`)
  })
  return [...late, ...each]
}

function ok(check: string, detail: string): Finding {
  return { check, state: 'ok', detail }
}

function warning(check: string, detail: string, advice: string): Finding {
  return { check, state: 'warning', detail, advice }
}

export function problem(check: string, detail: string, advice: string): Finding {
  return { check, state: 'problem', detail, advice }
}
