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

/** Compiles a rule's `funder`, which its conditions may narrow; null after a report. */
export function compileFunder(
  node: Node,
  { terms, when }: { terms: Terms; when: Node | undefined },
  report: Report,
): Funder | null {
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
  const stranger = narrowed(field, when, name).find((value) => !partners.includes(value))
  if (stranger === undefined) return { kind: 'field', field: name }
  const known = field.filter((value) => partners.includes(value))
  const narrow = known.length > 0 ? `leave it out: when: { ${name}: [${known.join(', ')}] }` : undefined
  const hint = partners.length === 0 ? `declare them: partners: [${field.join(', ')}]` : narrow
  report(problem(node.at, `"${name}" can be "${stranger}", which is no partner`, { hint }))
  return null
}

/** Which of a field's values are left by what the rule asks of it: `carrier: [north, south]`, `carrier: { not: own }`. */
function narrowed(values: readonly string[], when: Node | undefined, name: string): readonly string[] {
  const asked = when?.kind === 'map' ? when.entries.find(({ key }) => key === name)?.value : undefined
  if (asked === undefined) return values
  if (asked.kind !== 'map') return values.filter((value) => textsOf(asked).includes(value))
  return asked.entries.reduce<readonly string[]>((left, { key, value }) => {
    const texts = textsOf(value)
    if (key === 'is' || key === 'in') return left.filter((one) => texts.includes(one))
    return key === 'not' || key === 'notIn' ? left.filter((one) => !texts.includes(one)) : left
  }, values)
}

function textsOf(node: Node): readonly string[] {
  if (node.kind === 'list') return node.items.flatMap(textsOf)
  return node.kind === 'scalar' ? [node.text] : []
}
