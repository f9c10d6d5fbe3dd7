/**
 * What runs of scores read and write: members' rows by pages, the flags that stand, the scores themselves in
 * bounded multi-row statements, and a note of each run.
 */
import { firstIdAt } from '../base/ids.ts'
import { dayNumbered, numberOfDay } from '../base/time.ts'
import { type Executor, list, type Sql } from '../db/connection.ts'
import { columns, json } from '../engine/columns.ts'
import type { Posting } from '../ledger/entry.ts'
import type { Flag } from './flag.ts'
import { type TiesRow, tiesOfRow } from './queries-kept.ts'
import type { ScoreRow } from './score-row.ts'
import type { StateRow } from './states.ts'
import type { MemberTies } from './ties.ts'
import type { ExpectedUplifts } from './uplift.ts'

const PAGE = 5_000

interface BulkRow {
  id: string
  last: number
  squares: number
  logs: number
  longest: number
  cents: number
  first_cents: number
  d6: number
  d13: number
  d26: number
  d52: number
  c6: number
  c13: number
  c26: number
  c52: number
  history: Uint8Array
}

/** Rows with a purchase, in the order of their ids, page by page. */
export async function* statePages(sql: Sql, program: string): AsyncGenerator<StateRow[]> {
  let after = '00000000-0000-0000-0000-000000000000'
  for (;;) {
    const rows: BulkRow[] = await sql<BulkRow[]>`
      select member_id as id, last_day as last, gap_squares::float8 as squares, gap_logs::float8 as logs,
        longest_gap as longest, cents::float8 as cents, first_cents::float8 as first_cents,
        faded_days_6 as d6, faded_days_13 as d13, faded_days_26 as d26, faded_days_52 as d52,
        faded_cents_6 as c6, faded_cents_13 as c13, faded_cents_26 as c26, faded_cents_52 as c52, history
      from retention_states
      where program = ${program} and member_id > ${after}::uuid and last_day is not null
      order by member_id limit ${PAGE}`
    if (rows.length === 0) return
    after = rows.at(-1)!.id
    yield rows.map((row) => ({
      memberId: row.id,
      lastDay: row.last,
      gapSquares: row.squares,
      gapLogs: row.logs,
      longestGap: row.longest,
      cents: row.cents,
      firstCents: row.first_cents,
      fadedDays: [row.d6, row.d13, row.d26, row.d52],
      fadedCents: [row.c6, row.c13, row.c26, row.c52],
      history: row.history,
    }))
    if (rows.length < PAGE) return
  }
}

/** Ties of the members of a stretch of ids, both ends included. */
export async function tiesBetween(
  sql: Sql,
  stretch: { program: string; from: string; through: string },
): Promise<Map<string, MemberTies>> {
  const rows = await sql<(TiesRow & { member_id: string })[]>`
    select member_id, channels, categories, points_earned, points_redeemed, last_redeemed_day,
      last_engagement_day
    from retention_states
    where program = ${stretch.program} and member_id between ${stretch.from}::uuid and ${stretch.through}::uuid`
  return new Map(rows.map((row) => [row.member_id, tiesOfRow(row)]))
}

/**
 * What moved on members' accounts from an instant on, so that it can be taken off again: a run for yesterday
 * knows nothing of today's points. No fact is posted more than a day ahead, which bounds the entries by their ids.
 */
export async function pointsSince(
  sql: Sql,
  memberIds: readonly string[],
  since: Date,
): Promise<Map<string, MovedPoints[]>> {
  const first = firstIdAt(new Date(since.getTime() - 86_400_000))
  const rows = await sql<(Omit<MovedPoints, 'points'> & { member_id: string; points: string })[]>`
    select p.member_id, p.currency, p.from_account as from, p.to_account as to, sum(p.points)::text as points
    from entries e
    join postings p on p.member_id = e.member_id and p.entry_id = e.entry_id
    where e.member_id = any(${list(sql, memberIds)}::uuid[]) and e.entry_id >= ${first}::uuid
      and p.entry_id >= ${first}::uuid and e.occurred_at >= ${since}
    group by p.member_id, p.currency, p.from_account, p.to_account`
  const moved = new Map<string, MovedPoints[]>()
  for (const { member_id: id, points, ...leg } of rows)
    moved.set(id, [...(moved.get(id) ?? []), { ...leg, points: BigInt(points) }])
  return moved
}

