/** A member's expiry schedule: which points lapse when, and what pending points are waiting for. */
import { z } from 'zod'
import { showId } from '../base/ids.ts'
import { wirePoints as toWire } from '../base/points.ts'
import { emptyAccount, wireBalance } from '../ledger/account.ts'
import type { Book } from '../ledger/book.ts'
import { type Expiry, scheduleOf, type Waiting, waitingOf } from '../ledger/schedule.ts'
import { callerOf, scope } from './auth.ts'
import { readHoldings } from './holdings.ts'
import { memberIdIn, memberParams } from './members.ts'
import { type App, type RouteDeps, replies } from './route.ts'
import { Balance, id, shownInstant, wirePoints } from './schemas.ts'

const instantOrNull = shownInstant.nullable()

const ExpirySchedule = z
  .strictObject({
    memberId: id('mem', 'the member'),
    asOf: shownInstant,
    currencies: z.array(
      Balance.extend({
        lastActivity: z
          .string()
          .nullable()
          .meta({ description: 'The day that inactivity is counted from', examples: ['2026-03-03'] }),
        expiries: z
          .array(
            z.strictObject({
              at: instantOrNull.meta({ description: 'Usable strictly before it; null: never' }),
              by: z.enum(['date', 'inactivity', 'never']).meta({
                description: '`inactivity` without an instant: the member is exempt at present',
              }),
              available: wirePoints,
              pending: wirePoints,
              held: wirePoints,
            }),
          )
          .meta({ description: 'Soonest first; its sums are the balance’s figures' }),
        waiting: z
          .array(
            z.strictObject({
              points: wirePoints,
              usableFrom: instantOrNull,
              confirmBy: instantOrNull.meta({ description: 'Cancelled then, unless confirmed before' }),
              transactionId: z.string().optional(),
              lapsesAt: instantOrNull,
            }),
          )
          .meta({ description: 'What the pending points wait for' }),
      }),
    ),
  })
  .meta({
    id: 'ExpirySchedule',
    examples: [
      {
        memberId: 'mem_0198f0a2b3c4700080000000000a0001',
        asOf: '2026-03-03T08:15:00.000Z',
        currencies: [
          {
            currency: 'beans',
            available: 120,
            pending: 12,
            held: 0,
            negative: 0,
            lastActivity: null,
            expiries: [
              { at: '2027-02-28T23:00:00.000Z', by: 'date', available: 100, pending: 0, held: 0 },
              { at: '2027-03-31T22:00:00.000Z', by: 'date', available: 20, pending: 12, held: 0 },
            ],
            waiting: [
              {
                points: 12,
                usableFrom: '2026-03-16T23:00:00.000Z',
                confirmBy: null,
                lapsesAt: '2027-03-31T22:00:00.000Z',
              },
            ],
          },
        ],
      },
    ],
  })

export function expiryRoutes(app: App, { sql, programs, now }: RouteDeps): void {
  const schema = {
    operationId: 'readExpiries',
    tags: ['balances'],
    summary: 'Which points lapse when',
    description: 'Every point once, also those that never lapse: the sums are the figures of the balance.',
    params: memberParams,
    response: replies({ 200: { description: 'The schedule', schema: ExpirySchedule } }, ['member_not_found']),
  }
  app.get('/members/:memberId/expiries', { schema, config: scope('members:read') }, async (request) => {
    const at = now()
    const whose = { program: callerOf(request).program, memberId: memberIdIn(request.params) }
    const { book } = await readHoldings(sql, whose, at)
    const declared = programs.at(whose.program, at).currencies.keys()
    return {
      memberId: showId('member', whose.memberId),
      asOf: at.toISOString(),
      currencies: [...new Set([...declared, ...book.accounts.keys()])].map((each) => shown(book, each)),
    }
  })
}

function shown(book: Book, currency: string) {
  const account = book.accounts.get(currency) ?? emptyAccount(currency)
  const own = <Row extends { currency: string }>(rows: Row[]) =>
    rows.filter((row) => row.currency === currency)
  return {
    ...wireBalance(account),
    lastActivity: account.activeOn,
    expiries: own(scheduleOf(book)).map(wireExpiry),
    waiting: own(waitingOf(book)).map(wireWaiting),
  }
}

function wireExpiry({ at, by, available, pending, held }: Expiry) {
  return {
    at: at?.toISOString() ?? null,
    by,
    available: toWire(available),
    pending: toWire(pending),
    held: toWire(held),
  }
}

function wireWaiting({ points, usableFrom, confirmBy, transactionId, at }: Waiting) {
  return {
    points: toWire(points),
    usableFrom: usableFrom?.toISOString() ?? null,
    confirmBy: confirmBy?.toISOString() ?? null,
    ...(transactionId !== null && { transactionId: showId('transaction', transactionId) }),
    lapsesAt: at?.toISOString() ?? null,
  }
}
