/**
 * The versions of a program's rules: who published which when and why, withdrawing what is still to come,
 * and going back to what was.
 */
import { z } from 'zod'
import { DomainError } from '../base/errors.ts'
import { findVersion, type Publication, stateOf } from '../engine/programs.ts'
import { type Published as PublishedRules, withdraw } from '../engine/publish.ts'
import { rollBack } from '../simulate/publishable.ts'
import { callerOf, scope } from './auth.ts'
import { type App, type RouteDeps, replies } from './route.ts'
import { instant, paging, shownInstant, text } from './schemas.ts'

export const versionText = text(64).meta({
  description: 'The hash of its files, or its first 6 digits or more where no other version begins so',
  examples: ['9f2c41d0'],
})

const example = {
  version: '9f2c…',
  effectiveFrom: '1970-01-01T00:00:00.000Z',
  until: null,
  state: 'in_force',
  publishedAt: '2026-01-15T09:00:00.000Z',
  publishedBy: 'console',
  note: 'double Tuesdays',
  withdrawn: null,
}

const Version = z
  .strictObject({
    version: z.string(),
    effectiveFrom: shownInstant,
    until: shownInstant.nullable().meta({ description: 'When the next version takes over' }),
    state: z.enum(['in_force', 'scheduled', 'replaced', 'withdrawn']),
    publishedAt: shownInstant,
    publishedBy: z.string(),
    note: z.string().nullable(),
    withdrawn: z.strictObject({ at: shownInstant, by: z.string(), note: z.string().nullable() }).nullable(),
  })
  .meta({
    id: 'RuleVersion',
    examples: [example],
  })

const RuleVersions = z
  .strictObject({ items: z.array(Version), nextCursor: z.string().nullable() })
  .meta({ id: 'RuleVersions', examples: [{ items: [example], nextCursor: null }] })

const note = text(500)
  .optional()
  .meta({ description: 'Why, for the list of versions', examples: ['the supplier backed out'] })

const RollBack = z
  .strictObject({
    version: versionText,
    at: instant.optional().meta({ description: 'In force from this instant; without it, from now on' }),
    note,
  })
  .meta({ id: 'RollBack', examples: [{ version: '9f2c41d0', note: 'double points were too dear' }] })

const Withdrawal = z
  .strictObject({ version: versionText, note })
  .meta({ id: 'Withdrawal', examples: [{ version: '9f2c41d0', note: 'the supplier backed out' }] })

const Withdrawn = z
  .strictObject({ program: z.string(), version: z.string(), effectiveFrom: shownInstant })
  .meta({
    id: 'Withdrawn',
    examples: [{ program: 'corner-coffee', version: '9f2c…', effectiveFrom: '2026-12-01T00:00:00.000Z' }],
  })

export const Published = z
  .strictObject({
    program: z.string(),
    version: z.string(),
    effectiveFrom: shownInstant,
    until: shownInstant.nullable().meta({ description: 'When a version published for later takes over' }),
    published: z.boolean().meta({ description: 'False where the same content was in force already' }),
  })
  .meta({
    id: 'Published',
    examples: [
      {
        program: 'corner-coffee',
        version: '9f2c…',
        effectiveFrom: '2026-03-03T08:15:00.000Z',
        until: null,
        published: true,
      },
    ],
  })

export function wirePublished(done: PublishedRules): z.infer<typeof Published> {
  const { effectiveFrom, until } = done
  return { ...done, effectiveFrom: effectiveFrom.toISOString(), until: until?.toISOString() ?? null }
}

function wireVersion(one: Publication, now: Date): z.infer<typeof Version> {
  return {
    version: one.version,
    effectiveFrom: one.effectiveFrom.toISOString(),
    until: one.until?.toISOString() ?? null,
    state: stateOf(one, now),
    publishedAt: one.publishedAt.toISOString(),
    publishedBy: one.publishedBy,
    note: one.note,
    withdrawn: one.withdrawn && { ...one.withdrawn, at: one.withdrawn.at.toISOString() },
  }
}

export function ruleVersionRoutes(app: App, deps: RouteDeps): void {
  const { programs, now } = deps
  const schema = {
    operationId: 'listRuleVersions',
    tags: ['rules'],
    summary: 'Every version published',
    description: 'Newest effect first; those that are still to come, and withdrawn ones, too.',
    querystring: z.strictObject(paging),
    response: replies({ 200: { description: 'The versions', schema: RuleVersions } }, ['invalid_cursor']),
  }
  app.get('/rules/versions', { schema, config: scope('rules:read') }, async (request) => {
    await programs.refresh()
    const { limit, cursor } = request.query
    const all = [...programs.versions(callerOf(request).program)].reverse()
    const from = cursor === undefined ? 0 : placeAfter(cursor, all)
    const items = all.slice(from, from + limit).map((one) => wireVersion(one, now()))
    const last = all[from + limit - 1]
    return { items, nextCursor: last && all.length > from + limit ? cursorOf(last) : null }
  })

  rollBackRoute(app, deps)
  withdrawRoute(app, deps)
}

function rollBackRoute(app: App, { sql, programs, now }: RouteDeps): void {
  const schema = {
    operationId: 'rollBackRules',
    tags: ['rules'],
    summary: 'Publish an old version again',
    description:
      'Checked, and its examples run, as if it were new. What was posted meanwhile stays as it was.',
    body: RollBack,
    response: replies({ 200: { description: 'The version', schema: Published } }, [
      'rules_version_not_found',
      'rules_invalid',
    ]),
  }
  app.post('/rules/rollback', { schema, config: scope('rules:write') }, async (request) => {
    const { program, source } = callerOf(request)
    const { at, note: why } = request.body
    await programs.refresh()
    const done = await rollBack(sql, {
      ...{ program, version: findVersion(programs, program, request.body.version), by: source, now: now() },
      ...(why !== undefined && { note: why }),
      ...(at !== undefined && { at: new Date(at) }),
    })
    await programs.refresh()
    return wirePublished(done)
  })
}

function withdrawRoute(app: App, { sql, programs, now }: RouteDeps): void {
  const schema = {
    operationId: 'withdrawRules',
    tags: ['rules'],
    summary: 'Take back a version that is still to come',
    description: 'What is or was in force stays: transactions were valued with it. Roll back instead.',
    body: Withdrawal,
    response: replies({ 200: { description: 'The version', schema: Withdrawn } }, [
      'rules_version_not_found',
      'rules_version_begun',
    ]),
  }
  app.post('/rules/withdraw', { schema, config: scope('rules:write') }, async (request) => {
    const { program, source } = callerOf(request)
    const { note: why } = request.body
    await programs.refresh()
    const done = await withdraw(sql, {
      ...{ program, version: findVersion(programs, program, request.body.version), by: source, now: now() },
      ...(why !== undefined && { note: why }),
    })
    await programs.refresh()
    return { ...done, effectiveFrom: done.effectiveFrom.toISOString() }
  })
}

function cursorOf({ publicationId }: Publication): string {
  return Buffer.from(publicationId.replaceAll('-', ''), 'hex').toString('base64url')
}

function placeAfter(cursor: string, all: readonly Publication[]): number {
  const place = all.findIndex((one) => cursorOf(one) === cursor)
  if (place < 0) throw new DomainError('invalid_cursor')
  return place + 1
}
