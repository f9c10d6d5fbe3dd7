/**
 * A large ledger written in bulk past the engine, in which everything adds up: sales, redemptions and
 * corrections in order of time, members in turn, as tills write them.
 */
import { list, type Sql } from '../src/db/connection.ts'

export interface LedgerSize {
  readonly program: string
  readonly members: number
  readonly entries: number
  readonly now: Date
}

/** Of ten entries of a member eight are sales of 10 points, one spends 20, one is a correction of 5. */
const ROUND = 10
const LOT = 'points/never/at-once/program'
const SCALE = { sale: 10, redeem: 20, adjust: 5 }

/** Ids that sort by time, like those that the program makes: n-th of its kind. */
const idOf = (sql: Sql, start: number, kind: string, number: string) => sql`
  (lpad(to_hex(${start}::bigint + ${sql.unsafe(number)} / 1000), 12, '0') || '7' || ${kind}::text || '8000' ||
    lpad(to_hex(${sql.unsafe(number)}), 12, '0'))::uuid`

export async function seedLedger(sql: Sql, size: LedgerSize, say: (line: string) => void): Promise<void> {
  const { program, members, entries, now } = size
  const start = now.getTime()
  await sql`
    insert into members
      (member_id, program, external_ref, status, profile, attributes, consents, enrolled_at, created_at, version)
    select ${idOf(sql, start, '001', 'n')}, ${program}, 'M' || n, 'active', '{}', '{}', '{}', ${now}, ${now}, 1
    from generate_series(0, ${members - 1}::bigint) as n`
  for (let first = 0; first < entries; first += PAGE) {
    await seedPage(sql, { ...size, first, last: Math.min(entries, first + PAGE) - 1 })
    say(
      `${Math.min(entries, first + PAGE).toLocaleString('en')} of ${entries.toLocaleString('en')} entries written`,
    )
  }
  await seedBalances(sql, size)
  for (const table of ['members', 'entries', 'postings', 'transactions', 'redemptions', 'commands', 'lots']) {
    await sql`vacuum analyze ${sql(table)}`
  }
}

const PAGE = 250_000

/** One statement a table; what an entry is follows from its number alone, so each can tell by itself. */
async function seedPage(sql: Sql, page: LedgerSize & { first: number; last: number }): Promise<void> {
  const { program, members, now, first, last } = page
  const start = now.getTime()
  const id = (kind: string) => idOf(sql, start, kind, 'n')
  const member = idOf(sql, start, '001', `(n % ${members})`)
  const kind = sql`(case (n / ${members}) % ${ROUND} when 8 then 'redeem' when 9 then 'adjust' else 'earn' end)`
  const numbers = sql`generate_series(${first}::bigint, ${last}::bigint) as n`
  const when = (wanted: string) => sql`${kind} = ${wanted}`
  await sql`
    insert into entries (member_id, entry_id, command_id, kind, occurred_at, recorded_at, transaction_id, redemption_id,
      rules_version, source)
    select ${member}, ${id('002')}, ${id('003')}, ${kind}, ${now}, ${now},
      case when ${when('earn')} then ${id('004')} end, case when ${when('redeem')} then ${id('005')} end, 'v1', 'till'
    from ${numbers}`
  await sql`
    insert into postings (member_id, entry_id, leg, currency, from_account, to_account, points, lot_id)
    select ${member}, ${id('002')}, 1, 'points',
      case ${kind} when 'earn' then 'issued' when 'adjust' then 'adjusted' else 'available' end,
      case ${kind} when 'redeem' then 'redeemed' else 'available' end,
      case ${kind} when 'earn' then ${SCALE.sale}::bigint when 'redeem' then ${SCALE.redeem}::bigint
        else ${SCALE.adjust}::bigint end, ${LOT}
    from ${numbers}`
  await sql`
    insert into transactions (member_id, transaction_id, program, source, external_ref, type, occurred_at, recorded_at,
      rules_version, request, valuation)
    select ${member}, ${id('004')}, ${program}, 'till', 'E' || n, 'purchase', ${now}, ${now}, 'v1', '{}',
      '{"awards": [{"rule": "base", "currency": "points", "points": 10}], "spend": "10"}'
    from ${numbers} where ${when('earn')}`
  await sql`
    insert into redemptions (member_id, redemption_id, program, source, external_ref, status, currency, points, captured,
      draws, occurred_at, recorded_at)
    select ${member}, ${id('005')}, ${program}, 'till', 'E' || n, 'captured', 'points', ${SCALE.redeem}::bigint, ${SCALE.redeem}::bigint,
      '[]', ${now}, ${now}
    from ${numbers} where ${when('redeem')}`
  await sql`
    insert into commands (program, source, operation, external_ref, command_id, member_id, request_hash, reply, at)
    select ${program}, 'till', ${kind}, 'E' || n, ${id('003')}, ${member}, '', '{}', ${now}
    from ${numbers}`
}

/** What the entries of each member come to, by arithmetic rather than by summing what was written. */
async function seedBalances(sql: Sql, { members, entries, now }: LedgerSize): Promise<void> {
  const start = now.getTime()
  const shares = Array.from(
    { length: members },
    (_, index) => Math.floor((entries - 1 - index) / members) + 1,
  )
  const issued = shares.map(
    (count) => SCALE.sale * (Math.floor(count / ROUND) * 8 + Math.min(8, count % ROUND)),
  )
  const balance = shares.map((count, index) => {
    const [spent, given] = [Math.floor((count + 1) / ROUND), Math.floor(count / ROUND)]
    return issued[index]! - SCALE.redeem * spent + SCALE.adjust * given
  })
  const rows = sql`unnest(${list(sql, balance)}::bigint[], ${list(sql, issued)}::bigint[]) with ordinality
    as sums (balance, issued, place)`
  const member = idOf(sql, start, '001', '(place - 1)')
  await sql`
    insert into accounts (member_id, currency, available, pending, held, negative, lifetime)
    select ${member}, 'points', balance, 0, 0, 0, issued from ${rows}`
  await sql`
    insert into lots (member_id, lot_id, currency, expires_at, usable_from, funder, available, pending, held)
    select ${member}, ${LOT}, 'points', null, null, 'program', balance, 0, 0 from ${rows}`
}
