/** The door for files of purchases: odd files, bad rows, what is refused, and the same scores in any order. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import t from 'tap'
import { packageRoot } from '../../src/db/package-root.ts'
import { temporaryFolder } from '../support/server.ts'
import { milepost } from './outside.ts'

t.setTimeout(900_000)

const folder = temporaryFolder(t)
let files = 0

function write(content: string | Buffer): string {
  files += 1
  const file = join(folder, `${files}.csv`)
  writeFileSync(file, content)
  return file
}

async function score(content: string | Buffer, asOf = '2025-06-30', horizon = '60') {
  const out = join(folder, `${files}.scores.csv`)
  const words = [
    '--transactions',
    write(content),
    '--as-of',
    asOf,
    '--horizon',
    horizon,
    '--out',
    out,
    '--json',
  ]
  const ended = await milepost(['retention', 'score', ...words])
  const lines = existsSync(out) ? readFileSync(out, 'utf8').trimEnd().split('\n') : []
  return { ...ended, found: ended.out === '' ? null : JSON.parse(ended.out), lines }
}

const header = 'memberId,p_silent,p_decline,p_alive,expected_purchases,expected_value,state,flag,reason,since'

/** Every member buys each so many days from 1 January 2024 on, until a last day. */
function program(members: number, last = '2025-06-30'): string[] {
  return Array.from({ length: members }, (_, i) => {
    const every = 3 + (i % 17)
    const until = i % 5 === 0 ? Date.parse('2025-01-15') : Date.parse(last)
    const rows: string[] = []
    for (let at = Date.parse('2024-01-01') + i * 3e7; at <= until; at += every * 86_400_000) {
      rows.push(`c${i},${new Date(at).toISOString().slice(0, 10)},${(5 + (i % 7)).toFixed(2)}`)
    }
    return rows
  }).flat()
}

// Each row: what is in the file, members scored, rows that cannot be read.
const readable: readonly (readonly [string, string | Buffer, number, number])[] = [
  ['as it should be', 'memberId,date,amount\na,2025-01-01,5\nb,2025-01-02,6\n', 2, 0],
  ['gzipped', gzipSync('memberId,date\na,2025-01-01\n'), 1, 0],
  ['other names, other order', 'Order Date;Customer_ID;Total\n2025-01-01;a;5,50\n', 1, 0],
  ['no names', 'a,2025-01-01\nb,2025-01-02\n', 2, 0],
  ['a byte order mark, tabs, times', '\ufeffmember\tdate\na\t2025-01-01T10:00:00Z\n', 1, 0],
  ['other ways to write a day', 'id,date\na,2025/1/2\nb,20250103\nc,04.01.2025\n', 3, 0],
  [
    'rows that cannot be read',
    'id,date,amount\na,2025-01-01,5\n,2025-01-01,5\na,2025-02-30,5\nb,x,1\na,2025-01-02,much\n',
    1,
    4,
  ],
  ['a row too short', 'id,date\na,2025-01-01\nb\n', 1, 1],
  ['amounts missing here and there', 'id,date,amount\na,2025-01-01,\nb,2025-01-01,NA\n', 2, 0],
  ['money given back alone', 'id,date,amount\na,2025-01-01,-5\nb,2025-01-01,5\n', 1, 0],
  ['an amount that nobody spends', 'id,date,amount\na,2025-01-01,9999999999999\nb,2025-01-01,5\n', 1, 1],
  ['the same row often', `id,date\n${'a,2025-01-01\n'.repeat(500)}`, 1, 0],
  ['a formula for an id', 'id,date\n"=1+1",2025-01-01\n', 1, 0],
]

