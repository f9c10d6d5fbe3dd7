/**
 * A program's files -> their trees, with all that is wrong before anything in them means something. It leans on
 * nothing but YAML, so that files that are refused as such cost no more than being read.
 */
import type { MapNode } from '../rules/node.ts'
import { checkFiles, type FileKind, kindOf, type ProgramFiles } from './files.ts'
import { type Findings, newFindings } from './findings.ts'
import { newBudget } from './plain-yaml.ts'
import { cutFile, treeOf } from './tree.ts'

export interface Trees {
  readonly files: ProgramFiles
  /** in the order of their names */
  readonly trees: readonly { readonly kind: FileKind; readonly tree: MapNode }[]
  /** to which whatever is found later is added */
  readonly errors: Findings
  /** some file of the program, an example aside, could not be read: what it holds is not known */
  readonly isPartial: boolean
}

export function readTrees(files: ProgramFiles): Trees {
  const errors = newFindings()
  const budget = newBudget()
  // All are cut before any is built: files that are too much together are not built in vain.
  const cut = checkFiles(files, errors.report).map((name) => {
    const file = { file: name, content: files.get(name)!, budget }
    return { kind: kindOf(name), yaml: cutFile(file, errors.report) }
  })
  const read = cut.map(({ kind, yaml }) => ({ kind, tree: yaml && !budget.isSpent ? treeOf(yaml) : null }))
  return {
    files,
    trees: read.flatMap(({ kind, tree }) => (tree === null ? [] : [{ kind, tree }])),
    errors,
    isPartial: read.some(({ kind, tree }) => tree === null && kind !== 'examples'),
  }
}
