/**
 * Rules that were published when the language was less strict: they refuse whoever needs them with their
 * errors, everybody else goes on, and files that are published for the same instant stand in for them.
 */
import t from 'tap'
import { DomainError } from '../../src/base/errors.ts'
import { newId } from '../../src/base/ids.ts'
import type { Sql } from '../../src/db/connection.ts'
import { newCommand, type Request } from '../../src/engine/command.ts'
import { createPrograms, faultLine, readableAt } from '../../src/engine/programs.ts'
import { publish } from '../../src/engine/publish.ts'
import { insertPublication, lockProgram } from '../../src/engine/queries.ts'
import { programsInForce } from '../../src/jobs/page.ts'
import { runJob } from '../../src/jobs/run.ts'
import { sharesOf, showHoldout } from '../../src/retention/holdout.ts'
import { freshDatabase } from '../support/database.ts'
import { startEngine, uuidOf } from '../support/engine.ts'
import { jobDeps } from '../support/jobs.ts'
import { RULES, sale } from './shop.ts'

const START = new Date('1970-01-01T00:00:00Z')
const OLD = RULES.replace('program: shop', 'program: old')
/** As an earlier language had it: a word that this one does not know. */
const BROKEN = OLD.replace('award: 1 point', 'generosity: high\n    award: 1 point')
const VERSION = 'a'.repeat(64)

/** Straight into the table, past every check. */
async function store(sql: Sql, rules: string, more: { version?: string; from?: Date } = {}): Promise<void> {
  const { version = VERSION, from = START } = more
  await lockProgram(sql, 'old')
  await insertPublication(sql, {
    ...{ program: 'old', publication_id: newId(), version, effective_from: from },
    ...{ published_at: from, published_by: 'ada', note: null, files: { 'program.yaml': rules } },
  })
}

t.test('only whoever needs them is refused', async (t) => {
  const database = await freshDatabase(t)
  await store(database.sql, BROKEN)
  const { sql, lane, programs, now, ...engine } = await startEngine(t, RULES, { database })
  const enrol = (program: string, card: string) => {
    const body = { externalRef: card, identifiers: [{ kind: 'card', value: card }] }
    return lane
      .run(newCommand({ program, source: 'till', ref: card, at: now() }, { kind: 'enrol', body }))
      .then(
        ({ body }) => JSON.parse(body).memberId as string,
        (error) => (error instanceof DomainError ? error.code : String(error)),
      )
  }

  await t.test('beside others in one group', async (t) => {
    const [mine, theirs, further] = await Promise.all([
      enrol('shop', 'a'),
      enrol('old', 'b'),
      enrol('shop', 'c'),
    ] as const)
    t.match([mine, theirs, further], [/^mem_/, 'rules_unreadable', /^mem_/])
    const [groups] = await sql<{ count: number }[]>`
      select count(distinct xmin::text)::int as count from members`
    t.equal(groups?.count, 1, 'and the others stay together')
  })

  await t.test('with the first error and its place', async (t) => {
    const [lost] = programs.unloadable()
    t.match(lost, { program: 'old', version: VERSION, effectiveFrom: START })
    t.match(faultLine(lost!.errors), /^program\.yaml:13:5: .*generosity/)
    const told = {
      code: 'rules_unreadable',
      message: /^the rules of old, version aaaaaaaaaaaa, no longer load: /,
    }
    t.throws(() => programs.at('old', now()), told)
    t.throws(() => programs.find('old', now()), told, 'no answer would be taken for no rules')
    t.throws(() => programs.version('old', VERSION), told)
    t.match(
      programs.files('old', VERSION).get('program.yaml'),
      /generosity/,
      'the files are there to correct',
    )
    t.strictSame([programs.loads('old', now()), programs.loads('shop', now())], [false, true])
    t.same(
      programsInForce(programs, now()).map(({ id }) => id),
      ['shop'],
      'jobs leave it out',
    )
  })

  await t.test('until the corrected files are published for the same instant', async (t) => {
    const files = new Map([['program.yaml', OLD]])
    const { version } = await publish(sql, { files, by: 'eve', at: START, now: now() })
    const memberId = await enrol('old', 'b')
    t.match(memberId, /^mem_/, 'the lane takes them without a restart')
    t.equal(programs.version('old', VERSION).version, version, 'for what was valued with the old ones')
    t.same(programs.unloadable(), [])
    const earn = { ...sale(uuidOf(memberId), '12.00') } satisfies Request
    const { body } = await lane.run(newCommand({ program: 'old', source: 'till', ref: 's', at: now() }, earn))
    t.match(JSON.parse(body).awards, [{ rule: 'base', points: 12 }])
    t.same(await engine.findings(), [])
  })
})

