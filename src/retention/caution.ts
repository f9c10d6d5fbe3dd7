/**
 * How careful flags must be. Members picked for being extreme are less so than foretold; by how much, the
 * program's own earlier cuts tell, for each flag apart. And a program that has not seen the season which lies
 * ahead cannot know at what level its members will buy in it. From purchases up to the day of the run only.
 */
import type { Caution, Flag } from './flag.ts'
import { type Judge, judged, type Lessons } from './judge.ts'
import { BELIEVED } from './level.ts'
import { hasLapsed, type Place } from './phase.ts'
import { FEW_GAPS } from './reason.ts'
import type { MemberState } from './state.ts'

/** Too few purchases are no rhythm to break, and who lapsed is news to nobody. */
export function mayFlag(state: MemberState, seen: Parameters<typeof hasLapsed>[1], place: Place): boolean {
  return state.days > FEW_GAPS && !hasLapsed(state, seen, place)
}

/** Members of one cut whom one flag may be about, as places among its lessons. */
export interface Askable {
  readonly lessons: Lessons
  readonly places: readonly number[]
}

/** Likely enough to be near a flag. */
const LIKELY = 0.75
/** As many misses as foretold are believed in before any is seen. */
const BELIEVED_MISSES = 2

/**
 * Misses that came over those foretold, among likely members at the cuts of the longest horizon, cuts newest
 * first: over a long horizon more of those come back who seemed gone than a judge of all horizons foretells.
 */
export function missesOver(cuts: readonly Askable[], judge: Judge): number {
  const longest = cuts[0]?.lessons.cut.horizonDays
  let [came, foretold] = [BELIEVED_MISSES, BELIEVED_MISSES]
  for (const { lessons, places } of cuts) {
    const { weight, horizonDays } = lessons.cut
    if (horizonDays !== longest) continue
    for (const place of places) {
      const chance = judged(judge, lessons, place)
      if (chance < LIKELY) continue
      foretold += weight * (1 - chance)
      came += weight * (1 - lessons.labels[place]!)
    }
  }
  return came / foretold
}

/**
 * Beyond what misses at earlier cuts tell, whose members were picked from less of a past than today's. A single
 * purchase undoes "gone quiet"; "buying less" bears some.
 */
const PICKED = { gone_quiet: 2, buying_less: 1.5 } as const
/** Without any cut to learn from. */
const UNTAUGHT = 4
const YEAR = 364

export interface Lesson {
  readonly firstDay: number
  readonly asOf: number
  readonly horizonDays: number
  /** of the newest cut; null where there was none */
  readonly taught: number | null
  readonly misses: Readonly<Record<Flag, number>>
}

/**
 * The further ahead than any lesson, the more careful; and as far as the days ahead had no year before, chances
 * are lowered by one deviation of a level that nothing is known about.
 */
export function cautionOf({ firstDay, asOf, horizonDays, taught, misses }: Lesson): Caution {
  const unseen = Math.min(horizonDays, Math.max(0, firstDay + YEAR - asOf)) / horizonDays
  const doubt = BELIEVED * unseen
  if (taught === null) return { times: { gone_quiet: UNTAUGHT, buying_less: UNTAUGHT }, doubt }
  const further = horizonDays / taught
  return {
    times: {
      gone_quiet: PICKED.gone_quiet * misses.gone_quiet * further,
      buying_less: PICKED.buying_less * misses.buying_less * further,
    },
    doubt,
  }
}
