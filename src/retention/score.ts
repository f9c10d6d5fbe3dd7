/**
 * From members' rows to scores: chances, expectations, flags and words. Scores of all members of a run come
 * in columns, because flags are decided over the whole run; words are made for one member at a time.
 */
import { type Alarm, alarmOf, slowEvidenceOf } from './alarm.ts'
import { askedInWeeks } from './asked.ts'
import { cautionOf, mayFlag } from './caution.ts'
import { columns, look, type ModelSays, rhythmOf, type Seen, type Sight, turnToDecline } from './features.ts'
import { ACCEPTED, decideFlags, type Evidence, type Flag } from './flag.ts'
import { chance } from './judge.ts'
import { type Learnt, sightOf } from './learn.ts'
import { type Phase, standingOf } from './phase.ts'
import { basketOf } from './profile.ts'
import { type Reason, reasonsOf } from './reason.ts'
import type { MemberState } from './state.ts'
import { honestly } from './surprise.ts'
import { hasRate, mostInDecline } from './targets.ts'
import type { MemberTies } from './ties.ts'
import type { Voice } from './voice.ts'

/** Where the rows are; asked for twice at most, in order. */
export interface Members {
  readonly count: number
  state(place: number): MemberState
  /** the flag of the run before */
  before?(place: number): Flag | null
}

/** One run, in columns. All chances are within 0 and 1, everything is finite. */
export interface Scores {
  readonly silent: Float64Array
  readonly decline: Float64Array
  /** NaN where dropout cannot be told from silence */
  readonly alive: Float64Array
  readonly purchases: Float64Array
  /** in cents; NaN where amounts are not known */
  readonly value: Float64Array
  readonly flags: readonly (Flag | null)[]
}

export interface Words {
  readonly phase: Phase
  readonly since: number
  readonly flag: Flag | null
  readonly reasons: readonly Reason[]
}

export interface ScoreOptions {
  /** accepted share of false flags */
  readonly accepted?: number
  /** called now and then with how many are done */
  readonly onProgress?: (done: number) => void
}

const REPORT_EVERY = 20_000
/** Below this surprise, and without long gaps of late, no slow-down is worth computing. */
const CALM = -0.7

export function scoreAll(members: Members, learnt: Learnt, options: ScoreOptions = {}): Scores {
  const { count } = members
  const column = () => new Float64Array(count)
  const scores = {
    silent: column(),
    decline: column(),
    alive: column(),
    purchases: column(),
    value: column(),
  }
  const quietP = column()
  const slowE = column()
  const scorer = createScorer(learnt, count)
  for (let i = 0; i < count; i++) {
    const one = scorer.score(members.state(i))
    scores.silent[i] = one.silent
    scores.decline[i] = one.decline
    scores.alive[i] = one.alive ?? Number.NaN
    scores.purchases[i] = one.purchases
    scores.value[i] = one.value ?? Number.NaN
    quietP[i] = one.quietP
    slowE[i] = one.slowE
    if (i % REPORT_EVERY === 0) options.onProgress?.(i)
  }
  const { before } = members
  const flags = flagsOf({ ...scores, quietP, slowE }, learnt, {
    ...options,
    before: before ? (i) => before.call(members, i) : null,
  })
  return { ...scores, flags }
}

interface FlagOptions extends Pick<ScoreOptions, 'accepted'> {
  readonly before: ((place: number) => Flag | null) | null
}

/** Who is flagged, once all members of a run are scored. */
export function flagsOf(
  { quietP, slowE, silent, decline }: Omit<Evidence, 'caution' | 'before'>,
  learnt: Learnt,
  { before, accepted = ACCEPTED }: FlagOptions,
): (Flag | null)[] {
  const { window, clock, cuts, misses } = learnt
  const taught = cuts[0]?.horizonDays ?? null
  const caution = cautionOf({ ...window, firstDay: clock.firstDay, taught, misses })
  return decideFlags({ quietP, slowE, silent, decline, caution, before }, accepted)
}

