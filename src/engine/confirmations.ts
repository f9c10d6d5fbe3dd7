/** What a decision about points that awaited it leads to: its record, its event, what it counts for tiers. */
import { invariant } from '../base/errors.ts'
import { showId } from '../base/ids.ts'
import { Decimal } from '../base/points.ts'
import { dayOf, startOfDay } from '../base/time.ts'
import type { Confirmation } from '../earning/confirm.ts'
import { countedOn } from '../earning/countable.ts'
import type { Decided } from '../ledger/confirm.ts'
import type { Entry } from '../ledger/entry.ts'
import { keyOfLot, type LotKey } from '../ledger/lot.ts'
import { counted } from '../tiers/counters.ts'
import { announce, count, type Deciding } from './deciding.ts'

/** Takes a cancellation into account that came about by itself: it was posted as `entry`. */
export function keepCancelled(deciding: Deciding, entry: Entry): Date | null {
  const { transactionId } = entry
  invariant(transactionId, 'what is cancelled is a transaction’s')
  const earlier = deciding.writes.confirmations.find((each) => each.transactionId === transactionId)
  const decided = entry.postings.map(({ currency, points, lotId }): Decided => {
    invariant(lotId, 'pending points stand in a lot')
    return { currency, points, lotId }
  })
  const confirmation: Confirmation = {
    outcome: 'cancelled',
    automatic: true,
    occurredAt: entry.occurredAt,
    decided: [...(earlier?.confirmation.decided ?? []), ...decided],
  }
  keepDecision(deciding, transactionId, confirmation)
  return countDecision(deciding, { transactionId, ...confirmation, decided }, { wasCancelled: false })
}

export function keepDecision(deciding: Deciding, transactionId: string, confirmation: Confirmation): void {
  const { command, state } = deciding
  const stored = state.transactions.get(transactionId)
  // What becomes of a merged duplicate's sale goes with it when it is un-merged.
  const { memberId } = stored ?? state.member
  deciding.writes.confirmations.push({ command, memberId, transactionId, confirmation })
  if (stored) {
    state.transactions = new Map(state.transactions).set(transactionId, { ...stored, confirmation })
  }
  const released = confirmation.outcome === 'confirmed'
  announce(deciding, released ? 'points.released' : 'points.cancelled', {
    transactionId: showId('transaction', transactionId),
    points: Number(confirmation.decided.reduce((sum, { points }) => sum + points, 0n)),
    ...(!released && { automatic: confirmation.automatic }),
  })
}

/** Counts for tiers what a decision changes, and says from when on they are to be looked at again. */
export function countDecision(
  deciding: Deciding,
  confirmation: Confirmation & { readonly transactionId: string },
  { wasCancelled }: { wasCancelled: boolean },
): Date | null {
  const { program, state } = deciding
  const stored = state.transactions.get(confirmation.transactionId)
  let from: Date | null = null
  for (const { currency, points, lotId } of confirmation.decided) {
    const sign = signOf(deciding, keyOfLot(lotId), confirmation, wasCancelled)
    if (sign === 0) continue
    const key = keyOfLot(lotId)
    const sale = startOfDay(program.timeZone, key.awaits!.day)
    const day =
      countedOn(program, key, { occurredAt: sale, at: confirmation.occurredAt, confirmation }) ??
      dayOf(program.timeZone, sale)
    const rows = counted(program, {
      day,
      spend: new Decimal(0),
      transactions: 0n,
      awards: [{ currency, points: sign > 0 ? points : -points }],
    })
    count(deciding, rows, stored?.memberId)
    // By the instant where points count from their sale on; a confirmation counts from the beginning of its day.
    const isOfSale = stored !== undefined && day === key.awaits!.day
    const start = isOfSale ? stored.occurredAt : startOfDay(program.timeZone, day)
    if (rows.length > 0 && (from === null || start < from)) from = start
  }
  return from
}

// Points that counted at once cease to when they are cancelled; the others begin to when they are confirmed.
function signOf(
  deciding: Deciding,
  key: LotKey,
  { outcome }: Confirmation,
  wasCancelled: boolean,
): -1 | 0 | 1 {
  const whenUsable = deciding.program.currencies.get(key.currency)?.counts === 'when_usable'
  if (outcome === 'cancelled') return whenUsable ? 0 : -1
  return whenUsable || wasCancelled ? 1 : 0
}
