/**
 * Limits: at most so many points, or so many times, per transaction, per member or household in a period, or of all
 * members together (a budget). A limit is a rule's own or goes over several rules; what goes beyond it is trimmed, or
 * refuses the transaction, as it says.
 */
import { didYouMean } from '../base/nearest.ts'
import { MAX_POINTS } from '../base/points.ts'
import { type Day, dayOf, startOf, startOfMembershipYear, type Unit } from '../base/time.ts'
import type { Fact } from './fact.ts'
import { periodHint } from './habits.ts'
import type { Test } from './matcher.ts'
import type { Node, Report, ScalarNode } from './node.ts'
import { problem } from './problem.ts'
import { findCurrency, type Scope } from './scope.ts'
import type { Sight } from './sight.ts'
import { numberHint, whoseHint } from './slips.ts'
import { Words } from './words.ts'

export interface Limit {
  /** under which what is used of it is kept; the first limit of a rule has the rule's id */
  readonly name: string
  /** null: of any */
  readonly currency: string | null
  /** how many points; of `times`, how many transactions may give something */
  readonly points: bigint
  readonly counts: 'points' | 'times'
  /** `household`: of the members of one pool together; `all`: of all members together */
  readonly per: 'transaction' | 'member' | 'household' | 'all'
  /** the period of a limit that is not per transaction; null: for ever */
  readonly unit: LimitUnit | null
  readonly over: 'trim' | 'refuse'
  /** as written: `50 beans per member per month` */
  readonly text: string
  /** counted apart for each value of this fact; null: all together */
  readonly by: Fact | null
  /** it counts and binds only where these hold */
  readonly tests: readonly Test[]
}

export type LimitUnit = Unit | 'membership_year'

/** The period of a limit that never starts again. */
export const EVER: Day = '0001-01-01'

const periods = ['day', 'week', 'month', 'quarter', 'year', 'membership year'] as const

/** First day of the limit's period at the time of the transaction; empty for one per transaction. */
export function periodOf({ per, unit }: Limit, { day, member, timeZone }: Sight): Day {
  if (per === 'transaction') return ''
  if (unit === null) return EVER
  if (unit !== 'membership_year') return startOf(unit, day)
  return startOfMembershipYear(dayOf(timeZone, member.enrolledAt), day)
}

/**
 * What is used of a limit per household is kept with each member under a name that begins with this, which no
 * rule's id can: so whoever counts knows that the others' use counts as well.
 */
const HOUSEHOLD = 'household/'

/** A limit that counts times must not go on from what another one of the same rule counted in points. */
const TIMES = 'times/'

export function isOfHousehold(name: string): boolean {
  return name.startsWith(HOUSEHOLD)
}

/** One limit is named as it is called; further ones of the same rule get a number. */
function limitName(owner: string, index: number): string {
  return index === 0 ? owner : `${owner}#${index + 1}`
}

/** Compiles a rule's `limit`: a phrase, `{ of: …, over: refuse }`, or a list of these; null after a report. */
export function compileLimits(
  node: Node,
  of: { rule: string; scope: Scope },
  report: Report,
): Limit[] | null {
  const items = node.kind === 'list' ? node.items : [node]
  if (items.length === 0) report(problem(node.at, EXAMPLE))
  const limits = items.map((item, index) =>
    compileLimit(item, { name: limitName(of.rule, index), scope: of.scope }, report),
  )
  return items.length === 0 || limits.includes(null) ? null : limits.filter((limit) => limit !== null)
}

const EXAMPLE = 'expected a limit such as "50 points per member per month"'

interface Named {
  readonly name: string
  readonly scope: Scope
}

function compileLimit(node: Node, named: Named, report: Report): Limit | null {
  if (node.kind === 'scalar') return compilePhrase({ ...named, node, over: 'trim' }, report)
  if (node.kind === 'list') {
    report(problem(node.at, EXAMPLE))
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
    const hint = 'write { of: 50 points per member per month, over: trim }'
    report(problem(of?.at ?? node.at, EXAMPLE, { hint }))
    return null
  }
  const choice = readOver(over, report)
  return choice && compilePhrase({ ...named, node: of, over: choice }, report)
}

/** `trim` or `refuse`; trim where nothing is said. */
export function readOver(node: Node | undefined, report: Report): Limit['over'] | null {
  const choice = node === undefined ? 'trim' : node.kind === 'scalar' ? node.text : ''
  if (choice === 'trim' || choice === 'refuse') return choice
  if (node)
    report(problem(node.at, 'expected trim or refuse', { hint: didYouMean(choice, ['trim', 'refuse']) }))
  return null
}

interface Phrase extends Named {
  readonly node: ScalarNode
  readonly over: Limit['over']
}

