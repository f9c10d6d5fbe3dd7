/**
 * What a simulation counts, before (as recorded) and after (as simulated). A tally of many members is the
 * sum of theirs, in any order, so that workers count by themselves and are added up at the end.
 */
import { Decimal } from '../base/points.ts'
import type { Take } from './budgets.ts'

export interface Both<T> {
  before: T
  after: T
}

/** What a rule gave, net of returns, in one currency. */
export interface RuleCount {
  points: bigint
  /** awards: one for each transaction, or line of one, that the rule gave points for */
  awards: number
}

/** Points as they stand at the end, in one currency. */
export interface Owed {
  available: bigint
  pending: bigint
  held: bigint
  negative: bigint
}

/** A member whose points come out otherwise. */
export interface Mover {
  readonly memberId: string
  /** points by currency */
  readonly before: ReadonlyMap<string, bigint>
  readonly after: ReadonlyMap<string, bigint>
  /** what the difference is worth, in the program's money; in points where no currency has a value */
  readonly worth: string
}

export interface GroupCount {
  members: number
  better: number
  worse: number
  /** by currency */
  points: Map<string, Both<bigint>>
}

export interface Tally {
  members: number
  /** who hang together with others, by transfers, merges or pools, and were not simulated */
  leftOut: number
  transactions: number
  returns: number
  /** net that may earn, decimal text: as recorded */
  spend: string
  readonly rules: Map<string, Both<RuleCount>>
  readonly currencies: Map<string, Both<Owed>>
  readonly tiers: Map<string, Both<number>>
  /** `ladder\nfrom\nto` */
  readonly moves: Map<string, number>
  readonly groups: Map<string, GroupCount>
  better: number
  worse: number
  winners: Mover[]
  losers: Mover[]
  /** commands that the simulated rules refuse, by `kind\ncode` */
  readonly refused: Map<string, number>
  /** of limits over all members, of every command that took some */
  readonly takes: Take[]
  /** every command saw what those before it had taken of limits over all members */
  budgetsExact: boolean
}

/** As many of the members who gain or lose most are named. */
const MOST_NAMED = 20

export function newTally(): Tally {
  return {
    members: 0,
    leftOut: 0,
    transactions: 0,
    returns: 0,
    spend: '0',
    better: 0,
    worse: 0,
    rules: new Map(),
    currencies: new Map(),
    tiers: new Map(),
    moves: new Map(),
    groups: new Map(),
    winners: [],
    losers: [],
    refused: new Map(),
    takes: [],
    budgetsExact: true,
  }
}

function noPoints(): Owed {
  return { available: 0n, pending: 0n, held: 0n, negative: 0n }
}

/** The entry of a key, made where there is none. */
export function at<K, T>(map: Map<K, T>, key: K, make: () => T): T {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}

export function addTo(map: Map<string, number>, key: string, count = 1): void {
  map.set(key, (map.get(key) ?? 0) + count)
}

export function countRule(tally: Tally, side: keyof Both<unknown>, what: Counted): void {
  const { points, awards } = what
  const both = countsOf(tally, what)
  both[side].points += points
  both[side].awards += awards
}

export function countsOf(tally: Tally, of: Pick<Counted, 'rule' | 'currency'>): Both<RuleCount> {
  return at(tally.rules, `${of.rule}\n${of.currency}`, () => ({
    before: { points: 0n, awards: 0 },
    after: { points: 0n, awards: 0 },
  }))
}

export interface Counted {
  readonly rule: string
  readonly currency: string
  readonly points: bigint
  readonly awards: number
}

export function owe(tally: Tally, side: keyof Both<unknown>, what: Owed & { currency: string }): void {
  const both = at(tally.currencies, what.currency, () => ({ before: noPoints(), after: noPoints() }))
  addOwed(both[side], what)
}

function addOwed(to: Owed, more: Owed): void {
  to.available += more.available
  to.pending += more.pending
  to.held += more.held
  to.negative += more.negative
}

/** Keeps those with the largest differences, each on their side. */
export function nameMovers(tally: Tally, movers: readonly Mover[]): void {
  const all = movers.map(weighed)
  tally.winners = largest(
    tally.winners,
    all.filter(({ worth }) => worth.gt(0)),
  )
  tally.losers = largest(
    tally.losers,
    all.filter(({ worth }) => worth.lt(0)),
  )
}

interface Weighed {
  readonly mover: Mover
  readonly worth: Decimal
  readonly size: Decimal
}

// A Decimal is dear to make, and whoever sorts asks for it over and over.
function weighed(mover: Mover): Weighed {
  const worth = new Decimal(mover.worth)
  return { mover, worth, size: worth.abs() }
}

function largest(named: readonly Mover[], more: readonly Weighed[]): Mover[] {
  if (more.length === 0) return [...named]
  return [...named.map(weighed), ...more]
    .sort((a, b) => b.size.comparedTo(a.size) || (a.mover.memberId < b.mover.memberId ? -1 : 1))
    .slice(0, MOST_NAMED)
    .map(({ mover }) => mover)
}

/** Adds one tally to another. */
export function addTally(to: Tally, more: Tally): void {
  for (const key of ['members', 'transactions', 'returns', 'better', 'worse'] as const) to[key] += more[key]
  to.spend = new Decimal(to.spend).plus(more.spend).toFixed()
  for (const [key, both] of more.rules) {
    const [rule = '', currency = ''] = key.split('\n')
    for (const side of sides) countRule(to, side, { rule, currency, ...both[side] })
  }
  for (const [currency, both] of more.currencies) {
    for (const side of sides) owe(to, side, { currency, ...both[side] })
  }
  for (const [key, both] of more.tiers) {
    for (const side of sides) at(to.tiers, key, () => ({ before: 0, after: 0 }))[side] += both[side]
  }
  for (const take of more.takes) to.takes.push(take)
  for (const [key, count] of more.moves) addTo(to.moves, key, count)
  for (const [key, count] of more.refused) addTo(to.refused, key, count)
  for (const [key, group] of more.groups) addGroup(at(to.groups, key, newGroup), group)
  nameMovers(to, [...more.winners, ...more.losers])
}

export const sides = ['before', 'after'] as const

export function newGroup(): GroupCount {
  return { members: 0, better: 0, worse: 0, points: new Map() }
}

function addGroup(to: GroupCount, more: GroupCount): void {
  to.members += more.members
  to.better += more.better
  to.worse += more.worse
  for (const [currency, both] of more.points) {
    const sum = at(to.points, currency, () => ({ before: 0n, after: 0n }))
    for (const side of sides) sum[side] += both[side]
  }
}
