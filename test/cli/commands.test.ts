/** The commands on a database: what they print, what they leave, and how they end. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { packageRoot } from '../../src/db/package-root.ts'
import { freshDatabase } from '../support/database.ts'
import { temporaryFolder } from '../support/server.ts'
import { milepost, start } from './outside.ts'

t.setTimeout(600_000)

const rules = join(packageRoot, 'rules')
const coffee = join(rules, 'corner-coffee')

interface Told {
  readonly code: number | null
  readonly err: string
  readonly document: ReturnType<typeof JSON.parse>
}

/** Runs with --json; fails unless standard output is one JSON document and nothing else. */
async function told(words: string, env = {}): Promise<Told> {
  const { code, out, err } = await milepost([...words.split(' '), '--json'], env)
  return { code, err, document: JSON.parse(out) }
}

t.test('rule files', async (t) => {
  const folder = temporaryFolder(t)
  cpSync(coffee, join(folder, 'shop'), { recursive: true })
  const file = join(folder, 'shop', 'program.yaml')
  const good = readFileSync(file, 'utf8')

  await t.test('the demo programs', async (t) => {
    t.match(await milepost(['rules', 'check'], { MILEPOST_PROGRAMS: rules }), {
      code: 0,
      out: /^16 programs checked: 0 errors/,
    })
    t.match(await milepost(['rules', 'test', coffee]), { code: 0, out: /0 failed, 0 errors/ })
    t.match(await told(`rules check ${coffee}`), { code: 0, document: { errors: [] } })
    t.match(JSON.parse((await milepost(['rules', 'schema'])).out), { type: 'object' })
  })

  await t.test('an error with its place, the line and a caret', async (t) => {
    const broken = good.replace('timeZone: Europe/Berlin', 'timeZone: Europe/Berlim')
    writeFileSync(file, broken)
    const line = broken.split('\n').findIndex((text) => text.startsWith('timeZone')) + 1
    const { code, out, err } = await milepost(['rules', 'check', file])
    t.equal(code, 1)
    t.match(out, '1 program checked: 1 error,')
    t.match(err, `${file}:${line}:11 error`)
    t.match(err, `  ${line} | timeZone: Europe/Berlim\n    |           ^^^^^^^^^^^^^\n`)
    t.match(err, 'hint: did you mean "Europe/Berlin"?')

    const { document } = await told(`rules check ${file}`)
    t.match(document.errors, [{ file, line, column: 11, path: 'timeZone', message: String, hint: /Berlin/ }])
    const { out: asFormat } = await milepost(['rules', 'check', file, '--format', 'json'])
    t.strictSame(JSON.parse(asFormat), document)
    t.match(await told(`rules publish ${file}`), {
      code: 1,
      document: { error: { code: 'rules_invalid' }, errors: [{ line }] },
    })
  })

  await t.test('an example that fails', async (t) => {
    writeFileSync(file, good.replace('1 bean per 1 EUR of net', '2 beans per 1 EUR of net'))
    const { code, err } = await milepost(['rules', 'test', join(folder, 'shop')])
    t.equal(code, 1)
    t.match(err, /program\.examples\.yaml:\d+:\d+ failed /)
    t.match(err, /expected .* got /)
    t.match(await milepost(['rules', 'publish', file]), { code: 1, err: /nothing was published/ })
  })

  await t.test('a folder of programs is checked whole, and published one by one', async (t) => {
    mkdirSync(join(folder, 'other'))
    writeFileSync(join(folder, 'other', 'program.yaml'), 'program: other\n')
    const { document } = await told(`rules check ${folder}`)
    t.ok(document.errors.length > 0)
    t.ok(document.errors.every((error: { file: string }) => error.file.startsWith(join(folder, 'other'))))
    t.match(await milepost(['rules', 'publish', folder]), { code: 2, err: /several programs/ })
  })
})

