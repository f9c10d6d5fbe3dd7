/**
 * What was found wrong with a program's files: problems at places become faults with file, line and column,
 * one per place, in the order in which a person reads the files.
 */
import type { Fault } from '../base/errors.ts'
import type { Problem, Report } from '../rules/node.ts'
import { locate } from './tree.ts'

/** More than a person mends in one go; the last fault then says how many were left out. */
const MOST_FAULTS = 500

export interface Findings {
  readonly report: Report
  readonly size: number
  /** further problems are only counted: there is no use in looking for more */
  readonly isFull: boolean
  faults(): Fault[]
}

export function newFindings(): Findings {
  const found = new Map<string, Fault>()
  let left = 0
  return {
    report(problem) {
      const fault = toFault(problem)
      // The first one told of a place is the exact one; what later steps say of it is its echo.
      const place = `${fault.file}:${fault.line}:${fault.column}:${fault.path}`
      if (found.has(place)) return
      if (found.size < MOST_FAULTS) found.set(place, fault)
      else left += 1
    },
    get size() {
      return found.size
    },
    get isFull() {
      return found.size === MOST_FAULTS
    },
    faults() {
      const sorted = [...found.values()].sort(inReadingOrder)
      const last = sorted.at(-1)
      if (left > 0 && last)
        sorted.push({ ...last, message: `and ${left} more`, hint: 'mend the ones above first' })
      return sorted
    },
  }
}

function toFault(problem: Problem): Fault {
  const { line, column } = locate(problem)
  const { file, path } = problem.at
  const fault = { file, line, column, path, message: problem.message }
  return problem.hint === undefined ? fault : { ...fault, hint: problem.hint }
}

function inReadingOrder(a: Fault, b: Fault): number {
  const byFile = a.file === b.file ? 0 : (a.file ?? '') < (b.file ?? '') ? -1 : 1
  return byFile || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)
}
