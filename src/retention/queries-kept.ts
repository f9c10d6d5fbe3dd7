/**
 * Members' rows as the database keeps them: read and written by the lane in the round trips of its group, and
 * made anew from the transactions. The parts in JSON and in bytes are those of ties.ts and history.ts.
 */
import { invariant } from '../base/errors.ts'
import { dayNumberOf } from '../base/time.ts'
import { type Executor, list } from '../db/connection.ts'
import { columns, json } from '../engine/columns.ts'
import type { AccountName } from '../ledger/entry.ts'
import { MOST_MERGED } from '../members/merge.ts'
import type { Program } from '../program/program.ts'
import { basisOf, type Deed, deedOf, type ReturnedLines, type Told } from './deed.ts'
import { packHistory, unpackHistory } from './history.ts'
import { type Kept, keptOf, pointsOf, redeemableOf, remembered } from './kept.ts'
import type { MemberState } from './state.ts'
import type { MemberTies, Tie } from './ties.ts'

interface KeptRow {
  member_id: string
  program: string
  first_day: number | null
  last_day: number | null
  purchase_days: number
  gap_squares: bigint
  gap_logs: bigint
  longest_gap: number
  cents: bigint
  first_cents: bigint
  faded_days_6: number
  faded_days_13: number
  faded_days_26: number
  faded_days_52: number
  faded_cents_6: number
  faded_cents_13: number
  faded_cents_26: number
  faded_cents_52: number
  history: Uint8Array
  channels: Record<string, Tie>
  categories: Record<string, Tie>
  points_earned: bigint
  points_redeemed: bigint
  last_redeemed_day: number | null
  last_engagement_day: number | null
  rebuild: boolean
}

export async function readKept(sql: Executor, memberIds: readonly string[]): Promise<Kept[]> {
  if (memberIds.length === 0) return []
  const rows = await sql<KeptRow[]>`
    select member_id, program, first_day, last_day, purchase_days, gap_squares, gap_logs, longest_gap, cents,
      first_cents, faded_days_6, faded_days_13, faded_days_26, faded_days_52, faded_cents_6, faded_cents_13,
      faded_cents_26, faded_cents_52, history, channels, categories, points_earned, points_redeemed,
      last_redeemed_day, last_engagement_day, rebuild
    from retention_states where member_id = any(${list(sql, memberIds)}::uuid[])`
  return rows.map(keptOfRow)
}

function keptOfRow(row: KeptRow): Kept {
  const days = unpackHistory(row.history)
  return {
    memberId: row.member_id,
    program: row.program,
    days,
    state: stateOfRow(row, days),
    ties: tiesOfRow(row),
    rebuild: row.rebuild,
  }
}

function stateOfRow(row: KeptRow, days: Kept['days']): MemberState {
  const recent = days.slice(days.length - remembered(days.length))
  return {
    firstDay: row.first_day ?? 0,
    lastDay: row.last_day ?? 0,
    days: row.purchase_days,
    gapSquares: Number(row.gap_squares),
    gapLogs: Number(row.gap_logs),
    longestGap: row.longest_gap,
    recentDays: recent.map(({ day }) => day),
    fadedDays: [row.faded_days_6, row.faded_days_13, row.faded_days_26, row.faded_days_52],
    fadedCents: [row.faded_cents_6, row.faded_cents_13, row.faded_cents_26, row.faded_cents_52],
    cents: Number(row.cents),
    firstCents: Number(row.first_cents),
    rebuild: false,
  }
}

export type TiesRow = Pick<
  KeptRow,
  | 'channels'
  | 'categories'
  | 'points_earned'
  | 'points_redeemed'
  | 'last_redeemed_day'
  | 'last_engagement_day'
>

export function tiesOfRow(row: TiesRow): MemberTies {
  return {
    channels: row.channels,
    categories: row.categories,
    pointsEarned: row.points_earned,
    pointsRedeemed: row.points_redeemed,
    lastRedeemedDay: row.last_redeemed_day,
    lastEngagementDay: row.last_engagement_day,
    rebuild: false,
  }
}

