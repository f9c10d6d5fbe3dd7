/**
 * From the words on the command line to an exit code: 0 done, 1 refused or with findings, 2 wrong usage.
 * Whatever happens in between, what the command opened is closed.
 */
import { DomainError } from '../base/errors.ts'
import { didYouMean } from '../base/nearest.ts'
import { ConfigError } from '../config.ts'
import { closeOnSignals, createClosing } from './closing.ts'
import { type Call, type CliCommand, readWords, ToldError, UsageError } from './command-line.ts'
import { commands, groups, type ListedCommand } from './commands.ts'
import type { Doors } from './doors.ts'
import { commandHelp, groupHelp, overview } from './help.ts'
import { hintFor, tellRefusal } from './refusal-text.ts'
import { createTerminal, type Streams, type Terminal } from './terminal.ts'

export interface Outside {
  readonly streams: Streams
  readonly doors: Doors
  readonly version: string
  now(): Date
}

export async function runCommandLine(argv: readonly string[], outside: Outside): Promise<number> {
  const terminal = createTerminal(outside.streams)
  try {
    return await dispatch(argv, outside, terminal)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    terminal.note(`${terminal.noteStyle('red', 'error')} ${error.message}`)
    return 2
  }
}

async function dispatch(argv: readonly string[], outside: Outside, terminal: Terminal): Promise<number> {
  const [first, second] = argv
  if (first === undefined) {
    terminal.note(overview(commands, terminal.noteStyle))
    return 2
  }
  if (first === '--version' || first === '-v') {
    terminal.print(outside.version)
    return 0
  }
  if (first === 'help' || first === '--help' || first === '-h') return help(argv.slice(1), terminal)

  if (groups.includes(first) && (second === undefined || second === '--help' || second === '-h')) {
    if (second !== undefined) terminal.print(groupHelp(first, commands, terminal.style))
    else terminal.note(groupHelp(first, commands, terminal.noteStyle))
    return second === undefined ? 2 : 0
  }
  const listed = find(argv)
  return runOne(listed, argv.slice(listed.name.split(' ').length), { outside, terminal })
}

/** `help`, `help rules`, `help rules check` */
async function help(words: readonly string[], terminal: Terminal): Promise<number> {
  const [first] = words
  if (first === undefined) terminal.print(overview(commands, terminal.style))
  else if (groups.includes(first) && words.length === 1) {
    terminal.print(groupHelp(first, commands, terminal.style))
  } else {
    const listed = find(words)
    terminal.print(commandHelp(listed, await listed.load(), terminal.style))
  }
  return 0
}

function find(words: readonly string[]): ListedCommand {
  const [first = '', second = ''] = words
  const wanted = groups.includes(first) ? `${first} ${second}` : first
  const found = commands.find(({ name }) => name === wanted)
  if (found) return found
  const known = groups.includes(first)
    ? commands.map(({ name }) => name).filter((name) => name.startsWith(`${first} `))
    : [...new Set([...commands.map(({ name }) => name.split(' ')[0]!), 'help'])]
  throw new UsageError(
    `unknown command "milepost ${wanted}"`,
    didYouMean(wanted, known) ?? 'see milepost help',
  )
}

async function runOne(
  listed: ListedCommand,
  argv: readonly string[],
  { outside, terminal }: { outside: Outside; terminal: Terminal },
): Promise<number> {
  const command = await listed.load()
  const words = usage(listed, () => readWords(command, argv))
  if (words.flag('help')) {
    terminal.print(commandHelp(listed, command, terminal.style))
    return 0
  }
  const closing = createClosing()
  const stopListening = command.ownSignals ? () => {} : closeOnSignals(closing, terminal.note)
  const { streams, doors, now } = outside
  const call: Call = { words, terminal, stderr: streams.err, env: streams.env, closing, doors, now }
  try {
    return await finish(listed, command, call)
  } finally {
    await closing.run().catch((error: Error) => terminal.note(`while closing: ${error.message}`))
    stopListening()
  }
}

async function finish(listed: ListedCommand, command: CliCommand, call: Call): Promise<number> {
  try {
    return await command.run(call)
  } catch (error) {
    if (error instanceof UsageError) throw usageOf(listed, error)
    if (error instanceof ConfigError) {
      for (const fault of error.faults)
        call.terminal.note(`${call.terminal.noteStyle('red', 'error')} ${fault}`)
      return 2
    }
    return tell(error, call)
  }
}

/** A failure in words: what was refused, or what is broken. The stack only where it is a defect of ours. */
async function tell(error: unknown, { words, terminal, closing, doors }: Call): Promise<number> {
  // Whatever fails while everything is being closed under it, fails because of that.
  if (closing.signal.aborted) return 1
  const known = error instanceof DomainError
  const detail = known ? await doors.wordsOf(error) : messageOf(error)
  if (words.flag('json')) {
    const hint = known ? hintFor(error) : undefined
    const code = known ? error.code : 'failed'
    terminal.json({
      error: { code, detail, ...(hint && { hint }), ...(known ? { details: error.details } : {}) },
    })
  }
  if (known) tellRefusal(error, detail, terminal)
  else terminal.note(`${terminal.noteStyle('red', 'failed')} ${detail}`)
  return 1
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const isOurs = error.name === 'InvariantError' || error instanceof TypeError || error instanceof RangeError
  if (isOurs) return error.stack ?? error.message
  if (error instanceof ToldError) return error.message
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ECONNREFUSED') return `the database cannot be reached: ${error.message}`
  // An AggregateError of several addresses has no message of its own.
  return error.message === '' ? (code ?? error.name) : error.message
}

function usage<T>(listed: ListedCommand, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw error instanceof UsageError ? usageOf(listed, error) : error
  }
}

function usageOf({ name }: ListedCommand, error: UsageError): UsageError {
  return new UsageError(`${error.message} (see milepost ${name} --help)`)
}
