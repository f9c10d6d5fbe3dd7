/**
 * The command log alone rebuilds everything: replayed into an empty database, in its order, it arrives at
 * identical rows, ids and all. (Sweeps are left out: they are not asked for by anybody, and what they would
 * have done the next command does.)
 */
import fc from 'fast-check'
import t from 'tap'
import type { Command, Request } from '../../src/engine/command.ts'
import { newCommand } from '../../src/engine/command.ts'
import { type Engine, startEngine, uuidOf } from '../support/engine.ts'
import { redeem, sale } from './shop.ts'

t.setTimeout(290_000)

const RULES = `
program: shop
timeZone: Europe/Berlin
money: EUR
returns: negative
currencies:
  points: { value: 0.01 EUR, expires: 3 months, pending: 2 days }
earn:
  - { id: base, on: purchase, award: 1 point per 1 EUR of net }
  - { id: gold, on: purchase, when: { tier: gold }, award: points = 0.5 * awarded(base) }
tiers:
  period: rolling 12 months
  ladder:
    - id: base
    - { id: gold, reach: { spend: 300 EUR } }
`

type Step =
  | { do: 'sale'; member: number; euros: number; daysAgo: number }
  | { do: 'loose'; euros: number }
  | { do: 'attach' | 'return' | 'release' | 'reverse' | 'capture'; of: number; member: number }
  | { do: 'redeem' | 'hold' | 'adjust'; member: number; points: number }
  | { do: 'wait'; days: number }

const member = fc.integer({ min: 0, max: 2 })
const of = fc.nat({ max: 5 })
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constant('sale' as const),
      member,
      euros: fc.integer({ min: 1, max: 250 }),
      daysAgo: fc.constantFrom(0, 0, 1, 20, 200),
    }),
    fc.record({ do: fc.constant('loose' as const), euros: fc.integer({ min: 1, max: 250 }) }),
    fc.record({ do: fc.constantFrom('attach', 'return', 'release', 'reverse', 'capture'), of, member }),
    fc.record({
      do: fc.constantFrom('redeem', 'hold', 'adjust'),
      member,
      points: fc.integer({ min: 1, max: 120 }),
    }),
    fc.record({ do: fc.constant('wait' as const), days: fc.integer({ min: 1, max: 40 }) }),
  ),
  { minLength: 10, maxLength: 30, size: 'max' },
)

/** Plays the steps; what is refused is refused, and leaves nothing in the log. */
async function play(engine: Engine, all: readonly Step[]): Promise<void> {
  let now = Date.parse('2026-03-03T10:00:00Z')
  const members = [await engine.enrol('1'), await engine.enrol('2'), await engine.enrol('3')]
  const transactions: string[] = []
  const loose: string[] = []
  const redemptions: string[] = []
  for (const [index, step] of all.entries()) {
    if (step.do === 'wait') {
      now += step.days * 86_400_000
      engine.at(new Date(now).toISOString())
      continue
    }
    const at = new Date(now).toISOString()
    const externalRef = `step-${index}`
    const request = requestOf(step)
    if (request === null) continue
    const answer = await engine.refused(request, externalRef)
    if (!answer.startsWith('no refusal but ')) continue
    const reply = JSON.parse(answer.slice('no refusal but '.length))
    if (step.do === 'sale' || step.do === 'attach') transactions.push(uuidOf(reply.transactionId))
    if (step.do === 'loose') loose.push(uuidOf(reply.transactionId))
    if (step.do === 'redeem' || step.do === 'hold') redemptions.push(uuidOf(reply.redemptionId))

    function requestOf(one: Exclude<Step, { do: 'wait' }>): Request | null {
      switch (one.do) {
        case 'sale': {
          const occurredAt = new Date(now - one.daysAgo * 86_400_000).toISOString()
          return sale(members[one.member]!, `${one.euros}.00`, externalRef, occurredAt)
        }
        case 'loose': {
          const { memberId: _nobody, ...body } = sale('', `${one.euros}.00`, externalRef, at).body
          return { kind: 'earn', body }
        }
        case 'attach': {
          const transactionId = loose[one.of]
          const body = { externalRef, memberId: members[one.member]! }
          return transactionId === undefined ? null : { kind: 'attach', transactionId, body }
        }
        case 'return': {
          const transactionId = transactions[one.of]
          const body = { externalRef, occurredAt: at, all: true as const }
          return transactionId === undefined ? null : { kind: 'return', transactionId, body }
        }
        case 'redeem':
          return redeem(members[one.member]!, one.points)
        case 'hold':
          return redeem(members[one.member]!, one.points, { seconds: 86_400 })
        case 'adjust': {
          const points = one.points % 2 === 0 ? one.points : -one.points
          const body = {
            externalRef,
            memberId: members[one.member]!,
            currency: 'points',
            points,
            reason: 'test',
          }
          return { kind: 'adjust', body }
        }
        default: {
          const redemptionId = redemptions[one.of]
          return redemptionId === undefined ? null : { kind: one.do, redemptionId, body: { externalRef } }
        }
      }
    }
  }
}

interface LogRow {
  command_id: string
  program: string
  source: string
  operation: string
  external_ref: string
  request: string | null
  sale: unknown
  at: Date
}

/** The log in its order; a sale's request stands with the sale. */
async function readLog(engine: Engine): Promise<Command[]> {
  const rows = await engine.sql<LogRow[]>`
    select c.command_id, c.program, c.source, c.operation, c.external_ref, c.request, c.at,
      coalesce(
        (select l.request from loose_sales l where l.transaction_id = c.member_id),
        (select t.request from transactions t
         join entries e on e.member_id = t.member_id and e.transaction_id = t.transaction_id and e.kind = 'earn'
         where e.member_id = c.member_id and e.command_id = c.command_id)) as sale
    from commands c order by c.command_id`
  return rows.map((row) => {
    const request: Request =
      row.operation === 'earn' ? { kind: 'earn', body: row.sale as never } : JSON.parse(row.request!)
    const { program, source, external_ref: ref, at } = row
    return { ...newCommand({ program, source, ref, at }, request), commandId: row.command_id }
  })
}

t.test('the command log, replayed into an empty database, arrives at identical rows', async (t) => {
  let entries = 0
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      let same = false
      // a test of its own, so that its two databases are let go when it is over
      await t.test('one history', async (t) => {
        const engine = await startEngine(t, RULES)
        await play(engine, all)
        const log = await readLog(engine)
        const empty = await startEngine(t, RULES)
        for (const command of log) await empty.lane.run(command)
        const [count] = await engine.sql<{ count: number }[]>`select count(*)::int as count from entries`
        entries += count?.count ?? 0
        t.same(await empty.findings(), [])
        same = (await empty.checksum()) === (await engine.checksum())
      })
      return same
    }),
    { numRuns: 12 },
  )
  t.ok(entries > 50, `${entries} entries were compared`)
})