/** `anew`: made from all facts, so that an older mark no longer counts. Otherwise a mark is never lost. */
export function writeKept(
  sql: Executor,
  rows: readonly Kept[],
  { anew }: { anew: boolean },
): Promise<unknown>[] {
  if (rows.length === 0) return []
  const [
    member,
    program,
    first,
    last,
    days,
    squares,
    logs,
    longest,
    cents,
    firstCents,
    d6,
    d13,
    d26,
    d52,
    c6,
    c13,
    c26,
    c52,
    history,
    channels,
    categories,
    earned,
    redeemed,
    redeemedDay,
    engagedDay,
    rebuild,
  ] = columns(rows, cellsOf)
  return [
    sql`
      insert into retention_states (member_id, program, first_day, last_day, purchase_days, gap_squares, gap_logs,
        longest_gap, cents, first_cents, faded_days_6, faded_days_13, faded_days_26, faded_days_52, faded_cents_6,
        faded_cents_13, faded_cents_26, faded_cents_52, history, channels, categories, points_earned,
        points_redeemed, last_redeemed_day, last_engagement_day, rebuild)
      select u.member_id, u.program, u.first_day, u.last_day, u.purchase_days, u.gap_squares, u.gap_logs,
        u.longest_gap, u.cents, u.first_cents, u.d6, u.d13, u.d26, u.d52, u.c6, u.c13, u.c26, u.c52,
        decode(u.history, 'hex'), u.channels::json, u.categories::json, u.points_earned, u.points_redeemed,
        u.last_redeemed_day, u.last_engagement_day, u.rebuild
      from unnest(${member!}::uuid[], ${program!}::text[], ${first!}::int[], ${last!}::int[], ${days!}::int[],
        ${squares!}::bigint[], ${logs!}::bigint[], ${longest!}::int[], ${cents!}::bigint[],
        ${firstCents!}::bigint[], ${d6!}::float8[], ${d13!}::float8[], ${d26!}::float8[], ${d52!}::float8[],
        ${c6!}::float8[], ${c13!}::float8[], ${c26!}::float8[], ${c52!}::float8[], ${history!}::text[],
        string_to_array(${channels!}, chr(30), ''), string_to_array(${categories!}, chr(30), ''),
        ${earned!}::bigint[], ${redeemed!}::bigint[], ${redeemedDay!}::int[], ${engagedDay!}::int[],
        ${rebuild!}::boolean[])
        as u(member_id, program, first_day, last_day, purchase_days, gap_squares, gap_logs, longest_gap, cents,
          first_cents, d6, d13, d26, d52, c6, c13, c26, c52, history, channels, categories, points_earned,
          points_redeemed, last_redeemed_day, last_engagement_day, rebuild)
      on conflict (member_id) do update
      set first_day = excluded.first_day, last_day = excluded.last_day, purchase_days = excluded.purchase_days,
        gap_squares = excluded.gap_squares, gap_logs = excluded.gap_logs, longest_gap = excluded.longest_gap,
        cents = excluded.cents, first_cents = excluded.first_cents, faded_days_6 = excluded.faded_days_6,
        faded_days_13 = excluded.faded_days_13, faded_days_26 = excluded.faded_days_26,
        faded_days_52 = excluded.faded_days_52, faded_cents_6 = excluded.faded_cents_6,
        faded_cents_13 = excluded.faded_cents_13, faded_cents_26 = excluded.faded_cents_26,
        faded_cents_52 = excluded.faded_cents_52, history = excluded.history, channels = excluded.channels,
        categories = excluded.categories, points_earned = excluded.points_earned,
        points_redeemed = excluded.points_redeemed, last_redeemed_day = excluded.last_redeemed_day,
        last_engagement_day = excluded.last_engagement_day,
        rebuild = excluded.rebuild or (retention_states.rebuild and not ${anew}::boolean)`,
  ]
}

function cellsOf({ memberId, program, days, state, ties, rebuild }: Kept) {
  const isEmpty = state.days === 0
  return [
    ...[memberId, program, isEmpty ? null : state.firstDay, isEmpty ? null : state.lastDay, state.days],
    ...[state.gapSquares, state.gapLogs, state.longestGap, state.cents, state.firstCents],
    ...state.fadedDays,
    ...state.fadedCents,
    Buffer.from(packHistory(days)).toString('hex'),
    ...[json(inOrder(ties.channels)), json(inOrder(ties.categories))],
    ...[ties.pointsEarned, ties.pointsRedeemed, ties.lastRedeemedDay, ties.lastEngagementDay],
    rebuild,
  ]
}