t.test('from a published program to an explained sale', async (t) => {
  const { sql, url } = await freshDatabase(t)
  const env = { DATABASE_URL: url }

  t.match(await milepost(['rules', 'versions'], env), { code: 0, out: /no program is published/ })
  const nobody = await told('keys create --program corner-coffee --source till --scopes all', env)
  t.match(nobody, { code: 1, err: /rules publish/, document: { error: { code: 'program_not_found' } } })

  const first = await told(`rules publish ${coffee}`, env)
  t.match(first, {
    code: 0,
    document: { program: 'corner-coffee', version: /^[0-9a-f]{64}$/, published: true },
  })
  t.equal(first.document.effectiveFrom, '1970-01-01T00:00:00.000Z')
  t.match((await told(`rules publish ${coffee}`, env)).document, { ...first.document, published: false })
  t.match((await told('rules versions', env)).document.versions, [
    { version: first.document.version, inForce: true },
  ])

  const words =
    'keys create --program corner-coffee --source till-feed --scopes members:write,transactions:write'
  const { document: made } = await told(words, env)
  t.match(made, {
    keyId: /^key_[0-9a-f]{32}$/,
    key: /^mp_[\w-]{43}$/,
    program: 'corner-coffee',
    source: 'till-feed',
    scopes: ['members:write', 'transactions:write'],
  })
  t.equal((await milepost(['keys', 'list'], env)).out.includes(made.key), false, 'a key is shown once')
  t.match(await told(`keys revoke ${made.keyId}`, env), { code: 0, document: { revoked: true } })
  t.match(await told(`keys revoke ${made.keyId}`, env), { code: 1, document: { revoked: false } })
  const { keys } = (await told('keys list', env)).document
  t.match(keys, [{ keyId: made.keyId, revokedAt: String }])

  const feed = join(temporaryFolder(t), 'feed.csv')
  const header = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country'
  writeFileSync(
    feed,
    `${header}\n7,BEANS,x,2,2026-03-03 09:00,12.25,4711,DE\nC8,BEANS,x,-1,2026-03-04 09:00,12.25,4711,DE\n`,
  )
  t.match(await told(`import till-feed ${feed} --program corner-coffee`, env), {
    code: 0,
    document: { posted: 2 },
  })

  const shown = await told('members show customer:4711', env)
  t.match(shown.document, {
    memberId: /^mem_/,
    externalRef: '4711',
    identifiers: [{ kind: 'customer', value: '4711', status: 'active' }],
    balances: [{ currency: 'beans', available: 12, lifetime: 12 }],
    entries: [{ kind: 'return' }, { kind: 'earn', source: 'till-feed' }],
  })
  t.strictSame((await told(`members show ${shown.document.memberId}`, env)).document, shown.document)
  t.match((await milepost(['members', 'show', 'customer:4711'], env)).out, /^beans +12 +0 +0 +0 +12$/m)
  t.match(await told('members show customer:9', env), {
    code: 1,
    document: { error: { code: 'identifier_not_found' } },
  })
  t.match(await milepost(['members', 'show', '4711'], env), { code: 2, err: /kind:value/ })

  const [row] = await sql<
    { id: string }[]
  >`select replace(transaction_id::text, '-', '') as id from transactions`
  const explained = await milepost(['rules', 'explain', `txn_${row!.id}`], env)
  t.match(explained, { code: 0, err: '', out: /base: 24 beans/ })
  t.match(explained.out, /These gave nothing:\n {2}double-tuesday/, 'and why the others were silent')
  t.match(explained.out, '1 line taken back 2026-03-04')
  t.match((await told(`rules explain txn_${row!.id}`, env)).document, {
    awards: [{ rule: 'base', points: 24 }],
  })
  t.match(await told('rules explain txn_7', env), {
    code: 1,
    document: { error: { code: 'transaction_not_found' } },
  })

  await t.test('a sale in a file as well, without writing it', async (t) => {
    const file = join(temporaryFolder(t), 'sale.json')
    const net = { amount: '7.60', currency: 'EUR' }
    const sale = {
      ...{ type: 'purchase', occurredAt: '2026-03-04T09:00:00+01:00' },
      identifier: { kind: 'customer', value: '4711' },
      lines: [{ lineId: '1', category: 'coffee', quantity: 1, net }],
    }
    const ask = (content: unknown, ...more: string[]) => {
      writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
      return milepost(['rules', 'explain', file, ...more], env)
    }
    const { out } = await ask(sale)
    t.match(out, /^quote: purchase of mem_[0-9a-f]+, 2026-03-04T08:00:00.000Z\nunder corner-coffee /)
    t.match(out, /It would give:\n {2}base: 7 beans.*\n\nThese would give nothing:\n {2}double-tuesday/)
    const { transactionId, awards } = JSON.parse((await ask(sale, '--json')).out)
    t.match({ transactionId, awards }, { transactionId: null, awards: [{ rule: 'base', points: 7 }] })
    t.equal((await sql`select from transactions`).length, 1, 'nothing was written')

    // Each row: what stands in the file, the exit code, and what is told.
    const rows = [
      ['{', 2, /is not JSON/],
      [{ ...sale, identifier: undefined }, 1, /name the member: memberId or identifier/],
      [{ ...sale, lines: [{ lineId: '1', net }] }, 1, /\/lines\/0\/quantity/],
      [{ ...sale, identifier: { kind: 'customer', value: '9' } }, 1, /no such member|identifier/i],
    ] as const
    for (const [content, code, err] of rows) t.match(await ask(content), { code, err })
    t.match(await milepost(['rules', 'explain', 'nowhere.json'], env), { code: 2, err: /is no file/ })
  })
})

