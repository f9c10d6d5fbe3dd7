/**
 * One example of an examples file, read against its program: a member, one or more transactions, and what
 * must come of each. What an example names (rules, tiers, fields) must exist, or it would prove nothing.
 */
import { errorCodes } from '../base/errors.ts'
import { OWN_FUNDER } from '../base/funder.ts'
import { didYouMean } from '../base/nearest.ts'
import { asList, asMap, asScalar, childOf, entriesAt, itemsAt, scalarAt, textAt } from '../program/nodes.ts'
import type { Ladder, Program } from '../program/program.ts'
import { readPoints } from '../program/units.ts'
import type { FieldValue } from '../rules/facts.ts'
import type { MapNode, Node, Place, Report, ScalarNode } from '../rules/node.ts'
import { problem } from '../rules/problem.ts'
import { readNumber } from '../rules/value.ts'
import { countersOf } from '../tiers/counters.ts'
import { type Reading, readAttributes, readFacts, readTime, type Told } from './told.ts'

export interface Example {
  readonly name: string
  readonly at: Place
  readonly member: ExampleMember
  readonly steps: readonly Step[]
}

export interface ExampleMember {
  readonly enrolledAt: Date
  readonly attributes: Readonly<Record<string, FieldValue>>
  /** tier by ladder, where the example names one */
  readonly tiers: ReadonlyMap<string, string>
  /** when those tiers end; null: never */
  readonly until: Date | null
  /** a tier in advance, begun on the day of enrolling; null: none */
  readonly challenge: string | null
  readonly segments: readonly string[]
  readonly promotions: readonly string[]
}

/** Whose step it is: the member's of the example, or of somebody else of the same household. */
export type Who = 'member' | 'housemate'

export interface Step {
  readonly at: Place
  readonly by: Who
  /** when it happens, or is looked at */
  readonly time: Date
  /** null: nothing is bought, time has gone by */
  readonly sale: Told | null
  /** spent; null: nothing is */
  readonly redeem: { readonly currency: string; readonly points: bigint } | null
  /** what can be spent afterwards, by currency */
  readonly balances: ReadonlyMap<string, bigint>
  /** points by who pays and currency, `market points`; null: not said */
  readonly paidBy: ReadonlyMap<string, bigint> | null
  /** points by rule and currency, `base beans`; null: not said */
  readonly awards: ReadonlyMap<string, bigint> | null
  /** points by currency; null: not said */
  readonly totals: ReadonlyMap<string, bigint> | null
  readonly tiers: ReadonlyMap<string, string>
  /** what the first ladder counts afterwards, by counter; decimals */
  readonly counters: ReadonlyMap<string, string>
  /** the code of the refusal that must come */
  readonly refused: string | null
}

/** Null after a report. */
export function readExample(node: Node, program: Program, report: Report): Example | null {
  const map = asMap(node)
  if (map === null) return null
  let good = true
  const reading: Reading = {
    program,
    report(found) {
      good = false
      report(found)
    },
  }

  const single = childOf(map, 'transaction')
  const list = asList(childOf(map, 'steps'))
  if ((single === null) === (list === null)) {
    reading.report(problem(map.at, 'an example has either a "transaction" or "steps"'))
  }
  const stepNodes = list ? list.items.flatMap((item) => asMap(item) ?? []) : [map]
  const steps = stepNodes.flatMap((step) => readStep(step, reading) ?? [])
  for (const [index, step] of steps.entries()) {
    const before = steps[index - 1]
    if (before && step.time < before.time) {
      reading.report(problem(step.at, 'steps stand in order of time: this one comes before the one above it'))
    }
  }
  const first = steps[0]
  if (!first) return null
  const member = readMember(asMap(childOf(map, 'member')), first.time, reading)
  return good ? { name: textAt(map, 'name') ?? '', at: map.at, member, steps } : null
}

