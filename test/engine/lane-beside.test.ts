/** The lane on a thread of its own: the same answers and refusals, in order, bounded, and none left hanging. */
import type { Worker } from 'node:worker_threads'
import t from 'tap'
import { besideOf, startThread } from '../../src/base/thread.ts'
import type { LaneTask } from '../../src/cli/lane-thread.ts'
import { newCommand, type Request } from '../../src/engine/command.ts'
import type { Lane } from '../../src/engine/lane.ts'
import { type BesideOptions, laneBeside } from '../../src/engine/lane-beside.ts'
import { publish } from '../../src/engine/publish.ts'
import { type Engine, startEngine } from '../support/engine.ts'
import { RULES, redeem, sale } from './shop.ts'

interface Beside {
  readonly lane: Lane
  readonly thread: Worker
  /** the reply parsed, or the refusal */
  ask(request: Request, ref?: string): Promise<unknown>
}

let count = 0

const entry = besideOf(import.meta.url, '../../src/cli/lane-thread')

async function beside(
  test: Parameters<typeof startEngine>[0],
  engine: Engine,
  options: Partial<LaneTask & Pick<BesideOptions, 'limit' | 'onGroup' | 'onRules'>> = {},
): Promise<Beside> {
  const { url, groups = 2, queueLimit = 10_000, ...given } = { url: engine.url, ...options }
  const task: LaneTask = { url, groups, queueLimit }
  const thread = startThread(entry, task)
  test.teardown(() => thread.terminate())
  const how = { limit: 10_000, onRules: () => engine.programs.refresh(), ...given }
  const lane = await laneBeside({ thread, previews: engine.lane, ...how })
  const ask = async (request: Request, ref = `beside-${++count}`) => {
    const command = newCommand({ program: 'shop', source: 'till', ref, at: engine.now() }, request)
    return lane.run(command).then(({ body, replayed }) => ({ ...JSON.parse(body), replayed }), refusalOf)
  }
  return { lane, thread, ask }
}

function refusalOf(error: unknown): object {
  const { name, code, details, message } = error as Error & { code?: unknown; details?: unknown }
  return { name, code, details, message }
}

t.test('it answers and refuses as the lane itself does', async (t) => {
  const engine = await startEngine(t, RULES)
  const { ask, lane } = await beside(t, engine)
  const stranger = '00000000-0000-7000-8000-000000000000'
  const memberId = await engine.enrol('4711')
  t.match(await ask(sale(memberId, '12.50'), 'one'), { replayed: false, balances: [{ available: 12 }] })
  t.match(await ask(sale(memberId, '12.50'), 'one'), { replayed: true, balances: [{ available: 12 }] })
  t.match(await ask(redeem(memberId, 2), 'one'), { replayed: false, status: 'captured' })

  const refusals: [string, Request, string][] = [
    ['idempotency_conflict', sale(memberId, '12.51'), 'one'],
    ['insufficient_points', redeem(memberId, 11), 'much'],
    ['member_not_found', redeem(stranger, 1), 'who'],
    [
      'unknown_currency',
      { kind: 'redeem', body: { memberId, currency: 'pionts', points: 1 } } as never,
      'typo',
    ],
    ['date_out_of_range', sale(memberId, '1.00', 'x', '9999-12-31T00:00:00Z'), 'late'],
  ]
  for (const [code, request, ref] of refusals) {
    const command = newCommand({ program: 'shop', source: 'till', ref, at: engine.now() }, request)
    const own = await engine.lane.run(command).then(({ body }) => ({ body }), refusalOf)
    t.match(own, { name: 'DomainError', code })
    t.same(await ask(request, ref), own, `${code}, with the same details and words`)
  }
  const command = newCommand(
    { program: 'shop', source: 'till', ref: 'p', at: engine.now() },
    sale(memberId, '3'),
  )
  t.match(JSON.parse((await lane.preview(command)).body), { balances: [{ available: 13 }] })
  t.same(await engine.findings(), [])
})

