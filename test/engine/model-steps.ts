/** Steps of the model as data: which there can be, how each is asked of the engine, and what the model makes of it. */
import type { Request } from '../../src/engine/command.ts'
import { uuidOf } from '../support/engine.ts'
import { fc } from '../support/property.ts'
import * as members from './model-members.ts'
import * as sales from './model-sales.ts'
import * as spending from './model-spending.ts'
import type { CurrencyName, World } from './model-world.ts'

/** Members, sales, redemptions and pools are named by numbers, that stand for one of those that there are by then. */
export type Command =
  | { do: 'enrol' }
  | { do: 'buy' | 'loose'; who: number; lines: sales.Line[]; daysAgo: number }
  | { do: 'order'; who: number; lines: sales.Line[]; daysAgo: number }
  | { do: 'fly'; who: number; lines: sales.Line[]; daysAgo: number; ticket: number }
  | { do: 'attach'; sale: number; who: number }
  | { do: 'return'; sale: number; quantities: number[] | null }
  | { do: 'confirm' | 'cancel'; sale: number; daysAgo: number }
  | { do: 'redeem'; who: number; currency: CurrencyName; points: number; hold: boolean; usePool: boolean }
  | { do: 'capture' | 'release' | 'reverse'; redemption: number; points: number | null }
  | { do: 'adjust'; who: number; currency: CurrencyName; points: number }
  | { do: 'extend'; who: number; currency: CurrencyName; days: number }
  | { do: 'transfer'; who: number; to: number; currency: CurrencyName; points: number }
  | { do: 'create_pool'; who: number[] }
  | { do: 'join_pool' | 'leave_pool'; pool: number; who: number }
  | { do: 'merge' | 'unmerge'; who: number; to: number }
  | { do: 'close' | 'reopen' | 'erase'; who: number }

export type Step =
  | { do: 'one'; command: Command }
  /** sent together, to two engines in turn */
  | { do: 'at once'; commands: Command[] }
  /** the request of an earlier step once more */
  | { do: 'again'; which: number }
  | { do: 'wait'; days: number; jobs: boolean }