function readMember(map: MapNode | null, firstSeen: Date, reading: Reading): ExampleMember {
  const { program } = reading
  const enrolled = scalarAt(map, 'enrolledAt')
  const enrolledAt = (enrolled && readTime(enrolled, reading)) ?? firstSeen
  const node = childOf(map, 'tier')
  const until = scalarAt(map, 'until')
  const challenge = scalarAt(map, 'challenge')
  return {
    enrolledAt,
    attributes: readAttributes(asMap(childOf(map, 'attributes')), program.memberAttributes, reading),
    tiers: node ? readTiers(node, reading) : new Map(),
    until: until && readTime(until, reading),
    challenge: challenge && readChallenge(challenge, reading),
    segments: readNames(map, 'segments', { known: program.segments, report: reading.report }),
    promotions: readNames(map, 'promotions', {
      known: [...program.promotions.keys()],
      report: reading.report,
    }),
  }
}

function readChallenge({ text, at }: ScalarNode, { program, report }: Reading): string {
  const known = program.ladders.flatMap(({ challenges }) => challenges.map(({ id }) => id))
  if (!known.includes(text))
    report(problem(at, `there is no challenge "${text}"`, { hint: didYouMean(text, known) }))
  return text
}

function readNames(
  map: MapNode | null,
  key: string,
  { known, report }: { known: readonly string[]; report: Report },
): string[] {
  return itemsAt(map, key).flatMap((item) => {
    const text = asScalar(item)?.text ?? ''
    if (known.includes(text)) return [text]
    report(problem(item.at, `"${text}" is none of the ${key}`, { hint: didYouMean(text, known) }))
    return []
  })
}

function readStep(map: MapNode, reading: Reading): Step | null {
  const { report } = reading
  const expectations = ['awards', 'totals', 'tier', 'counters', 'balance', 'paidBy', 'refused']
  if (expectations.every((key) => childOf(map, key) === null)) {
    const hint = 'write for instance `awards: { rule: 3 points }`'
    report(problem(map.at, 'the example does not say what must come of it', { hint }))
  }
  const transaction = asMap(childOf(map, 'transaction'))
  const sale = transaction && readFacts(transaction, reading)
  const look = scalarAt(map, 'at')
  if ((transaction === null) === (look === null))
    report(problem(map.at, 'a step has either a "transaction" or "at", a time to look at'))
  const time = sale?.facts.occurredAt ?? (look && readTime(look, reading))
  const awards = asMap(childOf(map, 'awards'))
  const totals = childOf(map, 'totals')
  const tier = childOf(map, 'tier')
  const expected = {
    awards: awards && readAwards(awards, reading),
    totals: totals && readSums(totals, reading),
    tiers: tier ? readTiers(tier, reading) : new Map<string, string>(),
    counters: readCounters(map, reading),
    ...readHoldings(map, reading),
    refused: readRefusal(scalarAt(map, 'refused'), reading),
  }
  if (!time || (transaction && !sale)) return null
  const by = textAt(map, 'by') === 'housemate' ? 'housemate' : 'member'
  return { at: map.at, by, time, sale, ...expected }
}

function readRefusal(node: ScalarNode | null, { report }: Reading): string | null {
  if (node === null) return null
  const hint =
    didYouMean(node.text, errorCodes) ?? 'such as limit_reached, claim_too_late, insufficient_points'
  const isKnown = errorCodes.some((code) => code === node.text)
  if (!isKnown) report(problem(node.at, `no refusal has the code "${node.text}"`, { hint }))
  return node.text
}

