/** `milepost rules versions, withdraw, rollback`: which rules were, are and will be in force, and by whom. */
import { userInfo } from 'node:os'
import { DomainError } from '../base/errors.ts'
import { didYouMean } from '../base/nearest.ts'
import {
  createPrograms,
  findVersion,
  type Programs,
  type Publication,
  type PublicationState,
  stateOf,
} from '../engine/programs.ts'
import { type Published, withdraw } from '../engine/publish.ts'
import { rollBack } from '../simulate/publishable.ts'
import { type Call, type CliCommand, UsageError } from './command-line.ts'
import { openMigrated } from './installation.ts'
import { table } from './terminal.ts'

const states: Record<PublicationState, string> = {
  in_force: 'in force',
  scheduled: 'to come',
  replaced: '',
  withdrawn: 'withdrawn',
}

export const rulesVersions: CliCommand = {
  about: [
    'Oldest effect first; versions still to come and withdrawn ones too. A version is named by the hash of ' +
      'its files; commands take the first 6 digits or more.',
  ],
  options: {
    program: { about: 'this program alone', value: 'PROGRAM' },
    json: { about: 'the list as JSON' },
  },
  examples: ['milepost rules versions', 'milepost rules versions --program corner-coffee --json'],
  async run(call) {
    const { sql } = await openMigrated(call)
    const programs = await createPrograms(sql)
    const only = call.words.text('program')
    const ids = only === undefined ? programs.ids() : [only]
    const list = ids.flatMap((program) =>
      programs.versions(program).map((each) => {
        const state = stateOf(each, call.now())
        return { program, ...each, state, inForce: state === 'in_force' }
      }),
    )
    if (call.words.flag('json')) call.terminal.json({ versions: list })
    else if (list.length === 0)
      call.terminal.print('no program is published: milepost rules publish <folder>')
    else {
      const rows = list.map((one) => [
        ...[one.program, one.version.slice(0, 12), one.effectiveFrom.toISOString(), states[one.state]],
        by(one),
      ])
      call.terminal.print(table([['program', 'version', 'from', '', 'published by'], ...rows]))
    }
    return 0
  },
}

function by({ publishedBy, note, withdrawn }: Publication): string {
  const published = `${publishedBy}${note === null ? '' : `: ${note}`}`
  if (withdrawn === null) return published
  const why = withdrawn.note === null ? '' : `: ${withdrawn.note}`
  return `${published} (withdrawn by ${withdrawn.by}${why})`
}

const which = {
  program: { about: 'the program; needed where several are published', value: 'PROGRAM' },
} as const

export const rulesWithdraw: CliCommand = {
  operands: ['version'],
  about: [
    'The version is named by the first 6 digits or more of its hash. What is or was in force cannot be ' +
      'withdrawn, because transactions were valued with it: roll back instead.',
  ],
  options: {
    ...which,
    note: { about: 'why, for the list of versions', value: 'TEXT' },
    json: { about: 'the result as JSON' },
  },
  examples: ['milepost rules withdraw 4b947f0d --note "the supplier backed out"'],
  async run(call) {
    const { sql } = await openMigrated(call)
    const programs = await createPrograms(sql)
    const named = namedVersion(call, programs, call.words.operands[0]!)
    const note = call.words.text('note')
    const done = await withdraw(sql, { ...named, by: whoami(), now: call.now(), ...(note && { note }) })
    if (call.words.flag('json')) call.terminal.json(done)
    else {
      const { program, version, effectiveFrom } = done
      const when = effectiveFrom.toISOString()
      call.terminal.print(`${program} ${version.slice(0, 12)} withdrawn; it would have begun ${when}`)
    }
    return 0
  },
}

export const rulesRollback: CliCommand = {
  about: [
    'The version is named by the first 6 digits or more of its hash, as `milepost rules versions` shows it. ' +
      'It is in force again from now on, or from --at; what was posted meanwhile stays as it was. It is ' +
      'checked, and its examples are run, as if it were new.',
  ],
  options: {
    to: { about: 'the version', value: 'HASH', required: true },
    ...which,
    at: { about: 'in force from this instant', value: 'TIME' },
    note: { about: 'why, for the list of versions', value: 'TEXT' },
    json: { about: 'the result as JSON' },
  },
  examples: [
    'milepost rules rollback --to 4b947f0d --program gift-shop --note "double points were too dear"',
    'milepost rules rollback --to 4b947f0d --at 2026-12-27T00:00:00Z',
  ],
  async run(call) {
    const { sql } = await openMigrated(call)
    const programs = await createPrograms(sql)
    const named = namedVersion(call, programs, call.words.required('to'))
    const [note, at] = [call.words.text('note'), call.words.instant('at')]
    const done = await rollBack(sql, {
      ...{ ...named, by: whoami(), now: call.now() },
      ...(note && { note }),
      ...(at && { at }),
    })
    const { program, version, published } = done
    if (call.words.flag('json')) call.terminal.json(done)
    else {
      const what = published ? 'published again, in force' : 'is in force already,'
      call.terminal.print(`${program} ${version.slice(0, 12)} ${what} ${spanInWords(done)}`)
      tellIfOver(call, done)
    }
    return 0
  },
}

/** `from 2026-03-01T…`, and until when, where a version was published for later. */
export function spanInWords({ effectiveFrom, until }: Pick<Published, 'effectiveFrom' | 'until'>): string {
  const end = until === null ? '' : ` until ${until.toISOString()}, when another version takes over`
  return `from ${effectiveFrom.toISOString()}${end}`
}

/** Who publishes for a time gone by, with newer versions after it, may have meant now. */
export function tellIfOver({ terminal, now }: Call, { until }: Pick<Published, 'until'>): void {
  if (until === null || until > now()) return
  terminal.note('it is not in force now: it values sales of that time that are still to come in')
}

/** The program that --program names; without it the only one that is published. */
export function programNamed(call: Call, programs: Programs): string {
  const ids = programs.ids()
  const named = call.words.text('program')
  if (named !== undefined) {
    if (ids.includes(named)) return named
    throw new DomainError('program_not_found', { program: named }, unknownProgram(named, ids))
  }
  const [only, ...others] = ids
  if (only === undefined) throw new DomainError('program_not_found', {}, 'no program is published')
  if (others.length > 0)
    throw new UsageError(`several programs are published (${ids.join(', ')}): name one with --program`)
  return only
}

function unknownProgram(named: string, ids: readonly string[]): string {
  const near = didYouMean(named, ids)
  return `no program "${named}" is published${near ? `: ${near}` : ''}`
}

function namedVersion(call: Call, programs: Programs, text: string): { program: string; version: string } {
  const program = programNamed(call, programs)
  return { program, version: findVersion(programs, program, text) }
}

/** Who publishes from a terminal; a container's user may have no name. */
export function whoami(): string {
  try {
    return `cli:${userInfo().username}`
  } catch {
    return 'cli'
  }
}
