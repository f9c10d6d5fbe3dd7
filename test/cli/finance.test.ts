/** The commands of finance on a ledger: in words, as JSON and as CSV, and what they refuse. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startEngine } from '../support/engine.ts'
import { temporaryFolder } from '../support/server.ts'
import { milepost } from './outside.ts'

t.setTimeout(600_000)

const RULES = `
program: shop
timeZone: Europe/Berlin
money: EUR
currencies:
  beans: { value: 0.10 EUR, expires: "12 months, end of month" }
earn:
  - { id: base, on: purchase, award: 1 bean per 1 EUR of net }
`

const OTHER = RULES.replace('program: shop', 'program: cinema')

/** Ann bought for 10,000 EUR in March and spent 4,500 beans; the clock stands at 3 April. */
async function books(test: Parameters<typeof startEngine>[0]) {
  const engine = await startEngine(test, RULES)
  const memberId = await engine.enrol('1')
  const net = { amount: '10000.00', currency: 'EUR' }
  await engine.run({
    kind: 'earn',
    body: {
      ...{ externalRef: 's', type: 'purchase', memberId, occurredAt: '2026-03-03T09:00:00Z' },
      lines: [{ lineId: '1', quantity: 1, net }],
    },
  })
  await engine.run({ kind: 'redeem', body: { externalRef: 'r', memberId, currency: 'beans', points: 4500 } })
  engine.at('2026-04-03T10:00:00Z')
  const env = { DATABASE_URL: engine.url }
  const run = (words: string) => milepost(words.split(' '), env, engine.now)
  return { engine, run, json: async (words: string) => JSON.parse((await run(`${words} --json`)).out) }
}

t.test('from an estimate to the closing balance', async (t) => {
  const { run, json } = await books(t)
  const declared = 'ledger breakage declare --currency beans --rate 3% --at 2026-03-01'
  t.match(await run(declared), { code: 0, out: /shop +beans +declared +2026-03-01T22:59:59.999Z +3 %/ })

  const { reports } = await json('ledger liability --at 2026-03-31')
  t.match(reports, [
    {
      program: 'shop',
      at: '2026-03-31T21:59:59.999Z',
      currencies: [
        {
          points: 5500,
          value: { amount: '550.00', currency: 'EUR' },
          // 9,700 of 10,000 are expected, 4,500 came
          expected: { points: 5200, estimate: { method: 'declared', redemptionRate: '0.97' } },
          // 10,000 * 970 / 10,970 = 884.23, of which 4,500 / 9,700 = 410.21 are revenue
          deferred: { amount: '474.02', currency: 'EUR' },
        },
      ],
    },
  ])
  t.match(await run('ledger liability --at 2026-03-31'), {
    code: 0,
    out: /beans +program +2027-03 +5,500 +550.00 EUR[\s\S]*5,200, 520.00 EUR[\s\S]*deferred revenue: 474.02 EUR/,
  })
  t.match(await run('ledger deferral --by quarter'), { out: /beans +2026-Q1 +0.97 +10,000.00 +0.00 +884.23/ })
  t.match(await run('ledger totals --from 2026-03-01 --to 2026-03-31'), {
    out: /2026-03-03 +1 +1 +1 +beans +10,000 +0 +4,500/,
  })
})

t.test('history that says too little says so', async (t) => {
  const { run, json } = await books(t)
  t.match(await run('ledger breakage estimate'), {
    code: 0,
    out: /0 % +too little history: fewer than 30 members/,
  })
  const { estimates } = await json('ledger breakage list')
  t.match(estimates, [{ method: 'survival', redemptionRate: '1', detail: { tooLittle: 'few_members' } }])
  t.match(await run('ledger liability'), { out: /all of it, as no estimate of breakage is in force/ })
  t.match(await run('ledger breakage list --at 2026-03-31'), { code: 0, out: 'no estimates\n' })
})

t.test('CSV to a file and to standard output', async (t) => {
  const { run } = await books(t)
  const file = join(temporaryFolder(t), 'owed.csv')
  const csv =
    'program,at,currency,funder,expires,points,value,money\r\nshop,2026-04-03T10:00:00.000Z,beans,program,2027-03,5500,550.00,EUR\r\n'
  t.match(await run(`ledger liability --csv ${file}`), { code: 0, out: /5,500/, err: `written to ${file}\n` })
  t.equal(readFileSync(file, 'utf8'), csv)
  t.equal((await run('ledger liability --csv -')).out, csv)
  t.match(await run(`ledger totals --json --csv ${file}`), { code: 0, out: /"reports"/ })
  t.match(readFileSync(file, 'utf8'), /^shop,2026-03-05,0,0,0,0,0,,0,0,0,0,0,0\r$/m)
  t.match(await run('ledger liability --csv /nowhere/owed.csv'), { code: 1, err: /ENOENT/ })
})

t.test('several programs', async (t) => {
  const { engine, run, json } = await books(t)
  await startEngine(t, OTHER, { database: engine })
  const { reports } = await json('ledger liability')
  t.match(reports, [
    { program: 'cinema', currencies: [] },
    { program: 'shop', currencies: [{ points: 5500 }] },
  ])
  t.match(await run('ledger liability --program cinema'), { code: 0, out: 'nothing was ever owed' })
  t.match(await run('ledger breakage declare --currency beans --rate 3%'), {
    code: 2,
    err: /--program is missing: there are cinema, shop/,
  })
})

// Each row: the words, and what the refusal says. Wrong usage ends with 2, what the rules refuse with 1.
const refusals = [
  ['ledger liability --at 31.12.2026', 2, 'option --at is a day such as 2026-12-31 or an instant'],
  ['ledger liability --at 2026-02-30', 2, '"2026-02-30"'],
  ['ledger liability --program shp', 2, 'did you mean "shop"?'],
  ['ledger liability --json --csv -', 2, 'both go to standard output'],
  ['ledger deferral --by week', 2, 'month, quarter, year'],
  ['ledger totals --from 2026-13-01', 2, 'is a day'],
  ['ledger totals --from 2026-03-02 --to 2026-03-01', 1, '2026-03-01 is before 2026-03-02'],
  ['ledger totals --from 2020-03-02', 1, 'at most 366 days'],
  ['ledger breakage', 2, 'estimate|declare|list is missing'],
  ['ledger breakage estimat', 2, 'did you mean "estimate"?'],
  ['ledger breakage estimate --rate 3%', 2, '--rate belongs to declare'],
  ['ledger breakage list --note x', 2, '--note belongs to'],
  ['ledger breakage declare --currency beans', 2, '--rate is missing'],
  ['ledger breakage declare --currency beans --rate 3', 2, 'a share such as 3% or 0.03'],
  ['ledger breakage declare --currency beans --rate 101%', 2, 'a share such as'],
  ['ledger breakage declare --currency bean --rate 3%', 1, 'The program has no such currency: currency bean'],
] as const

t.test('what is refused', async (t) => {
  const { engine, run } = await books(t)
  const before = await engine.checksum()
  for (const [words, code, told] of refusals) {
    const ended = await run(words)
    t.equal(ended.code, code, words)
    t.match(ended.err, told, words)
  }
  t.equal(await engine.checksum(), before)
  t.equal((await engine.sql`select estimate_id from breakage_estimates order by estimate_id`).length, 0)
})
