/**
 * When a rule is in force: from its start, strictly before its end, in the program's zone. `until` is the
 * instant that is already too late, `through` the last day that still counts.
 */
import { addDays, startOfDay } from '../base/time.ts'
import type { Node, Report } from './node.ts'
import { problem } from './problem.ts'
import { dayHint } from './slips.ts'
import { isDay } from './value.ts'

export interface Window {
  readonly from: Date | null
  readonly until: Date | null
}

interface Written {
  readonly from: Node | undefined
  readonly until: Node | undefined
  readonly through: Node | undefined
}

const INSTANT =
  /^(\d{4}-\d{2}-\d{2})T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/

/** Compiles a rule's dates; null after a report. */
export function compileWindow(written: Written, timeZone: string, report: Report): Window | null {
  const { from, until, through } = written
  if (until && through) {
    report(problem(through.at, '"until" and "through" say the same thing', { hint: 'keep one of them' }))
    return null
  }
  const start = from ? readInstant(from, timeZone, report) : null
  const end = until
    ? readInstant(until, timeZone, report)
    : through
      ? readEnd(through, timeZone, report)
      : null
  if ((from && !start) || ((until || through) && !end)) return null
  if (start && end && start >= end) {
    const at = (until ?? through ?? from)?.at
    if (at) report(problem(at, 'this ends before it begins'))
    return null
  }
  return { from: start, until: end }
}

function readInstant(node: Node, timeZone: string, report: Report): Date | null {
  const text = node.kind === 'scalar' ? node.text : ''
  if (isDay(text)) return startOfDay(timeZone, text)
  const match = INSTANT.exec(text)
  if (match && isDay(match[1]!)) return new Date(text)
  report(
    problem(node.at, 'expected a day such as 2026-12-24, or an instant such as 2026-12-24T18:00:00+01:00', {
      hint: dayHint(text),
    }),
  )
  return null
}

function readEnd(node: Node, timeZone: string, report: Report): Date | null {
  const text = node.kind === 'scalar' ? node.text : ''
  if (isDay(text) && text < '9999-12-31') return startOfDay(timeZone, addDays(text, 1))
  report(problem(node.at, 'expected the last day, such as 2026-12-24', { hint: dayHint(text) }))
  return null
}
