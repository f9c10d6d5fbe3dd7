/**
 * What changed between two states of a program's rules, in words: of two versions, or of a draft beside what is
 * published. Nothing is written, and a draft is read in a thread, so that a hostile one keeps nobody waiting.
 */
import { z } from 'zod'
import { findVersion, type Programs, publicationAt } from '../engine/programs.ts'
import { diffPrograms } from '../program/diff.ts'
import { contentHash } from '../program/version.ts'
import type { Checker } from '../simulate/checker.ts'
import { refuseFaults } from '../simulate/publishable.ts'
import { callerOf, scope } from './auth.ts'
import { type App, type RouteDeps, replies } from './route.ts'
import { versionText } from './rule-versions.ts'
import { ofProgram, ruleFiles } from './rules.ts'

const Change = z
  .strictObject({
    kind: z.enum(['added', 'removed', 'changed', 'moved']),
    path: z.array(z.string()).meta({ description: 'Keys and ids from the top' }),
    text: z.string().meta({ description: 'One sentence for people' }),
    before: z.string().nullable(),
    after: z.string().nullable(),
  })
  .meta({
    id: 'RuleChange',
    examples: [
      {
        kind: 'changed',
        path: ['earn', 'base', 'award'],
        text: 'rule base: 1 bean per 1 EUR of net -> 2 beans per 1 EUR of net',
        before: '1 bean per 1 EUR of net',
        after: '2 beans per 1 EUR of net',
      },
    ],
  })

const Difference = z
  .strictObject({ from: z.string(), to: z.string(), changes: z.array(Change) })
  .meta({ id: 'RuleDifference', examples: [{ from: '9f2c…', to: '41d0…', changes: [] }] })

const Draft = z
  .strictObject({
    files: ruleFiles,
    from: versionText.optional().meta({ description: 'Without it, the version in force' }),
  })
  .meta({ id: 'RuleDraft', examples: [{ files: { 'program.yaml': 'program: corner-coffee\n' } }] })

/** The version that is named; without a name the one in force. */
function versionOf(
  programs: Programs,
  program: string,
  { named, now }: { named: string | undefined; now: Date },
) {
  return named === undefined
    ? publicationAt(programs, program, now).version
    : findVersion(programs, program, named)
}

export function ruleDiffRoutes(app: App, deps: RouteDeps, checker: Checker): void {
  const { programs, now } = deps
  const schema = {
    operationId: 'diffRules',
    tags: ['rules'],
    summary: 'What changed between two versions',
    description: 'In words, and complete; comments, layout and the cut into files are no changes.',
    querystring: z.strictObject({
      from: versionText,
      to: versionText.optional().meta({ description: 'Without it, the version in force' }),
    }),
    response: replies({ 200: { description: 'The changes', schema: Difference } }, [
      'rules_version_not_found',
      'no_rules_in_force',
    ]),
  }
  app.get('/rules/diff', { schema, config: scope('rules:read') }, async (request) => {
    const { program } = callerOf(request)
    await programs.refresh()
    const from = findVersion(programs, program, request.query.from)
    const to = versionOf(programs, program, { named: request.query.to, now: now() })
    return { from, to, changes: diffPrograms(programs.files(program, from), programs.files(program, to)) }
  })

  draftRoute(app, deps, checker)
}

function draftRoute(app: App, { programs, now }: RouteDeps, checker: Checker): void {
  const schema = {
    operationId: 'diffDraft',
    tags: ['rules'],
    summary: 'What a draft would change',
    description:
      'In words, and complete, beside the version in force or another one. Examples may fail; a draft with ' +
      'errors is refused with all of them.',
    body: Draft,
    response: replies({ 200: { description: 'The changes', schema: Difference } }, [
      'rules_invalid',
      'rules_version_not_found',
      'no_rules_in_force',
      'payload_too_large',
    ]),
  }
  app.post('/rules/diff', { schema, config: scope('rules:read') }, async (request) => {
    const { program } = callerOf(request)
    const { files, from: named } = request.body
    const draft = new Map(Object.entries(files))
    await programs.refresh()
    const from = versionOf(programs, program, { named, now: now() })
    const checked = await checker.check(draft, programs.files(program, from))
    refuseFaults({ ...ofProgram(checked, program, files), examples: null })
    return { from, to: contentHash(draft), changes: checked.changes ?? [] }
  })
}
