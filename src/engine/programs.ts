/**
 * The published rules of every program, compiled once per version. A published version never changes, so
 * what is compiled stays true; only the list of publications has to be asked for again. The language may
 * have become stricter since one was published: what no longer loads refuses whoever needs it, nobody else.
 */
import { DomainError, type Fault } from '../base/errors.ts'
import type { Executor, Sql } from '../db/connection.ts'
import { loadProgram } from '../program/load.ts'
import type { Program } from '../program/program.ts'
import { type PublicationRow, readFiles, readPublicationStamp, readPublications } from './queries.ts'

export interface Publication {
  /** UUID */
  readonly publicationId: string
  readonly version: string
  readonly effectiveFrom: Date
  readonly publishedAt: Date
  readonly publishedBy: string
  readonly note: string | null
  /** when the next one takes over; null: none is published. Of a withdrawn one null too */
  readonly until: Date | null
  readonly withdrawn: { readonly at: Date; readonly by: string; readonly note: string | null } | null
}

export type PublicationState = 'in_force' | 'scheduled' | 'replaced' | 'withdrawn'

export function stateOf({ effectiveFrom, until, withdrawn }: Publication, now: Date): PublicationState {
  if (withdrawn) return 'withdrawn'
  if (effectiveFrom > now) return 'scheduled'
  return until !== null && until <= now ? 'replaced' : 'in_force'
}

/** A publication that this Milepost does not understand, and that nothing was published to correct. */
export interface Unloadable extends Publication {
  readonly program: string
  readonly errors: readonly Fault[]
}

/** What looks for rules refuses `rules_unreadable` where they no longer load. */
export interface Programs {
  /** Reads what was published since; true where anything was. */
  refresh(sql?: Executor): Promise<boolean>
  ids(): readonly string[]
  /** In force at a business time. Refuses `program_not_found`, `no_rules_in_force`. */
  at(program: string, at: Date): Program
  /** In force at a business time; null where none are. */
  find(program: string, at: Date): Program | null
  /**
   * Refuses `rules_version_not_found`. For a version that no longer loads stands the one that was published
   * to be in force from the same instant: so its sales can be returned and explained again.
   */
  version(program: string, version: string): Program
  unloadable(): readonly Unloadable[]
  /** false: the rules in force at that time no longer load */
  loads(program: string, at: Date): boolean
  /** oldest effect first; withdrawn ones too */
  versions(program: string): readonly Publication[]
  files(program: string, version: string): ReadonlyMap<string, string>
}

interface Compiled {
  /** null where there are errors */
  readonly program: Program | null
  readonly errors: readonly Fault[]
  readonly files: ReadonlyMap<string, string>
}

export async function createPrograms(sql: Sql): Promise<Programs> {
  const compiled = new Map<string, Compiled>()
  let publications = new Map<string, PublicationRow[]>()
  let stamp: string | null = null
  let allLoad = true

  async function refresh(executor: Executor = sql): Promise<boolean> {
    const seen = await readPublicationStamp(executor)
    if (seen === stamp) return false
    const rows = await readPublications(executor)
    for (const row of rows) {
      const key = keyOf(row)
      if (!compiled.has(key)) compiled.set(key, await compile(executor, row))
    }
    publications = byProgram(rows)
    allLoad = [...compiled.values()].every(({ program }) => program !== null)
    stamp = seen
    return true
  }

  function published(program: string): PublicationRow[] {
    const rows = publications.get(program)
    if (!rows) throw new DomainError('program_not_found', { program })
    return rows
  }

  function get(program: string, version: string): Compiled {
    const found = compiled.get(keyOf({ program, version }))
    if (!found) throw new DomainError('rules_version_not_found', { program, version })
    return found
  }

  function readable(program: string, version: string): Program {
    const { program: own, errors } = get(program, version)
    const found = own ?? correctionOf(program, version)
    if (found === null) throw unreadable({ program, version }, errors)
    return found
  }

  function correctionOf(program: string, version: string): Program | null {
    const rows = published(program)
    for (const row of rows) {
      const instead = row.version === version ? inForce(rows, row.effective_from) : undefined
      const found = instead && get(program, instead.version).program
      if (found) return found
    }
    return null
  }

  function unloadable(): Unloadable[] {
    return [...publications].flatMap(([program, rows]) =>
      rows.map(publication).flatMap((one) => {
        const { program: own, errors } = get(program, one.version)
        return own || correctionOf(program, one.version) ? [] : [{ ...one, program, errors }]
      }),
    )
  }

  await refresh()
  return {
    refresh,
    ids: () => [...publications.keys()],
    at(program, at) {
      const row = inForce(published(program), at)
      if (!row) throw new DomainError('no_rules_in_force', { program, at: at.toISOString() })
      return readable(program, row.version)
    },
    find(program, at) {
      const row = inForce(publications.get(program) ?? [], at)
      return row ? readable(program, row.version) : null
    },
    version: readable,
    unloadable,
    loads(program, at) {
      if (allLoad) return true
      const row = inForce(publications.get(program) ?? [], at)
      return !row || (get(program, row.version).program ?? correctionOf(program, row.version)) !== null
    },
    versions: (program) => published(program).map(publication),
    files: (program, version) => get(program, version).files,
  }
}

