/**
 * What a member says, summed up as of a day for scores and reasons: open complaints, how satisfied the member
 * is, and whether that falls. From feedback up to the day and nothing after it.
 */

export interface Said {
  /** days since 1 January 1970, in the program's zone */
  readonly day: number
  readonly kind: 'complaint' | 'satisfaction' | 'resolved'
  /** 0 the worst, 1 the best; null without a score */
  readonly satisfaction: number | null
  /** of a complaint: the day it was resolved; null: not yet */
  readonly resolvedDay: number | null
}

export interface Voice {
  readonly openComplaints: number
  /** of the oldest open one; null without any */
  readonly openSince: number | null
  /** complaints ever, resolved ones included */
  readonly complaints: number
  /** the latest score, 0 to 1, and its day; null without any */
  readonly satisfaction: number | null
  readonly scoredOn: number | null
  /** mean of the scores before the latest; null with fewer than two */
  readonly before: number | null
}

/** `said` in the order in which it was said, as far as one day has several. */
export function voiceOf(said: readonly Said[], asOf: number): Voice {
  const known = said.filter(({ day }) => day <= asOf).sort((a, b) => a.day - b.day)
  const complaints = known.filter(({ kind }) => kind === 'complaint')
  const open = complaints.filter(({ resolvedDay }) => resolvedDay === null || resolvedDay > asOf)
  const scores = known.flatMap(({ satisfaction, day }) =>
    satisfaction === null ? [] : [{ satisfaction, day }],
  )
  const latest = scores.at(-1)
  const earlier = scores.slice(0, -1)
  return {
    openComplaints: open.length,
    openSince: open[0]?.day ?? null,
    complaints: complaints.length,
    satisfaction: latest?.satisfaction ?? null,
    scoredOn: latest?.day ?? null,
    before:
      earlier.length === 0
        ? null
        : earlier.reduce((sum, { satisfaction }) => sum + satisfaction, 0) / earlier.length,
  }
}

/** How far satisfaction has fallen below what it was, 0 to 1; 0 where it has not, or nobody knows. */
export function fallOf({ satisfaction, before }: Voice): number {
  return satisfaction === null || before === null ? 0 : Math.max(0, before - satisfaction)
}

/** A fall by so much of the scale is told of. */
const TOLD_FALL = 0.2
const UNHAPPY = 0.25

export interface VoiceReason {
  readonly code: 'open_complaint' | 'satisfaction_falling' | 'dissatisfied'
  readonly facts: Readonly<Record<string, number | string>>
  readonly clears: string
}

/** Reasons with their facts; scores in percent of the scale, so that no scale has to be known. */
export function voiceReasons(voice: Voice, asOf: number): VoiceReason[] {
  const found: VoiceReason[] = []
  const { openComplaints: complaints, openSince, satisfaction, before, scoredOn } = voice
  if (complaints > 0 && openSince !== null) {
    const facts = { complaints, openDays: asOf - openSince }
    found.push({ code: 'open_complaint', facts, clears: 'resolving the complaint' })
  }
  if (satisfaction === null || scoredOn === null) return found
  const days = asOf - scoredOn
  const percent = Math.round(satisfaction * 100)
  if (before !== null && fallOf(voice) >= TOLD_FALL) {
    const facts = { percent, beforePercent: Math.round(before * 100), days }
    found.push({ code: 'satisfaction_falling', facts, clears: 'a better score' })
  } else if (satisfaction <= UNHAPPY) {
    found.push({ code: 'dissatisfied', facts: { percent, days }, clears: 'a better score' })
  }
  return found
}
