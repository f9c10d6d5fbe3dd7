/** Segments, campaigns and experiments as the jobs run them, on a real database, at virtual times. */
import t from 'tap'
import { newId } from '../../src/base/ids.ts'
import { publish } from '../../src/engine/publish.ts'
import type { JobName, JobReport } from '../../src/jobs/job.ts'
import { runJob } from '../../src/jobs/run.ts'
import { endTest } from '../../src/retention/decide.ts'
import { merging } from '../engine/household.ts'
import { type Engine, startEngine } from '../support/engine.ts'
import { jobDeps } from '../support/jobs.ts'
import { until } from '../support/until.ts'

t.setTimeout(600_000)

const RULES = `
program: shop
timeZone: Europe/Berlin
money: EUR
currencies:
  points: { value: 0.01 EUR }
members: { segments: [families], attributes: { city?: text } }
promotions:
  - { id: spring, from: 2026-01-01, through: 2027-12-31 }
retention:
earn:
  - { id: base, on: purchase, award: 1 point per 1 EUR of net }
  - { id: hello, on: segmentEntered, when: { entered: sleepy }, award: 7 points }
segments:
  - { id: sleepy, when: { state: gone quiet, daysSince: { atLeast: 30 } } }
  - { id: best, top: 20 % by spend }
  - { id: kiel, when: { member.city: Kiel } }
  - { id: rich, when: { points: { atLeast: 100 } } }
campaigns:
  - id: come-back
    start: { flag: gone_quiet }
    when: { pDecline: { atLeast: 0.5 } }
    arms:
      - { id: bonus, award: 500 points, message: come-back, promotion: spring, cost: 0.50 EUR }
    control: 20 %
    test: { members: 60, control: 50 %, looks: 2, measure: 2 weeks, error: 10 % }
    quiet: 30 days
    consents: [marketing]
experiments: { holdout: 5 % }
`

async function job(engine: Engine, name: JobName): Promise<JobReport & { counts: Record<string, number> }> {
  return (await runJob(jobDeps(engine), { job: name, at: engine.now() })) as never
}

