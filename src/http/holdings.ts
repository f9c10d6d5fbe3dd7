/**
 * What a member has at an instant, told truly whether or not a sweep has been by: the same functions that
 * settle what is due are run here on what was read, and nothing is written.
 */
import { DomainError } from '../base/errors.ts'
import { showId } from '../base/ids.ts'
import { Decimal } from '../base/points.ts'
import { dayOf } from '../base/time.ts'
import type { Sql } from '../db/connection.ts'
import { countedLater } from '../engine/counted-later.ts'
import { wholeMember } from '../engine/queries-kin.ts'
import { addCounters } from '../engine/state.ts'
import { type Book, openBook } from '../ledger/book.ts'
import { settleLots } from '../ledger/due.ts'
import { keyOfLot, type Lot } from '../ledger/lot.ts'
import type { MemberReference } from '../members/member.ts'
import type { Ladder, Program } from '../program/program.ts'
import { lapse } from '../redeeming/hold.ts'
import type { FieldValue, MemberFacts } from '../rules/facts.ts'
import { assess, baseStanding, countersNeededFrom } from '../tiers/assess.ts'
import { type CounterRow, countersAsOf } from '../tiers/counters.ts'
import type { Assessed } from '../tiers/counting.ts'
import type { Standing } from '../tiers/standing.ts'
import { findCounters, findHoldings, findIdentifier, type HoldingsRow, type Whose } from './queries.ts'
import { findHoldingsAt } from './queries-past.ts'
import type { RouteDeps } from './route.ts'

export interface Holdings {
  /** the member asked for, or who it was merged into */
  readonly memberId: string
  readonly enrolledAt: Date
  readonly attributes: Readonly<Record<string, FieldValue>>
  /** settled */
  readonly book: Book
  /** by ladder, as kept: their end may have come */
  readonly standings: ReadonlyMap<string, Standing>
}

/**
 * A member's points at an instant; refuses a member that is not there. Of the past, by all that is known now;
 * of the future, as it will be if nothing more happens.
 */
export async function readHoldings(sql: Sql, whose: Whose, at: Date, now: Date = at): Promise<Holdings> {
  // The past of a member is that of its merged duplicates too; at present they have nothing.
  const { memberId, duplicates } = at < now ? await wholeMember(sql, whose) : { ...whose, duplicates: [] }
  const whom = { ...whose, memberId }
  const row = await (at < now
    ? findHoldingsAt(sql, { ...whom, duplicates }, at)
    : findHoldings(sql, whose, at))
  if (!row) throw new DomainError('member_not_found', { memberId: showId('member', whose.memberId) })
  if (row.mergedInto !== null) return readHoldings(sql, { ...whose, memberId: row.mergedInto }, at, now)
  return holdingsOf(row, { ...whom, at })
}

/** What was read of a member, settled at an instant. */
export function holdingsOf(row: HoldingsRow, of: Whose & { at: Date }): Holdings {
  return {
    memberId: of.memberId,
    enrolledAt: row.enrolledAt,
    attributes: row.attributes,
    book: settledBook(row, of),
    standings: new Map(
      row.standings.map(({ ladder, tier, since, until, state }) => [
        ladder,
        { ladder, tier, since: new Date(since), until: until === null ? null : new Date(until), state },
      ]),
    ),
  }
}

/** How the member stands on a ladder at an instant, with the days that were counted for it. */
export async function assessedAt(
  sql: Sql,
  whose: Whose,
  on: { program: Program; ladder: Ladder; holdings: Holdings; at: Date },
): Promise<Assessed> {
  const { program, ladder, holdings, at } = on
  const { enrolledAt } = holdings
  const standing = holdings.standings.get(ladder.id) ?? baseStanding(ladder, enrolledAt)
  const input = { timeZone: program.timeZone, enrolledAt, attributes: holdings.attributes, standing, at }
  const whom: Whose = { ...whose, memberId: holdings.memberId }
  const rows = await findCounters(sql, whom.memberId, countersNeededFrom(ladder, input))
  return { ...input, counters: countersUntil(dayOf(program.timeZone, at), rows) }
}

