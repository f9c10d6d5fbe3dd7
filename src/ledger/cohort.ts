/**
 * Which points ended how, and how old they were: the legs of a lot, in order of business time, as cohorts
 * of the day on which the points were given. What is told of a lot sums to what stands in it, always.
 */
import { invariant } from '../base/errors.ts'

/** A leg into or out of a lot. Days are counted from 1 January 1970 in the program's zone. */
export interface LotLeg {
  readonly from: string
  readonly to: string
  readonly points: bigint
  readonly on: number
  readonly redemptionId: string | null
}

/** How points came: by a sale, by hand, or from elsewhere (a transfer, a merge, another lot). */
export type Origin = 'issued' | 'adjusted' | 'moved'
/** How they ended; `cancelled` by a return or by hand, `moved` to elsewhere. */
export type Ending = 'redeemed' | 'expired' | 'cancelled' | 'moved'

/** Points of one cohort that came, ended, or came back (then `points` is negative). */
export interface CohortEvent {
  readonly kind: 'given' | Ending
  readonly origin: Origin
  readonly givenOn: number
  readonly on: number
  /** the day of the ending; of what is undone, where points come back */
  readonly endedOn: number
  readonly points: bigint
}

/** Points of one cohort that are still there. Below zero only where more was spent than had come by then. */
export interface OpenCohort {
  readonly origin: Origin
  readonly givenOn: number
  readonly points: bigint
}

interface Live {
  readonly origin: Origin
  readonly givenOn: number
  points: bigint
}

interface Ended extends Live {
  readonly ending: Ending
  readonly on: number
  readonly redemptionId: string | null
}

const inLot = new Set(['available', 'pending', 'held'])

/**
 * One lot. Points of a lot are alike, so who left is a matter of convention: first come, first spent, and
 * what a return takes back are the latest, since returns follow their sales. A redemption that is undone
 * brings back the very cohorts that it took.
 */
export class LotCohorts {
  readonly #live: Live[] = []
  readonly #ended: Ended[] = []
  /** spent before it came, as late facts can have it */
  readonly #owing: { points: bigint; ending: Ending; on: number; redemptionId: string | null }[] = []
  readonly #tell: (event: CohortEvent) => void
  #held = 0n
  /** lapsed points that a return takes back which happened before they lapsed, though it was written after */
  #foregone = 0n

  constructor(tell: (event: CohortEvent) => void) {
    this.#tell = tell
  }

  add(leg: LotLeg): void {
    invariant(leg.points > 0n, 'a leg moves points')
    if (leg.to === 'held') this.#held += leg.points
    if (leg.from === 'held') this.#held -= leg.points
    const [came, left] = [inLot.has(leg.to), inLot.has(leg.from)]
    if (came && !left) this.#come(leg)
    if (left && !came) this.#leave(endingOf(leg.to), leg)
    if (!left && !came && leg.from === 'expired') this.#foregone += this.#takeBackLapsed(leg)
  }

  /** Points that lapsed by themselves although no sweep has written it down yet; what is held stays. */
  lapse(on: number): void {
    const open = this.open().reduce((sum, { points }) => sum + points, 0n)
    const points = open - (this.#held > 0n ? this.#held : 0n)
    if (points > 0n) this.#leave('expired', { points, on, redemptionId: null })
  }

  open(): OpenCohort[] {
    return [
      ...this.#live.map(({ origin, givenOn, points }) => ({ origin, givenOn, points })),
      ...this.#owing.map(({ on, points }) => ({ origin: 'moved' as const, givenOn: on, points: -points })),
    ]
  }

  #come(leg: LotLeg): void {
    let points = leg.points
    if (leg.from === 'redeemed' || leg.from === 'expired') points = this.#comeBack(leg.from, leg)
    if (points === 0n) return
    const origin = leg.from === 'issued' || leg.from === 'adjusted' ? leg.from : 'moved'
    const cohort = { origin, givenOn: leg.on, points } as const
    this.#tell({ ...cohort, kind: 'given', on: leg.on, endedOn: leg.on })
    this.#insert(cohort)
    for (const owed of this.#owing.splice(0)) {
      this.#leave(owed.ending, { ...owed, on: owed.on > leg.on ? owed.on : leg.on })
    }
  }

  /** What ended comes alive again, the last first and of the same redemption first; returns what is left over. */
  #comeBack(ending: Ending, leg: LotLeg): bigint {
    let points = leg.points
    const same = (one: Ended) => leg.redemptionId !== null && one.redemptionId === leg.redemptionId
    for (const first of [true, false]) {
      for (let index = this.#ended.length - 1; index >= 0 && points > 0n; index -= 1) {
        const one = this.#ended[index]!
        if (one.ending !== ending || same(one) !== first) continue
        const back = one.points < points ? one.points : points
        one.points -= back
        points -= back
        if (one.points === 0n) this.#ended.splice(index, 1)
        const { origin, givenOn } = one
        this.#tell({ kind: ending, origin, givenOn, on: leg.on, endedOn: one.on, points: -back })
        this.#insert({ origin, givenOn, points: back })
      }
    }
    return points
  }

  /** A return whose points have lapsed takes them from there; returns what has not lapsed yet. */
  #takeBackLapsed(leg: LotLeg): bigint {
    const left = this.#comeBack('expired', leg)
    if (leg.points > left) this.#leave('cancelled', { ...leg, points: leg.points - left })
    return left
  }

  #leave(ending: Ending, out: { points: bigint; on: number; redemptionId: string | null }): void {
    if (ending !== 'expired' || this.#foregone === 0n) {
      this.#end(ending, out)
      return
    }
    const foregone = this.#foregone < out.points ? this.#foregone : out.points
    this.#foregone -= foregone
    this.#end('cancelled', { ...out, points: foregone })
    if (out.points > foregone) this.#end('expired', { ...out, points: out.points - foregone })
  }

  #end(ending: Ending, out: { points: bigint; on: number; redemptionId: string | null }): void {
    let points = out.points
    while (points > 0n) {
      const place = ending === 'cancelled' ? this.#live.length - 1 : 0
      const cohort = this.#live[place]
      if (!cohort) {
        this.#owing.push({ ...out, points, ending })
        return
      }
      const taken = cohort.points < points ? cohort.points : points
      cohort.points -= taken
      points -= taken
      if (cohort.points === 0n) this.#live.splice(place, 1)
      const { origin, givenOn } = cohort
      this.#tell({ kind: ending, origin, givenOn, on: out.on, endedOn: out.on, points: taken })
      if (ending === 'redeemed' || ending === 'expired') {
        const { on, redemptionId } = out
        this.#ended.push({ origin, givenOn, points: taken, ending, on, redemptionId })
      }
    }
  }

  #insert(cohort: Live): void {
    const later = this.#live.findIndex(({ givenOn }) => givenOn > cohort.givenOn)
    const place = later < 0 ? this.#live.length : later
    const before = this.#live[place - 1]
    if (before?.givenOn === cohort.givenOn && before.origin === cohort.origin) before.points += cohort.points
    else this.#live.splice(place, 0, { ...cohort })
  }
}

// A debt stands for points of a sale that was returned: what pays it off is taken back with it.
function endingOf(to: string): Ending {
  if (to === 'redeemed' || to === 'expired') return to
  return to === 'issued' || to === 'adjusted' || to === 'negative' ? 'cancelled' : 'moved'
}
