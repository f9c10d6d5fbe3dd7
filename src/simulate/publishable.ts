/**
 * Going back to an old version goes through the same gate as publishing a new one: no error, and examples
 * that come out as they say, because the language may have moved on since it was written.
 */
import { DomainError } from '../base/errors.ts'
import type { Sql } from '../db/connection.ts'
import { type Published, publish, publishedFiles } from '../engine/publish.ts'
import type { ProgramFiles } from '../program/files.ts'
import { type Checked, checkProgram } from './check.ts'

/** Refuses `rules_invalid`, with errors and failing examples, what may not be published. */
async function mustBePublishable(files: ProgramFiles): Promise<void> {
  refuseFaults(await checkProgram({ files, beside: null }))
}

/** The same of what a check has found already. */
export function refuseFaults({ errors, examples }: Pick<Checked, 'errors' | 'examples'>): void {
  const failed = examples?.failed ?? []
  const faults = [...errors, ...failed]
  const [first] = faults
  if (!first) return
  const counts = [
    counted(errors.length, 'error', 'errors'),
    counted(failed.length, 'example fails', 'examples fail'),
  ]
  const found = counts.filter((one) => one !== null).join(', ')
  throw new DomainError('rules_invalid', { errors: faults }, `${found}; first: ${first.message}`)
}

function counted(count: number, one: string, several: string): string | null {
  return count === 0 ? null : `${count} ${count === 1 ? one : several}`
}

/** Publishes an old version again, in force from now or from `at`. */
export async function rollBack(
  sql: Sql,
  input: { program: string; version: string; by: string; note?: string; at?: Date; now: Date },
): Promise<Published> {
  const files = await publishedFiles(sql, input)
  await mustBePublishable(files)
  const note = input.note ?? `back to ${input.version.slice(0, 12)}`
  const { by, now, at } = input
  return publish(sql, { files, by, note, now, ...(at && { at }) })
}
