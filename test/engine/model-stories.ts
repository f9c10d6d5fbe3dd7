/** Stories told on purpose, each played before the random ones: every command, and what chance meets too seldom. */
import type { Command, Step } from './model-steps.ts'

const lines = [{ cents: 9900, quantity: 3 }]
const one = (command: Command): Step => ({ do: 'one', command })
const buy = (who: number, daysAgo = 0): Step => one({ do: 'buy', who, lines, daysAgo })
const pay = (who: number, points: number, how: { hold?: boolean; usePool?: boolean } = {}): Step =>
  one({ do: 'redeem', who, currency: 'points', points, hold: false, usePool: false, ...how })
const days = (count: number): Step => ({ do: 'wait', days: count, jobs: true })

/** Each command at least once. */
export const EVERYTHING: Step[] = [
  buy(0, 3), // sale 0
  buy(1, 3),
  buy(2, 3),
  one({ do: 'fly', who: 0, lines, daysAgo: 1, ticket: 1 }),
  one({ do: 'loose', who: 0, lines, daysAgo: 2 }), // sale 4
  one({ do: 'attach', sale: 4, who: 1 }),
  one({ do: 'order', who: 0, lines, daysAgo: 0 }), // sales 5 to 7: confirmed, cancelled, forgotten
  one({ do: 'order', who: 1, lines, daysAgo: 0 }),
  one({ do: 'order', who: 2, lines, daysAgo: 0 }),
  one({ do: 'confirm', sale: 5, daysAgo: 0 }),
  one({ do: 'cancel', sale: 6, daysAgo: 0 }),
  days(3),
  pay(0, 10),
  pay(0, 20, { hold: true }),
  pay(0, 30, { hold: true }),
  one({ do: 'capture', redemption: 1, points: 5 }),
  one({ do: 'release', redemption: 2, points: null }),
  one({ do: 'reverse', redemption: 0, points: null }),
  one({ do: 'reverse', redemption: 0, points: null }), // once only
  one({ do: 'capture', redemption: 2, points: null }), // it was released
  pay(0, 12, { hold: true }),
  one({ do: 'capture', redemption: 3, points: 13 }), // more than is held
  { do: 'again', which: 3 },
  one({ do: 'create_pool', who: [0, 1] }),
  one({ do: 'join_pool', pool: 0, who: 2 }),
  pay(1, 50, { usePool: true }),
  pay(0, 31, { usePool: true, hold: true }),
  one({ do: 'capture', redemption: 5, points: 16 }),
  one({ do: 'reverse', redemption: 4, points: null }),
  one({ do: 'leave_pool', pool: 0, who: 2 }),
  one({ do: 'transfer', who: 1, to: 2, currency: 'points', points: 20 }),
  one({ do: 'adjust', who: 2, currency: 'points', points: 15 }),
  one({ do: 'extend', who: 2, currency: 'points', days: 5 }),
  one({ do: 'merge', who: 0, to: 1 }),
  one({ do: 'return', sale: 1, quantities: [1] }),
  days(4),
  one({ do: 'confirm', sale: 7, daysAgo: 5 }),
  buy(2, 14),
  one({ do: 'unmerge', who: 0, to: 1 }),
  one({ do: 'close', who: 1 }),
  one({ do: 'reopen', who: 1 }),
  days(40),
  one({ do: 'return', sale: 0, quantities: null }),
]

const sell = (who: number, daysAgo = 0): Step => one({ do: 'order', who, lines, daysAgo })
const back = (sale: number, quantities: number[] | null = null): Step =>
  one({ do: 'return', sale, quantities })
const confirm = (sale: number, daysAgo: number): Step => one({ do: 'confirm', sale, daysAgo })
const give = (who: number, to: number, points: number): Step =>
  one({ do: 'transfer', who, to, currency: 'points', points })

/** Debts, and everything that pays them. */
const DEBTS: Step[] = [
  buy(0), // 99 points
  days(2),
  pay(0, 90),
  back(0),
  buy(1, 4),
  give(1, 0, 30), // a gift pays
  give(1, 2, 11), // a fee of 1.1 is 2
  buy(0, 4), // an accrual pays
  one({ do: 'adjust', who: 0, currency: 'points', points: 20 }),
  pay(0, 40),
  back(2),
  one({ do: 'merge', who: 1, to: 0 }), // the other one's points pay
  one({ do: 'unmerge', who: 1, to: 0 }),
  buy(2, 4),
  pay(2, 99),
  back(3),
  one({ do: 'merge', who: 2, to: 1 }), // and the other way round
  buy(2, 4),
  one({ do: 'unmerge', who: 2, to: 1 }),
]

