/**
 * How many recorded sales a simulation replays per second: a till feed is imported, its members are copied
 * as often as asked, and the rules in force are simulated over them all: for the first time, after the job that
 * packs has been by, and again, beside threads that only read the same rows. What comes out must be what was recorded, or the figure is worth nothing.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { besideOf, startThread } from '../src/base/thread.ts'
import { readFeed } from '../src/cli/feed.ts'
import { planFeed } from '../src/cli/feed-plan.ts'
import { postPlan } from '../src/cli/feed-post.ts'
import { laneTill } from '../src/cli/till-lane.ts'
import { addressOf, connect, laneSettings, type Sql } from '../src/db/connection.ts'
import { migrate } from '../src/db/migrate.ts'
import { packageRoot } from '../src/db/package-root.ts'
import { createLane } from '../src/engine/lane.ts'
import { createPrograms } from '../src/engine/programs.ts'
import { publish } from '../src/engine/publish.ts'
import { readProgramFiles } from '../src/program/files.ts'
import { keepStates } from '../src/retention/keep.ts'
import { runSimulation } from '../src/simulate/candidate.ts'
import { packHistory } from '../src/simulate/pack-history.ts'
import { dropPacks } from '../src/simulate/packs.ts'
import { exportSnapshot, readStretches } from '../src/simulate/queries.ts'
import { isSame } from '../src/simulate/result.ts'
import { CHUNK } from '../src/simulate/simulate.ts'
import type { Reading } from './read-rows.ts'
import { spreadOf } from './report.ts'
import { startBenchServer } from './server.ts'

const PROGRAM = 'gift-shop'
const DATABASE = 'milepost_simulation'
const FEED = join(packageRoot, '..', 'shared', 'data', 'till_feed_6_weeks.csv.gz')

export const simulateHelp = `Usage: npm run bench -- simulate [options]

Imports a till feed into a PostgreSQL of its own, copies its members, and simulates the rules in force over
all of them: for the first time, after the job \`pack\` has been by, and again with all of that kept. Prints
sales replayed per second (packed per second by the job, in its one thread), their ratio to only reading the
same rows with as many threads, and the processor time of a sale in this process, which tells more than the
clock where others use the machine. Each thread first has to start and to be compiled, a second or two of
processor time: the more sales, the less that weighs in each of them, so a figure is told with its --repeat.
Exit code 1 if anything comes out otherwise than recorded.

  --feed FILE     the till feed (${FEED})
  --repeat N      how often its members are there (20)
  --rounds N      rounds (3); shown are the median, the least and the most
  --workers N     threads (2)

Example:
  npm run bench -- simulate --repeat 300 --rounds 2
`

const say = (line: string) => console.error(line)

export async function benchSimulate(args: string[]): Promise<number> {
  const options = readOptions(args)
  if (typeof options === 'string') {
    const isHelp = options === ''
    console[isHelp ? 'log' : 'error'](isHelp ? simulateHelp : `${options}\n\n${simulateHelp}`)
    return isHelp ? 0 : 2
  }
  const server = await startBenchServer(null)
  try {
    say(server.about)
    await server.drop(DATABASE)
    await server.make(DATABASE)
    const sql = connect(server.urlOf(DATABASE), { max: 4, name: 'bench' })
    try {
      await prepare(sql, options)
      await server.checkpoint()
      return await measure(sql, options)
    } finally {
      await sql.end({ timeout: 2 })
    }
  } finally {
    await server.stop()
  }
}

interface Options {
  readonly feed: string
  readonly repeat: number
  readonly rounds: number
  readonly workers: number
}

/** What is wrong with the words; empty: help was asked for. */
function readOptions(args: string[]): Options | string {
  try {
    const { values } = parseArgs({
      args,
      options: {
        feed: { type: 'string', default: FEED },
        repeat: { type: 'string', default: '20' },
        rounds: { type: 'string', default: '3' },
        workers: { type: 'string', default: '2' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) return ''
    const whole = (name: 'repeat' | 'rounds' | 'workers') => {
      if (/^[1-9]\d{0,3}$/.test(values[name])) return Number(values[name])
      throw new Error(`--${name} ${values[name]}: expected a whole number from 1`)
    }
    const options = { feed: values.feed, repeat: whole('repeat'), rounds: whole('rounds') }
    if (!existsSync(values.feed)) return `there is no till feed ${values.feed}: name one with --feed`
    return { ...options, workers: whole('workers') }
  } catch (error) {
    return (error as Error).message
  }
}

async function prepare(sql: Sql, { feed, repeat }: Options): Promise<void> {
  await migrate(sql)
  const now = () => new Date()
  const files = await readProgramFiles(join(packageRoot, 'rules', PROGRAM))
  await publish(sql, { files, by: 'bench', now: now() })
  const programs = await createPrograms(sql)
  const { timeZone, money } = programs.at(PROGRAM, now())
  const laneSql = connect(addressOf(sql), { max: 4, settings: laneSettings })
  const lane = createLane({
    sql: laneSql,
    programs,
    projection: keepStates,
    queueLimit: 10_000,
    groups: 3,
  })
  say(`importing ${feed}`)
  const till = laneTill({ lane, program: PROGRAM, now })
  const { signal } = new AbortController()
  const quiet = { onProgress() {}, onRefusal: (what: string, why: string) => say(`${what}: ${why}`) }
  await postPlan(await planFeed(readFeed(feed), { timeZone, money }), { till, atOnce: 512, signal, ...quiet })
  await lane.close()
  await laneSql.end({ timeout: 2 })
  say(`copying its members ${repeat} times`)
  await copyMembers(sql, repeat)
}

/** Everything that belongs to a member, once more for each copy under another member id. */
async function copyMembers(sql: Sql, repeat: number): Promise<void> {
  const tables = [
    'accounts',
    'lots',
    'counters',
    'standings',
    'tier_changes',
    'transactions',
    'returns',
    'revaluations',
  ]
  await sql`create temporary table copies as select number from generate_series(2, ${repeat}) as number`
  for (const table of ['members', ...tables, 'commands']) {
    const columns = await sql<{ name: string }[]>`
      select column_name as name from information_schema.columns
      where table_schema = 'public' and table_name = ${table} order by ordinal_position`
    const picked = columns.map(({ name }) => {
      if (name === 'member_id') {
        // the number goes first: copies of one member are far apart, as members who buy alike are
        const digits = `overlay(member_id::text placing to_hex(49152 + number) from 1 for 4)::uuid`
        return digits
      }
      const isKey = name === 'external_ref' && (table === 'members' || table === 'commands')
      return isKey ? `external_ref || '#' || number` : name
    })
    const names = columns.map(({ name }) => name).join(', ')
    await sql.unsafe(`insert into ${table} (${names}) select ${picked.join(', ')} from ${table}, copies`)
  }
  await sql`vacuum analyze`
}

async function measure(sql: Sql, { rounds, workers, repeat }: Options): Promise<number> {
  const [row] = await sql<{ sales: number; lines: number }[]>`
    select count(*)::int as sales, sum(json_array_length(request -> 'lines'))::int as lines from transactions`
  const { sales, lines } = row!
  say(`${sales} sales with ${lines} lines`)
  const programs = await createPrograms(sql)
  const keptIn = mkdtempSync(join(tmpdir(), 'milepost-bench-packs-'))
  const ways: Record<Way, Took[]> = { read: [], first: [], job: [], packed: [], again: [] }
  let same = true
  const replay = async () => {
    const result = await runSimulation(sql, programs, {
      ...{ program: PROGRAM, files: null, since: null, until: null, percent: 100, by: null },
      ...{ now: new Date(), workers, keptIn },
    })
    same &&= isSame(result) && result.transactions === sales
  }
  const pack = async () => {
    const packed = await packHistory(sql, programs, { program: PROGRAM, now: new Date(), keptIn })
    same &&= typeof packed !== 'string' && packed.sales > 0 && packed.members === packed.of
  }
  try {
    for (let round = 1; round <= rounds; round += 1) {
      await dropPacks(keptIn)
      ways.read.push(await timed(() => readOnly(sql, workers)))
      ways.first.push(await timed(replay))
      await dropPacks(keptIn)
      ways.job.push(await timed(pack))
      ways.packed.push(await timed(replay))
      ways.again.push(await timed(replay))
      const told = (Object.keys(ways) as Way[]).map(
        (way) => `${way} ${(sales / ways[way].at(-1)!.seconds).toFixed(0)}`,
      )
      say(`round ${round}: ${told.join(', ')} sales per second`)
    }
  } finally {
    rmSync(keptIn, { recursive: true, force: true })
  }
  tell(ways, { sales, lines, workers, repeat })
  console.log(same ? 'everything comes out as recorded' : 'NOT as recorded')
  return same ? 0 : 1
}

type Way = 'read' | 'first' | 'job' | 'packed' | 'again'

interface Took {
  readonly seconds: number
  /** of this process and its threads, without the database */
  readonly processor: number
}

const titles: Record<Way, string> = {
  read: 'only read',
  first: 'replayed, first',
  job: 'packed by the job',
  packed: 'replayed after it',
  again: 'replayed, again',
}

function tell(
  ways: Readonly<Record<Way, readonly Took[]>>,
  of: { sales: number; lines: number; workers: number; repeat: number },
): void {
  const { sales, lines, workers, repeat } = of
  console.log(`${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}, ${workers} threads`)
  console.log(
    `${sales} sales (--repeat ${repeat}), each of ${(lines / sales).toFixed(1)} lines; in a second, times as many as read, µs`,
  )
  for (const way of Object.keys(ways) as Way[]) {
    const all = ways[way]
    const perSecond = shown(
      all.map(({ seconds }) => sales / seconds),
      0,
    )
    const ratio = shown(
      all.map(({ seconds }, round) => ways.read[round]!.seconds / seconds),
      2,
    )
    const each = shown(
      all.map(({ processor }) => (processor * 1e6) / sales),
      0,
    )
    console.log(`${titles[way].padEnd(17)} ${perSecond.padEnd(26)} ${ratio.padEnd(22)} ${each}`)
  }
}

/** As the simulation reads, with as many threads and stretches, and nothing more. */
async function readOnly(sql: Sql, workers: number): Promise<void> {
  await sql.begin('isolation level repeatable read read only', async (tx) => {
    const snapshot = await exportSnapshot(tx)
    const population = { program: PROGRAM, share: 10_000 }
    const stretches = await readStretches(tx, population, CHUNK)
    const threads = Array.from({ length: workers }, (_, place) => {
      const mine = stretches.filter((_stretch, index) => index % workers === place)
      const reading: Reading = { url: addressOf(sql), snapshot, population, stretches: mine }
      const thread = startThread(besideOf(import.meta.url, 'read-rows'), reading)
      return new Promise<void>((resolve, reject) => {
        thread.on('error', reject)
        thread.on('exit', (code) =>
          code === 0 ? resolve() : reject(new Error(`a thread ended with ${code}`)),
        )
      })
    })
    await Promise.all(threads)
  })
}

async function timed(work: () => Promise<unknown>): Promise<Took> {
  const [started, used] = [performance.now(), process.cpuUsage()]
  await work()
  const { user, system } = process.cpuUsage(used)
  return { seconds: (performance.now() - started) / 1000, processor: (user + system) / 1e6 }
}

function shown(values: readonly number[], digits: number): string {
  const { median, least, most } = spreadOf(values)!
  const text = (value: number) => value.toLocaleString('en', { maximumFractionDigits: digits })
  return `${text(median)} (${text(least)} to ${text(most)})`
}