// Few to choose from, so that steps meet each other.
const who = fc.nat({ max: 2 })
const which = fc.nat({ max: 7 })
const points = fc.integer({ min: 1, max: 60 })
const currency = fc.constantFrom<CurrencyName>('points', 'points', 'points', 'gems')
const line = fc.record({ cents: fc.nat({ max: 9999 }), quantity: fc.integer({ min: 1, max: 4 }) })
const lines = fc.array(line, { minLength: 1, maxLength: 2 })
const daysAgo = fc.constantFrom(0, 0, 0, 0, 1, 3, 7, 9, 14)
const doing = <Name extends string>(...names: Name[]) => fc.constantFrom(...names)

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ do: doing('enrol') }) },
  {
    weight: 10,
    arbitrary: fc.record({ do: doing('buy', 'buy', 'buy', 'loose', 'order'), who, lines, daysAgo }),
  },
  { weight: 2, arbitrary: fc.record({ do: doing('fly'), who, lines, daysAgo, ticket: fc.nat({ max: 3 }) }) },
  { weight: 3, arbitrary: fc.record({ do: doing('attach'), sale: which, who }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: doing('return'),
      sale: which,
      quantities: fc.option(fc.array(fc.nat({ max: 2 }), { minLength: 1, maxLength: 2 }), { freq: 3 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: doing('confirm', 'confirm', 'cancel'), sale: which, daysAgo }) },
  {
    weight: 7,
    arbitrary: fc.record({
      do: doing('redeem'),
      who,
      currency,
      points,
      hold: fc.boolean(),
      usePool: fc.constantFrom(false, false, true),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: doing('capture', 'release', 'reverse'),
      redemption: which,
      points: fc.option(points),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: doing('adjust'),
      who,
      currency,
      points: fc.integer({ min: -40, max: 40 }).filter((one) => one !== 0),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: doing('extend'), who, currency, days: fc.integer({ min: 1, max: 6 }) }),
  },
  { weight: 4, arbitrary: fc.record({ do: doing('transfer'), who, to: who, currency, points }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: doing('create_pool'),
      who: fc.array(who, { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: doing('join_pool', 'join_pool', 'leave_pool'), pool: which, who }),
  },
  { weight: 4, arbitrary: fc.record({ do: doing('merge', 'unmerge'), who, to: who }) },
  { weight: 2, arbitrary: fc.record({ do: doing('close', 'reopen', 'reopen', 'erase'), who }) },
)

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 20, arbitrary: fc.record({ do: doing('one'), command }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: doing('at once'),
      commands: fc.array(command, { minLength: 2, maxLength: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: doing('again'), which: fc.nat({ max: 30 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: doing('wait'), days: fc.integer({ min: 1, max: 6 }), jobs: fc.boolean() }),
  },
)

export function stories(shortest: number): fc.Arbitrary<Step[]> {
  return fc.array(step, { minLength: shortest, maxLength: 60, size: 'max' })
}

/** What a command's numbers stand for: labels of the model, which the engine knows by ids. */
export interface Names {
  readonly sales: readonly string[]
  readonly redemptions: readonly string[]
  readonly pools: readonly string[]
  readonly members: number
}

/** All that the engine has made so far, in the order in which it was asked for. */
export function namesOf({ sales, redemptions, pools, members }: Ids): Names {
  return {
    sales: Object.keys(sales),
    redemptions: Object.keys(redemptions),
    pools: Object.keys(pools),
    members: Math.max(1, members.length),
  }
}

function named(list: readonly string[], number: number): string | null {
  return list[number % Math.max(1, list.length)] ?? null
}

/** Does it in the model; answers with the code of the refusal. Sales, redemptions and pools are called `label`. */
export function act(world: World, what: Command, on: { label: string; names: Names }): string | null {
  const { label, names } = on
  const member = (number: number) => number % names.members
  switch (what.do) {
    case 'enrol':
      return members.enrol(world)
    case 'buy':
    case 'fly':
    case 'order': {
      const ticket = what.do === 'fly' ? { ticket: String(what.ticket) } : {}
      const bought = {
        ...what,
        currency: what.do === 'order' ? ('gems' as const) : ('points' as const),
        ...ticket,
      }
      return sales.buy(world, label, member(what.who), bought as sales.Bought)
    }
    case 'loose':
      return sales.buy(world, label, null, { ...what, currency: 'points' })
    case 'attach':
      return sales.attach(world, named(names.sales, what.sale), member(what.who))
    case 'return':
      return sales.giveBack(world, named(names.sales, what.sale), quantitiesOf(world, what, names))
    case 'confirm':
    case 'cancel': {
      const outcome = what.do === 'confirm' ? 'confirmed' : 'cancelled'
      return sales.decide(world, { sale: named(names.sales, what.sale), outcome, daysAgo: what.daysAgo })
    }
    case 'redeem':
      return spending.redeem(world, label, { ...what, who: member(what.who) })
    case 'capture':
    case 'release':
    case 'reverse': {
      const redemption = named(names.redemptions, what.redemption)
      return spending.close(world, { what: what.do, redemption, points: what.points })
    }
    case 'adjust':
      return spending.adjust(world, { ...what, who: member(what.who) })
    case 'extend':
      return spending.extend(world, { ...what, who: member(what.who) })
    case 'transfer':
      return spending.transfer(world, { ...what, from: member(what.who), to: member(what.to) })
    case 'create_pool':
      return members.createPool(world, label, what.who.map(member))
    case 'join_pool':
      return members.joinPool(world, named(names.pools, what.pool), member(what.who))
    case 'leave_pool':
      return members.leavePool(world, named(names.pools, what.pool), member(what.who))
    case 'merge':
      return members.merge(world, member(what.who), member(what.to))
    case 'unmerge':
      return members.unmerge(world, member(what.who), member(what.to))
    default:
      return members.end(world, what.do, member(what.who))
  }
}

/** Only lines that the sale has, and of each at least one; where none is left to name, all. */
function quantitiesOf(world: World, what: Extract<Command, { do: 'return' }>, names: Names): number[] | null {
  const sale = world.sales[named(names.sales, what.sale) ?? '']
  const quantities = what.quantities?.slice(0, sale?.lines.length ?? 1) ?? null
  return quantities?.some((one) => one > 0) ? quantities : null
}

/** How the engine knows what the model names. */
export interface Ids {
  readonly members: string[]
  readonly sales: Record<string, string>
  readonly redemptions: Record<string, string>
  readonly pools: Record<string, string>
}

export function newIds(): Ids {
  return { members: [], sales: {}, redemptions: {}, pools: {} }
}

/** Keeps the id that the engine gave to what a command made. */
export function keepIds(
  ids: Ids,
  { command, label, reply }: { command: Command; label: string; reply: Record<string, string> },
): void {
  const what = command.do
  if (what === 'enrol') ids.members.push(uuidOf(reply.memberId))
  if (what === 'buy' || what === 'loose' || what === 'order' || what === 'fly')
    ids.sales[label] = uuidOf(reply.transactionId)
  if (what === 'redeem') ids.redemptions[label] = uuidOf(reply.redemptionId)
  if (what === 'create_pool') ids.pools[label] = uuidOf(reply.poolId)
}

const NOBODY = '00000000-0000-7000-8000-000000000000'

/** The same, asked of the engine. */
export function asked(
  what: Command,
  on: { label: string; names: Names; ids: Ids; world: World; at: (day: number) => string },
): Request {
  const { label: externalRef, names, ids, world, at } = on
  const member = (number: number) => ids.members[number % names.members]!
  const sale = (number: number) => ids.sales[named(names.sales, number) ?? ''] ?? NOBODY
  const pool = (number: number) => ids.pools[named(names.pools, number) ?? ''] ?? NOBODY
  switch (what.do) {
    case 'enrol':
      return { kind: 'enrol', body: { externalRef, identifiers: [{ kind: 'card', value: externalRef }] } }
    case 'buy':
    case 'loose':
    case 'order':
    case 'fly': {
      const type = what.do === 'order' ? 'order' : what.do === 'fly' ? 'flight' : 'purchase'
      const lines = what.lines.map(({ cents, quantity }, index) => ({
        lineId: String(index),
        quantity,
        net: { amount: (cents / 100).toFixed(2), currency: 'EUR' },
      }))
      const attributes =
        what.do === 'fly' ? { attributes: { ticket: `${at(0)}-${ids.members[0]}-${what.ticket}` } } : {}
      const whose = what.do === 'loose' ? {} : { memberId: member(what.who) }
      const occurredAt = at(world.day - what.daysAgo)
      return { kind: 'earn', body: { externalRef, type, occurredAt, lines, ...whose, ...attributes } }
    }
    case 'attach':
      return {
        kind: 'attach',
        transactionId: sale(what.sale),
        body: { externalRef, memberId: member(what.who) },
      }
    case 'return': {
      const quantities = quantitiesOf(world, what, names)
      const lines = quantities?.flatMap((quantity, index) =>
        quantity > 0 ? [{ lineId: String(index), quantity }] : [],
      )
      const body = { externalRef, occurredAt: at(world.day), ...(lines ? { lines } : { all: true as const }) }
      return { kind: 'return', transactionId: sale(what.sale), body }
    }
    case 'confirm':
    case 'cancel':
      return {
        kind: what.do,
        transactionId: sale(what.sale),
        body: { externalRef, occurredAt: at(world.day - what.daysAgo) },
      }
    case 'redeem': {
      const { currency, points, usePool } = what
      const hold = what.hold ? { hold: { seconds: 2 * 86_400 } } : {}
      return {
        kind: 'redeem',
        body: { externalRef, memberId: member(what.who), currency, points, usePool, ...hold },
      }
    }
    case 'capture': {
      const redemptionId = ids.redemptions[named(names.redemptions, what.redemption) ?? ''] ?? NOBODY
      return {
        kind: 'capture',
        redemptionId,
        body: { externalRef, ...(what.points !== null && { points: what.points }) },
      }
    }
    case 'release':
    case 'reverse': {
      const redemptionId = ids.redemptions[named(names.redemptions, what.redemption) ?? ''] ?? NOBODY
      return { kind: what.do, redemptionId, body: { externalRef } }
    }
    case 'adjust': {
      const { currency, points } = what
      return {
        kind: 'adjust',
        body: { externalRef, memberId: member(what.who), currency, points, reason: 'model' },
      }
    }
    case 'extend': {
      const extend = { count: what.days, unit: 'day' as const }
      const { currency } = what
      return {
        kind: 'extend',
        body: { externalRef, memberId: member(what.who), currency, extend, reason: 'model' },
      }
    }
    case 'transfer': {
      const { currency, points } = what
      const [from, to] = [{ memberId: member(what.who) }, { memberId: member(what.to) }]
      return { kind: 'transfer', body: { externalRef, from, to, currency, points } }
    }
    case 'create_pool':
      return { kind: 'create_pool', body: { externalRef, members: what.who.map(member) } }
    case 'join_pool':
      return { kind: 'join_pool', poolId: pool(what.pool), body: { externalRef, memberId: member(what.who) } }
    case 'leave_pool':
      return { kind: 'leave_pool', poolId: pool(what.pool), memberId: member(what.who) }
    case 'merge':
    case 'unmerge':
      return { kind: what.do, memberId: member(what.who), body: { externalRef, duplicate: member(what.to) } }
    default:
      return { kind: what.do, memberId: member(what.who), body: { externalRef } }
  }
}
