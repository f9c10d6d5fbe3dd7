/**
 * Going back to an old version goes through the same gate as publishing a new one: no error, and examples
 * that come out as they say, because the language may have moved on since it was written.
 */
import { DomainError } from '../base/errors.ts'
import type { Sql } from '../db/connection.ts'
import { type Published, publish, publishedFiles } from '../engine/publish.ts'
import type { ProgramFiles } from '../program/files.ts'
import { checkProgram } from './check.ts'

/** Refuses `rules_invalid`, with errors and failing examples, what may not be published. */
function mustBePublishable(files: ProgramFiles): void {
  const { errors, examples } = checkProgram(files)
  const faults = [...errors, ...(examples?.failed ?? [])]
  const [first] = faults
  if (!first) return
  const count = faults.length === 1 ? '1 error' : `${faults.length} errors`
  throw new DomainError('rules_invalid', { errors: faults }, `${count}; first: ${first.message}`)
}

/** Publishes an old version again, in force from now or from `at`. */
export async function rollBack(
  sql: Sql,
  input: { program: string; version: string; by: string; note?: string; at?: Date; now: Date },
): Promise<Published> {
  const files = await publishedFiles(sql, input)
  mustBePublishable(files)
  const note = input.note ?? `back to ${input.version.slice(0, 12)}`
  const { by, now, at } = input
  return publish(sql, { files, by, note, now, ...(at && { at }) })
}
