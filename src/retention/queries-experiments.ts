/**
 * Experiments in the database: the key of chance, who could be treated next, and the outcomes by intention to
 * treat: of everybody who was put into an arm, whatever was done then.
 */
import { randomBytes } from 'node:crypto'
import { type Executor, list, type Sql } from '../db/connection.ts'
import type { Campaign } from '../program/campaign.ts'
import type { Look } from './look.ts'
import type { Suppression } from './treat.ts'

/** Drawn by whoever asks first, and the same ever after. */
export async function experimentKey(sql: Sql, program: string, at: Date): Promise<Uint8Array> {
  await sql`
    insert into experiment_keys (program, key, created_at) values (${program}, ${randomBytes(32)}, ${at})
    on conflict (program) do nothing`
  const [row] = await sql<{ key: Uint8Array }[]>`select key from experiment_keys where program = ${program}`
  return row!.key
}

export interface StoredTerms {
  readonly arms: readonly string[]
  /** shares left alone: in the test, and after it */
  readonly testControl: number
  readonly control: number
  readonly testMembers: number
  readonly looks: number
  readonly error: number
  readonly measureDays: number
  readonly withinDays: number
  readonly margin: number
}

export interface ExperimentRow {
  readonly program: string
  readonly experiment: string
  readonly state: 'testing' | 'rolled_out' | 'stopped' | 'undecided'
  readonly terms: StoredTerms
  readonly startedAt: Date
  readonly decidedAt: Date | null
  readonly winner: string | null
  /** who ended the test by hand; null: nobody did */
  readonly decidedBy: string | null
}

/** As it stands, begun with these terms if it is new. */
export async function beginExperiment(
  sql: Sql,
  of: { program: string; campaign: Campaign; margin: number; at: Date },
): Promise<ExperimentRow> {
  const { arms, control, test } = of.campaign
  const terms: StoredTerms = {
    arms: arms.map(({ id }) => id),
    ...{ testControl: test.control, control, testMembers: test.members, looks: test.looks },
    ...{ error: test.error, measureDays: test.measureDays, withinDays: test.withinDays, margin: of.margin },
  }
  await sql`
    insert into experiments (program, experiment, state, terms, started_at)
    values (${of.program}, ${of.campaign.id}, 'testing', ${sql.json(terms as never)}, ${of.at})
    on conflict (program, experiment) do nothing`
  const [row] = await readExperiments(sql, of.program, of.campaign.id)
  return row!
}

export async function readExperiments(
  sql: Executor,
  program: string,
  experiment: string | null = null,
): Promise<ExperimentRow[]> {
  return sql<ExperimentRow[]>`
    select program, experiment, state, terms, started_at as "startedAt", decided_at as "decidedAt", winner,
      decided_by as "decidedBy"
    from experiments
    where program = ${program} and (${experiment}::text is null or experiment = ${experiment})
    order by started_at, experiment`
}

export interface StandingRow {
  memberId: string
  arm: string | null
  standing: string | null
  cameInBefore: boolean
  lastTreatedAt: Date | null
}

/** What is known of members in experiments, one row each. */
export async function standingsOf(
  sql: Executor,
  of: { memberIds: readonly string[]; experiment: string },
): Promise<Map<string, StandingRow>> {
  if (of.memberIds.length === 0) return new Map()
  const rows = await sql<StandingRow[]>`
    select m.member_id as "memberId",
      (select a.arm from experiment_arms a
       where a.member_id = m.member_id and a.experiment = ${of.experiment}) as arm,
      (select a.arm from experiment_arms a
       where a.member_id = m.member_id and a.experiment = 'holdout') as standing,
      exists (
        select 1 from members d join experiment_arms a on a.member_id = d.member_id
        where d.merged_into = m.member_id and a.experiment = ${of.experiment}) as "cameInBefore",
      (select max(t.treated_at) from treatments t where t.member_id = m.member_id) as "lastTreatedAt"
    from members m where m.member_id = any(${list(sql, of.memberIds)}::uuid[])`
  return new Map(rows.map((row) => [row.memberId, row]))
}

