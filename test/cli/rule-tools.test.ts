/** diff, simulate, versions, withdraw and rollback as a person types them. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { packageRoot } from '../../src/db/package-root.ts'
import { freshDatabase } from '../support/database.ts'
import { temporaryFolder } from '../support/server.ts'
import { milepost } from './outside.ts'

t.setTimeout(600_000)

const coffee = join(packageRoot, 'rules', 'corner-coffee')

const feed = `InvoiceNo,StockCode,Quantity,InvoiceDate,UnitPrice,CustomerID
1,BEANS,1,2026-03-03 09:00,30.00,7
2,BEANS,2,2026-03-04 09:00,10.00,8
C3,BEANS,-1,2026-03-05 09:00,10.00,8
`

t.test('from a published program to its draft and back', async (t) => {
  const { url } = await freshDatabase(t)
  const env = { DATABASE_URL: url }
  const run = (...words: string[]) => milepost(words, env)
  const folder = temporaryFolder(t)
  const draft = join(folder, 'draft')
  cpSync(coffee, draft, { recursive: true })
  const file = join(draft, 'program.yaml')
  const edited = readFileSync(file, 'utf8').replace(
    /award: 1 bean per 1 EUR of net$/m,
    'award: 2 beans per 1 EUR of net',
  )
  writeFileSync(file, edited)
  // Its examples still tell of one bean: a draft may be simulated all the same, but not published.
  const invoices = join(folder, 'feed.csv')
  writeFileSync(invoices, feed)
  t.equal((await run('rules', 'publish', coffee)).code, 0)
  t.match(
    JSON.parse((await run('import', 'till-feed', invoices, '--program', 'corner-coffee', '--json')).out),
    {
      posted: 3,
    },
  )

  await t.test('diff', async (t) => {
    const base = 'rule base: 1 bean per 1 EUR of net -> 2 beans per 1 EUR of net\n'
    t.match(await run('rules', 'diff', 'current', draft), { code: 0, out: base, err: '1 change\n' })
    t.match(await milepost(['rules', 'diff', coffee, draft]), { code: 0, out: base }, 'without a database')
    t.equal((await run('rules', 'diff', coffee, coffee)).out, 'the same, to the last byte\n')
    const { changes, from, to } = JSON.parse((await run('rules', 'diff', 'current', draft, '--json')).out)
    t.match(changes, [{ kind: 'changed', path: ['earn', 'base', 'award'] }])
    t.equal((await run('rules', 'diff', from.slice(0, 8), draft)).out, base)
    t.not(from, to)
    t.match(await run('rules', 'diff', 'ffffff', draft), {
      code: 1,
      err: /no such version of the rules.*hint: /s,
    })
    t.match(await run('rules', 'diff', 'curent', draft), { code: 2, err: /no folder, no version/ })
  })

  await t.test('simulate', async (t) => {
    const same = await run('rules', 'simulate', '--workers', '1')
    t.match(same, { code: 0, out: /everything comes out as recorded/ })

    const picture = join(folder, 'picture.svg')
    const { code, out, err } = await run('rules', 'simulate', draft, '--svg', picture)
    t.equal(code, 0, err)
    t.match(out, '2 transactions with 1 return of 2 members')
    t.match(out, /^ {2}base, beans +40 +80 +\+40 +\+2\.00$/m)
    t.match(out, /2 members gain, 0 lose; owed 4\.00 EUR instead of 2\.00 \(\+2\.00\)/)
    const svg = readFileSync(picture, 'utf8')
    t.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="[\d .]+"/)
    t.match(svg, '<title>base, beans: 40 as recorded, 80 as simulated</title>')
    t.notMatch(svg, /<script|href|url\(|<image|@import/, 'nothing from outside')
    const [opened, closed] = [
      svg.match(/<(g|svg|text|title|desc)\b/g),
      svg.match(/<\/(g|svg|text|title|desc)>/g),
    ]
    t.equal(opened?.length, closed?.length, 'every element is closed')

    const { rules, members } = JSON.parse(
      (await run('rules', 'simulate', draft, '--since', '2026-03-04T00:00:00Z', '--json')).out,
    )
    t.equal(members, 2)
    t.match(rules, [{ rule: 'base', before: { points: 10 }, after: { points: 20 } }])

    writeFileSync(file, edited.replace('timeZone', 'timeZoen'))
    t.match(await run('rules', 'simulate', draft), { code: 1, err: /timeZoen[\s\S]*nothing was simulated/ })
    writeFileSync(file, edited.replace('program: corner-coffee', 'program: tea-house'))
    t.match(await run('rules', 'simulate', draft, '--program', 'corner-coffee'), {
      code: 1,
      err: /these are the rules of tea-house, not of corner-coffee\n {2}hint: .*`program: corner-coffee`/,
    })
    writeFileSync(file, edited)
    for (const [words, told] of [
      [['--sample', '0%'], /--sample is a share/],
      [['--sample', '101%'], /--sample is a share/],
      [['--workers', '0'], /--workers is a number/],
      [['--since', '2026-03-04T00:00:00Z', '--until', '2026-03-04T00:00:00Z'], /--since is before --until/],
    ] as const) {
      t.match(await run('rules', 'simulate', draft, ...words), { code: 2, err: told })
    }
    t.match(await run('rules', 'simulate', draft, '--by', 'citty'), { code: 1, err: /no attribute "citty"/ })
    t.match(await run('rules', 'simulate', '--program', 'corner-cofee'), {
      code: 1,
      err: /did you mean "corner-coffee"/,
    })
  })

  await t.test('schedule, withdraw, publish, roll back', async (t) => {
    const examples = join(draft, 'program.examples.yaml')
    writeFileSync(examples, 'examples: []\n')
    const at = new Date(Date.now() + 86_400_000).toISOString()
    const coming = JSON.parse(
      (await run('rules', 'publish', draft, '--at', at, '--note', 'spring', '--json')).out,
    )
    t.match(
      (await run('rules', 'versions')).out,
      new RegExp(`${coming.version.slice(0, 12)} .* to come .*: spring`),
    )
    t.match(await run('rules', 'withdraw', coming.version.slice(0, 7), '--note', 'no'), {
      code: 0,
      out: /withdrawn; it would have begun/,
    })
    t.match((await run('rules', 'versions')).out, /withdrawn .*: spring \(withdrawn by cli.*: no\)/)
    t.match(await run('rules', 'withdraw', coming.version), {
      code: 1,
      err: /was withdrawn before, by cli/,
    })

    const [first] = JSON.parse((await run('rules', 'versions', '--json')).out).versions
    t.equal((await run('rules', 'publish', draft)).code, 0)
    const back = await run('rules', 'rollback', '--to', first.version.slice(0, 8), '--note', 'too dear')
    t.match(back, { code: 0, out: /published again, in force from/ })
    t.match((await run('rules', 'rollback', '--to', first.version)).out, /is in force already/)
    const { versions } = JSON.parse((await run('rules', 'versions', '--json')).out)
    // For a time gone by: in force then, not now, which is said.
    const late = await run('rules', 'publish', draft, '--at', '2026-01-01T00:00:00Z')
    const span = 'in force from 2026-01-01T00:00:00.000Z until \\S+, when another version takes over'
    t.match(late, { code: 0, out: new RegExp(span), err: /it is not in force now/ })
    t.strictSame(versions.map(({ state }: { state: string }) => state).sort(), [
      'in_force',
      'replaced',
      'replaced',
      'withdrawn',
    ])
    t.match(await run('rules', 'rollback', '--to', 'ffffff'), {
      code: 1,
      err: /no such version of the rules.*hint: /s,
    })
    t.match(await run('rules', 'rollback'), { code: 2, err: /--to HASH is missing/ })
  })
})
