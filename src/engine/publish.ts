/** Publishing rules: checked, named by the hash of their content, stored for good, in force from an instant. */
import { DomainError } from '../base/errors.ts'
import { newId } from '../base/ids.ts'
import type { Sql } from '../db/connection.ts'
import type { ProgramFiles } from '../program/files.ts'
import { loadProgram } from '../program/load.ts'
import { insertPublication, lockProgram, type PublicationRow, readPublications } from './queries.ts'

export interface Published {
  readonly program: string
  readonly version: string
  readonly effectiveFrom: Date
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
    const before = (await readPublications(tx)).filter((row) => row.program === program.id)
    const effectiveFrom = input.at ?? (before.length === 0 ? BEGINNING : input.now)
    const inForce = before.findLast((row) => row.effective_from <= effectiveFrom)
    if (inForce?.version === program.version) return unchanged(inForce)

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
    return { program: program.id, version: program.version, effectiveFrom, published: true }
  })
}

function unchanged(row: PublicationRow): Published {
  return { program: row.program, version: row.version, effectiveFrom: row.effective_from, published: false }
}

function text(content: Uint8Array | string): string {
  return typeof content === 'string' ? content : new TextDecoder('utf-8', { fatal: true }).decode(content)
}
