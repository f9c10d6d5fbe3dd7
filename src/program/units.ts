/**
 * Amounts and lengths of time as marketers write them, always with their unit: `0.05 EUR`, `40 beans`,
 * `14 days`. What can't be read is reported at the word that is at fault.
 */
import { didYouMean, nearest } from '../base/nearest.ts'
import { type Decimal, MAX_POINTS, type Money } from '../base/points.ts'
import { isZone, type Length } from '../base/time.ts'
import { coinHint, lengthHint, spelledHint } from '../rules/habits.ts'
import type { Report, ScalarNode } from '../rules/node.ts'
import { problem } from '../rules/problem.ts'
import { singular } from '../rules/scope.ts'
import { moneyName, numberHint } from '../rules/slips.ts'
import { readNumber } from '../rules/value.ts'

/** A word of a text, with its place in it. */
export interface Word {
  readonly text: string
  readonly offset: number
}

/** The words of a text; a comma after a word is a word of its own. */
export function wordsOf(text: string): Word[] {
  return [...text.matchAll(/[^\s,]+(?:,[^\s,]+)*|,/g)].map((match) => ({
    text: match[0],
    offset: match.index,
  }))
}

export const isoCurrencies: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'))

export function checkIsoCurrency(node: ScalarNode, word: Word, report: Report): string | null {
  if (isoCurrencies.has(word.text)) return word.text
  const meant = moneyName(word.text)
  const hint = isoCurrencies.has(word.text.toUpperCase())
    ? `write it in capitals: ${word.text.toUpperCase()}`
    : meant !== null && isoCurrencies.has(meant)
      ? `write ${meant}`
      : (didYouMean(word.text, isoCurrencies) ?? 'money is named by three letters, such as EUR or USD')
  report(problem(node.at, `"${word.text}" is not a currency of ISO 4217`, { offset: word.offset, hint }))
  return null
}

/** `0.05 EUR`: an amount above zero. */
export function readMoney(node: ScalarNode, report: Report): Money | null {
  const [amount, unit, extra] = wordsOf(node.text)
  if (!amount || !unit || extra) {
    const bare = amount && readNumber(amount.text) ? `say which money: ${amount.text} EUR` : undefined
    report(
      problem(node.at, `expected an amount of money such as 0.05 EUR; got "${node.text}"`, {
        offset: extra?.offset,
        hint: unit ? undefined : (bare ?? numberHint(node.text)),
      }),
    )
    return null
  }
  if (isoCurrencies.has(amount.text) && readNumber(unit.text)) {
    const hint = `write ${unit.text} ${amount.text}`
    report(problem(node.at, 'the amount comes first, then its currency', { hint }))
    return null
  }
  const coins = coinHint(amount.text, unit.text)
  if (coins !== undefined) {
    report(problem(node.at, `"${unit.text}" is no money of its own`, { offset: unit.offset, hint: coins }))
    return null
  }
  const value = readAmount(node, amount, report)
  const currency = checkIsoCurrency(node, unit, report)
  return value && currency ? { amount: value, currency } : null
}

function readAmount(node: ScalarNode, word: Word, report: Report): Decimal | null {
  const value = readNumber(word.text)
  if (value?.greaterThan(0)) return value
  const told = value ? 'the amount must be above zero' : `"${word.text}" is not a number`
  report(problem(node.at, told, { offset: word.offset, hint: value ? undefined : numberHint(word.text) }))
  return null
}

/** `40 beans`: whole points above zero in a declared currency. A bare number is taken where `bare` names one. */
export function readPoints(
  node: ScalarNode,
  { currencies, bare }: { currencies: readonly string[]; bare?: string },
  report: Report,
): { points: bigint; currency: string } | null {
  const [amount, unit, extra] = wordsOf(node.text)
  if (!amount || extra || (!unit && bare === undefined)) {
    const known = bare ?? currencies[0] ?? 'points'
    report(
      problem(node.at, `expected points such as 40 ${known}; got "${node.text}"`, { offset: extra?.offset }),
    )
    return null
  }
  const points = readWhole(node, amount, report)
  const currency = unit ? readUnit(node, unit, { currencies, report }) : (bare ?? null)
  if (points === null || currency === null) return null
  if (bare === undefined || currency === bare) return { points, currency }
  report(problem(node.at, `expected ${bare}, not ${currency}`, { offset: unit?.offset }))
  return null
}

