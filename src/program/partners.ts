/** The partners who pay for points of some rules, by the ids under which the ledger keeps what each owes. */
import { OWN_FUNDER } from '../base/funder.ts'
import type { MapNode, Report } from '../rules/node.ts'
import { problem } from '../rules/problem.ts'
import { ID } from './grammar.ts'
import { asScalar, firstOf, itemsAt } from './nodes.ts'

export function readPartners(top: MapNode, report: Report): string[] {
  const partners: string[] = []
  for (const node of firstOf(itemsAt(top, 'partners'), { most: 500, what: 'partners', report })) {
    const id = asScalar(node)?.text
    if (id === undefined) continue
    if (!ID.test(id)) {
      const hint = 'an id is a letter, then letters, digits, "_" or "-"'
      report(problem(node.at, `"${id}" is no id for a partner`, { hint }))
    } else if (partners.includes(id)) report(problem(node.at, `the partner "${id}" stands twice`))
    else if (id === OWN_FUNDER)
      report(problem(node.at, `a partner can't be called "${id}": that is who pays where no partner does`))
    partners.push(id)
  }
  return partners
}
