/**
 * The job that packs what simulations read: what it made is all that a simulation looks at, it does nothing twice,
 * and knows where there is nothing to be done.
 */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { newId } from '../../src/base/ids.ts'
import { createPrograms } from '../../src/engine/programs.ts'
import { publish } from '../../src/engine/publish.ts'
import { insertPublication } from '../../src/engine/queries.ts'
import { lastRuns } from '../../src/jobs/queries.ts'
import { runJob } from '../../src/jobs/run.ts'
import { runSimulation } from '../../src/simulate/candidate.ts'
import { dropPacks, MOST_BYTES } from '../../src/simulate/packs.ts'
import { isSame, type SimulationResult } from '../../src/simulate/result.ts'
import { CHUNK } from '../../src/simulate/simulate.ts'
import { type Engine, startEngine } from '../support/engine.ts'
import { jobDeps } from '../support/jobs.ts'

t.setTimeout(600_000)

const rules = (program = 'shop', more = '') => `
program: ${program}
timeZone: Europe/Berlin
money: EUR
currencies: { points: { value: 0.01 EUR, expires: 400 days } }
earn: [{ id: base, on: purchase, award: 1 point per 1 EUR of net }]
${more}
`

const NOON = '2026-03-06T12:00:00Z'

async function sell(engine: Engine, card: string, net: string, ref: string): Promise<void> {
  const line = { lineId: '1', quantity: 1, net: { amount: net, currency: 'EUR' } }
  const body = { externalRef: ref, type: 'purchase', occurredAt: '2026-03-05T10:00:00Z', lines: [line] }
  await engine.run({ kind: 'earn', body: { ...body, identifier: { kind: 'card', value: card } } })
}

/** Three members; the first two bought for 10 and for 20. */
async function startShop(t: Test, text = rules()): Promise<Engine> {
  const engine = await startEngine(t, text)
  engine.at('2026-03-05T12:00:00Z')
  for (const card of ['a', 'b', 'c']) await engine.enrol(card)
  await sell(engine, 'a', '10.00', 'a 1')
  await sell(engine, 'b', '20.00', 'b 1')
  engine.at(NOON)
  return engine
}

function freshFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'pack-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function pack(engine: Engine, folder?: string, signal?: AbortSignal) {
  return runJob(jobDeps(engine, folder), { job: 'pack', at: engine.now(), signal })
}

async function simulated(engine: Engine, keptIn: string): Promise<SimulationResult> {
  const all = { program: 'shop', files: null, since: null, until: null, percent: 100, by: null }
  return runSimulation(engine.sql, await createPrograms(engine.sql), {
    ...{ ...all, now: engine.now(), workers: 1, keptIn },
  })
}

function packsIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(({ name }) => name.endsWith('.pack'))
    .map((entry) => join(entry.parentPath, entry.name))
}

/** Behind the members' backs, so that whoever reads these rows again comes to something else. */
async function spoilRows(engine: Engine): Promise<void> {
  const { count } = await engine.sql`
    update transactions set valuation = jsonb_set(valuation::jsonb, '{spend}', '"77"')::json`
  if (count === 0) throw new Error('there is no row to spoil')
}

t.test('a simulation reads what the job packed, and no row of it', async (t) => {
  const engine = await startShop(t)
  const keptIn = freshFolder(t)
  const first = await pack(engine, keptIn)
  const shop = { program: 'shop', of: 3, members: 3, packed: 3, sales: 2, noRoom: 0 }
  t.match(first, { ran: true, unkept: null, programs: [shop] })
  const [file] = packsIn(keptIn)
  t.match(first, { programs: [{ bytes: statSync(file!).size + 36 }] }, 'its bytes, with the mark')
  t.match((await lastRuns(engine.sql))[0], { job: 'pack', finishedAt: new Date(NOON), outcome: { ok: true } })
  const written = statSync(file!).mtimeMs
  await spoilRows(engine)

  const result = await simulated(engine, keptIn)
  t.ok(isSame(result))
  t.match(result, { members: 3, transactions: 2, spend: '30' })
  t.match(
    await pack(engine, keptIn),
    { programs: [{ ...shop, packed: 0, sales: 0 }] },
    'nothing new, nothing done',
  )
  t.equal(statSync(file!).mtimeMs, written)

  await sell(engine, 'c', '5.00', 'c 1')
  t.match(await pack(engine, keptIn), { programs: [{ ...shop, packed: 1, sales: 1 }] }, 'who bought since')
  t.match(await simulated(engine, keptIn), { transactions: 3, spend: '35' })

  await dropPacks(keptIn)
  t.match(await simulated(engine, freshFolder(t)), { spend: '159.00' }, 'without packs rows are read')
  await engine.run({ kind: 'erase', memberId: await engine.enrol('d'), body: { externalRef: 'e' } })
  t.match(
    await pack(engine, keptIn),
    { programs: [{ of: 4, packed: 3, sales: 3 }] },
    'dropped, it is made anew',
  )
})