function keyOf({ program, version }: { program: string; version: string }): string {
  return `${program} ${version}`
}

/** Rules that were looked for no longer load. */
export function isUnreadable(error: unknown): boolean {
  return error instanceof DomainError && error.code === 'rules_unreadable'
}

function unreadable(what: { program: string; version: string }, errors: readonly Fault[]): DomainError {
  const message = `the rules of ${what.program}, version ${what.version.slice(0, 12)}, no longer load: ${faultLine(errors)}`
  return new DomainError('rules_unreadable', what, message)
}

/** The first error with its place, and how many there are beside it. */
export function faultLine([first, ...more]: readonly Fault[]): string {
  if (!first) return 'for no reason that is known'
  const { file, line, column, message } = first
  const place =
    file === undefined ? '' : `${[file, line, column].filter((one) => one !== undefined).join(':')}: `
  return `${place}${message}${more.length === 0 ? '' : ` (and ${more.length} more)`}`
}

function inForce(rows: readonly PublicationRow[], at: Date): PublicationRow | undefined {
  return rows.findLast(({ effective_from, withdrawn_at }) => effective_from <= at && withdrawn_at === null)
}

async function compile(sql: Executor, row: PublicationRow): Promise<Compiled> {
  const files = new Map(Object.entries((await readFiles(sql, row.program, row.version)) ?? {}))
  return { ...compiledOf(files), files }
}

/** A defect of the compiler that one program's files bring out must not stop the others either. */
function compiledOf(files: ReadonlyMap<string, string>): Pick<Compiled, 'program' | 'errors'> {
  try {
    return loadProgram(files)
  } catch (error) {
    return {
      program: null,
      errors: [{ path: '', message: `they cannot be read: ${(error as Error).message}` }],
    }
  }
}

function byProgram(rows: readonly PublicationRow[]): Map<string, PublicationRow[]> {
  const grouped = new Map<string, PublicationRow[]>()
  for (const row of rows) grouped.set(row.program, [...(grouped.get(row.program) ?? []), row])
  return grouped
}

/** What is in force, be it that it no longer loads. Refuses `program_not_found`, `no_rules_in_force`. */
export function publicationAt(programs: Pick<Programs, 'versions'>, program: string, at: Date): Publication {
  const found = programs.versions(program).find((one) => stateOf(one, at) === 'in_force')
  if (!found) throw new DomainError('no_rules_in_force', { program, at: at.toISOString() })
  return found
}

/**
 * In force at a business time, as far as they load: for whoever goes over many programs or far back, and must not
 * be stopped by one that nobody can read any more. The service and the doctor tell of it.
 */
export function readableAt(
  programs: Pick<Programs, 'find' | 'loads'>,
  program: string,
  at: Date,
): Program | null {
  return programs.loads(program, at) ? programs.find(program, at) : null
}

/**
 * The version that a person names: its whole hash, or its beginning where that is one version's alone.
 * Refuses `rules_version_not_found`, with the versions that begin like it.
 */
export function findVersion(programs: Programs, program: string, text: string): string {
  const versions = [...new Set(programs.versions(program).map(({ version }) => version))]
  const found = /^[0-9a-f]{6,64}$/.test(text) ? versions.filter((one) => one.startsWith(text)) : []
  const [version] = found
  if (version !== undefined && found.length === 1) return version
  throw new DomainError('rules_version_not_found', {
    program,
    version: text,
    ...(found.length > 1 && { candidates: found }),
  })
}

function publication(row: PublicationRow, place: number, all: readonly PublicationRow[]): Publication {
  const next = all.slice(place + 1).find(({ withdrawn_at }) => withdrawn_at === null)
  return {
    publicationId: row.publication_id,
    version: row.version,
    effectiveFrom: row.effective_from,
    publishedAt: row.published_at,
    publishedBy: row.published_by,
    note: row.note,
    until: row.withdrawn_at === null ? (next?.effective_from ?? null) : null,
    withdrawn:
      row.withdrawn_at === null || row.withdrawn_by === null
        ? null
        : { at: row.withdrawn_at, by: row.withdrawn_by, note: row.withdrawn_note },
  }
}
