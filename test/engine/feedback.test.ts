/** What members say, as commands: which complaint is resolved, once; merges, erasure, export. */
import t from 'tap'
import type { Request } from '../../src/engine/command.ts'
import { exportMember } from '../../src/engine/export.ts'
import { openComplaintsOf } from '../../src/engine/queries-feedback.ts'
import type { FeedbackBody } from '../../src/members/feedback.ts'
import { type Engine, startEngine, uuidOf } from '../support/engine.ts'
import { ending, HOUSEHOLD, merging } from './household.ts'
import { sale } from './shop.ts'

// a machine that is busy with other tests is no matter here
t.setTimeout(600_000)

function says(
  memberId: string,
  body: Partial<FeedbackBody> & Pick<FeedbackBody, 'kind'>,
  ref = 'f',
): Request {
  const kind = body.kind === 'resolved' ? 'resolve_complaint' : 'feedback'
  return { kind, memberId, body: { externalRef: ref, ...body } }
}

async function openRefs({ sql }: Engine, memberId: string): Promise<string[]> {
  const open = await openComplaintsOf(sql, [memberId])
  return (open.get(memberId) ?? []).map(({ externalRef }) => externalRef)
}

t.test(
  'which complaint is resolved: the named one, its own, the one about the sale, the newest',
  async (t) => {
    const rows = [
      // what `resolved` says, with a reference of its own, and what is left open of a, b (about the sale), c
      [{ complaint: 'a' }, 'r', 'b c'],
      [{}, 'b', 'a c'],
      [{ transactionId: 'sale' }, 'r', 'a c'],
      [{}, 'r', 'a b'],
      [{ complaint: 'nobody' }, 'r', 'no_open_complaint'],
      [{ transactionId: 'other' }, 'r', 'no_open_complaint'],
      // A late word of an earlier day is about what was said by then, unless it names another.
      [{ occurredAt: '2026-03-01T10:00:00Z' }, 'r', 'b c'],
      [{ occurredAt: '2026-02-28T10:00:00Z' }, 'r', 'no_open_complaint'],
      [{ occurredAt: '2026-03-01T10:00:00Z', transactionId: 'sale' }, 'r', 'no_open_complaint'],
      [{ occurredAt: '2026-02-28T10:00:00Z', complaint: 'a' }, 'r', 'b c'],
    ] as const
    for (const [given, ref, left] of rows) {
      const engine = await startEngine(t, HOUSEHOLD)
      const ann = await engine.enrol('ann')
      const sold = uuidOf((await engine.run(sale(ann, '10.00', 's1'), 's1')).transactionId)
      const other = uuidOf((await engine.run(sale(ann, '10.00', 's2'), 's2')).transactionId)
      for (const [name, day] of Object.entries({ a: '01', b: '02', c: '03' })) {
        const about = name === 'b' ? { transactionId: sold } : {}
        const occurredAt = `2026-03-${day}T09:00:00Z`
        t.match(await engine.run(says(ann, { kind: 'complaint', occurredAt, ...about }, name), name), {
          open: true,
        })
      }
      const body = { kind: 'resolved' as const, ...given }
      if ('transactionId' in body)
        body.transactionId = (body.transactionId === 'sale' ? sold : other) as never
      const asked = says(ann, body as never, ref)
      if (left === 'no_open_complaint') {
        t.equal(await engine.refused(asked, ref), left)
        t.same(await openRefs(engine, ann), ['a', 'b', 'c'])
        continue
      }
      const first = await engine.run(asked, ref)
      t.match(first, { kind: 'resolved', open: false, resolves: /^fbk_/ })
      const backwards = await engine.sql`select 1 from feedback where resolved_at < occurred_at`
      t.equal(backwards.length, 0, 'nothing is resolved before it was said')
      t.same(await openRefs(engine, ann), left.split(' '), JSON.stringify([given, ref]))
      t.same(await engine.run(asked, ref), first, 'sent again it answers the same and resolves nothing more')
      t.same(await openRefs(engine, ann), left.split(' '))
    }
  },
)

