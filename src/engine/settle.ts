/**
 * What falls due by itself: holds let go, pending points become usable, lots lapse, tiers come to their
 * end. A command on a member with something due settles it first, so it never decides on stale points.
 */
import { showId } from '../base/ids.ts'
import { Decimal } from '../base/points.ts'
import { dayOf } from '../base/time.ts'
import { nextDue, settleLots } from '../ledger/due.ts'
import type { Entry } from '../ledger/entry.ts'
import { isDue, lapse } from '../redeeming/hold.ts'
import { counted } from '../tiers/counters.ts'
import { climbFrom } from './climb.ts'
import { keepClocks } from './clocks.ts'
import { keepCancelled } from './confirmations.ts'
import { announce, count, type Deciding, record, standingsOf } from './deciding.ts'
import { tellOfTiers } from './occur.ts'
import { settleTiers, upgradesDue } from './standings.ts'

export interface Settled {
  released: number
  expired: number
  /** points that nobody confirmed in time */
  cancelled: number
  holdsReleased: number
  tierChanges: number
}

/** Settles what was due before the command was asked. */
export function settleBefore(deciding: Deciding): void {
  if (isAnythingDue(deciding)) deciding.beforehand(() => settle(deciding))
}

/** Settles what the command itself brought and is due already: points of a sale long past. */
export function settleAfter(deciding: Deciding): void {
  keepClocks(deciding)
  deciding.state.dueAt = dueAfter(deciding)
  if (isAnythingDue(deciding)) settle(deciding)
}

function isAnythingDue({ state, command }: Deciding): boolean {
  return state.dueAt !== null && state.dueAt <= command.at
}

/** Posts all that is due by the command's time. Holds go first: their points may have lapsed meanwhile. */
export function settle(deciding: Deciding): Settled {
  const holdsReleased = letHoldsGo(deciding)
  keepClocks(deciding)
  const entries = settleLots(deciding.state.book, { at: deciding.command.at, nextId: deciding.nextId })
  record(deciding, ...entries)
  const sums = { release_pending: 0n, expire: 0n, cancel: 0n }
  let climb: Date | null = null
  for (const entry of entries) {
    for (const { points } of entry.postings) sums[entry.kind as keyof typeof sums] += points
    const from = countDue(deciding, entry)
    if (from && (climb === null || from < climb)) climb = from
  }
  const { release_pending: released, expire: expired, cancel: cancelled } = sums
  if (expired > 0n) announce(deciding, 'points.expired', { points: Number(expired) })
  if (released > 0n) announce(deciding, 'points.released', { points: Number(released) })
  const tiersBefore = deciding.writes.tierChanges.length
  if (climb) climbFrom(deciding, climb)
  settleTiers(deciding)
  tellOfTiers(deciding)
  const changes = deciding.writes.tierChanges.slice(tiersBefore).map(({ change }) => change.effectiveAt)
  const tierChanges = changes.length
  keepClocks(deciding, changes.at(-1))
  deciding.state.dueAt = dueAfter(deciding)
  return {
    released: Number(released),
    expired: Number(expired),
    cancelled: Number(cancelled),
    holdsReleased,
    tierChanges,
  }
}

/** What a due entry changes for tiers, and from when on; null: nothing. */
function countDue(deciding: Deciding, entry: Entry): Date | null {
  if (entry.kind === 'cancel') return keepCancelled(deciding, entry)
  if (entry.kind !== 'release_pending') return null
  const { program } = deciding
  const { occurredAt } = entry
  const awards = entry.postings.filter(
    ({ currency }) => program.currencies.get(currency)?.counts === 'when_usable',
  )
  const day = dayOf(program.timeZone, occurredAt)
  const rows = counted(program, { day, spend: new Decimal(0), transactions: 0n, awards })
  count(deciding, rows)
  return rows.length > 0 ? occurredAt : null
}

/** The next instant at which something of the member's falls due, from all that is known. */
function dueAfter(deciding: Deciding): Date | null {
  const { state } = deciding
  const candidates = [nextDue(state.book)]
  // Where lots were not read, what was due before is still due.
  if (!state.book.lotsKnown) candidates.push(state.dueAt)
  for (const { status, holdUntil } of state.redemptions.values())
    if (status === 'held') candidates.push(holdUntil)
  for (const { until } of standingsOf(deciding).values()) candidates.push(until)
  candidates.push(upgradesDue(deciding))
  return candidates.reduce((next, due) => (due !== null && (next === null || due < next) ? due : next), null)
}

function letHoldsGo(deciding: Deciding): number {
  const { command, state, nextId } = deciding
  const due = [...state.redemptions.values()].filter((redemption) => isDue(redemption, command.at))
  due.sort(
    (a, b) => a.holdUntil!.getTime() - b.holdUntil!.getTime() || (a.redemptionId < b.redemptionId ? -1 : 1),
  )
  const redemptions = new Map(state.redemptions)
  for (const redemption of due) {
    const outcome = lapse({ redemption, book: state.book, nextId, at: command.at })
    record(deciding, outcome.entry)
    redemptions.set(redemption.redemptionId, outcome.redemption)
    deciding.writes.redemptions.push({ command, redemption: outcome.redemption, isNew: false })
    announce(deciding, 'redemption.expired', { redemptionId: showId('redemption', redemption.redemptionId) })
  }
  deciding.state.redemptions = redemptions
  return due.length
}
