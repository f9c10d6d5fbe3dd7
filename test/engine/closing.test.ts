/** The end of a membership: closed, opened again, erased; the ledger whole and replays answered all the same. */
import t from 'tap'
import type { Request } from '../../src/engine/command.ts'
import { exportMember } from '../../src/engine/export.ts'
import { type Engine, startEngine, uuidOf } from '../support/engine.ts'
import { ending, give, giveBack, HOUSEHOLD, merging, pool, purchase, spend } from './household.ts'

// a machine that is busy with other tests is no matter here
t.setTimeout(600_000)

async function pointsOf(engine: Engine, memberId: string): Promise<Record<string, bigint>> {
  const [row] = await engine.sql`
    select available, pending, negative from accounts where member_id = ${memberId} and currency = 'points'`
  return { ...row }
}

t.test('closing forfeits the points, or keeps them, as the program says', async (t) => {
  for (const [closing, left] of [
    ['forfeit', 0n],
    ['keep', 100n],
  ] as const) {
    const engine = await startEngine(t, `${HOUSEHOLD}\nclosing: ${closing}\n`)
    const ann = await engine.enrol('ann')
    await engine.run(purchase(ann, 100, { channel: 'web' }))
    t.match(await engine.run(ending('close', ann)), { status: 'closed', identifiers: [{ value: 'ann' }] })
    t.match(await pointsOf(engine, ann), { available: left })
    const was = await engine.checksum()
    const bob = '00000000-0000-7000-8000-000000000000'
    const refusals: Request[] = [
      purchase(ann, 1),
      spend(ann, 1),
      give(ann, bob, 1),
      ending('close', ann),
      {
        kind: 'adjust',
        body: { externalRef: 'a', memberId: ann, currency: 'points', points: 1, reason: 'r' },
      },
    ]
    for (const request of refusals) t.equal(await engine.refused(request), 'member_not_active', request.kind)
    t.equal(await engine.checksum(), was)
    t.match(await engine.run(ending('reopen', ann)), { status: 'active' })
    t.equal(await engine.refused(ending('reopen', ann)), 'member_not_closed')
    t.match(await engine.run(purchase(ann, 5)), { balances: [{ available: Number(left) + 5 }] })
    t.same(await engine.findings(), [])
  }
})

t.test('a debt is not shed by closing, and a running hold is waited for', async (t) => {
  const engine = await startEngine(t, HOUSEHOLD)
  const ann = await engine.enrol('ann')
  const sold = await engine.run(purchase(ann, 40))
  const held = await engine.run(spend(ann, 40, { hold: { seconds: 60 } }))
  for (const kind of ['close', 'erase'] as const)
    t.equal(await engine.refused(ending(kind, ann)), 'points_held')
  await engine.run({ kind: 'capture', redemptionId: uuidOf(held.redemptionId), body: {} })
  await engine.run(giveBack(uuidOf(sold.transactionId)))
  await engine.run(ending('close', ann))
  await engine.run(ending('reopen', ann))
  t.match(await pointsOf(engine, ann), { available: 0n, negative: 40n })
  t.same(await engine.findings(), [])
})

const PLANTED = [
  'Lovelace',
  'ada@example.org',
  'card-ada',
  'phone-ada',
  'card-dup',
  'blue-eyes',
  'called-at-noon',
]

