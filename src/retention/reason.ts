/**
 * Why a member stands where he stands, in words with facts, and what would clear the flag. A sentence is made
 * from the stored facts alone, so its numbers are theirs. Reasons that were looked at and held back are given
 * too: a closed shop, a slack season, too little history.
 */
import type { Alarm } from './alarm.ts'
import type { Clock } from './clock.ts'
import { basketOfLate, type Rhythm } from './features.ts'
import type { Flag } from './flag.ts'
import type { Phase } from './phase.ts'
import type { MemberState } from './state.ts'
import type { MemberTies } from './ties.ts'
import { type Voice, voiceReasons } from './voice.ts'

export const reasonCodes = [
  'overdue',
  'slowing',
  'basket_shrinking',
  'category_left',
  'engagement_drop',
  'points_idle',
  'redeemed_and_gone',
  'open_complaint',
  'satisfaction_falling',
  'dissatisfied',
  'one_purchase',
  'lapsed',
  'won_back',
  'growing',
  'closed',
  'slack_season',
  'too_little_history',
] as const
export type ReasonCode = (typeof reasonCodes)[number]

export interface Reason {
  readonly code: ReasonCode
  /** as they stand in the sentence: days, counts, percent */
  readonly facts: Readonly<Record<string, number | string>>
  readonly text: string
  /** what would clear it; null where there is nothing to clear */
  readonly clears: string | null
  /** looked at, but held back from a flag */
  readonly suppressed: boolean
}

export interface Told {
  readonly state: MemberState
  readonly seen: Rhythm
  readonly phase: Phase
  readonly flag: Flag | null
  readonly alarm: Alarm | null
  readonly clock: Clock
  readonly asOf: number
  readonly ties: MemberTies | null
  /** what the member says; left out or null: not known */
  readonly voice?: Voice | null
}

/** Gaps too few to call a rhythm. */
export const FEW_GAPS = 3
const SHRUNK_TO = 0.7
const IDLE_DAYS = 180
const QUIET_DAYS = 60

/** The weightiest first; none for a member who does as always. */
export function reasonsOf(told: Told): Reason[] {
  const said = told.voice ? reasonsOfVoice(told.voice, told.asOf) : []
  return [...said, ...timing(told), ...basket(told), ...bonds(told), ...heldBack(told)]
}

/** What a member says is no matter of timing: these stand beside any flag, and without one. */
export function reasonsOfVoice(voice: Voice, asOf: number): Reason[] {
  return voiceReasons(voice, asOf).map(({ code, facts, clears }) => say(code, facts, clears))
}

/** A number as a sentence shows it: whole from ten on, with one decimal below. */
function shown(value: number): number {
  return Math.abs(value) >= 9.95 ? Math.round(value) : Math.round(value * 10) / 10
}

function say(code: ReasonCode, facts: Reason['facts'], clears: string | null = null): Reason {
  return { code, facts, text: sentences[code](facts), clears, suppressed: false }
}

