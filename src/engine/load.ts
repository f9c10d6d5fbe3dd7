/**
 * Reads what a group needs and no more, locking its members in order of their ids. Whatever names its
 * member in another way than by id costs one round trip before; everything else goes out together.
 */
import { type Executor, list } from '../db/connection.ts'
import { openBook } from '../ledger/book.ts'
import { standingFrom } from '../tiers/history.ts'
import { columns } from './columns.ts'
import type { Command } from './command.ts'
import type { RulesInForce } from './deciding.ts'
import { wantHouseholds } from './housemates.ts'
import { addDuplicates, addSurvivors, lockPools, readHousehold } from './load-household.ts'
import {
  joined,
  lateSince,
  type Reach,
  reachOf,
  reachThrough,
  readLapsed,
  readLater,
  readOverdue,
} from './load-late.ts'
import { readAttached, readClaims, readLoose } from './load-loose.ts'
import { memberNamed, readOwners } from './load-owners.ts'
import { addMarks, readRules } from './load-rules.ts'
import { type Needs, needsOf, wantCountersFrom } from './needs.ts'
import type { Projection } from './projection.ts'
import { readComplaints } from './queries-feedback.ts'
import * as rows from './rows.ts'
import { type GroupState, identifierKey, type MemberState, type Recorded, recordKey } from './state.ts'

/** The group's state. With `lock`, its members stay locked until the database transaction ends. */
export async function load(
  sql: Executor,
  commands: readonly Command[],
  input: { rules: RulesInForce; lock: boolean; whole?: boolean; projection?: Projection },
): Promise<GroupState> {
  const needs = needsOf(commands, input.rules)
  const loose = await readLoose(sql, commands, input.lock)
  for (const { program, occurredAt } of loose.values())
    wantCountersFrom(needs, { rules: input.rules, program, occurredAt, at: latest(commands) })
  const [owners, attached] = await Promise.all([
    readOwners(sql, needs, { rules: input.rules, at: latest(commands) }),
    readAttached(sql, commands, loose),
  ])
  wantHouseholds(needs, commands, { rules: input.rules, memberIds: owners.memberIds })
  // Pools are locked before any member, so that two groups never wait for each other in a circle.
  const pooled = await lockPools(sql, { needs, identifiers: owners.identifiers, lock: input.lock })
  const ids = [...new Set([...needs.memberIds, ...owners.memberIds, ...pooled.memberIds])].sort()
  const reaches = reachOf(commands, {
    rules: input.rules,
    memberOf: (command) => memberNamed(command, owners),
    soldAt: owners.soldAt,
    loose,
  })
  const kept = input.projection?.open({ sql, commands, rules: input.rules }) ?? null
  const read = async (some: readonly string[], lock = input.lock) => {
    // Sent first: it locks them.
    const states = readMembers(sql, {
      ...{ ids: some, needs, reaches, lock, now: latest(commands) },
      programs: [...new Set(commands.map(({ program }) => program))],
    })
    const [found] = await Promise.all([states, kept?.read(some)])
    return found
  }
  const [members, recorded, claims, { marks, budgets }] = await Promise.all([
    read(ids),
    readRecorded(sql, commands),
    readClaims(sql, commands, { rules: input.rules, loose }),
    readRules(sql, commands, { ...input, whole: input.whole ?? false, memberIds: ids, loose }),
  ])
  await addSurvivors(members, (survivors) => {
    // What comes in through a duplicate reaches into the survivor's history.
    for (const { member } of members.values()) reachThrough(reaches, member)
    return read(survivors)
  })
  await addDuplicates(members, (duplicates) => read(duplicates, false))
  const household = await readHousehold(sql, { needs, members, pooled })
  const complaints = await readComplaints(sql, commands, { members, household })
  await addMarks(sql, commands, { members, marks, rules: input.rules })
  const identifiers = new Map(owners.identifiers)
  for (const { member, identifiers: own } of members.values()) {
    for (const { kind, value, status } of own) {
      identifiers.set(identifierKey(member.program, kind, value), { memberId: member.memberId, status })
    }
  }
  return {
    ...owners,
    transactionOwners: new Map([...attached, ...owners.transactionOwners]),
    loose,
    claims,
    budgets,
    members,
    household,
    complaints,
    recorded,
    identifiers,
    kept,
    read: {
      identifiers: new Set(identifiers.keys()),
      dueAt: new Map([...members].map(([id, { dueAt }]) => [id, dueAt])),
      latestAt: new Map([...reaches].flatMap(([id, { latest: at }]) => (at === null ? [] : [[id, at]]))),
    },
  }
}