/** Flagged members, most worth acting on first. */
export async function flaggedPage(
  sql: Executor,
  page: {
    program: string
    flags: readonly string[]
    after: { priority: number; memberId: string } | null
    limit: number
  },
): Promise<{ memberId: string; priority: number }[]> {
  const { after } = page
  const beyond = after
    ? sql`and (s.priority < ${after.priority}::double precision
        or (s.priority = ${after.priority}::double precision and s.member_id > ${after.memberId}::uuid))`
    : sql``
  return sql<{ memberId: string; priority: number }[]>`
    select s.member_id as "memberId", s.priority from retention_scores s
    where s.program = ${page.program} and s.flag = any(${list(sql, page.flags)}::text[]) ${beyond}
    order by s.priority desc, s.member_id limit ${page.limit}`
}

export interface Spent {
  readonly members: number
  readonly treated: number
  /** what treatments cost and gave, in the program's money */
  readonly cost: number
  readonly pointsValue: number
  /** the dearest treatment so far, its points included */
  readonly dearest: number
}

export async function spentOn(sql: Executor, of: { program: string; experiment: string }): Promise<Spent> {
  const [row] = await sql<Spent[]>`
    select
      (select count(*)::int from experiment_arms a
       where a.program = ${of.program} and a.experiment = ${of.experiment} and a.phase = 'test') as members,
      count(*)::int as treated, coalesce(sum(cost), 0)::double precision as cost,
      coalesce(sum(points_value), 0)::double precision as "pointsValue",
      coalesce(max(cost + points_value), 0)::double precision as dearest
    from treatments where program = ${of.program} and campaign = ${of.experiment}`
  return row!
}

/** One row for each reason, with when it was first and last so. */
export async function logSuppressed(
  sql: Executor,
  of: {
    program: string
    campaign: string
    at: Date
    rows: readonly { memberId: string; reason: Suppression }[]
  },
): Promise<void> {
  if (of.rows.length === 0) return
  const members = of.rows.map(({ memberId }) => memberId)
  const reasons = of.rows.map(({ reason }) => reason)
  await sql`
    insert into suppressions (member_id, campaign, reason, program, first_at, last_at, times)
    select u.member_id, ${of.campaign}, u.reason, ${of.program}, ${of.at}, ${of.at}, 1
    from unnest(${list(sql, members)}::uuid[], ${list(sql, reasons)}::text[]) as u(member_id, reason)
    order by u.member_id, u.reason
    on conflict (member_id, campaign, reason) do update
    set last_at = excluded.last_at, times = suppressions.times + 1`
}

export async function suppressedOf(
  sql: Executor,
  of: { program: string; campaign: string },
): Promise<{ reason: Suppression; members: number }[]> {
  return sql<{ reason: Suppression; members: number }[]>`
    select reason, count(*)::int as members from suppressions
    where program = ${of.program} and campaign = ${of.campaign}
    group by reason order by reason`
}

export async function armSizes(
  sql: Executor,
  of: { program: string; experiment: string },
): Promise<{ phase: string; arm: string; members: number }[]> {
  return sql<{ phase: string; arm: string; members: number }[]>`
    select phase, arm, count(*)::int as members from experiment_arms
    where program = ${of.program} and experiment = ${of.experiment}
    group by phase, arm order by phase desc, arm`
}

export interface OutcomeRow {
  readonly memberId: string
  readonly arm: string
  /** days since 1970 */
  readonly assignedDay: number
  readonly history: Uint8Array | null
  /** of the treatments of the member, points at their value included as far as `points` has them not */
  readonly cost: number
  /** points issued less points taken back, in the days that are measured, by currency */
  readonly points: Record<string, number>
}

export interface OutcomePage {
  readonly program: string
  readonly experiment: string
  readonly phase: string
  readonly measureDays: number
  /** of this campaign's treatments, or, where all campaigns together are measured, of all of them in the days */
  readonly costs: 'own' | 'all'
  /** the last day that is over, YYYY-MM-DD */
  readonly through: string
  readonly timeZone: string
  readonly after: string | null
  readonly limit: number
}

/**
 * Members of one phase whose days are over by `through`, in order of their ids. Whoever was merged or erased
 * since is left out, whatever the arm: what they did cannot be told apart any more.
 */
