/** Verification finds nothing in a ledger that adds up, and each kind of damage by its own finding. */
import t from 'tap'
import { showId } from '../../src/base/ids.ts'
import type { Sql } from '../../src/db/connection.ts'
import { verifyLedger } from '../../src/ledger/verify.ts'
import { freshDatabase } from '../support/database.ts'
import { writeHealthyLedger } from './healthy.ts'

t.setTimeout(600_000)

/** Changes what no program may change: constraints and triggers look away. */
async function damage(sql: Sql, statement: string): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`set local session_replication_role = replica`
    const { count } = await tx.unsafe(statement)
    if (count === 0) throw new Error(`nothing was damaged by: ${statement}`)
  })
}

const entryOf = (kind: string, place = 0) =>
  `(select entry_id from entries where kind = '${kind}' order by entry_id offset ${place} limit 1)`
t.setTimeout(600_000)

const stranger = '0190aaaa-0000-7000-8000-000000000000'

t.test('a ledger that adds up', async (t) => {
  const { sql } = await freshDatabase(t)
  await writeHealthyLedger(sql)
  const steps: [number, number][] = []
  const verification = await verifyLedger(sql, { onProgress: (done, total) => steps.push([done, total]) })
  t.strictSame(verification, {
    ok: true,
    checked: { members: 2, entries: 13, postings: 13, lots: 2 },
    findings: [],
  })
  // six checks of one slice, and the recorded answers
  t.strictSame(
    steps,
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((done) => [done, 10]),
  )
})

t.test('an empty one', async (t) => {
  const { sql } = await freshDatabase(t)
  const checked = { members: 0, entries: 0, postings: 0, lots: 0 }
  t.strictSame(await verifyLedger(sql), { ok: true, checked, findings: [] })
})