t.test('as of now, whatever it is asked for', async (t) => {
  const engine = await startShop(t)
  const keptIn = freshFolder(t)
  await runJob(jobDeps(engine, keptIn), { job: 'pack', at: new Date('2029-01-01T00:00:00Z') })
  t.match(await pack(engine, keptIn), { programs: [{ packed: 0 }] })
})

t.test('two at once', async (t) => {
  const engine = await startShop(t)
  const keptIn = freshFolder(t)
  const reports = await Promise.all([pack(engine, keptIn), pack(engine, keptIn)])
  const packed = reports.map((report) => {
    const [one] = report.ran && report.job === 'pack' ? report.programs : []
    return one && 'packed' in one ? one.packed : 0
  })
  t.same(packed.sort(), [0, 3], 'once, be it that they come one after the other')
  t.equal(packsIn(keptIn).length, 1)
  const beside = await Promise.all([
    dropPacks(keptIn).then(() => simulated(engine, keptIn)),
    pack(engine, keptIn),
  ])
  t.ok(isSame(beside[0]), 'and beside a simulation, with packs dropped just then')
})

/** One more than goes into one pack. */
async function startLargeShop(t: Test): Promise<Engine> {
  const engine = await startShop(t)
  await Promise.all(Array.from({ length: CHUNK }, (_, index) => engine.enrol(`m${index}`)))
  return engine
}

t.test('called off, it tells what it came to, and the next run goes on', async (t) => {
  const engine = await startLargeShop(t)
  const keptIn = freshFolder(t)
  t.match(await pack(engine, keptIn, AbortSignal.abort()), { ran: true, programs: [] })
  const abort = new AbortController()
  const { signal } = abort
  const only = { onProgress: () => abort.abort() }
  const cut = await runJob(jobDeps(engine, keptIn), { job: 'pack', at: engine.now(), signal, only })
  t.match(cut, { ran: true, programs: [{ of: 1_003, packed: 1_000 }] })
  const next = await pack(engine, keptIn)
  t.match(next, { programs: [{ of: 1_003, members: 1_003 }] })
  const [one] = next.ran && next.job === 'pack' ? next.programs : []
  t.ok(one && 'packed' in one && one.packed <= 3, 'what was packed stays packed')
  t.equal(packsIn(keptIn).length, 2)
})

t.test('several programs, and those that nobody could simulate from packs', async (t) => {
  const engine = await startShop(t)
  const keptIn = freshFolder(t)
  const idle = rules('idle').replace('400 days', '{ after: 12 months without activity, activity: [earn] }')
  const [then, since, later] = ['2026-03-01', '2026-03-02', '2027-01-01'].map((day) => new Date(day))
  for (const [text, at] of [
    [rules('empty')],
    [idle],
    [rules('lost'), since],
    [rules('later'), later],
  ] as const) {
    const files = new Map([['program.yaml', text]])
    await publish(engine.sql, { files, by: 'test', now: then!, ...(at && { at }) })
  }
  // As if this Milepost no longer understood a version of before; the one in force it does.
  await insertPublication(engine.sql, {
    ...{ program: 'lost', publication_id: newId(), version: 'a'.repeat(64), effective_from: then! },
    ...{ published_at: then!, published_by: 'test', note: null, files: { 'program.yaml': 'program: lost' } },
  })
  const report = await pack(engine, keptIn)
  t.match(report, {
    programs: [
      { program: 'empty', of: 0, packed: 0 },
      { program: 'idle', passedOver: 'long_way' },
      { program: 'lost', passedOver: 'rules_unreadable' },
      { program: 'shop', packed: 3 },
    ],
  })
  t.equal(
    report.ran && report.job === 'pack' && report.programs.length,
    4,
    'of later there is nothing in force',
  )
})

t.test('no more than there is room for, and what finds none is not read for nothing', async (t) => {
  const engine = await startLargeShop(t)
  const keptIn = freshFolder(t)
  const other = join(keptIn, 'simulations', 'other')
  mkdirSync(other, { recursive: true })
  writeFileSync(join(other, 'large.pack'), '')
  truncateSync(join(other, 'large.pack'), MOST_BYTES)
  t.match(await pack(engine, keptIn), { programs: [{ of: 1_003, members: 1_003, packed: 0, noRoom: 1_003 }] })
  t.equal(packsIn(keptIn).length, 1)
  t.ok(isSame(await simulated(engine, keptIn)))
})

t.test('where nothing can be kept it says so', async (t) => {
  const engine = await startShop(t)
  const keptIn = freshFolder(t)
  const file = join(keptIn, 'file')
  writeFileSync(file, '')
  chmodSync(file, 0o400)
  t.match(await pack(engine, join(file, 'data')), { ran: true, programs: [], unkept: 'unwritable_folder' })
  t.match(await pack(engine), { unkept: 'unwritable_folder' })
  t.match((await lastRuns(engine.sql))[0], { outcome: { ok: true, unkept: 'unwritable_folder' } })
})
