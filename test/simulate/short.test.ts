/**
 * The short way of a simulation gives what the long way gives, which decides every command as the engine does: for
 * any sales and returns, under the rules as recorded and under others, read anew and from what was kept.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Executor } from '../../src/db/connection.ts'
import { createPrograms } from '../../src/engine/programs.ts'
import { publish } from '../../src/engine/publish.ts'
import { loadProgram } from '../../src/program/load.ts'
import { courseOf } from '../../src/simulate/budgets.ts'
import { simulateMembers } from '../../src/simulate/chunk.ts'
import type { Where } from '../../src/simulate/kept.ts'
import type { Simulated } from '../../src/simulate/member-run.ts'
import { openPacks } from '../../src/simulate/packs.ts'
import { pastRules } from '../../src/simulate/replay.ts'
import { type SimulatedStretch, simulateStretch } from '../../src/simulate/stretch.ts'
import { addTally, type Tally } from '../../src/simulate/tally.ts'
import { type Engine, startEngine, uuidOf } from '../support/engine.ts'
import { fc, runs } from '../support/property.ts'

t.setTimeout(600_000)

interface Rates {
  readonly base: number
  readonly cap: number
  readonly silver: number
}

/** Everything that the short way knows how to tell: limits, budgets, tiers that are lost, lots that lapse, funders. */
const rules = ({ base, cap, silver }: Rates) =>
  `
program: shop
timeZone: Europe/Berlin
money: EUR
partners: [dairy]
currencies:
  points: { value: 0.01 EUR, expires: 40 days, pending: 2 days }
  stars: { value: 0.05 EUR, expires: 1 month, end of month }
transactions:
  purchase: { fields: { app?: boolean } }
members:
  segments: [vip]
neverEarn: { line.category: deposit }
earn:
  - { id: base, on: purchase, forEach: line, award: ${base} points per 1 EUR of line.net }
  - { id: milk, on: purchase, forEach: line, when: { line.category: milk }, award: 2 points per 1 EUR of line.gross, funder: dairy }
  - { id: app, on: purchase, when: { app: true }, award: 7 stars, limit: ${cap} stars per member per month }
  - { id: flash, on: purchase, award: 1 point per 2 EUR of net, limit: 90 points in all per month }
  - { id: large, on: purchase, when: { net: { atLeast: 150 } }, award: 5 stars, limit: { of: 10 stars per member per year, over: refuse } }
  - { id: silver, on: purchase, when: { tier: { atLeast: silver } }, award: points = 0.5 * awarded(base) }
  - { id: vip, on: purchase, when: { segment: vip }, award: 3 stars }
  - { id: hello, on: enrolment, award: 20 stars }
tiers:
  period: rolling 2 months
  validity: 1 months
  downgrade: one step
  ladder: [{ id: base }, { id: silver, reach: { spend: ${silver} EUR } }, { id: gold, reach: { transactions: 9, spend: 400 EUR } }]
returns: negative
`.replaceAll('expires: 1 month, end of month', 'expires: "1 month, end of month"')

const usual: Rates = { base: 1, cap: 20, silver: 90 }
const DAY = 86_400_000
const MEMBERS = 4

