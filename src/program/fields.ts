/** Values from outside against declared fields: nothing undeclared gets in, nothing of a wrong type. */
import { DomainError } from '../base/errors.ts'
import { didYouMean } from '../base/nearest.ts'
import type { Field, FieldValue } from '../rules/facts.ts'
import { isDay } from '../rules/value.ts'

/**
 * Refuses (`unknown_fact`) a value of an undeclared field, of another type, or outside its closed list;
 * and, unless `partial`, a required field that is missing. `path` says where the values stand.
 */
export function checkFields(
  declared: ReadonlyMap<string, Field>,
  values: Readonly<Record<string, FieldValue>>,
  where: { path: string; partial?: boolean },
): void {
  for (const [name, value] of Object.entries(values)) {
    const path = `${where.path}/${name}`
    const field = declared.get(name)
    if (!field) {
      const hint = didYouMean(name, declared.keys())
      throw new DomainError('unknown_fact', {
        path,
        problem: `"${name}" is not declared`,
        ...(hint && { hint }),
      })
    }
    const problem = value === null ? null : mismatch(field, value)
    if (problem) throw new DomainError('unknown_fact', { path, problem })
  }
  if (where.partial) return
  for (const field of declared.values()) {
    if (field.required && (values[field.name] ?? null) === null) {
      throw new DomainError('unknown_fact', { path: `${where.path}/${field.name}`, problem: 'is required' })
    }
  }
}

function mismatch(field: Field, value: string | number | boolean): string | null {
  switch (field.type) {
    case 'text':
      if (typeof value !== 'string') return 'expected text'
      if (field.oneOf && !field.oneOf.includes(value)) return `expected one of ${field.oneOf.join(', ')}`
      return null
    case 'number':
      return typeof value === 'number' || (typeof value === 'string' && isDecimal(value))
        ? null
        : 'expected a number or a decimal string'
    case 'integer':
      return Number.isSafeInteger(value) ? null : 'expected a whole number'
    case 'boolean':
      return typeof value === 'boolean' ? null : 'expected true or false'
    case 'date':
      return typeof value === 'string' && isDay(value) ? null : 'expected a date such as 2026-11-30'
  }
}

function isDecimal(text: string): boolean {
  return /^-?\d{1,20}(\.\d{1,12})?$/.test(text)
}
