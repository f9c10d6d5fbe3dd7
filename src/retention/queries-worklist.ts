/**
 * What is read of scores: the worklist in its order, one member's standing, the program as a whole, and what
 * share of its flags turned out false.
 */
import { dayNumbered, numberOfDay } from '../base/time.ts'
import type { Executor } from '../db/connection.ts'
import { standInFor } from '../engine/queries-kin.ts'
import type { Flag } from './flag.ts'
import type { Reason } from './reason.ts'

export interface StoredScore {
  readonly memberId: string
  readonly asOf: string
  readonly state: string
  readonly since: string
  readonly flag: Flag | null
  readonly flaggedSince: string | null
  readonly pSilent: number
  readonly pDecline: number
  readonly pAlive: number | null
  readonly expectedPurchases: number
  /** decimal text, in the money of the run */
  readonly expectedValue: string | null
  readonly lifetimeValue: string | null
  readonly atStake: string | null
  readonly uplift: number
  readonly priority: number
  readonly dispersion: string | null
  readonly recency: number
  readonly frequency: number
  readonly monetary: number
  readonly reasons: readonly Reason[]
}

const scoreColumns = (sql: Executor) => sql`
  c.member_id as "memberId", c.as_of as "asOf", c.state, c.since, c.flag, c.flagged_since as "flaggedSince",
  c.p_silent as "pSilent", c.p_decline as "pDecline", c.p_alive as "pAlive",
  c.expected_purchases as "expectedPurchases", c.expected_value as "expectedValue",
  c.lifetime_value as "lifetimeValue", c.at_stake as "atStake", c.uplift, c.priority, c.dispersion, c.recency,
  c.frequency, c.monetary, c.reasons`

export interface WorklistPage {
  readonly program: string
  readonly state: string | null
  readonly segment: string | null
  readonly at: Date
  /** after this place in the order */
  readonly after: { readonly priority: number; readonly memberId: string } | null
  readonly limit: number
}

/** Flagged members, most worth acting on first. */
export async function worklist(sql: Executor, page: WorklistPage): Promise<StoredScore[]> {
  const { after } = page
  const state = page.state === null ? sql`` : sql`and c.state = ${page.state}`
  const segment =
    page.segment === null
      ? sql``
      : sql`and exists (
          select 1 from member_marks k
          where k.member_id = c.member_id and k.kind = 'segment' and k.name = ${page.segment}
            and k.since <= ${page.at} and (k.until is null or k.until > ${page.at}))`
  const beyond =
    after === null
      ? sql``
      : sql`and (c.priority < ${after.priority} or (c.priority = ${after.priority} and c.member_id > ${after.memberId}::uuid))`
  return sql<StoredScore[]>`
    select ${scoreColumns(sql)} from retention_scores c
    where c.program = ${page.program} and c.flag is not null ${state} ${segment} ${beyond}
    order by c.priority desc, c.member_id limit ${page.limit}`
}

/** Of flags raised in a quarter whose horizon is over: how many were false. */
export interface FalseShare {
  /** the quarter, both days included */
  readonly from: string
  readonly through: string
  readonly flags: number
  /** of how many it is known */
  readonly decided: number
  readonly false: number
  /** null: of no flag it is known */
  readonly share: number | null
}

const QUARTER = 91

/**
 * The newest quarter of flags whose horizon is over, so that of each it is known whether it came true. Who
 * left meanwhile is not counted as decided.
 */
export async function falseShareOf(
  sql: Executor,
  { program, asOf, horizonDays }: { program: string; asOf: string; horizonDays: number },
): Promise<FalseShare> {
  const through = dayNumbered(numberOfDay(asOf) - horizonDays)
  const from = dayNumbered(numberOfDay(through) - QUARTER + 1)
  const [row] = await sql<{ flags: number; decided: number; false: number }[]>`
    select count(*)::int as flags, count(outcome)::int as decided,
      (count(*) filter (where outcome = 'false'))::int as false
    from retention_flags
    where program = ${program} and raised_on between ${from}::date and ${through}::date`
  const { flags, decided, false: wrong } = row ?? { flags: 0, decided: 0, false: 0 }
  return { from, through, flags, decided, false: wrong, share: decided > 0 ? wrong / decided : null }
}