export type MovedPoints = Pick<Posting, 'currency' | 'from' | 'to' | 'points'>

export interface OpenFlag {
  readonly memberId: string
  readonly flagId: string
  readonly kind: Flag
  /** days since 1 January 1970 */
  readonly raisedOn: number
  readonly horizonDays: number
  readonly most: number
  readonly isCleared: boolean
  readonly isDecided: boolean
}

/** Flags that still stand, and those of which it is not yet known whether they were true. */
export async function openFlags(sql: Sql, program: string): Promise<OpenFlag[]> {
  const rows = await sql<
    {
      member_id: string
      flag_id: string
      kind: Flag
      raised_on: string
      horizon_days: number
      most: number
      cleared: boolean
      decided: boolean
    }[]
  >`
    select member_id, flag_id, kind, raised_on, horizon_days, most, cleared_on is not null as cleared,
      outcome is not null as decided
    from retention_flags
    where program = ${program} and (cleared_on is null or outcome is null)
    order by member_id, flag_id`
  return rows.map((row) => ({
    memberId: row.member_id,
    flagId: row.flag_id,
    kind: row.kind,
    raisedOn: numberOfDay(row.raised_on),
    horizonDays: row.horizon_days,
    most: row.most,
    isCleared: row.cleared,
    isDecided: row.decided,
  }))
}

export interface RunContext {
  readonly program: string
  readonly runId: string
  readonly asOf: number
}

/** Of members who still have a row: whoever left meanwhile gets no score. */
export async function writeScores(sql: Sql, run: RunContext, rows: readonly ScoreRow[]): Promise<void> {
  if (rows.length === 0) return
  const [
    member,
    state,
    since,
    flag,
    flagged,
    silent,
    decline,
    alive,
    purchases,
    value,
    lifetime,
    stake,
    uplift,
    priority,
    dispersion,
    recency,
    frequency,
    monetary,
    reasons,
  ] = columns(rows, (row) => [
    ...[row.memberId, row.state, dayNumbered(row.since), row.flag],
    row.flaggedSince === null ? null : dayNumbered(row.flaggedSince),
    ...[row.silent, row.decline, row.alive, row.purchases, row.value, row.lifetimeValue, row.atStake],
    ...[row.uplift, row.priority, row.dispersion, row.recency, row.frequency, row.monetary],
    json(row.reasons),
  ])
  await sql`
    insert into retention_scores (member_id, program, run_id, as_of, state, since, flag, flagged_since, p_silent,
      p_decline, p_alive, expected_purchases, expected_value, lifetime_value, at_stake, uplift, priority,
      dispersion, recency, frequency, monetary, reasons)
    select u.member_id, ${run.program}, ${run.runId}::uuid, ${dayNumbered(run.asOf)}::date, u.state, u.since, u.flag,
      u.flagged, u.silent, u.decline, u.alive, u.purchases, u.value, u.lifetime, u.stake, u.uplift, u.priority,
      u.dispersion, u.recency, u.frequency, u.monetary, u.reasons::json
    from unnest(${member!}::uuid[], ${state!}::text[], ${since!}::date[], ${flag!}::text[], ${flagged!}::date[],
      ${silent!}::float8[], ${decline!}::float8[], ${alive!}::float8[], ${purchases!}::float8[],
      ${value!}::numeric[], ${lifetime!}::numeric[], ${stake!}::numeric[], ${uplift!}::float8[],
      ${priority!}::float8[], ${dispersion!}::text[], ${recency!}::smallint[], ${frequency!}::smallint[], ${monetary!}::smallint[],
      string_to_array(${reasons!}, chr(30), ''))
      as u(member_id, state, since, flag, flagged, silent, decline, alive, purchases, value, lifetime, stake,
        uplift, priority, dispersion, recency, frequency, monetary, reasons)
    join retention_states s on s.member_id = u.member_id
    on conflict (member_id) do update
    set run_id = excluded.run_id, as_of = excluded.as_of, state = excluded.state, since = excluded.since,
      flag = excluded.flag, flagged_since = excluded.flagged_since, p_silent = excluded.p_silent,
      p_decline = excluded.p_decline, p_alive = excluded.p_alive,
      expected_purchases = excluded.expected_purchases, expected_value = excluded.expected_value,
      lifetime_value = excluded.lifetime_value, at_stake = excluded.at_stake,
      uplift = excluded.uplift, priority = excluded.priority, dispersion = excluded.dispersion,
      recency = excluded.recency, frequency = excluded.frequency, monetary = excluded.monetary,
      reasons = excluded.reasons`
}

