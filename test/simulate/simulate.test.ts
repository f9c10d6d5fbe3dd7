/**
 * Simulating the rules in force gives the ledger to the point: for any commands in any order, whatever
 * versions were in force meanwhile, and for a real till feed. And a candidate's own figures, by hand.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { list, type Sql } from '../../src/db/connection.ts'
import { packageRoot } from '../../src/db/package-root.ts'
import { createPrograms, type Programs } from '../../src/engine/programs.ts'
import { publish } from '../../src/engine/publish.ts'
import type { ProgramFiles } from '../../src/program/files.ts'
import { simulateMembers } from '../../src/simulate/chunk.ts'
import { openPacks } from '../../src/simulate/packs.ts'
import { pastRules } from '../../src/simulate/replay.ts'
import { simulate } from '../../src/simulate/simulate.ts'
import type { Tally } from '../../src/simulate/tally.ts'
import { milepost } from '../cli/outside.ts'
import { freshDatabase } from '../support/database.ts'
import { type Engine, startEngine, uuidOf } from '../support/engine.ts'
import { fc, runs } from '../support/property.ts'

t.setTimeout(600_000)

/** Everything by which one sale depends on another: limits, tiers, pending, expiry, debts. */
const rules = (rate = 1) => `
program: shop
timeZone: Europe/Berlin
money: EUR
currencies:
  points: { value: 0.01 EUR, expires: 20 days, pending: 2 days }
  stars: { value: 0.05 EUR, expires: never, pending: "until confirmed, cancel after 9 days" }
  credits: { kind: qualifying }
transactions:
  purchase: { fields: { app?: boolean } }
members:
  attributes: { city?: text }
earn:
  - { id: base, on: purchase, forEach: line, award: ${rate} points per 1 EUR of line.net }
  - { id: app, on: purchase, when: { app: true }, award: 7 stars, limit: 20 stars per member per month }
  - { id: local, on: purchase, when: { member.city: Kiel }, award: 3 stars }
  - { id: silver, on: purchase, when: { tier: { atLeast: silver } }, award: points = 0.5 * awarded(base) }
  - { id: status, on: purchase, award: 1 credit per 1 EUR of net }
tiers:
  period: rolling 1 months
  validity: 1 months
  downgrade: one step
  ladder:
    - id: base
    - { id: silver, reach: { credits: 100 } }
    - { id: gold, reach: { credits: 300 } }
rewards:
  - { id: mug, costs: 60 points }
returns: negative
`

const MEMBERS = 5

type Step =
  | { do: 'sell'; member: number | null; cents: number; late: number; app: boolean }
  | { do: 'return'; sale: number; quantity: number }
  | { do: 'redeem'; member: number; points: number; hold: boolean }
  | { do: 'close'; of: number; how: 'capture' | 'release' | 'reverse' }
  | { do: 'adjust'; member: number; points: number }
  | { do: 'move'; member: number; city: string }
  | { do: 'publish'; rate: number }
  | { do: 'attach'; of: number; member: number }
  | { do: 'settle'; sale: number; how: 'confirm' | 'cancel' }
  | { do: 'wait'; days: number }

const member = fc.integer({ min: 0, max: MEMBERS - 1 })
const index = fc.integer({ min: 0, max: 20 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('sell' as const),
      member: fc.option(member, { freq: 6 }),
      cents: fc.integer({ min: 1, max: 12_000 }),
      late: fc.nat(6),
      app: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('return' as const),
      sale: index,
      quantity: fc.constantFrom(1, 2),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('redeem' as const),
      member,
      points: fc.integer({ min: 1, max: 90 }),
      hold: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('close' as const),
      of: index,
      how: fc.constantFrom('capture' as const, 'release' as const, 'reverse' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      ...{ do: fc.constant('settle' as const), sale: index },
      how: fc.constantFrom('confirm' as const, 'cancel' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('attach' as const), of: fc.nat(4), member }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('adjust' as const),
      member,
      points: fc.integer({ min: -30, max: 30 }).filter((points) => points !== 0),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('move' as const), member, city: fc.constantFrom('Kiel', 'Ulm') }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('publish' as const), rate: fc.constantFrom(1, 2, 3) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('wait' as const), days: fc.integer({ min: 1, max: 9 }) }),
  },
)

interface Shop {
  readonly engine: Engine
  readonly cards: readonly string[]
  readonly members: readonly string[]
  readonly sales: string[]
  /** sold without a member */
  readonly loose: string[]
  readonly redemptions: string[]
  day: number
}

const DAY = 86_400_000
const instant = (day: number) => new Date(Date.UTC(2026, 0, 5, 11) + day * DAY)

