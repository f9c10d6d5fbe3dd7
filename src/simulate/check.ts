/**
 * Everything that a check of a program's files finds out: errors, warnings, and what became of the examples.
 * The answer is plain data, so that a thread can give it to another.
 */
import type { Fault } from '../base/errors.ts'
import type { Change } from '../program/diff.ts'
import type { ProgramFiles } from '../program/files.ts'
import { readTrees } from '../program/trees.ts'
import type { ExampleFailure } from './examples.ts'

export interface Checked {
  /** the program's id; null where errors keep it from being one */
  readonly program: string | null
  readonly errors: Fault[]
  readonly warnings: Fault[]
  /** null where errors keep them from running */
  readonly examples: { readonly passed: number; readonly failed: Fault[] } | null
  /** null where errors keep them from being told, or nobody asked */
  readonly changes: Change[] | null
}

/** What of a program's files is to be found out. */
export interface ToCheck {
  readonly files: ProgramFiles
  /** published files that they would change; null: nothing is asked about that */
  readonly beside: ProgramFiles | null
}

/**
 * What reads rules, and what runs examples, is loaded when there is something for it to do: a thread that has just
 * started would spend more time on that than on files that are refused as such.
 */
export async function checkProgram({ files, beside }: ToCheck): Promise<Checked> {
  const read = readTrees(files)
  if (read.trees.length === 0) return { program: null, errors: read.errors.faults(), ...NOT_FOUND_OUT }
  const { loadTrees } = await import('../program/load.ts')
  const { program, errors, warnings } = loadTrees(read)
  if (!program) return { program: null, errors, ...NOT_FOUND_OUT, warnings }
  const changes = beside && (await import('../program/diff.ts')).diffPrograms(beside, files)
  const trees = read.trees.flatMap(({ kind, tree }) => (kind === 'examples' ? [tree] : []))
  const none = { passed: 0, failed: [] }
  if (trees.length === 0) return { program: program.id, errors, warnings, examples: none, changes }
  const { runTrees } = await import('./examples.ts')
  const { passed, failed, errors: ofExamples } = runTrees(program, trees)
  const examples = { passed, failed: failed.map(exampleFault) }
  return { program: program.id, errors: [...ofExamples], warnings, examples, changes }
}

const NOT_FOUND_OUT = { warnings: [], examples: null, changes: null }

function exampleFault({ file, line, column, name, differences }: ExampleFailure): Fault {
  return { path: '', file, line, column, message: `example "${name}" fails: ${differences.join('; ')}` }
}
