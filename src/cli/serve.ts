/**
 * `milepost serve`: everything in order, from the settings to the open port, and the same backwards when it
 * stops: no new requests, the running ones answered, what was accepted written, then the pools and the server.
 */
import closeWithGrace from 'close-with-grace'
import { type Logger, pino } from 'pino'
import { loggedError } from '../db/logged-error.ts'
import { migrate } from '../db/migrate.ts'
import { createPrograms, faultLine, type Programs } from '../engine/programs.ts'
import { startSchedule } from '../jobs/schedule.ts'
import type { Program } from '../program/program.ts'
import type { Call, CliCommand } from './command-line.ts'
import { curlLines, type DemoKey, demoKeys, publishDemo, shownProgram } from './demo.ts'
import { type Database, openDatabase, openLaneBeside } from './installation.ts'
import { logTarget } from './serve-log.ts'

/** Reads of requests, jobs and the keeper of rules; the lane has a pool of its own. */
const POOL = 20
/** A request may wait for a busy lane; whoever runs the service may wait this long for its end. */
const GRACE = 30_000
/** Milliseconds until a publication by another process is seen by reads. */
const RULES_EVERY = 2_000

export const serveCommand: CliCommand = {
  about: [
    'Listens on HOST and PORT (127.0.0.1:8080). Without DATABASE_URL it starts its own PostgreSQL in ' +
      'MILEPOST_DATA, or joins the one that runs there, and brings it back should it be killed.',
    'With --demo the programs of MILEPOST_PROGRAMS are published, and a key for each is printed with three ' +
      'curl lines to paste. Logs go to standard error: JSON, or words on a terminal.',
    'Ctrl-C lets running requests finish; a second one stops at once.',
  ],
  options: { demo: { about: 'publish the programs of MILEPOST_PROGRAMS, make keys, show how to begin' } },
  examples: ['milepost serve --demo', 'DATABASE_URL=postgres://milepost@db/milepost PORT=80 milepost serve'],
  ownSignals: true,
  async run(call) {
    const ending = endOnSignal(call)
    try {
      await start(call)
      await ending.ended
    } finally {
      ending.uninstall()
    }
    return 0
  },
}

async function start(call: Call): Promise<void> {
  const database = await openDatabase(call, POOL)
  const { config, sql } = database
  await migrate(sql, { now: call.now() })
  const demo = call.words.flag('demo') ? await prepareDemo(call, database) : null
  const url = await openService(call, database)
  announce(call, { url, demo, embedded: config.databaseUrl === null })
}

interface Demo {
  readonly programs: readonly Program[]
  readonly keys: readonly DemoKey[]
}

async function prepareDemo(call: Call, { sql, config }: Database): Promise<Demo> {
  const programs = await publishDemo(call, { sql, config })
  const keys = await demoKeys(call, { sql, config, programs: programs.map(({ id }) => id) })
  return { programs, keys }
}

async function openService(call: Call, database: Database): Promise<string> {
  const { config, sql } = database
  const programs = await createPrograms(sql)
  if (programs.ids().length === 0) {
    call.terminal.note(
      'no program is published yet: milepost rules publish <folder>, or milepost serve --demo',
    )
  }
  const target = logTarget(call.stderr)
  const log = pino({ level: config.logLevel, serializers: { err: loggedError } }, target)
  keepRulesFresh(call, { programs, log })
  const front = await call.doors.createFront()
  const lane = await openLaneBeside(call, { ...database, programs, onGroup: front.onGroup })

  const { eventDays, dataFolder } = config
  const schedule = startSchedule({ sql, lane, now: call.now, log, eventDays, dataFolder })
  call.closing.add(() => schedule.stop())
  const app = await front.build({
    sql,
    lane,
    programs,
    dataFolder: config.dataFolder,
    now: call.now,
    logLevel: config.logLevel,
    logTo: target,
    rateLimitPerMinute: config.rateLimit,
  })
  call.closing.add(() => app.close())
  try {
    return await app.listen({ host: config.host, port: config.port })
  } catch (error) {
    throw listenError(error as NodeJS.ErrnoException, config)
  }
}

/** The lane sees new rules with each write; this is for reads, and for a service that waits for its first rules. */
function keepRulesFresh({ closing }: Call, { programs, log }: { programs: Programs; log: Logger }): void {
  const told = new Set<string>()
  const tell = () => {
    for (const { program, version, effectiveFrom, errors } of programs.unloadable()) {
      if (told.has(`${program} ${version}`)) continue
      told.add(`${program} ${version}`)
      const what = { program, version, effectiveFrom, errors: errors.length, first: faultLine(errors) }
      log.error(what, 'published rules no longer load: milepost doctor says what to do')
    }
  }
  tell()
  const timer = setInterval(() => {
    // A database that is away is told by whatever really needs it.
    programs.refresh().then(tell, () => {})
  }, RULES_EVERY)
  closing.add(() => clearInterval(timer))
}

function listenError(error: NodeJS.ErrnoException, { host, port }: { host: string; port: number }): Error {
  const where = `${host}:${port}`
  if (error.code === 'EADDRINUSE') {
    return new Error(
      `${where} is taken by another program: stop it, or choose another port with PORT=${port + 1}`,
    )
  }
  if (error.code === 'EACCES')
    return new Error(`${where} needs more rights: choose a port above 1023 with PORT`)
  if (error.code === 'ENOTFOUND' || error.code === 'EADDRNOTAVAIL') {
    return new Error(`this machine has no address ${host}: set HOST to 127.0.0.1, or 0.0.0.0 for all`)
  }
  return error
}

function announce(
  call: Call,
  { url, demo, embedded }: { url: string; demo: Demo | null; embedded: boolean },
): void {
  const { print, style } = call.terminal
  print(
    `${style('bold', 'Milepost')} is running${embedded ? ' with its own PostgreSQL' : ''}; Ctrl-C stops it`,
  )
  print(`  API     ${url}/v1`)
  print(`  docs    ${url}/docs`)
  print(`  health  ${url}/health/ready`)
  if (demo === null) return
  for (const { program, key } of demo.keys) print(`  key     ${key}  (${program}, every scope)`)
  const shown = shownProgram(demo.programs)
  const key = demo.keys.find(({ program }) => program === shown?.id)
  if (!shown || !key) return
  print('')
  print('Enrol a member, post a sale, read the balance:')
  for (const line of curlLines(url, key, shown.money)) print(line)
}

/**
 * The first signal closes everything and ends with 0; a second one does not wait for requests. A defect
 * that nobody caught closes everything as well, and ends with 1.
 */
function endOnSignal({ closing, terminal }: Call): { ended: Promise<void>; uninstall(): void } {
  let end: () => void = () => {}
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  const logger = { error: (message: unknown) => terminal.note(String(message)) }
  const onSecondSignal = () => closing.runAtOnce()
  // A process with nothing left to wait for has lost something: node says so itself, by its exit code.
  const skip: closeWithGrace.AllEvents[] = ['beforeExit']
  const { uninstall } = closeWithGrace(
    { delay: GRACE, logger, onSecondSignal, skip },
    async ({ err, signal }) => {
      if (err) terminal.note(`stopping after a failure: ${err.stack ?? err.message}`)
      else terminal.note(`${signal ?? 'asked to stop'}: stopping …`)
      closing.interrupt()
      await closing.run()
      end()
    },
  )
  return { ended, uninstall }
}
