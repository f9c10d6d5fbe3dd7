/**
 * What came of a simulation, ready for JSON: points and money by rule, what is owed, tiers, members who gain
 * and lose, and groups of them, each before (as recorded) and after (as simulated). Values are decimals in
 * the program's money, with a sign where they are differences.
 */
import { showId } from '../base/ids.ts'
import { Decimal, minorDigits, wirePoints } from '../base/points.ts'
import type { Currency, Program } from '../program/program.ts'
import type { Both, Mover, Owed, RuleCount, Tally } from './tally.ts'

export interface Points {
  readonly points: number
  /** what the points are worth; null where the currency has no value */
  readonly value: string | null
}

export interface Compared<T> {
  readonly before: T
  readonly after: T
  readonly difference: Points
}

export interface SimulationResult {
  readonly program: string
  /** the candidate's version; null: the rules as recorded */
  readonly version: string | null
  readonly since: string | null
  readonly until: string | null
  readonly asOf: string
  /** percent of the members */
  readonly sample: number
  readonly groupedBy: string
  readonly money: string
  readonly members: number
  /**
   * Every command saw what those before it had taken of limits over all members. False: it was given up after
   * some passes, and figures of rules with such limits are near, not exact.
   */
  readonly budgetsExact: boolean
  /** members who hang together with others, by transfers, merges or pools: not simulated */
  readonly leftOut: number
  /** the candidate has rules on them that nothing was recorded for: what they would give is left out */
  readonly unrecordedEvents: readonly string[]
  readonly transactions: number
  readonly returns: number
  /** net that may earn, as recorded */
  readonly spend: string
  readonly better: number
  readonly worse: number
  readonly rules: readonly (Compared<Points & { readonly awards: number }> & {
    readonly rule: string
    readonly currency: string
  })[]
  /** what members have at the end; `points` are available, pending and held less what is owed back */
  readonly currencies: readonly (Compared<Points & WireOwed> & { readonly currency: string })[]
  /** of redeemable currencies together */
  readonly liability: { readonly before: string; readonly after: string; readonly difference: string }
  readonly tiers: readonly {
    readonly ladder: string
    readonly tier: string
    readonly before: number
    readonly after: number
  }[]
  readonly moves: readonly {
    readonly ladder: string
    readonly from: string
    readonly to: string
    readonly members: number
  }[]
  readonly groups: readonly {
    readonly group: string
    readonly members: number
    readonly better: number
    readonly worse: number
    readonly points: readonly {
      readonly currency: string
      readonly before: number
      readonly after: number
    }[]
  }[]
  readonly winners: readonly WireMover[]
  readonly losers: readonly WireMover[]
  /** commands that were taken then and are refused under the simulated rules */
  readonly refused: readonly { readonly command: string; readonly code: string; readonly count: number }[]
}

interface WireOwed {
  readonly available: number
  readonly pending: number
  readonly held: number
  readonly negative: number
}

export interface WireMover {
  readonly memberId: string
  readonly points: readonly { readonly currency: string; readonly before: number; readonly after: number }[]
  /** the difference; in points where no currency has a value */
  readonly worth: string
}

export interface Told {
  readonly unrecordedEvents: readonly string[]
  /** in force at the end, as recorded and as simulated */
  readonly programs: Both<Program>
  readonly version: string | null
  readonly since: Date | null
  readonly until: Date | null
  readonly asOf: Date
  readonly percent: number
  readonly by: string | null
}

export function resultOf(tally: Tally, told: Told): SimulationResult {
  const { programs, since, until, asOf } = told
  const currencies = currenciesOf(tally, programs)
  const [ladder] = programs.before.ladders
  return {
    program: programs.before.id,
    version: told.version,
    since: since?.toISOString() ?? null,
    until: until?.toISOString() ?? null,
    asOf: asOf.toISOString(),
    sample: told.percent,
    groupedBy: told.by ?? (ladder ? 'tier' : 'everybody'),
    money: programs.before.money,
    members: tally.members,
    budgetsExact: tally.budgetsExact,
    leftOut: tally.leftOut,
    unrecordedEvents: told.unrecordedEvents,
    transactions: tally.transactions,
    returns: tally.returns,
    spend: money(programs.before, new Decimal(tally.spend)),
    better: tally.better,
    worse: tally.worse,
    rules: rulesOf(tally, programs),
    currencies,
    liability: liabilityOf(tally, programs),
    tiers: tiersOf(tally, programs),
    moves: [...tally.moves]
      .map(([key, members]) => {
        const [ladderId = '', from = '', to = ''] = key.split('\n')
        return { ladder: ladderId, from, to, members }
      })
      .sort((a, b) => b.members - a.members),
    groups: groupsOf(tally),
    winners: tally.winners.map((mover) => wireMover(mover, programs)),
    losers: tally.losers.map((mover) => wireMover(mover, programs)),
    refused: [...tally.refused]
      .map(([key, count]) => {
        const [command = '', code = ''] = key.split('\n')
        return { command, code, count }
      })
      .sort((a, b) => b.count - a.count),
  }
}

/** Whether anything comes out otherwise than recorded. */
export function isSame(result: SimulationResult): boolean {
  return (
    result.better + result.worse + result.moves.length + result.refused.length === 0 &&
    [...result.rules, ...result.currencies].every(({ difference }) => difference.points === 0)
  )
}

