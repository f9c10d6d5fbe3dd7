/** The currency that a request names: the program's own, or a refusal that tells the nearest name. */
import { DomainError } from '../base/errors.ts'
import { didYouMean } from '../base/nearest.ts'
import type { Currency, Program } from './program.ts'

/** Refuses `unknown_currency`. */
export function currencyNamed(program: Program, id: string): Currency {
  const currency = program.currencies.get(id)
  if (currency) return currency
  const hint = didYouMean(id, program.currencies.keys())
  throw new DomainError('unknown_currency', { currency: id, ...(hint && { hint }) })
}
