/** An engine on a database of its own: published rules, a lane, a clock that stands where the test puts it. */
import { connect, laneSettings, type Sql } from '../../src/db/connection.ts'
import { newCommand, type Request } from '../../src/engine/command.ts'
import { createLane, type Lane } from '../../src/engine/lane.ts'
import { createPrograms, type Programs } from '../../src/engine/programs.ts'
import { publish } from '../../src/engine/publish.ts'
import { verifyLedger } from '../../src/ledger/verify.ts'
import { keepStates } from '../../src/retention/keep.ts'
import type { FreshDatabase } from './database.ts'
import { freshDatabase } from './database.ts'

export interface Engine {
  readonly sql: Sql
  readonly url: string
  readonly lane: Lane
  readonly programs: Programs
  /** sets the clock */
  at(instant: string): void
  now(): Date
  /** runs a command; the reply parsed */
  run(request: Request, ref?: string): Promise<Record<string, unknown> & { [key: string]: never }>
  /** the code of the refusal */
  refused(request: Request, ref?: string): Promise<string>
  /** a member with a card of that number; its id */
  enrol(card: string): Promise<string>
  findings(): Promise<string[]>
  /** one text that changes when any row of any table does */
  checksum(): Promise<string>
}

/** The UUID in `txn_…`, as commands name things. */
export function uuidOf(id: unknown): string {
  return String(id)
    .slice(4)
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

interface Teardown {
  teardown(work: () => unknown): unknown
}

export async function startEngine(
  test: Teardown,
  rules: string,
  options: { database?: FreshDatabase; queueLimit?: number; groups?: number; groupSize?: number } = {},
): Promise<Engine> {
  const { sql, url } = options.database ?? (await freshDatabase(test))
  let clock = new Date('2026-03-03T10:00:00Z')
  const files = new Map([['program.yaml', rules]])
  const { program } = await publish(sql, { files, by: 'test', now: clock })
  const programs = await createPrograms(sql)
  const laneSql = connect(url, { max: 4, settings: laneSettings })
  const lane = createLane({
    sql: laneSql,
    programs,
    projection: keepStates,
    queueLimit: 10_000,
    ...options,
  })
  test.teardown(async () => {
    await lane.close()
    await laneSql.end({ timeout: 2 })
  })

  let count = 0
  const send = (request: Request, ref = `ref-${++count}`) =>
    lane.run(newCommand({ program, source: 'till', ref, at: clock }, request))

  return {
    sql,
    url,
    lane,
    programs,
    at(instant) {
      clock = new Date(instant)
    },
    now: () => clock,
    async run(request, ref) {
      return JSON.parse((await send(request, ref)).body)
    },
    async refused(request, ref) {
      try {
        const { body } = await send(request, ref)
        return `no refusal but ${body}`
      } catch (error) {
        return error instanceof Error && 'code' in error ? String(error.code) : String(error)
      }
    },
    async enrol(card) {
      const { body } = await send(
        { kind: 'enrol', body: { externalRef: card, identifiers: [{ kind: 'card', value: card }] } },
        `enrol-${card}`,
      )
      return uuidOf(JSON.parse(body).memberId)
    },
    async findings() {
      const { findings } = await verifyLedger(sql)
      return findings.map(({ kind, detail }) => `${kind}: ${detail}`)
    },
    checksum: () => checksum(sql),
  }
}

/** What is made by publishing and by the schedule, not by commands. */
const NOT_OF_COMMANDS = ['programs', 'rule_versions', 'job_runs', 'schema_migrations', 'breakage_estimates']

// A refused command still locks its member, and locking leaves its marks on the row: that is no change. Nor is
// in which database transaction, and after how many locks, an event was written.
async function checksum(sql: Sql): Promise<string> {
  const tables = await sql<{ name: string }[]>`
    select c.relname as name from pg_class c
    where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
      and c.relname <> all(${NOT_OF_COMMANDS}::text[])
    order by c.relname`
  const sums = await Promise.all(
    tables.map(async ({ name }) => {
      const [row] = await sql<{ sum: string }[]>`
        select coalesce(md5(string_agg(line, e'\n' order by line)), 'empty') as sum
        from (select (to_jsonb(t) - '{version,latest_at,prior_latest_at,xact_id,sequence}'::text[])::text as line from ${sql(name)} t) as lines`
      return `${name} ${row?.sum}`
    }),
  )
  return sums.join('\n')
}