async function enrol(engine: Engine, card: string, more: object = {}): Promise<string> {
  const identifiers = [{ kind: 'card', value: card }]
  const enrolledAt = '2026-01-01T00:00:00Z'
  const body = { externalRef: card, identifiers, enrolledAt, consents: { marketing: true }, ...more }
  const { memberId } = await engine.run({ kind: 'enrol', body }, `enrol-${card}`)
  const hex = String(memberId).slice(4)
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

function buy(engine: Engine, memberId: string, amount: number, day: string) {
  const net = { amount: amount.toFixed(2), currency: 'EUR' }
  const lines = [{ lineId: '1', quantity: 1, net }]
  const body = { externalRef: newId(), type: 'purchase', memberId, occurredAt: `${day}T10:00:00Z`, lines }
  return engine.run({ kind: 'earn', body }, body.externalRef)
}

/** A score as the night's run would write it. */
async function score(engine: Engine, memberId: string, state: string, flag: string | null, pDecline = 0.8) {
  await engine.sql`
    insert into retention_scores (member_id, program, run_id, as_of, state, since, flag, flagged_since, p_silent,
      p_decline, expected_purchases, expected_value, lifetime_value, at_stake, priority, recency, frequency,
      monetary, reasons)
    values (${memberId}, 'shop', ${newId()}, '2026-03-02', ${state}, '2026-02-01', ${flag},
      ${flag && '2026-03-01'}, 0.5, ${pDecline}, 2, 20, 50, 10, ${pDecline * 10}, 1, 1, 1, '[]')`
}

async function segmentsOf(engine: Engine, memberId: string): Promise<string[]> {
  const rows = await engine.sql<{ name: string }[]>`
    select name from member_marks where member_id = ${memberId} and kind = 'segment' and until is null order by name`
  return rows.map(({ name }) => name)
}

t.test('segments follow from facts, and entering and leaving are told of', async (t) => {
  const engine = await startEngine(t, RULES)
  engine.at('2026-03-03T10:00:00Z')
  const members: string[] = []
  for (let i = 0; i < 10; i++) {
    const member = await enrol(engine, `c${i}`, i === 0 ? { attributes: { city: 'Kiel' } } : {})
    await buy(engine, member, 10 * (i + 1), '2026-01-10')
    members.push(member)
  }
  await score(engine, members[0]!, 'gone quiet', null)
  const byHand = { externalRef: 'x', segment: 'families', member: true }
  await engine.run({ kind: 'change_segment', memberId: members[0]!, body: byHand })
  const refused = { externalRef: 'x', segment: 'kiel', member: true }
  t.equal(
    await engine.refused({ kind: 'change_segment', memberId: members[1]!, body: refused }),
    'unknown_fact',
  )

  const first = await job(engine, 'segments')
  t.match(first, { counts: { members: 10, entered: 5, left: 0 }, failed: 0 })
  t.strictSame(await segmentsOf(engine, members[0]!), ['families', 'kiel', 'sleepy'])
  t.strictSame(await segmentsOf(engine, members[8]!), ['best'])
  t.strictSame(await segmentsOf(engine, members[9]!), ['best', 'rich'])
  t.match(await job(engine, 'segments'), { counts: { members: 10, entered: 0, left: 0 } }, 'once is enough')
  const [hello] = await engine.sql<{ available: bigint }[]>`
    select available from accounts where member_id = ${members[0]!}`
  t.equal(hello?.available, 17n, 'ten points of the purchase, seven for entering')

  await engine.sql`update retention_scores set state = 'won back' where member_id = ${members[0]!}`
  t.match(await job(engine, 'segments'), { counts: { entered: 0, left: 1 } })
  t.strictSame(await segmentsOf(engine, members[0]!), ['families', 'kiel'])
  const told = await engine.sql<{ type: string; segment: string }[]>`
    select type, payload ->> 'segment' as segment from outbox
    where member_id = ${members[0]!} and type like 'segment.%' order by sequence`
  t.strictSame(
    told.map(({ type, segment }) => `${type} ${segment}`),
    ['segment.entered families', 'segment.entered sleepy', 'segment.entered kiel', 'segment.left sleepy'],
  )
  t.strictSame(await engine.findings(), [])
})

interface Arm {
  readonly memberId: string
  readonly arm: string
}

function armsOf(engine: Engine, experiment: string): Promise<Arm[]> {
  return engine.sql<Arm[]>`
    select member_id as "memberId", arm from experiment_arms where experiment = ${experiment} order by member_id`
}

async function suppressed(engine: Engine): Promise<Record<string, number>> {
  const rows = await engine.sql<{ reason: string; many: number }[]>`
    select reason, count(*)::int as many from suppressions group by reason order by reason`
  return Object.fromEntries(rows.map(({ reason, many }) => [reason, many]))
}

t.test('a small test first; what pays is rolled out by itself', async (t) => {
  const engine = await startEngine(t, RULES)
  engine.at('2026-03-03T10:00:00Z')
  const members: string[] = []
  for (let i = 0; i < 90; i++) {
    const consents = { marketing: i !== 0 }
    const member = await enrol(engine, `c${i}`, { consents })
    await buy(engine, member, 20, '2026-01-10')
    await score(engine, member, 'gone quiet', 'gone_quiet', i === 1 ? 0.4 : 0.8)
    members.push(member)
  }
  const first = await job(engine, 'campaigns')
  const arms = await armsOf(engine, 'come-back')
  t.equal(arms.length, 60, 'the test is full')
  t.equal(first.counts.treated! + first.counts.control!, 60)
  const reasons = await suppressed(engine)
  const holdout = (await armsOf(engine, 'holdout')).filter(({ arm }) => arm === 'holdout').length
  t.match(reasons, { no_consent: 1 }, 'who gave no consent is left alone, and it is written down')
  t.equal(reasons.holdout ?? 0, holdout)
  t.equal(reasons.test_full, 90 - 60 - 1 - 1 - holdout, 'all others wait for what comes out')
  t.notOk(
    arms.some(({ memberId }) => memberId === members[1]),
    'the condition leaves one out without a word',
  )

  const treated = arms.filter(({ arm }) => arm === 'bonus').map(({ memberId }) => memberId)
  const messages = await engine.sql<{ memberId: string; payload: Record<string, never> }[]>`
    select member_id as "memberId", payload from outbox where type = 'campaign.message' order by member_id`
  t.strictSame(
    messages.map(({ memberId }) => memberId),
    treated,
  )
  t.match(messages[0]?.payload, {
    campaign: 'come-back',
    arm: 'bonus',
    template: 'come-back',
    facts: { state: 'gone quiet', points: 20 },
    awards: [{ currency: 'points', points: 500 }],
  })
  const [cost] = await engine.sql`select cost::text, points_value::text from treatments limit 1`
  t.match(cost, { cost: '0.5', points_value: '5' }, 'five hundred points are five euros')

  const again = await job(engine, 'campaigns')
  t.match(again, { counts: { treated: 0, control: 0 }, failed: 0 })
  t.strictSame(await armsOf(engine, 'come-back'), arms, 'arms never change')

  // Whoever was treated comes back with a large basket; of the others every third with a small one.
  t.match(await job(engine, 'experiments'), { counts: { looks: 0 } }, 'too early to look')
  engine.at('2026-03-18T10:00:00Z')
  for (const [index, { memberId, arm }] of arms.entries()) {
    if (arm === 'bonus') await buy(engine, memberId, 80 + (index % 7), '2026-03-10')
    else if (index % 3 === 0) await buy(engine, memberId, 10, '2026-03-10')
  }
  const looked = await job(engine, 'experiments')
  t.match(looked, { counts: { looks: 1, rolledOut: 1 }, failed: 0 })
  const [look] = await engine.sql<{ arms: { arm: string; netDifference: { difference: number } }[] }[]>`
    select arms from experiment_looks`
  const bonus = look?.arms.find(({ arm }) => arm === 'bonus')
  // 0.3 x some 83 - 0.83 for its points - 0.50 - 5.00, against some 1 of the control.
  t.ok(bonus && bonus.netDifference.difference > 15 && bonus.netDifference.difference < 20)
  t.match(await job(engine, 'experiments'), { counts: { looks: 0 } }, 'decided is decided')

  const rolled = await job(engine, 'campaigns')
  t.equal(rolled.counts.treated! + rolled.counts.control!, reasons.test_full)
  t.ok(rolled.counts.treated! > rolled.counts.control!, 'the control shrinks to a fifth')
  t.strictSame(await engine.findings(), [])
})

t.test('events start a campaign, each once, and quiet time keeps others away', async (t) => {
  const rules = RULES.replace('start: { flag: gone_quiet }', 'start: { event: segment.entered }')
    .replace('    when: { pDecline: { atLeast: 0.5 } }\n', '')
    .replace('control: 50 %', 'control: 5 %')
    .replace('holdout: 5 %', 'holdout: 0 %')
  const second = `  - { id: also, start: { segment: kiel }, arms: [{ id: note, message: note }], quiet: 30 days }\n`
  const engine = await startEngine(t, rules.replace('experiments:', `${second}experiments:`))
  engine.at('2026-03-03T10:00:00Z')
  // What somebody else of the server is writing holds the place back that the campaign begins at.
  const other = await engine.sql.reserve()
  await other`begin`
  await other`select pg_current_xact_id()`
  const early = await enrol(engine, 'early', { attributes: { city: 'Kiel' } })
  await job(engine, 'segments')
  engine.at('2026-03-03T10:01:00Z')
  t.match(
    await job(engine, 'campaigns'),
    { counts: { candidates: 1 } },
    'only the segment starts anything yet',
  )
  await other`commit`
  other.release()
  const late: string[] = []
  for (let i = 0; i < 12; i++) late.push(await enrol(engine, `l${i}`, { attributes: { city: 'Kiel' } }))
  await job(engine, 'segments')
  // Other databases of the server may be writing: events show once they are done.
  let treated = 0
  await until('the events are there', async () => {
    const { counts } = await job(engine, 'campaigns')
    treated += counts.treated!
    return (await armsOf(engine, 'come-back')).length === 12
  })
  t.strictSame(
    (await armsOf(engine, 'come-back')).map(({ memberId }) => memberId),
    [...late].sort(),
    'who entered before the campaign began is history',
  )
  t.ok(treated > 0)
  const also = await armsOf(engine, 'also')
  const quiet = await engine.sql<{ id: string }[]>`
    select member_id as id from suppressions where campaign = 'also' and reason = 'quiet_time' order by member_id`
  const by = await engine.sql<{ id: string }[]>`
    select member_id as id from treatments where campaign = 'come-back' and member_id <> ${early} order by member_id`
  t.strictSame(
    quiet.map(({ id }) => id),
    by.map(({ id }) => id),
    'whoever was treated an instant ago is left in peace by the other campaign',
  )
  t.notOk(also.some(({ memberId }) => by.some(({ id }) => id === memberId)))
})

t.test('a test that is ended by hand: rolled out, stopped, rolled out again', async (t) => {
  const engine = await startEngine(t, RULES.replace('members: 60', 'members: 20'))
  engine.at('2026-03-03T10:00:00Z')
  const flagged = async (from: number, to: number) => {
    for (let i = from; i < to; i++)
      await score(engine, await enrol(engine, `c${i}`), 'gone quiet', 'gone_quiet')
  }
  await flagged(0, 40)
  await job(engine, 'campaigns')
  const tested = await armsOf(engine, 'come-back')
  t.equal(tested.length, 20)
  const program = engine.programs.at('shop', engine.now())
  const decision = { experiment: 'come-back', by: 'desk', at: engine.now() }
  const decide = (rollOut: string | null, more: object = {}) =>
    endTest(engine.sql, program, { ...decision, rollOut, ...more })
  await t.rejects(decide('letter'), { code: 'arm_not_found', details: { arms: ['bonus'] } })
  await t.rejects(decide('bonus', { experiment: 'nonesuch' }), { code: 'experiment_not_found' })

  t.match(await decide('bonus'), { state: 'rolled_out', winner: 'bonus', decidedBy: 'desk' })
  t.match(await decide('bonus', { by: 'another' }), { decidedBy: 'desk' }, 'the same again changes nothing')
  const rolled = await job(engine, 'campaigns')
  const after = await armsOf(engine, 'come-back')
  const kept = after.filter(({ memberId }) => tested.some((one) => one.memberId === memberId))
  t.strictSame(kept, [...tested], 'arms of the test stay')
  t.equal(after.length - tested.length, rolled.counts.treated! + rolled.counts.control!)
  t.ok(rolled.counts.treated! > 0)
  await t.rejects(
    engine.sql`update experiment_arms set arm = 'control' where member_id = ${tested[0]!.memberId}`,
    { message: 'experiment_arms is append-only' },
    'the database itself refuses another arm',
  )

  t.match(await decide(null), { state: 'stopped', winner: null, decidedBy: 'desk' })
  await flagged(40, 50)
  t.match(await job(engine, 'campaigns'), { counts: { treated: 0, control: 0, candidates: 0 } })
  engine.at('2026-09-30T10:00:00Z')
  t.match(await job(engine, 'experiments'), { counts: { looks: 0 } }, 'decided is decided')
  t.strictSame(await armsOf(engine, 'come-back'), after)

  t.match(await decide('bonus'), { state: 'rolled_out', winner: 'bonus' }, 'and it may be taken up again')
  const again = await job(engine, 'campaigns')
  t.ok(again.counts.treated! + again.counts.control! > 0)
  t.strictSame(await engine.findings(), [])
})

t.test('two processes at once assign everybody once', async (t) => {
  const engine = await startEngine(t, RULES)
  engine.at('2026-03-03T10:00:00Z')
  for (let i = 0; i < 20; i++) await score(engine, await enrol(engine, `c${i}`), 'gone quiet', 'gone_quiet')
  const both = await Promise.all([job(engine, 'campaigns'), job(engine, 'campaigns')])
  const arms = await armsOf(engine, 'come-back')
  const holdout = (await armsOf(engine, 'holdout')).filter(({ arm }) => arm === 'holdout')
  t.equal(arms.length + holdout.length, 20)
  const treated = await engine.sql`select count(*)::int as many from treatments`
  t.equal(treated[0]?.many, arms.filter(({ arm }) => arm === 'bonus').length)
  t.ok(both.some((report) => report.ran))
})

const BUDGET = RULES.replace('start: { flag: gone_quiet }', 'start: { flag: gone_quiet }\n    budget: 40 EUR')
  .replace('control: 50 %', 'control: 5 %')
  .replace('control: 20 %', 'control: 5 %')
  .replace('holdout: 5 %', 'holdout: 0 %')

async function spent(engine: Engine): Promise<{ treated: number; worth: number }> {
  const [row] = await engine.sql<{ treated: number; worth: number }[]>`
    select count(*)::int as treated, coalesce(sum(cost + points_value), 0)::float8 as worth from treatments`
  return row!
}

t.test('a budget is never overdrawn, not in the first run either', async (t) => {
  // A treatment costs 0.50 and gives 500 points at 0.01: 5.50, of which the files say 0.50. 7 x 5.50 = 38.50.
  const engine = await startEngine(t, BUDGET)
  engine.at('2026-03-03T10:00:00Z')
  for (let i = 0; i < 40; i++) await score(engine, await enrol(engine, `c${i}`), 'gone quiet', 'gone_quiet')
  const first = await job(engine, 'campaigns')
  t.strictSame(await spent(engine), { treated: 7, worth: 38.5 })
  t.match(first, { counts: { treated: 7 }, failed: 0 })
  const { budget } = await suppressed(engine)
  t.equal(budget, 40 - first.counts.treated! - first.counts.control!)
  t.match(await job(engine, 'campaigns'), { counts: { treated: 0, control: 0 } }, 'nor later')
  t.strictSame(await spent(engine), { treated: 7, worth: 38.5 })

  // With more of it, the rest is reached, and no further.
  const files = new Map([['program.yaml', BUDGET.replace('budget: 40 EUR', 'budget: 60 EUR')]])
  await publish(engine.sql, { files, by: 'test', now: engine.now() })
  await job(engine, 'campaigns')
  t.strictSame(await spent(engine), { treated: 10, worth: 55 })
  t.strictSame(await engine.findings(), [])
})

t.test('a budget holds where points are worth more to some, and where it pays for nobody', async (t) => {
  const dearer = BUDGET.replace(
    'earn:',
    'earn:\n  - { id: kiel-too, on: treatment, when: { member.city: Kiel }, award: 300 points }',
  )
  const engine = await startEngine(t, dearer)
  engine.at('2026-03-03T10:00:00Z')
  for (let i = 0; i < 30; i++) {
    const member = await enrol(engine, `c${i}`, i % 3 === 0 ? { attributes: { city: 'Kiel' } } : {})
    await score(engine, member, 'gone quiet', 'gone_quiet', 0.9 - i / 100)
  }
  await job(engine, 'campaigns')
  const { worth } = await spent(engine)
  // One treatment costs 5.50 or 8.50: what is left does not pay for another one of the dearest.
  t.ok(worth <= 40 && worth > 40 - 2 * 8.5, `${worth}`)

  const poor = await startEngine(t, BUDGET.replace('budget: 40 EUR', 'budget: 0.40 EUR'))
  poor.at('2026-03-03T10:00:00Z')
  await score(poor, await enrol(poor, 'c'), 'gone quiet', 'gone_quiet')
  t.match(await job(poor, 'campaigns'), { counts: { treated: 0, suppressed: 1 } })
  t.strictSame(await suppressed(poor), { budget: 1 })
})

t.test('why somebody is left alone: each reason, once, in the order in which they weigh', async (t) => {
  const rules = RULES.replace('retention:\n', 'feedback: { holdMessages: any complaint }\nretention:\n')
    .replace('holdout: 5 %', 'holdout: 0 %')
    .replace('    quiet: 30 days', '    quiet: 30 days\n    capacity: 2')
    .replace('control: 50 %', 'control: 5 %')
  const engine = await startEngine(t, rules)
  engine.at('2026-03-03T10:00:00Z')
  const [silent, angry, calmed, treated] = [
    await enrol(engine, 'silent', { consents: {} }),
    await enrol(engine, 'angry'),
    await enrol(engine, 'calmed'),
    await enrol(engine, 'treated'),
  ]
  for (const [member, ref] of [
    [angry, 'a'],
    [calmed, 'c'],
  ] as const)
    await engine.run(
      { kind: 'feedback', memberId: member, body: { externalRef: ref, kind: 'complaint' } },
      ref,
    )
  const resolved = { externalRef: 'r', kind: 'resolved' as const, complaint: 'c' }
  await engine.run({ kind: 'resolve_complaint', memberId: calmed, body: resolved }, 'r')
  const treatment = { campaign: 'other', arm: 'x', message: null, promotion: null, cost: '0', facts: {} }
  const body = {
    externalRef: 'o',
    arms: [{ experiment: 'other', arm: 'x', phase: 'test' as const }],
    treatment,
  }
  await engine.run({ kind: 'treat', memberId: treated, body }, 'o')
  const others = await Promise.all(Array.from({ length: 5 }, (_, i) => enrol(engine, `x${i}`)))
  for (const member of [silent, angry, treated, calmed, ...others])
    await score(engine, member, 'gone quiet', 'gone_quiet')

  await job(engine, 'campaigns')
  const rows = await engine.sql<{ id: string; reason: string; times: number }[]>`
    select member_id as id, reason, times from suppressions order by member_id`
  const reasonsOf = (id: string) => rows.filter((row) => row.id === id).map(({ reason }) => reason)
  t.strictSame([silent, angry, treated].map(reasonsOf), [['no_consent'], ['open_complaint'], ['quiet_time']])
  t.notOk(reasonsOf(calmed).includes('open_complaint'), 'a complaint that is resolved holds nothing back')
  const armed = await armsOf(engine, 'come-back')
  const { capacity = 0 } = await suppressed(engine)
  t.equal(armed.length + capacity, 6, 'the six others are in an arm, or beyond what one run may treat')
  t.equal(
    (await spent(engine)).treated - 1,
    2,
    'two at most are treated in a run, beside the other campaign’s',
  )

  await job(engine, 'campaigns')
  const again = await engine.sql<
    { times: number }[]
  >`select times from suppressions where reason = 'no_consent'`
  t.strictSame([...again], [{ times: 2 }], 'one row for each reason, counted')
})

t.test('a person who was in an arm gets no second chance by a duplicate', async (t) => {
  const engine = await startEngine(t, RULES.replace('holdout: 5 %', 'holdout: 0 %'))
  engine.at('2026-03-03T10:00:00Z')
  const [first, second, third] = [
    await enrol(engine, 'a'),
    await enrol(engine, 'b'),
    await enrol(engine, 'c'),
  ]
  await score(engine, first, 'gone quiet', 'gone_quiet')
  await job(engine, 'campaigns')
  t.strictSame(
    (await armsOf(engine, 'come-back')).map(({ memberId }) => memberId),
    [first],
  )
  // `first` turns out to be a duplicate of `second`, who is flagged later.
  await engine.run(merging('merge', second, first), 'm')
  for (const member of [second, third]) await score(engine, member, 'gone quiet', 'gone_quiet')
  engine.at('2026-05-03T10:00:00Z')
  await job(engine, 'campaigns')
  t.strictSame(await suppressed(engine), { merged: 1 })
  t.strictSame(
    (await armsOf(engine, 'come-back')).map(({ memberId }) => memberId).sort(),
    [first, third].sort(),
  )

  // Looks leave the merged member out, whatever the arm; the sizes by which chance is checked do not.
  engine.at('2027-05-04T10:00:00Z')
  t.match(await job(engine, 'experiments'), { counts: { looks: 1, undecided: 1 } })
  const [look] = await engine.sql<{ arms: { assigned: number; members: number }[] }[]>`
    select arms from experiment_looks`
  const sum = (of: 'assigned' | 'members') => look!.arms.reduce((all, arm) => all + arm[of], 0)
  t.strictSame([sum('assigned'), sum('members')], [2, 1])
  t.strictSame(await engine.findings(), [])
})
