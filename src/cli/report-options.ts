/** What the commands of finance have in common: which programs, which instant, and where the figures go. */
import { writeFileSync } from 'node:fs'
import { didYouMean } from '../base/nearest.ts'
import type { Sql } from '../db/connection.ts'
import { financeTerms, reportDay, reportInstant } from '../engine/finance.ts'
import { createPrograms } from '../engine/programs.ts'
import type { FinanceTerms } from '../ledger/finance.ts'
import { type Call, type CliOption, UsageError } from './command-line.ts'
import { openMigrated } from './installation.ts'

export const programOption: CliOption = { about: 'this program alone; else each', value: 'PROGRAM' }
export const knownAtOption: CliOption = {
  about: 'by what was recorded up to then; else by all that is known',
  value: 'TIME',
}
export const outputs = {
  csv: { about: 'write the figures as CSV to a file; - for standard output', value: 'FILE' },
  json: { about: 'the figures as JSON' },
} as const satisfies Record<string, CliOption>

export interface Books {
  readonly sql: Sql
  /** of the programs asked for */
  readonly terms: readonly FinanceTerms[]
}

/** Refuses a program that is not published. */
export async function openBooks(call: Call): Promise<Books> {
  if (call.words.flag('json') && call.words.text('csv') === '-')
    throw new UsageError('--json and --csv - both go to standard output')
  const { sql } = await openMigrated(call)
  const programs = await createPrograms(sql)
  const wanted = call.words.text('program')
  const known = programs.ids()
  if (wanted !== undefined && !known.includes(wanted)) {
    throw new UsageError(
      `no program "${wanted}" is published`,
      didYouMean(wanted, known) ?? (known.length > 0 ? `there are ${known.join(', ')}` : undefined),
    )
  }
  const ids = wanted === undefined ? known : [wanted]
  return { sql, terms: ids.map((id) => financeTerms(programs, id, call.now())) }
}

/** An instant, or the end of a day in the program's zone; now where nothing is said. */
export function instantIn(call: Call, name: string, { timeZone }: FinanceTerms): Date | null {
  const text = call.words.text(name)
  if (text === undefined) return null
  const at = reportInstant(timeZone, text)
  if (at === null) {
    throw new UsageError(
      `option --${name} is a day such as 2026-12-31 or an instant such as 2026-12-31T23:00:00Z, not "${text}"`,
    )
  }
  return at
}

export function dayIn(call: Call, name: string): string | null {
  const text = call.words.text(name)
  if (text === undefined) return null
  const day = reportDay(text)
  if (day === null) throw new UsageError(`option --${name} is a day such as 2026-12-31, not "${text}"`)
  return day
}

/** CSV, JSON or words, as asked for; returns the exit code. */
export function tellReports<Report>(
  call: Call,
  reports: readonly Report[],
  as: { csv: (reports: readonly Report[]) => string; words: (report: Report) => string },
): number {
  const file = call.words.text('csv')
  const isJson = call.words.flag('json')
  if (file === '-') call.terminal.print(as.csv(reports).slice(0, -1))
  else if (file !== undefined) {
    writeFileSync(file, as.csv(reports))
    call.terminal.note(`written to ${file}`)
  }
  if (isJson) call.terminal.json({ reports })
  else if (file !== '-') {
    if (reports.length === 0) call.terminal.print('no program is published')
    else call.terminal.print(reports.map(as.words).join('\n\n'))
  }
  return 0
}

export async function withProgress<T>(
  call: Call,
  what: string,
  work: (onProgress: (done: number, total: number) => void) => Promise<T>,
): Promise<T> {
  const progress = call.terminal.progress(what)
  return work(progress.update).finally(progress.stop)
}
