/** Importing a till feed: straight and over HTTP, once and again, the small one by hand and the whole one. */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { connect, type Sql } from '../../src/db/connection.ts'
import { packageRoot } from '../../src/db/package-root.ts'
import { freshDatabase } from '../support/database.ts'
import { freePort } from '../support/running.ts'
import { temporaryFolder } from '../support/server.ts'
import { until } from '../support/until.ts'
import { milepost, start } from './outside.ts'

t.setTimeout(600_000)

const wholeFeed = join(packageRoot, '..', 'shared', 'data', 'till_feed_6_weeks.csv.gz')
const giftShop = join(packageRoot, 'rules', 'gift-shop')

const feed = `InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,85123A,"HEART, WHITE",6,2010-12-01 08:26,2.55,17850,United Kingdom
536365,71053,LANTERN,6,2010-12-01 08:26,3.39,17850,United Kingdom
536365,85123A,"HEART, WHITE",2,2010-12-01 08:26,2.55,17850,United Kingdom
536365,22752,FREE SAMPLE,1,2010-12-01 08:26,0,17850,United Kingdom
536370,POST,POSTAGE,1,2010-12-01 08:45,18,12583,France
536370,22728,ALARM CLOCK,24,2010-12-01 08:45,3.75,12583,France
536371,22086,PAPER CHAIN,80,2010-12-01 09:00,2.55,,United Kingdom
536380,85123A,"HEART, WHITE",4,2010-12-02 09:41,2.95,17850,United Kingdom
C536400,85123A,"HEART, WHITE",-7,2010-12-03 10:00,2.95,17850,United Kingdom
C536401,22728,ALARM CLOCK,-1,2010-12-03 11:00,3.75,14527,United Kingdom
`

// Two points per pound and line. The seven hearts come out of 536380 (4) and, the later line first, out of
// 536365 (2 and 1): five hearts at 2.55 are left, 25 points, and the lanterns, 40. Postage gives nothing.
const balances = [
  ['12583', 180],
  ['17850', 25 + 40],
]

async function balancesOf(sql: Sql): Promise<(string | number)[][]> {
  const rows = await sql<{ customer: string; available: bigint }[]>`
    select m.external_ref as customer, a.available
    from accounts a join members m using (member_id) order by m.external_ref`
  return rows.map(({ customer, available }) => [customer, Number(available)])
}

const first = {
  read: 10,
  sales: 4,
  returns: 3,
  posted: 5,
  refused: 0,
  skipped: 2,
  members: 3,
  refusals: {},
  skips: { 'no customer': 1, 'no earlier sale': 1 },
  skippedRows: { 'price not above 0': 1, 'no customer': 1, 'no earlier sale': 1 },
}
const again = { ...first, posted: 0, skipped: 7, skips: { ...first.skips, 'already posted': 5 } }

async function published(t: Parameters<typeof freshDatabase>[0]) {
  const database = await freshDatabase(t)
  const env = { DATABASE_URL: database.url }
  const { code, err } = await milepost(['rules', 'publish', giftShop], env)
  if (code !== 0) throw new Error(err)
  return { ...database, env }
}

async function imported(argv: readonly string[], env: Record<string, string>) {
  const { code, out, err } = await milepost(['import', 'till-feed', ...argv, '--json'], env)
  return { code, err, counts: out === '' ? null : JSON.parse(out) }
}

