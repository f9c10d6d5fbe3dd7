/** A row of the database as the picture that conditions of segments and campaigns look at. */
import { dayNumberOf } from '../base/time.ts'
import type { MemberPicture, Ranking } from '../program/campaign.ts'
import type { Program } from '../program/program.ts'
import type { FieldValue } from '../rules/facts.ts'
import type { PictureRow } from './queries-members.ts'

/** `at`: its day, in the program's zone, is today. */
export function pictureOf(
  program: Program,
  row: PictureRow,
  now: { readonly at: Date; readonly complaints: number },
): MemberPicture {
  const names = (kind: 'segment' | 'promotion') =>
    row.marks.filter((mark) => mark.kind === kind).map(({ name }) => name)
  const tiers = program.ladders.flatMap(({ id, tiers: all }) => {
    const found = all.find((tier) => tier.id === row.tiers[id])
    return found ? [[id, { tier: found.id, rank: found.rank }] as const] : []
  })
  const member = {
    enrolledAt: row.enrolledAt,
    attributes: row.attributes,
    tiers: new Map(tiers),
    segments: names('segment'),
    promotions: names('promotion'),
  }
  return { member, facts: factsOf(program, row, now) }
}

function factsOf(
  program: Program,
  { scores, bought, available, enrolledAt }: PictureRow,
  { at, complaints }: { at: Date; complaints: number },
): Record<string, FieldValue> {
  const today = dayNumberOf(program.timeZone, at)
  const points = [...program.currencies.keys()].map((id) => [id, available[id] ?? 0] as const)
  const facts: Record<string, FieldValue> = {
    ...Object.fromEntries(points),
    memberFor: Math.max(0, today - dayNumberOf(program.timeZone, enrolledAt)),
    openComplaints: complaints,
    purchases: bought?.days ?? 0,
    spend: money(bought?.cents ?? 0),
  }
  if (bought) {
    facts.daysSince = Math.max(0, today - bought.lastDay)
    facts.tenure = Math.max(0, today - bought.firstDay)
    facts.averageSpend = money(bought.cents / bought.days)
    if (bought.pointsEarned > 0)
      facts.redeemedShare = round(Math.max(0, bought.pointsRedeemed) / bought.pointsEarned)
  }
  const { since: _since, ...known } = scores ?? { since: null }
  for (const [name, value] of Object.entries(known))
    facts[name] = typeof value === 'number' ? round(value) : value
  return facts
}

/** By what members are ranked. */
export function ranksOf({ scores, bought }: PictureRow): Record<Ranking, number | null> {
  return {
    value: scores?.lifetimeValue ?? null,
    spend: bought ? bought.cents / 100 : null,
    'expected value': scores?.expectedValue ?? null,
    purchases: bought?.days ?? null,
    'at stake': scores?.atStake ?? null,
  }
}

function money(cents: number): number {
  return Math.round(cents) / 100
}

// Conditions take decimals of at most twelve places.
function round(value: number): number {
  return Math.round(value * 1e9) / 1e9
}
