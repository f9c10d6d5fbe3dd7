/** The help texts, made from the commands' own descriptions, so that none can be forgotten. */
import type { CliCommand, CliOption } from './command-line.ts'
import type { ListedCommand } from './commands.ts'
import { type Style, table } from './terminal.ts'

type Look = (style: Style, text: string) => string

const WIDTH = 96

export function overview(commands: readonly ListedCommand[], look: Look): string {
  return [
    `${look('bold', 'milepost')} – a loyalty and points engine`,
    '',
    look('bold', 'Commands'),
    rows(commands),
    '',
    look('bold', 'Settings'),
    'HOST, PORT, DATABASE_URL, MILEPOST_DATA, MILEPOST_PROGRAMS, LOG_LEVEL and a few more, from the',
    'environment. Without DATABASE_URL a PostgreSQL of its own runs in MILEPOST_DATA (.milepost).',
    '',
    look('bold', 'Exit codes'),
    '0 done, 1 refused or with findings, 2 wrong usage',
    '',
    `milepost help <command> shows options and examples; milepost --version the version.`,
  ].join('\n')
}

export function groupHelp(group: string, commands: readonly ListedCommand[], look: Look): string {
  const own = commands.filter(({ name }) => name.startsWith(`${group} `))
  return [
    `${look('bold', `milepost ${group}`)}`,
    '',
    rows(own),
    '',
    `milepost help ${group} <command> shows more.`,
  ].join('\n')
}

function rows(commands: readonly ListedCommand[]): string {
  return table(commands.map(({ name, summary }) => [`  milepost ${name}`, summary]))
}

export function commandHelp({ name, summary }: ListedCommand, command: CliCommand, look: Look): string {
  const options = Object.entries(command.options ?? {})
  const usage = ['milepost', name, ...(command.operands ?? []), ...(options.length > 0 ? ['[options]'] : [])]
  const lines = [`${look('bold', usage.join(' '))}`, '', summary]
  for (const paragraph of command.about ?? []) lines.push('', wrap(paragraph))
  lines.push(
    '',
    look('bold', 'Options'),
    table([...options, ['help', { about: 'this text' }] as const].map(optionRow)),
  )
  lines.push('', look('bold', 'Examples'), ...command.examples.map((example) => `  ${example}`))
  return lines.join('\n')
}

function optionRow([name, option]: readonly [string, CliOption]): string[] {
  const value = option.value === undefined ? '' : ` ${option.value}`
  const choices = option.choices ? ` (${option.choices.join(', ')})` : ''
  return [`  --${name}${value}`, `${option.about}${choices}${option.required ? '; needed' : ''}`]
}

function wrap(text: string): string {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!
    if (line.length + word.length + 1 > WIDTH) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines.join('\n')
}
