/**
 * How a program says that points are pending: `14 days`, `until 2026-12-01`, or `until confirmed, cancel
 * after 30 days`, where the last part is always said: nothing stays pending for ever by oversight.
 */
import type { PendingPolicy } from '../base/pending.ts'
import type { Report, ScalarNode } from '../rules/node.ts'
import { problem } from '../rules/problem.ts'
import { isDay } from '../rules/value.ts'
import { readLength, wordsOf } from './units.ts'

/** The policy; null after a report. */
export function readPending(node: ScalarNode, report: Report): PendingPolicy | null {
  const words = wordsOf(node.text)
  const [until, what, comma, cancel, after, ...length] = words
  if (until?.text !== 'until') {
    const read = readLength(node, words, report)
    return read && { kind: 'after', ...read }
  }
  if (what && words.length === 2 && isDay(what.text)) return { kind: 'until', day: what.text }
  if (what?.text !== 'confirmed') {
    const told = `expected "until" and a day such as 2026-12-01, or "confirmed"; got "${node.text}"`
    report(problem(node.at, told, { offset: what?.offset }))
    return null
  }
  if (comma?.text === ',' && cancel?.text === 'cancel' && after?.text === 'after') {
    const read = readLength(node, length, report)
    return read && { kind: 'confirmed', ...read }
  }
  const hint = 'write for instance "until confirmed, cancel after 30 days"'
  report(
    problem(node.at, 'say when points that nobody confirms are cancelled', { offset: comma?.offset, hint }),
  )
  return null
}
