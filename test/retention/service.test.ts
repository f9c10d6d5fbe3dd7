/**
 * Scores in the service: the numbers of the door for files over the same purchases, flags that are raised and
 * cleared once, and nothing that was posted for a later day.
 */
import t from 'tap'
import { dayNumbered } from '../../src/base/time.ts'
import { publish } from '../../src/engine/publish.ts'
import { runJob } from '../../src/jobs/run.ts'
import { stateAt } from '../../src/retention/cuts.ts'
import { learn } from '../../src/retention/learn.ts'
import { PurchaseCollector } from '../../src/retention/purchases.ts'
import { createScorer, scoreAll } from '../../src/retention/score.ts'
import { readMember, readSummary, readWorklist, type Terms } from '../../src/retention/worklist.ts'
import { seeded } from '../support/buyers.ts'
import { type Engine, startEngine, uuidOf } from '../support/engine.ts'
import { jobDeps } from '../support/jobs.ts'

t.setTimeout(600_000)

const RULES = `
program: shop
timeZone: UTC
money: EUR
currencies:
  points: { value: 0.01 EUR }
earn:
  - { id: base, on: purchase, award: 1 point per 1 EUR of net }
  - { id: come-back, on: flagRaised, when: { reason: gone_quiet }, award: 50 points }
`
const KEEPING = `${RULES}retention: { horizon: 60 days, margin: 50 % }\n`

const FIRST = Date.parse('2025-01-01T12:00:00Z') / 86_400_000 - 0.5
const AS_OF = FIRST + 400
const at = (day: number, hour = 12) => new Date((day * 24 + hour) * 3_600_000).toISOString()

const MEMBERS = 80

interface Sale {
  readonly member: number
  readonly day: number
  readonly cents: number
}

/** Members who buy about once a week; every fourth one stops at some time of the last months. */
function sales(members: number): Sale[] {
  const random = seeded(7)
  const found: Sale[] = []
  for (let member = 0; member < members; member++) {
    const stops = member % 4 === 0 ? 280 + Math.floor(random() * 70) : 400
    for (let day = Math.floor(random() * 60); day <= stops; day += 1 + Math.floor(random() * 24))
      found.push({ member, day: FIRST + day, cents: 500 + Math.floor(random() * 4_000) })
  }
  return found
}

function sell(engine: Engine, memberId: string, { day, cents }: Omit<Sale, 'member'>) {
  const net = { amount: (cents / 100).toFixed(2), currency: 'EUR' }
  const lines = [{ lineId: '1', category: 'tea', quantity: 1, net }]
  const body = { externalRef: 's', type: 'purchase', memberId, occurredAt: at(day), lines }
  return engine.run({ kind: 'earn', body })
}

function score(engine: Engine, asOf: number) {
  return runJob(jobDeps(engine), { job: 'score', at: engine.now(), only: { asOf } })
}

function terms(engine: Engine): Terms {
  const { retention, money, segments } = engine.programs.at('shop', engine.now())
  t.ok(retention)
  return { program: 'shop', retention: retention!, money, segments, at: engine.now() }
}

const everything = { state: null, segment: null, capacity: null, limit: 200, cursor: null }

async function scores({ sql }: Engine): Promise<Record<string, unknown>[]> {
  return [
    ...(await sql<Record<string, unknown>[]>`
    select member_id, as_of, state, since, flag, p_silent, p_decline, p_alive, expected_purchases, expected_value,
      lifetime_value, at_stake, priority, dispersion, recency, frequency, monetary, reasons::text as reasons
    from retention_scores order by member_id`),
  ]
}

