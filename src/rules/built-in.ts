/**
 * The facts that are there in every program: amounts, times and places of a transaction, amounts and goods of
 * a line. Of amounts only what may earn is seen, and of rules about some lines, only those lines.
 */
import { Decimal } from '../base/points.ts'
import { dayNumberOf, numberOfDay, weekdays } from '../base/time.ts'
import type { LineFacts } from './facts.ts'
import { type LineAmount, partsOnLine } from './line.ts'
import { PARTS } from './parts.ts'
import type { Quick } from './quick.ts'
import type { Sight } from './sight.ts'
import type { Type, Value } from './value.ts'

/** A fact but for its name. */
export interface BuiltIn {
  readonly type: Type
  /** undefined: the caller sent none */
  readonly read: (sight: Sight) => Value | undefined
  readonly quick?: Quick | undefined
}

const NUMBER: Type = { kind: 'number' }
const TEXT: Type = { kind: 'text', oneOf: null }

/** By name; null where the name means nothing everywhere. */
export function builtIn(name: string, money: string): BuiltIn | null {
  switch (name) {
    case 'net':
    case 'tax':
    case 'gross':
      return {
        type: { kind: 'money', currency: money },
        read: (sight) => sight.basis?.sum(name),
        quick: onBasis(name),
      }
    case 'quantity':
      return {
        type: NUMBER,
        read: (sight) => sight.basis?.quantity(),
        quick: onBasis(name),
      }
    case 'lines':
      return {
        type: NUMBER,
        read: (sight) => new Decimal(sight.basis?.lines.length ?? 0),
        quick: { unit: 1, read: (sight) => sight.basis?.lines.length ?? 0 },
      }
    case 'location':
    case 'channel':
      return { type: TEXT, read: (sight) => sight.transaction[name] ?? undefined }
    case 'weekday':
      return { type: { kind: 'text', oneOf: weekdays }, read: (sight) => sight.weekday }
    case 'time':
      return { type: { kind: 'time' }, read: (sight) => sight.minute }
    case 'date':
      return { type: { kind: 'date' }, read: (sight) => sight.day }
    default:
      return null
  }
}

/**
 * The same of the lines that a rule is about, of which `isOne` tells: `net` is then theirs alone. Undefined where
 * the name is not of lines.
 */
export function ofLines(name: string, money: string, isOne: (sight: Sight) => boolean): BuiltIn | undefined {
  const total = (amount: (line: LineFacts) => Decimal) => (sight: Sight) => {
    let sum = new Decimal(0)
    for (const line of linesOf(sight, isOne)) sum = sum.plus(amount(line))
    return sum
  }
  switch (name) {
    case 'net':
    case 'tax':
    case 'gross':
      return { type: { kind: 'money', currency: money }, read: total((line) => line[name]) }
    case 'quantity':
      return { type: NUMBER, read: total(({ quantity }) => quantity) }
    case 'lines':
      return { type: NUMBER, read: (sight) => new Decimal(linesOf(sight, isOne).length) }
    default:
      return undefined
  }
}

/** The lines that may earn and of which `isOne` tells. Leaves the sight's line as it was. */
export function linesOf(sight: Sight, isOne: (sight: Sight) => boolean): LineFacts[] {
  const before = sight.line
  const found: LineFacts[] = []
  for (const line of sight.basis?.lines ?? []) {
    sight.line = line
    if (isOne(sight)) found.push(line)
  }
  sight.line = before
  return found
}

/** Full days since the member enrolled, by the program's clock; 0 on the day itself, and before it. */
export const memberFor: BuiltIn = {
  type: NUMBER,
  read({ timeZone, day, member }) {
    const days = numberOfDay(day) - dayNumberOf(timeZone, member.enrolledAt)
    return new Decimal(Math.max(0, days))
  },
}

// One of each for all rules: what every rule looks at is never far from hand.
const quickOnLine = {
  net: onLine('net'),
  tax: onLine('tax'),
  gross: onLine('gross'),
  quantity: onLine('quantity'),
}

function onBasis(what: LineAmount): Quick {
  return { unit: PARTS, read: ({ basis }) => basis?.parts(what) ?? Number.NaN }
}

function onLine(what: LineAmount): Quick {
  return {
    unit: PARTS,
    onLine: what,
    read: ({ line }) => (line === null ? Number.NaN : partsOnLine(line, what)),
  }
}

export function builtInOfLine(
  name: string,
  money: string,
): { type: Type; read: (line: LineFacts) => Value | undefined; quick?: Quick } | null {
  switch (name) {
    case 'net':
    case 'tax':
    case 'gross':
      return {
        type: { kind: 'money', currency: money },
        read: (line) => line[name],
        quick: quickOnLine[name],
      }
    case 'quantity':
      return { type: NUMBER, read: (line) => line.quantity, quick: quickOnLine[name] }
    case 'sku':
    case 'category':
      return { type: TEXT, read: (line) => line[name] ?? undefined }
    case 'kind':
      return { type: { kind: 'text', oneOf: ['item', 'giftCard', 'voided'] }, read: (line) => line.kind }
    default:
      return null
  }
}

export const transactionNames = [
  'net',
  'tax',
  'gross',
  'quantity',
  'lines',
  'location',
  'channel',
  'weekday',
  'time',
  'date',
]
export const lineNames = ['net', 'tax', 'gross', 'quantity', 'sku', 'category', 'kind']