function latest(commands: readonly Command[]): Date {
  return commands.reduce((last, { at }) => (at > last ? at : last), new Date(0))
}

/** What was answered to commands with these natural keys, by `recordKey`. */
export async function readRecorded(
  sql: Executor,
  commands: readonly Command[],
): Promise<Map<string, Recorded>> {
  const keyed = commands.filter(({ ref }) => ref !== null)
  if (keyed.length === 0) return new Map()
  const [program, source, operation, ref] = columns(keyed, (command) => [
    command.program,
    command.source,
    command.request.kind,
    command.ref,
  ])
  const found = await sql<rows.RecordedRow[]>`
    select c.program, c.source, c.operation, c.external_ref, encode(c.request_hash, 'hex') as request_hash, c.reply
    from unnest(${program!}::text[], ${source!}::text[], ${operation!}::text[], ${ref!}::text[])
      as v(program, source, operation, external_ref)
    join commands c on c.program = v.program and c.source = v.source
      and c.operation = v.operation and c.external_ref = v.external_ref`
  return new Map(
    found.map((row) => [
      recordKey({ program: row.program, source: row.source, kind: row.operation, ref: row.external_ref }),
      { requestHash: row.request_hash, reply: row.reply },
    ]),
  )
}

// A return takes its points from where they lapsed, and a merge takes them along with what lapsed of them.
function wantsLapsed({ transactionIds, household }: Needs): boolean {
  return transactionIds.size > 0 || household.unmerging.size > 0
}

interface Asked {
  readonly ids: readonly string[]
  readonly needs: Needs
  readonly reaches: ReadonlyMap<string, Reach>
  readonly lock: boolean
  readonly now: Date
  /** whose members are read: another program's may be named, but is neither seen nor locked */
  readonly programs: readonly string[]
}

