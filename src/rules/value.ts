/**
 * The types of facts and formulas, their values at run time, and how both are written and read. Amounts
 * are Decimal, tiers are ranks, times of day are minutes since midnight; a value of one type is never
 * compared with one of another.
 */
import { didYouMean } from '../base/nearest.ts'
import { Decimal, minorDigits } from '../base/points.ts'
import type { ScalarNode } from './node.ts'
import { dayHint, plainValueHint, timeHint } from './slips.ts'

export type Type =
  | { readonly kind: 'number' }
  | { readonly kind: 'money'; readonly currency: string }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'date' }
  | { readonly kind: 'time' }
  | { readonly kind: 'text'; readonly oneOf: readonly string[] | null }
  | { readonly kind: 'tier'; readonly ladder: string; readonly tiers: readonly string[] }
  /** several texts at once, out of a closed list: the segments that a member is in */
  | { readonly kind: 'set'; readonly oneOf: readonly string[] }

/** number, money: Decimal. text, date: string. time, tier: number (minutes, rank). set: texts. */
export type Value = Decimal | string | number | boolean | readonly string[]

export type Reading =
  | { readonly value: Value }
  | { readonly message: string; readonly hint?: string | undefined }

const NUMBER = /^-?\d+(?:\.\d+)?$/
const MONEY = /^(-?\d+(?:\.\d+)?)(?:\s+([A-Z]{3}))?$/
const TIME = /^([01]\d|2[0-3]):([0-5]\d)$/
const DAY = /^\d{4}-\d{2}-\d{2}$/

/** Products of two numbers of this length still fit Decimal's 40 digits exactly. */
export const MOST_DIGITS = 20

export const typeNames: Record<Type['kind'], string> = {
  number: 'a number',
  money: 'money',
  boolean: 'true or false',
  date: 'a day',
  time: 'a time of day',
  text: 'a text',
  tier: 'a tier',
  set: 'a list of names',
}

/** Types whose values have an order, so that `atLeast` or `<` means something. */
export function isOrdered(type: Type): boolean {
  return type.kind !== 'text' && type.kind !== 'boolean' && type.kind !== 'set'
}

export function isComparable(a: Type, b: Type): boolean {
  if (a.kind === 'set' || b.kind === 'set') return false
  return a.kind === b.kind && (a.kind !== 'tier' || (b.kind === 'tier' && a.ladder === b.ladder))
}

/** Below, at or above zero, as sorts want it. Both values are of the same type. */
export function compare(a: Value, b: Value): number {
  if (a instanceof Decimal) return a.comparedTo(b as Decimal)
  return a === b ? 0 : a < b ? -1 : 1
}

export function isDay(text: string): boolean {
  if (!DAY.test(text)) return false
  const date = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text) && text > '0000-12-31'
}

/** A number as written, exact; null when it is none or has more digits than stay exact. */
export function readNumber(text: string): Decimal | null {
  if (!NUMBER.test(text) || text.replace(/\D/g, '').length > MOST_DIGITS) return null
  return new Decimal(text)
}

/** A text constant as a value of the type that it stands beside. */
export function readText(type: Type, text: string): Reading {
  switch (type.kind) {
    case 'set':
    case 'text': {
      if (type.oneOf === null || type.oneOf.includes(text)) return { value: text }
      const message = `"${text}" is not one of ${type.oneOf.join(', ')}`
      return { message, hint: didYouMean(text, type.oneOf) }
    }
    case 'tier': {
      const rank = type.tiers.indexOf(text)
      if (rank >= 0) return { value: rank }
      const message = `there is no tier "${text}": ${type.ladder} has ${type.tiers.join(', ')}`
      return { message, hint: didYouMean(text, type.tiers) }
    }
    case 'date':
      if (isDay(text)) return { value: text }
      return { message: `expected a day such as 2026-12-24, not "${text}"`, hint: dayHint(text) }
    case 'time': {
      const match = TIME.exec(text)
      if (match) return { value: Number(match[1]) * 60 + Number(match[2]) }
      return { message: `expected a time of day such as 14:30, not "${text}"`, hint: timeHint(text) }
    }
    default:
      return { message: `expected ${typeNames[type.kind]}, not the text "${text}"` }
  }
}

