/**
 * The retention section: how far ahead is foretold, how many false flags are borne, what is a purchase and
 * what of it is profit. A program without the section keeps nothing about its members' rhythm.
 */
import { didYouMean } from '../base/nearest.ts'
import { numberOfDay } from '../base/time.ts'
import type { MapNode, Report, ScalarNode } from '../rules/node.ts'
import { problem } from '../rules/problem.ts'
import { dayHint } from '../rules/slips.ts'
import { asList, asMap, asScalar, childOf, scalarAt, wordAt } from './nodes.ts'
import type { Retention } from './program.ts'
import { readLength, wordsOf } from './units.ts'
import { USUAL_MARGIN } from './value.ts'

const DEFAULT_HORIZON_DAYS = 182
const LEAST_HORIZON = 7
const MOST_HORIZON = 1_096
const DEFAULT_FALSE_FLAGS = 0.1
const MOST_CAPACITY = 1_000_000
const MOST_CLOSED = 400

interface Scope {
  readonly transactionTypes: ReadonlySet<string>
  readonly report: Report
}

/** Null where there is no section; one without a single key has the defaults. */
export function readRetention(top: MapNode, scope: Scope): Retention | null {
  if (!top.entries.some(({ key }) => key === 'retention')) return null
  const map = asMap(childOf(top, 'retention'))
  const { report } = scope
  const share = (key: string, bounds: { most: number; fallback: number }) => {
    const node = scalarAt(map, key)
    return (node && readShare(node, bounds.most, report)) ?? bounds.fallback
  }
  return {
    horizonDays: readHorizon(scalarAt(map, 'horizon'), report),
    falseFlags: share('falseFlags', { most: 0.5, fallback: DEFAULT_FALSE_FLAGS }),
    margin: share('margin', { most: 1, fallback: USUAL_MARGIN.toNumber() }),
    looks: wordAt(map, 'looks', { known: ['daily', 'weekly'], fallback: 'daily' }),
    capacity: readCapacity(scalarAt(map, 'capacity'), report),
    purchases: readPurchases(map, scope),
    closed: readClosed(map, report),
  }
}

function readHorizon(node: ScalarNode | null, report: Report): number {
  const length = node && readLength(node, wordsOf(node.text), report)
  if (!node || !length) return DEFAULT_HORIZON_DAYS
  const days = Math.round(length.count * { day: 1, month: 365.25 / 12, year: 365.25 }[length.unit])
  if (days >= LEAST_HORIZON && days <= MOST_HORIZON) return days
  report(problem(node.at, `a horizon is from 1 week to 3 years; got "${node.text}"`))
  return DEFAULT_HORIZON_DAYS
}

/** `10 %` or `0.1`. */
function readShare(node: ScalarNode, most: number, report: Report): number | null {
  const match = /^\s*(\d{1,3}(?:\.\d{1,4})?|\.\d{1,4})\s*(%?)\s*$/.exec(node.text)
  const value = match ? Number(match[1]) / (match[2] === '%' ? 100 : 1) : 0
  if (value > 0 && value <= most) return value
  const hint =
    match && match[2] === '' && value <= most * 100 && value > 0 ? `write ${match[1]} %` : undefined
  report(
    problem(node.at, `expected a share above 0 % and at most ${most * 100} %; got "${node.text}"`, { hint }),
  )
  return null
}

function readCapacity(node: ScalarNode | null, report: Report): number | null {
  if (!node) return null
  const value = /^\d{1,7}$/.test(node.text) ? Number(node.text) : 0
  if (value >= 1 && value <= MOST_CAPACITY) return value
  report(problem(node.at, `expected a whole number from 1 to ${MOST_CAPACITY}; got "${node.text}"`))
  return null
}

function readPurchases(map: MapNode | null, { transactionTypes, report }: Scope): readonly string[] | null {
  const given = childOf(map, 'purchases')
  const nodes = (asList(given)?.items ?? [given]).flatMap((node) => asScalar(node) ?? [])
  for (const node of nodes) {
    if (transactionTypes.has(node.text)) continue
    const several = node.text.split(/\s*[,;]\s*|\s+and\s+/)
    const list = several.length > 1 && several.every((one) => transactionTypes.has(one))
    const hint = list ? `write a list: [${several.join(', ')}]` : didYouMean(node.text, transactionTypes)
    report(problem(node.at, `unknown transaction type "${node.text}"`, { hint }))
  }
  return nodes.length === 0 ? null : [...new Set(nodes.map(({ text }) => text))].sort()
}

/** `2026-12-24` or `2026-12-24 through 2027-01-02`. */
function readClosed(map: MapNode | null, report: Report): Retention['closed'] {
  const nodes = (asList(childOf(map, 'closed'))?.items ?? []).flatMap((node) => asScalar(node) ?? [])
  if (nodes.length > MOST_CLOSED)
    report(problem(nodes[MOST_CLOSED]!.at, `there are at most ${MOST_CLOSED} closures`))
  return nodes.slice(0, MOST_CLOSED).flatMap((node) => {
    const [first, through] = node.text.split(/\s+through\s+/, 2)
    const [from, to] = [dayOf(first ?? ''), dayOf(through ?? first ?? '')]
    if (from !== null && to !== null && from <= to) return [{ from, through: to }]
    const [, begin, last] =
      /^(\d{4}-\d{2}-\d{2})\s*(?:-|–|to|until|bis)\s*(\d{4}-\d{2}-\d{2})$/.exec(node.text) ?? []
    const hint = begin ? `write ${begin} through ${last}` : dayHint(node.text)
    const told =
      from !== null && to !== null
        ? 'a closure ends before it begins'
        : `expected a day such as 2026-12-24, or 2026-12-24 through 2027-01-02; got "${node.text}"`
    report(problem(node.at, told, { hint }))
    return []
  })
}

function dayOf(text: string): number | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return null
  const at = new Date(`${text}T00:00:00Z`)
  const exists = !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text)
  return exists ? numberOfDay(text) : null
}