// What is changed behind the engine's back, and what is found: kinds, and a word that the detail must say.
const damages: [string, string, string[], string][] = [
  [
    'an account',
    'update accounts set available = available + 1 where held = 30',
    ['account_differs'],
    'available 50',
  ],
  [
    'what is pending',
    'update accounts set pending = 26 where pending = 25',
    ['account_differs'],
    'postings say available 49, pending 25',
  ],
  ['what is held', 'update accounts set held = 29 where held = 30', ['account_differs'], 'held 29'],
  ['a debt', 'update accounts set negative = 29 where negative = 30', ['account_differs'], 'negative 29'],
  [
    'an account that is gone',
    'delete from accounts where negative = 30',
    ['account_differs', 'lifetime_differs'],
    'negative 0',
  ],
  [
    'what was earned in all',
    'update accounts set lifetime = 124 where lifetime = 125',
    ['lifetime_differs'],
    'lifetime 124',
  ],
  ['a lot', 'update lots set available = 48 where available = 49', ['lot_differs'], 'available 48'],
  [
    'two lots that make up for each other',
    'update lots set pending = case pending when 25 then 24 else 1 end',
    ['lot_differs', 'lot_differs'],
    'pending 24',
  ],
  ['what a lot holds', 'update lots set held = 31 where held = 30', ['lot_differs'], 'held 31'],
  ['a lot that is gone', 'delete from lots where pending = 25', ['lot_differs'], 'pending 0'],
  [
    "a lot's currency",
    "update lots set currency = 'miles' where pending = 25",
    ['lot_differs', 'lot_differs'],
    'pending 25',
  ],
  [
    'a hold that is forgotten',
    "update redemptions set status = 'released' where status = 'held'",
    ['holds_differ'],
    'hold 0',
  ],
  [
    'a hold of other size',
    "update redemptions set points = 31 where status = 'held'",
    ['holds_differ'],
    'hold 31',
  ],
  [
    'a hold from nowhere',
    "update redemptions set status = 'held' where external_ref = 'R4'",
    ['holds_differ'],
    'miles: redemptions hold 50',
  ],
  [
    'a posting to an unknown account',
    `update postings set to_account = 'pocket' where entry_id = ${entryOf('redeem')}`,
    ['bad_posting'],
    'pocket',
  ],
  [
    'a posting in a circle',
    `update postings set to_account = 'issued' where from_account = 'issued' and to_account = 'negative'`,
    ['account_differs', 'bad_posting'],
    'issued to issued',
  ],
  [
    'a posting beside its lot',
    `update postings set lot_id = null where entry_id = ${entryOf('adjust')}`,
    ['lot_differs', 'posting_without_lot'],
    'leg 1',
  ],
  [
    'a posting between other accounts',
    `update postings set to_account = 'expired' where entry_id = ${entryOf('adjust')}`,
    ['account_differs', 'lot_differs'],
    'available 49',
  ],
  [
    'a first leg that is gone',
    'delete from postings where points = 6',
    ['account_differs', 'holds_differ', 'legs_missing', 'lot_differs'],
    'capture',
  ],
  ['a gap between legs', `update postings set leg = 3 where points = 4`, ['legs_missing'], 'capture'],
  [
    'legs that begin later',
    `update postings set leg = 2 where entry_id = ${entryOf('redeem')}`,
    ['legs_missing'],
    'redeem',
  ],
  [
    'an entry that moves nothing',
    `update entries set kind = 'adjust', transaction_id = null where entry_id = ${entryOf('earn', 2)}`,
    ['entry_without_postings', 'transaction_without_entry'],
    'adjust',
  ],
  [
    'an unknown kind of entry',
    `update entries set kind = 'gift' where entry_id = ${entryOf('adjust')}`,
    ['unknown_entry_kind'],
    'gift',
  ],
  [
    'an award that grew',
    `update transactions set valuation = jsonb_set(valuation::jsonb, '{awards,0,points}', '61')::json where external_ref = 'S1'`,
    ['award_differs'],
    'issued 100, awarded 101',
  ],
  [
    'an award that was never posted',
    `update transactions set valuation = '{"awards": [{"currency": "beans", "points": 7}]}' where external_ref = 'S3'`,
    ['award_differs'],
    'issued 0, awarded 7',
  ],
  [
    'a sale that is gone',
    `delete from transactions where external_ref = 'S1'`,
    ['entry_without_transaction'],
    'earn',
  ],
  [
    'a redemption that is gone',
    `delete from redemptions where external_ref = 'R2'`,
    ['entry_without_redemption'],
    'redeem',
  ],
  [
    'an entry that is gone',
    `delete from entries where entry_id = ${entryOf('adjust')}`,
    ['account_differs', 'answer_without_entry', 'lot_differs', 'posting_without_entry'],
    'adjusted',
  ],
  [
    "a sale's entry that is gone",
    `delete from entries where entry_id = ${entryOf('earn', 2)}`,
    ['answer_without_entry', 'transaction_without_entry'],
    'S3',
  ],
  [
    'an answer nothing stands behind',
    `update commands set command_id = '${stranger}' where external_ref = 'A1'`,
    ['answer_without_entry'],
    'adjust A1 of till',
  ],
  [
    'a tier out of nowhere',
    "update standings set tier = 'platinum'",
    ['standing_differs'],
    'platinum until 2099',
  ],
  ['a tier kept for ever', 'update standings set until = null', ['standing_differs'], 'gold until ever'],
  ['a standing that is gone', 'delete from standings', ['standing_differs'], 'none'],
  ['a standing without a change', 'delete from tier_changes', ['standing_differs'], 'none'],
  [
    'a member that no sweep would find in time',
    'update members set due_at = null',
    ['due_too_late'],
    'due at no time',
  ],
  [
    'a lot whose row says another day than its name',
    "update lots set expires_at = '2098-12-31' where pending = 25",
    ['due_too_late', 'lot_misdated'],
    'lapses 2098-12-31',
  ],
  [
    'points that lapse by inactivity, and no clock',
    "update lots set lot_id = replace(lot_id, 'never', 'idle') where pending = 25",
    ['clock_missing', 'lot_differs', 'lot_differs'],
    'no activity is known',
  ],
  [
    'a clock that runs from no activity',
    "update accounts set active_on = '2026-01-01' where lifetime = 125",
    ['clock_differs'],
    'say none',
  ],
  [
    'points lost on the way from lot to lot',
    `update postings set to_account = 'carried' where entry_id = ${entryOf('redeem')}`,
    ['carried_not_empty'],
    'redeem',
  ],
  [
    'a member who is gone',
    "delete from members where external_ref = 'bob'",
    ['member_missing'],
    'accounts, entries, redemptions, transactions',
  ],
  [
    'an account of nobody',
    `insert into accounts values ('${stranger}', 'beans', 0, 0, 0, 0, 0)`,
    ['member_missing'],
    'accounts',
  ],
]

