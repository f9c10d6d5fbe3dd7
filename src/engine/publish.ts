/**
 * Publishing rules: checked, named by the hash of their content, stored for good, in force from an instant.
 * What is still to come can be withdrawn; what was in force comes back by being published again.
 */
import { DomainError, invariant } from '../base/errors.ts'
import { newId } from '../base/ids.ts'
import type { Executor, Sql } from '../db/connection.ts'
import type { ProgramFiles } from '../program/files.ts'
import { loadProgram } from '../program/load.ts'
import {
  insertPublication,
  lockProgram,
  markWithdrawn,
  type PublicationRow,
  readFiles,
  readPublications,
} from './queries.ts'

export interface Published {
  readonly program: string
  readonly version: string
  readonly effectiveFrom: Date
  /** when a version that was published for later takes over; null: none was */
  readonly until: Date | null
  /** false: the same content was in force at that instant already, and nothing was stored */
  readonly published: boolean
}

/** Facts older than a program's first rules are valued with these. */
const BEGINNING = new Date('1970-01-01T00:00:00Z')

/**
 * Stores a version. Without `at` it is in force from now on, a program's first version from the beginning.
 * Refuses `rules_invalid` with the errors. Running the examples first is the caller's part.
 */
export async function publish(
  sql: Sql,
  input: { files: ProgramFiles; by: string; note?: string; at?: Date; now: Date },
): Promise<Published> {
  const { program, errors } = loadProgram(input.files)
  if (!program || errors.length > 0) throw new DomainError('rules_invalid', { errors })

  return sql.begin(async (tx) => {
    await lockProgram(tx, program.id)
    const before = (await readPublications(tx)).filter(
      (row) => row.program === program.id && row.withdrawn_at === null,
    )
    const effectiveFrom = input.at ?? (before.length === 0 ? BEGINNING : input.now)
    const inForce = before.findLast((row) => row.effective_from <= effectiveFrom)
    const until = before.find((row) => row.effective_from > effectiveFrom)?.effective_from ?? null
    if (inForce?.version === program.version) return { ...unchanged(inForce), until }

    await insertPublication(tx, {
      program: program.id,
      publication_id: newId(),
      version: program.version,
      effective_from: effectiveFrom,
      published_at: input.now,
      published_by: input.by,
      note: input.note ?? null,
      files: Object.fromEntries([...input.files].map(([name, content]) => [name, text(content)])),
    })
    return { program: program.id, version: program.version, effectiveFrom, until, published: true }
  })
}

/** The files of a published version, to check them before they are published again. */
export async function publishedFiles(
  sql: Executor,
  { program, version }: { program: string; version: string },
): Promise<ProgramFiles> {
  const files = await readFiles(sql, program, version)
  if (files === null) throw new DomainError('rules_version_not_found', { program, version })
  return new Map(Object.entries(files))
}

/**
 * Takes back what has not begun: no transaction was valued with it. A version that is or was in force is
 * refused with `rules_version_begun`: what stands in the ledger keeps its version.
 */
export async function withdraw(
  sql: Sql,
  input: { program: string; version: string; by: string; note?: string; now: Date },
): Promise<{ readonly program: string; readonly version: string; readonly effectiveFrom: Date }> {
  const { program, version, by, now } = input
  return sql.begin(async (tx) => {
    await lockProgram(tx, program)
    const all = (await readPublications(tx)).filter(
      (row) => row.program === program && row.version === version,
    )
    const coming = all.filter((row) => row.withdrawn_at === null && row.effective_from > now)
    const [first] = coming
    if (!first) {
      const [known] = all
      if (!known) throw new DomainError('rules_version_not_found', { program, version })
      throw notToCome(all, { program, version })
    }
    const count = await markWithdrawn(tx, { program, version, at: now, by, note: input.note ?? null })
    invariant(count === coming.length, 'a locked program changes for nobody else')
    return { program, version, effectiveFrom: first.effective_from }
  })
}

/** Why a version is not to be withdrawn: it has begun, or was withdrawn before. */
function notToCome(
  all: readonly PublicationRow[],
  { program, version }: { program: string; version: string },
): DomainError {
  const short = version.slice(0, 12)
  const begun = all.findLast((row) => row.withdrawn_at === null)?.effective_from.toISOString()
  if (begun === undefined) {
    const by = all.at(-1)?.withdrawn_by ?? 'somebody'
    return new DomainError(
      'rules_version_begun',
      { program, version },
      `${short} was withdrawn before, by ${by}`,
    )
  }
  const details = { program, version, effectiveFrom: begun }
  const told = `${short} is in force since ${begun}, or was: transactions were valued with it, so it stays`
  return new DomainError('rules_version_begun', details, told)
}

function unchanged(row: PublicationRow): Omit<Published, 'until'> {
  return { program: row.program, version: row.version, effectiveFrom: row.effective_from, published: false }
}

function text(content: Uint8Array | string): string {
  return typeof content === 'string' ? content : new TextDecoder('utf-8', { fatal: true }).decode(content)
}