/** Scores of members of whom this run knew no purchase any more. */
export async function removeOlder(sql: Sql, { program, runId }: RunContext): Promise<void> {
  await sql`delete from retention_scores where program = ${program} and run_id <> ${runId}::uuid`
}

export interface Outcome {
  readonly memberId: string
  readonly flagId: string
  readonly outcome: 'true' | 'false'
  readonly on: number
}

export async function writeOutcomes(sql: Sql, outcomes: readonly Outcome[]): Promise<void> {
  for (let from = 0; from < outcomes.length; from += PAGE) {
    const [member, flag, outcome, on] = columns(outcomes.slice(from, from + PAGE), (one) => [
      ...[one.memberId, one.flagId, one.outcome, dayNumbered(one.on)],
    ])
    await sql`
      update retention_flags f set outcome = u.outcome, decided_on = u.decided_on
      from unnest(${member!}::uuid[], ${flag!}::uuid[], ${outcome!}::text[], ${on!}::date[])
        as u(member_id, flag_id, outcome, decided_on)
      where f.member_id = u.member_id and f.flag_id = u.flag_id`
  }
}

export interface RunNote extends RunContext {
  readonly horizonDays: number
  readonly accepted: number
  readonly currency: string
  /** null: the run is of before they were kept */
  readonly uplifts: ExpectedUplifts | null
  readonly startedAt: Date
}

export async function noteRun(sql: Sql, run: RunNote): Promise<void> {
  await sql`
    insert into retention_runs (program, run_id, as_of, horizon_days, accepted, currency, uplifts, started_at)
    values (${run.program}, ${run.runId}::uuid, ${dayNumbered(run.asOf)}::date, ${run.horizonDays},
      ${run.accepted}, ${run.currency}, ${run.uplifts && sql.json(run.uplifts as never)}, ${run.startedAt})`
}

export interface RunEnd {
  readonly finishedAt: Date
  readonly members: number
  readonly flagged: Readonly<Record<Flag, number>>
  readonly raised: number
  readonly cleared: number
  readonly model: string | null
  readonly fit: object | null
}

export async function noteRunEnd(sql: Sql, { program, runId }: RunContext, end: RunEnd): Promise<void> {
  await sql`
    update retention_runs
    set finished_at = ${end.finishedAt}, members = ${end.members}, flagged = ${sql.json(end.flagged)},
      raised = ${end.raised}, cleared = ${end.cleared}, model = ${end.model},
      fit = ${end.fit === null ? null : sql.json(end.fit as never)}
    where program = ${program} and run_id = ${runId}::uuid`
}

export interface LastRun extends Omit<RunEnd, 'fit'>, Pick<RunNote, RunTerm> {
  readonly asOf: string
}

type RunTerm = 'runId' | 'horizonDays' | 'accepted' | 'currency' | 'uplifts' | 'startedAt'

/** The last finished run; null: there was none yet. */
export async function lastRun(sql: Executor, program: string): Promise<LastRun | null> {
  const [row] = await sql<LastRun[]>`
    select run_id as "runId", as_of as "asOf", horizon_days as "horizonDays", accepted, currency, uplifts,
      started_at as "startedAt", finished_at as "finishedAt", members, flagged, raised, cleared, model
    from retention_runs where program = ${program} and finished_at is not null
    order by as_of desc, finished_at desc limit 1`
  return row ?? null
}
