/** What a member has: the balance of this moment, and the statement of how it came to be. */
import { hash } from 'node:crypto'
import { z } from 'zod'
import { DomainError } from '../base/errors.ts'
import { showId } from '../base/ids.ts'
import { wirePoints as toWire } from '../base/points.ts'
import { wholeMember } from '../engine/queries-kin.ts'
import { emptyAccount, wireBalance } from '../ledger/account.ts'
import type { Book } from '../ledger/book.ts'
import { scheduleOf } from '../ledger/schedule.ts'
import { wireTier } from '../tiers/standing.ts'
import { callerOf, scope } from './auth.ts'
import { readHoldings, standingOn } from './holdings.ts'
import { memberIdIn, memberParams } from './members.ts'
import { type EntryRow, findStatement, type SumRow } from './queries.ts'
import { type App, type RouteDeps, replies } from './route.ts'
import { askedInstant, Balance, id, page, paging, shownInstant, TierStanding, wirePoints } from './schemas.ts'

const Expiring = z.strictObject({ points: wirePoints, at: shownInstant })

export const CurrencyBalance = Balance.extend({
  lifetime: wirePoints.meta({ description: 'Earned in all, less what returns took back' }),
  expiring: z.array(Expiring).meta({ description: 'What lapses, soonest first' }),
})

const MemberBalance = z
  .strictObject({
    memberId: id('mem', 'the member'),
    asOf: shownInstant,
    currencies: z.array(CurrencyBalance),
    tier: TierStanding.nullable().meta({
      description: 'On the first ladder; null where the program has none',
    }),
  })
  .meta({
    id: 'MemberBalance',
    examples: [
      {
        memberId: 'mem_0198f0a2b3c4700080000000000a0001',
        asOf: '2026-03-03T08:15:00.000Z',
        currencies: [
          {
            currency: 'beans',
            available: 120,
            pending: 0,
            held: 0,
            negative: 0,
            lifetime: 160,
            expiring: [{ points: 120, at: '2027-03-31T22:00:00.000Z' }],
          },
        ],
        tier: null,
      },
    ],
  })

const itemExample = {
  entryId: 'ent_0198f0a2b3c4700080000000000a0002',
  kind: 'earn',
  occurredAt: '2026-03-03T08:15:00.000Z',
  recordedAt: '2026-03-03T08:15:01.000Z',
  transactionId: 'txn_0198f0a2b3c4700080000000000a0001',
  source: 'till',
  changes: [{ currency: 'beans', available: 12, pending: 0, held: 0, negative: 0 }],
  balances: [{ currency: 'beans', available: 120, pending: 0, held: 0, negative: 0 }],
}

const StatementItem = z
  .strictObject({
    entryId: id('ent', 'the entry'),
    kind: z.string(),
    occurredAt: shownInstant,
    recordedAt: shownInstant,
    transactionId: z.string().optional(),
    redemptionId: z.string().optional(),
    reason: z.string().optional(),
    actor: z.string().optional(),
    source: z.string(),
    changes: z.array(Balance).meta({ description: 'By how much each figure changed' }),
    balances: z.array(Balance).meta({ description: 'What it came to, in the currencies that changed' }),
  })
  .meta({
    id: 'StatementItem',
    examples: [itemExample],
  })

const Statement = page(StatementItem).meta({
  id: 'Statement',
  examples: [{ items: [itemExample], nextCursor: 'AZjworPEcACAAAAAAAoAAg' }],
})

