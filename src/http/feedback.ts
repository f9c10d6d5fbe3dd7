/** What members say: complaints, satisfaction, complaints resolved; and the list of it. */
import { z } from 'zod'
import { DomainError } from '../base/errors.ts'
import { readId, showId } from '../base/ids.ts'
import { wireFeedback } from '../engine/decide-feedback.ts'
import { feedbackOf } from '../engine/queries-feedback.ts'
import { wholeMember } from '../engine/queries-kin.ts'
import { feedbackKinds } from '../members/feedback.ts'
import { callerOf, scope } from './auth.ts'
import { memberIdIn, memberParams } from './members.ts'
import { findMember } from './queries.ts'
import { type App, keyed, type RouteDeps, replies } from './route.ts'
import { externalRefOrHeader, id, instant, page, paging, shownInstant, text } from './schemas.ts'
import { withRef, write } from './writes.ts'

const NewFeedback = z
  .strictObject({
    externalRef: externalRefOrHeader,
    kind: z.enum(feedbackKinds),
    score: z
      .int()
      .min(0)
      .max(9_999)
      .optional()
      .meta({ description: 'On the scale that the program declares, 1 to 5 if none', examples: [4] }),
    transactionId: id('txn', 'the transaction that it is about').optional(),
    text: text(4_000).optional().meta({ description: 'In the member’s own words; personal' }),
    complaint: text(200)
      .optional()
      .meta({
        description:
          'Of `resolved`: the externalRef of the complaint. Without it the complaint of the same externalRef is meant, ' +
          'else the newest open one about the transaction, else the newest open one',
        examples: ['desk/17'],
      }),
    occurredAt: instant.optional().meta({ description: 'Now, where it is not given' }),
  })
  .refine(({ kind, score }) => kind !== 'satisfaction' || score !== undefined, {
    path: ['score'],
    message: 'is missing: satisfaction is a score',
  })
  .refine(({ kind, complaint }) => kind === 'resolved' || complaint === undefined, {
    path: ['complaint'],
    message: 'belongs to kind resolved only',
  })
  .meta({
    id: 'NewFeedback',
    examples: [
      {
        externalRef: 'desk/17',
        kind: 'complaint',
        transactionId: 'txn_0198f0a2b3c4700080000000000a0001',
        text: 'The cup was broken.',
        occurredAt: '2026-03-03T09:15:00+01:00',
      },
    ],
  })

const example = {
  feedbackId: 'fbk_0198f0a2b3c4700080000000000f0001',
  memberId: 'mem_0198f0a2b3c4700080000000000a0001',
  externalRef: 'desk/17',
  kind: 'complaint' as const,
  score: null,
  transactionId: 'txn_0198f0a2b3c4700080000000000a0001',
  text: 'The cup was broken.',
  occurredAt: '2026-03-03T08:15:00.000Z',
  open: true,
  resolvedAt: null,
  resolves: null,
}

const Feedback = z
  .strictObject({
    feedbackId: id('fbk', 'the feedback'),
    memberId: id('mem', 'the member'),
    externalRef: z.string(),
    kind: z.enum(feedbackKinds),
    score: z.int().nullable(),
    transactionId: z.string().nullable(),
    text: z.string().nullable(),
    occurredAt: shownInstant,
    open: z.boolean().meta({ description: 'A complaint that nobody has resolved' }),
    resolvedAt: shownInstant.nullable(),
    resolves: z.string().nullable().meta({ description: 'Of `resolved`: which complaint' }),
  })
  .meta({ id: 'Feedback', examples: [example] })

const FeedbackPage = page(Feedback).meta({
  id: 'FeedbackPage',
  examples: [{ items: [example], nextCursor: null }],
})

export function feedbackRoutes(app: App, deps: RouteDeps): void {
  const tags = ['members']
  const give = {
    operationId: 'giveFeedback',
    tags,
    summary: 'Take a complaint, a satisfaction score, or a resolved complaint',
    description:
      'A complaint is open until it is resolved; open complaints and falling satisfaction show in the member’s ' +
      'retention, and messages of campaigns can be held back. `resolved` may carry the complaint’s own externalRef. ' +
      'Safe to send again.',
    params: memberParams,
    body: NewFeedback,
    response: replies({ 201: { description: 'The feedback as it was taken', schema: Feedback } }, [
      'member_not_found',
      'transaction_not_found',
      'member_not_active',
      'no_open_complaint',
      'idempotency_conflict',
      'unknown_fact',
      'date_out_of_range',
      'no_rules_in_force',
    ]),
  }
  const config = { ...scope('members:write'), ...keyed }
  app.post('/members/:memberId/feedback', { schema: give, config }, (request, reply) => {
    const given = withRef(request.body, request)
    const { transactionId } = given
    const body =
      transactionId === undefined
        ? given
        : { ...given, transactionId: readId('transaction', transactionId, 'transaction_not_found') }
    const kind = body.kind === 'resolved' ? ('resolve_complaint' as const) : ('feedback' as const)
    const ask = { kind, memberId: memberIdIn(request.params), body }
    return write(deps, { request, reply, status: 201 }, { ref: body.externalRef, ask })
  })

  const list = {
    operationId: 'listFeedback',
    tags,
    summary: 'What a member has said',
    description: 'Newest first, with what merged duplicates said.',
    params: memberParams,
    querystring: z.strictObject(paging),
    response: replies({ 200: { description: 'A page of feedback', schema: FeedbackPage } }, [
      'member_not_found',
      'invalid_cursor',
    ]),
  }
  const { sql } = deps
  app.get('/members/:memberId/feedback', { schema: list, config: scope('members:read') }, async (request) => {
    const { limit, cursor } = request.query
    const before = cursor === undefined ? null : readCursor(cursor)
    const whose = { program: callerOf(request).program, memberId: memberIdIn(request.params) }
    const { memberId, duplicates } = await wholeMember(sql, whose)
    if (!(await findMember(sql, { ...whose, memberId })))
      throw new DomainError('member_not_found', { memberId: showId('member', whose.memberId) })
    const found = await feedbackOf(sql, [memberId, ...duplicates], { before, limit: limit + 1 })
    const shown = found.slice(0, limit)
    const last = found.length > limit ? shown.at(-1) : undefined
    return {
      items: shown.map(wireFeedback),
      nextCursor: last ? cursorOf(last.occurredAt, last.feedbackId) : null,
    }
  })
}

function cursorOf(at: Date, id: string): string {
  return Buffer.from(`${at.toISOString()} ${id}`).toString('base64url')
}

const CURSOR = /^(\d{4}-\d\d-\d\dT[\d:.]+Z) ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/

function readCursor(cursor: string): { at: string; id: string } {
  const [, at, id] = CURSOR.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  if (at === undefined || id === undefined || Number.isNaN(Date.parse(at)))
    throw new DomainError('invalid_cursor')
  return { at, id }
}
