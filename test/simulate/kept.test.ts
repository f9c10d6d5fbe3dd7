/**
 * What a simulation keeps of what it has read: for nobody else to read, used again only where it still holds, and
 * gone when a member is erased. And events: which ones a simulation knows of.
 */
import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createPrograms } from '../../src/engine/programs.ts'
import { runSimulation, type SimulationAsked } from '../../src/simulate/candidate.ts'
import { EMPTY } from '../../src/simulate/pack.ts'
import { Packer } from '../../src/simulate/packer.ts'
import { dropPacks, type History, openPacks, type Packs, writePack } from '../../src/simulate/packs.ts'
import { isSame, type SimulationResult } from '../../src/simulate/result.ts'
import { type Engine, startEngine } from '../support/engine.ts'

t.setTimeout(600_000)

const rules = (more = '') => `
program: shop
timeZone: Europe/Berlin
money: EUR
currencies: { points: { value: 0.01 EUR, expires: 30 days } }
members: { attributes: { birthDate?: date }, birthday: birthDate }
earn:
  - { id: base, on: purchase, award: 1 point per 1 EUR of net }
  - { id: hello, on: enrolment, award: 10 points }
${more}
tiers:
  period: calendar year
  ladder: [{ id: base }, { id: silver, reach: { spend: 50 EUR } }]
`

const draft = (more: string) => new Map([['program.yaml', rules(more)]])

async function sell(engine: Engine, sale: { card: string; at: string; net: string }): Promise<void> {
  const { card, at, net } = sale
  engine.at(at)
  const line = { lineId: '1', quantity: 1, net: { amount: net, currency: 'EUR' } }
  const body = { externalRef: `${card} ${at}`, type: 'purchase', occurredAt: at, lines: [line] }
  await engine.run({ kind: 'earn', body: { ...body, identifier: { kind: 'card', value: card } } })
}

function freshFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'kept-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function simulated(engine: Engine, more: Partial<SimulationAsked>): Promise<SimulationResult> {
  const all = { program: 'shop', files: null, since: null, until: null, percent: 100, by: null }
  const now = new Date('2026-03-20T00:00:00Z')
  return runSimulation(engine.sql, await createPrograms(engine.sql), { ...all, now, workers: 1, ...more })
}

function given(result: SimulationResult): Record<string, readonly [number, number]> {
  return Object.fromEntries(
    result.rules.map(({ rule, before, after }) => [rule, [before.points, after.points]] as const),
  )
}

async function opened(engine: Engine, keptIn: string, of: History): Promise<Packs> {
  const packs = await openPacks(keptIn, engine.sql, of)
  if (typeof packs === 'string') throw new Error(packs)
  return packs
}

