/**
 * The published rules of every program, compiled once per version. A published version never changes, so
 * what is compiled stays true; only the list of publications has to be asked for again.
 */
import { DomainError, invariant } from '../base/errors.ts'
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

export interface Programs {
  /** Reads what was published since; true where anything was. */
  refresh(sql?: Executor): Promise<boolean>
  ids(): readonly string[]
  /** In force at a business time. Refuses `program_not_found`, `no_rules_in_force`. */
  at(program: string, at: Date): Program
  /** In force at a business time; null where none are. */
  find(program: string, at: Date): Program | null
  /** Refuses `rules_version_not_found`. */
  version(program: string, version: string): Program
  /** oldest effect first; withdrawn ones too */
  versions(program: string): readonly Publication[]
  files(program: string, version: string): ReadonlyMap<string, string>
}

interface Compiled {
  readonly program: Program
  readonly files: ReadonlyMap<string, string>
}

export async function createPrograms(sql: Sql): Promise<Programs> {
  const compiled = new Map<string, Compiled>()
  let publications = new Map<string, PublicationRow[]>()
  let stamp: string | null = null

  async function refresh(executor: Executor = sql): Promise<boolean> {
    const seen = await readPublicationStamp(executor)
    if (seen === stamp) return false
    const rows = await readPublications(executor)
    for (const row of rows) {
      const key = `${row.program} ${row.version}`
      if (!compiled.has(key)) compiled.set(key, await compile(executor, row))
    }
    publications = byProgram(rows)
    stamp = seen
    return true
  }

  function published(program: string): PublicationRow[] {
    const rows = publications.get(program)
    if (!rows) throw new DomainError('program_not_found', { program })
    return rows
  }

  function get(program: string, version: string): Compiled {
    const found = compiled.get(`${program} ${version}`)
    if (!found) throw new DomainError('rules_version_not_found', { program, version })
    return found
  }

  await refresh()
  return {
    refresh,
    ids: () => [...publications.keys()],
    at(program, at) {
      const row = inForce(published(program), at)
      if (!row) throw new DomainError('no_rules_in_force', { program, at: at.toISOString() })
      return get(program, row.version).program
    },
    find(program, at) {
      const row = inForce(publications.get(program) ?? [], at)
      return row ? get(program, row.version).program : null
    },
    version: (program, version) => get(program, version).program,
    versions: (program) => published(program).map(publication),
    files: (program, version) => get(program, version).files,
  }
}

function inForce(rows: readonly PublicationRow[], at: Date): PublicationRow | undefined {
  return rows.findLast(({ effective_from, withdrawn_at }) => effective_from <= at && withdrawn_at === null)
}

async function compile(sql: Executor, row: PublicationRow): Promise<Compiled> {
  const files = new Map(Object.entries((await readFiles(sql, row.program, row.version)) ?? {}))
  const { program, errors } = loadProgram(files)
  invariant(program, `published rules ${row.program} ${row.version} still load: ${errors[0]?.message}`)
  return { program, files }
}

function byProgram(rows: readonly PublicationRow[]): Map<string, PublicationRow[]> {
  const grouped = new Map<string, PublicationRow[]>()
  for (const row of rows) grouped.set(row.program, [...(grouped.get(row.program) ?? []), row])
  return grouped
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
