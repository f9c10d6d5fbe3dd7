/**
 * A small ledger written by hand, in which everything adds up: two members with sales, a hold, captures, a
 * return, a debt and a tier. It is written down rather than made by the engine, so that what verification
 * finds does not hang on what the engine does.
 */
import { idsOf, newCommandId, newId } from '../../src/base/ids.ts'
import type { Sql } from '../../src/db/connection.ts'
import type { EntryKind } from '../../src/ledger/entry.ts'

const at = new Date()
const lots = {
  ready: 'beans/never/at-once/program',
  waiting: 'beans/never/2099-04-01T00:00:00.000Z/program',
  miles: 'miles/never/at-once/program',
}

interface EntryText {
  readonly kind: EntryKind
  readonly ref: string
  /** the command's operation; null: nobody asked for it */
  readonly operation: string | null
  readonly transactionId?: string
  readonly redemptionId?: string
  /** `100 beans issued>available lot` */
  readonly legs: readonly string[]
}

export async function writeHealthyLedger(sql: Sql): Promise<{ ann: string; bob: string }> {
  const ann = await writeMember(sql, 'ann')
  const bob = await writeMember(sql, 'bob')
  const [first, second, third, fourth, fifth] = [newId(), newId(), newId(), newId(), newId()]
  const [held, spent, part, miles] = [newId(), newId(), newId(), newId()]

  await writeSale(sql, {
    memberId: ann,
    transactionId: first,
    ref: 'S1',
    awards: [
      ['beans', 60],
      ['beans', 40],
    ],
  })
  await writeSale(sql, { memberId: ann, transactionId: second, ref: 'S2', awards: [['beans', 40]] })
  await writeSale(sql, { memberId: ann, transactionId: third, ref: 'S3', awards: [] })
  await writeSale(sql, { memberId: bob, transactionId: fourth, ref: 'S4', awards: [['miles', 50]] })
  await writeSale(sql, { memberId: bob, transactionId: fifth, ref: 'S5', awards: [['miles', 20]] })
  await writeRedemption(sql, {
    memberId: ann,
    redemptionId: held,
    ref: 'R1',
    currency: 'beans',
    points: 30,
    captured: 0,
  })
  await writeRedemption(sql, {
    memberId: ann,
    redemptionId: spent,
    ref: 'R2',
    currency: 'beans',
    points: 20,
    captured: 20,
  })
  await writeRedemption(sql, {
    memberId: ann,
    redemptionId: part,
    ref: 'R3',
    currency: 'beans',
    points: 10,
    captured: 6,
  })
  await writeRedemption(sql, {
    memberId: bob,
    redemptionId: miles,
    ref: 'R4',
    currency: 'miles',
    points: 50,
    captured: 50,
  })

  const { ready, waiting } = lots
  await writeEntries(sql, ann, [
    {
      kind: 'earn',
      ref: 'S1',
      operation: 'earn',
      transactionId: first,
      legs: [`100 beans issued>available ${ready}`],
    },
    {
      kind: 'earn',
      ref: 'S2',
      operation: 'earn',
      transactionId: second,
      legs: [`40 beans issued>pending ${waiting}`],
    },
    { kind: 'earn', ref: 'S3', operation: 'earn', transactionId: third, legs: [] },
    {
      kind: 'hold',
      ref: 'R1',
      operation: 'redeem',
      redemptionId: held,
      legs: [`30 beans available>held ${ready}`],
    },
    {
      kind: 'redeem',
      ref: 'R2',
      operation: 'redeem',
      redemptionId: spent,
      legs: [`20 beans available>redeemed ${ready}`],
    },
    {
      kind: 'hold',
      ref: 'R3',
      operation: 'redeem',
      redemptionId: part,
      legs: [`10 beans available>held ${ready}`],
    },
    {
      kind: 'capture',
      ref: 'R3',
      operation: 'capture',
      redemptionId: part,
      legs: [`6 beans held>redeemed ${ready}`, `4 beans held>available ${ready}`],
    },
    { kind: 'adjust', ref: 'A1', operation: 'adjust', legs: [`5 beans adjusted>available ${ready}`] },
    {
      kind: 'return',
      ref: 'B1',
      operation: 'return',
      transactionId: second,
      legs: [`15 beans pending>issued ${waiting}`],
    },
  ])
  await writeEntries(sql, bob, [
    {
      kind: 'earn',
      ref: 'S4',
      operation: 'earn',
      transactionId: fourth,
      legs: [`50 miles issued>available ${lots.miles}`],
    },
    {
      kind: 'redeem',
      ref: 'R4',
      operation: 'redeem',
      redemptionId: miles,
      legs: [`50 miles available>redeemed ${lots.miles}`],
    },
    {
      kind: 'return',
      ref: 'B2',
      operation: 'return',
      transactionId: fourth,
      legs: ['50 miles negative>issued'],
    },
    { kind: 'earn', ref: 'S5', operation: 'earn', transactionId: fifth, legs: ['20 miles issued>negative'] },
  ])

  await sql`
    insert into accounts (member_id, currency, available, pending, held, negative, lifetime)
    values (${ann}, 'beans', 49, 25, 30, 0, 125), (${bob}, 'miles', 0, 0, 0, 30, 20)`
  await sql`
    insert into lots (member_id, lot_id, currency, expires_at, usable_from, funder, available, pending, held)
    values
      (${ann}, ${ready}, 'beans', null, null, 'program', 49, 0, 30),
      (${ann}, ${waiting}, 'beans', null, '2099-04-01', 'program', 0, 25, 0)`
  await writeTier(sql, ann)
  return { ann, bob }
}

