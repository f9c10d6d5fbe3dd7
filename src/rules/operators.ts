/**
 * The operators of formulas: which types they join, and how. Money and numbers never mix by accident:
 * money / money is a number, money * number is money, money + number is an error.
 */
import type { Decimal } from '../base/points.ts'
import {
  alike,
  asBoolean,
  asDecimal,
  type Code,
  type Draft,
  named,
  type Run,
  wantsAmounts,
  wantsBoolean,
} from './code.ts'
import { daysFrom } from './days.ts'
import type { BinaryOperator } from './parse.ts'
import { alongside, type Quick, quickNegative, quickProduct, quickSum } from './quick.ts'
import { compare, isOrdered, readText, type Type } from './value.ts'

interface Joined {
  readonly operator: BinaryOperator
  readonly left: Code
  readonly right: Code
  readonly offset: number
}

const BOOLEAN: Type = { kind: 'boolean' }

export function join(draft: Draft, joined: Joined): Code | null {
  switch (joined.operator) {
    case '+':
    case '-':
    case '*':
    case '/':
      return arithmetic(draft, joined)
    case 'and':
    case 'or':
      return logic(draft, joined)
    default:
      return comparison(draft, joined)
  }
}

function arithmetic(draft: Draft, { operator, left, right, offset }: Joined): Code | null {
  const days =
    operator === '-' || operator === '+' ? daysFrom(draft, { operator, left, right, offset }) : undefined
  if (days !== undefined) return days
  if (!wantsAmounts(draft, [left, right])) return null
  const type = resultType(operator, left.type, right.type)
  if (type === null) {
    const verb = { '+': 'add', '-': 'subtract', '*': 'multiply', '/': 'divide' }[operator as '+']
    const hint = left.type.kind === right.type.kind ? undefined : moneyHint(left.type, right.type)
    return draft.fault(offset, `cannot ${verb} ${named(left.type)} and ${named(right.type)}`, hint)
  }
  const run = calculation(operator, asDecimal(left), asDecimal(right))
  return { type, run, quick: quickly(operator, left.quick, right.quick), literal: null, offset }
}

// A quotient need not come out even, and then only Decimal says how far it goes.
function quickly(
  operator: BinaryOperator,
  left: Quick | undefined,
  right: Quick | undefined,
): Quick | undefined {
  if (operator === '+' || operator === '-') return quickSum(left, right, operator === '+' ? 1 : -1)
  return operator === '*' ? quickProduct(left, right) : undefined
}

function resultType(operator: BinaryOperator, left: Type, right: Type): Type | null {
  const both = left.kind === right.kind
  switch (operator) {
    case '*':
      return left.kind === 'number' ? right : right.kind === 'number' ? left : null
    case '/':
      if (both) return { kind: 'number' }
      return right.kind === 'number' ? left : null
    default:
      return both ? left : null
  }
}

function moneyHint(left: Type, right: Type): string | undefined {
  const money = left.kind === 'money' ? left : right.kind === 'money' ? right : null
  return money ? `write money with its unit, such as 10 ${money.currency}` : undefined
}

type Amount = ReturnType<typeof asDecimal>

function calculation(operator: BinaryOperator, left: Amount, right: Amount): Run {
  if (operator === '/') {
    return (sight) => {
      const a = left(sight)
      const b = right(sight)
      if (a === undefined || b === undefined) return undefined
      if (!b.isZero()) return a.dividedBy(b)
      sight.failure = 'division by zero'
      return undefined
    }
  }
  const apply: (a: Decimal, b: Decimal) => Decimal =
    operator === '+' ? (a, b) => a.plus(b) : operator === '-' ? (a, b) => a.minus(b) : (a, b) => a.times(b)
  return (sight) => {
    const a = left(sight)
    if (a === undefined) return undefined
    const b = right(sight)
    return b === undefined ? undefined : apply(a, b)
  }
}

