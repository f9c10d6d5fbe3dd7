/**
 * What a command of the tool is, and how its words are read: known options only, each at most once, and
 * whatever is not understood is refused with the nearest name that is.
 */
import { parseArgs } from 'node:util'
import { didYouMean } from '../base/nearest.ts'
import type { Closing } from './closing.ts'
import type { Doors } from './doors.ts'
import type { Terminal } from './terminal.ts'

export interface CliOption {
  readonly about: string
  /** the placeholder of its value; absent: a flag */
  readonly value?: string
  readonly choices?: readonly string[]
  readonly required?: true
}

export interface CliCommand {
  /** placeholders of what stands without a dash; in brackets where it may be left out */
  readonly operands?: readonly string[]
  /** paragraphs below the summary */
  readonly about?: readonly string[]
  readonly options?: Readonly<Record<string, CliOption>>
  readonly examples: readonly string[]
  /** it decides by itself what a signal means */
  readonly ownSignals?: true
  /** the exit code: 0 done, 1 refused or with findings */
  run(call: Call): Promise<number>
}

/** One call of a command: its words, and everything of the outside that it may touch. */
export interface Call {
  readonly words: Words
  readonly terminal: Terminal
  readonly stderr: NodeJS.WriteStream
  readonly env: Readonly<Record<string, string | undefined>>
  readonly closing: Closing
  readonly doors: Doors
  now(): Date
}

export interface Words {
  readonly operands: readonly string[]
  flag(name: string): boolean
  text(name: string): string | undefined
  required(name: string): string
  /** an RFC 3339 instant */
  instant(name: string): Date | undefined
}

/** A failure whose message says all that there is to say. */
export class ToldError extends Error {}

/** Wrong usage: exit code 2. */
export class UsageError extends Error {
  constructor(message: string, hint?: string) {
    super(hint === undefined ? message : `${message}; ${hint}`)
    this.name = 'UsageError'
  }
}

const everywhere: Readonly<Record<string, CliOption>> = { help: { about: 'this text' } }

export function readWords(command: CliCommand, argv: readonly string[]): Words {
  const known = { ...command.options, ...everywhere }
  const { tokens } = parseArgs({
    args: [...argv],
    strict: false,
    tokens: true,
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      ...Object.fromEntries(
        Object.entries(known).map(([name, { value }]) => [
          name,
          { type: value === undefined ? ('boolean' as const) : ('string' as const) },
        ]),
      ),
    },
  })

  const given = new Map<string, string | true>()
  const operands: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value)
    if (token.kind !== 'option') continue
    const name = token.rawName === '-h' ? 'help' : token.name
    const option = Object.hasOwn(known, name) ? known[name] : undefined
    if (option === undefined) {
      throw new UsageError(`unknown option ${token.rawName}`, hintFor(token.name, Object.keys(known)))
    }
    if (given.has(name)) throw new UsageError(`option --${name} is given twice`)
    given.set(name, readValue(name, option, token.value))
  }
  if (given.has('help')) return wordsOf(operands, given)
  checkCounts(command, operands, given)
  return wordsOf(operands, given)
}

function hintFor(name: string, known: readonly string[]): string | undefined {
  return didYouMean(
    `--${name}`,
    known.map((other) => `--${other}`),
  )
}

function readValue(name: string, option: CliOption, value: string | undefined): string | true {
  if (option.value === undefined) {
    if (value !== undefined) throw new UsageError(`option --${name} takes no value`)
    return true
  }
  if (value === undefined || value === '')
    throw new UsageError(`option --${name} needs a value: ${option.value}`)
  if (option.choices !== undefined && !option.choices.includes(value)) {
    const hint = didYouMean(value, option.choices)
    throw new UsageError(`option --${name} is one of ${option.choices.join(', ')}, not "${value}"`, hint)
  }
  return value
}

function checkCounts(
  command: CliCommand,
  operands: readonly string[],
  given: ReadonlyMap<string, string | true>,
): void {
  const wanted = command.operands ?? []
  const needed = wanted.filter((operand) => !operand.startsWith('['))
  if (operands.length < needed.length) throw new UsageError(`${needed[operands.length]} is missing`)
  const extra = operands[wanted.length]
  if (extra !== undefined) throw new UsageError(`"${extra}" is one word too many`)
  for (const [name, option] of Object.entries(command.options ?? {})) {
    if (option.required && !given.has(name))
      throw new UsageError(`option --${name} ${option.value} is missing`)
  }
}

function wordsOf(operands: readonly string[], given: ReadonlyMap<string, string | true>): Words {
  const text = (name: string) => {
    const value = given.get(name)
    return typeof value === 'string' ? value : undefined
  }
  return {
    operands,
    flag: (name) => given.has(name),
    text,
    required(name) {
      const value = text(name)
      if (value === undefined) throw new UsageError(`option --${name} is missing`)
      return value
    },
    instant(name) {
      const value = text(name)
      return value === undefined ? undefined : readInstant(name, value)
    },
  }
}

const RFC3339 = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/i

function readInstant(name: string, value: string): Date {
  const at = new Date(value)
  // 30 February would roll over into March without a word.
  const rolled =
    Number(value.slice(8, 10)) >
    new Date(Date.UTC(Number(value.slice(0, 4)), Number(value.slice(5, 7)), 0)).getUTCDate()
  if (!RFC3339.test(value) || Number.isNaN(at.getTime()) || rolled) {
    throw new UsageError(`option --${name} is an instant such as 2026-03-01T09:00:00Z, not "${value}"`)
  }
  return at
}
