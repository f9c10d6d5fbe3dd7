/**
 * The worklist, a member's standing and the summary as they go out, over HTTP and on the command line: the
 * numbers are the stored ones, and a capacity cuts the list over all its pages.
 */
import { DomainError } from '../base/errors.ts'
import { showId } from '../base/ids.ts'
import type { Executor } from '../db/connection.ts'
import type { Retention } from '../program/program.ts'
import { lastRun } from './queries-scores.ts'
import {
  falseShareOf,
  memberRetention,
  programStanding,
  type StoredScore,
  worklist,
} from './queries-worklist.ts'

export interface Terms {
  readonly program: string
  readonly retention: Retention
  /** those that the rules declare */
  readonly segments: readonly string[]
  /** the program's money */
  readonly money: string
  readonly at: Date
}

export interface Asked {
  readonly limit: number
  readonly cursor: string | null
  readonly state: string | null
  readonly segment: string | null
  /** null: what the program declares */
  readonly capacity: number | null
}

export type WireScore = ReturnType<typeof wireScore>

/** Refuses `invalid_cursor`, and `segment_not_found`: an empty list would say that nobody is slipping away. */
export async function readWorklist(sql: Executor, terms: Terms, asked: Asked) {
  const { program, retention, segments } = terms
  const { segment } = asked
  if (segment !== null && !segments.includes(segment)) throw new DomainError('segment_not_found', { segment })
  const capacity = asked.capacity ?? retention.capacity
  const after = asked.cursor === null ? null : readCursor(asked.cursor)
  const before = after?.place ?? 0
  const room = capacity === null ? asked.limit : Math.min(asked.limit, capacity - before)
  const [run, standing, rows] = await Promise.all([
    lastRun(sql, program),
    programStanding(sql, program),
    // One more than asked for tells whether there is a next page.
    room <= 0 ? [] : worklist(sql, { ...terms, ...asked, after, limit: room + 1 }),
  ])
  const items = rows.slice(0, Math.max(0, room))
  const place = before + items.length
  const last = items.at(-1)
  const more = rows.length > items.length && (capacity === null || place < capacity)
  return {
    asOf: run?.asOf ?? null,
    horizonDays: run?.horizonDays ?? null,
    items: items.map((row) => ({ memberId: showId('member', row.memberId), ...wireScore(row, terms.money) })),
    nextCursor: more && last ? showCursor(last, place) : null,
    capacity,
    flagged: standing.flags.gone_quiet + standing.flags.buying_less,
    uplifts: run?.uplifts ?? null,
    falseShare: run && (await falseShareOf(sql, { program, ...run })),
  }
}

/** Null where the program has no such member. */
export async function readMember(sql: Executor, { program, money }: Terms, memberId: string) {
  const [found, run] = await Promise.all([memberRetention(sql, { program, memberId }), lastRun(sql, program)])
  if (found === null) return null
  const { kept, score, flags } = found
  const hasBought = kept !== null && kept.purchaseDays > 0
  return {
    memberId: showId('member', found.memberId),
    asOf: score?.asOf ?? null,
    because: score ? null : hasBought || kept?.rebuild ? 'not scored yet' : 'no purchase yet',
    kept: kept && { ...kept, spend: { amount: kept.spend, currency: money } },
    score: score && wireScore(score, money),
    uplift: score?.flag ? (run?.uplifts?.[score.flag] ?? null) : null,
    flags: flags.map((flag) => ({ ...flag, flagId: showId('flag', flag.flagId) })),
  }
}

export async function readSummary(sql: Executor, { program, retention, money }: Terms) {
  const [run, standing] = await Promise.all([lastRun(sql, program), programStanding(sql, program)])
  const members = Object.values(standing.states).reduce((sum, count) => sum + count, 0)
  return {
    program,
    asOf: run?.asOf ?? null,
    horizonDays: run?.horizonDays ?? retention.horizonDays,
    members,
    states: standing.states,
    flags: standing.flags,
    atStake: moneyOf(standing.atStake, money),
    uplifts: run?.uplifts ?? null,
    raised: run?.raised ?? 0,
    cleared: run?.cleared ?? 0,
    falseShare: run && (await falseShareOf(sql, { program, ...run })),
    acceptedFalseShare: run?.accepted ?? retention.falseFlags,
    model: run?.model ?? null,
    finishedAt: run?.finishedAt.toISOString() ?? null,
    rebuild: standing.marked,
  }
}

function moneyOf(amount: string | null, currency: string) {
  return amount === null ? null : { amount, currency }
}

function wireScore(row: StoredScore, money: string) {
  return {
    state: row.state,
    since: row.since,
    flag: row.flag,
    flaggedSince: row.flaggedSince,
    pSilent: row.pSilent,
    pDecline: row.pDecline,
    pAlive: row.pAlive,
    expectedPurchases: row.expectedPurchases,
    expectedValue: moneyOf(row.expectedValue, money),
    lifetimeValue: moneyOf(row.lifetimeValue, money),
    atStake: moneyOf(row.atStake, money),
    uplift: row.uplift,
    priority: row.priority,
    dispersion: row.dispersion,
    rfm: { recency: row.recency, frequency: row.frequency, monetary: row.monetary },
    reasons: row.reasons,
  }
}

interface Place {
  readonly priority: number
  readonly memberId: string
  /** how many members came before */
  readonly place: number
}

function showCursor({ priority, memberId }: StoredScore, place: number): string {
  return Buffer.from(JSON.stringify([priority, memberId, place])).toString('base64url')
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

function readCursor(text: string): Place {
  try {
    const [priority, memberId, place] = JSON.parse(Buffer.from(text, 'base64url').toString()) as unknown[]
    const isPlace = typeof place === 'number' && Number.isSafeInteger(place) && place > 0
    if (typeof priority === 'number' && typeof memberId === 'string' && UUID.test(memberId) && isPlace)
      return { priority, memberId, place }
  } catch {
    // No JSON is no cursor of ours either.
  }
  throw new DomainError('invalid_cursor')
}