t.test('ledger verify finds what somebody changed past the engine', async (t) => {
  const { sql, url } = await freshDatabase(t)
  const env = { DATABASE_URL: url }
  t.match(await told('ledger verify', env), {
    code: 0,
    document: { ok: true, checked: { members: 0 }, findings: [] },
  })
  await sql`
    insert into lots (member_id, lot_id, currency, funder, available, pending, held)
    values (gen_random_uuid(), 'x', 'beans', 'program', 5, 0, 0)`
  const found = await told('ledger verify', env)
  t.match(found, { code: 1, document: { ok: false, findings: [{ kind: String, detail: String }] } })
  t.match(await milepost(['ledger', 'verify'], env), { code: 1, out: /finding/ })
})

t.test('migrate, and what the doctor says before and after', async (t) => {
  const { sql, url } = await freshDatabase(t, 'empty')
  const env = { DATABASE_URL: url, PORT: '1' }
  const states = ({ document }: Told) =>
    Object.fromEntries(
      document.findings.map((each: { check: string; state: string }) => [each.check, each.state]),
    )

  const before = await told('doctor', env)
  t.equal(before.code, 1)
  t.match(states(before), { node: 'ok', database: 'ok', migrations: 'problem', service: 'ok' })
  t.equal((await sql`select 1 from pg_class where relname = 'members'`).length, 0, 'it changed nothing')

  t.match(await told('migrate', env), { code: 0, document: { applied: [/^0001_/] } })
  t.match(await told('migrate', env), { code: 0, document: { applied: [] } })
  const after = await told('doctor', env)
  t.match(states(after), {
    migrations: 'ok',
    schema: 'ok',
    partitions: 'ok',
    programs: 'warning',
    outbox: 'ok',
  })
  // The tests' server forgets what it was told when it crashes: exactly what the doctor is there to see.
  t.match(states(after), { durability: 'problem' })

  await sql`alter table members add column nickname text`
  await sql`insert into job_runs values ('expire', now(), now(), '{"ok": false, "error": "disk full"}')`
  const sick = await told('doctor', env)
  t.match(states(sick), { schema: 'problem', 'job expire': 'problem' })
  const { out } = await milepost(['doctor'], env)
  t.match(out, /problem {2}schema .*nickname/)
  t.match(out, /problem {2}job expire .*disk full\n +→ milepost jobs run expire/)

  await sql`insert into schema_migrations (version, name, md5, run_at) values (99, 'later', 'x', now())`
  t.match(states(await told('doctor', env)), { migrations: 'problem' })
  t.match(await milepost(['keys', 'list'], env), { code: 1, err: /use the newer Milepost/ })
})

t.test('rules that no longer load are the doctor’s to tell of', async (t) => {
  const { sql, url } = await freshDatabase(t)
  const env = { DATABASE_URL: url, PORT: '1' }
  t.equal((await milepost(['rules', 'publish', coffee], env)).code, 0)
  // what an earlier Milepost took: another version, in the same force
  await sql`
    insert into rule_versions
      (program, publication_id, version, effective_from, published_at, published_by, files)
    select program, gen_random_uuid(), ${'a'.repeat(64)}, effective_from, published_at + interval '1 millisecond', 'ada',
      jsonb_set(files, '{program.yaml}', to_jsonb((files->>'program.yaml') || 'generosity: high'))
    from rule_versions`
  const { code, out } = await milepost(['doctor'], env)
  t.equal(code, 1)
  t.match(
    out,
    /problem +program corner-coffee +version aaaaaaaaaaaa, .*no longer loads: program.yaml:\d+:1: .*generosity/,
  )
  t.match(out, /→ publish its files .*--at 1970-01-01T00:00:00.000Z/)
  t.match(await milepost(['ledger', 'liability', '--program', 'corner-coffee'], env), {
    code: 1,
    err: /no longer load: program.yaml[\s\S]*hint:.*milepost doctor/,
  })
  t.match(await milepost(['rules', 'publish', coffee, '--at', '1970-01-01T00:00:00Z'], env), { code: 0 })
  t.match((await milepost(['doctor'], env)).out, /program corner-coffee +version (?!aaaa)/)
})

