/** `milepost rules diff`: what changed between two versions, each a folder or what is published. */
import { stat } from 'node:fs/promises'
import { DomainError } from '../base/errors.ts'
import { createPrograms, findVersion, publicationAt } from '../engine/programs.ts'
import { diffPrograms } from '../program/diff.ts'
import type { ProgramFiles } from '../program/files.ts'
import { contentHash } from '../program/version.ts'
import { type Call, type CliCommand, UsageError } from './command-line.ts'
import { openMigrated } from './installation.ts'
import { readOneSource, type Source } from './rule-files.ts'
import { count } from './terminal.ts'
import { programNamed } from './versions-commands.ts'

export const rulesDiff: CliCommand = {
  operands: ['a', 'b'],
  about: [
    'Each is a program’s folder or file, or a published version by the first 6 digits or more of its hash, or ' +
      'the word current: the version in force. Comments, layout and the cut into files are no changes. Exit ' +
      'code 0, changed or not.',
  ],
  options: {
    program: { about: 'whose versions; needed where several are published', value: 'PROGRAM' },
    json: { about: 'the changes as JSON' },
  },
  examples: [
    'milepost rules diff current rules/gift-shop',
    'milepost rules diff 4b947f0d 96f72de8 --program gift-shop',
    'milepost rules diff rules/gift-shop draft --json',
  ],
  async run(call) {
    const [a, b] = [call.words.operands[0]!, call.words.operands[1]!]
    const folders = await Promise.all([a, b].map(readFolder))
    const published = folders.includes(null) ? await publishedVersions(call, folders) : null
    const sides = [a, b].map((named, index) => folders[index]?.files ?? published!(named))
    const [before, after] = sides as [ProgramFiles, ProgramFiles]
    const changes = diffPrograms(before, after)
    const versions = { from: contentHash(before), to: contentHash(after) }
    if (call.words.flag('json')) call.terminal.json({ ...versions, changes })
    else if (versions.from === versions.to) call.terminal.print('the same, to the last byte')
    else if (changes.length === 0)
      call.terminal.print('the same rules; only comments, layout or the cut into files differ')
    else {
      for (const { text } of changes) call.terminal.print(text)
      call.terminal.note(count(changes.length, 'change'))
    }
    return 0
  },
}

/** Null where it is no path but the name of a version. */
async function readFolder(named: string): Promise<Source | null> {
  const found = await stat(named).catch(() => null)
  if (found) return readOneSource(named)
  if (named === 'current' || /^[0-9a-f]{6,64}$/.test(named)) return null
  throw new UsageError(`"${named}" is no folder, no version and not the word current`)
}

async function publishedVersions(call: Call, folders: readonly (Source | null)[]) {
  const { sql } = await openMigrated(call)
  const programs = await createPrograms(sql)
  const program = programOf(call, folders) ?? programNamed(call, programs)
  if (!programs.ids().includes(program)) throw new DomainError('program_not_found', { program })
  return (named: string): ProgramFiles => {
    const version =
      named === 'current'
        ? publicationAt(programs, program, call.now()).version
        : findVersion(programs, program, named)
    return programs.files(program, version)
  }
}

/** Beside a folder, that folder's program is meant. */
function programOf(call: Call, folders: readonly (Source | null)[]): string | null {
  if (call.words.text('program') !== undefined) return null
  return folders.find((source) => source?.program)?.program?.id ?? null
}