/** A scalar of a rule file as a value of a fact's type. Numbers are taken from the source, so 1.10 is 1.10. */
export function readScalar(type: Type, node: ScalarNode): Reading {
  if (node.type === 'null') return { message: `expected ${typeNames[type.kind]}, not an empty value` }
  switch (type.kind) {
    case 'number': {
      const value = node.type === 'number' ? readNumber(node.text) : null
      if (value) return { value }
      const alone = /^(-?\d+(?:\.\d+)?) *(?:[A-Z]{3}|%)$/.exec(node.text)?.[1]
      const hint = plainValueHint('number', node.text) ?? (alone && `write the number alone: ${alone}`)
      return { message: `expected a number such as 12.5, not "${node.text}"`, hint }
    }
    case 'money': {
      const match = MONEY.exec(node.text)
      const value = match ? readNumber(match[1]!) : null
      const unit = match?.[2] ?? type.currency
      if (unit !== type.currency)
        return { message: `the money of this program is ${type.currency}, not ${unit}` }
      if (value) return { value }
      const hint = plainValueHint('number', node.text)
      return { message: `expected money such as 10 ${type.currency}, not "${node.text}"`, hint }
    }
    case 'boolean':
      if (node.type === 'boolean') return { value: node.text.toLowerCase() === 'true' }
      return {
        message: `expected true or false, not "${node.text}"`,
        hint: plainValueHint('boolean', node.text),
      }
    default:
      return readText(type, node.text)
  }
}

/** `12.50 EUR`: at least the money's own decimals, at most six. */
function showMoney(amount: Decimal, currency: string): string {
  const places = amount.decimalPlaces()
  return `${amount.toFixed(Math.max(minorDigits(currency), Math.min(places, 6)))} ${currency}`
}

/** A value for people: `12.50 EUR`, `gold`, `14:30`. */
export function show(type: Type, value: Value): string {
  if (value instanceof Decimal) {
    return type.kind === 'money' ? showMoney(value, type.currency) : value.toDecimalPlaces(12).toFixed()
  }
  if (typeof value === 'object') return value.length === 0 ? 'none' : value.join(', ')
  if (type.kind === 'tier') return type.tiers[Number(value)] ?? String(value)
  if (type.kind === 'time') {
    const minutes = Number(value)
    return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`
  }
  return String(value)
}

/** The same of an amount of `value / unit`, the unit a power of ten; null where it is too fine, or NaN. */
export function showQuick(type: Type, value: number, unit: number): string | null {
  if (Number.isNaN(value) || (type.kind !== 'money' && type.kind !== 'number')) return null
  let [parts, places] = [value, Math.round(Math.log10(unit))]
  for (; places > 0 && parts % 10 === 0; places -= 1) parts /= 10
  if (places > 6) return null
  const digits = type.kind === 'money' ? Math.max(minorDigits(type.currency), places) : places
  const size = 10 ** places
  const rest = Math.abs(parts % size)
  const whole = (Math.abs(parts) - rest) / size
  const fraction =
    digits === 0 ? '' : `.${String(rest).padStart(places, '0').slice(0, places).padEnd(digits, '0')}`
  const text = `${parts < 0 ? '-' : ''}${whole}${fraction}`
  return type.kind === 'money' ? `${text} ${type.currency}` : text
}

const SURE_DIGITS = 36

/**
 * Takes off the last digits of a quotient that does not come out even: 10 / 3 * 3 is 10, not a hair less
 * that a floor would make 9. Whatever needs no more than 36 digits stays as it is.
 */
export function settle(amount: Decimal): Decimal {
  // Digits are kept by seven: counting them is for the few that may have too many.
  return amount.d.length > 5 && amount.precision() > SURE_DIGITS
    ? amount.toSignificantDigits(SURE_DIGITS)
    : amount
}