t.test('a complaint is resolved once, by whoever comes first', async (t) => {
  const engine = await startEngine(t, HOUSEHOLD)
  const ann = await engine.enrol('ann')
  await engine.run(says(ann, { kind: 'complaint' }, 'c'))
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, n) => engine.refused(says(ann, { kind: 'resolved' }, `r${n}`), `r${n}`)),
  )
  t.equal(answers.filter((answer) => answer === 'no_open_complaint').length, 7)
  t.same(await openRefs(engine, ann), [])
})

t.test('the scale is the program’s; the transaction is the member’s own', async (t) => {
  const engine = await startEngine(t, `${HOUSEHOLD}\nfeedback: { scale: 0 to 10 }\n`)
  const [ann, bob] = [await engine.enrol('ann'), await engine.enrol('bob')]
  const sold = uuidOf((await engine.run(sale(bob, '10.00', 's1'), 's1')).transactionId)
  for (const [score, share] of [
    [0, 0],
    [4, 0.4],
    [10, 1],
  ] as const) {
    await engine.run(says(ann, { kind: 'satisfaction', score }, `s${score}`), `said-${score}`)
    const [row] = await engine.sql<{ satisfaction: number }[]>`
      select satisfaction from feedback where external_ref = ${`s${score}`}`
    t.equal(row?.satisfaction, share)
  }
  const was = await engine.checksum()
  t.equal(await engine.refused(says(ann, { kind: 'satisfaction', score: 11 })), 'unknown_fact')
  t.equal(
    await engine.refused(says(ann, { kind: 'complaint', transactionId: sold })),
    'transaction_not_found',
  )
  t.equal(
    await engine.refused(says(ann, { kind: 'complaint', occurredAt: '2027-01-01T00:00:00Z' })),
    'date_out_of_range',
  )
  t.equal(
    await engine.refused(says('00000000-0000-7000-8000-000000000000', { kind: 'complaint' })),
    'member_not_found',
  )
  t.equal(await engine.checksum(), was)
})

t.test(
  'merged: complaints of the duplicate are resolved on the member; erased: no word is left',
  async (t) => {
    const engine = await startEngine(t, HOUSEHOLD)
    const [ann, dup] = [await engine.enrol('ann'), await engine.enrol('dup')]
    await engine.run(says(dup, { kind: 'complaint', text: 'cold-coffee' }, 'c1'), 'c1')
    await engine.run(merging('merge', ann, dup))
    await engine.run(says(dup, { kind: 'complaint', text: 'cold-again' }, 'c2'), 'c2')
    const [row] = await engine.sql<{ member_id: string }[]>`
    select member_id from feedback where external_ref = 'c2'`
    t.equal(row?.member_id, ann)
    await engine.run(says(ann, { kind: 'resolved' }, 'c1'), 'r1')
    t.same([await openRefs(engine, dup), await openRefs(engine, ann)], [[], ['c2']])

    const told: string[] = []
    const whole = { program: 'home', memberId: ann, duplicates: [dup], at: engine.now() }
    for await (const piece of await exportMember(engine.sql, whole)) told.push(piece)
    t.match(JSON.parse(told.join('')).feedback, [
      { text: 'cold-coffee', open: false },
      { text: 'cold-again' },
      {},
    ])

    await engine.run(ending('erase', ann))
    for (const table of ['feedback', 'commands', 'outbox']) {
      const found = await engine.sql`
      select 1 from ${engine.sql(table)} t where to_jsonb(t)::text like '%cold-%'`
      t.equal(found.length, 0, table)
    }
    t.equal(await engine.refused(says(ann, { kind: 'complaint' }, 'late'), 'late'), 'member_not_active')
    t.same(await engine.findings(), [])
  },
)

t.test('events tell of it without its words', async (t) => {
  const engine = await startEngine(t, HOUSEHOLD)
  const ann = await engine.enrol('ann')
  await engine.run(says(ann, { kind: 'complaint', text: 'cold-coffee' }, 'c'), 'c')
  await engine.run(says(ann, { kind: 'resolved', text: 'new cup' }, 'c'), 'r')
  const events = await engine.sql<{ type: string; payload: object }[]>`
    select type, payload from outbox where member_id = ${ann} order by event_id`
  t.same(
    events.map(({ type }) => type),
    ['member.enrolled', 'feedback.received', 'complaint.resolved'],
  )
  t.notMatch(JSON.stringify(events), /cold|cup/)
})
