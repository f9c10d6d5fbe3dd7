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
  readonly version: string
  readonly effectiveFrom: Date
  readonly publishedAt: Date
  readonly publishedBy: string
  readonly note: string | null
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
  /** oldest effect first */
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
      const row = published(program).findLast(({ effective_from }) => effective_from <= at)
      if (!row) throw new DomainError('no_rules_in_force', { program, at: at.toISOString() })
      return get(program, row.version).program
    },
    find(program, at) {
      const row = publications.get(program)?.findLast(({ effective_from }) => effective_from <= at)
      return row ? get(program, row.version).program : null
    },
    version: (program, version) => get(program, version).program,
    versions: (program) => published(program).map(publication),
    files: (program, version) => get(program, version).files,
  }
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

function publication(row: PublicationRow): Publication {
  return {
    version: row.version,
    effectiveFrom: row.effective_from,
    publishedAt: row.published_at,
    publishedBy: row.published_by,
    note: row.note,
  }
}
