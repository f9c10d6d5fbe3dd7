/**
 * What experiments found orders the worklist: scores by the job, with experiments that the jobs made, as of a day
 * and of nothing after it. The numbers are reckoned anew in SQL from transactions and arms alone.
 */
import t, { type Test } from 'tap'
import { newId } from '../../src/base/ids.ts'
import { dayNumbered } from '../../src/base/time.ts'
import { publish } from '../../src/engine/publish.ts'
import type { JobName } from '../../src/jobs/job.ts'
import { runJob } from '../../src/jobs/run.ts'
import { readMember, readWorklist } from '../../src/retention/worklist.ts'
import { seeded } from '../support/buyers.ts'
import { type Engine, startEngine, uuidOf } from '../support/engine.ts'
import { jobDeps } from '../support/jobs.ts'

t.setTimeout(600_000)

const HEAD = `
program: shop
timeZone: UTC
money: EUR
currencies: { points: { value: 0.01 EUR } }
earn:
  - { id: base, on: purchase, award: 1 point per 1 EUR of net }
retention: { horizon: 28 days, margin: 50 % }
experiments: { holdout: 0 % }
`
const TEST = 'test: { members: 60, control: 50 %, looks: 1, measure: 2 weeks }'
const RULES = `${HEAD}campaigns:
  - { id: call, start: { flag: gone_quiet }, arms: [{ id: a, message: a }, { id: b, message: b }], ${TEST} }
  - { id: mail, start: { flag: buying_less }, arms: [{ id: note, message: note }], ${TEST} }
`

const DAY = 86_400_000
const FIRST = Date.parse('2026-03-04T00:00:00Z') / DAY
/** the day of the experiments; more than a year after the first sales, so that no season is unknown */
const ACTED = FIRST + 450
const at = (day: number, hour = 12) => new Date(day * DAY + hour * 3_600_000).toISOString()

async function job(engine: Engine, name: JobName, only = {}) {
  return runJob(jobDeps(engine), { job: name, at: engine.now(), only })
}

function sell(engine: Engine, memberId: string, day: number, amount: number) {
  const net = { amount: amount.toFixed(2), currency: 'EUR' }
  const lines = [{ lineId: '1', quantity: 1, net }]
  const body = { externalRef: newId(), type: 'purchase', memberId, occurredAt: at(day), lines }
  return engine.run({ kind: 'earn', body }, body.externalRef)
}

/** As a night's run would have flagged them. */
async function flag(engine: Engine, memberId: string, kind: string): Promise<void> {
  await engine.sql`
    insert into retention_scores (member_id, program, run_id, as_of, state, since, flag, flagged_since, p_silent,
      p_decline, expected_purchases, expected_value, lifetime_value, at_stake, priority, recency, frequency,
      monetary, reasons)
    values (${memberId}, 'shop', ${newId()}, ${dayNumbered(ACTED - 1)}, 'gone quiet', ${dayNumbered(ACTED - 1)}, ${kind},
      ${dayNumbered(ACTED - 1)}, 0.8, 0.8, 1, 20, 50, 10, 8, 1, 1, 1, '[]')`
}

/**
 * Sixty for each campaign, every other one treated; who is called spends twice as much, who gets mail does not. The
 * arms are dealt by hand, so that the figures are the same each time; the job begins the experiments around them.
 */
async function experiments(engine: Engine): Promise<void> {
  const random = seeded(5)
  engine.at(at(ACTED))
  const arms = await Promise.all(
    ['gone_quiet', 'buying_less'].flatMap((kind) =>
      Array.from({ length: 60 }, async (_, i) => {
        const id = await engine.enrol(`${kind}-${i}`)
        await flag(engine, id, kind)
        const experiment = kind === 'gone_quiet' ? 'call' : 'mail'
        const treated = kind === 'gone_quiet' ? (i % 4 === 1 ? 'a' : 'b') : 'note'
        const arm = i % 2 === 0 ? 'control' : treated
        const dealt = [{ experiment, arm, phase: 'test' as const }]
        const body = { externalRef: newId(), arms: dealt, treatment: null }
        await engine.run({ kind: 'treat', memberId: id, body }, body.externalRef)
        return { id, experiment, arm }
      }),
    ),
  )
  await job(engine, 'campaigns')
  const begun = await engine.sql<{ many: number }[]>`select count(*)::int as many from experiments`
  t.equal(begun[0]?.many, 2)
  engine.at(at(ACTED + 40))
  const sales = arms.flatMap(({ id, experiment, arm }, i) => {
    const doubles = experiment === 'call' && arm !== 'control'
    return daysOf({ from: 300 + (i % 12), to: 480, gap: () => 9 + Math.floor(6 * random()) }).map((day) => {
      // Only what lies in the measured days counts: neither the day itself nor those after them.
      const isMeasured = day > ACTED && day <= ACTED + 14
      const amount = (20 + 10 * random()) * (isMeasured ? (doubles ? 2 : 1) : doubles ? 1 : 3)
      return sell(engine, id, day, amount)
    })
  })
  await Promise.all(sales)
}

/** From one day to another, both counted from the first one, with gaps that depend on the day. */
function daysOf(of: { from: number; to: number; gap(day: number): number }): number[] {
  const days: number[] = []
  for (let day = of.from; day < of.to; day += of.gap(day)) days.push(FIRST + day)
  return days
}