t.test('packing what simulations read', async (t) => {
  const { url } = await freshDatabase(t)
  const folder = temporaryFolder(t)
  const env = { DATABASE_URL: url, PORT: '1', MILEPOST_DATA: folder }
  t.match(await milepost(['jobs', 'run', 'pack'], env), { code: 0, out: 'pack: no program is published\n' })
  t.equal((await milepost(['rules', 'publish', coffee], env)).code, 0)
  const line = /^pack: corner-coffee, nothing new, 0 members in all, 0 MB\nin \d+\.?\d* s\n$/
  t.match(await milepost(['jobs', 'run', 'pack'], env), { code: 0, out: line })
  t.match((await milepost(['doctor'], env)).out, /ok +job pack +2.*: done/)

  const file = join(folder, 'file')
  writeFileSync(file, '')
  const nowhere = { ...env, MILEPOST_DATA: join(file, 'data') }
  const said = { code: 1, out: 'pack: nothing can be kept here: the data folder cannot be written to\n' }
  t.match(await milepost(['jobs', 'run', 'pack'], nowhere), said)
  t.match(
    (await milepost(['doctor'], env)).out,
    /warning +job pack +2.*nothing can be kept in the data folder/,
  )
})

t.test('a database that is away', async (t) => {
  const env = { DATABASE_URL: 'postgres://nobody:secret@127.0.0.1:1/none' }
  const keys = await told('keys list', env)
  t.match(keys, { code: 1, document: { error: { code: 'failed' } } })
  t.notMatch(keys.err, 'secret')
  t.match(await told('doctor', env), {
    code: 1,
    document: { healthy: false, findings: [{}, { check: 'database', state: 'problem' }] },
  })
})

t.test('as a process: one JSON document on standard output, the exit code, a pipe that closes', async (t) => {
  const { url } = await freshDatabase(t)
  const listed = await start(t, ['jobs', 'list', '--json'], { DATABASE_URL: url }).ended
  t.equal(listed.code, 0, listed.err)
  t.match(JSON.parse(listed.out).jobs, [{ name: 'release-pending' }, { name: 'release-holds' }])
  t.notMatch(listed.out, '\u001b[')
  const wrong = await start(t, ['jobs', 'lst']).ended
  t.match(wrong, { code: 2, out: '', err: /did you mean "jobs list"/ })

  const cut = start(t, ['openapi'])
  cut.child.stdout?.destroy()
  t.notMatch((await cut.ended).err, 'EPIPE', 'a reader that has seen enough is no failure')
})

t.test('openapi --out writes the whole document', async (t) => {
  const out = join(temporaryFolder(t), 'openapi.json')
  t.match(await milepost(['openapi', '--out', out]), { code: 0, out: '' })
  t.match(JSON.parse(readFileSync(out, 'utf8')), { openapi: '3.1.0' })
})

t.test('a campaign’s test is ended by hand', async (t) => {
  const { sql, url } = await freshDatabase(t)
  const env = { DATABASE_URL: url }
  const file = join(temporaryFolder(t), 'program.yaml')
  const campaign = '{ id: hello, start: { segment: all }, arms: [{ id: note, message: hello }] }'
  writeFileSync(
    file,
    `${readFileSync(join(coffee, 'program.yaml'), 'utf8')}
retention:
segments: [{ id: all, when: { memberFor: { atLeast: 0 } } }]
campaigns: [${campaign}]
`,
  )
  t.match(await told(`rules publish ${file}`, env), { code: 0 })
  const none = await told('retention stop hello --program corner-coffee', env)
  t.match(none, { code: 1, document: { error: { code: 'experiment_not_found' } } }, 'it has not begun')
  t.match(await told('jobs run campaigns', env), { code: 0 })
  const words = 'retention roll-out hello --program corner-coffee --arm'
  t.match(await told(`${words} nonesuch`, env), { code: 1, document: { error: { code: 'arm_not_found' } } })
  t.match(await milepost(words.replace(' --arm', '').split(' '), env), { code: 2, err: /--arm/ })
  t.match(await told(`${words} note`, env), { code: 0, document: { state: 'rolled_out', winner: 'note' } })
  const stopped = await milepost('retention stop hello --program corner-coffee'.split(' '), env)
  t.match(stopped, { code: 0, out: /^hello \(.*\): stopped, by hand \(command line\)\n/ })
  t.equal((await sql`select 1 from experiments where state = 'stopped'`).length, 1)
})