const counted = (n: number | string | undefined, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`
const days = (n: number | string | undefined) => counted(n, 'day')

const latest = (f: Reason['facts']) =>
  f.gaps === undefined
    ? `the last time after ${days(f.lateDays)}`
    : `the last ${f.gaps} times every ${days(f.lateDays)}`

const sentences: Readonly<Record<ReasonCode, (facts: Reason['facts']) => string>> = {
  overdue: (f) =>
    `buys every ${days(f.everyDays)}, silent for ${days(f.silentDays)}, longest pause before ${days(f.longestDays)}`,
  slowing: (f) => `bought every ${days(f.everyDays)}, ${latest(f)}`,
  basket_shrinking: (f) => `spends ${f.percent} % less per purchase than before`,
  category_left: (f) => `no ${f.category} for ${days(f.silentDays)} after ${f.purchases} purchases with it`,
  engagement_drop: (f) => `no sign of interest for ${days(f.silentDays)}`,
  points_idle: (f) => `${f.points} points lie idle, nothing redeemed for ${days(f.idleDays)}`,
  redeemed_and_gone: (f) => `redeemed ${days(f.beforeDays)} before falling silent for ${days(f.silentDays)}`,
  open_complaint: (f) => `${counted(f.complaints, 'complaint')} open, the oldest for ${days(f.openDays)}`,
  satisfaction_falling: (f) =>
    `satisfaction fell to ${f.percent} % of the scale from ${f.beforePercent} %, said ${days(f.days)} ago`,
  dissatisfied: (f) => `satisfied to ${f.percent} % of the scale, said ${days(f.days)} ago`,
  one_purchase: (f) => `new, waiting for a second purchase for ${days(f.silentDays)}`,
  lapsed: (f) => `no purchase for ${days(f.silentDays)}, ${counted(f.purchaseDays, 'purchase day')} before`,
  won_back: (f) => `came back after ${days(f.pauseDays)}`,
  growing: (f) => `bought every ${days(f.everyDays)}, ${latest(f)}`,
  closed: (f) => `the silence includes ${counted(f.closedDays, 'closed day')}`,
  slack_season: (f) => `silent for ${days(f.silentDays)}, which in this season count as ${f.countAs}`,
  too_little_history: (f) => `${counted(f.purchaseDays, 'purchase day')} is too little to know a rhythm`,
}

function meanGapDays(state: MemberState): number {
  return state.days > 1 ? (state.lastDay - state.firstDay) / (state.days - 1) : 0
}

function silentDays({ state, asOf }: Told): number {
  return asOf - state.lastDay
}

function timing(told: Told): Reason[] {
  const { state, phase, flag, alarm } = told
  const silent = silentDays(told)
  if (phase === 'new') return [say('one_purchase', { silentDays: silent }, 'a second purchase')]
  if (phase === 'lapsed') {
    return [say('lapsed', { silentDays: silent, purchaseDays: state.days }, 'a purchase')]
  }
  if (phase === 'gone quiet') {
    const facts = { everyDays: shown(meanGapDays(state)), silentDays: silent, longestDays: state.longestGap }
    return [say('overdue', facts, 'a purchase')]
  }
  if (phase === 'won back') {
    return [say('won_back', { pauseDays: state.lastDay - state.recentDays.at(-2)! })]
  }
  if (phase === 'slowing' || phase === 'growing') {
    const gaps = flag === null ? 4 : (alarm?.slowSince.gaps ?? 0)
    return turn(told, { code: phase, gaps })
  }
  return []
}

/** Gaps before and after a turn, in calendar days; the running silence counts where no gap is done since. */
function turn(told: Told, { code, gaps }: { code: 'slowing' | 'growing'; gaps: number }): Reason[] {
  const { state, asOf } = told
  const { recentDays } = state
  const from = recentDays.at(-1 - gaps)
  const before = state.days - 1 - gaps
  if (from === undefined || before < 1) return []
  const everyDays = shown((from - state.firstDay) / before)
  if (gaps === 0) {
    const facts = { everyDays, silentDays: asOf - state.lastDay, longestDays: state.longestGap }
    return [say('overdue', facts, 'a purchase')]
  }
  const lateDays = shown((state.lastDay - from) / gaps)
  const clears = code === 'slowing' ? `${Math.min(gaps + 1, 3)} purchases at the old pace` : null
  return [say(code, { everyDays, ...(gaps > 1 ? { gaps } : {}), lateDays }, clears)]
}

function basket({ state }: Told): Reason[] {
  if (state.days < 2 * FEW_GAPS) return []
  const late = basketOfLate(state)
  if (late > SHRUNK_TO) return []
  return [say('basket_shrinking', { percent: Math.round((1 - late) * 100) }, 'a purchase of the usual size')]
}

function bonds(told: Told): Reason[] {
  const { ties, asOf, state } = told
  if (ties === null) return []
  const found: Reason[] = []
  const usual = meanGapDays(state)
  for (const [category, { purchases, lastDay }] of Object.entries(ties.categories)) {
    const every = usual * (state.days / Math.max(1, purchases))
    if (purchases < 4 || asOf - lastDay < Math.max(QUIET_DAYS, 3 * every) || lastDay >= state.lastDay)
      continue
    const facts = { category, silentDays: asOf - lastDay, purchases }
    found.push(say('category_left', facts, `a purchase with ${category}`))
  }
  const { lastEngagementDay: engaged, lastRedeemedDay: redeemed } = ties
  if (engaged !== null && asOf - engaged >= QUIET_DAYS) {
    found.push(say('engagement_drop', { silentDays: asOf - engaged }, 'any sign of interest'))
  }
  const balance = ties.pointsEarned - ties.pointsRedeemed
  const idle = asOf - (redeemed ?? state.firstDay)
  if (balance > 0n && idle >= IDLE_DAYS) {
    found.push(say('points_idle', { points: String(balance), idleDays: idle }, 'a redemption'))
  }
  if (redeemed !== null && told.flag === 'gone_quiet' && Math.abs(state.lastDay - redeemed) <= 7) {
    const facts = { beforeDays: Math.max(0, state.lastDay - redeemed), silentDays: silentDays(told) }
    found.push(say('redeemed_and_gone', facts, 'a purchase'))
  }
  return found
}

/** Why somebody who has been silent for long by the calendar is not flagged. */
function heldBack(told: Told): Reason[] {
  const { state, seen, clock, asOf, flag, phase } = told
  if (flag !== null || phase === 'lapsed' || state.days < 2) return []
  const silent = silentDays(told)
  const found: Reason[] = []
  const hold = (code: ReasonCode, facts: Reason['facts']): void => {
    found.push({ ...say(code, facts), suppressed: true })
  }
  const isLate = silent > 2 * meanGapDays(state)
  const closedDays = clock.closedBetween(state.lastDay, asOf)
  if (isLate && closedDays > 0) hold('closed', { closedDays })
  else if (isLate && seen.silence < 0.8 * silent) {
    hold('slack_season', { silentDays: silent, countAs: shown(seen.silence) })
  }
  if (isLate && state.days - 1 < FEW_GAPS) hold('too_little_history', { purchaseDays: state.days })
  return found
}
