/**
 * What formulas can call: functions on amounts, points that earlier rules gave, and cells of tables. The
 * list is closed; whatever else has parentheses is an unknown function.
 */
import { didYouMean } from '../base/nearest.ts'
import { Decimal } from '../base/points.ts'
import { alike, asDecimal, type Code, type Draft, named, type Run, wantsAmounts } from './code.ts'
import { dayFunctions, partOfDay } from './days.ts'
import type { Fact } from './fact.ts'
import { PARTS, partsOf } from './parts.ts'
import { type Quick, quickChoice, quickRounded } from './quick.ts'
import type { Column } from './table.ts'
import { isComparable, settle, show } from './value.ts'

interface Call {
  readonly name: string
  readonly of: readonly Code[]
  readonly offset: number
}

const single: ReadonlyMap<string, (amount: Decimal) => Decimal> = new Map([
  ['floor', (amount: Decimal) => settle(amount).floor()],
  ['ceil', (amount: Decimal) => settle(amount).ceil()],
  ['round', (amount: Decimal) => settle(amount).toDecimalPlaces(0, Decimal.ROUND_HALF_UP)],
  ['abs', (amount: Decimal) => amount.abs()],
])

const choosing: ReadonlyMap<string, (order: number) => boolean> = new Map([
  ['min', (order: number) => order < 0],
  ['max', (order: number) => order > 0],
])

export const functionNames: readonly string[] = [
  ...choosing.keys(),
  ...single.keys(),
  ...dayFunctions,
  'awarded',
]

export function call(draft: Draft, { name, of, offset }: Call): Code | null {
  const day = partOfDay(draft, { name, of, offset })
  if (day !== undefined) return day
  const apply = single.get(name)
  const better = choosing.get(name)
  if (!apply && !better) {
    if (draft.terms.scope.tables.has(name))
      return draft.fault(offset, `"${name}" is a table`, `write ${name}[…]`)
    return draft.fault(offset, `unknown function "${name}"`, didYouMean(name, functionNames))
  }
  if (apply && of.length !== 1) return draft.fault(offset, `${name} takes one value, not ${of.length}`)
  if (of.length === 0) return draft.fault(offset, `${name} takes at least one value`)
  if (!wantsAmounts(draft, of)) return null
  const codes = alike(draft, of)
  const first = codes?.[0]
  if (!codes || !first) return null

  const amounts = codes.map(asDecimal)
  const run = apply ? onOne(amounts[0]!, apply) : choose(amounts, better!)
  return { type: first.type, run, quick: quickCall(name, codes), literal: null, offset }
}

function quickCall(name: string, codes: readonly Code[]): Quick | undefined {
  const all = codes.map(({ quick }) => quick)
  if (name === 'floor' || name === 'ceil') return quickRounded(all[0], name)
  return name === 'min' ? quickChoice(all, 1) : name === 'max' ? quickChoice(all, -1) : undefined
}

function onOne(amount: ReturnType<typeof asDecimal>, apply: (amount: Decimal) => Decimal): Run {
  return (sight) => {
    const value = amount(sight)
    return value === undefined ? undefined : apply(value)
  }
}

function choose(amounts: readonly ReturnType<typeof asDecimal>[], better: (order: number) => boolean): Run {
  return (sight) => {
    let best: Decimal | undefined
    for (const amount of amounts) {
      const value = amount(sight)
      if (value === undefined) return undefined
      if (best === undefined || better(value.comparedTo(best))) best = value
    }
    return best
  }
}

/**
 * `awarded(rule)`: points that another rule gave in this transaction, after its limits. That rule is evaluated
 * first, wherever it stands.
 */
export function awarded(draft: Draft, rule: string, offset: number): Code | null {
  const { rule: own, scope } = draft.terms
  if (own === null) return draft.fault(offset, 'awarded() can be used in rules only')
  if (rule === own) return draft.fault(offset, 'a rule cannot build on its own award')
  if (!scope.ruleIds.has(rule))
    return draft.fault(offset, `there is no rule "${rule}"`, didYouMean(rule, scope.ruleIds))

  const { currency } = draft
  const run = (sight: Parameters<Run>[0]) => sight.awarded(rule, currency)
  const quick: Quick = { unit: 1, read: (sight) => sight.awardedWhole(rule, currency) }
  const fact: Fact = {
    name: `awarded(${rule})`,
    type: { kind: 'number' },
    perLine: false,
    read: run,
    quick,
    awardedBy: rule,
  }
  draft.facts.set(fact.name, fact)
  return { type: fact.type, run, quick, literal: null, offset }
}

interface Access {
  readonly name: string
  readonly row: Code
  readonly column: { readonly text: string; readonly offset: number } | null
  readonly offset: number
  readonly source: string
}

/** `fares[fareClass].miles`: a row that is not there leaves the formula without a value. */
export function cell(draft: Draft, { name, row, column, offset, source }: Access): Code | null {
  const { tables } = draft.terms.scope
  const table = tables.get(name)
  if (!table && draft.terms.scope.brokenTables?.has(name)) return null
  if (!table) return draft.fault(offset, `there is no table "${name}"`, didYouMean(name, tables.keys()))
  const isText = isComparable(row.type, { kind: 'text', oneOf: null })
  if (!isText && row.type.kind !== 'tier') {
    return draft.fault(row.offset, `a row is found by a text or a tier, not by ${named(row.type)}`)
  }

  const names = [...table.columns.keys()]
  const only = names.length === 1 ? names[0]! : null
  if (column === null && only === null)
    return draft.fault(offset, `say which column of ${name}: ${names.join(', ')}`)
  if (column !== null && only === '') {
    return draft.fault(column.offset, `table ${name} has no columns`, `write ${name}[…] alone`)
  }
  const chosen = table.columns.get(column?.text ?? only ?? '')
  if (!chosen) {
    const wanted = column?.text ?? ''
    return draft.fault(
      column?.offset ?? offset,
      `table ${name} has no column "${wanted}"`,
      didYouMean(wanted, names),
    )
  }
  if (row.literal !== null && !table.rows.has(row.literal)) {
    return draft.fault(
      row.offset,
      `table ${name} has no row "${row.literal}"`,
      didYouMean(row.literal, table.rows),
    )
  }

  const run: Run = (sight) => {
    const value = row.run(sight)
    if (value === undefined) return undefined
    const key = show(row.type, value)
    const found = chosen.cells.get(key)
    if (found === undefined) sight.failure = `table ${name} has no row "${key}"`
    return found
  }
  draft.facts.set(source, { name: source, type: chosen.type, perLine: false, read: run })
  return { type: chosen.type, run, quick: quickCell(row, chosen), literal: null, offset }
}

function quickCell(row: Code, { type, cells }: Column): Quick | undefined {
  if (type.kind !== 'number') return undefined
  const parts = new Map([...cells].map(([key, value]) => [key, partsOf(value as Decimal)]))
  return {
    unit: PARTS,
    read(sight) {
      const value = row.run(sight)
      return value === undefined ? Number.NaN : (parts.get(show(row.type, value)) ?? Number.NaN)
    },
  }
}
