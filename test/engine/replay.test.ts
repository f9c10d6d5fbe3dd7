/**
 * The command log alone rebuilds everything: replayed into an empty database, in its order, it arrives at
 * identical rows, ids and all. Sweeps are not in the log, since nobody asked for them: what they did the next
 * command does, so that after sweeps everything is the same but the ids and the times of writing. Erasing is
 * different by nature: it takes out of the log what told who somebody was, so no log can tell it again.
 */
import t from 'tap'
import type { Command as EngineCommand, Request } from '../../src/engine/command.ts'
import { newCommand } from '../../src/engine/command.ts'
import { runJob } from '../../src/jobs/run.ts'
import { type Engine, startEngine } from '../support/engine.ts'
import { jobDeps } from '../support/jobs.ts'
import { fc, PATIENCE, runs } from '../support/property.ts'
import * as sales from './model-sales.ts'
import { asked, type Command, keepIds, namesOf, newIds, type Step, stories } from './model-steps.ts'
import { EVERYTHING, ON_PURPOSE } from './model-stories.ts'
import { newWorld, type World } from './model-world.ts'

t.setTimeout(PATIENCE)

const RULES = `
program: shop
timeZone: Europe/Berlin
money: EUR
returns: negative
closing: keep
currencies:
  points: { value: 0.01 EUR, expires: 1 month, pending: 2 days }
  gems: { expires: 3 weeks without activity, pending: "until confirmed, cancel after 5 days" }
transactions:
  purchase: {}
  order: {}
  flight: { fields: { ticket: text }, claimWithin: 8 days, unique: [ticket] }
earn:
  - { id: base, on: [purchase, flight], award: 1 point per 1 EUR of net }
  - { id: gold, on: purchase, when: { tier: gold }, award: points = 0.5 * awarded(base) }
  - { id: gems, on: order, award: 1 gem per 1 EUR of net }
tiers:
  period: rolling 12 months
  ladder:
    - id: base
    - { id: gold, reach: { any: [{ spend: 150 EUR }, { gems: 60 }] } }
transfers:
  points: { fee: 10 % }
pools: { members: 3 }
`

/** Plays a story, one command after the other; what is refused is refused, and leaves nothing in the log. */
async function play(engine: Engine, steps: readonly Step[]): Promise<void> {
  const world = newWorld({ pendingDays: 2, returns: 'negative' })
  const ids = newIds()
  let number = 0
  const tell = async (command: Command) => {
    number += 1
    const label = `step-${number}`
    const names = namesOf(ids)
    const answer = await engine.refused(asked(command, { label, names, ids, world, at: instant }), label)
    if (!answer.startsWith(accepted)) return
    keepIds(ids, { command, label, reply: JSON.parse(answer.slice(accepted.length)) })
    note(world, command, label)
  }
  engine.at(instant(0))
  for (let member = 0; member < 3; member += 1) await tell({ do: 'enrol' })
  for (const step of steps) {
    if (step.do === 'wait') {
      world.day += step.days
      engine.at(instant(world.day))
      if (step.jobs) await sweep(engine)
    } else if (step.do !== 'again') {
      const all = step.do === 'one' ? [step.command] : step.commands
      for (const command of all) if (command.do !== 'erase') await tell(command)
    }
  }
}

const accepted = 'no refusal but '

function instant(day: number): string {
  return new Date(Date.UTC(2026, 2, 1 + day, 12)).toISOString()
}

/** Of which lines a sale is, for later steps to return. */
function note(world: World, command: Command, label: string): void {
  const what = command.do
  if (what === 'buy' || what === 'loose' || what === 'order' || what === 'fly')
    sales.buy(world, label, null, { lines: command.lines, daysAgo: command.daysAgo, currency: 'points' })
}

async function sweep(engine: Engine): Promise<void> {
  for (const job of ['release-holds', 'release-pending', 'expire', 'assess'] as const)
    await runJob(jobDeps(engine), { job, at: engine.now() })
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
async function readLog(engine: Engine): Promise<EngineCommand[]> {
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

/** Everything that members have, and every entry, but for ids of entries and when they were written. */
async function substance({ sql }: Engine): Promise<string> {
  const parts = await Promise.all([
    sql`select * from accounts order by member_id, currency`,
    sql`select * from lots where (available, pending, held, expired) <> (0, 0, 0, 0) order by member_id, lot_id`,
    sql`select * from redemptions order by redemption_id`,
    sql`select member_id, transaction_id, outcome, automatic, occurred_at, decided from confirmations order by 1, 2`,
    sql`select * from standings order by member_id, ladder`,
    sql`select * from counters where value <> 0 order by member_id, counter, day`,
    sql`select member_id, kind, occurred_at, transaction_id, redemption_id, currency, from_account, to_account, lot_id,
          sum(points) as points
        from entries join postings using (member_id, entry_id)
        group by 1, 2, 3, 4, 5, 6, 7, 8, 9 order by 1, 2, 3, 4, 5, 6, 7, 8, 9`,
    sql`select member_id, status, merged_into from members order by member_id`,
    sql`select pool_id, member_id from pool_members order by 1, 2`,
  ])
  return JSON.stringify(parts, (_key, one) => (typeof one === 'bigint' ? String(one) : one), 1)
}

function kindOf(step: Step): string[] {
  if (step.do !== 'one') return []
  const { do: what } = step.command
  return [what === 'buy' || what === 'fly' || what === 'loose' || what === 'order' ? 'earn' : what]
}

for (const jobs of [false, true]) {
  const name = jobs ? 'after sweeps, at the same balances and entries' : 'at identical rows'
  t.test(`the command log, replayed into an empty database, arrives ${name}`, async (t) => {
    const kinds = new Set<string>()
    await fc.assert(
      fc.asyncProperty(stories(20), async (story) => {
        const steps = story.map((step) => (step.do === 'wait' ? { ...step, jobs: jobs && step.jobs } : step))
        let same = false
        // a test of its own, so that its two databases are let go when it is over
        await t.test('one history', async (t) => {
          const engine = await startEngine(t, RULES)
          await play(engine, steps)
          const log = await readLog(engine)
          for (const { request } of log) kinds.add(request.kind)
          const empty = await startEngine(t, RULES)
          for (const command of log) await empty.lane.run(command)
          t.same(await empty.findings(), [])
          empty.at(engine.now().toISOString())
          if (jobs) for (const one of [engine, empty]) await sweep(one)
          const tell = (one: Engine) => (jobs ? substance(one) : one.checksum())
          const [before, after] = [await tell(engine), await tell(empty)]
          t.equal(after, before)
          same = after === before
        })
        return same
      }),
      { numRuns: runs(6) + ON_PURPOSE.length, examples: ON_PURPOSE.map((story) => [story]) },
    )
    t.strictSame([...kinds].sort(), [...new Set(EVERYTHING.flatMap(kindOf)), 'enrol'].sort(), 'all commands')
  })
}
