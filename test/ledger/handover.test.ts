/** What verification finds of transfers and merges that somebody changed past the engine. */
import t from 'tap'
import { type Book, openBook, post } from '../../src/ledger/book.ts'
import { arrive, assumeDebts, leaveAll, leaveBrought } from '../../src/ledger/handover.ts'
import { emptyLot, keyOfLot, type Lot } from '../../src/ledger/lot.ts'
import { give, giveBack, HOUSEHOLD, merging, purchase } from '../engine/household.ts'
import { type Engine, startEngine, uuidOf } from '../support/engine.ts'

// a machine that is busy with other tests is no matter here
t.setTimeout(600_000)

async function damage(engine: Engine, statement: string): Promise<void> {
  await engine.sql.begin(async (tx) => {
    await tx`set local session_replication_role = replica`
    const { count } = await tx.unsafe(statement)
    if (count === 0) throw new Error(`nothing was damaged by: ${statement}`)
  })
}

// What is changed behind the engine's back, and the findings that must be among those that come of it.
const damages: [string, string, string][] = [
  [
    'a gift that arrives larger than it left',
    "update postings set points = points + 1 where from_account = 'transferred'",
    'passage_uneven',
  ],
  [
    'a gift that never arrives',
    "delete from postings where from_account = 'transferred'; delete from entries where kind = 'transfer_in'",
    'passage_uneven',
  ],
  [
    'points lost in a merge',
    "update postings set points = points - 1 where from_account = 'merged' and points > 1",
    'passage_uneven',
  ],
  [
    'a merge that takes points ever earned from nowhere',
    `update entries set detail = jsonb_set(detail, '{lifetime,points}', '999') where kind = 'merge_in'`,
    'lifetime_differs',
  ],
  ['a merge without its record', 'delete from merges', 'merge_differs'],
  [
    'a duplicate that leads to nobody',
    "update members set merged_into = gen_random_uuid() where status = 'merged'",
    'merge_differs',
  ],
  [
    'a duplicate that still has points',
    "update accounts a set lifetime = 5 from members m where m.member_id = a.member_id and m.status = 'merged'",
    'merge_differs',
  ],
  [
    'a return of a duplicate’s sale that is gone',
    `delete from transactions t using members m where m.member_id = t.member_id and m.status = 'merged'`,
    'entry_without_owner',
  ],
]

t.test('each row: damage, and what is found', async (t) => {
  for (const [name, statement, kind] of damages) {
    const engine = await startEngine(t, HOUSEHOLD)
    const [ann, dup] = [await engine.enrol('ann'), await engine.enrol('dup')]
    const sold = await engine.run(purchase(dup, 100))
    await engine.run(purchase(ann, 100))
    await engine.run(give(ann, dup, 30))
    await engine.run(merging('merge', ann, dup))
    await engine.run(giveBack(uuidOf(sold.transactionId)))
    t.same(await engine.findings(), [], `${name}: sound before`)
    for (const one of statement.split('; ')) await damage(engine, one)
    const found = (await engine.findings()).map((text) => text.split(':')[0])
    t.ok(found.includes(kind), `${name}: ${found}`)
  }
})

/** `points@expiry` lots, all of one currency, and a debt. */
function book(lots: string, debt = 0n): Book {
  const made = lots
    .split(' ')
    .filter((text) => text !== '')
    .map((text): Lot => {
      const [available, pending, id] = /^(\d+)\+(\d+)@(\w+)$/.exec(text)!.slice(1) as [string, string, string]
      const lot = emptyLot(keyOfLot(`points/never/at-once/${id}`))
      return { ...lot, available: BigInt(available), pending: BigInt(pending) }
    })
  const sum = (of: 'available' | 'pending') => made.reduce((total, lot) => total + lot[of], 0n)
  const account = { available: sum('available'), pending: sum('pending'), held: 0n, lifetime: 0n }
  return openBook(
    [{ currency: 'points', ...account, negative: debt, activeOn: null, lapsesAt: null }],
    made,
    true,
  )
}

function shown(of: Book): string {
  const lots = [...of.lots.values()]
    .filter(({ available, pending }) => available + pending > 0n)
    .map(({ available, pending, funder }) => `${available}+${pending}@${funder}`)
  const { negative } = of.accounts.get('points')!
  return [...lots.sort(), ...(negative > 0n ? [`owes ${negative}`] : [])].join(' ')
}

// The giver's lots as available+pending@lot and its debt, the taker's, and what the taker has afterwards.
const merges = [
  ['10+0@a', 0n, '', 0n, '10+0@a'],
  ['10+5@a', 0n, '1+1@a 2+0@b', 0n, '11+6@a 2+0@b'],
  ['10+5@a', 0n, '', 4n, '6+5@a'], // what comes in pays what is owed, pending points do not
  ['10+0@a', 0n, '', 40n, 'owes 30'],
  ['0+5@a', 7n, '10+0@b', 0n, '0+5@a 3+0@b'], // the taker's own points pay what the giver owes
  ['', 7n, '5+0@b', 0n, 'owes 2'],
  ['', 7n, '', 3n, 'owes 10'],
] as const

t.test('each row: what leaves one book arrives in another', async (t) => {
  for (const [lots, debt, others, owed, outcome] of merges) {
    const [from, to] = [book(lots, debt), book(others, owed)]
    const at = new Date('2026-03-03T10:00:00Z')
    const entry = { entryId: 'e', kind: 'merge_out' as const, occurredAt: at }
    const left = leaveAll(from)
    post(from, { ...entry, postings: left })
    post(to, { ...entry, postings: arrive(to, left) })
    post(to, { ...entry, postings: assumeDebts(to, left, at) })
    t.equal(shown(to), outcome, `${lots} owes ${debt} into ${others} owes ${owed}`)
    t.equal(shown(from), '', 'nothing stays behind')
  }
})

// What the book holds, what was brought by lot, and what goes back.
const partings = [
  ['10+0@a 5+0@b', { a: 7n }, '3+0@a 5+0@b'],
  ['4+0@a 5+0@b', { a: 7n }, '5+0@b'], // as far as it is still there, and never out of another lot
  ['3+6@a', { a: 7n }, '2+0@a'], // pending points first
  ['5+0@b', { a: 7n }, '5+0@b'],
] as const

t.test('each row: what goes back of what was brought', (t) => {
  for (const [lots, brought, outcome] of partings) {
    const from = book(lots)
    const ids = Object.entries(brought).map(([id, points]) => [`points/never/at-once/${id}`, points] as const)
    const postings = leaveBrought(from, { lots: new Map(ids), debts: new Map() })
    post(from, { entryId: 'e', kind: 'unmerge_out', occurredAt: new Date(), postings })
    t.equal(shown(from), outcome, lots)
  }
  t.end()
})