/** Every file below, by its path. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'mark')
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

t.test('what was read is kept as long as it holds', async (t) => {
  const engine = await startEngine(t, rules())
  const keptIn = freshFolder(t)
  for (const card of ['a', 'b']) await engine.enrol(card)
  await sell(engine, { card: 'a', at: '2026-03-06T10:00:00Z', net: '10.00' })
  const first = await simulated(engine, { keptIn })
  t.ok(isSame(first))
  t.same(given(first), { base: [10, 10], hello: [20, 20] })
  const files = filesIn(keptIn)
  t.equal(files.length, 1)
  t.equal(statSync(files[0]!).mode & 0o077, 0, 'for nobody else to read')

  const written = statSync(files[0]!).mtimeMs
  t.same(await simulated(engine, { keptIn }), first)
  t.equal(statSync(files[0]!).mtimeMs, written, 'nothing was read again')

  await sell(engine, { card: 'b', at: '2026-03-07T10:00:00Z', net: '7.00' })
  const grown = await simulated(engine, { keptIn })
  t.same(given(grown), { base: [17, 17], hello: [20, 20] }, 'a member who bought since is read again')
  t.ok(isSame(grown))

  // All of them lapse by then: what was kept of the members' points no longer holds.
  const later = await simulated(engine, { keptIn, now: new Date('2026-05-01T00:00:00Z') })
  t.equal(later.currencies[0]?.before.points, 0)
  t.ok(isSame(later))
  const back = await simulated(engine, { keptIn })
  t.equal(back.currencies[0]?.before.points, 37, 'and not before its time')

  writeFileSync(filesIn(keptIn)[0]!, '{ broken')
  t.same(await simulated(engine, { keptIn }), grown, 'what cannot be read is made anew')

  await dropPacks(keptIn)
  t.same(filesIn(keptIn), [])
  await engine.run({ kind: 'erase', memberId: await engine.enrol('c'), body: { externalRef: 'e' } })
  t.match(await simulated(engine, { keptIn }), { members: 2, leftOut: 1 })
})

t.test('what is kept has its bounds', async (t) => {
  const engine = await startEngine(t, rules())
  const keptIn = freshFolder(t)
  const programs = await createPrograms(engine.sql)
  const of = { program: 'shop', publications: programs.versions('shop'), version: 'v' }
  const packs = await opened(engine, keptIn, of)
  t.equal(await writePack({ ...packs, room: 10 }, 'a', EMPTY), null, 'no more than there is room for')
  t.ok(Number(await writePack(packs, 'a', EMPTY)) > 0)
  t.equal(await writePack({ ...packs, room: 10 }, 'a', EMPTY), 0, 'what is replaced leaves its room')
  const other = await opened(engine, keptIn, { ...of, version: 'w' })
  t.not(other.folder, packs.folder, 'other rules in force, other packs')
  t.ok(other.room < packs.room)
  const draft = join(packs.folder, 'left.tmp')
  writeFileSync(draft, '')
  const old = new Date(Date.now() - 49 * 3_600_000)
  utimesSync(draft, old, old)
  utimesSync(packs.folder, old, old)
  await opened(engine, keptIn, of)
  await opened(engine, keptIn, { ...of, version: 'w' })
  t.same(
    filesIn(keptIn),
    [join(packs.folder, 'a.pack')],
    'asked for, it stays; what was half-written does not',
  )
  utimesSync(packs.folder, old, old)
  await opened(engine, keptIn, { ...of, version: 'w' })
  t.same(filesIn(keptIn), [], 'after two days it is dropped')

  const before = await opened(engine, keptIn, of)
  await dropPacks(keptIn)
  await opened(engine, keptIn, of)
  t.equal(await writePack(before, 'a', EMPTY), null, 'who was erased meanwhile does not come back')
  t.same(filesIn(keptIn), [])

  writeFileSync(join(keptIn, 'file'), '')
  const nowhere = await openPacks(join(keptIn, 'file'), engine.sql, of)
  t.equal(nowhere, 'unwritable_folder', 'nowhere to write: nothing is kept')
})

t.test('goods that are the same are written once, in a pack that goes on as well', (t) => {
  const line = (sku: string | undefined, attributes?: Record<string, string>) => ({
    ...{ lineId: '1', quantity: 1, net: { amount: '1.00', currency: 'EUR' } },
    ...(sku !== undefined && { sku }),
    ...(attributes && { attributes }),
  })
  const lines = [
    line('a'),
    line('b'),
    line('a', {}),
    line('a', { colour: 'red' }),
    line(undefined),
    line('a'),
  ]
  const facts = {
    id: '0198f0a2-b3c4-7000-8000-0000000a0000',
    at: 1,
    recorded: 2,
    rulesVersion: 'v',
    gave: [],
  }
  const member = { enrolledAt: '2026-01-01T00:00:00.000Z', attributes: {}, tiers: {} }
  const valuation = { member, used: [], spend: '6' }
  const sale = { ...facts, enrolledAt: member.enrolledAt, request: { type: 'purchase', lines }, valuation }
  const packer = new Packer(EMPTY)
  t.ok(packer.sale(sale))
  const first = packer.pack([])
  t.same([...first.lines.place], [0, 1, 0, 2, 3, 0])
  const further = new Packer(first)
  t.ok(further.sale(sale))
  t.same([...further.pack([]).lines.place], [0, 1, 0, 2, 3, 0])
  t.equal(further.pack([]).lines.goods.length, 4)
  t.end()
})

t.test('events in a simulation', async (t) => {
  const engine = await startEngine(t, rules())
  for (const card of ['a', 'b']) await engine.enrol(card)
  await sell(engine, { card: 'a', at: '2026-03-06T10:00:00Z', net: '60.00' })

  const larger = await simulated(engine, {
    files: new Map([['program.yaml', rules().replace('10 points', '25 points')]]),
  })
  t.same(given(larger), { base: [60, 60], hello: [20, 50] }, 'an enrolment that was recorded is valued again')
  t.same(larger.unrecordedEvents, [])

  const reached = await simulated(engine, {
    files: draft('  - { id: rise, on: tierReached, award: 100 points }'),
  })
  t.same(
    given(reached),
    { base: [60, 60], hello: [20, 20], rise: [0, 100] },
    'a tier is reached in the replay',
  )
  t.same(reached.unrecordedEvents, [])

  const unheard = await simulated(engine, {
    files: draft(
      '  - { id: cake, on: birthday, award: 100 points }\n  - { id: year, on: anniversary, award: 5 points }',
    ),
  })
  t.same(given(unheard), { base: [60, 60], hello: [20, 20] })
  t.same(unheard.unrecordedEvents, ['birthday', 'anniversary'], 'what nobody recorded is said to be left out')
})
