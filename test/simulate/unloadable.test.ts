/**
 * A version that no longer loads keeps nobody from simulating as long as it never began; one that was in force
 * does, and that is said before any thread starts.
 */
import t from 'tap'
import { createPrograms } from '../../src/engine/programs.ts'
import { runSimulation } from '../../src/simulate/candidate.ts'
import { startEngine } from '../support/engine.ts'

const RULES = `
program: shop
timeZone: Europe/Berlin
money: EUR
currencies: { points: { value: 0.01 EUR } }
earn:
  - { id: base, on: purchase, award: 1 point per 1 EUR of net }
`
const DRAFT = RULES.replace('1 point per', '2 points per')
const NOW = new Date('2026-03-20T00:00:00Z')

/** Each row: a version more, when it begins, when it was withdrawn, and what becomes of a simulation then. */
const rows = [
  ['a', '2026-04-01T00:00:00Z', null, 'simulated'],
  ['b', '2026-04-01T00:00:00Z', '2026-03-10T00:00:00Z', 'simulated'],
  ['c', '2026-03-10T00:00:00Z', '2026-03-09T00:00:00Z', 'simulated'],
  ['d', '2026-03-10T00:00:00Z', null, 'rules_unreadable'],
] as const

t.test('a version that no longer loads', async (t) => {
  const { sql, at, enrol, run } = await startEngine(t, RULES)
  at('2026-03-03T09:00:00Z')
  await enrol('1')
  const line = { lineId: '1', quantity: 1, net: { amount: '10.00', currency: 'EUR' } }
  const sale = { externalRef: 's', type: 'purchase', occurredAt: '2026-03-03T09:00:00Z', lines: [line] }
  await run({ kind: 'earn', body: { ...sale, identifier: { kind: 'card', value: '1' } } })

  const outcome = async (draft: string | null, given: number): Promise<string> => {
    const files = draft === null ? null : new Map([['program.yaml', draft]])
    const asked = { program: 'shop', files, since: null, until: null, percent: 100, by: null, now: NOW }
    try {
      const { rules } = await runSimulation(sql, await createPrograms(sql), { ...asked, workers: 1 })
      t.equal(rules[0]?.after.points, given)
      return 'simulated'
    } catch (error) {
      return error instanceof Error && 'code' in error ? String(error.code) : String(error)
    }
  }

  for (const [digit, from, withdrawn, expected] of rows) {
    const files = JSON.stringify({ 'program.yaml': `${RULES}generosity: high\n` })
    await sql`
      insert into rule_versions (program, publication_id, version, effective_from, published_at, published_by,
        withdrawn_at, withdrawn_by, files)
      values ('shop', gen_random_uuid(), ${digit.repeat(64)}, ${new Date(from)}, '2026-03-02T00:00:00Z', 'ada',
        ${withdrawn && new Date(withdrawn)}, ${withdrawn && 'ada'}, ${files}::text::jsonb)`
    const name = `from ${from}${withdrawn ? ', withdrawn' : ''}`
    t.equal(await outcome(null, 10), expected, `${name}: as recorded`)
    t.equal(await outcome(DRAFT, 20), expected, `${name}: a draft`)
  }
})
