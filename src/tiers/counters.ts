/**
 * What tiers count: sums by business day, so that any period can be added up later and a late fact lands
 * where it belongs. Only counters that a ladder of the program names are kept.
 */
import { Decimal } from '../base/points.ts'
import type { Day } from '../base/time.ts'
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

/** The counters that a ladder's criteria name, each once, in alphabetical order. */
export function countersOf(ladder: Ladder): Counter[] {
  const names = new Set<Counter>()
  for (const tier of ladder.tiers) {
    if (tier.reach) gather(tier.reach, names)
    if (tier.keep) gather(tier.keep, names)
  }
  return [...names].sort()
}

function gather(criterion: Criterion, names: Set<Counter>): void {
  if (criterion.kind === 'counter') names.add(criterion.counter)
  else for (const part of criterion.of) gather(part, names)
}

// Asked for on every sale; a program never changes, so its answer is found once.
const countersOfPrograms = new WeakMap<Program, readonly Counter[]>()

function countersOfProgram(program: Program): readonly Counter[] {
  let names = countersOfPrograms.get(program)
  if (!names) {
    names = [...new Set(program.ladders.flatMap(countersOf))].sort()
    countersOfPrograms.set(program, names)
  }
  return names
}

/** What a transaction adds to the counters that the program's ladders use, and nothing else; no zeros. */
export function counted(program: Program, input: Countable): CounterRow[] {
  const rows: CounterRow[] = []
  for (const counter of countersOfProgram(program)) {
    const value = shareOf(counter, input)
    if (!value.isZero()) rows.push({ counter, day: input.day, value })
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
export function sumOf(rows: readonly CounterRow[], counter: Counter, from: Day, to: Day): Decimal {
  let sum = new Decimal(0)
  for (const row of rows) {
    if (row.counter === counter && row.day >= from && row.day <= to) sum = sum.plus(row.value)
  }
  return sum
}
