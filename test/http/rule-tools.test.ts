/** The rule tools over HTTP: explain, diff, versions, rollback, withdraw, simulate. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { publish } from '../../src/engine/publish.ts'
import { jsonSchema } from '../../src/program/schema.ts'
import { sale, shopRules, startService } from './front.ts'

t.setTimeout(600_000)

const limited = shopRules.replace(
  'award: 5 beans\n',
  'award: 5 beans\n    limit: 8 beans per member per month\n',
)

t.test('explain: each rule with its numbers, and why the others gave nothing', async (t) => {
  const { engine, get, post, member } = await startService(t)
  const memberId = await member('1')
  t.equal((await post('/v1/rules/publish', { files: { 'program.yaml': limited } })).body.published, true)
  engine.at('2026-03-03T12:00:00Z')
  const tuesday = { memberId, occurredAt: '2026-03-03T11:30:00Z' }
  const ids: string[] = []
  for (const ref of ['s1', 's2', 's3'])
    ids.push((await post('/v1/transactions', sale(ref, '7.60', tuesday))).body.transactionId)
  // Other rules since; what was posted is explained by those of then.
  engine.at('2026-03-10T09:00:00Z')
  const doubled = { 'program.yaml': shopRules.replace('award: 1 bean per', 'award: 2 beans per') }
  t.equal((await post('/v1/rules/publish', { files: doubled })).body.published, true)

  const texts = async (id: string | undefined) => {
    const { body } = await get(`/v1/transactions/${id}?explain=true`)
    return body.trace.map(({ text }: { text: string }) => text)
  }
  const base = 'base gave 7 beans: 1 bean per 1 EUR of 7.60 EUR net, rounded down from 7.6'
  const starry = 'starry gave nothing: channel is missing'
  const status = 'status gave 7 credits: 1 credit per 1 EUR of 7.60 EUR net, rounded down from 7.6'
  t.strictSame(await texts(ids[0]), [base, 'tuesday gave 5 beans: a fixed 5 beans', starry, status])
  t.strictSame(await texts(ids[1]), [
    base,
    'tuesday gave 3 beans: a fixed 5 beans, cut to 3 by the limit of 8 beans per member per month',
    starry,
    status,
  ])
  const [, spent] = await texts(ids[2])
  t.match(spent, /^tuesday gave nothing: it came to 5, and the limit of .+ had nothing left/)
  const { trace } = (await get(`/v1/transactions/${ids[1]}?explain=true`)).body
  t.match(trace[0], { fired: true, saw: { net: '7.60 EUR' }, exact: '7.6', rounding: 'floor', points: 7 })
  t.match(trace[1], { fired: true, exact: '5', trimmed: 2, currency: 'beans', points: 3 })
  t.match(trace[2], { fired: false, because: 'channel is missing' })

  await t.test('a quote too, which writes nothing', async (t) => {
    engine.at('2026-03-10T12:00:00Z')
    const before = await engine.checksum()
    const body = sale('q', '7.60', { memberId, occurredAt: '2026-03-10T11:30:00Z', channel: 'web' })
    const plain = await post('/v1/transactions/quote', body)
    t.notOk('trace' in plain.body)
    const told = await post('/v1/transactions/quote?explain=true', body)
    t.equal(told.status, 200)
    t.match(told.body.trace[0].text, 'base gave 15 beans: 2 beans per 1 EUR of 7.60 EUR net, rounded down')
    t.match(told.body.trace[2], { rule: 'starry', fired: true, currency: 'stars', points: 3 })
    t.equal(await engine.checksum(), before)
  })
})

t.test('versions: listed by pages, compared, withdrawn, rolled back', async (t) => {
  const { get, post, engine } = await startService(t)
  const first: string = (await get('/v1/rules')).body.version
  const publish = async (beans: number, more: object = {}) => {
    const text = shopRules.replace('award: 1 bean per', `award: ${beans} beans per`)
    return (await post('/v1/rules/publish', { files: { 'program.yaml': text }, ...more })).body
      .version as string
  }
  const second = await publish(2, { note: 'twice as much' })
  const third = await publish(3, { at: '2026-04-01T00:00:00Z' })

  const { items, nextCursor } = (await get('/v1/rules/versions?limit=2')).body
  t.match(items, [
    { version: third, state: 'scheduled', until: null, withdrawn: null },
    { version: second, state: 'in_force', until: '2026-04-01T00:00:00.000Z', note: 'twice as much' },
  ])
  const rest = (await get(`/v1/rules/versions?limit=2&cursor=${nextCursor}`)).body
  t.match(rest, { items: [{ version: first, state: 'replaced' }], nextCursor: null })
  t.match(await get('/v1/rules/versions?cursor=nonsense'), { status: 400, body: { code: 'invalid_cursor' } })

  const changed = await get(`/v1/rules/diff?from=${first.slice(0, 8)}&to=${third}`)
  t.match(changed.body, {
    from: first,
    to: third,
    changes: [
      {
        path: ['earn', 'base', 'award'],
        text: 'rule base: 1 bean per 1 EUR of net -> 3 beans per 1 EUR of net',
      },
    ],
  })
  t.match((await get(`/v1/rules/diff?from=${first}`)).body, { to: second }, 'the version in force')
  t.strictSame((await get('/v1/rules/schema')).body, JSON.parse(JSON.stringify(jsonSchema())))
  t.strictSame((await get(`/v1/rules/diff?from=${second}`)).body.changes, [])
  t.match(await get('/v1/rules/diff?from=ffffffff'), {
    status: 404,
    body: { code: 'rules_version_not_found' },
  })

  const gone = await post('/v1/rules/withdraw', { version: third.slice(0, 10), note: 'too dear' })
  t.match(gone, { status: 200, body: { version: third, effectiveFrom: '2026-04-01T00:00:00.000Z' } })
  t.match(await post('/v1/rules/withdraw', { version: second }), {
    status: 409,
    body: { code: 'rules_version_begun' },
  })
  t.match((await get('/v1/rules/versions')).body.items[0], {
    state: 'withdrawn',
    withdrawn: { by: 'till', note: 'too dear' },
  })

  engine.at('2026-03-04T10:00:00Z')
  const back = await post('/v1/rules/rollback', { version: first, note: 'too dear as well' })
  t.match(back, { status: 200, body: { version: first, published: true } })
  t.equal((await get('/v1/rules')).body.version, first)
  t.match(await post('/v1/rules/rollback', { version: 'ffffffff' }), { status: 404 })
})

t.test('a draft beside what is published, in words', async (t) => {
  const { get, post, engine } = await startService(t)
  const first: string = (await get('/v1/rules')).body.version
  const beans = (count: number) => ({
    'program.yaml': shopRules.replace('award: 1 bean per', `award: ${count} beans per`),
  })
  await post('/v1/rules/publish', { files: beans(2) })
  const before = await engine.checksum()
  const words = async (body: object) =>
    (await post('/v1/rules/diff', body)).body.changes.map(({ text }: { text: string }) => text)
  const base = (from: string) => [`rule base: ${from} per 1 EUR of net -> 3 beans per 1 EUR of net`]
  t.strictSame(await words({ files: beans(3) }), base('2 beans'), 'beside the version in force')
  t.strictSame(await words({ files: beans(3), from: first.slice(0, 8) }), base('1 bean'), 'beside an old one')
  t.strictSame(await words({ files: beans(2) }), [])
  const failing = {
    ...beans(3),
    'x.examples.yaml':
      'examples: [{ name: x, transaction: { occurredAt: 2026-03-03 }, awards: { base: 1 bean } }]',
  }
  t.match(await words({ files: failing }), [...base('2 beans'), /^example "x" is new/], 'examples may fail')

  // Each row: what is wrong with what is asked, and what is answered.
  const foreign = shopRules.replace(/^program: .*$/m, 'program: elsewhere')
  const rows = [
    [{ files: { 'program.yaml': `${shopRules}generosity: high\n` } }, 422, 'rules_invalid', /generosity/],
    [{ files: { 'program.yaml': foreign } }, 422, 'rules_invalid', /these are the rules of elsewhere/],
    [{ files: beans(3), from: 'ffffffff' }, 404, 'rules_version_not_found', /no/i],
  ] as const
  for (const [body, status, code, detail] of rows)
    t.match(await post('/v1/rules/diff', body), { status, body: { code, detail } })
  t.equal(await engine.checksum(), before, 'nothing is written')
})

t.test('what another process published is told of at once', async (t) => {
  const { get, engine } = await startService(t)
  const first: string = (await get('/v1/rules')).body.version
  const files = new Map([['program.yaml', shopRules.replace('award: 1 bean per', 'award: 2 beans per')]])
  const { version } = await publish(engine.sql, { files, by: 'eve', now: engine.now() })
  const paths = ['/v1/rules', '/v1/rules/versions', `/v1/rules/diff?from=${first}`]
  const [rules, versions, diff] = await Promise.all(paths.map((path) => get(path)))
  t.match([rules?.body.version, versions?.body.items[0].version, diff?.body.to], [version, version, version])
})

t.test('simulate: before and after, and nothing is written', async (t) => {
  const { engine, get, post, member } = await startService(t)
  const ids = [await member('1'), await member('2')]
  for (const [index, memberId] of ids.entries())
    await post('/v1/transactions', sale(`s${index}`, `${40 + 20 * index}.00`, { memberId }))
  await post('/v1/redemptions', { externalRef: 'r', memberId: ids[1], currency: 'beans', points: 60 })
  const closed = await member('3')
  t.equal((await post(`/v1/members/${closed}/close`, { externalRef: 'c' })).status < 300, true)
  const before = await engine.checksum()

  const same = await post('/v1/rules/simulate', {})
  t.equal(same.status, 200)
  t.match(same.body, {
    version: null,
    members: 2,
    leftOut: 1,
    transactions: 2,
    better: 0,
    worse: 0,
    refused: [],
  })

  const half = shopRules
    .replace('award: 1 bean per 1 EUR', 'award: 1 bean per 2 EUR')
    .replace('credits: 100', 'credits: 50')
  const { body } = await post('/v1/rules/simulate', { files: { 'program.yaml': half } })
  t.match(body, {
    members: 2,
    spend: '100.00',
    better: 0,
    worse: 2,
    rules: [
      {
        rule: 'base',
        before: { points: 100, value: '5.00', awards: 2 },
        after: { points: 50, value: '2.50' },
      },
      { rule: 'status', difference: { points: 0, value: null } },
    ],
    // 40 and 60 earned, 60 spent: half of it does not pay for the redemption.
    liability: { before: '2.00', after: '2.50', difference: '0.50' },
    tiers: [
      { tier: 'base', before: 2, after: 1 },
      { tier: 'silver', before: 0, after: 1 },
      { tier: 'gold', before: 0, after: 0 },
    ],
    moves: [{ from: 'base', to: 'silver', members: 1 }],
    groups: [{ group: 'base', members: 2, worse: 2 }],
    winners: [],
    losers: [
      { memberId: ids[1], worth: '-1.50' },
      { memberId: ids[0], worth: '-1.00' },
    ],
    refused: [{ command: 'redeem', code: 'insufficient_points', count: 1 }],
  })
  t.equal(await engine.checksum(), before, 'nothing is written')
  t.equal((await get('/v1/rules/versions')).body.items.length, 1, 'nor published')

  const later = await post('/v1/rules/simulate', {
    files: { 'program.yaml': half },
    since: '2026-03-03T00:00:00Z',
  })
  t.match(later.body, { transactions: 0, worse: 0 }, 'sales before its time are not counted, nor changed')

  for (const [asked, code] of [
    [{ files: { 'program.yaml': shopRules.replace('program: shop', 'program: other') } }, 'rules_invalid'],
    [{ files: { 'program.yaml': 'program: [' } }, 'rules_invalid'],
    [{ by: 'birthYaer' }, 'unknown_fact'],
    [{ sample: 0 }, 'malformed_request'],
    [{ since: '2026-03-03T00:00:00Z', until: '2026-03-03T00:00:00Z' }, 'malformed_request'],
  ] as const) {
    t.equal((await post('/v1/rules/simulate', asked)).body.code, code, JSON.stringify(asked).slice(0, 40))
  }
  const bySegment = await post('/v1/rules/simulate', { by: 'segment' })
  t.match(bySegment.body, { code: 'unknown_fact', detail: 'this program has no segments' })
  const [one, other] = await Promise.all([post('/v1/rules/simulate', {}), post('/v1/rules/simulate', {})])
  t.strictSame([one.status, other.status].sort(), [200, 503], 'one at a time')
})

t.test('what a simulation keeps is gone with whoever is erased', async (t) => {
  const dataFolder = mkdtempSync(join(tmpdir(), 'kept-'))
  t.teardown(() => rmSync(dataFolder, { recursive: true, force: true }))
  const { post, member } = await startService(t, { dataFolder })
  const memberId = await member('a')
  t.equal((await post('/v1/rules/simulate', {})).status, 200)
  t.not(readdirSync(dataFolder, { recursive: true }).length, 0)
  t.equal((await post(`/v1/members/${memberId}/erase`, { externalRef: 'e' })).status, 200)
  t.same(readdirSync(dataFolder), [])
})