t.test('what can be read is scored', async (t) => {
  for (const [title, content, members, unreadable] of readable) {
    const { code, found, lines, err } = await score(content)
    t.equal(code, 0, `${title}: ${err}`)
    t.match(found, { members, unreadable }, title)
    t.equal(lines[0], header)
    t.equal(lines.length, members + 1, title)
    t.notMatch(lines.join('\n'), /NaN|Infinity|undefined|null/, title)
    if (unreadable > 0) t.match(err, /\.csv:\d+: /, `${title}: named by line`)
  }
  t.match(
    (await score(readable.find(([title]) => title === 'an amount that nobody spends')![1])).err,
    /at most 1,000,000,000,000/,
  )
  t.match((await score('id,date\n"=1+1",2025-01-01\n')).lines[1], /^'=1\+1,/, 'no formula for a spreadsheet')
})

// Each row: what is in the file, and what standard error must say.
const refused: readonly (readonly [string, string | Buffer, RegExp])[] = [
  ['nothing', '', /the file is empty/],
  ['names alone', 'memberId,date\n', /there is no purchase up to 2025-06-30/],
  [
    'no member',
    'membrId,date\na,2025-01-01\n',
    /no column memberId in the first line .*did you mean "membrId"/,
  ],
  ['no date', 'memberId,amount\na,5\n', /no column date/],
  ['nothing to read', 'memberId,date\na,yesterday\nb,today\n', /:2: no row can be read: date is a day/],
  [
    'all after the day',
    'memberId,date\na,2026-01-01\n',
    /no purchase up to 2025-06-30; the file begins on 2026-01-01/,
  ],
  ['half a gzip', gzipSync('memberId,date\na,2025-01-01\n'.repeat(999)).subarray(0, 60), /gzip is damaged/],
]

t.test('what cannot be read is refused, and nothing is written', async (t) => {
  for (const [title, content, message] of refused) {
    const { code, err, lines } = await score(content)
    t.equal(code, 1, title)
    t.match(err, message, title)
    t.strictSame(lines, [], title)
  }
})

// Each row: the words, and what standard error must say.
const wrong: readonly (readonly [string, string])[] = [
  ['score --transactions f --as-of 2025-02-30 --out o', 'a day such as 2026-03-31, not "2025-02-30"'],
  ['score --transactions f --as-of today --out o', 'not "today"'],
  ['score --transactions f --as-of 2025-01-01 --horizon 0 --out o', 'number of days from 1 to 3650'],
  ['score --transactions f --as-of 2025-01-01', 'option --out FILE is missing'],
  ['backtest --transactions f --cut 2025-01-01,soon', 'not "soon"'],
  ['simulate --members 3', 'a whole number from 50'],
  ['simulate --season 2', 'a number from 0 to 0.9'],
]

t.test('wrong usage', async (t) => {
  for (const [words, message] of wrong) {
    const { code, err } = await milepost(['retention', ...words.split(' ')])
    t.equal(code, 2, words)
    t.match(err, message, words)
  }
  const { code, err } = await score('a,2025-01-01\n')
  t.equal(code, 0, err)
  const nowhere = [
    '--transactions',
    join(folder, 'gone.csv'),
    '--as-of',
    '2025-01-01',
    '--out',
    join(folder, 'o'),
  ]
  t.match((await milepost(['retention', 'score', ...nowhere])).err, 'there is no such file')
  const outside = [
    '--transactions',
    write('a,2024-01-01\n'),
    '--as-of',
    '2025-01-01',
    '--out',
    '/nowhere/at/all.csv',
  ]
  t.match((await milepost(['retention', 'score', ...outside])).err, 'its folder is not there')
})

t.test('the order of rows and what comes after the day change nothing', async (t) => {
  const rows = program(120)
  const now = await score(['memberId,date,amount', ...rows].join('\n'))
  const later = program(150, '2026-03-31').filter((row) => row.split(',')[1]! > '2025-06-30')
  const mixed = [...rows, ...later].map((row, i) => ({ row, place: (i * 7919) % 10_007 }))
  mixed.sort((a, b) => a.place - b.place)
  const other = await score(['memberId,date,amount', ...mixed.map(({ row }) => row)].join('\n'))
  t.equal(other.found.afterAsOf, later.length)
  t.strictSame(other.lines, now.lines)
  const quiet = now.lines.filter((line) => line.includes(',gone quiet,gone_quiet,'))
  t.ok(quiet.length >= 15, `${quiet.length} of the 24 who stopped in January are flagged`)
  t.match(
    quiet[0],
    /,"buys every [\d.]+ days, silent for \d+ days, longest pause before \d+ days? \(clears with a purchase\)",2025-/,
  )
})

t.test('gzipped scores', async (t) => {
  const out = join(folder, 'scores.csv.gz')
  const words = ['--transactions', write('a,2025-01-01\n'), '--as-of', '2025-03-01', '--out', out]
  const { code, out: said } = await milepost(['retention', 'score', ...words])
  t.equal(code, 0)
  t.match(said, '1 member of 1 row, scored in')
  t.match(gunzipSync(readFileSync(out)).toString(), `${header}\na,0.`)
})

const grocery = join(packageRoot, '..', 'shared', 'data', 'grocery_to_day_545.csv.gz')

t.test('a backtest', async (t) => {
  const file = write(['memberId,date,amount', ...program(150)].join('\n'))
  const words = ['--transactions', file, '--cut', '2025-01-31', '--horizon', '90']
  const { code, out, err } = await milepost(['retention', 'backtest', ...words, '--json'])
  t.equal(code, 0, err)
  const [result] = JSON.parse(out).results
  t.equal(result.lapse.methods[0].name, 'milepost')
  t.match((await milepost(['retention', 'backtest', ...words])).out, /lapse: 150 members.*\n {2}milepost /)
  t.equal(JSON.parse(out).pooled, null, 'one cut has nothing to be pooled with')
  const early = await milepost([
    'retention',
    'backtest',
    ...words.slice(0, 3),
    '2025-06-01',
    '--horizon',
    '90',
  ])
  t.equal(early.code, 1)
  t.match(early.err, /it ends on 2025-06-\d\d, the horizon of 2025-06-01 on 2025-08-30/)
})

t.test('cuts of a backtest are also measured as one', async (t) => {
  const file = write(['memberId,date,amount', ...program(150)].join('\n'))
  const words = ['retention', 'backtest', '--transactions', file, '--horizon', '60']
  const both = [...words, '--cut', '2024-11-30,2025-01-31']
  const { results, pooled } = JSON.parse((await milepost([...both, '--json'])).out)
  t.equal(pooled.cuts, 2)
  t.equal(pooled.members, results[0].members + results[1].members)
  for (const target of ['lapse', 'decline']) {
    const [one, two] = results.map((result: Record<string, unknown>) => result[target])
    const all = pooled[target]
    t.equal(all.members, one.members + two.members)
    t.ok(Math.abs(all.rate - (one.rate * one.members + two.rate * two.members) / all.members) < 1e-9)
    const [milepostAll, milepostOne, milepostTwo] = [all, one, two].map(({ methods }) => methods[0])
    t.equal(milepostAll.name, 'milepost')
    t.ok(
      milepostAll.byChance < Math.min(milepostOne.byChance, milepostTwo.byChance),
      'more members, less by chance',
    )
    t.ok(
      milepostAll.calibration <= Math.max(milepostOne.calibration, milepostTwo.calibration) + 0.02,
      'what is over at one cut and under at the other evens out',
    )
    t.equal(all.methods[1].calibration, null, 'days are no chances, however many')
  }
  const { out } = await milepost(both)
  t.match(
    out,
    /2024-11-30 and 60 days[\s\S]*2025-01-31 and 60 days[\s\S]*all 2 cuts together and 60 days after, \d+ members/,
  )
})

t.test(
  'on a real grocery better than days silent',
  { skip: existsSync(grocery) ? false : `without ${grocery}` },
  async (t) => {
    const words = ['--transactions', grocery, '--cut', '2006-12-31', '--horizon', '180', '--json']
    const { code, out, err } = await milepost(['retention', 'backtest', ...words])
    t.equal(code, 0, err)
    const [{ lapse, decline, flags }] = JSON.parse(out).results
    t.ok(lapse.methods[0].auc > 0.88 && lapse.methods[0].auc > lapse.methods[1].auc + 0.01)
    t.ok(decline.methods[0].auc > 0.79 && decline.methods[0].auc > decline.methods[1].auc + 0.02)
    t.ok(lapse.methods[0].calibration < 0.05 && decline.methods[0].calibration < 0.07)
    t.ok(flags.buying_less.falseShare === null || flags.buying_less.falseShare <= 0.15)
  },
)

t.test('a simulation', async (t) => {
  const words = ['retention', 'simulate', '--members', '120', '--json']
  const { code, out, err } = await milepost(words)
  t.equal(code, 0, err)
  const { found, nobodyChanges } = JSON.parse(out)
  t.ok(found[0].stopsIn8 > found[1].stopsIn8, 'sooner than days silent')
  t.equal(nobodyChanges.flagged, 0)
  t.equal((await milepost(words)).out, out, 'the same seed, the same figures')
})
