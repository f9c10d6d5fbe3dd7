/**
 * What a program declares and a rule may therefore use. Whatever is not in here is an unknown name, and an
 * unknown name is an error in the rule file, never a condition that silently holds.
 */
import type { Rounding } from '../base/points.ts'
import type { Field } from './facts.ts'
import type { Table } from './table.ts'

export interface Scope {
  readonly timeZone: string
  /** ISO 4217 */
  readonly money: string
  readonly currencies: ReadonlyMap<string, DeclaredCurrency>
  readonly transactionTypes: ReadonlyMap<string, DeclaredType>
  readonly memberAttributes: ReadonlyMap<string, Field>
  /** the attribute that is the day of birth */
  readonly birthday?: string | null
  /** tier ids by ladder, lowest first */
  readonly ladders: ReadonlyMap<string, readonly string[]>
  readonly tables: ReadonlyMap<string, Table>
  /** tables that could not be read, which has been told: who uses them is not told of again */
  readonly brokenTables?: ReadonlySet<string>
  /** of the whole program, in file order */
  readonly ruleIds: ReadonlySet<string>
  /** which of several rules applies, by group */
  readonly groups: ReadonlyMap<string, Group>
  /** that members can be in, several at once */
  readonly segments: readonly string[]
  /** that members can register for */
  readonly promotions: readonly string[]
  /** whether members can form households: pools */
  readonly households?: boolean
  /** who may pay for points of rules */
  readonly partners?: readonly string[]
  /** characters that the program's further formulas may have; counted down while they are compiled */
  readonly room?: { characters: number }
}

export interface Group {
  readonly id: string
  /** `exclusive`: the first that gives something, and then no rule of outside gives anything on top */
  readonly pick: 'best' | 'first' | 'all' | 'exclusive'
  readonly per: 'transaction' | 'line'
}

export interface DeclaredCurrency {
  readonly rounding: Rounding
  /** when its points lapse: only a date of their own can be put off */
  readonly expiry?: { readonly kind: string }
}

export interface DeclaredType {
  readonly fields: ReadonlyMap<string, Field>
  readonly lineFields: ReadonlyMap<string, Field>
}

/** A currency by its id or its singular: `beans` is also `bean`, `pennies` is also `penny`. */
export function findCurrency(scope: Scope, word: string): string | null {
  if (scope.currencies.has(word)) return word
  for (const id of scope.currencies.keys()) if (singular(id) === word) return id
  return null
}

export function singular(currency: string): string {
  if (currency.endsWith('ies')) return `${currency.slice(0, -3)}y`
  return currency.endsWith('s') ? currency.slice(0, -1) : currency
}
