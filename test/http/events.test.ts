/** Events by pulling: in order, each once, none skipped while others still write, and none of another program. */
import t from 'tap'
import { newId } from '../../src/base/ids.ts'
import { runJob } from '../../src/jobs/run.ts'
import { uuidOf } from '../support/engine.ts'
import { jobDeps } from '../support/jobs.ts'
import { until } from '../support/until.ts'
import { type Answer, type Service, sale, startService } from './front.ts'

t.setTimeout(600_000)

interface Shown {
  readonly eventId: string
  readonly type: string
  readonly sequence: number
  readonly memberId: string
}

const ids = ({ body }: Answer) => body.items.map(({ eventId }: Shown) => eventId)

/** Other databases of the same server may be writing; what is committed shows once they are done. */
async function all({ get }: Service, many: number, query = ''): Promise<Answer> {
  let seen: Answer | null = null
  await until(`${many} events`, async () => {
    seen = await get(`/v1/events?limit=200${query}`)
    return seen.body.items.length >= many
  })
  return seen!
}

t.test('pages, types, and places to go on from', async (t) => {
  const service = await startService(t)
  const { member, post, get } = service
  const [a, b] = [await member('1'), await member('2')]
  for (const [ref, memberId] of [
    ['s1', a],
    ['s2', b],
    ['s3', a],
  ] as const)
    await post('/v1/transactions', sale(ref, '20.00', { memberId }))
  const whole = await all(service, 5)
  const types = whole.body.items.map(({ type }: Shown) => type)
  t.strictSame(types, [
    ...['member.enrolled', 'member.enrolled', 'transaction.earned', 'transaction.earned'],
    'transaction.earned',
  ])
  t.equal(whole.body.nextCursor, null, 'no more for now')
  const of = (memberId: string) => whole.body.items.filter((event: Shown) => event.memberId === memberId)
  const numbers = of(a).map(({ sequence }: Shown) => sequence)
  t.ok(numbers[0] < numbers[1] && numbers[1] < numbers[2], 'numbers of one member grow')

  // Page by page, by cursor and by the id of the last event: the same events, each once.
  for (const next of [({ body }: Answer) => body.nextCursor, (page: Answer) => ids(page).at(-1)]) {
    const seen: string[] = []
    let page = await get('/v1/events?limit=2')
    for (;;) {
      seen.push(...ids(page))
      if (page.body.nextCursor === null) break
      page = await get(`/v1/events?limit=2&after=${next(page)}`)
    }
    t.strictSame(seen, ids(whole))
  }
  const enrolled = await get('/v1/events?type=member.enrolled,tier.changed')
  t.strictSame(ids(enrolled), ids(whole).slice(0, 2))
  const none = await get('/v1/events?type=tier.changed')
  t.match(none.body, { items: [], nextCursor: null })
  t.strictSame((await get(`/v1/events?after=${none.body.position}`)).body.items, [], 'all was looked at')
  t.equal((await get(`/v1/events?after=${ids(whole)[0]}&type=member.enrolled`)).body.items.length, 1)
})

t.test('a rare type among many events of others', async (t) => {
  const service = await startService(t)
  const { sql } = service.engine
  const memberId = uuidOf(await service.member('1'))
  const write = (type: string, many: number) => sql`
    insert into outbox (member_id, event_id, program, type, payload, at)
    select ${memberId}, u.event_id, 'shop', ${type}, '{}', now()
    from unnest(${Array.from({ length: many }, newId)}::uuid[]) as u(event_id)`
  await write('noise', 60_000)
  await write('rare', 1)
  await write('noise', 60_000)
  await write('rare', 2)
  await until(
    'all of them show',
    async () =>
      (
        await sql`
    select 1 from outbox where xact_id >= pg_snapshot_xmin(pg_current_snapshot()) limit 1`
      ).length === 0,
  )

  const first = await service.get('/v1/events?type=rare&limit=2')
  t.equal(ids(first).length, 1, 'far more than one stretch is looked at')
  t.ok(first.body.nextCursor, 'and not without bound')
  const second = await service.get(`/v1/events?type=rare&limit=2&after=${first.body.nextCursor}`)
  t.match(second.body, { items: { length: 2 }, nextCursor: null })
  t.equal(ids(await service.get('/v1/events?type=rare&limit=1')).length, 1)
  const none = await service.get('/v1/events?type=tier.changed')
  t.match(none.body, { items: { length: 0 }, nextCursor: String, position: none.body.nextCursor })
  const rest = await service.get(`/v1/events?type=tier.changed&after=${none.body.nextCursor}`)
  t.match(rest.body, { items: { length: 0 }, nextCursor: null })
})

