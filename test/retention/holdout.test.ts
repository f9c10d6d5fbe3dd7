/**
 * All campaigns together against the standing holdout: figures that SQL finds too, shares that changed on the
 * way, and intervals that cover where nothing is true.
 */
import t from 'tap'
import { newId } from '../../src/base/ids.ts'
import { publish } from '../../src/engine/publish.ts'
import { addTo, noSums } from '../../src/retention/difference.ts'
import { compared, sharesOf, showHoldout, together } from '../../src/retention/holdout.ts'
import { emptyGroup, type Group } from '../../src/retention/look.ts'
import { viewOf } from '../../src/retention/views.ts'
import { seeded } from '../support/buyers.ts'
import { type Engine, startEngine } from '../support/engine.ts'

t.setTimeout(600_000)

const rules = (holdout: string) => `
program: shop
timeZone: Europe/Berlin
money: EUR
currencies: { points: { value: 0.01 EUR } }
retention: { margin: 40 % }
earn:
  - { id: base, on: purchase, award: 1 point per 1 EUR of net }
campaigns:
  - { id: hello, start: { flag: gone_quiet }, arms: [{ id: note, message: hello, cost: 0.25 EUR, award: 50 points }] }
experiments: { holdout: ${holdout} }
`

function group(arm: string, nets: readonly number[]): Group {
  const sums = nets.reduce(addTo, noSums)
  const buyers = nets.filter((net) => net > 0).length
  const sizes = { assigned: nets.length, members: nets.length, buyers }
  return { ...emptyGroup(arm), ...sizes, spend: sums, net: sums }
}

t.test('one share: Welch between the groups; several: like with like', async (t) => {
  const one = compared([
    {
      share: 0.5,
      groups: new Map([
        ['open', group('open', [3, 4, 5, 6])],
        ['holdout', group('holdout', [1, 2, 3, 4])],
      ]),
    },
  ])
  // Means 4.5 and 2.5, variances 5/3 each: error sqrt(10/12), six degrees of freedom, t = 2.446912.
  const far = 2.446912 * Math.sqrt(10 / 12)
  t.match(one.netDifference, { difference: 2 })
  t.ok(Math.abs(one.netDifference!.low - (2 - far)) < 1e-5)
  t.ok(Math.abs(one.total!.high - 4 * (2 + far)) < 1e-4)
  t.equal(one.verdict, 'open')

  // Rich members came while half were held out, poor ones while a tenth was: the plain means would say that
  // campaigns cost, member by member they bring 1 each.
  const spread = (base: number, many: number) =>
    Array.from({ length: many }, (_, i) => base + ((i % 3) - 1) / 10)
  const strata = [
    {
      share: 0.5,
      groups: new Map([
        ['open', group('open', spread(21, 30))],
        ['holdout', group('holdout', spread(20, 30))],
      ]),
    },
    {
      share: 0.1,
      groups: new Map([
        ['open', group('open', spread(2, 270))],
        ['holdout', group('holdout', spread(1, 30))],
      ]),
    },
  ]
  const two = compared(strata)
  t.ok(Math.abs(two.netDifference!.difference - 1) < 1e-9)
  t.equal(two.verdict, 'pays')
  t.equal(two.sampleRatio.isFair, true)
  const [open, holdout] = two.groups
  t.ok(open!.netPerMember! < holdout!.netPerMember!)
})

t.test('nothing is said of groups that chance did not make, or that are too small', async (t) => {
  const nets = (base: number, many: number) => Array.from({ length: many }, (_, i) => base + (i % 5))
  const groups = new Map([
    ['open', group('open', nets(50, 100))],
    ['holdout', group('holdout', nets(1, 60))],
  ])
  t.match(compared([{ share: 0.05, groups }]), { sampleRatio: { isFair: false }, verdict: 'open' })
  t.match(compared([]), {
    netDifference: null,
    total: null,
    buying: null,
    verdict: 'open',
    sampleRatio: { p: 1 },
  })
  const few = new Map([
    ['open', group('open', [1, 2])],
    ['holdout', group('holdout', [1])],
  ])
  t.match(compared([{ share: 0.3, groups: few }]), { netDifference: null, verdict: 'open' })
  const nobody = new Map([['open', group('open', nets(1, 40))]])
  t.match(compared([{ share: 0, groups: nobody }]), { netDifference: null, sampleRatio: { p: 1 } })
  t.equal(together([{ members: 0, interval: { difference: 1, low: 0, high: 2 } }]), null)
})