t.test('what the service says is what the file says, twice the same, and told once', async (t) => {
  const engine = await startEngine(t, KEEPING)
  engine.at(at(AS_OF + 1, 4))
  const all = sales(MEMBERS)
  const members = await Promise.all(Array.from({ length: MEMBERS }, (_, i) => engine.enrol(`card-${i}`)))
  await Promise.all(all.map((sale) => sell(engine, members[sale.member]!, sale)))

  const report = await score(engine, AS_OF)
  t.match(report, { ran: true, members: MEMBERS, failed: 0 })

  const collector = new PurchaseCollector(AS_OF)
  for (const { member, day, cents } of all) collector.add({ memberId: members[member]!, day, cents })
  const purchases = collector.finish()
  const learnt = learn(purchases, { asOf: AS_OF, horizonDays: 60 })
  const state = (place: number) => stateAt(purchases, place, AS_OF)!
  const expected = scoreAll({ count: purchases.memberIds.length, state }, learnt)
  const scorer = createScorer(learnt, purchases.memberIds.length)
  const stored = await scores(engine)
  let flagged = 0
  for (const [place, memberId] of purchases.memberIds.entries()) {
    const row = stored[place]!
    const flag = expected.flags[place] ?? null
    const words = scorer.words(state(place), flag)
    if (flag) flagged += 1
    t.match(row, {
      member_id: memberId,
      p_silent: expected.silent[place],
      p_decline: expected.decline[place],
      expected_purchases: expected.purchases[place],
      expected_value: (expected.value[place]! / 100).toFixed(2),
      flag,
      state: words.phase,
      since: dayNumbered(words.since),
    })
  }
  t.ok(flagged >= 5 && flagged < 60, `${flagged} are flagged: those who stopped`)

  // The flags are told of once: in the outbox, to the rules, and in their history.
  const counts = async () => {
    const [row] = await engine.sql<{ events: number; flags: number; given: number }[]>`
      select (select count(*)::int from outbox where type = 'retention.flag_raised') as events,
        (select count(*)::int from retention_flags) as flags,
        (select count(*)::int from transactions where type = 'flagRaised') as given`
    return row
  }
  const told = { events: flagged, flags: flagged }
  t.match(await counts(), told)
  t.ok(((await counts())?.given ?? 0) > 0, 'rules gave something')
  t.match(await score(engine, AS_OF), { programs: [{ raised: 0, cleared: 0 }] })
  t.strictSame(await scores(engine), stored)
  t.match(await counts(), told)

  // What is posted for later days changes nothing, nor does that the rows know of it.
  for (const memberId of members.slice(0, 40)) await sell(engine, memberId, { day: AS_OF + 1, cents: 9_900 })
  t.match(await score(engine, AS_OF), { programs: [{ raised: 0, cleared: 0 }] })
  const plain = (rows: Record<string, unknown>[]) => rows.map(({ reasons, ...row }) => row)
  t.strictSame(plain(await scores(engine)), plain(stored))

  await t.test('the worklist is in order, cut by capacity, page by page', async (t) => {
    const whole = await readWorklist(engine.sql, terms(engine), everything)
    t.equal(whole.items.length, flagged)
    t.equal(whole.flagged, flagged)
    const order = whole.items.map(({ priority }) => priority)
    t.strictSame(
      order,
      [...order].sort((a, b) => b - a),
    )
    for (const { pDecline, atStake, priority } of whole.items)
      t.ok(Math.abs(pDecline * Number(atStake?.amount) - priority) < 0.01 * priority + 0.01)
    const first = await readWorklist(engine.sql, terms(engine), { ...everything, limit: 3, capacity: 4 })
    const { nextCursor } = first
    const next = await readWorklist(engine.sql, terms(engine), {
      ...everything,
      limit: 3,
      capacity: 4,
      cursor: nextCursor,
    })
    t.strictSame([...first.items, ...next.items], whole.items.slice(0, 4))
    t.equal(next.nextCursor, null)
    await t.rejects(readWorklist(engine.sql, terms(engine), { ...everything, cursor: 'x' }), {
      code: 'invalid_cursor',
    })
    t.match(await readSummary(engine.sql, terms(engine)), { members: MEMBERS, model: String })
  })

  await t.test('numbers in a sentence are those stored beside it', async (t) => {
    for (const row of stored) {
      for (const { text, facts } of JSON.parse(String(row.reasons))) {
        const known = Object.values(facts as Record<string, unknown>).map(String)
        for (const [number] of String(text).matchAll(/\d+(\.\d+)?/g))
          t.ok(known.includes(number), `${number} of ${text}`)
        t.notMatch(text, /alive/i)
      }
    }
  })

  await t.test('a member who comes back is cleared, and the flag was false', async (t) => {
    const [worst] = (await readWorklist(engine.sql, terms(engine), everything)).items
    const memberId = uuidOf(worst?.memberId)
    t.match(await readMember(engine.sql, terms(engine), memberId), {
      because: null,
      score: { flag: worst?.flag },
      flags: [{ kind: worst?.flag, clearedOn: null, outcome: null }],
    })
    engine.at(at(AS_OF + 9, 4))
    for (let day = 2; day <= 8; day += 2) await sell(engine, memberId, { day: AS_OF + day, cents: 2_000 })
    const later = await score(engine, AS_OF + 8)
    t.match(later, { ran: true, failed: 0 })
    const after = await readMember(engine.sql, terms(engine), memberId)
    t.match(after, { score: { flag: null }, flags: [{ clearedOn: dayNumbered(AS_OF + 8) }] })
    if (worst?.flag === 'gone_quiet') t.match(after, { flags: [{ outcome: 'false' }] })
    const [event] = await engine.sql`
      select payload from outbox where member_id = ${memberId} and type = 'retention.flag_cleared'`
    t.ok(event)
  })

  await t.test('two at once: the second is told so', async (t) => {
    const both = await Promise.all([score(engine, AS_OF + 8), score(engine, AS_OF + 8)])
    t.strictSame(both.map(({ ran }) => ran).sort(), [false, true])
  })
})