t.test('an event that commits late is not skipped', async (t) => {
  const service = await startService(t)
  const { sql } = service.engine
  const memberId = await service.member('1')
  await all(service, 1)
  const late = newId()
  let commit = () => {}
  let written = () => {}
  const isWritten = new Promise<void>((resolve) => {
    written = resolve
  })
  const slow = sql.begin(async (tx) => {
    await tx`
      insert into outbox (member_id, event_id, program, type, payload, at)
      values (${uuidOf(memberId)}, ${late}, 'shop', 'late', ${tx.json({ memberId })}, now())`
    written()
    await new Promise<void>((resolve) => {
      commit = resolve
    })
  })
  await Promise.race([isWritten, slow])
  await service.post('/v1/transactions', sale('s1', '20.00', { memberId }))
  const meanwhile = await service.get('/v1/events')
  t.strictSame(
    meanwhile.body.items.map(({ type }: Shown) => type),
    ['member.enrolled'],
    'what was committed after it waits for it',
  )
  commit()
  await slow
  const after = meanwhile.body.position
  await all(service, 2, `&after=${after}`)
  const { body } = await service.get(`/v1/events?after=${after}`)
  t.strictSame(
    body.items.map(({ type }: Shown) => type),
    ['late', 'transaction.earned'],
  )
})

t.test('refusals: a foreign program sees nothing, a foreign or broken place is none', async (t) => {
  const service = await startService(t)
  await service.member('1')
  const own = await all(service, 1)
  const foreign = await service.get('/v1/events', { key: service.foreignKey })
  t.strictSame(foreign.body.items, [])
  // Each row: the question, and what is answered.
  const rows = [
    [`after=${ids(own)[0]}`, 400, 'invalid_cursor', service.foreignKey],
    ['after=evt_00000000000000000000000000000000', 400, 'invalid_cursor', service.key],
    ['after=evt_nonsense', 400, 'invalid_cursor', service.key],
    ['after=%25', 400, 'invalid_cursor', service.key],
    ['limit=201', 400, 'malformed_request', service.key],
    ['type=a;b', 400, 'malformed_request', service.key],
    ['', 403, 'forbidden', await service.keyFor(['rules:read'])],
  ] as const
  for (const [question, status, code, key] of rows) {
    const { body } = await service.get(`/v1/events?${question}`, { key })
    t.match(body, { status, code }, question || 'without the scope')
  }
})

t.test('events are purged when they are old enough, and not before', async (t) => {
  const service = await startService(t)
  const { engine } = service
  await service.member('1')
  const deps = { ...jobDeps(engine), eventDays: 90 }
  const [{ at }] = (await engine.sql`select now() as at`) as unknown as [{ at: Date }]
  const in89 = new Date(at.getTime() + 89 * 86_400_000)
  const in91 = new Date(at.getTime() + 91 * 86_400_000)
  t.match(await runJob(deps, { job: 'purge-events', at: in89 }), { counts: { events: 0 }, failed: 0 })
  t.equal((await all(service, 1)).body.items.length, 1)
  const gone = await runJob(deps, { job: 'purge-events', at: in91 })
  t.match(gone, { ran: true, failed: 0 })
  t.strictSame((await service.get('/v1/events')).body.items, [])
  const later = await runJob(deps, { job: 'purge-events', at: new Date(at.getTime() + 400 * 86_400_000) })
  t.ok('counts' in later && later.counts.months! > 0, 'whole months go as tables')
})

t.test('after a restore into a younger server events stand in front of those that come', async (t) => {
  const service = await startService(t)
  const { engine } = service
  await service.member('1')
  await engine.sql`update outbox set xact_id = '900000000000'::xid8`
  const last = await engine.sql<{ id: string }[]>`select event_id as id from outbox`
  t.strictSame((await service.get('/v1/events')).body.items, [])
  t.match(await runJob(jobDeps(engine), { job: 'purge-events', at: engine.now() }), {
    counts: { broughtForward: 1 },
  })
  const old = `evt_${last[0]!.id.replaceAll('-', '')}`
  t.strictSame(ids(await all(service, 1)), [old])
  await service.member('2')
  await all(service, 1, `&after=${old}`)
  t.equal(ids(await service.get(`/v1/events?after=${old}`)).length, 1, 'a reader goes on where it was')
})