t.test(
  'erasing: nothing planted is left in any table, and every reference still has its answer',
  async (t) => {
    const rules = `${HOUSEHOLD}\nmembers:\n  attributes: { note?: text }\n`
    const engine = await startEngine(t, rules)
    const enrolment = (name: string): Request => ({
      kind: 'enrol',
      body: {
        externalRef: `crm-${name}`,
        identifiers: [{ kind: 'card', value: `card-${name}` }],
        profile: { familyName: 'Lovelace', mail: 'ada@example.org' },
        attributes: { note: 'blue-eyes' },
      },
    })
    const ann = uuidOf((await engine.run(enrolment('ada'), 'crm-ada')).memberId)
    const dup = uuidOf((await engine.run(enrolment('dup'), 'crm-dup')).memberId)
    const bob = await engine.enrol('bob')
    const card = { kind: 'card', value: 'card-ada' }
    await engine.run(
      { kind: 'add_identifier', memberId: ann, body: { kind: 'phone', value: 'phone-ada' } },
      'p',
    )
    await engine.run(
      { kind: 'update_member', memberId: ann, body: { profile: { familyName: 'Lovelace' } } },
      'u',
    )
    const sold = await engine.run(purchase(ann, 100, { identifier: card }), 'sale')
    await engine.run(purchase(dup, 10, { identifier: { kind: 'card', value: 'card-dup' } }), 'other sale')
    const gift: Request = {
      kind: 'transfer',
      body: {
        externalRef: 'g',
        from: { identifier: { kind: 'card', value: 'bob' } },
        to: { identifier: card },
        currency: 'points',
        points: 5,
      },
    }
    await engine.run(purchase(bob, 50))
    await engine.run(gift, 'gift')
    await engine.run(
      { kind: 'redeem', body: { externalRef: 'r', identifier: card, currency: 'points', points: 1 } },
      'r',
    )
    // Paid by bob alone, so it is logged under bob.
    const eve = await engine.enrol('eve')
    await engine.run({ kind: 'create_pool', body: { externalRef: 'h', members: [ann, bob] } }, 'h')
    await engine.run(
      {
        kind: 'adjust',
        body: { externalRef: 'z', memberId: ann, currency: 'points', points: -104, reason: 'zero' },
      },
      'z',
    )
    await engine.run(
      {
        kind: 'redeem',
        body: { externalRef: 'pooled', identifier: card, currency: 'points', points: 3, usePool: true },
      },
      'pooled',
    )
    await engine.run(merging('merge', ann, dup), 'm')
    await engine.run({ kind: 'leave_pool', poolId: (await poolOf(engine, bob))!, memberId: bob })
    const planted = await found(engine)
    t.ok(planted.length > 5, `it was there: ${planted.join(', ')}`)

    const closing = { externalRef: 'e', reason: 'called-at-noon' }
    const erased = await engine.run({ kind: 'erase', memberId: ann, body: closing }, 'erasing')
    t.match(erased, { status: 'erased', externalRef: 'erased', identifiers: [], profile: {}, attributes: {} })
    t.same(await found(engine), [], 'and is nowhere any more')
    t.same(await engine.findings(), [])

    t.strictSame(await engine.run(purchase(ann, 100, { identifier: card }), 'sale'), sold, 'a sale again')
    t.match(await engine.run(enrolment('ada'), 'crm-ada'), {
      memberId: `mem_${ann.replaceAll('-', '')}`,
      identifiers: [],
      profile: {},
    })
    t.strictSame(await engine.run({ kind: 'erase', memberId: ann, body: closing }, 'erasing'), erased)
    t.match(await engine.run(gift, 'gift'), { points: 5 })
    t.equal(await engine.refused(ending('erase', ann)), 'member_not_active')
    t.equal(await engine.refused(ending('reopen', ann)), 'member_not_closed')
    t.equal(await engine.refused(merging('unmerge', ann, dup)), 'member_not_active')

    const again = uuidOf((await engine.run(enrolment('ada'), 'crm-new')).memberId)
    t.not(again, ann, 'the card may be given to somebody else')
    t.same((await pointsOf(engine, eve)).available, undefined)
  },
)

t.test('enrolled, changed and erased in one group, and the card given to the next', async (t) => {
  const engine = await startEngine(t, HOUSEHOLD)
  const ann = await engine.enrol('ada-card')
  const body = { profile: { familyName: 'Lovelace' } }
  const identifiers = [{ kind: 'card', value: 'ada-card' }]
  const [, , next] = await Promise.all([
    engine.run({ kind: 'update_member', memberId: ann, body }, 'change'),
    engine.run(ending('erase', ann), 'erase'),
    engine.run({ kind: 'enrol', body: { externalRef: 'new', identifiers } }, 'new'),
  ])
  t.same(await found(engine), [])
  const { memberId } = await engine.run(purchase('', 1, { identifier: identifiers[0]! }))
  t.equal(memberId, next!.memberId)
})