t.test('a defect comes across with what says where it is', async (t) => {
  const engine = await startEngine(t, RULES)
  const { ask } = await beside(t, engine)
  const nonsense = { kind: 'earn', body: { externalRef: 'x', memberId: 'no uuid' } } as unknown as Request
  t.match(await ask(nonsense), { name: /Error$/, message: /./, details: undefined })
  const memberId = await engine.enrol('4711')
  t.match(await ask(sale(memberId, '5.00')), { balances: [{ available: 5 }] }, 'and the next one is answered')
})

t.test('what comes at once is answered once, in order of arrival, and counted', async (t) => {
  const engine = await startEngine(t, RULES)
  let counted = 0
  const { ask, lane } = await beside(t, engine, {
    onGroup: ({ size }) => {
      counted += size
    },
  })
  const memberId = await engine.enrol('4711')
  const asked = Array.from({ length: 300 }, () => ask(sale(memberId, '1.00')))
  t.equal(lane.depth, 300)
  const available = (await Promise.all(asked)).map((reply) => (reply as Reply).balances[0]?.available)
  t.same(
    available,
    Array.from({ length: 300 }, (_, index) => index + 1),
  )
  t.equal(lane.depth, 0)
  t.equal(counted, 300)
  t.same(await engine.findings(), [])
})

interface Reply {
  readonly balances: readonly { readonly available: number }[]
}

t.test('commands without an answer are bounded, here and in the thread', async (t) => {
  const engine = await startEngine(t, RULES)
  const memberId = await engine.enrol('4711')
  const cases: [string, Partial<LaneTask & { limit: number }>, number][] = [
    ['here', { limit: 10 }, 10],
    ['in the thread', { queueLimit: 7, groups: 1 }, 7],
  ]
  for (const [name, options, accepted] of cases) {
    const { ask } = await beside(t, engine, options)
    const outcomes = await Promise.all(Array.from({ length: 30 }, () => ask(sale(memberId, '1.00'))))
    const refused = outcomes.filter((outcome) => (outcome as { code?: string }).code === 'queue_full')
    t.equal(refused.length, 30 - accepted, name)
  }
  t.match(await engine.run(sale(memberId, '1.00')), { balances: [{ available: 18 }] })
})

t.test('closing lets what was accepted finish and refuses what comes', async (t) => {
  const engine = await startEngine(t, RULES)
  const { ask, lane } = await beside(t, engine)
  const memberId = await engine.enrol('4711')
  const accepted = ask(sale(memberId, '5.00'))
  const closed = lane.close()
  t.match(await ask(sale(memberId, '5.00')), { code: 'queue_full' })
  await closed
  t.match(await accepted, { balances: [{ available: 5 }] })
  t.equal(lane.depth, 0)
  await lane.close()
})

t.test('who has an answer under new rules finds these rules', async (t) => {
  const engine = await startEngine(t, RULES)
  const { ask } = await beside(t, engine)
  const memberId = await engine.enrol('4711')
  await ask(sale(memberId, '5.00'))
  const files = new Map([['program.yaml', RULES.replace('1 point per', '3 points per')]])
  const { version } = await publish(engine.sql, { files, by: 'test', now: engine.now() })
  t.throws(() => engine.programs.version('shop', version), { code: 'rules_version_not_found' })
  t.match(await ask(sale(memberId, '5.00')), { balances: [{ available: 20 }] })
  t.equal(engine.programs.version('shop', version).id, 'shop')
})

t.test('a thread that ends leaves nobody waiting', async (t) => {
  const engine = await startEngine(t, RULES)
  const { ask, lane, thread } = await beside(t, engine)
  const memberId = await engine.enrol('4711')
  const asked = Array.from({ length: 50 }, () => ask(sale(memberId, '1.00')))
  await thread.terminate()
  const outcomes = await Promise.all(asked)
  const lost = outcomes.filter((one) => (one as { message?: string }).message === 'the lane has ended')
  t.ok(lost.length > 0)
  t.match(await ask(sale(memberId, '1.00')), { code: 'queue_full' })
  await lane.close()
  t.same(await engine.findings(), [])
})

t.test('a thread that cannot begin says why', async (t) => {
  const engine = await startEngine(t, RULES)
  const url = engine.url.replace(/\/[^/]*$/, '/no_such_database')
  await t.rejects(beside(t, engine, { url }), { message: /no_such_database/ })
})
