/** Promotions that members register for: each has an id for rules to ask for, and a time to register in. */
import type { Node } from '../rules/node.ts'
import { problem } from '../rules/problem.ts'
import { compileWindow } from '../rules/window.ts'
import type { Findings } from './findings.ts'
import { asMap, childOf, firstOf, scalarAt, textAt } from './nodes.ts'
import type { Promotion } from './program.ts'

export function readPromotions(
  items: readonly Node[],
  { timeZone, findings }: { timeZone: string; findings: Findings },
): Map<string, Promotion> {
  const { report } = findings
  const promotions = new Map<string, Promotion>()
  for (const item of firstOf(items, { most: 500, what: 'promotions', report })) {
    const map = asMap(item)
    const id = textAt(map, 'id')
    if (map === null || id === null) continue
    if (promotions.has(id)) report(problem(scalarAt(map, 'id')!.at, `the promotion "${id}" stands twice`))
    const [from, until, through] = ['from', 'until', 'through'].map((key) => childOf(map, key) ?? undefined)
    const window = compileWindow({ from, until, through }, timeZone, report)
    if (window) promotions.set(id, { id, name: textAt(map, 'name') ?? id, ...window })
  }
  return promotions
}
