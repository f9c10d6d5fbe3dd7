/**
 * What members say as part of the chances: an open complaint or a fall of satisfaction never lowers them,
 * whatever the past taught; the past may make them weigh more; nothing after the day is heard.
 */
import t from 'tap'
import { runJob } from '../../src/jobs/run.ts'
import { stateAt } from '../../src/retention/cuts.ts'
import { type Learnt, learn } from '../../src/retention/learn.ts'
import { createScorer } from '../../src/retention/score.ts'
import { simulate, usualPlan } from '../../src/retention/simulation.ts'
import { type Said, type Voice, voiceOf } from '../../src/retention/voice.ts'
import { merging } from '../engine/household.ts'
import { seeded } from '../support/buyers.ts'
import { type Engine, startEngine } from '../support/engine.ts'
import { jobDeps } from '../support/jobs.ts'
import { fc, runs } from '../support/property.ts'

const SILENT_VOICE = voiceOf([], 0)

t.setTimeout(600_000)

const window = { asOf: 600, horizonDays: 120 }
const { purchases, members } = simulate({ ...usualPlan, members: 240 })
const known = { ...purchases, memberIds: purchases.memberIds }
const complaint = (day: number): Said => ({ day, kind: 'complaint', satisfaction: null, resolvedDay: null })

/** Complaints of those who then fell silent, or of those who did not. */
function complaintsOf(who: 'leavers' | 'stayers'): Map<string, Said[]> {
  const said = new Map<string, Said[]>()
  for (const [place, memberId] of purchases.memberIds.entries()) {
    const { changeDay, kind } = members[place]!
    const leaves = kind === 'stops' && changeDay !== null
    if (who === 'leavers' && leaves) said.set(memberId, [complaint(changeDay - 1)])
    if (who === 'stayers' && !leaves && place % 2 === 0) said.set(memberId, [complaint(370)])
  }
  return said
}

const plain = learn(known, window)
const taught = {
  nothing: plain,
  'that they count': learn(known, window, { said: complaintsOf('leavers') }),
  'that they count for nothing': learn(known, window, { said: complaintsOf('stayers') }),
}

/** Log-odds of lapsing that a voice adds, over some members. */
function adds(learnt: Learnt, voice: Voice): number[] {
  const scorer = createScorer(learnt)
  const odds = (p: number) => Math.log(p / (1 - p))
  return [3, 20, 77, 130, 201].map((place) => {
    const state = stateAt(known, place, window.asOf)!
    return odds(scorer.score(state, voice).silent) - odds(scorer.score(state).silent)
  })
}