async function writeMember(sql: Sql, name: string): Promise<string> {
  const memberId = newId()
  await sql`
    insert into members
      (member_id, program, external_ref, status, profile, attributes, consents, enrolled_at, created_at, version)
    values (${memberId}, ${name === 'ann' ? 'coffee' : 'air'}, ${name}, 'active', '{}', '{}', '{}', ${at}, ${at}, 1)`
  return memberId
}

async function writeSale(
  sql: Sql,
  sale: {
    memberId: string
    transactionId: string
    ref: string
    awards: readonly (readonly [string, number])[]
  },
): Promise<void> {
  const valuation = { awards: sale.awards.map(([currency, points]) => ({ rule: 'base', currency, points })) }
  await sql`
    insert into transactions
      (member_id, transaction_id, program, source, external_ref, type, occurred_at, recorded_at, rules_version,
        request, valuation)
    values (${sale.memberId}, ${sale.transactionId}, 'coffee', 'till', ${sale.ref}, 'purchase', ${at}, ${at}, 'v1',
      '{}', ${sql.json(valuation)})`
}

async function writeRedemption(
  sql: Sql,
  one: {
    memberId: string
    redemptionId: string
    ref: string
    currency: string
    points: number
    captured: number
  },
): Promise<void> {
  await sql`
    insert into redemptions
      (member_id, redemption_id, program, source, external_ref, status, currency, points, captured, draws,
        occurred_at, recorded_at)
    values (${one.memberId}, ${one.redemptionId}, 'coffee', 'till', ${one.ref},
      ${one.captured === 0 ? 'held' : 'captured'}, ${one.currency}, ${one.points}, ${one.captured}, '[]', ${at}, ${at})`
}

async function writeEntries(sql: Sql, memberId: string, entries: readonly EntryText[]): Promise<void> {
  for (const entry of entries) {
    const commandId = newCommandId()
    const entryId = idsOf(commandId).next()
    await sql`
      insert into entries
        (member_id, entry_id, command_id, kind, occurred_at, recorded_at, transaction_id, redemption_id, source)
      values (${memberId}, ${entryId}, ${commandId}, ${entry.kind}, ${at}, ${at}, ${entry.transactionId ?? null},
        ${entry.redemptionId ?? null}, 'till')`
    for (const [index, leg] of entry.legs.entries()) {
      const [points, currency, move, lotId] = leg.split(' ')
      const [from, to] = move!.split('>')
      await sql`
        insert into postings (member_id, entry_id, leg, currency, from_account, to_account, points, lot_id)
        values (${memberId}, ${entryId}, ${index + 1}, ${currency!}, ${from!}, ${to!}, ${points!}, ${lotId ?? null})`
    }
    if (entry.operation === null) continue
    await sql`
      insert into commands
        (program, source, operation, external_ref, command_id, member_id, request_hash, reply, at)
      values ('coffee', 'till', ${entry.operation}, ${entry.ref}, ${commandId}, ${memberId}, '', '{}', ${at})`
  }
}

async function writeTier(sql: Sql, memberId: string): Promise<void> {
  const nextId = idsOf(newCommandId()).next
  await sql`
    insert into tier_changes
      (member_id, change_id, ladder, from_tier, to_tier, direction, effective_at, recorded_at, until, reason,
        superseded_at)
    values
      (${memberId}, ${nextId()}, 'status', 'base', 'silver', 'up', ${at}, ${at}, '2099-01-01', 'reached', null),
      (${memberId}, ${nextId()}, 'status', 'silver', 'gold', 'up', ${at}, ${at}, '2099-01-01', 'reached', null),
      (${memberId}, ${nextId()}, 'status', 'gold', 'platinum', 'up', ${at}, ${at}, '2099-01-01', 'reached', ${at})`
  await sql`
    insert into standings (member_id, ladder, tier, since, until)
    values (${memberId}, 'status', 'gold', ${at}, '2099-01-01')`
  await sql`update members set due_at = '2099-01-01' where member_id = ${memberId}`
}
