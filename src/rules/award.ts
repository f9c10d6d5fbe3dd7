/**
 * What a rule gives: points per money or number (`1 bean per 1 EUR of net`), a flat number (`500 miles`), or
 * a formula (`miles = max(500, distance)`). Amounts stay exact until the evaluation rounds them, once.
 */
import { didYouMean, nearest } from '../base/nearest.ts'
import { Decimal, type Rounding } from '../base/points.ts'
import { asDecimal } from './code.ts'
import { compileExpression, type Expression } from './expression.ts'
import { type Fact, factNames, type Terms } from './fact.ts'
import { spelledHint } from './habits.ts'
import type { Report, ScalarNode } from './node.ts'
import { safe } from './parts.ts'
import { type Quick, quickConstant } from './quick.ts'
import { findCurrency, type Scope, singular } from './scope.ts'
import type { Sight } from './sight.ts'
import { awardHint, moneyName, numberHint } from './slips.ts'
import { readNumber, show, showQuick } from './value.ts'
import { type Word, Words } from './words.ts'

/** What an award came from. */
interface Seen {
  readonly sight: Sight
  readonly exact: () => Decimal
}

export interface Grant {
  readonly currency: string
  readonly rounding: Rounding
  /** what it sees, for the trace */
  readonly facts: readonly Fact[]
  /** points before rounding; undefined, with the reason in `sight.failure`, where there are none */
  readonly exact: (sight: Sight) => Decimal | undefined
  /** the same without Decimal, where that is exact; here the unit may be any whole number */
  readonly quick?: Quick | undefined
  /** the award in words, with the amounts seen */
  readonly explain: (seen: Seen) => string
}

interface Award {
  readonly node: ScalarNode
  readonly terms: Terms
  /** null: as the currency declares */
  readonly rounding: Rounding | null
}

type Unrounded = Omit<Grant, 'rounding'>

const FORMULA = /^\s*(\S+?)\s*=(?!=)/
const FORMS = 'an award such as "1 point per 1 EUR of net", "500 points" or "points = …"'

/** Compiles an award; null after a report. */
export function compileAward({ node, terms, rounding }: Award, report: Report): Grant | null {
  const words = new Words(node, report)
  const grant = FORMULA.test(node.text) ? formula(node, terms, words) : phrase(node, terms, words)
  if (!grant) return null
  const declared = terms.scope.currencies.get(grant.currency)
  return { ...grant, rounding: rounding ?? declared?.rounding ?? 'floor' }
}

function currencyOf(scope: Scope, word: Word, words: Words): string | null {
  const id = findCurrency(scope, word.text)
  if (id !== null) return id
  const known = [...scope.currencies.keys()]
  const several = /^[^,]+,/.test(words.source) && /[\w]+,$/.test(word.text)
  const list = `write a list: [${words.source.trim()}]`
  const hint = several ? list : (didYouMean(word.text, known) ?? currencyHint(scope, word, words))
  return words.fault(word.offset, `unknown currency "${word.text}"`, hint)
}

/** Money where points stand is mostly a factor written the wrong way round. */
function currencyHint({ money, currencies }: Scope, { text }: Word, { source }: Words): string {
  const [first = 'points'] = currencies.keys()
  if (text === money) return `points come first: 1 ${singular(first)} per 1 ${money} of net`
  const meant = awardHint(source.trim(), first)
  if (meant !== undefined) return meant
  return `declared are ${[...currencies.keys()].join(', ')}`
}

function formula(node: ScalarNode, terms: Terms, words: Words): Unrounded | null {
  const head = FORMULA.exec(node.text)!
  const word = { text: head[1]!, offset: head[0].indexOf(head[1]!) }
  const currency = currencyOf(terms.scope, word, words)
  if (currency === null) return null
  const source = { text: node.text.slice(head[0].length), at: node.at, offset: head[0].length, currency }
  const expression = compileExpression(source, terms, reportOf(words))
  if (!expression) return null

  const start = head[0].length + source.text.length - source.text.trimStart().length
  if (expression.type.kind === 'money') {
    const hint = `write \`1 ${singular(currency)} per 1 ${terms.scope.money} of ${expression.source}\``
    return words.fault(start, 'money where points are expected', hint)
  }
  if (expression.type.kind !== 'number')
    return words.fault(start, 'expected a formula for a number of points')
  return {
    currency,
    facts: expression.facts,
    exact: asDecimal({ ...expression, literal: null, offset: 0 }),
    quick: expression.quick,
    explain: ({ exact }) => `${currency} = ${expression.source} = ${shown(exact())}`,
  }
}

function reportOf(words: Words): Report {
  return ({ offset, message, hint }) => words.fault(offset ?? 0, message, hint)
}

function phrase(node: ScalarNode, terms: Terms, words: Words): Unrounded | null {
  const amount = words.next
  const points = readNumber(amount.text)
  if (points === null) {
    const first = [...terms.scope.currencies.keys()][0] ?? 'points'
    return words.expected(FORMS, spelledHint(amount.text) ?? awardHint(node.text.trim(), first))
  }
  words.take()
  if (!points.greaterThan(0)) return words.fault(amount.offset, 'an award is above 0')
  if (words.next.text === '') return words.expected('a currency')
  const currency = currencyOf(terms.scope, words.take(), words)
  if (currency === null) return null
  if (words.next.text === '') {
    const text = node.text.trim()
    return { currency, facts: [], exact: () => points, quick: quickConstant(points), explain: () => text }
  }
  if (!words.skip('per'))
    return words.expected(
      '"per"',
      `write "per", as in 1 ${singular(currency)} per 1 ${terms.scope.money} of net`,
    )
  return perStep({ points, currency, node, terms }, words)
}

