/**
 * Formulas, checked against the declared names and types and compiled to closures once. A formula that
 * compiles can end in two ways only: a value of its type, or no value and a reason.
 */
import { didYouMean } from '../base/nearest.ts'
import { weekdays } from '../base/time.ts'
import { awarded, call, cell, functionNames } from './calls.ts'
import { alike, asBoolean, type Code, type Draft, isAmount, type Run, wantsBoolean } from './code.ts'
import { type Fact, factNames, findFact, knownHere, type Terms } from './fact.ts'
import { SyntaxFault } from './lex.ts'
import type { Place, Report } from './node.ts'
import { join, member, negative, opposite, within } from './operators.ts'
import { type Formula, parse } from './parse.ts'
import { problem } from './problem.ts'
import { alongside, type Quick, quickConstant } from './quick.ts'
import { MOST_DIGITS, readNumber, type Type } from './value.ts'

export interface Expression {
  readonly source: string
  readonly type: Type
  readonly run: Run
  /** the same without Decimal, where that is exact */
  readonly quick?: Quick | undefined
  /** what it sees, for the trace */
  readonly facts: readonly Fact[]
}

interface Source {
  readonly text: string
  readonly at: Place
  /** where `text` begins in the scalar at that place */
  readonly offset: number
  /** of the award that the formula is for; null in conditions */
  readonly currency: string | null
}

/** Characters of all formulas of a program: what is compiled of them takes some hundred times as much memory. */
export const MOST_FORMULAS = 500_000
const TOO_MUCH = `the formulas of a program have at most ${MOST_FORMULAS} characters in all: a table may say the same`

/** Compiles a formula; null after at least one report. */
export function compileExpression(source: Source, terms: Terms, report: Report): Expression | null {
  const lead = source.text.length - source.text.trimStart().length
  const text = source.text.trim()
  const base = source.offset + lead
  const facts = new Map<string, Fact>()
  let good = true
  const fault = (offset: number, message: string, hint?: string): null => {
    good = false
    report(problem(source.at, message, { offset: base + offset, hint }))
    return null
  }

  const { room } = terms.scope
  const isFull = room !== undefined && room.characters < 0
  if (room) room.characters -= text.length
  // Told at the first one that has no room, and of the others no more.
  if (isFull) return null
  if (room && room.characters < 0) return fault(0, TOO_MUCH)
  try {
    const code = compile({ terms, currency: source.currency, facts, fault, text }, parse(text))
    if (!code || !good) return null
    const { type, run, quick } = code
    return { source: text, type, run, quick, facts: [...facts.values()] }
  } catch (error) {
    if (!(error instanceof SyntaxFault)) throw error
    return fault(error.offset, error.message, error.hint)
  }
}

interface Writing extends Draft {
  readonly text: string
}

const BOOLEAN: Type = { kind: 'boolean' }
const TEXT: Type = { kind: 'text', oneOf: null }

function compile(draft: Writing, formula: Formula): Code | null {
  const { offset } = formula
  switch (formula.kind) {
    case 'number':
      return number(draft, formula)
    case 'text': {
      const { text } = formula
      return { type: TEXT, run: () => text, literal: text, offset }
    }
    case 'boolean': {
      const { value } = formula
      return { type: BOOLEAN, run: () => value, literal: null, offset }
    }
    case 'name':
      return name(draft, formula.name, offset)
    case 'awarded':
      return awarded(draft, formula.rule, formula.ruleOffset)
    case 'call': {
      const of = compileAll(draft, formula.of)
      return of && call(draft, { name: formula.name, of, offset })
    }
    case 'cell': {
      const row = compile(draft, formula.row)
      const source = draft.text.slice(formula.start, formula.end)
      return row && cell(draft, { name: formula.table, row, column: formula.column, offset, source })
    }
    case 'unary': {
      const of = compile(draft, formula.of)
      return of && (formula.operator === '-' ? negative : opposite)(draft, of, offset)
    }
    case 'binary': {
      // Both, so that what is wrong with either is told.
      const [left, right] = [compile(draft, formula.left), compile(draft, formula.right)]
      if (!left || !right) return null
      if (formula.operator === '/' && isZero(formula.right))
        return draft.fault(right.offset, 'division by zero')
      return join(draft, { operator: formula.operator, left, right, offset })
    }
    case 'in': {
      const [of, ...list] = compileAll(draft, [formula.of, ...formula.list]) ?? []
      return of ? member(draft, { of, list, offset }) : null
    }
    case 'within': {
      const [of, set] = compileAll(draft, [formula.of, formula.set]) ?? []
      return of && set ? within(draft, { of, set, offset }) : null
    }
    case 'if':
      return choice(draft, formula)
  }
}