/** By name, so that equal ties are equal text whatever came first. */
function inOrder(ties: Readonly<Record<string, Tie>>): Record<string, Tie> {
  return Object.fromEntries(Object.entries(ties).sort(([a], [b]) => (a < b ? -1 : 1)))
}

export function removeKept(sql: Executor, memberIds: readonly string[]): Promise<unknown>[] {
  if (memberIds.length === 0) return []
  const ids = list(sql, memberIds)
  return [
    sql`delete from retention_states where member_id = any(${ids}::uuid[])`,
    sql`delete from retention_scores where member_id = any(${ids}::uuid[])`,
  ]
}

interface FactRow {
  member_id: string
  transaction_id: string
  type: string
  occurred_at: Date
  request: Pick<Told, 'lines' | 'channel'>
}

/** Rows from all facts of members, and of the duplicates that were merged into them. */
export async function rebuilt(
  sql: Executor,
  memberIds: readonly string[],
  programs: ReadonlyMap<string, Program>,
): Promise<Kept[]> {
  const heads = await headsOf(sql, memberIds)
  const family = list(sql, [...heads.keys()])
  const ids = list(sql, memberIds)
  const [members, facts, returns, legs, redemptions] = await Promise.all([
    sql<{ member_id: string; program: string }[]>`
      select member_id, program from members where member_id = any(${ids}::uuid[]) order by member_id`,
    sql<FactRow[]>`
      select member_id, transaction_id, type, occurred_at, request from transactions
      where member_id = any(${family}::uuid[]) order by occurred_at, transaction_id`,
    sql<{ transaction_id: string; lines: ReturnedLines }[]>`
      select transaction_id, lines from returns where member_id = any(${family}::uuid[]) order by return_id`,
    sql<{ member_id: string; currency: string; from: AccountName; to: AccountName; points: string }[]>`
      select member_id, currency, from_account as from, to_account as to, sum(points)::text as points
      from postings where member_id = any(${ids}::uuid[])
      group by member_id, currency, from_account, to_account`,
    sql<{ member_id: string; occurred_at: Date }[]>`
      select member_id, occurred_at from redemptions
      where member_id = any(${family}::uuid[]) and status = 'captured'`,
  ])
  const of = {
    facts: grouped(facts, ({ member_id }) => heads.get(member_id)!),
    returns: grouped(returns, ({ transaction_id }) => transaction_id),
    legs: grouped(legs, ({ member_id }) => member_id),
    redemptions: grouped(redemptions, ({ member_id }) => heads.get(member_id)!),
  }
  return members.flatMap(({ member_id: memberId, program: id }) => {
    const program = programs.get(id)
    if (!program) return []
    const basis = basisOf(program)
    const deeds = (of.facts.get(memberId) ?? []).flatMap((row): Deed[] => {
      const told = { ...row.request, type: row.type, occurredAt: row.occurred_at }
      const back = (of.returns.get(row.transaction_id) ?? []).map(({ lines }) => lines)
      const deed = deedOf(told, back, basis)
      return deed ? [deed] : []
    })
    const moved = (of.legs.get(memberId) ?? []).map((leg) => ({ ...leg, points: BigInt(leg.points) }))
    const days = (of.redemptions.get(memberId) ?? []).map((row) =>
      dayNumberOf(program.timeZone, row.occurred_at),
    )
    return [
      keptOf({ memberId, program: id }, deeds, {
        ...pointsOf(moved, redeemableOf(program)),
        redeemedDays: days,
      }),
    ]
  })
}

function grouped<Row>(rows: readonly Row[], keyOf: (row: Row) => string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>()
  for (const row of rows) {
    const key = keyOf(row)
    const known = groups.get(key)
    if (known) known.push(row)
    else groups.set(key, [row])
  }
  return groups
}

/** Each member and each duplicate, with the member who answers. */
async function headsOf(sql: Executor, memberIds: readonly string[]): Promise<Map<string, string>> {
  const heads = new Map(memberIds.map((id) => [id, id]))
  let ids = [...memberIds]
  for (let hops = 0; ids.length > 0; hops += 1) {
    invariant(hops <= MOST_MERGED, 'merges lead to a member in the end')
    const below = await sql<{ member_id: string; merged_into: string }[]>`
      select member_id, merged_into from members where merged_into = any(${list(sql, ids)}::uuid[])
      order by member_id`
    for (const row of below) heads.set(row.member_id, heads.get(row.merged_into)!)
    ids = below.map(({ member_id }) => member_id)
  }
  return heads
}