export function balanceRoutes(app: App, { sql, programs, now }: RouteDeps): void {
  const tags = ['balances']

  const balance = {
    operationId: 'readBalance',
    tags,
    summary: 'What a member has now, or had at an instant',
    description:
      'By currency, with what lapses when, and the tier. With `at`, how it stood at that instant of business time ' +
      'by all that is known now. Carries an ETag; with If-None-Match an unchanged balance is 304.',
    params: memberParams,
    querystring: z.strictObject({ at: askedInstant }),
    response: replies({ 200: { description: 'The balance', schema: MemberBalance } }, ['member_not_found']),
  }
  app.get(
    '/members/:memberId/balance',
    { schema: balance, config: scope('members:read') },
    async (request, reply) => {
      const present = now()
      const at = request.query.at === undefined ? present : new Date(request.query.at)
      const whose = { program: callerOf(request).program, memberId: memberIdIn(request.params) }
      const holdings = await readHoldings(sql, whose, at, present)
      const program = programs.at(whose.program, at)
      const [ladder] = program.ladders
      const content = {
        currencies: currenciesOf(holdings.book, program.currencies.keys()),
        tier: ladder ? wireTier(await standingOn(sql, whose, { program, ladder, holdings, at })) : null,
      }
      const etag = `"${hash('sha1', JSON.stringify(content), 'base64url')}"`
      reply.header('etag', etag).header('cache-control', 'private, no-cache')
      if (matches(request.headers['if-none-match'], etag)) return reply.code(304).send()
      return { memberId: showId('member', holdings.memberId), asOf: at.toISOString(), ...content }
    },
  )

  const statement = {
    operationId: 'readStatement',
    tags,
    summary: 'How it came to be',
    description: 'All entries, newest first, each with its changes and what the balance was right after it.',
    params: memberParams,
    querystring: z.strictObject(paging),
    response: replies({ 200: { description: 'A page of entries', schema: Statement } }, [
      'member_not_found',
      'invalid_cursor',
    ]),
  }
  app.get(
    '/members/:memberId/statement',
    { schema: statement, config: scope('members:read') },
    async (request) => {
      const { limit, cursor } = request.query
      const whose = await wholeMember(sql, {
        program: callerOf(request).program,
        memberId: memberIdIn(request.params),
      })
      const before = cursor === undefined ? null : readCursor(cursor)
      const found = await findStatement(sql, whose, { before, limit })
      if (!found) throw new DomainError('member_not_found', { memberId: request.params.memberId })
      const items = withBalances(found.entries, found.sums).slice(0, limit)
      const last = found.entries[limit - 1]
      return { items, nextCursor: found.entries.length > limit && last ? showCursor(last.entryId) : null }
    },
  )
}

/** Every currency of the program, and any other that the member still has an account in. */
export function currenciesOf(book: Book, declared: Iterable<string>) {
  const names = new Set([...declared, ...book.accounts.keys()])
  const expiring = expiringOf(book)
  return [...names].map((currency) => {
    const account = book.accounts.get(currency) ?? emptyAccount(currency)
    return {
      ...wireBalance(account),
      lifetime: toWire(account.lifetime),
      expiring: expiring.get(currency) ?? [],
    }
  })
}

function expiringOf(book: Book): Map<string, { points: number; at: string }[]> {
  const expiring = new Map<string, { points: number; at: string }[]>()
  for (const { currency, at, available, pending } of scheduleOf(book)) {
    const points = available + pending
    if (at === null || points === 0n) continue
    expiring.set(currency, [
      ...(expiring.get(currency) ?? []),
      { points: toWire(points), at: at.toISOString() },
    ])
  }
  return expiring
}

/** RFC 9110: any tag of the list, weak or not, or a star. */
function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  return header.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag)
}

type Figures = Record<(typeof figures)[number], bigint>
const figures = ['available', 'pending', 'held', 'negative'] as const

// From the newest entry back: what stood after an entry is what stood after the next, less its changes.
function withBalances(entries: readonly EntryRow[], sums: readonly SumRow[]) {
  const running = new Map(sums.map((sum) => [sum.currency, figuresOf(sum)]))
  return entries.map((entry) => {
    const balances = entry.changes.map(({ currency }) => wireFigures(currency, running.get(currency)))
    for (const change of entry.changes) {
      const now = running.get(change.currency)
      const by = figuresOf(change)
      if (now) for (const figure of figures) now[figure] -= by[figure]
    }
    return { ...wireEntry(entry), balances }
  })
}

function wireEntry(entry: EntryRow) {
  const { reason, actor } = entry.detail ?? {}
  return {
    entryId: showId('entry', entry.entryId),
    kind: entry.kind,
    occurredAt: new Date(entry.occurredAt).toISOString(),
    recordedAt: new Date(entry.recordedAt).toISOString(),
    ...(entry.transactionId !== null && { transactionId: showId('transaction', entry.transactionId) }),
    ...(entry.redemptionId !== null && { redemptionId: showId('redemption', entry.redemptionId) }),
    ...(typeof reason === 'string' && { reason }),
    ...(typeof actor === 'string' && { actor }),
    source: entry.source,
    changes: entry.changes.map((change) => wireFigures(change.currency, figuresOf(change))),
  }
}

function figuresOf(sum: SumRow): Figures {
  return {
    available: BigInt(sum.available),
    pending: BigInt(sum.pending),
    held: BigInt(sum.held),
    negative: BigInt(sum.negative),
  }
}

function wireFigures(currency: string, of: Figures | undefined) {
  const { available, pending, held, negative } = of ?? { available: 0n, pending: 0n, held: 0n, negative: 0n }
  return wireBalance({ currency, available, pending, held, negative })
}

/** A place in a statement: the id of the last entry before it, without its prefix. */
function showCursor(entryId: string): string {
  return Buffer.from(entryId.replaceAll('-', ''), 'hex').toString('base64url')
}

function readCursor(cursor: string): string {
  const hex = Buffer.from(cursor, 'base64url').toString('hex')
  if (hex.length !== 32 || showCursor(hex) !== cursor) throw new DomainError('invalid_cursor')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