/** The same for an instant of the past: less what was counted later on its day. */
export async function assessedInThePast(
  { sql, programs }: Pick<RouteDeps, 'sql' | 'programs'>,
  whose: Whose,
  on: { program: Program; ladder: Ladder; holdings: Holdings; at: Date },
): Promise<Assessed> {
  const assessed = await assessedAt(sql, whose, on)
  const { memberId, duplicates } = await wholeMember(sql, whose)
  const { program, at } = on
  const later = await countedLater(sql, programs, { program, memberIds: [memberId, ...duplicates], at })
  const less = later.map((row) => ({ ...row, value: row.value.negated() }))
  return { ...assessed, counters: addCounters(assessed.counters, less) }
}

/** The standing at an instant. Counters are read only where a tier's end has come and no sweep has. */
export async function standingOn(
  sql: Sql,
  whose: Whose,
  on: { program: Program; ladder: Ladder; holdings: Holdings; at: Date },
): Promise<Standing> {
  const { ladder, holdings, at } = on
  const kept = holdings.standings.get(ladder.id) ?? baseStanding(ladder, holdings.enrolledAt)
  const isOver = kept.until !== null && kept.until <= at
  if (!isOver && ladder.upgrade === 'at_once') return kept
  return assess(ladder, await assessedAt(sql, whose, on)).standing
}

/** The tiers on all ladders, as rules and rewards see them. */
export async function tiersOf(
  sql: Sql,
  whose: Whose,
  on: { program: Program; holdings: Holdings; at: Date },
): Promise<MemberFacts['tiers']> {
  const tiers = new Map<string, { tier: string; rank: number }>()
  for (const ladder of on.program.ladders) {
    const { tier } = await standingOn(sql, whose, { ...on, ladder })
    tiers.set(ladder.id, { tier, rank: ladder.tiers.find(({ id }) => id === tier)?.rank ?? 0 })
  }
  return tiers
}

/** The member that a request names, as a UUID. */
export async function memberOf(sql: Sql, program: string, reference: MemberReference): Promise<string> {
  if (reference.memberId !== undefined) return reference.memberId
  const { kind, value } = reference.identifier ?? { kind: '', value: '' }
  const found = await findIdentifier(sql, { program, kind, value })
  if (!found) throw new DomainError('member_not_found', { identifierKind: kind })
  if (found.status === 'blocked') throw new DomainError('identifier_blocked', { identifierKind: kind })
  return found.memberId
}

function settledBook(row: HoldingsRow, of: Whose & { at: Date }): Book {
  const accounts = row.accounts.map((account) => ({
    currency: account.currency,
    available: BigInt(account.available),
    pending: BigInt(account.pending),
    held: BigInt(account.held),
    negative: BigInt(account.negative),
    lifetime: BigInt(account.lifetime),
    activeOn: account.activeOn,
    lapsesAt: account.lapsesAt === null ? null : new Date(account.lapsesAt),
  }))
  const lots = row.lots.map(
    ({ lotId, available, pending, held }): Lot => ({
      ...keyOfLot(lotId),
      lotId,
      available: BigInt(available),
      pending: BigInt(pending),
      held: BigInt(held),
      expired: 0n,
      expiredSince: 0n,
    }),
  )
  const book = openBook(accounts, lots, true)
  // Entries made here are thrown away, so their ids do not matter.
  const nextId = () => ''
  for (const hold of row.lapsedHolds) {
    const redemption = {
      ...of,
      redemptionId: hold.redemptionId,
      source: '',
      externalRef: '',
      status: 'held' as const,
      currency: hold.currency,
      points: BigInt(hold.points),
      captured: 0n,
      rewardId: null,
      value: null,
      draws: hold.draws.map(({ lotId, points }) => ({ lotId, points: BigInt(points) })),
      occurredAt: of.at,
      holdUntil: new Date(hold.holdUntil),
      pool: null,
      partOf: null,
    }
    lapse({ redemption, book, nextId, at: of.at })
  }
  settleLots(book, { at: of.at, nextId })
  return book
}

export function countersUntil(
  today: string,
  rows: { counter: string; day: string; value: string }[],
): CounterRow[] {
  const counters = rows.map(({ counter, day, value }) => ({ counter, day, value: new Decimal(value) }))
  return countersAsOf(counters, today)
}