/** One member's numbers. */
export interface Score {
  readonly silent: number
  readonly decline: number
  readonly alive: number | null
  /** expected purchases in the horizon, and their worth in cents (null where amounts are not known) */
  readonly purchases: number
  readonly value: number | null
  /** P(a silence as long, had nothing changed); NaN where it may not flag */
  readonly quietP: number
  /** evidence of a slow-down, mean at most 1 where nothing changed; NaN where it may not flag */
  readonly slowE: number
}

/** What is known of a member beside its row; null or left out: nothing. */
export interface Beside {
  readonly ties?: MemberTies | null
  readonly voice?: Voice | null
}

export interface Scorer {
  score(state: MemberState, voice?: Voice | null): Score
  words(state: MemberState, flag: Flag | null, beside?: Beside): Words
}

/** `count`: how many members will be asked; many are looked up in whole weeks, so that equal ones share work. */
export function createScorer(learnt: Learnt, count = 1): Scorer {
  const { window } = learnt
  const sight = remembering(sightOf(learnt, window), count)
  const into = new Float64Array(columns.length)
  const see = (state: MemberState, voice: Voice | null): Seen =>
    look(state, sight, { into, most: mostInDecline(state, window), voice })
  const place = sight
  const worth = (state: MemberState, purchases: number) =>
    learnt.usualCents > 0 ? purchases * basketOf(state, learnt) : null
  // Members with one purchase, of whom nothing was heard, are told apart by its day alone.
  const ones = new Map<number, Score>()
  const scoreOne = (state: MemberState, voice: Voice | null): Score => {
    const seen = see(state, voice)
    const silent = chance(learnt.second, into)
    const purchases = expectedOf(seen.model, { silent, volume: learnt.volume })
    const nothing = { value: null, quietP: Number.NaN, slowE: Number.NaN }
    return { silent, decline: silent, alive: seen.model.alive, purchases, ...nothing }
  }

  return {
    score(state, voice = null) {
      if (state.days === 1) {
        const known = (voice === null ? ones.get(state.lastDay) : undefined) ?? scoreOne(state, voice)
        if (voice === null) ones.set(state.lastDay, known)
        return { ...known, value: worth(state, known.purchases) }
      }
      const seen = see(state, voice)
      const silent = chance(learnt.silent, into)
      turnToDecline(into, seen)
      // Silence is fewer than half of anything: the one chance is never below the other.
      const decline = Math.max(silent, chance(learnt.decline, into))
      const purchases = expectedOf(seen.model, { silent, volume: learnt.volume })
      const isAskable = mayFlag(state, seen, place)
      return {
        silent,
        decline,
        alive: seen.model.alive,
        purchases,
        value: worth(state, purchases),
        quietP: isAskable ? honestly(seen.logSurvival, learnt.tail) : Number.NaN,
        slowE: isAskable && hasRate(state, window) ? slowEvidence(state, seen, sight) : Number.NaN,
      }
    },
    words(state, flag, { ties = null, voice = null } = {}) {
      const seen = rhythmOf(state, sight)
      const alarm: Alarm | null = flag === null ? null : alarmOf(state, sight)
      const slowSince = alarm?.slowSince.day ?? state.lastDay
      const { phase, since } = standingOf(state, { seen, flag, slowSince, place })
      const { clock, asOf } = sight
      return {
        phase,
        since,
        flag,
        reasons: reasonsOf({ state, seen, phase, flag, alarm, clock, asOf, ties, voice }),
      }
    },
  }
}

function slowEvidence(state: MemberState, seen: Seen, sight: Sight): number {
  const latest = state.recentDays.at(-1)! - state.recentDays.at(-Math.min(4, state.recentDays.length))!
  const calm = seen.logSurvival > CALM && latest < 3.6 * ((state.lastDay - state.firstDay) / (state.days - 1))
  return calm ? 0 : slowEvidenceOf(state, sight)
}

/** The model's purchases, given that there are any, at the judged chance that there are, at the volume that came. */
function expectedOf(model: ModelSays, { silent, volume }: { silent: number; volume: number }): number {
  const active = 1 - model.silent
  const ifAny = active > 1e-9 ? model.expected / active : 1
  return (1 - silent) * Math.max(1, 1 + (ifAny - 1) * volume)
}

const MANY = 50_000

function remembering(sight: Sight, count: number): Sight {
  return count < MANY ? sight : { ...sight, ask: askedInWeeks(sight.ask) }
}