/** `50 beans per member per month`, `100000 beans in all per year`, `3 times per member ever`, `once per household per week`. */
export function compilePhrase({ node, over, name, scope }: Phrase, report: Report): Limit | null {
  const words = new Words(node, report)
  const most = readMost(words, scope)
  if (most === null) return null
  const text = node.text.trim().replaceAll(/\s+/g, ' ')
  const common = { ...most, over, text, by: null, tests: [] }
  const own = most.counts === 'times' ? `${TIMES}${name}` : name
  const at = words.next.offset
  const per = readWhose(words, scope)
  if (per === null) return null
  if (per === 'transaction' && most.counts === 'times')
    return words.fault(at, 'times are of transactions', 'write per member per day, or so many points')
  if (words.next.text === '' && (per === 'transaction' || per === 'all'))
    return { ...common, name: own, per, unit: null }
  if (per === 'transaction') return words.expected('nothing more')
  const unit = readPeriod(words)
  if (unit === null) return null
  if (per !== 'member' && unit === 'membership_year')
    return words.fault(0, 'membership years differ from member to member', 'say per year, or per member')
  const ofAll = per === 'household' ? `${HOUSEHOLD}${own}` : own
  return { ...common, name: ofAll, per, unit: unit === 'ever' ? null : unit }
}

type Most = Pick<Limit, 'points' | 'counts' | 'currency'>

/** `50 beans`, `3 times`, `once`; null after a report. */
function readMost(words: Words, scope: Scope): Most | null {
  if (words.skip('once')) return { points: 1n, counts: 'times', currency: null }
  if (words.skip('twice')) return { points: 2n, counts: 'times', currency: null }
  const amount = words.next
  if (!/^\d{1,16}$/.test(amount.text)) {
    const hint = /^(max|maximum|most|up|limit)$/i.test(amount.text) ? 'begin with the number' : undefined
    return words.expected('a whole number of points', hint ?? numberHint(amount.text))
  }
  words.take()
  const points = BigInt(amount.text)
  if (points < 1n || points > MAX_POINTS)
    return words.fault(amount.offset, `a limit is from 1 to ${MAX_POINTS}`)
  if (words.next.text === '') return words.expected('a currency')
  const word = words.take()
  const currency = findCurrency(scope, word.text)
  const isCount = word.text === 'times' || word.text === 'time'
  if (currency === null && isCount) return { points, counts: 'times', currency: null }
  if (currency === null) {
    const [first = 'points'] = scope.currencies.keys()
    const own =
      word.text === 'per' || word.text === 'in'
        ? `say of what: ${amount.text} ${first}, or ${amount.text} times`
        : undefined
    const trips = /^(transaction|purchase|visit|use|sale|flight|stay)s?$/i.test(word.text)
    const money =
      word.text === scope.money ? `limits are in points, such as ${amount.text} ${first}` : undefined
    const times = trips ? `write ${amount.text} times` : undefined
    const hint = own ?? money ?? times ?? didYouMean(word.text, scope.currencies.keys())
    return words.fault(word.offset, `unknown currency "${word.text}"`, hint)
  }
  return { points, counts: 'points', currency }
}

/** `per transaction`, `per member`, `per household` or `in all`; null after a report. */
function readWhose(words: Words, scope: Scope): Limit['per'] | null {
  if (words.skip('in')) return words.skip('all') ? 'all' : words.expected('"all"')
  if (!words.skip('per')) {
    const often = /^(an?|each|every)$/.test(words.next.text)
      ? 'say whose it is: per member per week'
      : undefined
    return words.expected('"per" or "in all"', often ?? periodHint(words.next.text))
  }
  const known = ['transaction', 'member', 'household'] as const
  const per = known.find((word) => word === words.next.text)
  if (per === undefined)
    return words.expected('"transaction", "member" or "household"', whoseHint(words.next.text))
  const { offset } = words.take()
  if (per !== 'household' || scope.households) return per
  const hint = 'members form households in pools: write `pools: { members: 8 }`'
  return words.fault(offset, 'this program has no households', hint)
}

/** `per month` or `ever`, and nothing more; null after a report. */
function readPeriod(words: Words): LimitUnit | 'ever' | null {
  const per = words.skip('per')
  const first = words.next.text
  if (per && first === 'membership') words.take()
  const wanted = per && first === 'membership' ? `membership ${words.next.text}` : first
  const unit = periods.find((known) => known === wanted)
  if (!(first === 'ever' || (per && unit))) {
    const always = wanted === '' ? 'for good, write ever' : undefined
    const hint = always ?? periodHint(words.next.text) ?? didYouMean(wanted, periods)
    return words.expected(`"per ${periods.join('", "per ')}" or "ever"`, hint)
  }
  words.take()
  if (words.next.text !== '') return words.expected('nothing more')
  if (first === 'ever') return 'ever'
  return unit === 'membership year' ? 'membership_year' : (unit ?? null)
}
