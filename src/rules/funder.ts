/**
 * Who pays for the points of a rule: a partner that the rule names, or whichever a field of the transaction
 * names. Where a rule says nothing, or the field is not sent, the program itself pays.
 */
import { didYouMean } from '../base/nearest.ts'
import { findFact, type Terms } from './fact.ts'
import type { Node, Report } from './node.ts'
import { problem } from './problem.ts'

export type Funder =
  | { readonly kind: 'partner'; readonly partner: string }
  /** an attribute of the transaction, whose values are all partners */
  | { readonly kind: 'field'; readonly field: string }

/** Compiles a rule's `funder`; null after a report. */
export function compileFunder(node: Node, terms: Terms, report: Report): Funder | null {
  const partners = terms.scope.partners ?? []
  const name = node.kind === 'scalar' ? node.text : ''
  const found = findFact(terms, name)
  const field = 'fact' in found && found.fact.type.kind === 'text' ? found.fact.type.oneOf : null
  const isPartner = partners.includes(name)
  if (isPartner && field === null) return { kind: 'partner', partner: name }
  if (isPartner) {
    report(problem(node.at, `"${name}" is a partner and a field: it cannot be told which is meant`))
    return null
  }
  if (field === null) {
    const hint = partners.length === 0 ? 'declare it: partners: [north, south]' : didYouMean(name, partners)
    const known = `partners are ${partners.join(', ')}`
    report(problem(node.at, `there is no partner "${name}"`, { hint: hint ?? known }))
    return null
  }
  const stranger = field.find((value) => !partners.includes(value))
  if (stranger === undefined) return { kind: 'field', field: name }
  const hint = partners.length === 0 ? `declare them: partners: [${field.join(', ')}]` : undefined
  report(problem(node.at, `"${name}" can be "${stranger}", which is no partner`, { hint }))
  return null
}
