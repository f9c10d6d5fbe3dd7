/**
 * What members have in common in a simulation: budgets, which every sale finds as the earlier ones of all
 * members left them, and segments, which rules ask for and figures are grouped by.
 */
import t from 'tap'
import { createPrograms } from '../../src/engine/programs.ts'
import { courseOf, sameCourse, takenBefore } from '../../src/simulate/budgets.ts'
import { runSimulation, type SimulationAsked } from '../../src/simulate/candidate.ts'
import { isSame, type SimulationResult } from '../../src/simulate/result.ts'
import { type Engine, startEngine } from '../support/engine.ts'
import { fc } from '../support/property.ts'

t.setTimeout(600_000)

const rules = (budget: number, welcome: number) => `
program: shop
timeZone: Europe/Berlin
money: EUR
currencies: { points: { value: 0.01 EUR } }
members: { segments: [vip, family] }
earn:
  - { id: base, on: purchase, award: 1 point per 1 EUR of net }
  - { id: flash, on: purchase, award: 3 points per 1 EUR of net, limit: ${budget} points in all per month }
  - { id: vip, on: purchase, when: { segment: vip }, award: 5 points }
  - { id: welcome, on: tierReached, award: ${welcome} points, limit: 45 points in all }
tiers:
  period: calendar year
  ladder: [{ id: base }, { id: silver, reach: { spend: 50 EUR } }]
returns: negative
`

const cards = ['a', 'b', 'c']

function sell(
  engine: Engine,
  sale: { card: string; at: string; net: string },
): Promise<Record<string, never>> {
  const { card, at, net } = sale
  engine.at(at)
  const line = { lineId: '1', quantity: 1, net: { amount: net, currency: 'EUR' } }
  return engine.run({
    kind: 'earn',
    body: {
      ...{ externalRef: `${card} ${at}`, type: 'purchase', occurredAt: at, lines: [line] },
      identifier: { kind: 'card', value: card },
    },
  })
}

async function simulated(engine: Engine, more: Partial<SimulationAsked>): Promise<SimulationResult> {
  const all = { program: 'shop', files: null, since: null, until: null, percent: 100, by: null }
  const now = new Date('2026-03-20T00:00:00Z')
  return runSimulation(engine.sql, await createPrograms(engine.sql), { ...all, now, workers: 1, ...more })
}

const draft = (text: string) => new Map([['program.yaml', text]])

t.test('budgets and segments', async (t) => {
  const engine = await startEngine(t, rules(100, 20))
  const members = new Map<string, string>()
  for (const card of cards) members.set(card, await engine.enrol(card))
  const enter = { externalRef: 'enter', segment: 'vip', member: true, occurredAt: '2026-03-05T00:00:00Z' }
  engine.at('2026-03-05T00:00:00Z')
  await engine.run({ kind: 'change_segment', memberId: members.get('b')!, body: enter })
  // In the order of the days; 3 points for each euro of a budget of 100.
  const sales = [
    { card: 'c', at: '2026-03-06T10:00:00Z', net: '10.00' }, // 30, 70 left
    { card: 'a', at: '2026-03-07T10:00:00Z', net: '20.00' }, // 60, 10 left
    { card: 'b', at: '2026-03-08T10:00:00Z', net: '60.00' }, // 10, nothing left; silver; vip
    { card: 'a', at: '2026-03-09T10:00:00Z', net: '40.00' }, // nothing; silver
    { card: 'c', at: '2026-03-10T10:00:00Z', net: '70.00' }, // nothing; silver
  ]
  for (const sale of sales) await sell(engine, sale)

  const given = (result: SimulationResult, rule: string) =>
    result.rules
      .filter((one) => one.rule === rule)
      .map(({ before, after }) => [before.points, after.points])[0]

  const asRecorded = await simulated(engine, {})
  t.ok(isSame(asRecorded), 'the rules in force give what was recorded')
  t.same(given(asRecorded, 'flash'), [100, 100])
  t.same(given(asRecorded, 'vip'), [5, 5])
  t.same(given(asRecorded, 'welcome'), [45, 45])
  t.same(asRecorded.refused, [])

  const sameFiles = await simulated(engine, { files: draft(rules(100, 20)) })
  t.ok(isSame(sameFiles), 'and so does a draft that says the same')
  t.ok(sameFiles.budgetsExact)

  const larger = await simulated(engine, { files: draft(rules(250, 10)), by: 'segment' })
  t.same(given(larger, 'flash'), [100, 250])
  t.same(given(larger, 'welcome'), [45, 30])
  t.ok(larger.budgetsExact)
  t.equal(larger.groupedBy, 'segment')
  t.same(
    larger.groups.map(({ group, members: count, points }) => [
      group,
      count,
      points.map(({ after }) => after),
    ]),
    [
      // a: 60 + 60 of base, 60 + 0 of flash, 10; c: 10 + 70, 30 + 0, 10
      ['in none', 2, [60 + 80 + 60 + 30 + 20]],
      // b: 60, 160 of flash, 5 of vip, 10
      ['vip', 1, [60 + 160 + 5 + 10]],
    ],
  )
})

t.test('what was taken before a command', async (t) => {
  const take = (commandId: string, points: bigint) => ({
    budget: 'b',
    period: '2026-03-01',
    commandId,
    points,
  })
  const course = courseOf([take('3', 5n), take('1', 2n), take('3', 1n), take('7', -4n)])
  const rows = [
    ['0', 0n],
    ['1', 0n],
    ['2', 2n],
    ['3', 2n],
    ['4', 8n],
    ['9', 4n],
  ] as const
  const key = { budget: 'b', period: '2026-03-01' }
  for (const [id, expected] of rows) t.equal(takenBefore(course, key, id), expected, id)
  t.equal(takenBefore(course, { ...key, period: '2026-04-01' }, '9'), 0n)
  const takes = fc.array(fc.tuple(fc.constantFrom('1', '2', '3', '4'), fc.bigInt({ min: 1n, max: 9n })))
  fc.assert(
    fc.property(takes, (all) => {
      const made = all.map(([id, points]) => take(id, points))
      const one = courseOf(made)
      const before = (id: string) =>
        all.reduce((sum, [other, points]) => (other < id ? sum + points : sum), 0n)
      return (
        sameCourse(one, courseOf([...made].reverse())) &&
        ['1', '2', '3', '4', '5'].every((id) => takenBefore(one, key, id) === before(id))
      )
    }),
  )
})