t.test('what was answered before is answered again', async (t) => {
  const database = await freshDatabase(t)
  await store(database.sql, OLD)
  const { lane, sql, now } = await startEngine(t, RULES, { database })
  const ask = (card: string, ref = card) => {
    const body = { externalRef: ref, identifiers: [{ kind: 'card', value: card }] }
    return lane.run(newCommand({ program: 'old', source: 'till', ref, at: now() }, { kind: 'enrol', body }))
  }
  const answered = await ask('a')
  await store(sql, BROKEN, { version: 'b'.repeat(64), from: new Date(now().getTime() - 1) })

  const [again, other, fresh] = await Promise.allSettled([ask('a'), ask('b', 'a'), ask('c')])
  t.same(again, { status: 'fulfilled', value: { body: answered.body, replayed: true } })
  t.match(other, { status: 'rejected', reason: { code: 'idempotency_conflict' } })
  t.match(fresh, { status: 'rejected', reason: { code: 'rules_unreadable' } })
  t.same(await ask('a'), { body: answered.body, replayed: true }, 'also when the lane knows of them')
  await t.rejects(ask('c'), { code: 'rules_unreadable' })
  t.equal((await sql`select 1 from members`).length, 1)
})

t.test('a later publication leaves the time before it refused', async (t) => {
  const { sql } = await freshDatabase(t)
  await store(sql, BROKEN)
  const from = new Date('2026-03-01T00:00:00Z')
  await publish(sql, { files: new Map([['program.yaml', OLD]]), by: 'eve', at: from, now: from })
  const programs = await createPrograms(sql)
  t.equal(programs.at('old', from).id, 'old')
  t.throws(() => programs.at('old', new Date(from.getTime() - 1)), { code: 'rules_unreadable' })
  t.throws(() => programs.version('old', VERSION), { code: 'rules_unreadable' })
  t.match(programs.unloadable(), [{ version: VERSION, until: from }])
})

t.test('files that are no files stop nobody', async (t) => {
  const { sql } = await freshDatabase(t)
  await store(sql, '[{')
  await store(sql, OLD, { version: 'b'.repeat(64), from: new Date('2026-01-01T00:00:00Z') })
  const programs = await createPrograms(sql)
  t.equal(programs.unloadable().length, 1)
  t.equal(programs.at('old', new Date('2026-02-01T00:00:00Z')).id, 'old')
})

/** The clock of `startEngine` stands after it. */
const RENEWED = new Date('2026-02-01T00:00:00Z')

t.test('a past that no longer loads keeps neither scores nor the holdout back', async (t) => {
  const database = await freshDatabase(t)
  await store(database.sql, BROKEN)
  const rules = `${OLD}retention:\nexperiments: { holdout: 20 % }\n`
  await publish(database.sql, {
    files: new Map([['program.yaml', rules]]),
    ...{ by: 'eve', at: RENEWED, now: RENEWED },
  })
  const { sql, lane, programs, now } = await startEngine(t, RULES, { database })
  const before = new Date(RENEWED.getTime() - 1)
  t.equal(readableAt(programs, 'old', before), null)
  t.equal(readableAt(programs, 'old', RENEWED)?.id, 'old')
  t.equal(readableAt(programs, 'elsewhere', RENEWED), null)

  // An experiment of then: which flag began it, only the old rules know.
  await sql`
    insert into experiments (program, experiment, state, terms, started_at)
    values ('old', 'call', 'testing', ${sql.json({ testControl: 0.5, arms: ['a'], measureDays: 14 })}, ${before})`
  const report = await runJob(jobDeps({ sql, lane, now }), {
    job: 'score',
    at: now(),
    only: { program: 'old' },
  })
  t.match(report, { ran: true, failed: 0, programs: [{ program: 'old' }] })

  const program = programs.at('old', now())
  const shareAt = sharesOf(programs, program)
  t.equal(shareAt(before), 0.2, 'that of now stands in')
  t.match(await showHoldout(sql, { program, at: now(), days: 28, shareAt }), { share: 0.2, verdict: 'open' })
})