function logic(draft: Draft, { operator, left, right, offset }: Joined): Code | null {
  const good = [left, right].map((code) => wantsBoolean(draft, code))
  if (good.includes(false)) return null
  const [first, second] = [asBoolean(left), asBoolean(right)]
  // The left side alone decides where it can, as a reader expects of `known and …`.
  const settles = operator === 'or'
  const run: Run = (sight) => {
    const a = first(sight)
    return a === undefined || a === settles ? a : second(sight)
  }
  return { type: BOOLEAN, run, literal: null, offset }
}

function comparison(draft: Draft, { operator, left, right, offset }: Joined): Code | null {
  const pair = alike(draft, [left, right])
  if (!pair) return null
  const [a, b] = [pair[0]!, pair[1]!]
  if (operator !== '==' && operator !== '!=' && !isOrdered(a.type)) {
    return draft.fault(offset, `${named(a.type)} has no order: use == or !=`)
  }
  const holds = verdicts[operator as keyof typeof verdicts]
  const quick = alongside([a.quick, b.quick])
  const [one, other] = [quick?.reads[0], quick?.reads[1]]
  const run: Run = (sight) => {
    if (one && other) {
      const order = one(sight) - other(sight)
      if (!Number.isNaN(order)) return holds(order)
    }
    const x = a.run(sight)
    if (x === undefined) return undefined
    const y = b.run(sight)
    return y === undefined ? undefined : holds(compare(x, y))
  }
  return { type: BOOLEAN, run, literal: null, offset }
}

const verdicts = {
  '==': (order: number) => order === 0,
  '!=': (order: number) => order !== 0,
  '<': (order: number) => order < 0,
  '<=': (order: number) => order <= 0,
  '>': (order: number) => order > 0,
  '>=': (order: number) => order >= 0,
}

export function negative(draft: Draft, of: Code, offset: number): Code | null {
  if (!wantsAmounts(draft, [of])) return null
  const amount = asDecimal(of)
  return {
    type: of.type,
    run: (sight) => amount(sight)?.negated(),
    quick: quickNegative(of.quick),
    literal: null,
    offset,
  }
}

export function opposite(draft: Draft, of: Code, offset: number): Code | null {
  if (!wantsBoolean(draft, of)) return null
  const holds = asBoolean(of)
  const run: Run = (sight) => {
    const value = holds(sight)
    return value === undefined ? undefined : !value
  }
  return { type: BOOLEAN, run, literal: null, offset }
}

/** `'vip' in segment` */
export function within(draft: Draft, input: { of: Code; set: Code; offset: number }): Code | null {
  const { of, set, offset } = input
  if (set.type.kind !== 'set') {
    return draft.fault(set.offset, `expected a list such as ['a', 'b'], not ${named(set.type)}`)
  }
  if (of.type.kind !== 'text') return draft.fault(of.offset, `expected a text, not ${named(of.type)}`)
  if (of.literal !== null) {
    const reading = readText(set.type, of.literal)
    if (!('value' in reading)) return draft.fault(of.offset, reading.message, reading.hint)
  }
  const run: Run = (sight) => {
    const value = of.run(sight)
    const names = set.run(sight)
    if (value === undefined || names === undefined) return undefined
    return (names as readonly unknown[]).includes(value)
  }
  return { type: BOOLEAN, run, literal: null, offset }
}

/** `of in [a, b]` */
export function member(
  draft: Draft,
  input: { of: Code; list: readonly Code[]; offset: number },
): Code | null {
  const [of, ...list] = alike(draft, [input.of, ...input.list]) ?? []
  if (!of) return null
  const run: Run = (sight) => {
    const value = of.run(sight)
    if (value === undefined) return undefined
    for (const item of list) {
      const other = item.run(sight)
      if (other === undefined) return undefined
      if (compare(value, other) === 0) return true
    }
    return false
  }
  return { type: BOOLEAN, run, literal: null, offset: input.offset }
}