/** What is spent, what can be, and who pays. */
function readHoldings(map: MapNode, reading: Reading): Pick<Step, 'redeem' | 'balances' | 'paidBy'> {
  const { program, report } = reading
  const redeem = scalarAt(map, 'redeem')
  if (redeem && !childOf(map, 'at'))
    report(problem(redeem.at, 'say when: a step that redeems has "at" and no transaction'))
  const balance = childOf(map, 'balance')
  const paidBy = asMap(childOf(map, 'paidBy'))
  const sums = new Map<string, bigint>()
  const payers = [...program.partners, OWN_FUNDER]
  for (const { key, keyAt, value } of paidBy?.entries ?? []) {
    if (!payers.includes(key))
      report(problem(keyAt, `there is no partner "${key}"`, { hint: didYouMean(key, payers) }))
    for (const [currency, points] of readSums(value, reading)) sums.set(`${key} ${currency}`, points)
  }
  return {
    redeem: redeem && readPoints(redeem, { currencies: [...program.currencies.keys()] }, report),
    balances: balance ? readSums(balance, reading) : new Map(),
    paidBy: paidBy && sums,
  }
}

function readAwards(map: MapNode, reading: Reading): Map<string, bigint> {
  const { program, report } = reading
  const ids = [...program.rules.rules, ...program.milestones].map(({ id }) => id)
  const sums = new Map<string, bigint>()
  for (const { key, keyAt, value } of map.entries) {
    if (!ids.includes(key))
      report(problem(keyAt, `there is no rule "${key}"`, { hint: didYouMean(key, ids) }))
    for (const [currency, points] of readSums(value, reading)) sums.set(`${key} ${currency}`, points)
  }
  return sums
}

/** `3 beans`, or a list of such texts, added up by currency. */
function readSums(node: Node, { program, report }: Reading): Map<string, bigint> {
  const currencies = [...program.currencies.keys()]
  const sums = new Map<string, bigint>()
  for (const item of node.kind === 'list' ? node.items : [node]) {
    const scalar = asScalar(item)
    // Nothing can be had, though it cannot be given: `0 points`.
    const nothing = /^0 +(\S+)$/.exec(scalar?.text ?? '')?.[1]
    const empty = nothing && currencies.find((id) => id === nothing)
    const read = empty
      ? { currency: empty, points: 0n }
      : scalar && readPoints(scalar, { currencies }, report)
    if (read) sums.set(read.currency, (sums.get(read.currency) ?? 0n) + read.points)
  }
  return sums
}

/** `{ xp: 70 }`, by the names that criteria use. */
function readCounters(map: MapNode, { program, report }: Reading): Map<string, string> {
  const [ladder] = program.ladders
  const known = ladder ? countersOf(ladder).map((counter) => counter.replace('points:', '')) : []
  const counters = new Map<string, string>()
  for (const { key, keyAt, value } of entriesAt(map, 'counters')) {
    if (!known.includes(key))
      report(problem(keyAt, `the ladder does not count "${key}"`, { hint: didYouMean(key, known) }))
    else if (value.kind === 'scalar' && readNumber(value.text)) counters.set(key, value.text)
    else report(problem(value.at, 'expected a number'))
  }
  return counters
}

/** `gold`, or `{ ladder: gold }`. */
function readTiers(node: Node, { program, report }: Reading): Map<string, string> {
  const tiers = new Map<string, string>()
  const take = (ladder: Ladder, scalar: ScalarNode): void => {
    const known = ladder.tiers.map(({ id }) => id)
    if (known.includes(scalar.text)) tiers.set(ladder.id, scalar.text)
    else
      report(
        problem(scalar.at, `there is no tier "${scalar.text}"`, { hint: didYouMean(scalar.text, known) }),
      )
  }
  const [only, ...others] = program.ladders
  if (!only) report(problem(node.at, 'this program has no tiers'))
  else if (node.kind === 'map') {
    for (const { key, keyAt, value } of node.entries) {
      const ladder = program.ladders.find(({ id }) => id === key)
      if (!ladder) report(problem(keyAt, `there is no ladder "${key}"`))
      else if (value.kind === 'scalar') take(ladder, value)
    }
  } else if (others.length > 0) report(problem(node.at, 'say which ladder: `{ ladder: tier }`'))
  else if (node.kind === 'scalar') take(only, node)
  return tiers
}
