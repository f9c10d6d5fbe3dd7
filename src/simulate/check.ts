/**
 * Everything that a check of a program's files finds out: errors, warnings, and what became of the examples.
 * The answer is plain data, so that a thread can give it to another.
 */
import type { Fault } from '../base/errors.ts'
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
}

/**
 * What reads rules, and what runs examples, is loaded when there is something for it to do: a thread that has just
 * started would spend more time on that than on files that are refused as such.
 */
export async function checkProgram(files: ProgramFiles): Promise<Checked> {
  const read = readTrees(files)
  if (read.trees.length === 0)
    return { program: null, errors: read.errors.faults(), warnings: [], examples: null }
  const { loadTrees } = await import('../program/load.ts')
  const { program, errors, warnings } = loadTrees(read)
  if (!program) return { program: null, errors, warnings, examples: null }
  const trees = read.trees.flatMap(({ kind, tree }) => (kind === 'examples' ? [tree] : []))
  const none = { passed: 0, failed: [] }
  if (trees.length === 0) return { program: program.id, errors, warnings, examples: none }
  const { runTrees } = await import('./examples.ts')
  const { passed, failed, errors: ofExamples } = runTrees(program, trees)
  const examples = { passed, failed: failed.map(exampleFault) }
  return { program: program.id, errors: [...ofExamples], warnings, examples }
}

function exampleFault({ file, line, column, name, differences }: ExampleFailure): Fault {
  return { path: '', file, line, column, message: `example "${name}" fails: ${differences.join('; ')}` }
}