interface Head {
  readonly points: Decimal
  readonly currency: string
  readonly node: ScalarNode
  readonly terms: Terms
}

function perStep(head: Head, words: Words): Unrounded | null {
  const { node, terms, currency } = head
  const { money } = terms.scope
  const full = words.skip('full')
  const size = words.next
  const step = readNumber(size.text)
  if (step === null) {
    const named = size.text === money || moneyName(size.text) === money
    const hint = named ? `write per 1 ${money}` : (spelledHint(size.text) ?? numberHint(size.text))
    return words.expected(`a number, such as 1 or 1 ${money}`, hint)
  }
  words.take()
  if (!step.greaterThan(0)) return words.fault(size.offset, 'the step is above 0')

  const unit = words.next.text === 'of' ? null : words.take()
  if (unit !== null && unit.text !== money) {
    if (/^[A-Z]{3}$/.test(unit.text)) {
      return words.fault(unit.offset, `the money of this program is ${money}, not ${unit.text}`)
    }
    const told = `unexpected "${unit.text}", expected ${money} or "of"`
    return words.fault(unit.offset, told, unitHint(unit.text, terms))
  }
  const of = words.next
  if (!words.skip('of')) {
    const hint = of.text === '' ? 'say of what: of net, of gross' : `write of ${of.text}`
    return words.expected('"of"', hint)
  }

  const offset = of.offset + 2
  const source = { text: node.text.slice(offset), at: node.at, offset, currency }
  const amount = compileExpression(source, terms, reportOf(words))
  if (!amount) return null
  const at = words.next.offset
  const phraseOf = (unitText: string) => `write \`per ${size.text}${unitText} of ${amount.source}\``
  if (unit === null && amount.type.kind === 'money') {
    return words.fault(at, 'this is money, and the step has no unit', phraseOf(` ${money}`))
  }
  if (unit !== null && amount.type.kind === 'number') {
    return words.fault(at, 'this is a number, not money', phraseOf(''))
  }
  if (amount.type.kind !== 'money' && amount.type.kind !== 'number') {
    return words.fault(at, 'expected a formula for money or a number')
  }
  if (terms.lines === 'line' && !amount.facts.some(({ perLine }) => perLine)) {
    const hint = findsOnLine(amount.source) ? `write line.${amount.source}` : undefined
    return words.fault(at, 'this is the same for every line, so each line would earn it again', hint)
  }
  const title = node.text.slice(0, offset).trim()
  return stepwise({ points: head.points, step, full, currency, amount, title })
}

function unitHint(unit: string, terms: Terms): string | undefined {
  const { money } = terms.scope
  if (moneyName(unit) === money) return `write ${money}`
  const near = findsOnLine(unit) ? unit : nearest(unit, factNames(terms))
  return near === null ? undefined : `write of ${near}`
}

function findsOnLine(source: string): boolean {
  return ['net', 'tax', 'gross', 'quantity'].includes(source)
}

interface Stepwise {
  readonly points: Decimal
  readonly step: Decimal
  readonly full: boolean
  readonly currency: string
  readonly amount: Expression
  readonly title: string
}

function stepwise({ points, step, full, currency, amount, title }: Stepwise): Unrounded {
  const of = asDecimal({ ...amount, literal: null, offset: 0 })
  const one = new Decimal(1)
  const [plain, whole] = [points.equals(one), step.equals(one)]
  const exact = (sight: Sight): Decimal | undefined => {
    const value = of(sight)
    if (value === undefined) return undefined
    if (full) return value.dividedToIntegerBy(step).times(points)
    const scaled = plain ? value : value.times(points)
    return whole ? scaled : scaled.dividedBy(step)
  }
  const { quick, type, source } = amount
  const seen = (sight: Sight): string => {
    const told = quick ? showQuick(type, quick.read(sight), quick.unit) : null
    const value = told === null ? of(sight) : undefined
    return told ?? (value === undefined ? 'missing' : show(type, value))
  }
  const explain = ({ sight }: Seen): string => `${title} ${seen(sight)} ${source}`
  return { currency, facts: amount.facts, exact, quick: quickSteps({ points, step, full, quick }), explain }
}

/** A number of steps times the points of each, as a quotient of whole numbers. */
function quickSteps(of: {
  points: Decimal
  step: Decimal
  full: boolean
  quick: Quick | undefined
}): Quick | undefined {
  const [points, step] = [quickConstant(of.points), quickConstant(of.step)]
  if (!of.quick || !points || !step) return undefined
  const { unit, read, onLine } = of.quick
  const [each, size] = [points.constant, step.constant]
  if (of.full) {
    const whole = safe(unit * size)
    if (Number.isNaN(whole)) return undefined
    const steps = (sight: Sight): number => {
      const amount = safe(read(sight) * step.unit)
      return (amount - (amount % whole)) / whole
    }
    return { unit: points.unit, read: (sight) => safe(steps(sight) * each) }
  }
  const [factor, divisor] = [safe(each * step.unit), safe(unit * points.unit * size * 2) / 2]
  if (Number.isNaN(factor + divisor)) return undefined
  return { unit: divisor, multiple: { read, factor, onLine }, read: (sight) => safe(read(sight) * factor) }
}

function shown(exact: Decimal): string {
  return show({ kind: 'number' }, exact)
}