export interface KeptFacts {
  readonly purchaseDays: number
  readonly firstDay: string | null
  readonly lastDay: string | null
  readonly longestGapDays: number
  /** decimal text */
  readonly spend: string
  /** facts came that the row waits to be made anew for */
  readonly rebuild: boolean
}

export interface FlagRaised {
  readonly flagId: string
  readonly kind: Flag
  readonly raisedOn: string
  readonly clearedOn: string | null
  readonly outcome: 'true' | 'false' | null
}

export interface MemberRetention {
  readonly memberId: string
  readonly kept: KeptFacts | null
  readonly score: StoredScore | null
  /** newest first */
  readonly flags: readonly FlagRaised[]
}

const MOST_FLAGS = 20

/** Of a member, or of whoever answers for them; null where the program has no such member. */
export async function memberRetention(
  sql: Executor,
  { program, memberId }: { program: string; memberId: string },
): Promise<MemberRetention | null> {
  const { memberId: id } = await standInFor(sql, { program, memberId })
  const [known, kept, scores, flags] = await Promise.all([
    sql`select 1 from members where member_id = ${id} and program = ${program}`,
    sql<(Omit<KeptFacts, 'firstDay' | 'lastDay'> & { first: number | null; last: number | null })[]>`
      select purchase_days as "purchaseDays", first_day as first, last_day as last,
        longest_gap as "longestGapDays", (cents / 100.0)::numeric(20, 2)::text as spend, rebuild
      from retention_states where member_id = ${id}`,
    sql<StoredScore[]>`select ${scoreColumns(sql)} from retention_scores c where c.member_id = ${id}`,
    sql<FlagRaised[]>`
      select flag_id as "flagId", kind, raised_on as "raisedOn", cleared_on as "clearedOn", outcome
      from retention_flags where member_id = ${id} order by flag_id desc limit ${MOST_FLAGS}`,
  ])
  if (known.length === 0) return null
  const [row] = kept
  const facts = row && {
    purchaseDays: row.purchaseDays,
    firstDay: row.first === null ? null : dayNumbered(row.first),
    lastDay: row.last === null ? null : dayNumbered(row.last),
    longestGapDays: row.longestGapDays,
    spend: row.spend,
    rebuild: row.rebuild,
  }
  return { memberId: id, kept: facts ?? null, score: scores[0] ?? null, flags }
}

export interface ProgramStanding {
  readonly states: Readonly<Record<string, number>>
  readonly flags: Readonly<Record<Flag, number>>
  /** of flagged members, decimal text; null where amounts are not known */
  readonly atStake: string | null
  /** members whose row waits to be made anew */
  readonly marked: number
}

export async function programStanding(sql: Executor, program: string): Promise<ProgramStanding> {
  const [rows, marked] = await Promise.all([
    sql<{ state: string; flag: Flag | null; members: number; stake: string | null }[]>`
      select state, flag, count(*)::int as members, sum(at_stake)::text as stake
      from retention_scores where program = ${program} group by state, flag order by state, flag`,
    sql<{ count: number }[]>`
      select count(*)::int as count from retention_states where program = ${program} and rebuild`,
  ])
  const states: Record<string, number> = {}
  const flags = { gone_quiet: 0, buying_less: 0 }
  let stake: number | null = null
  for (const row of rows) {
    states[row.state] = (states[row.state] ?? 0) + row.members
    if (row.flag === null) continue
    flags[row.flag] += row.members
    if (row.stake !== null) stake = (stake ?? 0) + Number(row.stake)
  }
  return { states, flags, atStake: stake === null ? null : stake.toFixed(2), marked: marked[0]?.count ?? 0 }
}