t.test('each kind of damage', async (t) => {
  for (const [name, statement, kinds, word] of damages) {
    await t.test(name, async (t) => {
      const { sql } = await freshDatabase(t)
      await writeHealthyLedger(sql)
      await damage(sql, statement)
      const { ok, findings } = await verifyLedger(sql)
      t.equal(ok, false)
      t.strictSame(findings.map((finding) => finding.kind).sort(), kinds)
      t.ok(
        findings.some((finding) => finding.detail.includes(word)),
        JSON.stringify(findings),
      )
      t.ok(
        findings.every((finding) => finding.memberId?.startsWith('mem_')),
        'each names its member',
      )
    })
  }
})

// Constraints keep these out; where somebody dropped them, verification still tells.
t.test('what constraints would have refused', async (t) => {
  const { sql } = await freshDatabase(t)
  await writeHealthyLedger(sql)
  await sql`alter table lots drop constraint lots_available_check`
  await sql`alter table accounts drop constraint accounts_available_check`
  await damage(sql, `update postings set points = 1000 where entry_id = ${entryOf('redeem')}`)
  await damage(sql, 'update lots set available = -931 where available = 49')
  await damage(sql, 'update accounts set available = -931 where available = 49')
  const { findings } = await verifyLedger(sql)
  t.strictSame(
    findings.map((finding) => finding.kind),
    ['lot_below_zero'],
  )
})

t.test('one program alone', async (t) => {
  const { sql } = await freshDatabase(t)
  const { bob } = await writeHealthyLedger(sql)
  await damage(sql, 'update accounts set negative = 29 where negative = 30')
  const coffee = await verifyLedger(sql, { program: 'coffee' })
  t.strictSame(coffee, { ok: true, checked: { members: 1, entries: 9, postings: 9, lots: 2 }, findings: [] })
  const air = await verifyLedger(sql, { program: 'air' })
  t.strictSame(air.checked, { members: 1, entries: 4, postings: 4, lots: 0 })
  t.strictSame(
    air.findings.map((finding) => [finding.kind, finding.memberId]),
    [['account_differs', showId('member', bob)]],
  )
})

t.test('findings are bounded and counted, over several slices', async (t) => {
  const { sql } = await freshDatabase(t)
  await sql`
    insert into members
      (member_id, program, external_ref, status, profile, attributes, consents, enrolled_at, created_at, version)
    select gen_random_uuid(), 'coffee', n, 'active', '{}', '{}', '{}', now(), now(), 1
    from generate_series(1, 4500) as n`
  await sql`
    insert into accounts (member_id, currency, available, pending, held, negative, lifetime)
    select member_id, 'beans', 5, 0, 0, 0, 0 from members`
  const steps: number[] = []
  const { ok, checked, findings } = await verifyLedger(sql, { onProgress: (_, total) => steps.push(total) })
  t.equal(ok, false)
  t.equal(checked.members, 4500)
  t.strictSame(steps, Array(22).fill(22), 'three slices of six checks, and four of all members')
  t.equal(findings.length, 1001)
  t.strictSame(findings.at(-1), { kind: 'more', detail: 'and 3500 more' })
})

t.test('writers in the meantime give no false findings', async (t) => {
  const { sql } = await freshDatabase(t)
  await writeHealthyLedger(sql)
  let disturbed: Promise<unknown> = Promise.resolve()
  const { ok } = await verifyLedger(sql, {
    onProgress: () => {
      // The snapshot is taken: a change that is committed now is not part of it.
      disturbed = sql`delete from commands`
    },
  })
  await disturbed
  t.equal(ok, true)
})