async function readMembers(sql: Executor, asked: Asked): Promise<Map<string, MemberState>> {
  if (asked.ids.length === 0) return new Map()
  const ids = list(sql, asked.ids)
  const programs = list(sql, asked.programs)
  const { needs, now } = asked
  // Lots and holds are read when somebody in the group spends, and of members with something due. Open lots
  // are few, so which of the group's members spend is not told apart.
  const spending = needs.spending.length > 0
  // The lock is sent first, and at once: whatever is read after it is what no other group can change. (An
  // update, because a multi-row `for update` is not to be had on a sharded table.)
  const locked = (
    asked.lock
      ? sql<rows.MemberRow[]>`
          update members m set version = m.version + 1, prior_latest_at = m.latest_at,
            latest_at = greatest(m.latest_at, v.latest_at)
          from unnest(${ids}::uuid[], ${list(
            sql,
            asked.ids.map((id) => asked.reaches.get(id)?.latest ?? null),
          )}::timestamptz[]) as v(member_id, latest_at)
          where m.member_id = v.member_id and m.program = any(${programs}::text[])
          returning m.member_id, m.program, m.external_ref, m.status, m.merged_into, m.profile, m.attributes,
            m.consents, m.enrolled_at, m.created_at, m.due_at, m.version, m.prior_latest_at as latest_at`
      : sql<rows.MemberRow[]>`
          select member_id, program, external_ref, status, merged_into, profile, attributes, consents,
            enrolled_at, created_at, due_at, version, latest_at
          from members where member_id = any(${ids}::uuid[]) and program = any(${programs}::text[])`
  ).execute()
  const [
    members,
    identifiers,
    accounts,
    known,
    changes,
    counters,
    named,
    transactions,
    returns,
    revalued,
    decided,
    lapsed,
  ] = await Promise.all([
    locked,
    needs.describing.length === 0
      ? []
      : sql<rows.IdentifierRow[]>`
            select program, kind, value, member_id, status from identifiers
            where member_id = any(${ids}::uuid[]) order by added_at, kind, value`,
    sql<rows.AccountRow[]>`
        select member_id, currency, available, pending, held, negative, lifetime, active_on, lapses_at
        from accounts where member_id = any(${ids}::uuid[])`,
    spending ? readHoldings(sql, { ids: asked.ids, lapsed: wantsLapsed(needs) }) : null,
    sql<rows.TierChangeRow[]>`
        select member_id, ladder, from_tier, to_tier, direction, effective_at, until, reason, state
        from tier_changes where member_id = any(${ids}::uuid[]) and superseded_at is null
        order by effective_at, change_id`,
    needs.countersFrom === null
      ? []
      : sql<rows.CounterDbRow[]>`
            select c.member_id, c.counter, c.day, c.value
            from members m join counters c on c.member_id = m.member_id
            where m.member_id = any(${ids}::uuid[])
              and (c.day >= least(${needs.countersFrom}::date,
                  (m.due_at - make_interval(months => ${needs.overdueMonths}, days => 1))::date)
                or c.day = '0001-01-01')`,
    needs.redemptionIds.size === 0
      ? []
      : sql<rows.RedemptionRow[]>`
            select member_id, redemption_id, program, source, external_ref, status, currency,
              points, captured, reward_id, value, draws, occurred_at, hold_until, pool, part_of
            from redemptions where member_id = any(${ids}::uuid[])
              and redemption_id = any(${list(sql, [...needs.redemptionIds])}::uuid[])`,
    needs.transactionIds.size === 0
      ? []
      : sql<rows.TransactionRow[]>`
            select member_id, transaction_id, rules_version, source, request, occurred_at, recorded_at, valuation
            from transactions where member_id = any(${ids}::uuid[])
              and transaction_id = any(${list(sql, [...needs.transactionIds])}::uuid[])`,
    needs.transactionIds.size === 0
      ? []
      : sql<rows.ReturnRow[]>`
            select transaction_id, return_id, lines, reversed from returns
            where member_id = any(${ids}::uuid[])
              and transaction_id = any(${list(sql, [...needs.transactionIds])}::uuid[])
            order by return_id`,
    needs.transactionIds.size === 0
      ? []
      : sql<rows.RevaluationRow[]>`
            select distinct on (transaction_id) transaction_id, valuation, reversed from revaluations
            where member_id = any(${ids}::uuid[])
              and transaction_id = any(${list(sql, [...needs.transactionIds])}::uuid[])
            order by transaction_id, revaluation_id desc`,
    needs.transactionIds.size === 0
      ? []
      : sql<rows.ConfirmationRow[]>`
            select transaction_id, outcome, automatic, occurred_at, decided from confirmations
            where member_id = any(${ids}::uuid[])
              and transaction_id = any(${list(sql, [...needs.transactionIds])}::uuid[])`,
    needs.late ? readLapsed(sql, asked.ids) : [],
  ])

  // A member with something due, and one whose sale comes late, is the exception, worth a round trip.
  const since = new Map<string, Date>()
  const isDue = ({ due_at }: rows.MemberRow) => due_at !== null && due_at <= now
  for (const row of members) {
    const { member_id: id, latest_at: newest, due_at } = row
    const late = lateSince(asked.reaches.get(id), { newest, due: isDue(row) ? due_at : null })
    if (late !== null) since.set(id, late)
  }
  const opened = members.filter((row) => isDue(row) || since.has(row.member_id))
  const [{ lots, holds }, late] = await Promise.all([
    known ?? readHoldings(sql, { ids: opened.map(({ member_id }) => member_id), lapsed: since.size > 0 }),
    readLater(sql, since),
  ])

  const overdue = await readOverdue(sql, lots, now)
  // The transaction that a command names may be among the later ones once more.
  const told = { transactions, returns, revaluations: revalued, confirmations: decided }
  const became = joined(joined(told, late), overdue)
  const revaluations = new Map(became.revaluations.map((row) => [row.transaction_id, row]))
  const confirmations = new Map(became.confirmations.map((row) => [row.transaction_id, row]))
  const of = {
    identifiers: byMember(identifiers),
    accounts: byMember(accounts),
    lots: byMember(lots),
    redemptions: byMember([...holds, ...named]),
    changes: byMember(changes),
    counters: byMember(counters),
    transactions: byMember(became.transactions),
    lapsed: byMember(lapsed),
  }
  for (const sale of overdue.transactions) {
    const holder = overdue.holders.get(sale.transaction_id)
    if (holder !== undefined && holder !== sale.member_id)
      of.transactions.set(holder, [...(of.transactions.get(holder) ?? []), sale])
  }
  const states = members.map((row): [string, MemberState] => {
    const id = row.member_id
    const history = (of.changes.get(id) ?? []).map(rows.tierChangeOf)
    const lotsKnown = spending || isDue(row) || since.has(id)
    const book = openBook(
      (of.accounts.get(id) ?? []).map(rows.accountOfRow),
      (of.lots.get(id) ?? []).map(rows.lotOfRow),
      lotsKnown,
    )
    book.lapsed.push(...(of.lapsed.get(id) ?? []).map(rows.lapsedOf))
    return [
      id,
      {
        member: rows.memberOf(row),
        identifiers: (of.identifiers.get(id) ?? []).map(rows.identifierOf),
        book,
        dueAt: row.due_at,
        version: row.version,
        standings: standingFrom(history, row.enrolled_at),
        history,
        counters: (of.counters.get(id) ?? []).map(rows.counterOf),
        redemptions: new Map(
          (of.redemptions.get(id) ?? []).map((r) => [r.redemption_id, rows.redemptionOf(r)]),
        ),
        transactions: new Map(
          (of.transactions.get(id) ?? []).map((t) => [
            t.transaction_id,
            rows.transactionOf(
              t,
              became.returns.filter((r) => r.transaction_id === t.transaction_id),
              {
                revaluation: revaluations.get(t.transaction_id),
                confirmation: confirmations.get(t.transaction_id),
              },
            ),
          ]),
        ),
      },
    ]
  })
  return new Map(states)
}

/** Open lots and running holds; with `lapsed`, lots that something lapsed of too. */
async function readHoldings(sql: Executor, of: { ids: readonly string[]; lapsed: boolean }) {
  if (of.ids.length === 0) return { lots: [], holds: [] }
  const ids = list(sql, of.ids)
  const [lots, holds] = await Promise.all([
    sql<rows.LotRow[]>`
      select member_id, lot_id, currency, expires_at, usable_from, funder, available, pending, held, expired
      from lots where member_id = any(${ids}::uuid[])
        and (available > 0 or pending > 0 or held > 0 or (${of.lapsed} and expired > 0))`,
    sql<rows.RedemptionRow[]>`
      select member_id, redemption_id, program, source, external_ref, status, currency,
        points, captured, reward_id, value, draws, occurred_at, hold_until, pool, part_of
      from redemptions where member_id = any(${ids}::uuid[]) and status = 'held'`,
  ])
  return { lots, holds }
}

function byMember<Row extends { member_id: string }>(all: readonly Row[]): Map<string, Row[]> {
  const grouped = new Map<string, Row[]>()
  for (const row of all) {
    const own = grouped.get(row.member_id)
    if (own) own.push(row)
    else grouped.set(row.member_id, [row])
  }
  return grouped
}
