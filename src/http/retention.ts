/** Who is slipping away: the worklist, one member's standing with its reasons, and the program as a whole. */
import { z } from 'zod'
import { DomainError } from '../base/errors.ts'
import { showId } from '../base/ids.ts'
import { phases } from '../retention/phase.ts'
import { readMember, readSummary, readWorklist, type Terms } from '../retention/worklist.ts'
import { callerOf, scope } from './auth.ts'
import { memberIdIn, memberParams } from './members.ts'
import { MemberRetention, RetentionSummary, Worklist } from './retention-schemas.ts'
import { type App, type RouteDeps, replies } from './route.ts'
import { paging, text } from './schemas.ts'

const query = z.strictObject({
  ...paging,
  state: z
    .enum(phases)
    .optional()
    .meta({ description: 'Only members in this state', examples: ['slowing'] }),
  segment: text(64)
    .optional()
    .meta({ description: 'Only members in this segment', examples: ['vip'] }),
  capacity: z
    .string()
    .regex(/^[1-9]\d{0,5}$/, 'is not a number from 1 to 999999')
    .optional()
    .meta({
      description: 'So many members in all pages; what the program declares where it is left out',
      examples: ['200'],
    }),
})

export function retentionRoutes(app: App, { sql, programs, now }: RouteDeps): void {
  const tags = ['retention']
  const config = scope('retention:read')
  const termsFor = (program: string): Terms => {
    const { retention, money, segments } = programs.at(program, now())
    if (retention === null) throw new DomainError('retention_not_declared', { program })
    return { program, retention, money, segments, at: now() }
  }

  const worklist = {
    operationId: 'listRetentionFlags',
    tags,
    summary: 'Members who are slipping away, most worth acting on first',
    description:
      'In the order of P(decline) × value at stake × expected uplift, cut by capacity; with what share of the flags of ' +
      'the newest finished quarter turned out false. As of the last run of the job `score`.',
    querystring: query,
    response: replies({ 200: { description: 'The worklist', schema: Worklist } }, [
      'retention_not_declared',
      'segment_not_found',
      'invalid_cursor',
      'no_rules_in_force',
    ]),
  }
  app.get('/retention/flags', { schema: worklist, config }, async (request) => {
    const { limit, cursor, state, segment, capacity } = request.query
    const terms = termsFor(callerOf(request).program)
    const asked = { limit, cursor: cursor ?? null, state: state ?? null, segment: segment ?? null }
    return readWorklist(sql, terms, { ...asked, capacity: capacity === undefined ? null : Number(capacity) })
  })

  const member = {
    operationId: 'readMemberRetention',
    tags,
    summary: 'Where one member stands, and why',
    description: 'The stored score with its reasons in words, what is kept of the purchases, and past flags.',
    params: memberParams,
    response: replies({ 200: { description: 'The standing', schema: MemberRetention } }, [
      'member_not_found',
      'retention_not_declared',
      'no_rules_in_force',
    ]),
  }
  app.get('/members/:memberId/retention', { schema: member, config }, async (request) => {
    const memberId = memberIdIn(request.params)
    const found = await readMember(sql, termsFor(callerOf(request).program), memberId)
    if (found === null) throw new DomainError('member_not_found', { memberId: showId('member', memberId) })
    return found
  })

  const summary = {
    operationId: 'getRetentionSummary',
    tags,
    summary: 'How many members are in which state, and what is at stake',
    description: 'As of the last run of the job `score`; with the share of past flags that were false.',
    response: replies({ 200: { description: 'The summary', schema: RetentionSummary } }, [
      'retention_not_declared',
      'no_rules_in_force',
    ]),
  }
  app.get('/retention/summary', { schema: summary, config }, async (request) =>
    readSummary(sql, termsFor(callerOf(request).program)),
  )
}
