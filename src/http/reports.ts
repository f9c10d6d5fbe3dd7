/**
 * Reports for finance: what is owed and deferred, and what happened day by day; as JSON, or as CSV where the
 * caller accepts that. Each reads the whole ledger of its program, so only a few run at a time.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { DomainError } from '../base/errors.ts'
import { financeTerms, lastDays, reportDay, reportInstant } from '../engine/finance.ts'
import { deferralReport, periodUnits } from '../ledger/deferred.ts'
import type { FinanceTerms } from '../ledger/finance.ts'
import { liabilityReport } from '../ledger/owed.ts'
import { deferralCsv, liabilityCsv, programCsv } from '../ledger/report-csv.ts'
import { programReport } from '../ledger/totals.ts'
import { callerOf, scope } from './auth.ts'
import { malformed } from './body.ts'
import { Deferral, Liability, ProgramTotals } from './report-schemas.ts'
import { type App, type RouteDeps, replies } from './route.ts'
import { text } from './schemas.ts'

/** More would take the database away from the tills. */
const MOST_AT_ONCE = 2

const instantOrDay = text(40).meta({
  description: 'RFC 3339 with an offset, or a day, which stands for its end in the program’s zone',
  examples: ['2026-12-31'],
})
const day = text(10).meta({ description: 'A calendar day of the program’s zone', examples: ['2026-11-01'] })

const liabilityQuery = z.strictObject({
  at: instantOrDay.optional(),
  knownAt: instantOrDay.optional().meta({
    description: 'By what was recorded up to then; without it, by all that is known now',
    examples: ['2027-01-05T09:00:00Z'],
  }),
})

export function reportRoutes(app: App, { sql, programs, now }: RouteDeps): void {
  const tags = ['reports']
  const config = scope('admin')
  const codes = ['date_out_of_range', 'program_not_found'] as const
  const inTurn = limited(MOST_AT_ONCE)
  const termsOf = (request: FastifyRequest) => financeTerms(programs, callerOf(request).program, now())

  const liability = {
    operationId: 'getLiability',
    tags,
    summary: 'Points owed, by currency, funder and month of lapse',
    description:
      'At an instant of business time, summed from the postings: equal to the ledger to the point. With the value by ' +
      'the currency’s declared value, and how much of it is expected to be redeemed. `Accept: text/csv` gives the rows as CSV.',
    querystring: liabilityQuery,
    response: withCsv(replies({ 200: { description: 'What is owed', schema: Liability } }, codes)),
  }
  app.get('/reports/liability', { schema: liability, config }, async (request, reply) => {
    const terms = termsOf(request)
    const until = untilOf(terms, request.query, now)
    const report = await inTurn(() => liabilityReport(sql, terms, until))
    return wantsCsv(request) ? sendCsv(reply, liabilityCsv([report])) : report
  })

  const deferral = {
    operationId: 'getDeferredRevenue',
    tags,
    summary: 'Deferred revenue for points by period (IFRS 15)',
    description:
      'Sales allocated by relative stand-alone selling prices, recognised as points are redeemed, breakage in proportion; ' +
      'a changed estimate catches up in its own period. Worked out of the ledger each time. `Accept: text/csv` gives a line for each period.',
    querystring: liabilityQuery.extend({
      by: z
        .enum(periodUnits)
        .default('month')
        .meta({ description: 'Length of a period', examples: ['quarter'] }),
    }),
    response: withCsv(replies({ 200: { description: 'By currency and period', schema: Deferral } }, codes)),
  }
  app.get('/reports/deferral', { schema: deferral, config }, async (request, reply) => {
    const terms = termsOf(request)
    const { by, ...query } = request.query
    const until = untilOf(terms, query, now)
    const report = await inTurn(() => deferralReport(sql, terms, { ...until, by }))
    return wantsCsv(request) ? sendCsv(reply, deferralCsv([report])) : report
  })

  const totals = {
    operationId: 'getProgramReport',
    tags,
    summary: 'What happened, by business day',
    description:
      'Points issued, taken back, redeemed, lapsed, corrected; transactions and members. Both days are included, at most ' +
      '366 days; without them the last thirty. `Accept: text/csv` gives a line for each day and currency.',
    querystring: z.strictObject({ from: day.optional(), to: day.optional() }),
    response: withCsv(replies({ 200: { description: 'Day by day', schema: ProgramTotals } }, codes)),
  }
  app.get('/reports/program', { schema: totals, config }, async (request, reply) => {
    const terms = termsOf(request)
    const [from, to] = [dayOf(request.query, 'from'), dayOf(request.query, 'to')]
    const usual = lastDays(terms.timeZone, now(), to)
    const report = await inTurn(() => programReport(sql, terms, { ...usual, from: from ?? usual.from }))
    return wantsCsv(request) ? sendCsv(reply, programCsv([report])) : report
  })
}

function untilOf(
  { timeZone }: FinanceTerms,
  query: { at?: string | undefined; knownAt?: string | undefined },
  now: () => Date,
): { at: Date; knownAt: Date | null } {
  const read = (name: 'at' | 'knownAt') => {
    const asked = query[name]
    if (asked === undefined) return null
    const at = reportInstant(timeZone, asked)
    if (at === null)
      throw malformed([{ path: `/${name}`, message: 'is neither a day nor an instant' }], 'the query')
    return at
  }
  return { at: read('at') ?? now(), knownAt: read('knownAt') }
}

function dayOf(
  query: { from?: string | undefined; to?: string | undefined },
  name: 'from' | 'to',
): string | null {
  const asked = query[name]
  if (asked === undefined) return null
  const found = reportDay(asked)
  if (found === null)
    throw malformed([{ path: `/${name}`, message: 'is not a day such as 2026-12-31' }], 'the query')
  return found
}

/** Runs so many at a time and refuses the rest, to be sent again. */
export function limited(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0
  return async (work) => {
    if (running >= most) throw new DomainError('queue_full', { reportsAtOnce: most })
    running += 1
    try {
      return await work()
    } finally {
      running -= 1
    }
  }
}

/** Where JSON and CSV are both welcome, it is JSON. */
function wantsCsv(request: FastifyRequest): boolean {
  const accepted = (request.headers.accept ?? '').toLowerCase()
  return accepted.includes('text/csv') && !accepted.includes('application/json')
}

function sendCsv(reply: FastifyReply, csv: string): FastifyReply {
  return reply.type('text/csv; charset=utf-8').send(csv)
}

function withCsv(response: Record<string, unknown>): Record<string, unknown> {
  const good = response['200'] as { content: Record<string, unknown> }
  const csv = { schema: z.string().meta({ examples: ['program,at,currency,…'] }) }
  return { ...response, 200: { ...good, content: { ...good.content, 'text/csv': csv } } }
}