/** New members, more than a year after the last ones: all that was published meanwhile is known to them. */
async function openShop(engine: Engine, run: number): Promise<Shop> {
  const day = run * 400
  engine.at(instant(day).toISOString())
  const cards = Array.from({ length: MEMBERS }, (_, number) => `${run}-${number}`)
  const members: string[] = []
  for (const card of cards) members.push(await engine.enrol(card))
  return { engine, cards, members, sales: [], loose: [], redemptions: [], day }
}

/** What is asked may well be refused: refusals leave nothing behind, and nothing is replayed of them. */
async function take(shop: Shop, what: Step): Promise<void> {
  const { engine, members, sales, redemptions } = shop
  const externalRef = 'any'
  const ask = async (request: Parameters<Engine['run']>[0]) => {
    const outcome = await engine.refused(request)
    const said = 'no refusal but '
    return outcome.startsWith(said) ? JSON.parse(outcome.slice(said.length)) : null
  }
  switch (what.do) {
    case 'wait':
      shop.day += what.days
      engine.at(instant(shop.day).toISOString())
      return
    case 'publish': {
      const files = new Map([['program.yaml', rules(what.rate)]])
      await publish(engine.sql, { files, by: 'test', now: engine.now() })
      return
    }
    case 'sell': {
      const net = { amount: (what.cents / 100).toFixed(2), currency: 'EUR' }
      const lines = [
        { lineId: '1', quantity: 2, net },
        { lineId: '2', quantity: 1, net: { amount: '9.99', currency: 'EUR' } },
      ]
      const occurredAt = new Date(engine.now().getTime() - what.late * DAY).toISOString()
      const body = {
        ...{ externalRef, type: 'purchase', occurredAt, lines, attributes: { app: what.app } },
        ...(what.member !== null && { identifier: { kind: 'card', value: shop.cards[what.member]! } }),
      }
      const reply = await ask({ kind: 'earn', body })
      if (reply) (what.member === null ? shop.loose : sales).push(uuidOf(reply.transactionId))
      return
    }
    case 'settle': {
      const transactionId = sales[what.sale]
      const body = { externalRef, occurredAt: engine.now().toISOString() }
      if (transactionId) await ask({ kind: what.how, transactionId, body })
      return
    }
    case 'attach': {
      const transactionId = shop.loose[what.of]
      const body = { externalRef, memberId: members[what.member]! }
      const reply = transactionId && (await ask({ kind: 'attach', transactionId, body }))
      if (reply) sales.push(uuidOf(reply.transactionId))
      return
    }
    case 'return': {
      const transactionId = sales[what.sale]
      const lines = [{ lineId: '1', quantity: what.quantity }]
      const body = { externalRef, occurredAt: engine.now().toISOString(), lines }
      if (transactionId) await ask({ kind: 'return', transactionId, body })
      return
    }
    case 'redeem': {
      const memberId = members[what.member]!
      const hold = what.hold ? { hold: { seconds: 3 * 86_400 } } : {}
      const body = { externalRef, memberId, currency: 'points', points: what.points, ...hold }
      const reply = await ask({ kind: 'redeem', body })
      if (reply) redemptions.push(uuidOf(reply.redemptionId))
      return
    }
    case 'close': {
      const redemptionId = redemptions[what.of]
      if (redemptionId) await ask({ kind: what.how, redemptionId, body: {} })
      return
    }
    case 'adjust': {
      const body = { externalRef, memberId: members[what.member]!, currency: 'points', points: what.points }
      await ask({ kind: 'adjust', body: { ...body, reason: 'model' } })
      return
    }
    case 'move': {
      const body = { attributes: { city: what.city } }
      await ask({ kind: 'update_member', memberId: members[what.member]!, body })
    }
  }
}

/** Before is after, in every figure. */
function changes(tally: Tally): string[] {
  const differing = [...tally.rules, ...tally.currencies, ...tally.tiers]
    .filter(([, { before, after }]) => show(before) !== show(after))
    .map(([name, { before, after }]) => `${name}: ${show(before)}, simulated ${show(after)}`)
  const refused = [...tally.refused].map(([what, count]) => `refused ${what}: ${count}`)
  return [...differing, ...refused, ...[...tally.moves.keys()].map((move) => `moved ${move}`)]
}

function show(value: unknown): string {
  return JSON.stringify(value, (_key, one) => (typeof one === 'bigint' ? `${one}` : one))
}

/** What the database says that the members have, after everything due was settled by the engine itself. */
async function owedInLedger({ engine, members }: Shop) {
  for (const memberId of members) await engine.run({ kind: 'settle', memberId })
  const rows = await engine.sql<{ currency: string; owed: bigint }[]>`
    select currency, sum(available + pending + held - negative)::bigint as owed
    from accounts where member_id = any(${list(engine.sql, members)}::uuid[])
    group by currency having sum(available + pending + held - negative) <> 0 order by currency`
  return Object.fromEntries(rows.map(({ currency, owed }) => [currency, owed]))
}

