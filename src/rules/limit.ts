/**
 * Limits: at most so many points of a rule per transaction, or per member in a calendar period of the
 * program's zone. A limit trims what goes beyond it, or refuses the transaction, as the rule says.
 */
import { didYouMean } from '../base/nearest.ts'
import { MAX_POINTS } from '../base/points.ts'
import { type Day, startOf, type Unit } from '../base/time.ts'
import type { Node, Report, ScalarNode } from './node.ts'
import { problem } from './problem.ts'
import { findCurrency, type Scope } from './scope.ts'
import { Words } from './words.ts'

export interface Limit {
  readonly currency: string
  readonly points: bigint
  readonly per: 'transaction' | 'member'
  /** the period of a limit per member; null: for ever */
  readonly unit: Unit | null
  readonly over: 'trim' | 'refuse'
  /** as written: `50 beans per member per month` */
  readonly text: string
}

/** The period of a limit that never starts again. */
export const EVER: Day = '0001-01-01'

const periods = ['day', 'week', 'month', 'quarter', 'year'] as const

/** First day of the limit's period that a day lies in. */
export function periodOf({ unit }: Limit, day: Day): Day {
  return unit === null ? EVER : startOf(unit, day)
}

/** Compiles `50 beans per member per month` or `{ of: …, over: refuse }`; null after a report. */
export function compileLimit(node: Node, scope: Scope, report: Report): Limit | null {
  if (node.kind === 'scalar') return phrase({ node, over: 'trim' }, scope, report)
  const example = 'expected a limit such as "50 points per member per month"'
  if (node.kind === 'list') {
    report(problem(node.at, example))
    return null
  }

  const of = node.entries.find(({ key }) => key === 'of')?.value
  const over = node.entries.find(({ key }) => key === 'over')?.value
  const unknown = node.entries.find(({ key }) => key !== 'of' && key !== 'over')
  if (unknown) {
    const hint = didYouMean(unknown.key, ['of', 'over'])
    report(problem(unknown.keyAt, `unknown key "${unknown.key}"`, { hint }))
    return null
  }
  if (of?.kind !== 'scalar') {
    report(
      problem(of?.at ?? node.at, example, {
        hint: 'write { of: 50 points per member per month, over: trim }',
      }),
    )
    return null
  }
  const choice = over === undefined ? 'trim' : over.kind === 'scalar' ? over.text : ''
  if (choice !== 'trim' && choice !== 'refuse') {
    report(
      problem(over?.at ?? node.at, 'expected trim or refuse', {
        hint: didYouMean(choice, ['trim', 'refuse']),
      }),
    )
    return null
  }
  return phrase({ node: of, over: choice }, scope, report)
}

interface Phrase {
  readonly node: ScalarNode
  readonly over: Limit['over']
}

function phrase({ node, over }: Phrase, scope: Scope, report: Report): Limit | null {
  const words = new Words(node, report)
  const amount = words.next
  if (!/^\d{1,16}$/.test(amount.text)) return words.expected('a whole number of points')
  words.take()
  const points = BigInt(amount.text)
  if (points < 1n || points > MAX_POINTS)
    return words.fault(amount.offset, `a limit is from 1 to ${MAX_POINTS}`)
  if (words.next.text === '') return words.expected('a currency')
  const word = words.take()
  const currency = findCurrency(scope, word.text)
  if (currency === null) {
    const hint = didYouMean(word.text, scope.currencies.keys())
    return words.fault(word.offset, `unknown currency "${word.text}"`, hint)
  }

  if (!words.skip('per')) return words.expected('"per"')
  const text = node.text.trim().replaceAll(/\s+/g, ' ')
  const common = { currency, points, over, text }
  if (words.skip('transaction')) {
    return words.next.text === ''
      ? { ...common, per: 'transaction', unit: null }
      : words.expected('nothing more')
  }
  if (!words.skip('member')) return words.expected('"transaction" or "member"')
  const per = words.skip('per')
  const period = words.next.text
  const unit = periods.find((known) => known === period)
  if (!(period === 'ever' || (per && unit))) {
    return words.expected(`"per ${periods.join('", "per ')}" or "ever"`, didYouMean(period, periods))
  }
  words.take()
  if (words.next.text !== '') return words.expected('nothing more')
  return { ...common, per: 'member', unit: unit ?? null }
}
