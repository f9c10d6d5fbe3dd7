/**
 * What one test file said: how many assertions passed, and each failure in words. A file that crashed, that ended
 * early or that ran no test counts as one failure, so that nothing is green by saying nothing.
 */
import { Parser, type Result } from 'tap-parser'

export interface FileReport {
  readonly name: string
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** each failure with its full name and its diagnostic */
  readonly failures: string
}

/** How the process of a test file came to its end. */
export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** why it was ended from outside */
  readonly stopped?: string
  /** the last that it wrote beside its TAP */
  readonly words?: string
}

export interface TapCount {
  write(chunk: Buffer | string): void
  end(ending: Ending): FileReport
}

export function createTapCount(name: string): TapCount {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  let failures = ''
  const fail = (names: readonly string[], diagnostic: unknown): void => {
    counts.failed += 1
    const text = diagnostic ? `${JSON.stringify(diagnostic, null, 2).replaceAll('\\n', '\n')}\n` : ''
    failures += `\nnot ok ${names.join(' > ')}\n${text}`
  }

  /** Only innermost assertions count: a subtest's own line repeats what stood in it. */
  const listen = (parser: Parser, names: readonly string[]): void => {
    let within: number | null = null
    parser.on('child', (child: Parser) => {
      within = counts.failed
      listen(child, [...names, child.name])
    })
    parser.on('assert', (result: Result) => {
      const before = within
      within = null
      if (before === null) one(result, [...names, result.name])
      // with all its assertions passed: too few of them, or none, or too slow
      else if (!result.ok && !result.skip && !result.todo && counts.failed === before)
        fail([...names, result.name], result.diag)
    })
  }
  const one = (result: Result, names: readonly string[]): void => {
    if (result.skip || result.todo) counts.skipped += 1
    else if (result.ok) counts.passed += 1
    else fail(names, result.diag)
  }

  const parser = new Parser()
  listen(parser, [name])
  parser.on('bailout', (reason: string) => fail([name, 'bail out'], reason))
  return {
    write: (chunk) => void parser.write(chunk),
    end({ code, signal, stopped, words }) {
      parser.end()
      const well = parser.ok && code === 0 && stopped === undefined
      const diagnostic = { code, signal, ...(words ? { words } : {}) }
      if (stopped !== undefined) fail([`${name}: ${stopped}`], diagnostic)
      else if (!well && counts.failed === 0) fail([`${name}: crashed, timed out or ended early`], diagnostic)
      else if (counts.passed + counts.failed + counts.skipped === 0)
        fail([`${name}: no test in it`], diagnostic)
      return { name, ...counts, failures }
    },
  }
}
