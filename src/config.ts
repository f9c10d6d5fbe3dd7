/**
 * The environment, read once at the start into one frozen object; nothing else reads process.env for
 * settings. A name of ours that is not known, or a value that cannot be, is an error that says what to write.
 */
import { nearest } from './base/nearest.ts'

const logLevels = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const
export type LogLevel = (typeof logLevels)[number]

/** where nothing is said */
export const EVENT_DAYS = 90

export interface Config {
  readonly host: string
  /** 0: any free port */
  readonly port: number
  /** null: the embedded server in `dataFolder` */
  readonly databaseUrl: string | null
  readonly dataFolder: string
  /** each subfolder is a program */
  readonly programsFolder: string
  readonly logLevel: LogLevel
  /** groups that are written at the same time, each on a connection of its own */
  readonly lanes: number
  /** commands that wait in all; more are answered 503 */
  readonly queue: number
  /** requests per minute and API key; more are answered 429 */
  readonly rateLimit: number
  /** days that events stay in the outbox at least */
  readonly eventDays: number
}

/** What is wrong with the environment: every fault, one a line. */
export class ConfigError extends Error {
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(faults.join('\n'))
    this.name = 'ConfigError'
    this.faults = faults
  }
}

type Environment = Readonly<Record<string, string | undefined>>
type Complain = (fault: string) => void
type Setting<T> = (name: string, env: Environment, complain: Complain) => T

const OURS = 'MILEPOST_'

const settings = {
  HOST: text('127.0.0.1'),
  PORT: integer(8080, 0, 65_535),
  DATABASE_URL: databaseUrl,
  MILEPOST_DATA: text('.milepost'),
  MILEPOST_PROGRAMS: text('rules'),
  LOG_LEVEL: oneOf(logLevels, 'info'),
  MILEPOST_LANES: integer(2, 1, 64),
  MILEPOST_QUEUE: integer(10_000, 1, 1_000_000),
  MILEPOST_RATE_LIMIT: integer(60_000, 1, 100_000_000),
  MILEPOST_EVENT_DAYS: integer(EVENT_DAYS, 1, 36_500),
}

/** Throws ConfigError with every fault at once. */
export function readConfig(env: Environment): Config {
  const faults: string[] = []
  const complain: Complain = (fault) => faults.push(fault)
  checkNames(env, complain)
  const read = <T>(name: keyof typeof settings, setting: Setting<T>): T => setting(name, env, complain)
  const config: Config = {
    host: read('HOST', settings.HOST),
    port: read('PORT', settings.PORT),
    databaseUrl: read('DATABASE_URL', settings.DATABASE_URL),
    dataFolder: read('MILEPOST_DATA', settings.MILEPOST_DATA),
    programsFolder: read('MILEPOST_PROGRAMS', settings.MILEPOST_PROGRAMS),
    logLevel: read('LOG_LEVEL', settings.LOG_LEVEL),
    lanes: read('MILEPOST_LANES', settings.MILEPOST_LANES),
    queue: read('MILEPOST_QUEUE', settings.MILEPOST_QUEUE),
    rateLimit: read('MILEPOST_RATE_LIMIT', settings.MILEPOST_RATE_LIMIT),
    eventDays: read('MILEPOST_EVENT_DAYS', settings.MILEPOST_EVENT_DAYS),
  }
  if (faults.length > 0) throw new ConfigError(faults)
  return Object.freeze(config)
}

// Only names that begin with ours: whatever else stands in an environment is not our business.
function checkNames(env: Environment, complain: Complain): void {
  const known = Object.keys(settings).filter((name) => name.startsWith(OURS))
  for (const name of Object.keys(env).sort()) {
    if (!name.startsWith(OURS) || known.includes(name)) continue
    const near = nearest(
      name.slice(OURS.length),
      known.map((other) => other.slice(OURS.length)),
    )
    const hint = near === null ? `known are ${known.join(', ')}` : `did you mean ${OURS}${near}?`
    complain(`${name} is no setting of Milepost: ${hint}`)
  }
}

/** A variable that is set to nothing counts as not set, as in `PORT= npm start`. */
function givenAs(name: string, env: Environment): string | undefined {
  return env[name]?.trim() || undefined
}

function text(fallback: string): Setting<string> {
  return (name, env) => givenAs(name, env) ?? fallback
}

function integer(fallback: number, least: number, most: number): Setting<number> {
  return (name, env, complain) => {
    const value = givenAs(name, env)
    if (value === undefined) return fallback
    const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN
    if (number >= least && number <= most) return number
    complain(`${name}=${value}: expected a whole number from ${least} to ${most}`)
    return fallback
  }
}

function oneOf<T extends string>(choices: readonly T[], fallback: T): Setting<T> {
  return (name, env, complain) => {
    const value = givenAs(name, env)
    if (value === undefined) return fallback
    const choice = choices.find((known) => known === value.toLowerCase())
    if (choice) return choice
    const near = nearest(value, choices)
    const hint = near === null ? '' : ` (did you mean ${near}?)`
    complain(`${name}=${value}: expected one of ${choices.join(', ')}${hint}`)
    return fallback
  }
}

/** The value is not repeated in the message: it may hold a password. */
function databaseUrl(name: string, env: Environment, complain: Complain): string | null {
  const value = givenAs(name, env)
  if (value === undefined) return null
  const protocol = URL.canParse(value) ? new URL(value).protocol : ''
  if (protocol === 'postgres:' || protocol === 'postgresql:') return value
  complain(`${name}: expected postgres://user:password@host:port/database`)
  return null
}