t.test('an open complaint and a fall never lower a chance, whatever was learnt', async (t) => {
  const heard = fc.record({
    openComplaints: fc.nat(40),
    satisfaction: fc.double({ min: 0, max: 1, noNaN: true }),
    before: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  for (const [what, learnt] of Object.entries(taught)) {
    const scorer = createScorer(learnt)
    fc.assert(
      fc.property(fc.nat(known.memberIds.length - 1), heard, fc.nat(5), (place, told, more) => {
        const state = stateAt(known, place, window.asOf)!
        const voice = { ...SILENT_VOICE, ...told }
        const worse = { ...voice, openComplaints: told.openComplaints + more }
        const [silent, first, second] = [null, voice, worse].map((one) => scorer.score(state, one))
        const numbers = [first!.silent, first!.decline, first!.purchases, second!.silent]
        return (
          numbers.every((number) => Number.isFinite(number)) &&
          first!.silent >= silent!.silent &&
          first!.decline >= silent!.decline &&
          first!.purchases <= silent!.purchases &&
          second!.silent >= first!.silent &&
          second!.decline >= first!.decline
        )
      }),
      { numRuns: runs(150) },
    )
    t.pass(what)
  }
})

t.test('a first complaint raises the odds by half until the past says otherwise', async (t) => {
  const one = { ...SILENT_VOICE, openComplaints: 1, openSince: 590, complaints: 1 }
  for (const added of adds(taught.nothing, one)) t.ok(Math.abs(added - 0.4) < 1e-9)
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  t.ok(mean(adds(taught['that they count'], one)) > 0.6)
  const least = mean(adds(taught['that they count for nothing'], one))
  t.ok(least >= 0 && least < 0.3, `${least}`)
  const fell = { ...SILENT_VOICE, satisfaction: 0.25, before: 0.75, scoredOn: 590 }
  for (const added of adds(taught.nothing, fell)) t.ok(Math.abs(added - 0.5) < 1e-9)
})

t.test('where nobody says anything, nothing changes', async (t) => {
  const silent = learn(known, window, { said: new Map() })
  const [before, after] = [createScorer(plain), createScorer(silent)]
  for (let place = 0; place < 60; place += 7) {
    const state = stateAt(known, place, window.asOf)!
    t.strictSame(after.score(state), before.score(state))
    t.strictSame(after.score(state, SILENT_VOICE), before.score(state))
  }
})

const RULES = `
program: shop
timeZone: UTC
money: EUR
currencies: { points: {} }
earn: [{ id: base, on: purchase, award: 1 point per 1 EUR of net }]
feedback: { scale: 1 to 5 }
retention: { horizon: 60 days, margin: 50 % }
`
const FIRST = Date.parse('2025-01-01T00:00:00Z') / 86_400_000
const AS_OF = FIRST + 200
const at = (day: number, hour = 12) => new Date((day * 24 + hour) * 3_600_000).toISOString()

async function shop(test: Parameters<typeof startEngine>[0]): Promise<{ engine: Engine; ids: string[] }> {
  const engine = await startEngine(test, RULES)
  engine.at(at(AS_OF + 3, 4))
  const random = seeded(11)
  const ids = await Promise.all(Array.from({ length: 12 }, (_, i) => engine.enrol(`card-${i}`)))
  const sold: Promise<unknown>[] = []
  for (const memberId of ids) {
    for (let day = Math.floor(random() * 20); day <= 200; day += 3 + Math.floor(random() * 12)) {
      const lines = [{ lineId: '1', quantity: 1, net: { amount: '20.00', currency: 'EUR' } }]
      const occurredAt = at(FIRST + day)
      const body = { externalRef: 's', type: 'purchase', memberId, occurredAt, lines }
      sold.push(engine.run({ kind: 'earn', body }))
    }
  }
  await Promise.all(sold)
  return { engine, ids }
}

function run(engine: Engine, job: 'score' | 'rebuild') {
  return runJob(jobDeps(engine), { job, at: engine.now(), only: { asOf: AS_OF, all: true } })
}

interface Stored {
  member_id: string
  p_silent: number
  codes: string[]
}

function stored({ sql }: Engine): Promise<(Stored & Record<string, unknown>)[]> {
  return sql`
    select member_id, as_of, state, since, p_silent, p_decline, expected_purchases, priority, reasons::text as told,
      (select coalesce(json_agg(r ->> 'code'), '[]') from json_array_elements(reasons) r) as codes
    from retention_scores order by member_id` as never
}

t.test('a run of scores hears what was said up to its day, and a rebuild changes none of it', async (t) => {
  const { engine, ids } = await shop(t)
  const says = (memberId: string, day: number, body: object, ref: string) =>
    engine.run(
      {
        kind: 'kind' in body && body.kind === 'resolved' ? 'resolve_complaint' : 'feedback',
        memberId,
        body: { externalRef: ref, occurredAt: at(day), ...body } as never,
      },
      ref,
    )
  await run(engine, 'score')
  const [ann, bea, cleo, dora] = [...ids].sort() as [string, string, string, string]
  const before = await stored(engine)
  t.notOk(before.some(({ codes }) => codes.includes('open_complaint')))

  // ann complains; bea, too, but it is resolved; cleo's satisfaction falls; dora complains after the day.
  await says(ann, AS_OF - 5, { kind: 'complaint' }, 'a')
  await says(bea, AS_OF - 5, { kind: 'complaint' }, 'b')
  await says(bea, AS_OF - 2, { kind: 'resolved', complaint: 'b' }, 'br')
  await says(cleo, AS_OF - 60, { kind: 'satisfaction', score: 5 }, 'c1')
  await says(cleo, AS_OF - 1, { kind: 'satisfaction', score: 2 }, 'c2')
  await says(dora, AS_OF + 1, { kind: 'complaint' }, 'd')
  await run(engine, 'score')
  const after = await stored(engine)
  const changeOf = (id: string) => {
    const [was, is] = [before, after].map((rows) => rows.find(({ member_id: one }) => one === id)!)
    return { by: is!.p_silent - was!.p_silent, codes: is!.codes }
  }
  t.ok(changeOf(ann).by > 0)
  t.match(changeOf(ann).codes, ['open_complaint'])
  t.ok(Math.abs(changeOf(bea).by) < 1e-9)
  t.ok(changeOf(cleo).by > 0)
  t.match(changeOf(cleo).codes, ['satisfaction_falling'])
  t.match(changeOf(dora), { by: 0, codes: before.find(({ member_id: one }) => one === dora)!.codes })

  // What is said, or resolved, after the day changes nothing of it; nor does making the rows anew.
  await says(ann, AS_OF + 1, { kind: 'resolved', complaint: 'a' }, 'ar')
  await says(bea, AS_OF + 2, { kind: 'satisfaction', score: 1 }, 'b2')
  await run(engine, 'score')
  t.strictSame(await stored(engine), after)
  await run(engine, 'rebuild')
  await run(engine, 'score')
  t.strictSame(await stored(engine), after)
})

t.test('what a duplicate said counts for who answers for it', async (t) => {
  const { engine, ids } = await shop(t)
  const [ann, bea] = [...ids].sort() as [string, string]
  const body = { externalRef: 'x', kind: 'complaint', occurredAt: at(AS_OF - 3) } as const
  await engine.run({ kind: 'feedback', memberId: bea, body }, 'x')
  await engine.run(merging('merge', ann, bea), 'm')
  await run(engine, 'score')
  const rows = await stored(engine)
  t.match(rows.find(({ member_id: id }) => id === ann)?.codes, ['open_complaint'])
  t.notOk(rows.some(({ member_id: id }) => id === bea))
})