function owedIn(tally: Tally): Record<string, bigint> {
  const sums = [...tally.currencies].map(([currency, { after }]): [string, bigint] => [
    currency,
    after.available + after.pending + after.held - after.negative,
  ])
  return Object.fromEntries(sums.filter(([, owed]) => owed !== 0n).sort())
}

const everything = { program: 'shop', files: null, since: null, until: null, percent: 100, by: null }

t.test('any commands in any order, under any versions', async (t) => {
  const engine = await startEngine(t, rules())
  const { sql } = engine
  let run = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120, size: 'max' }), async (steps) => {
      run += 1
      const shop = await openShop(engine, run)
      for (const what of steps) await take(shop, what)
      const recorded = pastRules(await createPrograms(sql))
      const asOf = engine.now()
      const what = {
        program: 'shop',
        recorded,
        candidate: null,
        since: null,
        until: null,
        by: null,
        asOf,
        course: new Map(),
      }
      const tally = await sql.begin((tx) => simulateMembers(tx, shop.members, what))
      const found = changes(tally)
      if (found.length > 0) throw new Error(found.join('\n'))
      const ledger = await owedInLedger(shop)
      if (show(owedIn(tally)) !== show(ledger))
        throw new Error(`${show(owedIn(tally))}, ledger ${show(ledger)}`)
    }),
    { numRuns: runs(25) },
  )
})

const wholeFeed = join(packageRoot, '..', 'shared', 'data', 'till_feed_6_weeks.csv.gz')

t.test(
  'a real till feed',
  { skip: existsSync(wholeFeed) ? false : `there is no ${wholeFeed}` },
  async (t) => {
    const { sql, url } = await freshDatabase(t)
    const env = { DATABASE_URL: url }
    t.equal((await milepost(['rules', 'publish', join(packageRoot, 'rules', 'gift-shop')], env)).code, 0)
    t.equal((await milepost(['import', 'till-feed', wholeFeed, '--program', 'gift-shop'], env)).code, 0)
    const asOf = new Date()
    const tally = await simulate(sql, { ...everything, program: 'gift-shop', asOf, workers: 2 })
    t.same(changes(tally), [])
    t.match(tally, { members: 1_131, transactions: 1_832, returns: 259, better: 0, worse: 0 })
    const [row] = await sql<{ owed: bigint }[]>`
      select sum(available + pending + held - negative)::bigint as owed from accounts`
    t.equal(owedIn(tally).points, row?.owed)

    await copyMembers(sql, 4)
    const keptIn = mkdtempSync(join(tmpdir(), 'packs-'))
    t.teardown(() => rmSync(keptIn, { recursive: true, force: true }))
    const programs = await createPrograms(sql)
    const history = { program: 'gift-shop', publications: programs.versions('gift-shop') }
    const version = programs.at('gift-shop', asOf).version
    const packs = await openPacks(keptIn, sql, { ...history, version })
    if (typeof packs === 'string') throw new Error(packs)
    const all = { ...everything, program: 'gift-shop', asOf, files: dearer(programs), packs }
    const alone = await simulate(sql, { ...all, workers: 1 })
    t.match(alone, { members: 4_524, transactions: 7_328, returns: 1_036 })
    t.equal(alone.winners.length, 20)
    // Of five stretches a thread has the next one at hand already; members who go the long way are put off.
    for (const workers of [2, 3])
      t.same(await simulate(sql, { ...all, workers }), alone, `${workers} threads`)
  },
)

/** More points for every pound than in force. */
function dearer(programs: Programs): ProgramFiles {
  const files = programs.files('gift-shop', programs.at('gift-shop', new Date()).version)
  const changed = [...files].map(
    ([name, text]) => [name, text.replace('award: 2 points', 'award: 3 points')] as const,
  )
  return new Map(changed)
}

/** Everything that a simulation reads of members, as if there were so many of each. */
async function copyMembers(sql: Sql, times: number): Promise<void> {
  const copied = ['members', 'accounts', 'lots', 'counters', 'standings', 'tier_changes', 'transactions']
  for (const table of [...copied, 'returns', 'revaluations', 'commands']) {
    const columns = await sql<{ name: string }[]>`
      select column_name as name from information_schema.columns
      where table_schema = 'public' and table_name = ${table} order by ordinal_position`
    const names = columns.map(({ name }) => name)
    const picked = names.map((name) => {
      if (name === 'member_id')
        return `overlay(member_id::text placing to_hex(49152 + number) from 1 for 4)::uuid`
      const isKey = name === 'external_ref' && (table === 'members' || table === 'commands')
      return isKey ? `external_ref || '#' || number` : name
    })
    const copies = `${table}, generate_series(2, ${times}) as number`
    await sql.unsafe(`insert into ${table} (${names.join(', ')}) select ${picked.join(', ')} from ${copies}`)
  }
}