/** All of them, so that every fault of a formula is told at once. */
function compileAll(draft: Writing, formulas: readonly Formula[]): Code[] | null {
  const codes = formulas.map((formula) => compile(draft, formula)).filter((code) => code !== null)
  return codes.length === formulas.length ? codes : null
}

function isZero(formula: Formula): boolean {
  return formula.kind === 'number' && /^[0.]+$/.test(formula.text)
}

function number(draft: Writing, formula: Formula & { kind: 'number' }): Code | null {
  const { text, unit, offset } = formula
  const value = readNumber(text)
  if (value === null) return draft.fault(offset, `a number has at most ${MOST_DIGITS} digits`)
  const { money } = draft.terms.scope
  if (unit !== null && unit !== money) {
    return draft.fault(offset, `the money of this program is ${money}, not ${unit}`)
  }
  const type: Type = unit === null ? { kind: 'number' } : { kind: 'money', currency: money }
  return { type, run: () => value, quick: quickConstant(value), literal: null, offset }
}

function name(draft: Writing, wanted: string, offset: number): Code | null {
  const seen = draft.facts.get(wanted)
  const found = seen ? { fact: seen } : findFact(draft.terms, wanted)
  if ('fact' in found) {
    const { fact } = found
    draft.facts.set(wanted, fact)
    const run: Run = (sight) => {
      const value = fact.read(sight)
      if (value === undefined) sight.failure = `${wanted} is missing`
      return value
    }
    return { type: fact.type, run, quick: fact.quick, literal: null, offset }
  }

  const { tables } = draft.terms.scope
  if (tables.has(wanted)) return draft.fault(offset, `"${wanted}" is a table`, `write ${wanted}[…]`)
  if (functionNames.includes(wanted))
    return draft.fault(offset, `"${wanted}" is a function`, `write ${wanted}(…)`)
  if (!found.message.startsWith('unknown')) return draft.fault(offset, found.message, found.hint)
  const hyphened = [...tables.keys()].find((table) => table.startsWith(`${wanted}-`))
  if (hyphened)
    return draft.fault(offset, `unknown name "${wanted}"`, `write \`${hyphened}\`[…], between backticks`)
  const known = [...factNames(draft.terms), ...tables.keys(), ...functionNames]
  const { ruleIds } = draft.terms.scope
  if (isValueOfSome(draft.terms, wanted))
    return draft.fault(offset, `unknown name "${wanted}"`, `a text stands in quotes: "${wanted}"`)
  const hint = ruleIds.has(wanted) ? `write awarded(${wanted})` : didYouMean(wanted, known)
  return draft.fault(offset, `unknown name "${wanted}"`, hint ?? knownHere(known))
}

/** Whether a fact can have it as its value, or a table has such a row. */
function isValueOfSome({ scope, on }: Terms, wanted: string): boolean {
  const known = [weekdays, ...scope.ladders.values(), scope.segments, scope.promotions]
  if (known.some((names) => names.some((one) => one === wanted))) return true
  const types = on.flatMap((type) => scope.transactionTypes.get(type) ?? [])
  const fields = types.flatMap((type) => [...type.fields.values(), ...type.lineFields.values()])
  return (
    fields.some(({ oneOf }) => oneOf?.includes(wanted)) ||
    [...scope.tables.values()].some(({ rows }) => rows.has(wanted))
  )
}

function choice(draft: Writing, { when, yes, no, offset }: Formula & { kind: 'if' }): Code | null {
  const [condition, first, second] = compileAll(draft, [when, yes, no]) ?? []
  if (!condition || !first || !second || !wantsBoolean(draft, condition)) return null
  const branches = alike(draft, [first, second])
  if (!branches) return null
  const holds = asBoolean(condition)
  const [one, other] = [branches[0]!, branches[1]!]
  const run: Run = (sight) => {
    const verdict = holds(sight)
    return verdict === undefined ? undefined : verdict ? one.run(sight) : other.run(sight)
  }
  // Two text constants are still a text, but no longer a constant.
  const quick = quickBranch(holds, alongside([one.quick, other.quick]))
  return { type: isAmount(one.type) ? one.type : widened(one.type), run, quick, literal: null, offset }
}

function quickBranch(
  holds: ReturnType<typeof asBoolean>,
  both: ReturnType<typeof alongside>,
): Quick | undefined {
  if (!both) return undefined
  const [yes, no] = [both.reads[0]!, both.reads[1]!]
  return {
    unit: both.unit,
    read(sight) {
      const verdict = holds(sight)
      return verdict === undefined ? Number.NaN : verdict ? yes(sight) : no(sight)
    },
  }
}

function widened(type: Type): Type {
  return type.kind === 'text' ? TEXT : type
}
