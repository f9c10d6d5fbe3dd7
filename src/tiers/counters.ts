/**
 * What tiers count: sums by business day, so that any period can be added up later and a late fact lands
 * where it belongs. Only counters that a ladder of the program names are kept.
 */
import { Decimal } from '../base/points.ts'
import { addDays, type Day } from '../base/time.ts'
import type { Counter, Criterion, Ladder, Program } from '../program/program.ts'

/** What one counter gathered on one business day. */
export interface CounterRow {
  readonly counter: string
  readonly day: Day
  value: Decimal
}

/** A transaction's share, negative where a return takes it back. */
export interface Countable {
  readonly day: Day
  /** in the program's money */
  readonly spend: Decimal
  readonly transactions: bigint
  readonly awards: readonly { readonly currency: string; readonly points: bigint }[]
}

/** Sums of everything that ever happened stand under this name and day, beside those by business day. */
const EVER_PREFIX = 'ever:'
export const EVER: Day = '0001-01-01'

/** The counters that a ladder's criteria name, each once, in alphabetical order. */
export function countersOf(ladder: Ladder): Counter[] {
  const names = new Set<Counter>()
  for (const { counter } of leavesOf(ladder)) names.add(counter)
  return [...names].sort()
}

function leavesOf(ladder: Ladder): Leaf[] {
  const criteria = [
    ...ladder.tiers.flatMap(({ reach, keep }) => [reach, keep]),
    ladder.softLanding,
    ...ladder.challenges.flatMap(({ phases }) => phases.map(({ reach }) => reach)),
  ]
  return criteria.flatMap((criterion) => (criterion ? leaves(criterion) : []))
}

type Leaf = Extract<Criterion, { kind: 'counter' }>

function leaves(criterion: Criterion): Leaf[] {
  return criterion.kind === 'counter' ? [criterion] : criterion.of.flatMap(leaves)
}

// Asked for on every sale; a program never changes, so its answer is found once.
const countersOfPrograms = new WeakMap<Program, Counted>()

interface Counted {
  readonly byDay: readonly Counter[]
  readonly ever: readonly Counter[]
}

function countersOfProgram(program: Program): Counted {
  let names = countersOfPrograms.get(program)
  if (!names) {
    const found = program.ladders.flatMap(leavesOf).filter(({ counter }) => !counter.startsWith('attribute:'))
    const { milestones } = program
    const ever = [
      ...found.filter(({ within }) => within?.kind === 'ever').map(({ counter }) => counter),
      ...milestones.filter(({ per }) => per === 'ever').map(({ counter }) => counter),
    ]
    const byDay = [...found, ...milestones].map(({ counter }) => counter)
    names = { byDay: [...new Set(byDay)].sort(), ever: [...new Set(ever)].sort() }
    countersOfPrograms.set(program, names)
  }
  return names
}

/** What a transaction adds to the counters that the program's ladders use, and nothing else; no zeros. */
export function counted(program: Program, input: Countable): CounterRow[] {
  const rows: CounterRow[] = []
  const { byDay, ever } = countersOfProgram(program)
  for (const counter of byDay) {
    const value = shareOf(counter, input)
    if (value.isZero()) continue
    rows.push({ counter, day: input.day, value })
    if (ever.includes(counter)) rows.push({ counter: `${EVER_PREFIX}${counter}`, day: EVER, value })
  }
  return rows
}

function shareOf(counter: Counter, input: Countable): Decimal {
  if (counter === 'spend') return input.spend
  if (counter === 'transactions') return new Decimal(input.transactions.toString())
  const currency = counter.slice('points:'.length)
  let points = 0n
  for (const award of input.awards) if (award.currency === currency) points += award.points
  return new Decimal(points.toString())
}

/** The sum of one counter over days `from` to `to`, both included. */
export function sumOf(rows: readonly CounterRow[], counter: string, from: Day, to: Day): Decimal {
  let sum = new Decimal(0)
  for (const row of rows) {
    if (row.counter === counter && row.day >= from && row.day <= to) sum = sum.plus(row.value)
  }
  return sum
}

/** Everything that one counter ever gathered up to a day; later days have to be among the rows. */
export function sumEver(rows: readonly CounterRow[], counter: Counter, to: Day): Decimal {
  return sumOf(rows, `${EVER_PREFIX}${counter}`, EVER, EVER).minus(
    sumOf(rows, counter, addDays(to, 1), '9999-12-31'),
  )
}

/** The rows as they stood at the end of a day. */
export function countersAsOf(rows: readonly CounterRow[], day: Day): CounterRow[] {
  const later = rows.filter((row) => row.day > day)
  const kept = rows.filter((row) => row.day <= day)
  if (later.length === 0) return kept
  return kept.map((row) => {
    if (row.day !== EVER || !row.counter.startsWith(EVER_PREFIX)) return row
    const counter = row.counter.slice(EVER_PREFIX.length)
    const since = later.filter((each) => each.counter === counter)
    return { ...row, value: since.reduce((sum, each) => sum.minus(each.value), row.value) }
  })
}