/** A hold whose time is up at this very instant; what it held has lapsed meanwhile, or has not. */
const HOLDS: Step[] = [
  buy(0),
  days(2),
  pay(0, 40, { hold: true }),
  { do: 'wait', days: 2, jobs: false },
  one({ do: 'capture', redemption: 0, points: null }),
  pay(0, 50),
  one({ do: 'reverse', redemption: 1, points: null }),
  { do: 'wait', days: 6, jobs: false },
  pay(0, 40, { hold: true }),
  { do: 'wait', days: 1, jobs: false },
  one({ do: 'release', redemption: 2, points: null }),
  pay(0, 1), // all of it has lapsed
]

/** Points put off, lapsed, returned; a duplicate's among them. */
const LAPSES: Step[] = [
  buy(0),
  buy(1),
  days(3),
  pay(0, 20, { hold: true }),
  one({ do: 'extend', who: 0, currency: 'points', days: 4 }),
  buy(0, 9),
  one({ do: 'extend', who: 0, currency: 'points', days: 2 }),
  back(0, [1]),
  days(8), // what is pending for longer than it lives has lapsed, and is not usable tomorrow
  days(1),
  back(1, [1]), // lapsed
  one({ do: 'merge', who: 2, to: 1 }),
  back(1, [1]),
  one({ do: 'unmerge', who: 2, to: 1 }),
  back(1, [1]),
  days(4),
  back(0),
  back(2),
]

/** Confirmations that are told of late, of what was returned meanwhile, and of a duplicate's sale. */
const CONFIRMATIONS: Step[] = [
  sell(0),
  sell(1),
  sell(2),
  days(6), // all three are cancelled
  back(0, [1]),
  confirm(0, 2),
  back(0),
  one({ do: 'merge', who: 0, to: 1 }),
  confirm(1, 1),
  back(1, [1]),
  one({ do: 'unmerge', who: 0, to: 1 }),
  back(1),
  confirm(2, 0), // too late
  back(2),
  confirm(2, 1),
  sell(0),
  one({ do: 'merge', who: 1, to: 0 }),
  one({ do: 'cancel', sale: 3, daysAgo: 0 }),
  one({ do: 'unmerge', who: 1, to: 0 }),
  back(3),
  sell(0),
  one({ do: 'merge', who: 1, to: 0 }),
  days(6), // cancelled on the other one's book
  one({ do: 'unmerge', who: 1, to: 0 }),
  confirm(4, 2),
  back(4),
]

/** Points that await a confirmation, put off; cancelled, confirmed after all, or given back. */
const AWAITED_FOR_LONGER: Step[] = [
  sell(0, 3),
  sell(1, 3),
  one({ do: 'extend', who: 0, currency: 'gems', days: 3 }),
  one({ do: 'extend', who: 1, currency: 'gems', days: 2 }),
  one({ do: 'extend', who: 1, currency: 'gems', days: 2 }),
  days(3), // both are cancelled
  back(0),
  back(1, [1]),
  confirm(1, 1),
  back(1, [1]),
  one({ do: 'merge', who: 2, to: 1 }),
  back(1),
]

/** Un-merged when nobody has looked at the survivor since the duplicate's points were to be cancelled. */
const PARTED_WHEN_DUE: Step[] = [
  sell(0),
  sell(1),
  one({ do: 'merge', who: 1, to: 0 }),
  { do: 'wait', days: 6, jobs: false },
  one({ do: 'unmerge', who: 1, to: 0 }),
  confirm(0, 2),
  back(0),
]

/** Duplicates of duplicates. */
const NESTED: Step[] = [
  buy(0, 4),
  buy(1, 4),
  buy(2, 4),
  one({ do: 'merge', who: 1, to: 2 }),
  one({ do: 'merge', who: 0, to: 1 }),
  back(2, [1]),
  pay(2, 50),
  back(1, [1]),
  one({ do: 'unmerge', who: 0, to: 1 }),
  back(2, [1]),
  one({ do: 'unmerge', who: 1, to: 2 }),
  back(2),
  back(1),
]

/** A pool pays for who has nothing, and is asked by the name of a merged duplicate. */
const ASKED_BY_A_DUPLICATE: Step[] = [
  buy(0),
  days(3),
  one({ do: 'create_pool', who: [0, 1] }),
  one({ do: 'merge', who: 1, to: 2 }),
  pay(2, 25, { usePool: true }),
  { do: 'again', which: 6 },
]

export const ON_PURPOSE: readonly Step[][] = [
  EVERYTHING,
  DEBTS,
  HOLDS,
  LAPSES,
  CONFIRMATIONS,
  AWAITED_FOR_LONGER,
  PARTED_WHEN_DUE,
  NESTED,
  ASKED_BY_A_DUPLICATE,
]
