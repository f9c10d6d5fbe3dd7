/** Rules over HTTP: which are in force, what is wrong with a draft, how files are written, and publishing them. */
import { z } from 'zod'
import type { Fault } from '../base/errors.ts'
import { publicationAt } from '../engine/programs.ts'
import { publish } from '../engine/publish.ts'
import { jsonSchema } from '../program/schema.ts'
import type { Checked } from '../simulate/check.ts'
import type { Checker } from '../simulate/checker.ts'
import { refuseFaults } from '../simulate/publishable.ts'
import { callerOf, scope } from './auth.ts'
import { WireFault } from './errors.ts'
import { type App, type RouteDeps, replies } from './route.ts'
import { Published, wirePublished } from './rule-versions.ts'
import { instant, shownInstant, storable, text } from './schemas.ts'

const MOST_FILES = 200
const MOST_FILE_LENGTH = 1024 * 1024

export const ruleFiles = z
  .record(
    z.string().regex(/^(campaigns\/)?[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/, 'is not the name of a rule file'),
    storable(MOST_FILE_LENGTH),
  )
  .refine((all) => Object.keys(all).length <= MOST_FILES, `are more than ${MOST_FILES} files`)
  .meta({
    description: 'Name relative to the program’s folder, and text',
    examples: [{ 'program.yaml': 'program: corner-coffee\ntimeZone: Europe/Berlin\n' }],
  })

const RuleFault = WireFault.meta({
  id: 'RuleFault',
  examples: [
    {
      file: 'program.yaml',
      line: 9,
      column: 13,
      endColumn: 20,
      path: 'earn[0].when.weekdya',
      message: 'unknown fact "weekdya"',
      hint: 'did you mean "weekday"?',
    },
  ],
})

const RuleFiles = z
  .strictObject({ files: ruleFiles })
  .meta({ id: 'RuleFiles', examples: [{ files: { 'program.yaml': 'program: corner-coffee\n' } }] })

const Publishing = z
  .strictObject({
    files: ruleFiles,
    at: instant.optional().meta({ description: 'In force from this instant; without it, from now on' }),
    note: text(500).optional(),
  })
  .meta({
    id: 'Publishing',
    examples: [{ files: { 'program.yaml': 'program: corner-coffee\n' }, note: 'double Tuesdays' }],
  })

const Check = z
  .strictObject({
    errors: z.array(RuleFault),
    warnings: z.array(RuleFault),
    examples: z
      .strictObject({ passed: z.int(), failed: z.array(RuleFault) })
      .nullable()
      .meta({ description: 'Null where errors keep them from running' }),
  })
  .meta({ id: 'RuleCheck', examples: [{ errors: [], warnings: [], examples: { passed: 3, failed: [] } }] })

const version = {
  version: z.string(),
  effectiveFrom: shownInstant,
  publishedAt: shownInstant,
  publishedBy: z.string(),
  note: z.string().nullable(),
}

const versionExample = {
  version: '9f2c…',
  effectiveFrom: '1970-01-01T00:00:00.000Z',
  publishedAt: '2026-01-15T09:00:00.000Z',
  publishedBy: 'console',
  note: null,
}

const RulesInForce = z
  .strictObject({ program: z.string(), ...version, files: z.record(z.string(), z.string()) })
  .meta({
    id: 'RulesInForce',
    examples: [
      { program: 'corner-coffee', ...versionExample, files: { 'program.yaml': 'program: corner-coffee\n' } },
    ],
  })

export function ruleRoutes(app: App, deps: RouteDeps, checker: Checker): void {
  const { programs, now } = deps
  const tags = ['rules']
  const reading = scope('rules:read')

  const inForce = {
    operationId: 'readRules',
    tags,
    summary: 'The rules in force',
    description: 'With the text of their files.',
    response: replies({ 200: { description: 'The version in force', schema: RulesInForce } }, [
      'no_rules_in_force',
    ]),
  }
  app.get('/rules', { schema: inForce, config: reading }, async (request) => {
    const { program: id } = callerOf(request)
    // Whoever published by another process a moment ago asks for what is in force now.
    await programs.refresh()
    const found = publicationAt(programs, id, now())
    const { version: current } = found
    return {
      ...{ program: id, version: current, publishedBy: found.publishedBy, note: found.note },
      effectiveFrom: found.effectiveFrom.toISOString(),
      publishedAt: found.publishedAt.toISOString(),
      files: Object.fromEntries(programs.files(id, current)),
    }
  })

  const check = {
    operationId: 'checkRules',
    tags,
    summary: 'Check rule files',
    description: 'All errors and warnings at once, each with its place, and the outcome of the examples.',
    body: RuleFiles,
    response: replies({ 200: { description: 'What was found', schema: Check } }, ['payload_too_large']),
  }
  app.post('/rules/check', { schema: check, config: reading }, async (request) => {
    const { files: texts } = request.body
    return ofProgram(await checker.check(new Map(Object.entries(texts))), callerOf(request).program, texts)
  })

  schemaRoute(app)
  publishRoute(app, deps, checker)
}

const FileSchema = z
  .record(z.string(), z.unknown())
  .meta({ id: 'RuleFileSchema', examples: [{ title: 'Milepost rule file', type: 'object' }] })

function schemaRoute(app: App): void {
  const schema = {
    operationId: 'readRuleSchema',
    tags: ['rules'],
    summary: 'The JSON Schema of rule files',
    description:
      'For editors that know YAML: by it they complete keys and underline mistakes while one types.',
    response: replies({ 200: { description: 'A schema of draft 7', schema: FileSchema } }),
  }
  app.get('/rules/schema', { schema, config: scope('rules:read') }, async () => ({ ...jsonSchema() }))
}

function publishRoute(app: App, { sql, programs, now }: RouteDeps, checker: Checker): void {
  const schema = {
    operationId: 'publishRules',
    tags: ['rules'],
    summary: 'Publish rule files',
    description: 'Checked first, and refused where an example fails. A published version never changes.',
    body: Publishing,
    response: replies({ 200: { description: 'The version', schema: Published } }, [
      'rules_invalid',
      'payload_too_large',
    ]),
  }
  app.post('/rules/publish', { schema, config: scope('rules:write') }, async (request) => {
    const { program, source } = callerOf(request)
    const { at, note } = request.body
    const texts = new Map(Object.entries(request.body.files))
    const outcome = await checker.check(texts)
    refuseFaults(ofProgram(outcome, program, request.body.files))
    const published = await publish(sql, {
      files: texts,
      by: source,
      now: now(),
      ...(note !== undefined && { note }),
      ...(at !== undefined && { at: new Date(at) }),
    })
    await programs.refresh()
    return wirePublished(published)
  })
}

/** The outcome of a check, with an error where the files are those of another program than the caller's. */
export function ofProgram({ program, errors, warnings, examples }: Checked, caller: string, files: Texts) {
  const foreign = program === null || program === caller ? [] : [foreignProgram(program, caller, files)]
  return { errors: [...foreign, ...errors], warnings, examples }
}

type Texts = Readonly<Record<string, string>>

function foreignProgram(program: string, caller: string, files: Texts): Fault {
  const message = `these are the rules of ${program}, the key belongs to ${caller}`
  for (const [file, text] of Object.entries(files)) {
    const begin = /^program:/m.exec(text)?.index
    if (begin === undefined) continue
    const line = text.slice(0, begin).split('\n').length
    return { path: 'program', file, line, column: 1, endColumn: 8, message }
  }
  return { path: 'program', message }
}