function readUnit(
  node: ScalarNode,
  unit: Word,
  { currencies, report }: { currencies: readonly string[]; report: Report },
): string | null {
  const known =
    currencies.find((id) => id === unit.text) ?? currencies.find((id) => singular(id) === unit.text)
  if (known !== undefined) return known
  const declared = currencies.length > 0 ? `declared are ${currencies.join(', ')}` : undefined
  const hint = didYouMean(unit.text, currencies) ?? declared
  report(problem(node.at, `unknown currency "${unit.text}"`, { offset: unit.offset, hint }))
  return null
}

/** A whole number of points above zero. */
function readWhole(node: ScalarNode, word: Word, report: Report): bigint | null {
  const value = readAmount(node, word, report)
  if (value === null) return null
  if (value.isInteger() && value.lessThanOrEqualTo(MAX_POINTS.toString())) return BigInt(value.toFixed(0))
  const told = value.isInteger() ? 'that is more points than there can be' : 'points are whole numbers'
  report(problem(node.at, told, { offset: word.offset }))
  return null
}

const lengthUnits = new Map<string, 'day' | 'week' | 'month' | 'year'>(
  (['day', 'week', 'month', 'year'] as const).flatMap((unit) => [
    [unit, unit],
    [`${unit}s`, unit],
  ]),
)
const mostOf = { day: 36_500, week: 5_200, month: 1_200, year: 100 } as const

/** `14 days`, `2 weeks` (as days), `12 months`, `3 years`; the words before the first comma. */
export function readLength(node: ScalarNode, words: readonly Word[], report: Report): Length | null {
  const [count, unit, extra] = words
  const example = 'a length of time such as 12 months'
  const between =
    /^\d+$/.test(count?.text ?? '') &&
    unit &&
    extra &&
    !lengthUnits.has(unit.text) &&
    lengthUnits.has(extra.text)
  if (between) {
    const hint = `write ${count?.text} ${extra.text}: days are those of the calendar`
    report(problem(node.at, `"${unit.text}" is not a unit of time`, { offset: unit.offset, hint }))
    return null
  }
  if (!count || !unit || extra) {
    const hint = lengthHint(node.text) ?? (unit ? undefined : numberHint(node.text))
    report(problem(node.at, `expected ${example}; got "${node.text}"`, { offset: extra?.offset, hint }))
    return null
  }
  const known = lengthUnits.get(unit.text)
  if (!known) {
    const hint = lengthHint(node.text) ?? didYouMean(unit.text, lengthUnits.keys())
    report(problem(node.at, `"${unit.text}" is not a unit of time`, { offset: unit.offset, hint }))
    return null
  }
  const value = /^\d{1,6}$/.test(count.text) ? Number(count.text) : 0
  if (value >= 1 && value <= mostOf[known]) {
    return known === 'week' ? { count: value * 7, unit: 'day' } : { count: value, unit: known }
  }
  const told = `expected a whole number from 1 to ${mostOf[known]}; got "${count.text}"`
  report(
    problem(node.at, told, { offset: count.offset, hint: lengthHint(node.text) ?? spelledHint(count.text) }),
  )
  return null
}

/** `6 months`, `30 days`, `2 years`: a length in days or in months. */
export function readSpan(node: ScalarNode, report: Report): { count: number; unit: 'day' | 'month' } | null {
  const length = readLength(node, wordsOf(node.text), report)
  if (length === null) return null
  return length.unit === 'year'
    ? { count: length.count * 12, unit: 'month' }
    : { count: length.count, unit: length.unit }
}

/** A zone of the tz database; its nearest name is told where it is misspelt. */
export function readZone(node: ScalarNode, report: Report): string | null {
  if (isZone(node.text)) return node.text
  const zones = Intl.supportedValuesOf('timeZone')
  const cities = new Map(zones.map((zone) => [zone.slice(zone.lastIndexOf('/') + 1), zone]))
  const city = nearest(node.text.slice(node.text.lastIndexOf('/') + 1), cities.keys())
  const hint = city
    ? `did you mean "${cities.get(city)}"?`
    : 'a zone is named by a large city of it, such as Europe/Berlin'
  report(problem(node.at, `"${node.text}" is not a time zone`, { hint }))
  return null
}
