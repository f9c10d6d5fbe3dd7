/**
 * Pieces of a compiled formula. A piece has a type, fixed when the rule is checked, and a closure that works
 * it out; the closure answers undefined, with the reason in `sight.failure`, where there is no value.
 */
import type { Decimal } from '../base/points.ts'
import type { Fact, Terms } from './fact.ts'
import type { Quick } from './quick.ts'
import type { Sight } from './sight.ts'
import { isComparable, readText, type Type, typeNames, type Value } from './value.ts'

export type Run = (sight: Sight) => Value | undefined

export interface Code {
  readonly type: Type
  readonly run: Run
  /** of amounts: the same without Decimal, where that is exact */
  readonly quick?: Quick | undefined
  /** a text constant, which takes the type of what it stands beside */
  readonly literal: string | null
  readonly offset: number
}

/** A formula being compiled. */
export interface Draft {
  readonly terms: Terms
  /** of the award that the formula is for */
  readonly currency: string | null
  /** what the formula sees, for the trace */
  readonly facts: Map<string, Fact>
  readonly fault: (offset: number, message: string, hint?: string) => null
}

// The type was checked when the piece was compiled; these say so to TypeScript.
export const asDecimal = (code: Code) => code.run as (sight: Sight) => Decimal | undefined
export const asBoolean = (code: Code) => code.run as (sight: Sight) => boolean | undefined

export function isAmount(type: Type): boolean {
  return type.kind === 'number' || type.kind === 'money'
}

/** Gives text constants the type of their neighbour and checks that all pieces can be compared. */
export function alike(draft: Draft, codes: readonly Code[]): Code[] | null {
  const several = codes.find(({ type }) => type.kind === 'set')
  if (several) return draft.fault(several.offset, 'these are several names at once', "write 'name' in …")
  const lead = codes.find(({ literal }) => literal === null) ?? codes[0]
  if (!lead) return null
  const result: Code[] = []
  for (const code of codes) {
    const typed = code.literal === null ? code : typedLiteral(draft, code, lead.type)
    if (!typed) continue
    if (isComparable(lead.type, typed.type)) result.push(typed)
    else
      draft.fault(
        code.offset,
        `expected ${named(lead.type)}, not ${named(code.type)}`,
        remedy(lead.type, code.type),
      )
  }
  return result.length === codes.length ? result : null
}

function typedLiteral(draft: Draft, code: Code, type: Type): Code | null {
  const reading = readText(type, code.literal ?? '')
  if (!('value' in reading)) return draft.fault(code.offset, reading.message, reading.hint)
  const { value } = reading
  return { ...code, type, run: () => value }
}

export function named(type: Type): string {
  return type.kind === 'tier' ? `a tier of ${type.ladder}` : typeNames[type.kind]
}

function remedy(expected: Type, found: Type): string | undefined {
  if (expected.kind === 'money' && found.kind === 'number')
    return `write the money's unit: 10 ${expected.currency}`
  if (expected.kind === 'number' && found.kind === 'money') {
    return `divide by 1 ${found.currency} to make money a number`
  }
  return undefined
}

export function wantsAmounts(draft: Draft, codes: readonly Code[]): boolean {
  const wrong = codes.find(({ type }) => !isAmount(type))
  if (wrong) draft.fault(wrong.offset, `expected a number or money, not ${named(wrong.type)}`)
  return wrong === undefined
}

export function wantsBoolean(draft: Draft, code: Code): boolean {
  if (code.type.kind !== 'boolean') draft.fault(code.offset, `expected a condition, not ${named(code.type)}`)
  return code.type.kind === 'boolean'
}