t.test('a small feed', async (t) => {
  const file = join(temporaryFolder(t), 'feed.csv')
  writeFileSync(file, feed)

  await t.test('straight, twice', async (t) => {
    const { sql, env } = await published(t)
    const one = await imported([file, '--program', 'gift-shop'], env)
    t.equal(one.code, 0, one.err)
    t.match(one.counts, first)
    t.strictSame(await balancesOf(sql), balances)
    const [member] = await sql`select enrolled_at, external_ref from members where external_ref = '14527'`
    t.strictSame(
      member?.enrolled_at,
      new Date('2010-12-03T11:00:00Z'),
      'a customer of whom nothing is posted',
    )
    const references = await sql<{ ref: string }[]>`
      select external_ref as ref from commands where operation = 'return' order by external_ref`
    t.strictSame([...references.map(({ ref }) => ref)], ['C536400:536365', 'C536400:536380'])

    const two = await imported([file, '--program', 'gift-shop'], env)
    t.match(two.counts, again)
    t.strictSame(await balancesOf(sql), balances)
    t.equal((await milepost(['ledger', 'verify'], env)).code, 0)
  })

  await t.test('the next feed goes on with the customers of the last one', async (t) => {
    const { sql, env } = await published(t)
    t.equal((await imported([file, '--program', 'gift-shop'], env)).code, 0)
    const next = join(temporaryFolder(t), 'next.csv')
    const rows = [
      '540001,71053,LANTERN,1,2010-12-10 08:26,10,17850,UK',
      '540002,71053,LANTERN,1,2010-12-10 09:00,10,99,UK',
    ]
    writeFileSync(next, `${[feed.split('\n')[0], ...rows].join('\n')}\n`)
    const { code, counts, err } = await imported([next, '--program', 'gift-shop'], env)
    t.match({ code, counts }, { code: 0, counts: { posted: 2, refused: 0, members: 2 } })
    t.notMatch(err, 'refused', 'who is known is no news')
    t.strictSame(await balancesOf(sql), [...balances.slice(0, 1), ['17850', 25 + 40 + 20], ['99', 20]])
  })

  await t.test('over HTTP: the same balances, and either way finds what the other posted', async (t) => {
    const { sql, env } = await published(t)
    const words = [
      'keys',
      'create',
      '--program',
      'gift-shop',
      '--source',
      'till-feed',
      '--scopes',
      'all',
      '--json',
    ]
    const { key } = JSON.parse((await milepost(words, env)).out)
    const port = await freePort()
    const service = start(t, ['serve'], { ...env, PORT: `${port}` })
    const url = `http://127.0.0.1:${port}`
    await until(
      'the service is ready',
      async () => (await fetch(`${url}/health/ready`).catch(() => null))?.ok ?? false,
    )

    const over = [file, '--program', 'gift-shop', '--via', url, '--key', key]
    const one = await imported(over, {})
    t.equal(one.code, 0, one.err)
    t.match(one.counts, first)
    t.strictSame(await balancesOf(sql), balances)
    t.match((await imported(over, {})).counts, again)
    t.match((await imported([file, '--program', 'gift-shop'], env)).counts, again, 'straight, after HTTP')
    t.strictSame(await balancesOf(sql), balances)

    const foreign = await imported([file, '--program', 'skyward', '--via', url, '--key', key], {})
    t.match(foreign, { code: 1, err: /the key is for program gift-shop, not for skyward/ })
    const locked = await imported(
      [file, '--program', 'gift-shop', '--via', url, '--key', `mp_${'x'.repeat(43)}`],
      {},
    )
    t.match(locked, { code: 1, err: /unauthenticated/ })
    service.child.kill('SIGTERM')
    t.equal((await service.ended).code, 0)
  })

  await t.test(
    'a return leaves the tier of the rest: silver of the first sale still counts for the third',
    async (t) => {
      const { sql, env } = await published(t)
      const silver = join(temporaryFolder(t), 'silver.csv')
      const rows = [
        '1,A,x,60,2010-12-01 08:26,10,7,UK',
        'C2,A,x,-1,2010-12-02 08:26,10,7,UK',
        '3,B,x,10,2010-12-03 08:26,10,7,UK',
      ]
      writeFileSync(silver, `${[feed.split('\n')[0], ...rows].join('\n')}\n`)
      t.match(await imported([silver, '--program', 'gift-shop'], env), { code: 0, counts: { posted: 3 } })
      t.strictSame(await balancesOf(sql), [['7', 1200 - 20 + 200 + 50]])
    },
  )

  await t.test('a program that is not there, a file that is none', async (t) => {
    const { env } = await published(t)
    t.match(await imported([file, '--program', 'gift-shp'], env), {
      code: 1,
      err: /did you mean "gift-shop"/,
    })
    const none = await imported([join(file, 'x'), '--program', 'gift-shop'], env)
    t.match(none, { code: 1, err: /there is no such file/, counts: { error: { code: 'failed' } } })
  })

  await t.test('what the engine refuses is counted by its code', async (t) => {
    const { sql, env } = await published(t)
    const late = join(temporaryFolder(t), 'late.csv')
    const year = new Date().getFullYear() + 2
    writeFileSync(
      late,
      feed.replaceAll('2010-12-02', `${year}-12-02`).replaceAll('2010-12-03', `${year}-12-03`),
    )
    const { code, counts, err } = await imported([late, '--program', 'gift-shop'], env)
    t.equal(code, 1)
    t.match(counts, { posted: 2, refused: 3, refusals: { date_out_of_range: 2, 'its sale was refused': 1 } })
    t.match(err, '536380 refused: date_out_of_range')
    t.equal((await sql`select 1 from returns`).length, 0)
  })
})

t.test(
  'the whole feed, twice',
  { skip: existsSync(wholeFeed) ? false : `there is no ${wholeFeed}` },
  async (t) => {
    const { url, env } = await published(t)
    const one = await imported([wholeFeed, '--program', 'gift-shop'], env)
    t.equal(one.code, 0, one.err)
    t.match(one.counts, {
      read: 58_345,
      sales: 2_221,
      posted: 2_091,
      refused: 0,
      skipped: 594,
      members: 1_131,
    })
    t.equal(one.counts.skips['no customer'], 413)
    const sql = connect(url, { max: 1 })
    const before = await balancesOf(sql)
    const two = await imported([wholeFeed, '--program', 'gift-shop'], env)
    t.match(two.counts, { posted: 0, refused: 0, skips: { 'already posted': 2_091 } })
    t.strictSame(await balancesOf(sql), before)
    await sql.end()
    const { ok, checked } = JSON.parse((await milepost(['ledger', 'verify', '--json'], env)).out)
    t.match({ ok, checked }, { ok: true, checked: { members: 1_131, entries: 2_091 } })
  },
)
