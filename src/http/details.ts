/**
 * The sentence of a problem: what is at fault, with the numbers, for the person who reads a till's log.
 * Programs read `code` and `details`; this text may change.
 */
import type { DomainError } from '../base/errors.ts'

type Details = Readonly<Record<string, unknown>>
type Sentence = (details: Details) => string

const sentences: Partial<Record<DomainError['code'], Sentence>> = {
  insufficient_points: (d) => `${show(d.requested)} points asked for, ${show(d.available)} available`,
  idempotency_conflict: (d) =>
    d.externalRef === undefined
      ? 'this reference was used before for a request with another content'
      : `${show(d.externalRef)} was used before for a request with another content`,
  money_currency_mismatch: (d) => `expected money in ${show(d.expected)}, got ${show(d.got)}`,
  below_minimum: (d) =>
    `${show(d.requested ?? d.points)} points asked for, at least ${show(d.minimum)} at once`,
  above_maximum: (d) =>
    `${show(d.requested ?? d.points)} points asked for, at most ${show(d.maximum)} at once`,
  not_a_step: (d) => `${show(d.requested ?? d.points)} points asked for, in steps of ${show(d.step)}`,
}

/** A refusal in one sentence: its own text, the code's sentence, or its details spelt out. */
export function detailOf(refusal: DomainError, title: string): string {
  if (refusal.message !== refusal.code) return refusal.message
  const { details } = refusal
  const sentence = sentences[refusal.code]?.(details)
  if (sentence && !sentence.includes('undefined')) return sentence

  const named = Object.entries(details).filter(([key, value]) => key !== 'errors' && isPlain(value))
  if (named.length === 0) return title
  return `${title}: ${named.map(([key, value]) => `${words(key)} ${show(value)}`).join(', ')}`
}

function isPlain(value: unknown): boolean {
  return value === null || ['string', 'number', 'bigint', 'boolean'].includes(typeof value)
}

/** Numbers with their thousands apart; everything else as it is. */
function show(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint') return value.toLocaleString('en')
  return String(value)
}

/** `holdUntil` reads `hold until`. */
function words(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}
