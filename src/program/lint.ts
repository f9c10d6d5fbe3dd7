/** What a program may say but hardly means: warnings that keep nothing from being published. */
import type { MapNode, Node, Report } from '../rules/node.ts'
import { problem } from '../rules/problem.ts'
import { asMap, childOf, itemsAt, scalarAt } from './nodes.ts'

export function lint(top: MapNode, examples: readonly MapNode[], report: Report): void {
  const rules = itemsAt(top, 'earn').flatMap((item) => asMap(item) ?? [])
  if (examples.length === 0) {
    const hint = 'put some beside it, in a file whose name ends in ".examples.yaml"'
    report(problem({ ...top.at, line: 1, column: 1 }, 'the program has no examples', { hint }))
    return
  }
  const shown = rulesShown(examples)
  for (const rule of rules) {
    const id = scalarAt(rule, 'id')
    if (id && !shown.has(id.text)) report(problem(id.at, `no example shows the rule "${id.text}"`))
  }
}

/** The rules that some example says what they give. */
function rulesShown(examples: readonly MapNode[]): Set<string> {
  const shown = new Set<string>()
  const take = (awards: Node | null) => {
    for (const { key } of asMap(awards)?.entries ?? []) shown.add(key)
  }
  for (const file of examples) {
    for (const item of itemsAt(file, 'examples')) {
      const example = asMap(item)
      take(childOf(example, 'awards'))
      for (const step of itemsAt(example, 'steps')) take(childOf(asMap(step), 'awards'))
    }
  }
  return shown
}
