/**
 * Who gets what, by chance that cannot be foreseen and never changes: a keyed hash of experiment and member.
 * Shares are nested, so that a control that grows keeps everybody who was in it.
 */
import { createHmac } from 'node:crypto'
import { invariant } from '../base/errors.ts'

/** 52 bits: as many as a double has between 0 and 1 without rounding. */
const HEX_DIGITS = 13
const RANGE = 16 ** HEX_DIGITS

/** In [0, 1), by HMAC-SHA-256. The parts are told apart by their lengths: no two pairs read alike. */
export function luck(key: Uint8Array, experiment: string, memberId: string): number {
  const digest = createHmac('sha256', key)
    .update(`${experiment.length}:${experiment}${memberId}`)
    .digest('hex')
  return Number.parseInt(digest.slice(0, HEX_DIGITS), 16) / RANGE
}

export const CONTROL = 'control'

/** The lowest part is the control; the rest is cut into equal parts for the arms, in their order. */
export function armOf(at: number, arms: readonly string[], control: number): string {
  invariant(arms.length > 0, 'an experiment has an arm at least')
  if (at < control) return CONTROL
  const place = Math.floor(((at - control) / (1 - control)) * arms.length)
  return arms[Math.min(place, arms.length - 1)]!
}

/** The standing holdout, whatever the campaign: its arm `holdout`, or `open`. */
export const HOLDOUT = 'holdout'

export function standingOf(key: Uint8Array, memberId: string, share: number): 'holdout' | 'open' {
  return luck(key, HOLDOUT, memberId) < share ? 'holdout' : 'open'
}