export async function outcomePage(sql: Executor, page: OutcomePage): Promise<OutcomeRow[]> {
  const beyond = page.after === null ? sql`` : sql`and a.member_id > ${page.after}::uuid`
  const first = sql`(a.assigned_on + 1)::timestamp at time zone ${page.timeZone}`
  const end = sql`(a.assigned_on + 1 + ${page.measureDays}::int)::timestamp at time zone ${page.timeZone}`
  // What treatments of the measured days gave is among the points of those days already.
  const cost =
    page.costs === 'own'
      ? sql`select sum(t.cost + t.points_value) from treatments t
          where t.member_id = a.member_id and t.campaign = a.experiment`
      : sql`select sum(t.cost + case when t.treated_at < ${first} then t.points_value else 0 end)
          from treatments t
          where t.member_id = a.member_id and t.treated_at >= a.assigned_at and t.treated_at < ${end}`
  return sql<OutcomeRow[]>`
    select a.member_id as "memberId", a.arm, (a.assigned_on - date '1970-01-01') as "assignedDay",
      (select t.history from retention_states t where t.member_id = a.member_id) as history,
      coalesce((${cost}), 0)::double precision as cost,
      (select coalesce(json_object_agg(c.currency, c.points), '{}') from (
        select p.currency, sum(case when p.from_account = 'issued' then p.points
            when p.to_account = 'issued' then -p.points else 0 end) as points
        from entries e join postings p on p.member_id = e.member_id and p.entry_id = e.entry_id
        where e.member_id = a.member_id
          and e.occurred_at >= ${first} and e.occurred_at < ${end}
        group by p.currency) as c) as points
    from experiment_arms a join members m on m.member_id = a.member_id
    where a.program = ${page.program} and a.experiment = ${page.experiment} and a.phase = ${page.phase}
      and a.assigned_on + ${page.measureDays}::int <= ${page.through}::date ${beyond}
      and m.status not in ('merged', 'erased')
    order by a.member_id limit ${page.limit}`
}

export interface LookRow {
  readonly look: number
  readonly lookedAt: Date
  readonly fraction: number
  readonly boundary: number
  readonly arms: Look['arms']
  readonly decision: Look['decision']
}

export async function looksOf(
  sql: Executor,
  of: { program: string; experiment: string },
): Promise<LookRow[]> {
  return sql<LookRow[]>`
    select look, looked_at as "lookedAt", fraction, boundary, arms, decision from experiment_looks
    where program = ${of.program} and experiment = ${of.experiment} order by look`
}

/** The look and what it decided, together; false where another process was first. */
export async function writeLook(
  sql: Sql,
  of: { program: string; experiment: string; number: number; at: Date; look: Look },
): Promise<boolean> {
  const { look } = of
  const state = { go_on: 'testing', roll_out: 'rolled_out', stop: 'stopped', undecided: 'undecided' }[
    look.decision
  ]
  const done = await sql.begin(async (tx) => {
    const written = await tx`
      insert into experiment_looks (program, experiment, look, looked_at, fraction, boundary, arms, decision)
      values (${of.program}, ${of.experiment}, ${of.number}, ${of.at}, ${look.fraction}, ${look.boundary},
        ${tx.json(look.arms as never)}, ${look.decision})
      on conflict (program, experiment, look) do nothing`
    if (written.count === 0) return false
    if (look.decision !== 'go_on')
      await tx`
        update experiments set state = ${state}, decided_at = ${of.at}, winner = ${look.winner}
        where program = ${of.program} and experiment = ${of.experiment} and state = 'testing'`
    return true
  })
  return done as boolean
}

/** What somebody decided, whatever was decided before; the same again is left as it is. */
export async function writeDecision(
  sql: Executor,
  of: {
    program: string
    experiment: string
    state: 'rolled_out' | 'stopped'
    winner: string | null
    by: string
    at: Date
  },
): Promise<void> {
  await sql`
    update experiments set state = ${of.state}, winner = ${of.winner}, decided_at = ${of.at}, decided_by = ${of.by}
    where program = ${of.program} and experiment = ${of.experiment}
      and (state <> ${of.state} or winner is distinct from ${of.winner}::text)`
}
