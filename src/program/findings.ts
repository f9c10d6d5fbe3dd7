/**
 * What was found wrong with a program's files: problems at places become faults with file, line and column,
 * one per place, in the order in which a person reads the files.
 */
import type { Fault } from '../base/errors.ts'
import type { Problem, Report } from '../rules/node.ts'
import { isEcho, locate } from './tree.ts'

/** More than a person mends in one go; the last fault then says how many were left out. */
const MOST_FAULTS = 500

export interface Findings {
  readonly report: Report
  readonly size: number
  /** further problems are only counted: there is no use in looking for more */
  readonly isFull: boolean
  faults(): Fault[]
}

/** With `echoes`, all that is told of a place is kept: several warnings of one rule are several things. */
export function newFindings({ echoes = false }: { echoes?: boolean } = {}): Findings {
  const found = new Map<string, Fault>()
  const wrong = new Set<string>()
  let left = 0
  return {
    report(problem) {
      const { at, offset } = problem
      // Of what is wrong as a whole, its parts are not told as well.
      const whole = `${at.file}:${at.path}`
      if (!echoes && (isEcho(at) || (offset !== undefined && wrong.has(whole)))) return
      if (offset === undefined && at.path !== '') wrong.add(whole)
      const fault = toFault(problem)
      // The first one told of a place is the exact one; what later steps say of it is its echo.
      const place = `${fault.file}:${fault.line}:${fault.column}:${fault.path}${echoes ? fault.message : ''}`
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
  const { file, path } = problem.at
  const fault = { file, ...locate(problem), path, message: short(problem.message) }
  return problem.hint === undefined ? fault : { ...fault, hint: short(problem.hint) }
}

/** A message repeats what was written, which may be anything: no word of it goes on for pages, nor does the whole. */
function short(text: string): string {
  const words = text.length > LONGEST_WORD ? text.replace(LONG_WORD, '$1…') : text
  return words.length > LONGEST_MESSAGE ? `${words.slice(0, LONGEST_MESSAGE)}…` : words
}

const LONGEST_WORD = 80
const LONG_WORD = /(\S{80})\S+/g
const LONGEST_MESSAGE = 600

function inReadingOrder(a: Fault, b: Fault): number {
  const byFile = a.file === b.file ? 0 : (a.file ?? '') < (b.file ?? '') ? -1 : 1
  return byFile || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)
}