t.test('a program that gets its section later knows its past; without it nothing is kept', async (t) => {
  const engine = await startEngine(t, RULES)
  const [ann, bob] = [await engine.enrol('ann'), await engine.enrol('bob')]
  engine.at(at(FIRST + 40))
  for (const day of [1, 11, 21]) await sell(engine, ann, { day: FIRST + day, cents: 1_000 })
  const rows = () => engine.sql`
    select member_id, purchase_days, cents::int, rebuild from retention_states order by member_id`
  t.equal((await rows()).length, 0)
  t.match(await score(engine, FIRST + 39), { members: 0, programs: [] })

  await publish(engine.sql, { files: new Map([['program.yaml', KEEPING]]), by: 'test', now: engine.now() })
  engine.at(at(FIRST + 41))
  await sell(engine, ann, { day: FIRST + 31, cents: 500 })
  t.match(await rows(), [{ member_id: ann, purchase_days: 1, rebuild: true }])
  t.match(await score(engine, FIRST + 40), { programs: [{ members: 1, raised: 0 }] })
  t.match(await rows(), [
    { member_id: ann, purchase_days: 4, cents: 3_500, rebuild: false },
    { member_id: bob, purchase_days: 0, rebuild: false },
  ])
  await engine.programs.refresh()
  t.match(await readMember(engine.sql, terms(engine), ann), {
    score: { flag: null },
    kept: { purchaseDays: 4 },
  })
  t.match(await readMember(engine.sql, terms(engine), bob), { score: null, because: 'no purchase yet' })

  await publish(engine.sql, { files: new Map([['program.yaml', RULES]]), by: 'test', now: engine.now() })
  engine.at(at(FIRST + 42))
  const dropped = await runJob(jobDeps(engine), { job: 'rebuild', at: engine.now() })
  t.match(dropped, { dropped: 2 })
  t.equal((await rows()).length, 0)
})

t.test(
  'programs that are too small or too young are scored all the same, and nobody is flagged',
  async (t) => {
    const rowsOf = [
      ['nobody', []],
      ['one purchase', [[3]]],
      ['all alike', Array.from({ length: 30 }, () => [1, 3, 5, 7])],
      ['every day for a year', [Array.from({ length: 370 }, (_, day) => day - 363)]],
    ] as const
    for (const [what, members] of rowsOf) {
      const engine = await startEngine(t, KEEPING)
      engine.at(at(FIRST + 8))
      for (const [index, days] of members.entries()) {
        const id = await engine.enrol(`m${index}`)
        await Promise.all(days.map((day) => sell(engine, id, { day: FIRST + day, cents: 100 })))
      }
      t.match(await score(engine, FIRST + 7), { ran: true, members: members.length, failed: 0 }, what)
      for (const row of await scores(engine)) {
        t.equal(row.flag, null, what)
        for (const name of ['p_silent', 'p_decline', 'expected_purchases', 'priority'])
          t.ok(Number.isFinite(row[name]), `${what}: ${name}`)
      }
    }
  },
)