t.test('where nothing is true, 95 of 100 intervals cover it, over two shares as well', async (t) => {
  const random = seeded(3)
  const spend = (many: number, level: number) =>
    Array.from({ length: many }, () => (random() < 0.4 ? level * -Math.log(1 - random()) : 0))
  let covered = 0
  const runs = 1_000
  for (let run = 0; run < runs; run++) {
    const { netDifference } = compared([
      {
        share: 0.2,
        groups: new Map([
          ['open', group('open', spend(200, 30))],
          ['holdout', group('holdout', spend(50, 30))],
        ]),
      },
      {
        share: 0.4,
        groups: new Map([
          ['open', group('open', spend(90, 10))],
          ['holdout', group('holdout', spend(60, 10))],
        ]),
      },
    ])
    if (netDifference!.low <= 0 && netDifference!.high >= 0) covered += 1
  }
  // 1,000 runs are off by 0.7 % on average; spend is skewed, which costs a little.
  t.ok(covered / runs > 0.925 && covered / runs < 0.97, `${covered} of ${runs}`)
})

async function flagged(engine: Engine, memberId: string): Promise<void> {
  await engine.sql`
    insert into retention_scores (member_id, program, run_id, as_of, state, since, flag, flagged_since, p_silent,
      p_decline, expected_purchases, expected_value, lifetime_value, at_stake, priority, recency, frequency,
      monetary, reasons)
    values (${memberId}, 'shop', ${newId()}, '2026-03-02', 'gone quiet', '2026-02-01', 'gone_quiet', '2026-03-01',
      0.8, 0.8, 1, 20, 50, 10, 8, 1, 1, 1, '[]')`
}

async function treat(engine: Engine, memberId: string, arm: string, isTreated: boolean): Promise<void> {
  const treatment = {
    ...{ campaign: 'hello', arm: 'note', message: 'hello', promotion: null, cost: '0.25', facts: {} },
  }
  const arms = [{ experiment: 'holdout', arm, phase: 'test' as const }]
  const body = { externalRef: newId(), arms, treatment: isTreated ? treatment : null }
  await engine.run({ kind: 'treat', memberId, body }, body.externalRef)
}

async function buy(engine: Engine, memberId: string, amount: number, instant: string): Promise<void> {
  const net = { amount: amount.toFixed(2), currency: 'EUR' }
  const body = {
    externalRef: newId(),
    type: 'purchase',
    memberId,
    occurredAt: instant,
    lines: [] as object[],
  }
  body.lines.push({ lineId: '1', quantity: 1, net })
  await engine.run({ kind: 'earn', body: body as never }, body.externalRef)
}

