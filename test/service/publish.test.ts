/**
 * Publishing under load: two services sell while versions follow one another through either of them. No
 * sale sees half of a version, none that comes after a publication is answered sees the version before it,
 * and every entry keeps the version that it was valued with.
 */
import t from 'tap'
import { publish } from '../../src/engine/publish.ts'
import { verifyLedger } from '../../src/ledger/verify.ts'
import { loadProgram } from '../../src/program/load.ts'
import { freshDatabase } from '../support/database.ts'
import { freePort, keyFor, post, startService } from '../support/running.ts'

t.setTimeout(600_000)

/** Three rules that give the same: a sale that saw two versions gives two numbers. */
const rules = (points: number) => `
program: shop
timeZone: UTC
money: EUR
currencies: { points: { value: 0.01 EUR } }
earn:
  - { id: first, on: purchase, award: ${points} points }
  - { id: second, on: purchase, award: ${points} points }
  - { id: third, on: purchase, award: points = awarded(first) }
`
const filesOf = (points: number) => ({ 'program.yaml': rules(points) })
const VERSIONS = 8

interface Sold {
  readonly sentAfter: number
  readonly points: readonly number[]
  readonly transactionId: string
}

t.test('versions follow one another while two services sell', async (t) => {
  const { sql, url } = await freshDatabase(t)
  await publish(sql, { files: new Map(Object.entries(filesOf(1))), by: 'test', now: new Date() })
  const key = await keyFor(url, 'shop')
  const services = await Promise.all(
    [await freePort(), await freePort()].map((port) => startService({ env: { DATABASE_URL: url }, port })),
  )
  t.teardown(() => Promise.all(services.map((service) => service.stop())))
  const at = (index: number, path: string) => `${services[index % 2]!.url}/v1${path}`
  const members = await Promise.all(
    Array.from({ length: 16 }, async (_, index) => {
      const body = { externalRef: `m-${index}`, identifiers: [] }
      return JSON.parse((await post(at(index, '/members'), key, body)).text).memberId as string
    }),
  )

  let newest = 1
  let over = false
  const sold: Sold[] = []
  const sellers = members.map(async (memberId, seller) => {
    for (let number = 0; !over; number += 1) {
      const sentAfter = newest
      const { status, text } = await post(at(number, '/transactions'), key, {
        externalRef: `s-${seller}-${number}`,
        type: 'purchase',
        memberId,
        occurredAt: new Date().toISOString(),
        lines: [],
      })
      if (status !== 201) throw new Error(text)
      const { awards, transactionId } = JSON.parse(text)
      sold.push({ sentAfter, points: awards.map((award: { points: number }) => award.points), transactionId })
    }
  })

  for (let version = 2; version <= VERSIONS; version += 1) {
    const before = sold.length
    const { status, text } = await post(at(version, '/rules/publish'), key, { files: filesOf(version) })
    t.equal(status, 200, text)
    // Business time has milliseconds: a sale of the very instant may still be the old version's.
    while (Date.now() <= Date.parse(JSON.parse(text).effectiveFrom)) await new Promise(setImmediate)
    newest = version
    while (sold.length < before + 30) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  over = true
  await Promise.all(sellers)

  t.ok(sold.length >= 30 * (VERSIONS - 1))
  t.same(
    sold.filter(({ points }) => points.length !== 3 || new Set(points).size !== 1),
    [],
    'no sale saw half of a version',
  )
  t.same(
    sold.filter(({ points, sentAfter }) => points[0]! < sentAfter),
    [],
    'what was published is seen by the next sale, whichever service takes it',
  )

  const named = new Map(
    Array.from({ length: VERSIONS }, (_, index) => [
      loadProgram(new Map(Object.entries(filesOf(index + 1)))).program!.version,
      index + 1,
    ]),
  )
  const rows = await sql<{ entry: string; sale: string; points: bigint }[]>`
    select e.rules_version as entry, t.rules_version as sale, sum(p.points)::bigint as points
    from entries e
    join transactions t on t.member_id = e.member_id and t.transaction_id = e.transaction_id
    join postings p on p.member_id = e.member_id and p.entry_id = e.entry_id
    group by e.entry_id, e.rules_version, t.rules_version`
  t.equal(rows.length, sold.length)
  t.same(
    rows.filter(
      ({ entry, sale, points }) => entry !== sale || Number(points) !== 3 * (named.get(entry) ?? 0),
    ),
    [],
    'every entry names the version that it was valued with',
  )
  t.same((await verifyLedger(sql)).findings, [])
})
