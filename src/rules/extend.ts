/** `extend: 6 months`, `extend: beans by 6 months`: a rule that lets the member's points live on for longer. */
import { didYouMean } from '../base/nearest.ts'
import type { Length } from '../base/time.ts'
import type { Extension } from './facts.ts'
import type { Node, Report } from './node.ts'
import { problem } from './problem.ts'
import { findCurrency, type Scope } from './scope.ts'
import { Words } from './words.ts'

const EXAMPLE = 'a length of time such as 6 months'
const mostOf = { day: 3_650, week: 520, month: 120, year: 10 } as const
type Unit = keyof typeof mostOf

/** Null after a report. `given` are the currencies of the rule's awards, of which one is meant if none is named. */
export function compileExtension(
  node: Node,
  { scope, given }: { scope: Scope; given: readonly string[] },
  report: Report,
): Extension | null {
  if (node.kind !== 'scalar') {
    report(problem(node.at, `expected ${EXAMPLE}`))
    return null
  }
  const words = new Words(node, report)
  const [only, ...others] = [...new Set(given)]
  let currency = only ?? null
  if (/\sby\s/.test(node.text)) {
    const word = words.take()
    currency = findCurrency(scope, word.text)
    if (currency === null) {
      const hint = didYouMean(word.text, scope.currencies.keys())
      return words.fault(word.offset, `unknown currency "${word.text}"`, hint)
    }
    if (!words.skip('by')) return words.expected('by')
  } else if (currency === null || others.length > 0) {
    return words.fault(0, 'say which points live on: `extend: points by 6 months`')
  }
  const from = words.next.offset
  const by = readLength(words)
  if (by === null) return null
  if (words.next.text !== '') return words.expected('nothing more')
  const { kind } = scope.currencies.get(currency)?.expiry ?? { kind: 'never' }
  if (kind === 'never' || kind === 'idle') {
    const hint =
      kind === 'idle'
        ? 'they lapse by inactivity: name the type of transaction under `activity` of the currency instead'
        : undefined
    return words.fault(0, `${currency} have no date of lapsing that could be put off`, hint)
  }
  return { currency, by, text: node.text.slice(from).trim() }
}

function readLength(words: Words): Length | null {
  const count = words.next
  if (!/^\d{1,5}$/.test(count.text)) return words.expected(EXAMPLE)
  words.take()
  const unit = words.next
  const known = (Object.keys(mostOf) as Unit[]).find((each) => unit.text === each || unit.text === `${each}s`)
  if (!known)
    return words.expected(
      EXAMPLE,
      didYouMean(
        unit.text,
        Object.keys(mostOf).map((each) => `${each}s`),
      ),
    )
  words.take()
  const number = Number(count.text)
  if (number < 1 || number > mostOf[known]) {
    return words.fault(count.offset, `expected a whole number from 1 to ${mostOf[known]}`)
  }
  return known === 'week' ? { count: number * 7, unit: 'day' } : { count: number, unit: known }
}