function rulesOf(tally: Tally, programs: Both<Program>): SimulationResult['rules'] {
  const order = ruleOrder(programs)
  return [...tally.rules]
    .map(([key, counts]) => {
      const [rule = '', currency = ''] = key.split('\n')
      const each = (side: keyof Both<unknown>) =>
        rulePoints(counts[side], currencyIn(programs, side, currency))
      const [before, after] = [each('before'), each('after')]
      return { rule, currency, before, after, difference: differenceOf(before, after, programs) }
    })
    .sort((a, b) => (order.get(a.rule) ?? order.size) - (order.get(b.rule) ?? order.size))
}

/** As the candidate's files have them; rules that it no longer has come last. */
function ruleOrder({ before, after }: Both<Program>): Map<string, number> {
  const ids = new Set([...after.rules.rules, ...before.rules.rules].map(({ id }) => id))
  return new Map([...ids].map((id, place) => [id, place]))
}

function rulePoints({ points, awards }: RuleCount, currency: Priced): Points & { awards: number } {
  return { points: wirePoints(points), value: worthOf(points, currency), awards }
}

function currenciesOf(tally: Tally, programs: Both<Program>): SimulationResult['currencies'] {
  return [...tally.currencies].map(([id, owed]) => {
    const each = (side: keyof Both<unknown>) => wireOwed(owed[side], currencyIn(programs, side, id))
    const [before, after] = [each('before'), each('after')]
    return { currency: id, before, after, difference: differenceOf(before, after, programs) }
  })
}

function wireOwed(owed: Owed, currency: Priced): Points & WireOwed {
  const { available, pending, held, negative } = owed
  return {
    points: wirePoints(netOf(owed)),
    value: worthOf(netOf(owed), currency),
    ...{ available: wirePoints(available), pending: wirePoints(pending) },
    ...{ held: wirePoints(held), negative: wirePoints(negative) },
  }
}

function netOf({ available, pending, held, negative }: Owed): bigint {
  return available + pending + held - negative
}

function liabilityOf(tally: Tally, programs: Both<Program>): SimulationResult['liability'] {
  const sum = (side: keyof Both<unknown>) => {
    let total = new Decimal(0)
    for (const [id, owed] of tally.currencies) {
      const currency = programs[side].currencies.get(id)
      if (currency?.kind === 'redeemable' && currency.value)
        total = total.plus(currency.value.amount.times(netOf(owed[side]).toString()))
    }
    return total
  }
  const [before, after] = [sum('before'), sum('after')]
  const program = programs.before
  return {
    before: money(program, before),
    after: money(program, after),
    difference: money(program, after.minus(before)),
  }
}

function tiersOf(tally: Tally, programs: Both<Program>): SimulationResult['tiers'] {
  const keys = new Set(
    [programs.before, programs.after].flatMap(({ ladders }) =>
      ladders.flatMap(({ id, tiers }) => tiers.map((tier) => `${id}\n${tier.id}`)),
    ),
  )
  return [...new Set([...keys, ...tally.tiers.keys()])].map((key) => {
    const [ladder = '', tier = ''] = key.split('\n')
    return { ladder, tier, ...(tally.tiers.get(key) ?? { before: 0, after: 0 }) }
  })
}

function groupsOf(tally: Tally): SimulationResult['groups'] {
  return [...tally.groups]
    .map(([group, { members, better, worse, points }]) => ({
      ...{ group, members, better, worse },
      points: [...points].map(([currency, both]) => ({
        currency,
        before: wirePoints(both.before),
        after: wirePoints(both.after),
      })),
    }))
    .sort((a, b) => b.members - a.members || (a.group < b.group ? -1 : 1))
}

function wireMover({ memberId, before, after, worth }: Mover, programs: Both<Program>): WireMover {
  const valued = [programs.before, programs.after].some(({ currencies }) =>
    [...currencies.values()].some(({ value }) => value),
  )
  const ids = new Set([...before.keys(), ...after.keys()])
  return {
    memberId: showId('member', memberId),
    points: [...ids].map((currency) => ({
      currency,
      before: wirePoints(before.get(currency) ?? 0n),
      after: wirePoints(after.get(currency) ?? 0n),
    })),
    worth: valued ? money(programs.before, new Decimal(worth)) : worth,
  }
}

type Priced = Currency | undefined

/** A currency that only one side has is worth on the other what it is worth there. */
function currencyIn(programs: Both<Program>, side: keyof Both<unknown>, id: string): Priced {
  const other = side === 'before' ? 'after' : 'before'
  return programs[side].currencies.get(id) ?? programs[other].currencies.get(id)
}

function worthOf(points: bigint, currency: Priced): string | null {
  if (!currency?.value) return null
  return new Decimal(points.toString())
    .times(currency.value.amount)
    .toDecimalPlaces(minorDigits(currency.value.currency))
    .toFixed(minorDigits(currency.value.currency))
}

function differenceOf(before: Points, after: Points, { before: program }: Both<Program>): Points {
  const value =
    before.value === null && after.value === null
      ? null
      : money(program, new Decimal(after.value ?? 0).minus(before.value ?? 0))
  return { points: after.points - before.points, value }
}

function money({ money: currency }: Program, amount: Decimal): string {
  return amount.toDecimalPlaces(minorDigits(currency)).toFixed(minorDigits(currency))
}