type Step =
  | { do: 'wait'; days: number }
  | { do: 'publish'; base: number }
  | { do: 'sell'; member: number; cents: readonly number[]; app: boolean; inPoints: boolean; late: number }
  | { do: 'return'; sale: number; line: number; all: boolean }
  | { do: 'redeem'; member: number }
  | { do: 'segment'; member: number; member_: boolean }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 40,
    arbitrary: fc.record({ do: fc.constant('wait' as const), days: fc.integer({ min: 0, max: 20 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('publish' as const), base: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 100,
    arbitrary: fc.record({
      do: fc.constant('sell' as const),
      member: fc.nat(MEMBERS - 1),
      cents: fc.array(fc.integer({ min: 1, max: 9_999 }), { minLength: 1, maxLength: 4 }),
      app: fc.boolean(),
      inPoints: fc.boolean(),
      late: fc.oneof(
        { weight: 9, arbitrary: fc.constant(0) },
        { weight: 1, arbitrary: fc.integer({ min: 0, max: 9 }) },
      ),
    }),
  },
  {
    weight: 40,
    arbitrary: fc.record({
      do: fc.constant('return' as const),
      sale: fc.nat(12),
      line: fc.nat(3),
      all: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('redeem' as const), member: fc.nat(MEMBERS - 1) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('segment' as const),
      member: fc.nat(MEMBERS - 1),
      member_: fc.boolean(),
    }),
  },
)

interface Shop {
  readonly engine: Engine
  readonly members: string[]
  readonly sales: string[]
  time: number
  asked: number
}

async function openShop(engine: Engine, run: number): Promise<Shop> {
  const time = Date.UTC(2026, 0, 5, 11) + run * 500 * DAY
  engine.at(new Date(time).toISOString())
  const members: string[] = []
  for (let number = 0; number < MEMBERS; number += 1) members.push(await engine.enrol(`${run}-${number}`))
  return { engine, members, sales: [], time, asked: 0 }
}

async function take(shop: Shop, what: Step): Promise<void> {
  const { engine, members, sales } = shop
  shop.asked += 1
  const externalRef = `${shop.asked}`
  const money = (cents: number) => ({ amount: (cents / 100).toFixed(2), currency: 'EUR' })
  const ask = async (request: Parameters<Engine['run']>[0]) => {
    const outcome = await engine.refused(request)
    const said = 'no refusal but '
    return outcome.startsWith(said) ? JSON.parse(outcome.slice(said.length)) : null
  }
  const now = () => engine.now().toISOString()
  switch (what.do) {
    case 'wait':
      shop.time += what.days * DAY + 3_600_000
      engine.at(new Date(shop.time).toISOString())
      return
    case 'publish': {
      const files = new Map([['program.yaml', rules({ ...usual, base: what.base })]])
      await publish(engine.sql, { files, by: 'test', now: engine.now() })
      return
    }
    case 'sell': {
      const lines = what.cents.map((cents, index) => ({
        ...{ lineId: `line ${index}`, quantity: 3, net: money(cents) },
        ...(index % 2 === 1 && { category: cents % 3 === 0 ? 'deposit' : 'milk', tax: money(cents % 50) }),
      }))
      const occurredAt = new Date(engine.now().getTime() - what.late * DAY).toISOString()
      const tenders = what.inPoints ? [{ kind: 'points', amount: money(what.cents[0]!) }] : []
      const body = {
        externalRef,
        type: 'purchase',
        occurredAt,
        lines,
        tenders,
        attributes: { app: what.app },
      }
      const reply = await ask({ kind: 'earn', body: { ...body, memberId: members[what.member]! } })
      if (reply) sales.push(uuidOf(reply.transactionId))
      return
    }
    case 'return': {
      const transactionId = sales[what.sale]
      const lines = [{ lineId: `line ${what.line}`, quantity: 1 }]
      const body = { externalRef, occurredAt: now(), ...(what.all ? { all: true as const } : { lines }) }
      if (transactionId) await ask({ kind: 'return', transactionId, body })
      return
    }
    case 'redeem': {
      const memberId = members[what.member]!
      await ask({ kind: 'redeem', body: { externalRef, memberId, currency: 'stars', points: 5 } })
      return
    }
    case 'segment': {
      // Of two facts of one instant it could not be told which came first.
      shop.time += 3_600_000
      engine.at(new Date(shop.time).toISOString())
      const memberId = members[what.member]!
      const body = { externalRef, segment: 'vip', member: what.member_, occurredAt: now() }
      await ask({ kind: 'change_segment', memberId, body })
    }
  }
}

/** The same whatever the order in which things were counted. */
function show({ takes, ...tally }: Tally): string {
  const plain = (_key: string, one: unknown) => {
    if (typeof one === 'bigint') return `${one}`
    return one instanceof Map ? [...one].sort(([a], [b]) => (a < b ? -1 : 1)) : one
  }
  const course = new Map([...courseOf(takes)].filter(([, { sums }]) => sums.some((sum) => sum !== 0n)))
  return JSON.stringify({ ...tally, course }, plain, 1)
}

/** With whoever is left to the long way. */
async function wholeStretch(sql: Executor, where: Where, what: Simulated): Promise<SimulatedStretch> {
  const simulated = await simulateStretch(sql, where, what)
  addTally(simulated.tally, await simulateMembers(sql, simulated.long, what))
  return simulated
}

t.test('any sales and returns, under any rules', async (t) => {
  const engine = await startEngine(t, rules(usual))
  const { sql } = engine
  const dataFolder = mkdtempSync(join(tmpdir(), 'packs-'))
  t.teardown(() => rmSync(dataFolder, { recursive: true, force: true }))
  const went = { long: 0, all: 0 }
  let run = 0

  const compare = async (where: Where, what: Simulated) => {
    const first = await sql.begin((tx) => wholeStretch(tx, where, what))
    const again = await sql.begin((tx) => wholeStretch(tx, where, what))
    if (again.bytes !== 0) throw new Error('what was kept is read again')
    const ids = await sql<{ id: string }[]>`
      select member_id as id from members where member_id >= ${where.stretch.from} order by member_id`
    const long = await sql.begin((tx) =>
      simulateMembers(
        tx,
        ids.map(({ id }) => id),
        what,
      ),
    )
    for (const { tally } of [first, again])
      if (show(tally) !== show(long)) throw new Error(`short ${show(tally)}\nlong ${show(long)}`)
    went.long += first.long.length
    went.all += ids.length
    return long
  }

  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 20, maxLength: 80, size: 'max' }),
      fc.record({
        base: fc.integer({ min: 1, max: 3 }),
        cap: fc.constantFrom(7, 25),
        silver: fc.constantFrom(40, 90),
      }),
      async (steps, rates) => {
        run += 1
        const shop = await openShop(engine, run)
        for (const what of steps) await take(shop, what)
        shop.time += 3_600_000
        engine.at(new Date(shop.time).toISOString())
        const programs = await createPrograms(sql)
        const asOf = engine.now()
        const publications = programs.versions('shop')
        const version = programs.at('shop', asOf).version
        const packs = await openPacks(dataFolder, sql, { program: 'shop', publications, version })
        if (typeof packs === 'string') throw new Error(packs)
        const stretch = { from: shop.members[0]!, to: null }
        const where = { population: { program: 'shop', share: 10_000 }, stretch, packs }
        const { program } = loadProgram(new Map([['program.yaml', rules(rates)]]))
        const recorded = pastRules(programs)
        const all = { program: 'shop', recorded, asOf, until: null, by: null, course: new Map() }
        const asRecorded = await compare(where, { ...all, candidate: null, since: null })
        // What comes late is valued again with budgets as they are by then, which takes further passes.
        const isLate = steps.some((what) => what.do === 'sell' && what.late > 0)
        if (!isLate && asRecorded.better + asRecorded.worse > 0) throw new Error('not as recorded')
        const course = courseOf(asRecorded.takes)
        await compare(where, { ...all, candidate: { program: program!, since: null }, since: null, course })
        const since = new Date(shop.time - 30 * DAY)
        await compare(where, {
          ...all,
          candidate: { program: program!, since },
          since,
          course,
          by: 'segment',
        })
      },
    ),
    { numRuns: runs(12) },
  )
  t.ok(went.long < went.all * 0.8, `${went.long} of ${went.all} members went the long way`)
  t.ok(went.long > 0, 'some have a history that is not for the short way')
})
