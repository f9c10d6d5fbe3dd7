/** `milepost rules …`: check, test and publish rule files, print the JSON Schema. */
import { join } from 'node:path'
import { readConfig } from '../config.ts'
import { publish } from '../engine/publish.ts'
import { jsonSchema } from '../program/schema.ts'
import { type ExampleFailure, runExamples } from '../simulate/examples.ts'
import type { Call, CliCommand } from './command-line.ts'
import { openMigrated } from './installation.ts'
import { faultText, placedIn, readOneSource, readSources, type Source } from './rule-files.ts'
import { count } from './terminal.ts'
import { spanInWords, tellIfOver, whoami } from './versions-commands.ts'

const pathAbout =
  'The path is a program’s folder, one of its files, or a folder of programs; without it every program of ' +
  'MILEPOST_PROGRAMS (rules) is taken.'

async function sourcesOf(call: Call): Promise<Source[]> {
  return readSources(call.words.operands[0] ?? readConfig(call.env).programsFolder, { shelves: true })
}

/** Tells every fault on standard error. */
function tellFaults(call: Call, source: Source): void {
  const look = call.terminal.noteStyle
  for (const fault of source.errors) call.terminal.note(faultText(fault, source, { label: 'error', look }))
  for (const fault of source.warnings)
    call.terminal.note(faultText(fault, source, { label: 'warning', look }))
}

export const rulesCheck: CliCommand = {
  operands: ['[path]'],
  about: [pathAbout, 'Exit code 1 when there are errors; warnings alone are 0.'],
  options: {
    format: { about: 'how to tell it', value: 'FORMAT', choices: ['text', 'json'] },
    json: { about: 'the same as --format json' },
  },
  examples: [
    'milepost rules check',
    'milepost rules check rules/corner-coffee',
    'milepost rules check rules/corner-coffee/program.yaml --format json',
  ],
  async run(call) {
    const sources = await sourcesOf(call)
    const errors = sources.flatMap((source) => source.errors)
    const warnings = sources.flatMap((source) => source.warnings)
    if (call.words.flag('json') || call.words.text('format') === 'json')
      call.terminal.json({ errors, warnings })
    else {
      for (const source of sources) tellFaults(call, source)
      const found = `${count(errors.length, 'error')}, ${count(warnings.length, 'warning')}`
      call.terminal.print(`${count(sources.length, 'program')} checked: ${found}`)
    }
    return errors.length > 0 ? 1 : 0
  },
}

interface Tested {
  readonly source: Source
  readonly passed: number
  readonly failed: readonly ExampleFailure[]
}

function testSource(source: Source): Tested {
  if (source.program === null) return { source, passed: 0, failed: [] }
  const { passed, failed, errors } = runExamples(source.program, source.files)
  const found = errors.map((fault) => placedIn(source.folder, fault))
  return { source: { ...source, errors: [...source.errors, ...found] }, passed, failed }
}

function tellFailures(call: Call, { source, failed }: Tested): void {
  const { note, noteStyle } = call.terminal
  for (const failure of failed) note(failureText(failure, source, noteStyle))
}

export const rulesTest: CliCommand = {
  operands: ['[path]'],
  about: [pathAbout, 'Exit code 1 when an example fails or the files have errors.'],
  options: { json: { about: 'the result as JSON' } },
  examples: ['milepost rules test', 'milepost rules test rules/skyward --json'],
  async run(call) {
    const tested = (await sourcesOf(call)).map(testSource)
    const failed = tested.flatMap((each) => each.failed)
    const errors = tested.flatMap((each) => each.source.errors)
    const passed = tested.reduce((sum, each) => sum + each.passed, 0)
    if (call.words.flag('json')) call.terminal.json({ passed, failed, errors })
    else {
      for (const each of tested) {
        tellFaults(call, { ...each.source, warnings: [] })
        tellFailures(call, each)
      }
      call.terminal.print(
        `${count(passed, 'example')} passed, ${failed.length} failed, ${count(errors.length, 'error')}`,
      )
    }
    return failed.length > 0 || errors.length > 0 ? 1 : 0
  },
}

export const rulesPublish: CliCommand = {
  operands: ['path'],
  about: [
    'A published version never changes. It is in force from --at on, or from now; a program’s first version ' +
      'is in force from the beginning, so that older sales can be posted. The same files again change nothing.',
  ],
  options: {
    at: { about: 'in force from this instant', value: 'TIME' },
    note: { about: 'what it is about, for the list of versions', value: 'TEXT' },
    json: { about: 'the result as JSON' },
  },
  examples: [
    'milepost rules publish rules/corner-coffee',
    'milepost rules publish rules/corner-coffee --at 2026-12-01T00:00:00+01:00 --note "winter campaign"',
    'milepost rules publish rules/corner-coffee --json',
  ],
  async run(call) {
    const at = call.words.instant('at')
    const note = call.words.text('note')
    const tested = testSource(await readOneSource(call.words.operands[0]!))
    tellFaults(call, tested.source)
    tellFailures(call, tested)
    const { errors } = tested.source
    if (errors.length > 0 || tested.failed.length > 0) {
      if (call.words.flag('json')) {
        const code = 'rules_invalid'
        call.terminal.json({
          error: { code, detail: 'nothing was published' },
          errors,
          failed: tested.failed,
        })
      }
      call.terminal.note('nothing was published')
      return 1
    }
    const { sql } = await openMigrated(call)
    const done = await publish(sql, {
      files: tested.source.files,
      by: whoami(),
      now: call.now(),
      ...(at ? { at } : {}),
      ...(note === undefined ? {} : { note }),
    })
    const { program, version, published } = done
    if (call.words.flag('json')) call.terminal.json(done)
    else {
      const what = published ? 'published' : 'was published before, nothing changed:'
      call.terminal.print(`${program} ${version.slice(0, 12)} ${what} in force ${spanInWords(done)}`)
      tellIfOver(call, done)
    }
    return 0
  },
}

export const rulesSchema: CliCommand = {
  about: [
    'Editors that know YAML complete and underline with it: save it, and name it in the editor’s settings.',
  ],
  examples: ['milepost rules schema > .vscode/milepost.schema.json'],
  async run(call) {
    call.terminal.json(jsonSchema())
    return 0
  },
}

function failureText(
  failure: ExampleFailure,
  { folder }: Source,
  look: Call['terminal']['noteStyle'],
): string {
  const at = `${join(folder, failure.file)}:${failure.line}:${failure.column}`
  const lines = [`${look('bold', at)} ${look('red', 'failed')} ${failure.name}`]
  for (const difference of failure.differences) lines.push(`  ${difference}`)
  for (const step of failure.trace) lines.push(look('dim', `    ${step}`))
  return lines.join('\n')
}