t.test('figures come out of the ledger, as SQL finds them too', async (t) => {
  const engine = await startEngine(t, rules('20 %'))
  const random = seeded(9)
  engine.at('2026-03-03T10:00:00Z')
  const members: { id: string; arm: string }[] = []
  for (let i = 0; i < 60; i++) {
    const id = await engine.enrol(`c${i}`)
    const arm = i % 5 === 0 ? 'holdout' : 'open'
    await buy(engine, id, 30, '2026-03-03T09:00:00Z')
    await flagged(engine, id)
    await treat(engine, id, arm, arm === 'open' && i % 2 === 0)
    members.push({ id, arm })
  }
  // A second treatment in the measured days, and one after them; purchases before, in and after them.
  engine.at('2026-03-10T10:00:00Z')
  await treat(engine, members[1]!.id, 'open', true)
  for (const { id, arm } of members) {
    if (random() < (arm === 'open' ? 0.8 : 0.3))
      await buy(engine, id, 20 + 30 * random(), '2026-03-09T12:00:00Z')
  }
  engine.at('2026-03-20T10:00:00Z')
  await treat(engine, members[3]!.id, 'open', true)
  for (const { id } of members.slice(0, 30)) await buy(engine, id, 500, '2026-03-18T12:00:00Z')
  engine.at('2026-03-21T10:00:00Z')

  const program = engine.programs.at('shop', engine.now())
  const asked = { program, at: engine.now(), days: 14, shareAt: sharesOf(engine.programs, program) }
  const shown = await showHoldout(engine.sql, asked)
  t.match(shown, { share: 0.2, margin: 0.4, days: 14, treated: 26 })
  t.match(shown.groups, [
    { arm: 'open', assigned: 48, members: 48 },
    { arm: 'holdout', assigned: 12, members: 12 },
  ])
  // From transactions and treatments alone: sales of 4 to 17 March, a point a euro, 50 points a treatment.
  const rows = await engine.sql<{ arm: string; mean: number; variance: number; buyers: number; n: number }[]>`
    with each as (
      select a.arm, a.member_id,
        (select coalesce(sum((line -> 'net' ->> 'amount')::numeric), 0) from transactions x
         cross join lateral json_array_elements(x.request -> 'lines') as line
         where x.member_id = a.member_id and x.type = 'purchase'
           and x.occurred_at >= '2026-03-03T23:00:00Z' and x.occurred_at < '2026-03-17T23:00:00Z') as spend,
        (select coalesce(sum(floor((line -> 'net' ->> 'amount')::numeric)), 0) from transactions x
         cross join lateral json_array_elements(x.request -> 'lines') as line
         where x.member_id = a.member_id and x.type = 'purchase'
           and x.occurred_at >= '2026-03-03T23:00:00Z' and x.occurred_at < '2026-03-17T23:00:00Z') as points,
        (select count(*) from treatments h
         where h.member_id = a.member_id and h.treated_at < '2026-03-17T23:00:00Z') as treated
      from experiment_arms a where a.experiment = 'holdout')
    select arm, avg(0.4 * spend - 0.01 * points - 0.75 * treated)::float8 as mean,
      var_samp(0.4 * spend - 0.01 * points - 0.75 * treated)::float8 as variance,
      count(*) filter (where spend > 0)::int as buyers, count(*)::int as n
    from each group by arm order by arm desc`
  const [open, holdout] = rows
  for (const [place, row] of rows.entries()) {
    const seen = shown.groups[place]!
    t.equal(seen.buyers, row.buyers)
    t.ok(Math.abs(seen.netPerMember! - row.mean) < 1e-9, `${seen.arm}: ${seen.netPerMember} and ${row.mean}`)
  }
  const error = Math.sqrt(open!.variance / open!.n + holdout!.variance / holdout!.n)
  const { difference, low, high } = shown.netDifference!
  t.ok(Math.abs(difference - (open!.mean - holdout!.mean)) < 1e-9)
  t.ok(Math.abs((high - low) / 2 / error - 2.1) < 0.15, 'Student’s quantile for a dozen members or so')

  // The view tells of a quarter of each member, once it is over.
  const quarter = { ...asked, days: 91, at: new Date('2026-06-10T10:00:00Z') }
  const [told, seen] = [
    await viewOf(engine.sql, 'performance', quarter),
    await showHoldout(engine.sql, quarter),
  ]
  const fixed = (value: number | null | undefined) => value?.toFixed(2)
  const { netDifference: net, groups } = seen
  const between = [net?.difference, net?.low, net?.high].map(fixed)
  t.match(told.tables[1]?.rows, [
    ['open', 48, 48, Number, fixed(groups[0]?.netPerMember), Number, ...between, String],
    ['holdout', 12, 12, Number, fixed(groups[1]?.netPerMember), null, null, null, null, 'left alone'],
  ])
  const whole = told.figures.find(({ name }) => name === 'net value of all campaigns together')
  t.equal(whole?.value, fixed(48 * net!.difference))

  // Members whose days are not over are counted, not measured.
  t.match(await showHoldout(engine.sql, { ...asked, days: 60 }), {
    groups: [{ assigned: 48, members: 0, netPerMember: null }, { assigned: 12 }],
    netDifference: null,
    verdict: 'open',
  })

  // A share that was another is known from the rules of then.
  const files = new Map([['program.yaml', rules('5 %')]])
  await publish(engine.sql, { files, by: 'test', now: engine.now() })
  await engine.programs.refresh()
  const now = engine.programs.at('shop', engine.now())
  const again = await showHoldout(engine.sql, { ...asked, program: now })
  t.match(again, { share: 0.05, sampleRatio: { isFair: true }, netDifference: { difference } })
})
