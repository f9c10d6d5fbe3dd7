/**
 * What is foretold, told exactly: lapse is no purchase in the horizon after at least one repeat; decline is
 * fewer than half of the purchases that the own rate promises, for members with a rate to speak of.
 */
import type { MemberState } from './state.ts'

/** In days of the calendar, as marketers count. */
export interface Window {
  readonly asOf: number
  readonly horizonDays: number
}

const LEAST_REPEATS = 3
const LEAST_EXPECTED = 1.5
const LEAST_TENURE = 0.75

const TEACHING_REPEATS = 2
const TEACHING_EXPECTED = 0.75
const TEACHING_SILENCE = 2
const TEACHING_TENURE = 0.25

/** Purchases that the own rate promises in the horizon: repeats over the time since the first purchase. */
function promised(state: MemberState, { asOf, horizonDays }: Window): number {
  const tenure = Math.max(1, asOf - state.firstDay)
  return ((state.days - 1) / tenure) * horizonDays
}

/** May be asked whether they decline: bought of late, often enough, for long enough. */
export function hasRate(state: MemberState, window: Window): boolean {
  return (
    state.days - 1 >= LEAST_REPEATS &&
    window.asOf - state.lastDay < window.horizonDays &&
    window.asOf - state.firstDay >= LEAST_TENURE * window.horizonDays &&
    promised(state, window) >= LEAST_EXPECTED
  )
}

/**
 * Who teaches what a decline looks like: more members than may be asked, since those just below the bounds of a
 * rate behave much alike, and a program has few above them.
 */
export function teachesRate(state: MemberState, window: Window): boolean {
  const { asOf, horizonDays } = window
  return (
    state.days - 1 >= TEACHING_REPEATS &&
    asOf - state.lastDay < TEACHING_SILENCE * horizonDays &&
    asOf - state.firstDay >= TEACHING_TENURE * horizonDays &&
    promised(state, window) >= TEACHING_EXPECTED
  )
}

export function hasRepeat(state: MemberState): boolean {
  return state.days >= 2
}

/** The most purchases that still count as a decline: fewer than half of the promised ones. */
export function mostInDecline(state: MemberState, window: Window): number {
  return Math.max(0, Math.ceil(promised(state, window) / 2) - 1)
}
