/**
 * Everything that a check of a program's files finds out: errors, warnings, and what became of the examples.
 * The answer is plain data, so that a thread can give it to another.
 */
import type { Fault } from '../base/errors.ts'
import type { ProgramFiles } from '../program/files.ts'
import { loadProgram } from '../program/load.ts'
import { type ExampleFailure, runExamples } from './examples.ts'

export interface Checked {
  /** the program's id; null where errors keep it from being one */
  readonly program: string | null
  readonly errors: Fault[]
  readonly warnings: Fault[]
  /** null where errors keep them from running */
  readonly examples: { readonly passed: number; readonly failed: Fault[] } | null
}

export function checkProgram(files: ProgramFiles): Checked {
  const { program, errors, warnings } = loadProgram(files)
  if (!program) return { program: null, errors, warnings, examples: null }
  const { passed, failed, errors: ofExamples } = runExamples(program, files)
  return {
    program: program.id,
    errors: [...ofExamples],
    warnings,
    examples: { passed, failed: failed.map(exampleFault) },
  }
}

function exampleFault({ file, line, column, name, differences }: ExampleFailure): Fault {
  return { path: '', file, line, column, message: `example "${name}" fails: ${differences.join('; ')}` }
}