/** Members of all sorts: some stop, some buy less, most go on. */
async function others(engine: Engine): Promise<void> {
  const random = seeded(8)
  const ids = await Promise.all(Array.from({ length: 60 }, (_, i) => engine.enrol(`other-${i}`)))
  const sales = ids.flatMap((id, i) => {
    const amount = 10 + 60 * random()
    const stops = i % 4 === 0 ? 380 + Math.floor(55 * random()) : 480
    const slows = i % 4 === 1 ? 340 + Math.floor(40 * random()) : 480
    // Those who stop came less often, so that less is at stake and the two flags mix in the list.
    const usual = i % 4 === 0 ? 8 : 5
    const gap = (day: number) => usual + Math.floor(3 * random()) + (day >= slows ? 22 : 0)
    return daysOf({ from: 90 + (i % 6), to: stops, gap }).map((day) => sell(engine, id, day, amount))
  })
  await Promise.all(sales)
}

interface Stored {
  readonly memberId: string
  readonly flag: string | null
  readonly uplift: number
  readonly priority: number
  readonly decline: number
  readonly stake: number
}

async function stored({ sql }: Engine): Promise<Stored[]> {
  return [
    ...(await sql<Stored[]>`
      select member_id as "memberId", flag, uplift, priority, p_decline as decline, at_stake::float8 as stake
      from retention_scores order by member_id`),
  ]
}

/** The formula again, from what was sold and who is in which arm. */
async function upliftInSql({ sql }: Engine, experiment: string): Promise<number> {
  const [row] = await sql<{ uplift: number }[]>`
    with each as (
      select a.arm <> 'control' as treated,
        (select coalesce(sum((line -> 'net' ->> 'amount')::numeric), 0) from transactions x
         cross join lateral json_array_elements(x.request -> 'lines') as line
         where x.member_id = a.member_id and x.occurred_at >= ${at(ACTED + 1, 0)}
           and x.occurred_at < ${at(ACTED + 15, 0)}) as spend
      from experiment_arms a where a.experiment = ${experiment}),
    groups as (
      select treated, avg(spend)::float8 as mean, (var_samp(spend) / count(*))::float8 as error
      from each group by treated),
    trial as (
      select ln(t.mean / c.mean) as log, t.error / t.mean ^ 2 + c.error / c.mean ^ 2 as variance
      from groups t, groups c where t.treated and not c.treated)
    select exp(log / variance / (1 / variance + 1 / 0.2 ^ 2)) as uplift from trial`
  return row!.uplift
}

function near(t: Test, found: number, expected: number, what: string): void {
  t.ok(Math.abs(found - expected) <= 1e-9 * Math.abs(expected), `${what}: ${found}, ${expected}`)
}

t.test('members move up whose flag a campaign has helped', async (t) => {
  const engine = await startEngine(t, RULES)
  await experiments(engine)
  await others(engine)

  // All of it is there, but on the thirteenth day nobody's fourteen are over.
  await job(engine, 'score', { asOf: ACTED + 13 })
  const before = await stored(engine)
  t.ok(before.length >= 180)
  t.ok(before.every(({ uplift }) => uplift === 1))

  await job(engine, 'score', { asOf: ACTED + 14 })
  const rows = await stored(engine)
  const [call, mail] = [await upliftInSql(engine, 'call'), await upliftInSql(engine, 'mail')]
  t.comment(`call ${call}, mail ${mail}`)
  t.ok(call > 1.3 && call < 2, 'twice as much, and not wholly believed')
  t.ok(mail > 0.8 && mail < 1.2)
  const seen = { gone_quiet: 0, buying_less: 0, none: 0 }
  for (const { flag, uplift, priority, decline, stake } of rows) {
    seen[(flag ?? 'none') as keyof typeof seen] += 1
    near(t, uplift, flag === 'gone_quiet' ? call : flag === 'buying_less' ? mail : 1, `uplift of ${flag}`)
    // What is at stake is stored in whole cents.
    t.ok(Math.abs(priority - decline * stake * uplift) <= 0.0051 * uplift, `${priority}`)
  }
  t.comment(JSON.stringify(seen))
  t.ok(seen.gone_quiet >= 5 && seen.buying_less >= 5 && seen.none >= 5, JSON.stringify(seen))

  await t.test('the worklist is in that order', async (t) => {
    const { retention, money, segments } = engine.programs.at('shop', engine.now())
    const terms = { program: 'shop', retention: retention!, money, segments, at: engine.now() }
    const asked = { state: null, segment: null, capacity: null, limit: 200, cursor: null }
    const { items, uplifts } = await readWorklist(engine.sql, terms, asked)
    t.match(uplifts, {
      gone_quiet: { trials: 1, treated: 30, control: 30 },
      buying_less: { trials: 1, treated: 30, control: 30 },
    })
    near(t, uplifts!.gone_quiet.uplift, call, 'beside the list as it made the list')
    t.ok(uplifts!.gone_quiet.low < call && call < uplifts!.gone_quiet.high)
    const one = items.find(({ flag }) => flag === 'gone_quiet')!
    t.same((await readMember(engine.sql, terms, uuidOf(one.memberId)))?.uplift, uplifts!.gone_quiet)
    const order = items.map(({ priority }) => priority)
    t.same(
      order,
      [...order].sort((a, b) => b - a),
    )
    const plain = [...items].sort((a, b) => b.priority / b.uplift - a.priority / a.uplift)
    const moved = items.map((item, place) => ({ flag: item.flag, by: plain.indexOf(item) - place }))
    t.ok(moved.some(({ by }) => by > 0))
    t.ok(
      moved.every(({ flag, by }) => (flag === 'gone_quiet' ? by >= 0 : by <= 0)),
      'who has gone quiet goes up, the others make room',
    )
  })

  await t.test('again for the same day, and without the campaigns in the files: the same', async (t) => {
    await publish(engine.sql, { files: new Map([['program.yaml', HEAD]]), by: 'test', now: engine.now() })
    await job(engine, 'score', { asOf: ACTED + 14 })
    t.same(await stored(engine), rows)
  })
})