t.test('an export tells everything, of duplicates too, and is one JSON document', async (t) => {
  const engine = await startEngine(t, HOUSEHOLD)
  const [ann, dup] = [await engine.enrol('ann'), await engine.enrol('dup')]
  // More than a page of every kind.
  await Promise.all(Array.from({ length: 450 }, () => engine.run(purchase(ann, 1))))
  await engine.run(purchase(dup, 7))
  await engine.run(spend(ann, 10))
  await engine.run(pool(ann))
  await engine.run(merging('merge', ann, dup))
  const told = await exportMember(engine.sql, {
    program: 'home',
    memberId: ann,
    duplicates: [dup],
    at: engine.now(),
  })
  const pieces: string[] = []
  for await (const piece of told) pieces.push(piece)
  const document = JSON.parse(pieces.join(''))
  t.match(document, {
    format: 'milepost-member-export-1',
    member: { externalRef: 'ann', status: 'active' },
    identifiers: [{ value: 'ann' }, { value: 'dup' }],
    merges: [{ unmergedAt: null }],
    pools: [{ poolId: /^pol_/ }],
    redemptions: [{ points: 10, status: 'captured' }],
  })
  t.equal(document.transactions.length, 451)
  t.equal(document.transactions[0].request.lines.length, 1)
  t.equal(new Set(document.entries.map(({ entryId }: { entryId: string }) => entryId)).size, 454)
  const [account] = document.accounts.filter((one: { currency: string }) => one.currency === 'points')
  t.equal(account.available, 447)
  t.ok(Math.max(...pieces.map(({ length }) => length)) < 500_000, 'told in pieces')
  t.notMatch(pieces.join(''), '"owner"')

  const left = await exportMember(engine.sql, {
    program: 'home',
    memberId: ann,
    duplicates: [],
    at: engine.now(),
  })
  await left.next()
  await left.return(undefined)
  t.rejects(exportMember(engine.sql, { program: 'other', memberId: ann, duplicates: [], at: engine.now() }), {
    code: 'member_not_found',
  })
})

async function poolOf(engine: Engine, memberId: string): Promise<string | undefined> {
  const [row] = await engine.sql<{ pool_id: string }[]>`
    select pool_id from pool_members where member_id = ${memberId}`
  return row?.pool_id
}

/** Where any of what was planted still stands: every column of every table, whatever tables there are. */
async function found(engine: Engine): Promise<string[]> {
  const tables = await engine.sql<{ name: string }[]>`
    select c.relname as name from pg_class c
    where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
    order by c.relname`
  const places: string[] = []
  for (const { name } of tables) {
    const rows = await engine.sql<
      { line: string }[]
    >`select to_jsonb(t)::text as line from ${engine.sql(name)} t`
    for (const word of PLANTED)
      if (rows.some(({ line }) => line.includes(word))) places.push(`${name}: ${word}`)
  }
  return places
}

t.test(
  'an answer with nothing personal in it stays the same to the byte when its member is erased',
  async (t) => {
    const engine = await startEngine(t, HOUSEHOLD)
    const ann = await engine.enrol('ann')
    const asked: Request[] = [purchase(ann, 100), pool(ann), spend(ann, 10)]
    const answers = await Promise.all(
      asked.map((request, index) => engine.refused(request, `asked-${index}`)),
    )
    t.match(answers, [/^no refusal but/, /^no refusal but/, /^no refusal but/])
    await engine.run(ending('erase', ann))
    for (const [index, request] of asked.entries())
      t.equal(await engine.refused(request, `asked-${index}`), answers[index], request.kind)
  },
)
