/**
 * Members as segments and campaigns see them: a page of pictures in one statement, each part a look-up by the
 * member's own key. What is not known of a member is null.
 */
import { type Executor, list } from '../db/connection.ts'
import type { FieldValue } from '../rules/facts.ts'

export interface PictureRow {
  memberId: string
  attributes: Record<string, FieldValue>
  consents: Record<string, boolean>
  enrolledAt: Date
  tiers: Record<string, string>
  /** points that the member has, by currency */
  available: Record<string, number>
  marks: { kind: 'segment' | 'promotion'; name: string }[]
  scores: Scored | null
  bought: Bought | null
}

export interface Scored {
  state: string
  since: string
  flag: string | null
  dispersion: string | null
  recency: number
  frequency: number
  monetary: number
  pSilent: number
  pDecline: number
  pAlive: number | null
  expectedPurchases: number
  expectedValue: number | null
  lifetimeValue: number | null
  atStake: number | null
}

/** Days count from 1 January 1970 in the program's zone. */
export interface Bought {
  firstDay: number
  lastDay: number
  days: number
  cents: number
  pointsEarned: number
  pointsRedeemed: number
}

function picture(sql: Executor) {
  return sql`
    m.member_id as "memberId", m.attributes, m.consents, m.enrolled_at as "enrolledAt",
    (select coalesce(json_object_agg(s.ladder, s.tier), '{}') from standings s
     where s.member_id = m.member_id) as tiers,
    (select coalesce(json_object_agg(a.currency, a.available), '{}') from accounts a
     where a.member_id = m.member_id) as available,
    (select coalesce(json_agg(json_build_object('kind', k.kind, 'name', k.name)), '[]') from member_marks k
     where k.member_id = m.member_id and k.until is null) as marks,
    (select json_build_object('state', s.state, 'since', s.since, 'flag', s.flag, 'dispersion', s.dispersion,
        'recency', s.recency, 'frequency', s.frequency, 'monetary', s.monetary, 'pSilent', s.p_silent,
        'pDecline', s.p_decline, 'pAlive', s.p_alive, 'expectedPurchases', s.expected_purchases,
        'expectedValue', s.expected_value, 'lifetimeValue', s.lifetime_value, 'atStake', s.at_stake)
     from retention_scores s where s.member_id = m.member_id) as scores,
    (select json_build_object('firstDay', t.first_day, 'lastDay', t.last_day, 'days', t.purchase_days,
        'cents', t.cents, 'pointsEarned', t.points_earned, 'pointsRedeemed', t.points_redeemed)
     from retention_states t
     where t.member_id = m.member_id and t.purchase_days > 0) as bought`
}

/** Active members of a program in order of their ids. */
export async function picturePage(
  sql: Executor,
  page: { program: string; after: string | null; limit: number },
): Promise<PictureRow[]> {
  const beyond = page.after === null ? sql`` : sql`and m.member_id > ${page.after}::uuid`
  return sql<PictureRow[]>`
    select ${picture(sql)} from members m
    where m.program = ${page.program} and m.status = 'active' ${beyond}
    order by m.member_id limit ${page.limit}`
}

/** Those of them that are active members of the program, in no order. */
export async function picturesOf(
  sql: Executor,
  of: { program: string; memberIds: readonly string[] },
): Promise<PictureRow[]> {
  if (of.memberIds.length === 0) return []
  return sql<PictureRow[]>`
    select ${picture(sql)} from members m
    where m.member_id = any(${list(sql, of.memberIds)}::uuid[]) and m.program = ${of.program}
      and m.status = 'active'`
}
